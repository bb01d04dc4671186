"""Fixtures that every test may use: the shared real data, tiny products."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("MGIANT_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data beside the project; tests that need it say plainly when it is absent."""
    if not (SHARED / "spectra").is_dir():
        pytest.skip(f"the shared real data is absent (looked in {SHARED}; set MGIANT_DATA to its folder)")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory):
    """Downloads and kept stream models of the tests go to a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MGIANT_HOME", str(tmp_path_factory.mktemp("home")))
        yield
