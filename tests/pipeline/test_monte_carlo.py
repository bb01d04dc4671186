"""Quantiles of derived quantities: draws, independence of blocks, unknown values."""

import numpy as np
import pytest
from galpy.actionAngle import estimateDeltaStaeckel
from galpy.potential import MWPotential2014

from pipeline.domain.columns import BY_NAME, QUANTILE_OF
from pipeline.domain.frames import FRAMES, galactocentric_phase_space
from pipeline.science.space import monte_carlo
from pipeline.science.space.actions import compute_orbits, focal_length
from pipeline.science.space.monte_carlo import Measured, draw, quantiles

FRAME = FRAMES["paper"]


def measured(n, seed=1, **changes):
    rng = np.random.default_rng(seed)
    distance = rng.uniform(1.0, 6.0, n)
    columns = {
        "ra": rng.uniform(0, 360, n),
        "dec": rng.uniform(-5, 60, n),
        "distance": distance,
        "distance_16": 0.85 * distance,
        "distance_84": 1.2 * distance,
        "pmra": rng.normal(0, 2, n),
        "pmdec": rng.normal(0, 2, n),
        "pmra_err": np.full(n, 0.05),
        "pmdec_err": np.full(n, 0.04),
        "pm_correlation": np.full(n, 0.6),
        "rv": rng.normal(0, 40, n),
        "rv_err": np.full(n, 3.0),
        "key": np.arange(1, n + 1),
    }
    return Measured(**(columns | changes))


def test_focal_length_is_galpys():
    rng = np.random.default_rng(3)
    radius, z = rng.uniform(0.3, 3.0, 200), rng.uniform(-1.5, 1.5, 200)
    ours = focal_length(MWPotential2014, radius, z)
    theirs = estimateDeltaStaeckel(MWPotential2014, radius.copy(), z.copy(), no_median=True)
    good = np.isfinite(theirs) & (theirs > 1e-3)
    assert good.sum() > 150
    np.testing.assert_allclose(ours[good], theirs[good], rtol=1e-6)
    assert (ours > 0).all()


def test_draws_have_the_measured_quantiles_and_covariance():
    stars = measured(3)
    distance, pmra, pmdec, rv = draw(stars, 40_000, 5)
    np.testing.assert_allclose(np.percentile(distance, 50, axis=1), stars.distance, rtol=0.01)
    np.testing.assert_allclose(np.percentile(distance, 15.87, axis=1), stars.distance_16, rtol=0.01)
    np.testing.assert_allclose(np.percentile(distance, 84.13, axis=1), stars.distance_84, rtol=0.01)
    for star in range(3):
        assert np.corrcoef(pmra[star], pmdec[star])[0, 1] == pytest.approx(0.6, abs=0.02)
        assert np.std(pmdec[star]) == pytest.approx(0.04, rel=0.02)
        assert np.std(rv[star]) == pytest.approx(3.0, rel=0.02)


def test_quantiles_enclose_the_central_value_and_do_not_depend_on_the_block(monkeypatch):
    stars = measured(30)
    found = quantiles(stars, FRAME, "MWPotential2014", count=60, seed=2)
    assert set(found) == {f"{name}_{p}" for name in QUANTILE_OF for p in (16, 50, 84)}
    assert set(found) <= set(BY_NAME)
    position, velocity = galactocentric_phase_space(
        stars.ra, stars.dec, stars.distance, stars.pmra, stars.pmdec, stars.rv, FRAME
    )
    orbits = compute_orbits(position, velocity, FRAME, "MWPotential2014")
    for name, central in (("x_gal", position[:, 0]), ("j_phi", orbits.j_phi), ("energy", orbits.energy)):
        low, high = found[f"{name}_16"], found[f"{name}_84"]
        assert (low < high).all()
        assert ((central > low) & (central < high)).mean() > 0.85
    monkeypatch.setattr(monte_carlo, "_BLOCK", 7)
    again = quantiles(stars, FRAME, "MWPotential2014", count=60, seed=2, threads=1)
    for name, values in found.items():
        np.testing.assert_allclose(again[name], values, rtol=1e-9, atol=1e-12)


def test_nothing_is_drawn_from_what_is_not_known():
    stars = measured(4)
    stars.pmra[0] = np.nan
    stars.rv_err[1] = np.nan
    stars.distance_84[2] = np.nan
    found = quantiles(stars, FRAME, "MWPotential2014", count=20)
    for values in found.values():
        assert np.isnan(values[:3]).all()
        assert np.isfinite(values[3])


def test_a_star_unbound_in_most_draws_has_no_action_quantiles():
    stars = measured(1, rv=np.array([900.0]))
    found = quantiles(stars, FRAME, "MWPotential2014", count=40)
    assert np.isnan(found["j_r_50"][0])
    assert np.isfinite(found["energy_50"][0])
    assert np.isfinite(found["j_phi_50"][0])
