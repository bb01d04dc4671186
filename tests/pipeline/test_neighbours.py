"""Pairs of rows of one star compared with all pairs."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science.crossmatch import neighbours
from pipeline.science.crossmatch.neighbours import pairs_by_id, pairs_within

ids = st.lists(st.one_of(st.integers(-2, 5), st.just(2**63 - 1), st.just(2**63 - 2)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(ids, ids)
def test_identifiers_pair_as_in_two_loops(first, second):
    first, second = np.array(first, np.int64), np.array(second, np.int64)
    found = list(zip(*(rows.tolist() for rows in pairs_by_id(first, second)), strict=True))
    assert found == [(i, j) for i, a in enumerate(first) for j, b in enumerate(second) if a == b > 0]


@pytest.mark.parametrize("centre", [(0.0, 0.0), (180.0, 90.0), (359.9999, -45.0), (10.0, -89.9999)])
def test_positions_pair_as_astropy_separates_them(centre):
    rng = np.random.default_rng(5)

    def near(n):
        ra, dec = centre[0] + rng.uniform(-3, 3, n) / 3600, centre[1] + rng.uniform(-3, 3, n) / 3600
        return ra % 360.0, np.where(dec > 90.0, 180.0 - dec, np.where(dec < -90.0, -180.0 - dec, dec))

    ra, dec = near(40)
    other_ra, other_dec = near(50)
    ra[3], other_dec[7], dec[5], other_ra[9] = np.nan, np.nan, 95.0, np.inf
    found = set(zip(*(rows.tolist() for rows in pairs_within(ra, dec, other_ra, other_dec, 1.0)), strict=True))
    expected = set()
    for i in np.flatnonzero(np.isfinite(ra) & (dec <= 90)):
        for j in np.flatnonzero(np.isfinite(other_ra) & np.isfinite(other_dec)):
            here = SkyCoord(ra[i] * u.deg, dec[i] * u.deg)
            if here.separation(SkyCoord(other_ra[j] * u.deg, other_dec[j] * u.deg)).arcsec <= 1.0:
                expected.add((int(i), int(j)))
    assert found == expected
    assert expected


def test_tables_without_positions_have_no_pairs():
    nothing = np.full(3, np.nan)
    here, there = pairs_within(nothing, nothing, np.zeros(2), np.zeros(2), 1.0)
    assert here.size == there.size == 0
    assert pairs_by_id(np.empty(0, np.int64), np.array([1]))[0].size == 0


def test_one_value_for_many_stars_is_refused(monkeypatch):
    monkeypatch.setattr(neighbours, "MAX_PAIRS", 50)
    with pytest.raises(ValueError, match="100 pairs of rows match: one identifier or position stands for many rows"):
        pairs_by_id(np.full(10, 7), np.full(10, 7))
    with pytest.raises(ValueError, match="stands for many rows"):
        pairs_within(np.zeros(10), np.zeros(10), np.zeros(10), np.zeros(10), 1.0)
