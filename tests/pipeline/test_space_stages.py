"""Stars with missing data through the space stages: flags and NaN."""

import numpy as np
import pandas as pd
import pytest

from pipeline.config import load_config
from pipeline.domain.columns import QUANTILE_OF
from pipeline.domain.flags import QualityFlag
from pipeline.products.catalog import Catalog
from pipeline.stages.distances import measure_distances
from pipeline.stages.flagging import raise_flags
from pipeline.stages.sky import place_on_sky
from pipeline.stages.spatial import (
    measure_actions,
    measure_quantiles,
    place_in_phase_space,
    place_in_stream,
    stream_coordinates,
)
from pipeline.stages.state import BuildState

CASES = ("good", "no proper motion", "no K", "poor [M/H]", "unbound", "negative parallax", "no velocity", "too red")


def quiet(_fraction, _message):
    pass


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("space")
    (folder / "run.toml").write_text("[kinematics]\ndraws = 20\nstream_particles = 200\n[distance]\ndraws = 50\n")
    n = len(CASES)
    rows = pd.DataFrame(
        {
            "obsid": np.arange(1, n + 1),
            "ra": np.linspace(20, 300, n),
            "dec": np.linspace(10, 50, n),
            "j_mag": 11.0,
            "j_mag_err": 0.02,
            "k_mag": 9.95,
            "k_mag_err": 0.02,
            "m_h_input": -0.2,
            "pmra": 1.0,
            "pmra_err": 0.05,
            "pmdec": -2.0,
            "pmdec_err": 0.05,
            "parallax": 0.2,
            "parallax_err": 0.05,
            "rv": 20.0,
            "rv_err": 3.0,
        },
        index=list(CASES),
    )
    rows.loc["no proper motion", ["pmra", "pmdec", "pmra_err", "pmdec_err"]] = np.nan
    rows.loc["no K", "k_mag"] = np.nan
    rows.loc["poor [M/H]", "m_h_input"] = -3.0
    rows.loc["unbound", "pmra"] = 80.0
    rows.loc["negative parallax", "parallax"] = -0.4
    rows.loc["no velocity", ["rv", "rv_err"]] = np.nan
    rows.loc["too red", "j_mag"] = 12.2
    state = BuildState(load_config(str(folder / "run.toml")), folder, folder, rows.reset_index(drop=True))
    for stage in (
        *(place_on_sky, measure_distances, place_in_phase_space, measure_actions, measure_quantiles),
        *(stream_coordinates, place_in_stream, raise_flags),
    ):
        stage(state, quiet)
    Catalog.from_frame(state.table.drop(columns=["m_h_input"]))  # keeps the contract
    return state.table.set_index(pd.Index(CASES))


def flagged(table, case, flag):
    return bool(int(table.loc[case, "quality"]) & int(flag))


def test_a_star_with_everything_has_everything(table):
    wanted = ["distance", "x_gal", "v_phi", "j_r", "z_max", "sgr_probability", *(f"{name}_16" for name in QUANTILE_OF)]
    assert np.isfinite(table.loc["good", wanted].astype(float)).all()
    assert table.loc["good", "quality"] == 0


@pytest.mark.parametrize("case", ["no proper motion", "no velocity"])
def test_without_all_of_six_there_is_a_place_and_nothing_that_needs_motion(table, case):
    assert np.isfinite(table.loc[case, ["distance", "x_gal", "r_gal", "sgr_probability"]].astype(float)).all()
    names = ["v_x", "v_phi", "j_r", "j_phi", "energy", "z_max", *(f"{name}_50" for name in QUANTILE_OF)]
    assert table.loc[case, names].isna().all()
    term = "sgr_term_motion" if case == "no proper motion" else "sgr_term_velocity"
    assert table.loc[case, term] == 0


def test_an_impossible_metallicity_leaves_a_doubtful_distance(table):
    assert table.loc["poor [M/H]", "distance_roots"] == 0
    assert flagged(table, "poor [M/H]", QualityFlag.DISTANCE_DOUBTFUL)
    width = np.log((table["distance_84"] / table["distance_16"]).astype(float))
    assert width["poor [M/H]"] > width["good"]


@pytest.mark.parametrize("case", ["no K", "too red"])
def test_without_a_distance_there_is_no_place(table, case):
    names = ["distance", "distance_16", "k_abs", "a_k", "e_jk", "x_gal", "v_phi", "j_z", "sgr_probability", "z_max_84"]
    assert table.loc[case, names].isna().all()
    if case != "no K":
        assert table.loc[case, "distance_roots"] == 0
        assert flagged(table, case, QualityFlag.DISTANCE_DOUBTFUL)
    else:
        assert table.loc[case, "distance_roots"] == -1


def test_an_unbound_star_keeps_its_energy_and_has_no_orbit(table):
    assert np.isfinite(table.loc["unbound", ["energy", "v_x", "j_phi"]].astype(float)).all()
    assert table.loc["unbound", ["j_r", "j_z", "z_max", "r_apo", "eccentricity", "j_r_50", "r_apo_84"]].isna().all()
    assert flagged(table, "unbound", QualityFlag.UNBOUND)
    assert not flagged(table, "unbound", QualityFlag.ACTION_FAILURE)


def test_a_negative_parallax_is_no_distance_and_spoils_none(table):
    pd.testing.assert_series_equal(
        table.loc["negative parallax", ["j_mag", "k_mag"]], table.loc["good", ["j_mag", "k_mag"]], check_names=False
    )
    assert np.isfinite(table.loc["negative parallax", ["distance", "j_r", "sgr_probability"]].astype(float)).all()
    assert table.loc["negative parallax", "parallax"] == -0.4
