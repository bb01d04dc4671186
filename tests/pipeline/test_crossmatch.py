"""The cross-match compared with its slow twin and astropy, its rules, and refusals."""

from itertools import pairwise

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.io import fits
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science.crossmatch import MAX_CANDIDATES, Side, ids, match, match_by_id, match_on_sky, sky
from pipeline.science.crossmatch.geometry import separations_arcsec
from tests.reference.slow_crossmatch import slow_match

BIG = 3_000_000_000_000_000_000
"""Neighbours of this number are one and the same as floats."""

NAN = np.nan
CENTRES = [(0.0, 0.0), (359.9999, -31.0), (200.0, 45.0), (77.0, 90.0), (10.0, 89.9995), (300.0, -90.0)]


def around(centre, east_arcsec, north_arcsec):
    """Positions at offsets in the tangent plane of a centre; good at the poles."""
    ra, dec = np.radians(centre)
    x, y = np.radians(np.asarray(east_arcsec, float) / 3600.0), np.radians(np.asarray(north_arcsec, float) / 3600.0)
    east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    north = np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    vector = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    vector = vector + np.multiply.outer(x, east) + np.multiply.outer(y, north)
    ra, dec = np.arctan2(vector[..., 1], vector[..., 0]), np.arctan2(vector[..., 2], np.hypot(*vector[..., :2].T))
    return np.degrees(ra) % 360.0, np.degrees(dec)


def whole_sky(rng, n):
    return rng.uniform(0.0, 360.0, n), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))


def row(east, north=0.0, centre=(200.0, 45.0), **columns):
    """One side of rows at offsets from a centre."""
    east, north = np.broadcast_arrays(np.atleast_1d(np.asarray(east, float)), north)
    ra, dec = around(centre, east, north)
    return Side(ra=ra, dec=dec, **{name: np.asarray(values) for name, values in columns.items()})


# ---- against the slow twin ----

IDS = st.sampled_from([0, 0, BIG, BIG + 1, BIG + 2])
ROWS = st.lists(
    st.tuples(
        st.integers(0, 5),  # which star
        st.integers(0, 3),  # which of its measured positions; 0 is the same in both tables
        st.sampled_from([0, -1, 5, 6]),  # obsid
        IDS,  # Gaia DR3
        IDS,  # Gaia DR2
        st.booleans(),  # whether its proper motion is known
        st.sampled_from([2000.0, 2016.0, 2007.3, NAN]),  # epoch
        st.integers(0, 9),  # 0: no position
        st.sampled_from([NAN, -np.inf, 1.0, 2.0]),  # preference
    ),
    max_size=9,
)


def side_of(rows, layout, centre, has):
    """A side of the drawn rows; ``has`` says which kinds of columns the table has."""
    star, which, obsid, dr3, dr2, moving, epoch, placed, _ = (np.array(k) for k in zip(*rows, strict=True) or [[]] * 9)
    star, which = star.astype(int), which.astype(int)
    years = np.where(np.isfinite(epoch), epoch - 2000.0, 0.0)
    motion = layout["motion"][star]
    offset = layout["star"][star] + layout["measured"][star, which] + 1e-3 * motion * years[:, None]
    ra, dec = around(centre, *offset.T)
    ra[placed == 0] = NAN
    pm = np.where(np.asarray(moving, bool)[:, None], motion, NAN)
    return Side(
        obsid=obsid.astype(np.int64) if "obsid" in has else None,
        gaia_dr3=dr3.astype(np.int64) if "dr3" in has else None,
        gaia_dr2=dr2.astype(np.int64) if "dr2" in has else None,
        ra=ra,
        dec=dec,
        pmra=pm[:, 0] if "motion" in has else None,
        pmdec=pm[:, 1] if "motion" in has else None,
        epoch_yr=epoch.astype(float) if "epochs" in has else 2016.0,
    )


HAS = st.sets(st.sampled_from(["obsid", "dr3", "dr2", "motion", "epochs"]))


