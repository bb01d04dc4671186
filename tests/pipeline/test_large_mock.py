"""Catalogues of millions: written in blocks, reproducible in bytes."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.__main__ import main
from pipeline.mock.measured import DISTANCE_ERROR, ERRORS, measured
from pipeline.mock.survey import simulate
from pipeline.products.catalog import CATALOG_NAME, write_blocks
from pipeline.products.manifest import ProductError
from pipeline.products.product import Products, verify
from pipeline.stages import large_mock


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Two catalogues of one block and one seed, and one of two blocks."""
    folder = tmp_path_factory.mktemp("large")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_mock, "_PARTICLES", 3000)
        patch.setenv("MGIANT_HOME", str(folder))
        for name, block in (("one", 600), ("again", 600), ("parted", 300)):
            told = []
            assert large_mock.simulate_catalogue(folder / name, 600, 5, told.append, block=block) == 600
            assert told[-1] == 1.0
            assert told == sorted(told)
    return folder


def test_they_verify_and_say_what_they_are(large):
    for name in ("one", "parted"):
        assert verify(large / name) == []
    products = Products.open(large / "parted")
    assert "simulated" in products.manifest.simulated_note
    assert "no spectrum" in products.manifest.simulated_note
    assert products.spectra is None
    assert len(products.maps) > 0
    assert {"stream_model", "spiral_arms"} <= set(products.overlays)
    assert pq.ParquetFile(large / "parted" / CATALOG_NAME).num_row_groups == 2


def test_same_seed_same_bytes(large):
    assert (large / "one" / CATALOG_NAME).read_bytes() == (large / "again" / CATALOG_NAME).read_bytes()


def test_each_block_is_another_sky(large):
    table = pd.read_parquet(large / "parted" / CATALOG_NAME)
    assert table["obsid"].is_monotonic_increasing
    first, second = table[:300], table[300:]
    assert not set(first["ra"]) & set(second["ra"])
    for name in ("star", "gaia_source_id", "plan_id"):
        assert not set(first[name]) & set(second[name]) - {0}, name
    assert (table["gaia_source_id"] == 0).sum() == (table["g_mag"].isna()).sum() > 0
    fibres = table[["plan_id", "spectrograph_id", "fiber_id"]]
    assert not fibres.duplicated().any()
    assert table["j_phi"].notna().mean() > 0.9
    complete = table["bp_rp"].notna() & table["j_mag"].notna()
    assert table["oddness"][complete].notna().all(), "one that Gaia or 2MASS lacks may have nothing to be odd in"
    assert complete.mean() > 0.97


def test_values_scatter_about_the_truth_as_their_errors_say():
    survey = simulate(3000, 11, training=0)
    found = measured(survey, 3)
    giants = (survey.truth["kind"] == "M giant").to_numpy() & (survey.truth["oddity"] == "").to_numpy()
    giants &= (survey.truth["true_rv_wrong_arm"] == 0).to_numpy()
    moved = {"rv": survey.truth["true_rv_orbit"].to_numpy()}
    for name in ERRORS:
        difference = found[name] - survey.truth[f"true_{name}"].to_numpy() - moved.get(name, 0.0)
        pull = difference[giants] / found[f"{name}_err"][giants]
        assert np.std(pull) == pytest.approx(1.0, abs=0.06), name
    ratio = np.log(found["distance"] / survey.truth["true_distance"].to_numpy())[giants]
    assert np.std(ratio) == pytest.approx(DISTANCE_ERROR, rel=0.06)


def test_blocks_must_follow_each_other(large, tmp_path):
    table = pd.read_parquet(large / "one" / CATALOG_NAME)
    with pytest.raises(ProductError, match="repeats obsids or is out of order"):
        write_blocks([table[300:], table[:300]], tmp_path, simulated=True)
    with pytest.raises(ProductError, match="other columns than the first"):
        write_blocks([table[:300], table[300:].drop(columns="teff")], tmp_path, simulated=True)


def test_sizes_and_numbers_exclude_each_other(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["mock", str(tmp_path / "x"), "--size", "million", "--stars", "10"])
    assert "not allowed with" in capsys.readouterr().err
