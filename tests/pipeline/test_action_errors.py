"""Staeckel actions compared with integrated orbits (hundreds in `tests.benchmarks action_errors`)."""

import numpy as np
import pytest
from galpy.actionAngle import actionAngleSpherical
from galpy.potential import HernquistPotential

from tests.benchmarks.action_errors import errors
from tests.reference.slow_actions import orbit_actions


@pytest.mark.parametrize("phase", [(1.0, 0.1, 1.0, 0.1, 0.05), (4.0, 0.2, 0.1, 3.0, -0.3)])
def test_the_slow_twin_is_exact_where_the_actions_are_known(phase):
    sphere = HernquistPotential(amp=8.0, a=1.2)
    exact = actionAngleSpherical(pot=sphere)(*(np.array([part]) for part in phase), np.zeros(1))
    actions, error = orbit_actions(sphere, phase, periods=40, samples=1500)
    np.testing.assert_allclose(actions, [exact[0][0], exact[2][0]], atol=1e-5)
    assert (error < 1e-4).all()


def stars(rng, radii, heights, rotation, spread):
    """Positions and velocities of stars that rotate with the disc, by as much as is said."""
    n = len(radii)
    angle = rng.uniform(0, 2 * np.pi, n)
    outward, along = np.stack([np.cos(angle), np.sin(angle)]), np.stack([np.sin(angle), -np.cos(angle)])
    turning = rng.normal(0, spread, n) * outward + rng.normal(rotation, 0.7 * spread, n) * along
    return np.vstack([radii * outward, heights]).T, np.vstack([turning, rng.normal(0, 0.9 * spread, n)]).T


def test_disc_stars_and_stars_far_from_the_plane():
    rng = np.random.default_rng(8)
    disc = errors(*stars(rng, rng.uniform(5, 13, 4), rng.normal(0, 0.3, 4), 225, 30))
    assert np.isfinite(disc).all()
    assert (np.median(disc, axis=0) < 0.5).all()
    far = errors(*stars(rng, rng.uniform(6, 30, 7), rng.uniform(5, 30, 7), 100, 100))
    assert np.isfinite(far).all(axis=1).sum() >= 4
    # With the focal length of each star's place it is 1.05 and 1.17, with one for all 4.0 and 4.3.
    assert (np.nanmedian(far, axis=0) < 0.8).all()
