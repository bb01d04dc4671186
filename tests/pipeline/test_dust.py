"""Laws of the dust: it grows with distance, fades from the plane, and both paths agree."""

import numpy as np
import pytest

from pipeline.science.space.dust import BAND_COEFFICIENTS, ExponentialDisc, extinction_curve

DISTANCES = np.concatenate([[0.0], np.geomspace(0.01, 200.0, 80)])


@pytest.fixture(scope="module")
def sightlines():
    rng = np.random.default_rng(5)
    return rng.uniform(0, 360, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200)))


def test_reddening_never_falls_with_distance(sightlines):
    profile = ExponentialDisc().reddening_profile(*sightlines, DISTANCES)
    assert profile.shape == (200, DISTANCES.size)
    assert np.all(profile[:, 0] == 0)
    assert np.all(np.diff(profile, axis=1) >= 0)


def test_both_paths_agree(sightlines):
    dust = ExponentialDisc()
    profile = dust.reddening_profile(*sightlines, DISTANCES)
    for column in (3, 40, 80):
        np.testing.assert_allclose(dust.reddening(*sightlines, DISTANCES[column]), profile[:, column], rtol=1e-12)


def test_against_a_fine_sum():
    dust = ExponentialDisc()
    for glon, glat, end in ((30.0, 2.0, 6.0), (180.0, 0.0, 8.0), (90.0, -40.0, 20.0)):
        path = np.linspace(0.0, end, 400_001)
        flat, height = path * np.cos(np.radians(glat)), path * np.sin(np.radians(glat)) + dust.z_sun_kpc
        x = dust.r0_kpc - flat * np.cos(np.radians(glon))
        radius = np.hypot(x, flat * np.sin(np.radians(glon)))
        expected = np.trapezoid(dust.density(radius, height), path)
        assert dust.reddening(glon, glat, end) == pytest.approx(expected, rel=3e-3)


def test_numbers_near_the_sun():
    dust = ExponentialDisc()
    assert 0.7 < 3.1 * dust.reddening(90.0, 0.0, 1.0) < 1.0
    for pole in (90.0, -90.0):
        assert 0.01 < dust.reddening(0.0, pole, 50.0) < 0.05


def test_scalars_arrays_and_missing_distances():
    dust = ExponentialDisc()
    assert np.shape(dust.reddening(10.0, 0.0, 1.0)) == ()
    found = dust.reddening([10.0, 10.0, 10.0], 0.0, [np.nan, -1.0, 1.0])
    assert np.isnan(found[:2]).all()
    assert found[2] > 0
    assert dust.reddening(np.array([]), np.array([]), np.array([])).shape == (0,)


def test_a_disc_without_thickness_is_refused():
    with pytest.raises(ValueError, match="scale_height_kpc"):
        ExponentialDisc(scale_height_kpc=0.0)


def test_coefficients_and_curve_fall_to_the_red():
    values = [BAND_COEFFICIENTS[band] for band in ("BP", "G", "RP", "J", "H", "Ks", "W1", "W2")]
    assert values == sorted(values, reverse=True)
    curve = extinction_curve(np.linspace(3700, 9200, 300))
    assert np.all(np.diff(curve) < 0)
    assert extinction_curve(5500.0) == pytest.approx(3.1, abs=0.03)


def test_name_says_what_it_is():
    assert "analytic" in ExponentialDisc().name
