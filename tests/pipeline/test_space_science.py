"""Distances, actions, maps and quality bits: laws, known numbers, and flags instead of numbers that look measured."""

import numpy as np
import pytest

from pipeline.domain.frames import FRAMES
from pipeline.science.actions import compute_orbits
from pipeline.science.distance import DistanceSettings, estimate_distances, solve
from pipeline.science.dust import BAND_COEFFICIENTS, ExponentialDisc
from pipeline.science.isochrones import ClusterLine, ColourLaw, ParsecBranch
from pipeline.science.quality import chi2_limits, colour_outliers, residual_pattern, tail_limit
from pipeline.science.spiral_arms import REID_2019, trace
from pipeline.science.velocity_field import FieldSettings, velocity_field
from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table

PAPER = FRAMES["paper"]


@pytest.fixture(scope="module")
def parsec():
    return ParsecBranch(load_table(ISOCHRONE_TABLE), 3.0)


@pytest.mark.parametrize(
    ("m_h", "colours", "magnitudes"),
    [
        (-0.3, [0.9, 1.0, 1.1], [-4.51, -5.31, -6.08]),
        (0.0, [0.9, 1.0, 1.1, 1.2], [-4.09, -4.94, -5.78, -6.64]),
        (0.3, [0.9, 1.0, 1.1, 1.2], [-3.75, -4.69, -5.60, -6.46]),
    ],
)
def test_parsec_magnitudes_are_those_of_the_published_branch(parsec, m_h, colours, magnitudes):
    np.testing.assert_allclose(parsec(colours, m_h), magnitudes, atol=0.03)


def test_outside_the_calibration_there_is_no_number(parsec):
    assert np.isnan(parsec([0.2, 1.59, 1.0, 1.0, np.nan], [0.0, -0.3, 0.9, -3.0, 0.0])).all()
    assert np.isnan(ColourLaw()([0.3], 0.0)).all()
    assert np.isnan(ClusterLine()([2.0], 0.0)).all()


def test_colour_law_is_the_one_the_dr4_table_obeys():
    assert ColourLaw()([1.0], 0.0)[0] == pytest.approx(-4.78 - 1.0)


def simulated(parsec, n=400, seed=0):
    rng = np.random.default_rng(seed)
    dust = ExponentialDisc()
    glon, glat = rng.uniform(0, 360, n), rng.normal(0, 20, n)
    distance, m_h, colour = 10 ** rng.uniform(0, 1.6, n), rng.uniform(-0.8, 0.3, n), rng.uniform(0.85, 1.05, n)
    reddening = dust.reddening(glon, glat, distance)
    k_mag = parsec(colour, m_h) + 5 * np.log10(100 * distance) + BAND_COEFFICIENTS["Ks"] * reddening
    j_mag = k_mag + colour + (BAND_COEFFICIENTS["J"] - BAND_COEFFICIENTS["Ks"]) * reddening
    return dust, glon, glat, distance, m_h, j_mag, k_mag


def test_the_equation_is_solved_exactly(parsec):
    dust, glon, glat, distance, m_h, j_mag, k_mag = simulated(parsec)
    grid = np.geomspace(0.05, 200.0, 241)
    found, roots = solve(k_mag, j_mag - k_mag, m_h, grid, dust.reddening_profile(glon, glat, grid), parsec)
    np.testing.assert_allclose(found, distance, rtol=2e-3)
    assert (roots == 1).all()


def test_distance_quantiles_cover_the_truth(parsec):
    dust, glon, glat, distance, m_h, j_mag, k_mag = simulated(parsec)
    rng = np.random.default_rng(5)
    error = np.full(len(j_mag), 0.02)
    found = estimate_distances(
        *(glon, glat, j_mag + error * rng.normal(size=error.size), error),
        *(k_mag + error * rng.normal(size=error.size), error, m_h, np.full(error.size, 0.02)),
        *(parsec, dust, DistanceSettings(100, 0.02)),
    )
    known = np.isfinite(found.median_kpc)
    inside = (found.low_kpc < distance) & (distance < found.high_kpc)
    assert known.mean() > 0.95
    assert 0.55 < inside[known].mean() < 0.80
    assert abs(np.nanmedian(found.median_kpc / distance) - 1.0) < 0.03


