"""Fixtures of the tests against archives: a simulated download, and servers of it."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "explorer")]

from archive_tables import DownloadTables  # noqa: E402 - after the path
from dachs import TapServer  # noqa: E402 - after the path
from http_archive import HttpArchive  # noqa: E402 - after the path
from tap_packages import reason_without  # noqa: E402 - after the path

from pipeline.mock.archives import write_archives  # noqa: E402 - after the path
from pipeline.mock.survey import simulate  # noqa: E402 - after the path

N_STARS = 300
SEED = 11


@pytest.fixture(scope="session")
def download(tmp_path_factory):
    """The files of a simulated survey, as the archives give them."""
    survey = simulate(N_STARS, seed=SEED, training=N_STARS // 5)
    return write_archives(survey, tmp_path_factory.mktemp("archives") / "download", N_STARS // 5)


@pytest.fixture(scope="session")
def tables(download):
    """The download's tables, as the Gaia archive and VizieR have them."""
    return DownloadTables(download).all()


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


@pytest.fixture(scope="session")
def tap_in_process(tables):
    """The TAP service in this process, whose faults and log ``tap_in_process.archive`` has."""
    with HttpArchive() as running:
        service = running.add_tap(tables)
        service.archive = running
        yield service


@pytest.fixture(scope="session")
def tap_server(tables):
    """A real TAP server with the tables of the Gaia archive; it takes ten seconds to start, on a busy machine more."""
    reason = reason_without()
    if reason:
        pytest.skip(reason)
    running = TapServer(tables)
    print("TAP server:", ", ".join(f"{name} {seconds:.1f} s" for name, seconds in running.seconds.items()))
    yield running
    running.stop()
    assert running.processes() == []


@pytest.fixture(params=["tap_in_process", pytest.param("tap_server", marks=pytest.mark.tap_server)])
def tap(request):
    """Either TAP service: ``url`` and ``tables`` are the same for both."""
    service = request.getfixturevalue(request.param)
    yield service
    if request.param == "tap_in_process":
        assert service.archive.server.errors == []
        service.archive.clear()
