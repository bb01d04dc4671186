"""Any star table through all stages: finished values kept, others derived or skipped with a reason."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from pipeline.config import DistanceConfig, RunConfig, load_config
from pipeline.domain.columns import REQUIRED
from pipeline.domain.flags import QualityFlag
from pipeline.domain.frames import equatorial_to_galactic
from pipeline.products.product import Products, verify
from pipeline.stages import runner, state
from pipeline.stages.distances import measure_distances
from pipeline.stages.order import STAGES
from pipeline.stages.sky import place_on_sky
from pipeline.stages.spatial import place_in_phase_space
from pipeline.stages.state import BuildState, StageSkipped

NAN = np.nan
SETTINGS = "[distance]\ndraws = 30\n[kinematics]\ndraws = 10\nstream_particles = 100\n"


def quiet(_fraction, _message):
    pass


def built(folder, monkeypatch, columns, settings=SETTINGS):
    """A product directory from a table, through the runner; and its configuration."""

    def read(build_state, _progress):
        build_state.table = pd.DataFrame(columns)
        return len(build_state)

    (folder / "run.toml").write_text(settings)
    config = load_config(str(folder / "run.toml"))
    monkeypatch.setattr(runner, "STAGES", (dataclasses.replace(STAGES[0], run=read), *STAGES[1:]))
    runner.build(config, folder / "out", quiet=True)
    assert verify(folder / "out") == []
    return Products.open(folder / "out"), config


def stars(n=6, **columns):
    ra, dec = np.linspace(20.0, 300.0, n), np.linspace(-10.0, 50.0, n)
    return {"obsid": np.arange(1, n + 1), "ra": ra, "dec": dec} | columns


def distances(tmp_path, config=None, **columns):
    config = config or DistanceConfig(draws=30)
    build_state = BuildState(RunConfig("d", distance=config), tmp_path, tmp_path, pd.DataFrame(columns))
    place_on_sky(build_state, quiet)
    measure_distances(build_state, quiet)
    return build_state


def test_a_table_with_nothing_but_identifiers(tmp_path, monkeypatch, as_planned):
    products, config = built(tmp_path, monkeypatch, {"obsid": [3, 1, 2]})
    as_planned(tmp_path / "out", config, ())
    table = products.catalog.table
    assert set(REQUIRED) <= set(table)
    assert table["quality"].tolist() == [0, 0, 0]
    assert table["in_training"].tolist() == [False, False, False]
    assert table["n_obs"].tolist() == [1, 1, 1]


def test_a_finished_catalogue_keeps_its_values(tmp_path, monkeypatch, as_planned):
    finished = {
        "teff": 3800.0,
        "teff_err": 40.0,
        "logg": 1.0,
        "m_h": -0.4,
        "alpha_m": 0.1,
        "snr": 90.0,
        "rv": -20.0,
        "rv_err": 1.5,
        "distance": np.linspace(2.0, 12.0, 6),
        "pmra": 1.0,
        "pmdec": -2.0,
        "chi2_nu": 1.1,
        "quality": [0, 4, 0, 0, 512, 0],
        "oddness": [0.1, 3.0, NAN, 0.2, 0.3, 0.4],
        "oddness_reason": ["", "emission", "", "", "", ""],
        "in_training": [True, *[False] * 5],
    }
    products, config = built(tmp_path, monkeypatch, stars(**finished))
    as_planned(tmp_path / "out", config, stars(**finished), too_few=("maps",))
    table = products.catalog.table
    for name, values in finished.items():
        expected = np.broadcast_to(values, 6)
        if name == "quality":
            assert (table[name].to_numpy() & expected == expected).all()
        elif name in ("in_training", "oddness_reason"):
            assert table[name].tolist() == expected.tolist()
        else:
            np.testing.assert_allclose(table[name], expected, rtol=1e-6)
    assert (table["distance_from"] == "catalogue").all()
    assert np.isfinite(table[["x_gal", "v_phi", "j_r", "sgr_lambda", "sgr_probability"]]).all().all()
    assert table[["distance_16", "distance_84"]].isna().all().all()
    assert "k_abs" not in table
    assert set(products.overlays) == {"isochrones", "stream_model", "spiral_arms"}


def test_only_stars_without_a_finished_distance_are_measured(tmp_path):
    magnitudes = {"j_mag": [11.0, 11.0, NAN], "k_mag": [9.95, 9.95, NAN], "m_h_input": -0.2}
    finished = {"distance": [5.0, NAN, 7.0], "distance_16": [4.0, 1.0, NAN], "distance_84": [6.5, 1.0, NAN]}
    table = distances(tmp_path, **stars(3), **magnitudes, **finished, k_abs=[-5.0, NAN, NAN]).table
    assert table["distance_from"].tolist() == ["catalogue", "photometric", "catalogue"]
    assert table["distance"][[0, 2]].tolist() == [5.0, 7.0]
    assert table["distance_16"][1] < table["distance"][1] < table["distance_84"][1]
    assert table.loc[0, ["distance_16", "distance_84"]].tolist() == [4.0, 6.5]
    assert table["distance_roots"].tolist() == [-1, 1, -1]
    assert table["k_abs"][0] == -5.0
    assert table.loc[1, ["k_abs", "a_k", "e_jk", "jk0", "k0_mag"]].notna().all()
    assert table.loc[2, ["k_abs", "a_k", "e_jk", "jk0", "k0_mag", "jk"]].isna().all()
    assert table["jk"][0] == pytest.approx(1.05), "a colour needs no distance"


def test_a_reopened_product_has_the_same_description(tmp_path):
    words = ["photometric", "", "parallax"]
    table = distances(tmp_path, **stars(3), distance=[1.0, 2.0, NAN], distance_from=words).table
    assert table["distance_from"].tolist() == ["photometric", "catalogue", ""]


ELSEWHERE = {
    "distance_input": [3.0, NAN, NAN, NAN, NAN, -1.0],
    "distance_geo": [2.0, 2.5, NAN, NAN, NAN, NAN],
    "distance_geo_16": [1.9, 2.2, NAN, NAN, NAN, NAN],
    "distance_geo_84": [2.1, 2.9, NAN, NAN, NAN, NAN],
    "parallax": [1.0, 1.0, 0.5, 0.5, -0.5, NAN],
    "parallax_err": [0.01, 0.01, 0.02, 0.06, 0.01, 0.01],
}


def test_other_distances_in_their_order(tmp_path):
    build_state = distances(tmp_path, **stars(), **ELSEWHERE)
    table = build_state.table
    assert table["distance_from"].tolist() == ["input", "geometric", "parallax", "", "", ""]
    np.testing.assert_allclose(table["distance"], [3.0, 2.5, 2.0, NAN, NAN, NAN])
    np.testing.assert_allclose(table["distance_16"], [NAN, 2.2, 1.0 / 0.52, NAN, NAN, NAN])
    np.testing.assert_allclose(table["distance_84"], [NAN, 2.9, 1.0 / 0.48, NAN, NAN, NAN])
    assert build_state.facts["report"]["distance_from"] == {"input": 1, "geometric": 1, "parallax": 1}
    assert "dust map" not in build_state.facts["choices"]


def test_a_star_with_photometry_but_no_solution_gets_no_other_distance(tmp_path):
    """Its photometry says that something is wrong with it; photometric = false trusts the others."""
    hopeless = {"j_mag": 11.6, "k_mag": 9.95, "m_h_input": -0.2}
    table = distances(tmp_path, **stars(), **ELSEWHERE, **hopeless).table
    assert table["distance"].isna().all()
    assert (table["distance_from"] == "").all()
    assert (table["distance_roots"] == 0).all()
    without = DistanceConfig(photometric=False)
    table = distances(tmp_path, without, **stars(), **ELSEWHERE, **hopeless).table
    assert table["distance_from"].tolist() == ["input", "geometric", "parallax", "", "", ""]
    assert "distance_roots" not in table
    assert table["jk"][0] == pytest.approx(1.65)
    with pytest.raises(StageSkipped, match=r"distance\.photometric is false"):
        distances(tmp_path, without, **stars(), **hopeless)


def test_impossible_distances_and_positions_are_rejected_one_by_one(tmp_path):
    columns = stars(4, distance=[1.0, -2.0, 0.0, np.inf], distance_input=[9.0, 4.0, NAN, NAN])
    columns["dec"] = np.array([10.0, 20.0, 30.0, 200.0])
    build_state = distances(tmp_path, **columns)
    place_in_phase_space(build_state, quiet)
    np.testing.assert_allclose(build_state.table["distance"], [1.0, 4.0, NAN, NAN])
    assert build_state.table["distance_from"].tolist() == ["catalogue", "input", "", ""]
    assert np.isfinite(build_state.table["x_gal"]).tolist() == [True, True, False, False]
    assert build_state.table["dec"].isna().tolist() == [False, False, False, True]
    assert [(stage, obsid) for _, obsid, stage, _, _ in build_state.rejects] == [
        ("sky", 4),
        *(("distance", obsid) for obsid in (2, 3, 4)),
    ]


def test_galactic_positions_alone_are_enough(tmp_path):
    columns = stars(4)
    glon, glat = equatorial_to_galactic(columns["ra"], columns["dec"])
    ra, dec = (np.where(np.arange(4) == 3, columns[name], NAN) for name in ("ra", "dec"))
    for given in ({}, {"ra": ra, "dec": dec}):
        table = pd.DataFrame({"obsid": columns["obsid"], "glon": np.r_[glon[:3], 0.0], "glat": np.r_[glat[:3], 0.0]})
        build_state = BuildState(RunConfig("g"), tmp_path, tmp_path, table.assign(**given))
        assert place_on_sky(build_state, quiet) == 4
        np.testing.assert_allclose(build_state.table["ra"][:3], columns["ra"][:3])
        np.testing.assert_allclose(build_state.table["dec"][:3], columns["dec"][:3])
        assert build_state.table["glon"][:3].tolist() == glon[:3].tolist()
        assert build_state.table["star"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(build_state.table["glon"][3], glon[3])


def test_labels_without_an_error_still_give_a_distance(tmp_path):
    magnitudes = {"j_mag": 11.0, "k_mag": 9.95}
    table = distances(tmp_path, **stars(2), **magnitudes, m_h=[-0.2, NAN], m_h_err=NAN).table
    assert table["distance"].notna().all()
    assert table["distance_16"][0] < table["distance"][0] < table["distance_84"][0]


def test_metallicity_is_doubted_only_where_it_measured_a_distance(tmp_path, monkeypatch):
    columns = stars(3, j_mag=[11.0, NAN, 11.0], k_mag=[9.95, NAN, 9.95], m_h=-2.0, distance=[NAN, 3.0, 4.0])
    table = built(tmp_path, monkeypatch, columns)[0].catalog.table
    doubted = (table["quality"].to_numpy() & int(QualityFlag.DISTANCE_DOUBTFUL)) > 0
    assert doubted.tolist() == [True, False, False]


def test_the_reference_s_velocity_is_the_last_resort(tmp_path):
    table = pd.DataFrame(
        {
            "rv": [1.0, NAN, NAN, NAN, NAN],
            "rv_err": 0.5,
            "rv_input": [2.0, 2.0, NAN, NAN, NAN],
            "rv_gaia": [3.0, 3.0, 3.0, NAN, NAN],
            "rv_gaia_err": 0.7,
            "rv_ref": 4.0,
            "rv_ref_err": 0.3,
            "rv_ref_scatter": 0.4,
            "ref_bad": [False, False, False, False, True],
        }
    )
    build_state = BuildState(RunConfig("v"), tmp_path, tmp_path, table)
    np.testing.assert_array_equal(build_state.best_velocity(), [1.0, 2.0, 3.0, 4.0, NAN])
    np.testing.assert_allclose(build_state.best_velocity_error()[:4], [0.5, NAN, 0.7, 0.5])


def test_values_out_of_range_become_missing_with_bounded_rejects(tmp_path, monkeypatch):
    monkeypatch.setattr(state, "MAX_REJECTS", 3)
    columns = stars(
        8,
        teff=[4000.0] * 4 + [1e6] * 4,
        logg=[np.inf] + [1.0] * 7,
        fiber_id=[70_000] + [5] * 7,
        spectrograph_id=[16.0, NAN, 99.0] + [1.0] * 5,
        source_file="t.csv",
    )
    products, _ = built(tmp_path, monkeypatch, columns)
    table, rejects = products.catalog.table, products.rejects
    assert table["teff"].isna().tolist() == [False] * 4 + [True] * 4
    assert table["logg"].isna().sum() == 1
    assert table["fiber_id"].tolist() == [0] + [5] * 7
    assert table["spectrograph_id"].tolist() == [16, 0, 0] + [1] * 5
    assert (rejects["code"] == "value-out-of-range").all()
    of_teff = rejects[rejects["reason"].str.contains("teff")]
    assert of_teff["obsid"].tolist() == [5, 6, 7, 0]
    assert of_teff["source"].tolist() == ["t.csv"] * 3 + [""]
    assert of_teff["reason"].iloc[-1] == "teff outside 2000..10000: 1 more rows, not listed one by one."
    assert len(rejects) == 4 + 1 + 1 + 1