def test_missing_photometry_gives_no_distance(parsec):
    dust, glon, glat, _, m_h, j_mag, k_mag = simulated(parsec, n=6)
    j_mag[0], k_mag[1], m_h[2], m_h[3] = np.nan, np.nan, np.nan, 2.0
    error = np.full(6, 0.02)
    found = estimate_distances(
        *(glon, glat, j_mag, error, k_mag, error, m_h, np.full(6, 0.01), parsec, dust, DistanceSettings(20, 0.1))
    )
    assert np.isnan(found.median_kpc[:4]).all()
    assert np.isnan(found.k_abs[:4]).all()
    assert (found.roots[:4] == 0).all()
    assert np.isfinite(found.median_kpc[4:]).all()


def disc_stars(n=300, seed=1):
    rng = np.random.default_rng(seed)
    radius, angle = rng.uniform(4, 14, n), rng.uniform(0, 2 * np.pi, n)
    rotation = rng.normal(225, 20, n)
    outward = rng.normal(0, 30, n)
    position = np.stack([radius * np.cos(angle), radius * np.sin(angle), rng.normal(0, 0.3, n)], axis=1)
    velocity = np.stack(
        [
            outward * np.cos(angle) + rotation * np.sin(angle),
            outward * np.sin(angle) - rotation * np.cos(angle),
            rng.normal(0, 20, n),
        ],
        axis=1,
    )
    return position, velocity, radius * rotation


def test_actions_of_disc_stars():
    position, velocity, momentum = disc_stars()
    orbits = compute_orbits(position, velocity, PAPER, "MWPotential2014")
    np.testing.assert_allclose(orbits.j_phi, momentum, rtol=1e-6)
    assert (orbits.j_phi > 0).all(), "the disc rotates with positive J_phi"
    assert (orbits.j_r >= 0).all()
    assert (orbits.j_z >= 0).all()
    assert not orbits.failed.any()
    assert not orbits.unbound.any()
    np.testing.assert_allclose(orbits.j_sum, orbits.j_r + orbits.j_z + np.abs(orbits.j_phi))
    assert (orbits.r_peri_kpc <= orbits.r_apo_kpc).all()


def test_staeckel_actions_agree_with_orbit_averages():
    from galpy.actionAngle import actionAngleIsochroneApprox
    from galpy.potential import MWPotential2014

    from pipeline.science.actions import circular_velocity_kms

    position, velocity, _ = disc_stars(4, seed=3)
    orbits = compute_orbits(position, velocity, PAPER, "MWPotential2014")
    ro, vo = PAPER.r0_kpc, circular_velocity_kms(PAPER)
    slow = actionAngleIsochroneApprox(pot=MWPotential2014, b=0.4, tintJ=200, ntintJ=20000)
    radius = np.hypot(position[:, 0], position[:, 1])
    for star in range(4):
        x, y, z = position[star] / ro
        v_r = (x * velocity[star, 0] + y * velocity[star, 1]) / (radius[star] / ro) / vo
        v_t = -(x * velocity[star, 1] - y * velocity[star, 0]) / (radius[star] / ro) / vo
        j_r, _, j_z = slow(radius[star] / ro, v_r, v_t, z, velocity[star, 2] / vo, 0.1)
        assert orbits.j_r[star] == pytest.approx(float(np.squeeze(j_r)) * ro * vo, abs=0.4)
        assert orbits.j_z[star] == pytest.approx(float(np.squeeze(j_z)) * ro * vo, abs=0.2)


