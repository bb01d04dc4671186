"""Fixtures of the tests against archives: a simulated download, and servers of it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from http_archive import HttpArchive

from pipeline.mock.archives import write_archives
from pipeline.mock.survey import simulate

N_STARS = 300
SEED = 11


@pytest.fixture(scope="session")
def download(tmp_path_factory):
    """The files of a simulated survey, as the archives give them."""
    survey = simulate(N_STARS, seed=SEED, training=N_STARS // 5)
    return write_archives(survey, tmp_path_factory.mktemp("archives") / "download", N_STARS // 5)


@pytest.fixture
def archive():
    """An empty archive; no answer of it may have failed unasked."""
    with HttpArchive() as running:
        yield running
        assert running.server.errors == []


@pytest.fixture
def lamost(archive, download):
    """An archive with one release of LAMOST: that of the simulated survey."""
    archive.add_lamost(download.directory)
    return archive
