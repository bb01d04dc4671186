"""The downloaded XP library, and packages with data files."""

import numpy as np
import pytest

from pipeline.sources.gaia_xp import _positions, read_xp_library
from pipeline.sources.wheels import FetchError, PackagedFile, fetch


def test_positions_from_2mass_names():
    ra, dec = _positions(np.array(["2M14300843-6315371", "2M02003399+6108246"]))
    assert ra == pytest.approx([217.535125, 30.141625])
    assert dec == pytest.approx([-63.26031, 61.14017], abs=1e-4)


def test_xp_library_says_how_to_fetch_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="fetch xp"):
        read_xp_library(tmp_path / "nothing.fits.gz")


def test_a_wheel_with_another_checksum_is_refused(tmp_path):
    wheel = tmp_path / "six-1.17.0-py2.py3-none-any.whl"
    wheel.write_bytes(b"not the real one")
    wanted = PackagedFile("six", "1.17.0", "0" * 64, "six.py", 1, "MIT", "test")
    with pytest.raises(FetchError, match=r"SHA-256|Could not download"):
        fetch(wanted, tmp_path)
    assert not (tmp_path / "six.py").exists()


def test_what_was_fetched_before_is_not_fetched_again(tmp_path):
    (tmp_path / "data.bin").write_bytes(b"x")
    wanted = PackagedFile("no-such-package-at-all", "0", "0" * 64, "inside/data.bin", 1, "MIT", "test")
    assert fetch(wanted, tmp_path) == tmp_path / "data.bin"