def test_unbound_and_unknown_stars_are_flags_not_sentinels():
    position, velocity, _ = disc_stars(3)
    velocity[0] = [2000.0, 0.0, 0.0]
    position[1] = np.nan
    orbits = compute_orbits(position, velocity, PAPER, "MWPotential2014")
    assert orbits.unbound.tolist() == [True, False, False]
    assert np.isnan(orbits.j_r[:2]).all()
    assert not orbits.failed.any()
    assert np.isfinite(orbits.j_r[2])
    for values in (orbits.j_r, orbits.j_z, orbits.z_max_kpc, orbits.r_apo_kpc):
        assert not (np.abs(values[np.isfinite(values)]) > 9000).any()
    with pytest.raises(ValueError, match="potential must be one of"):
        compute_orbits(position, velocity, PAPER, "Kepler")


def test_velocity_field_of_pure_rotation_has_no_residual():
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-10, 10, (2, 40000))
    radius = np.hypot(x, y)
    speed = np.full(x.size, 220.0)
    settings = FieldSettings(half_width_kpc=10.0, cell_kpc=1.0, min_stars=5)
    field = velocity_field(x, y, speed * y / radius, -speed * x / radius, speed, settings)
    assert np.isfinite(field.v_phi).all()
    np.testing.assert_allclose(field.v_phi, 220.0)
    np.testing.assert_allclose(field.residual, 0.0, atol=1e-9)
    assert field.count.sum() == x.size
    assert field.texture.shape == (160, 160)
    assert (field.texture > 0).all()


def test_velocity_field_leaves_thin_cells_empty():
    one = np.zeros(3)
    field = velocity_field(one, one, one, one, one, FieldSettings(min_stars=10))
    assert np.isnan(field.v_phi).all()
    assert (field.texture == 0).all()
    empty = velocity_field(*(np.zeros(0),) * 5, FieldSettings())
    assert empty.count.sum() == 0


def test_local_arm_passes_near_the_sun():
    x, y = trace(next(arm for arm in REID_2019 if arm.name == "Local"))
    assert np.hypot(x + 8.15, y).min() < 0.5


def test_chi2_limit_is_the_percentile_of_like_stars():
    rng = np.random.default_rng(0)
    snr = rng.uniform(10, 200, 2000)
    chi2 = 1.0 + snr / 100.0 + rng.normal(0, 0.05, 2000)
    limits = chi2_limits(chi2, snr, snr)
    assert 0.0 < (chi2 > limits).mean() < 0.01
    assert limits[snr > 190].min() > limits[snr < 20].max()
    assert np.isinf(chi2_limits(np.full(3, np.nan), np.ones(3), np.ones(2))).all()


def test_white_residuals_have_no_pattern_and_a_bump_has():
    rng = np.random.default_rng(1)
    wavelength = np.linspace(4500, 8950, 3000)
    model, ivar = np.ones((2, 3000)), np.full((2, 3000), 1e4)
    flux = 1.0 + rng.normal(0, 0.01, (2, 3000))
    flux[1, 1000:1200] += 0.05
    chi2_nu = (ivar * (flux - model) ** 2).mean(axis=1)
    correlation, chunk = residual_pattern(wavelength, flux, model, ivar, chi2_nu)
    assert abs(correlation[0]) < 0.08
    assert correlation[1] > 0.3
    assert chunk[0] < 1.5 < chunk[1]


def test_colour_outliers_stand_out():
    rng = np.random.default_rng(2)
    teff = rng.uniform(3400, 4200, 500)
    colour = 1.0 - (teff - 3900) / 1500 + rng.normal(0, 0.02, 500)
    colour[7] += 0.4
    deviation = colour_outliers(teff, colour)
    assert np.argmax(np.abs(deviation)) == 7
    assert abs(deviation[7]) > 5
    assert np.isnan(colour_outliers(teff[:5], colour[:5])).all()


def test_tail_limit_is_a_percentile_and_never_flags_without_reference():
    assert tail_limit(np.arange(1000.0)) == pytest.approx(994.005)
    assert tail_limit(np.array([np.nan])) == np.inf
