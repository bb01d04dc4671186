"""Extreme values of all input columns through all stages affect only their own row."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pipeline.config import InputConfig, RunConfig, SourceConfig
from pipeline.domain.column import LARGEST
from pipeline.domain.columns import BY_NAME, column
from pipeline.mock.survey import simulate
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import ProductError
from pipeline.science.quality.oddness import relative_to_like
from pipeline.stages.joining import read_table
from pipeline.stages.order import STAGES
from pipeline.stages.ranges import check_input
from pipeline.stages.sky import place_on_sky
from pipeline.stages.state import BuildState, StageSkipped

FLOATS = (1e300, -1e300, np.inf, -np.inf, 1e-300, 1e38, -1e15, 0.0, -200.0)
INTEGERS = (2**63 - 1, -(2**63), 70000, -5, 40000, 10**15, 2**53 + 1)
OWN_ROW_ONLY = ("ra", "dec", "glon", "glat", "distance", "x_gal", "v_phi", "j_r", "j_z", "energy", "e_jk", "jk0")
"""Columns whose values depend on nothing but the star's own row."""


@pytest.fixture(scope="module")
def tables():
    """Good rows, and the same followed by copies of them with one extreme value each."""
    good = simulate(60, seed=3, training=20).table.drop(columns=["star", "n_obs"], errors="ignore")
    numeric = [name for name in good.columns if name in BY_NAME and BY_NAME[name].is_numeric and name != "obsid"]
    good = good.astype({name: "float64" for name in numeric if BY_NAME[name].is_float})
    rows = []
    for name in numeric:
        for value in FLOATS if BY_NAME[name].is_float else INTEGERS:
            rows.append(good.iloc[len(rows) % len(good)].to_dict() | {"obsid": 10_000_001 + len(rows), name: value})
    bad = pd.DataFrame(rows)[good.columns].astype({n: "int64" for n in numeric if not BY_NAME[n].is_float})
    return good, pd.concat([good, bad], ignore_index=True)


def run_all(frame, work):
    """Every stage after reading on a table as it is; the table and the rejects."""
    state = BuildState(RunConfig("x", InputConfig(kind="table", tables=("x",))), work, work / "draft")
    state.draft.mkdir(parents=True)
    state.table, state.own = frame, ()
    check_input(state)
    for stage in STAGES[1:]:
        if stage.missing(state):
            continue
        try:
            stage.run(state, lambda *_: None)
        except StageSkipped:
            continue
    return state.table, pd.DataFrame(state.rejects, columns=["source", "obsid", "stage", "code", "reason"])


def test_no_extreme_value_of_any_column_stops_a_stage_or_changes_another_star(tables, tmp_path):
    good, everything = tables
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected, _ = run_all(good, tmp_path / "good")
        found, rejects = run_all(everything, tmp_path / "all")
    same = found.set_index("obsid").loc[expected["obsid"]]
    for name in OWN_ROW_ONLY:
        np.testing.assert_array_equal(same[name], expected[name], err_msg=name)
    published = Catalog.read(tmp_path / "all" / "draft")
    assert len(published) == len(everything)
    assert set(rejects["code"]) == {"value-out-of-range"}
    reasons = rejects["reason"].str.split().str[0].value_counts()
    for name in ("pmra", "parallax", "distance_geo", "j_mag", "fiber_id", "lmjd", "gaia_source_id", "RA"):
        assert reasons[name] >= 2, name


@pytest.mark.parametrize("name", ["fiber_id", "spectrograph_id", "lmjd", "gaia_source_id", "ref_label_flags"])
def test_a_whole_number_out_of_range_is_missing_and_never_another_number(tables, tmp_path, name):
    _, everything = tables
    everything[["obsid", "ra", "dec", name]].to_parquet(tmp_path / "t.parquet")
    stars = read_table(SourceConfig(table="t"), tmp_path / "t.parquet", measured=(), has_spectra=False)
    declared = column(name)
    given, found = everything[name].to_numpy(np.int64), stars.frame[name].to_numpy(np.int64)
    inside = ~declared.outside(given)
    np.testing.assert_array_equal(found[inside], given[inside])
    assert set(found[~inside]) <= {declared.unknown}
    state = BuildState(RunConfig("x"), tmp_path, tmp_path, everything[["obsid", name]].copy())
    check_input(state)
    np.testing.assert_array_equal(state.table[name].to_numpy(np.int64), found)
    assert str(state.table[name].dtype) == (declared.dtype if (~inside).any() else "int64")
    assert len(state.rejects) == int((~inside).sum())


@pytest.mark.parametrize("dtype", ["int64", "float64", "uint64", "object", "Int64"])
def test_a_catalogue_refuses_to_wrap_a_number(dtype):
    frame = pd.DataFrame({"obsid": [1, 2], "quality": [0, 0], "in_training": [False, False]})
    frame["fiber_id"] = pd.Series([13, 70000], dtype=dtype)
    with pytest.raises(ProductError, match=r"fiber_id has 1 values that int16 cannot hold \(first: 70000"):
        Catalog.from_frame(frame)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        *(("parallax", value, outside) for value, outside in ((1e300, True), (-1001.0, True), (1000.0, False))),
        *(("snr", value, outside) for value, outside in ((LARGEST * 1.1, True), (LARGEST, False), (np.inf, True))),
        *(("ra", value, outside) for value, outside in ((360.0, False), (np.nan, False), (-np.inf, True))),
        *(
            ("fiber_id", value, outside)
            for value, outside in ((13.5, True), (13.0, False), (np.nan, False), (4001, True))
        ),
        *(("obsid", value, outside) for value, outside in ((2**63 - 1, False), (0, True), (2.0**60, True))),
    ],
)
def test_what_a_column_can_hold(name, value, expected):
    assert column(name).outside(np.array([value])).tolist() == [expected]


def test_a_star_of_very_many_observations_does_not_wrap_their_number(tmp_path):
    n = 40_000
    frame = pd.DataFrame({"obsid": np.arange(1, n + 1), "ra": 10.0, "dec": np.where(np.arange(n) < 5, -45.0, 20.0)})
    state = BuildState(RunConfig("x"), tmp_path, tmp_path, frame)
    place_on_sky(state, lambda *_: None)
    assert set(state.table["n_obs"]) == {5, 32767}


def test_stars_under_one_condition_only_have_evidence_too():
    rng = np.random.default_rng(1)
    values = np.exp(rng.normal(size=100))
    found = relative_to_like(values, np.full(100, 3.0))
    np.testing.assert_allclose(found / values, found[0] / values[0])
    assert np.median(found) == pytest.approx(1.0, rel=0.2)
