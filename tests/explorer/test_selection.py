"""Laws of the selection algebra."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.model import polygons
from explorer.model.expression import parse
from explorer.model.selection import (
    Everything,
    HasFlag,
    InBox,
    InIds,
    InPolygon,
    InRange,
    Nothing,
    Selection,
    SelectionError,
    SelectionMode,
    combine,
    from_dict,
    images,
)
from pipeline.domain.columns import PERIODS
from pipeline.domain.flags import QualityFlag

N = 60
_RNG = np.random.default_rng(3)
COLUMNS = {
    "obsid": np.arange(1, N + 1, dtype=np.int64),
    "teff": np.where(_RNG.random(N) < 0.2, np.nan, _RNG.normal(0, 1, N)).astype(np.float32),
    "logg": np.where(_RNG.random(N) < 0.2, np.nan, _RNG.normal(0, 1, N)).astype(np.float32),
    "quality": (1 << _RNG.integers(0, 16, N)).astype(np.int32),
}

LONGITUDES = {
    "obsid": np.arange(724),
    "sgr_lambda": np.append(np.arange(723) / 2, np.nan).clip(0, 360).astype(np.float32),
    "teff": np.zeros(724, np.float32),
}

numbers = st.floats(-3, 3, allow_nan=False)
leaves = st.one_of(
    st.just(Everything()),
    st.just(Nothing()),
    st.builds(InRange, st.sampled_from(["teff", "logg"]), numbers, numbers),
    st.builds(InBox, st.just("teff"), st.just("logg"), numbers, numbers, numbers, numbers),
    st.builds(
        InPolygon,
        st.just("teff"),
        st.just("logg"),
        st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8).map(tuple),
    ),
    st.builds(InIds, st.lists(st.integers(0, N + 5), max_size=6).map(tuple)),
    st.builds(HasFlag, st.sampled_from(list(QualityFlag))),
)
selections = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a, b: a ^ b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=6,
)


def same(left: Selection, right: Selection) -> bool:
    return bool(np.array_equal(left.mask(COLUMNS), right.mask(COLUMNS)))


@settings(max_examples=60, deadline=None)
@given(selections, selections)
def test_de_morgan(a, b):
    assert same(~(a & b), ~a | ~b)
    assert same(~(a | b), ~a & ~b)


@settings(max_examples=60, deadline=None)
@given(selections, selections)
def test_difference_and_xor(a, b):
    assert same(a - b, a & ~b)
    assert same(a ^ b, (a | b) - (a & b))
    assert same(~~a, a)


@settings(max_examples=60, deadline=None)
@given(selections)
def test_identities(a):
    assert same(a & Everything(), a)
    assert same(a | Nothing(), a)
    assert same(a ^ a, Nothing())
    assert a.mask(COLUMNS).dtype == np.bool_
    assert a.mask(COLUMNS).shape == (N,)


@settings(max_examples=80, deadline=None)
@given(selections)
def test_json_round_trip(a):
    assert from_dict(json.loads(json.dumps(a.to_dict()))) == a


@settings(max_examples=60, deadline=None)
@given(leaves)
def test_a_missing_value_is_never_inside(a):
    if isinstance(a, InBox | InPolygon):
        missing = np.isnan(COLUMNS["teff"]) | np.isnan(COLUMNS["logg"])
        assert not (a.mask(COLUMNS) & missing).any()
    if isinstance(a, InRange):
        assert not (a.mask(COLUMNS) & np.isnan(COLUMNS[a.column])).any()


halves = st.integers(-5000, 5000).map(lambda number: number / 2)


@settings(max_examples=150, deadline=None)
@given(halves, st.integers(0, 1600).map(lambda number: number / 2))
def test_a_range_selects_a_star_with_any_image_inside(low, width):
    inside = np.zeros(LONGITUDES["obsid"].shape, bool)
    for turn in range(-12, 12):
        image = LONGITUDES["sgr_lambda"] + np.float32(360 * turn)
        inside |= (image >= low) & (image <= low + width)
    assert np.array_equal(InRange("sgr_lambda", low, low + width).mask(LONGITUDES), inside)
    box = InBox("teff", "sgr_lambda", -1.0, 1.0, low, low + width)
    assert np.array_equal(box.mask(LONGITUDES), inside)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(halves, st.floats(-3, 3)), min_size=3, max_size=6, unique=True))
def test_an_outline_selects_a_star_with_any_image_inside(vertices):
    inside = np.zeros(LONGITUDES["obsid"].shape, bool)
    for turn in range(-12, 12):
        moved = LONGITUDES["sgr_lambda"].astype(float) + 360 * turn
        inside |= polygons.points_in_polygon(moved, LONGITUDES["teff"], np.array(vertices))
    found = InPolygon("sgr_lambda", "teff", tuple(vertices)).mask(LONGITUDES)
    assert (found ^ inside).sum() <= 1, "one may lie on the line"


@pytest.mark.parametrize("period", [24.0, 180.0])
def test_a_turn_is_as_long_as_the_column_declares(monkeypatch, period):
    monkeypatch.setitem(PERIODS, "teff", period)
    table = {"obsid": np.arange(4), "teff": np.array([0.5, period - 0.5, period / 2, np.nan])}
    across = InRange("teff", period - 1.0, period + 1.0)
    assert across.mask(table).tolist() == [True, True, False, False]
    assert parse(f"between(teff, {period - 1}, 1)", ["teff"]).mask(table).tolist() == [True, True, False, False]
    assert InRange("teff", 0.0, period).mask(table).tolist() == [True, True, True, False]
    assert images("teff", "logg", (period - 1.0, period + 1.0, 0.0, 1.0)) == [(0.0, 0.0), (period, 0.0)]


def test_a_range_of_no_longitude_does_not_come_round():
    assert InRange("teff", 359.0, 361.0).mask(LONGITUDES).sum() == 0


@settings(max_examples=40, deadline=None)
@given(selections, leaves)
def test_modes(standing, region):
    assert combine(SelectionMode.REPLACE, standing, region) == region
    assert same(combine(SelectionMode.INTERSECT, standing, region), standing & region)
    assert same(combine(SelectionMode.SUBTRACT, standing, region), standing - region)
    assert same(combine(SelectionMode.XOR, standing, region), standing ^ region)
    if standing == Everything():
        assert combine(SelectionMode.ADD, standing, region) == region
    else:
        assert same(combine(SelectionMode.ADD, standing, region), standing | region)


def test_box_edges_are_inside():
    columns = {"obsid": np.arange(3), "teff": np.array([0.0, 1.0, 2.0]), "logg": np.array([0.0, 1.0, 2.0])}
    assert InBox("teff", "logg", 0, 1, 0, 1).mask(columns).tolist() == [True, True, False]


def test_lookup_grid_agrees_with_the_slow_way(monkeypatch):
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 1, 20_000), rng.normal(0, 1, 20_000)
    x[::97] = np.nan
    angles = np.sort(rng.uniform(0, 2 * np.pi, 40))
    star = np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.3, 2.0, (40, 1))
    slow = polygons.points_in_polygon(x, y, star)
    monkeypatch.setattr(polygons, "LOOKUP_FROM", 10)
    assert np.array_equal(polygons.points_in_polygon(x, y, star), slow)
    assert not slow[::97].any()


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"kind": "circle"},
        {"kind": "in_box", "x": "teff"},
        {"kind": "joined", "first": {"kind": "nothing"}},
        {"kind": "not", "inner": 3},
    ],
)
def test_damaged_json_is_refused_with_a_sentence(stored):
    with pytest.raises(SelectionError, match="selection"):
        from_dict(stored)


def test_unknown_column_and_flat_polygon_are_refused():
    with pytest.raises(SelectionError, match="no column 'colour'"):
        InRange("colour", 0, 1).mask(COLUMNS)
    with pytest.raises(SelectionError, match="three"):
        InPolygon("teff", "logg", ((0, 0), (1, 1)))