@settings(max_examples=200, deadline=None)
@given(
    base=ROWS.filter(bool),
    other=ROWS.filter(bool),
    has=st.tuples(HAS, HAS),
    seed=st.integers(0, 2**32 - 1),
    centre=st.sampled_from(CENTRES),
    method=st.sampled_from(["best", "best", "sky", "gaia", "obsid"]),
    prefer=st.booleans(),
    parts=st.sampled_from([(1, 1), (3, 4), (1 << 19, 1 << 21)]),
)
def test_the_match_is_that_of_the_slow_twin(base, other, has, seed, centre, method, prefer, parts):
    rng = np.random.default_rng(seed)
    layout = {
        "star": rng.uniform(-2.5, 2.5, (6, 2)),
        "measured": rng.normal(0.0, [[[0.0], [0.05], [0.4], [0.9]]] * 6, (6, 4, 2)),
        "motion": rng.choice([10.0, 1000.0], (6, 1)) * rng.normal(0.0, 1.0, (6, 2)),
    }
    preferred = np.array([entry[-1] for entry in other]) if prefer else None
    first, second = side_of(base, layout, centre, has[0]), side_of(other, layout, centre, has[1])
    arguments = {"method": method, "radius_arcsec": 1.537, "preferred": preferred}
    needs = {"obsid": {"obsid"}, "gaia": {"dr3", "dr2"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sky, "ZONE_ROWS", parts[0])
        patch.setattr(sky, "PAIRS", parts[1])
        patch.setattr(ids, "PAIRS", parts[1])
        patch.setattr(ids, "ROWS", parts[0])
        if method in needs and not needs[method] & has[0] & has[1]:
            with pytest.raises(ValueError, match=f"A match '{method}' needs"):
                match(first, second, **arguments)
            return
        fast = match(first, second, **arguments)
    rows, separation, candidates, methods, summary = slow_match(first, second, **arguments)
    assert fast.other.tolist() == rows
    np.testing.assert_allclose(fast.separation_arcsec, separation, atol=1e-8)
    assert fast.candidates.tolist() == candidates
    assert fast.method.tolist() == methods
    assert fast.summary == summary


# ---- against astropy ----


def test_all_sky_pairs_are_those_of_astropy(monkeypatch):
    rng = np.random.default_rng(3)
    ra, dec = whole_sky(rng, 3000)
    ra[:40], dec[:40] = rng.uniform(0, 360, 40), 90.0 - rng.uniform(0, 1 / 3600, 40)
    ra[40:80], dec[40:80] = rng.uniform(0, 360, 40), -90.0 + rng.uniform(0, 1 / 3600, 40)
    ra[80:120], dec[80:120] = rng.normal(0.0, 1 / 3600, 40) % 360.0, rng.normal(0.0, 1 / 3600, 40)
    pick = rng.integers(0, 3000, 5000)
    pick[:400] = rng.integers(0, 120, 400)
    there_ra, there_dec = (ra[pick] + rng.normal(0, 4e-4, 5000)) % 360, np.clip(dec[pick] + 2e-4, -90, 90)
    here, there = SkyCoord(ra, dec, unit="deg"), SkyCoord(there_ra, there_dec, unit="deg")
    i, j, separation, _ = search_around_sky(here, there, 2.0 * u.arcsec)
    expected = sorted(zip(i.tolist(), j.tolist(), strict=True))
    assert len(expected) > 5000
    base, other = Side(ra=ra, dec=dec), Side(ra=there_ra, dec=there_dec)
    for rows, pairs in ((1 << 19, 1 << 21), (100, 50)):
        monkeypatch.setattr(sky, "ZONE_ROWS", rows)
        monkeypatch.setattr(sky, "PAIRS", pairs)
        found = [np.concatenate(parts) for parts in zip(*sky.sky_pairs(base, other, 2.0), strict=True)]
        order = np.lexsort((found[1], found[0]))
        assert list(zip(found[0][order].tolist(), found[1][order].tolist(), strict=True)) == expected
        np.testing.assert_allclose(found[2][order], separation.arcsec[np.lexsort((j, i))], atol=1e-8)
    nearest = match_on_sky(base, other, 2.0)
    index, angle, _ = here.match_to_catalog_sky(there)
    near = angle.arcsec <= 2.0
    assert nearest.base.tolist() == np.flatnonzero(near).tolist()
    assert (nearest.other == index[near]).mean() > 0.999  # the rest are ties
    np.testing.assert_allclose(nearest.separation_arcsec, angle.arcsec[near], atol=1e-8)
    assert nearest.candidates.tolist() == np.bincount(i, minlength=3000)[near].tolist()


@pytest.mark.parametrize("which", ["base", "other", "both"])
def test_fast_stars_are_found_where_astropy_moves_them(which):
    """Nearby dwarfs of 1 to 10 arcsec/yr over 16 years, at the poles and at RA 0 too."""
    rng = np.random.default_rng(5)
    ra, dec = whole_sky(rng, 200)
    dec[:20], dec[20:40], ra[40:60] = 90.0 - 1e-4 * rng.random(20), -90.0 + 1e-4 * rng.random(20), 0.0
    angle, speed = rng.uniform(0, 2 * np.pi, 200), rng.uniform(1000.0, 10000.0, 200)
    now = SkyCoord(
        ra * u.deg,
        dec * u.deg,
        pm_ra_cosdec=speed * np.cos(angle) * u.mas / u.yr,
        pm_dec=speed * np.sin(angle) * u.mas / u.yr,
        distance=np.full(200, 10.0) * u.pc,
        obstime=Time(2016.0, format="jyear"),
    )
    then = now.apply_space_motion(Time(2000.0, format="jyear"))

    def side(at, epoch, moving):
        pm = {"pmra": at.pm_ra_cosdec.to_value("mas/yr"), "pmdec": at.pm_dec.to_value("mas/yr")} if moving else {}
        return Side(ra=at.ra.deg, dec=at.dec.deg, epoch_yr=epoch, **pm)

    base, other = side(then, 2000.0, which != "other"), side(now, 2016.0, which != "base")
    found = match_on_sky(base, other, 1.5)
    assert found.base.tolist() == found.other.tolist() == list(range(200))
    assert found.separation_arcsec.max() < 0.02  # the light's travel time is astropy's, not ours
    at_rest = match_on_sky(Side(ra=base.ra, dec=base.dec), Side(ra=other.ra, dec=other.dec), 1.5)
    assert not len(at_rest)


def test_real_stars_move_to_their_published_places(shared_data):
    stars = fits.getdata(shared_data / "sgr_mgiants_lamost_dr5_gaia_dr2.fits", 1)
    names = ("ra_epoch2000", "dec_epoch2000", "ra_x", "dec_x", "pmra", "pmdec")
    columns = {name: np.asarray(stars[name], float) for name in names}
    gaia = Side(ra=columns["ra_x"], dec=columns["dec_x"], pmra=columns["pmra"], pmdec=columns["pmdec"], epoch_yr=2015.5)
    old = Side(ra=columns["ra_epoch2000"], dec=columns["dec_epoch2000"], epoch_yr=2000.0)
    found = match_on_sky(old, gaia, 0.5)
    assert len(found) == len(stars)
    assert found.separation_arcsec.max() < 5e-5  # without motion 0.15


# ---- identifiers ----


def test_ids_above_2_to_53_are_exact_and_zero_matches_nothing():
    base = np.array([BIG + 1, 0, BIG + 3, BIG + 1, -9999, 7])
    other = np.array([0, BIG + 3, BIG, BIG + 1, BIG + 2, BIG + 1, -9999])
    pairs = match_by_id(base, other)
    assert list(zip(pairs.base.tolist(), pairs.other.tolist(), strict=True)) == [(0, 3), (0, 5), (2, 1), (3, 3), (3, 5)]
    assert pairs.candidates.tolist() == [2, 2, 1, 2, 2]
    assert np.isnan(pairs.separation_arcsec).all()
    assert len(match_by_id(base[:0], other)) == len(match_by_id(base, other[:0])) == 0
    with pytest.raises(ValueError, match="other_ids must be of integer type; found float64"):
        match_by_id(base, other.astype(float))


def test_parts_add_up_to_at_most_their_limit():
    counts = np.array([3, 1, 9, 2, 2, 2, 0, 1])
    pieces = list(ids.parts(counts, 4))
    assert [counts[piece].tolist() for piece in pieces] == [[3, 1], [9], [2, 2], [2, 0, 1]]
    assert all(first.stop == second.start for first, second in pairwise(pieces))


def test_dr2_and_dr3_ids_are_never_compared():
    numbers = np.array([BIG, BIG + 1])
    with pytest.raises(ValueError, match=r"the base has Gaia DR2 identifiers, the other table has Gaia DR3 identif"):
        match(Side(gaia_dr2=numbers), Side(gaia_dr3=numbers), method="gaia")
    base = row([0.0, 60.0], gaia_dr2=numbers)
    found = match(base, row([60.2, 0.3], gaia_dr3=numbers))
    assert found.other.tolist() == [1, 0]
    assert found.method.tolist() == ["sky", "sky"]


def test_best_falls_from_obsid_to_gaia_to_the_sky():
    base = row(
        [0.0, 20.0, 40.0, 60.0, 80.0],
        obsid=[11, 12, 0, 0, 0],
        gaia_dr3=[BIG, BIG + 1, BIG + 2, 0, BIG + 4],
        gaia_dr2=[0, 0, 0, 0, 5],
    )
    other = row(
        [500.0, 20.3, 40.5, 60.4, 80.0],
        obsid=[11, 0, 0, 0, 0],
        gaia_dr3=[BIG + 9, BIG + 1, 0, BIG + 3, 0],
        gaia_dr2=[0, 0, 0, 0, 5],
    )
    found = match(base, other)
    assert found.other.tolist() == [0, 1, 2, 3, 4]
    assert found.method.tolist() == ["obsid", "gaia", "sky", "sky", "gaia"]
    np.testing.assert_allclose(found.separation_arcsec, [500.0, 0.3, 0.5, 0.4, 0.0], atol=1e-3)
    assert found.candidates.dtype == np.int16
    assert match(base, other, method="obsid").other.tolist() == [0, -1, -1, -1, -1]
    assert match(base, other, method="gaia").other.tolist() == [-1, 1, -1, -1, 4]
    assert match(base, other, method="sky").other.tolist() == [-1, 1, 2, 3, 4]


def test_another_identifier_of_the_same_kind_excludes_a_neighbour():
    base = row([0.0, 30.0], gaia_dr3=[BIG, BIG + 1])
    other = row([0.1, 30.2, 0.9], gaia_dr3=[BIG + 2, 0, 0])
    for method in ("best", "sky"):
        found = match(base, other, method=method)
        assert found.other.tolist() == [2, 1]
        assert found.candidates.tolist() == [1, 1]
        assert found.summary["excluded"] == 1


def test_best_keeps_observations_apart_and_sky_joins_them():
    base, other = row([0.0], obsid=[5]), row([0.2], obsid=[6])
    assert match(base, other).other.tolist() == [-1]
    assert match(base, other, method="sky").other.tolist() == [0]


# ---- duplicates and contested rows ----


def test_of_repeat_rows_the_preferred_one_is_chosen():
    base = row([0.0, 100.0], gaia_dr3=[BIG, BIG + 1])
    other = row([0.5, 0.1, 0.2, 100.0, 100.0], gaia_dr3=[BIG, BIG, BIG, BIG + 1, BIG + 1])
    assert match(base, other).other.tolist() == [1, 3]
    found = match(base, other, preferred=[50.0, NAN, 40.0, 7.0, 7.0])
    assert found.other.tolist() == [0, 3]
    assert found.candidates.tolist() == [3, 2]
    assert found.summary["duplicates"] == 2
    assert match(base, other, preferred=[NAN, NAN, -np.inf, 1.0, 2.0]).other.tolist() == [2, 4]


def test_on_the_sky_preference_decides_among_rows_of_the_nearest_star_alone():
    base = row([0.0])
    apart = row([0.3, 0.9], gaia_dr3=[1, 2])
    assert match(base, apart, preferred=[1.0, 99.0]).other.tolist() == [0]
    assert match(base, apart, preferred=[1.0, 99.0]).summary["ambiguous"] == 1
    one_star = row([0.3, 0.9], gaia_dr3=[2, 2])
    assert match(base, one_star, preferred=[1.0, 99.0]).other.tolist() == [1]
    assert match(base, one_star, preferred=[1.0, 99.0]).summary["ambiguous"] == 0
    close = row([0.3, 0.45, 0.8], gaia_dr3=[0, 0, 0])
    assert match(base, close, preferred=[1.0, 2.0, 99.0]).other.tolist() == [1]
    known_apart = row([0.3, 0.45], gaia_dr3=[1, 2])
    assert match(base, known_apart, preferred=[1.0, 2.0]).other.tolist() == [0]


def test_repeat_observations_share_a_row_and_another_star_loses_it():
    base = row([0.0, 0.1, 1.0, 0.7], gaia_dr3=[BIG, BIG, BIG + 1, 0])
    found = match(base, row([0.2]))
    assert found.other.tolist() == [0, 0, -1, 0]
    assert found.method.tolist() == ["sky", "sky", "", "sky"]
    assert found.candidates.tolist() == [1, 1, 1, 1]
    assert np.isnan(found.separation_arcsec).tolist() == [False, False, True, False]
    assert (found.summary["contested"], found.summary["unmatched"], found.summary["sky"]) == (1, 1, 3)


def test_a_row_that_an_identifier_gave_away_is_not_another_stars():
    base = row([0.9, 0.0], obsid=[7, 0], gaia_dr3=[BIG, BIG + 1])
    found = match(base, row([0.0], obsid=[7]))
    assert found.other.tolist() == [0, -1]
    assert found.summary["contested"] == 1


def test_matches_by_identifier_never_lose_their_row():
    base = row([0.0, 0.1, 0.2], obsid=[7, 7, 0], gaia_dr3=[BIG, BIG + 1, BIG + 1])
    found = match(base, row([0.2], obsid=[7]))
    assert found.other.tolist() == [0, 0, -1]
    assert found.method.tolist() == ["obsid", "obsid", ""]


# ---- edges ----


def test_empty_sides_missing_positions_and_another_sky():
    empty = Side(ra=np.empty(0), dec=np.empty(0), gaia_dr3=np.empty(0, np.int64))
    full = row([0.0, 5.0], gaia_dr3=[0, 3])
    for first, second, n in ((empty, full, 0), (full, empty, 2), (empty, empty, 0)):
        found = match(first, second)
        assert found.other.tolist() == [-1] * n
        assert found.summary["unmatched"] == n
        assert len(match_on_sky(first, second, 1.0)) == 0
    lost = Side(ra=np.array([NAN, 200.0]), dec=np.array([45.0, NAN]), gaia_dr3=np.array([3, 4]))
    found = match(full, lost)
    assert found.other.tolist() == [-1, 0]
    assert np.isnan(found.separation_arcsec).all()
    rng = np.random.default_rng(1)
    north, south = (Side(ra=rng.uniform(0, 360, 500), dec=sign * rng.uniform(1, 90, 500)) for sign in (1, -1))
    found = match(north, south, radius_arcsec=10.0)
    assert found.summary["unmatched"] == 500
    assert not found.candidates.any()
    assert set(found.method.tolist()) == {""}


def test_an_unknown_epoch_means_no_motion():
    fast = {"pmra": np.array([1000.0]), "pmdec": np.array([0.0])}
    for epochs, separation in (((2016.0, 2000.0), 16.0), ((NAN, 2000.0), 0.0), ((2016.0, NAN), 0.0)):
        here = row([0.0], epoch_yr=epochs[0], **fast)
        found = match(here, row([0.0], epoch_yr=epochs[1]), radius_arcsec=20.0)
        np.testing.assert_allclose(found.separation_arcsec, [separation], atol=1e-4)
        back = match(row([0.0], epoch_yr=epochs[1]), here, radius_arcsec=20.0)
        np.testing.assert_allclose(back.separation_arcsec, [separation], atol=1e-4)
    one = np.array([0])
    half = row([0.0], epoch_yr=2016.0, pmra=[1000.0], pmdec=[NAN])
    assert separations_arcsec(half, row([0.0], epoch_yr=2000.0), one, one)[0] < 1e-6


def test_a_filling_value_in_positions_or_ids_is_refused():
    n = MAX_CANDIDATES + 1
    with pytest.raises(ValueError, match=r"32768 rows of the other table are within 1\.5 arcsec of the base's row 1"):
        match(Side(ra=np.array([9.0, 0.0]), dec=np.zeros(2)), Side(ra=np.zeros(n), dec=np.zeros(n)))
    with pytest.raises(ValueError, match="The Gaia DR3 identifier 12345 has 32768 rows"):
        match(Side(gaia_dr3=np.array([1])), Side(gaia_dr3=np.full(n, 12345)))


@pytest.mark.parametrize(
    ("base", "other", "method", "message"),
    [
        ({"gaia_dr3": [1]}, {"ra": [1.0], "dec": [1.0]}, "best", "'best' needs an identifier or a position that both"),
        (
            {"gaia_dr3": [1]},
            {"obsid": [1], "ra": [1.0], "dec": [1.0]},
            "obsid",
            "the base has Gaia DR3 identifiers, th",
        ),
        (
            {"gaia_dr3": [1]},
            {"obsid": [1], "ra": [1.0], "dec": [1.0]},
            "sky",
            "the other table has obsids and positions",
        ),
        ({"gaia_dr3": [1]}, {"gaia_dr3": [1]}, "nearest", "match must be one of 'best', 'obsid', 'gaia', 'sky'; found"),
    ],
)
def test_a_method_that_a_side_lacks_is_refused(base, other, method, message):
    sides = (Side(**{name: np.array(values) for name, values in side.items()}) for side in (base, other))
    with pytest.raises(ValueError, match=message):
        match(*sides, method=method)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "needs identifiers"),
        ({"epoch_yr": 2000.0}, "needs identifiers"),
        ({"ra": [1.0]}, "Give both ra and dec"),
        ({"obsid": [1], "pmra": [1.0], "pmdec": [1.0]}, "without positions"),
        ({"obsid": [1, 2], "ra": [1.0], "dec": [1.0]}, "must have one length; found {'obsid': 2, 'ra': 1, 'dec': 1}"),
        ({"gaia_dr3": [3e18]}, "gaia_dr3 must be of integer type; found float64"),
        ({"ra": [[1.0]], "dec": [[1.0]]}, r"found an array of shape \(1, 1\)"),
        ({"ra": [1.0, 2.0], "dec": [0.0, 91.0]}, "dec must be from -90 to 90 degrees; found 91 in row 1"),
        ({"ra": [1.0], "dec": [0.0], "pmra": [-1e9], "pmdec": [0.0]}, "pmra must be from -20000 to 20000 mas/yr"),
        (
            {"ra": [1.0], "dec": [0.0], "epoch_yr": 57388.0},
            "epoch_yr must be from 1700 to 2300 Julian years; found 57388",
        ),
        ({"obsid": np.ma.array([1, 2], mask=[0, 1])}, "obsid is a masked array"),
    ],
)
def test_a_side_says_what_is_wrong_with_it(columns, message):
    with pytest.raises(ValueError, match=message):
        Side(
            **{k: v if k == "epoch_yr" or isinstance(v, np.ma.MaskedArray) else np.array(v) for k, v in columns.items()}
        )


def test_other_arguments_are_checked():
    side = row([0.0, 1.0])
    with pytest.raises(ValueError, match=r"preferred must have one number for each of 2 rows; found shape \(3,\)"):
        match(side, side, preferred=[1, 2, 3])
    for radius in (0.0, -1.0, NAN, 3600.0):
        with pytest.raises(ValueError, match="radius_arcsec must be above 0 and below 3600"):
            match(side, side, radius_arcsec=radius)
    with pytest.raises(ValueError, match="the other table has none"):
        match_on_sky(side, Side(obsid=np.array([1])), 1.0)
