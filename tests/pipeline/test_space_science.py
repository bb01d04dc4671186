"""Distances, actions, maps and quality bits: laws, known numbers, flags."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.domain.frames import FRAMES
from pipeline.domain.statistics import robust_scatter
from pipeline.science.quality.bits import chi2_limits, colour_outliers, residual_pattern, tail_limit
from pipeline.science.space.actions import compute_orbits
from pipeline.science.space.ages import HIGH_ALPHA_SHARE, ChemicalAge, SingleAge, high_alpha_probability
from pipeline.science.space.distance import (
    PARALLAX_FLOOR_MAS,
    PARALLAX_ZERO_POINT_MAS,
    DistanceSettings,
    Giants,
    estimate_distances,
    solve,
)
from pipeline.science.space.dust import BAND_COEFFICIENTS, ExponentialDisc
from pipeline.science.space.intrinsic_colour import learn_colour_relation
from pipeline.science.space.isochrones import ClusterLine, ColourLaw, ParsecBranches
from pipeline.science.space.metallicity_prior import MetallicityPrior
from pipeline.science.space.spiral_arms import REID_2019, trace
from pipeline.science.space.velocity_field import FieldSettings, velocity_field
from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table

PAPER = FRAMES["paper"]


@pytest.fixture(scope="module")
def parsec():
    return ParsecBranches(load_table(ISOCHRONE_TABLE))


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
    age, reddening = np.full(len(k_mag), 3.0), dust.reddening_profile(glon, glat, grid)
    found, roots = solve(k_mag, j_mag - k_mag, m_h, age, grid, reddening, parsec, dust.coefficients)
    np.testing.assert_allclose(found, distance, rtol=2e-3)
    assert (roots == 1).all()


def giants(glon, glat, j_mag, k_mag, m_h, *, error=0.02, m_h_error=0.02, alpha_m=None, spectral=None):
    n = len(j_mag)
    errors = [np.full(n, value) for value in (error, error, m_h_error, 0.02)]
    alpha = np.zeros(n) if alpha_m is None else alpha_m
    jk0 = np.full(n, np.nan) if spectral is None else spectral
    return Giants(
        *(glon, glat, j_mag, errors[0], k_mag, errors[1], m_h, errors[2], alpha, errors[3]),
        *(jk0, np.full(n, 0.02), np.arange(1, n + 1)),
    )


def test_distance_quantiles_cover_the_truth(parsec):
    dust, glon, glat, distance, m_h, j_mag, k_mag = simulated(parsec)
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.02, (2, len(j_mag)))
    stars = giants(glon, glat, j_mag + noise[0], k_mag + noise[1], m_h)
    found = estimate_distances(stars, parsec, SingleAge(3.0), dust, DistanceSettings(100, 0.02, 0.0))
    known = np.isfinite(found.median_kpc)
    inside = (found.low_kpc < distance) & (distance < found.high_kpc)
    assert known.mean() > 0.95
    assert 0.55 < inside[known].mean() < 0.80
    assert abs(np.nanmedian(found.median_kpc / distance) - 1.0) < 0.03


def test_draws_belong_to_the_star_not_to_its_block(parsec):
    dust, glon, glat, _, m_h, j_mag, k_mag = simulated(parsec, n=700)
    stars = giants(glon, glat, j_mag, k_mag, m_h)
    settings = DistanceSettings(10)
    whole = estimate_distances(stars, parsec, ChemicalAge(), dust, settings)
    some = np.array([3, 90, 640])
    part = estimate_distances(stars.take(some), parsec, ChemicalAge(), dust, settings)
    np.testing.assert_array_equal(part.median_kpc, whole.median_kpc[some])


def test_a_wrong_age_is_in_the_quantiles_not_beside_them(parsec):
    rng = np.random.default_rng(8)
    dust, n = ExponentialDisc(), 600
    glon, glat, distance = rng.uniform(0, 360, n), rng.normal(0, 4, n), 10 ** rng.uniform(0, 1, n)
    old = np.arange(n) % 3 == 0
    uniform, m_h = rng.uniform(size=n), rng.uniform(-0.5, 0.0, n)
    alpha_m = np.where(old, 0.25, 0.0)
    age = ChemicalAge().draw(m_h, np.where(old, 1.0, 0.0), np.zeros(n, bool), np.stack([uniform, uniform]))
    colour = rng.uniform(0.9, 1.05, n)
    reddening = dust.reddening(glon, glat, distance)
    k_mag = parsec(colour, m_h, age) + 5 * np.log10(100 * distance) + BAND_COEFFICIENTS["Ks"] * reddening
    j_mag = k_mag + colour + (BAND_COEFFICIENTS["J"] - BAND_COEFFICIENTS["Ks"]) * reddening
    noise = rng.normal(0, 0.02, (2, n))
    stars = giants(glon, glat, j_mag + noise[0], k_mag + noise[1], m_h, alpha_m=alpha_m)
    settings = DistanceSettings(100, 0.02, 0.0)
    guessed = estimate_distances(stars, parsec, ChemicalAge(), dust, settings)
    single = estimate_distances(stars, parsec, SingleAge(3.0), dust, settings)

    def bias(found, which):
        return np.nanmedian(found.median_kpc[which] / distance[which]) - 1.0

    def coverage(found):
        known = np.isfinite(found.median_kpc)
        return ((found.low_kpc < distance) & (distance < found.high_kpc))[known].mean()

    assert bias(single, old) > 0.15
    assert abs(bias(guessed, old)) < 0.04
    assert abs(bias(guessed, ~old)) < 0.04
    assert 0.58 < coverage(guessed) < 0.80
    assert coverage(single) < 0.55


def test_the_spectrum_says_how_much_dust_there_is(parsec):
    dust, glon, glat, distance, m_h, j_mag, k_mag = simulated(parsec, n=500, seed=3)
    rng = np.random.default_rng(4)
    to_jk = BAND_COEFFICIENTS["J"] - BAND_COEFFICIENTS["Ks"]
    map_ebv = dust.reddening(glon, glat, distance)
    wrong = map_ebv * (np.exp(0.3 * rng.normal(size=500)) - 1.0)
    noise = rng.normal(0, 0.02, (2, 500))
    j_mag, k_mag = (
        magnitude + BAND_COEFFICIENTS[band] * wrong + noise[i]
        for i, (band, magnitude) in enumerate((("J", j_mag), ("Ks", k_mag)))
    )
    true_colour = j_mag - noise[0] - (k_mag - noise[1]) - to_jk * (map_ebv + wrong)
    told = true_colour + rng.normal(0, 0.02, 500)
    settings = DistanceSettings(200, 0.3, 0.0)
    with_map = estimate_distances(giants(glon, glat, j_mag, k_mag, m_h), parsec, SingleAge(3.0), dust, settings)
    with_both = estimate_distances(
        giants(glon, glat, j_mag, k_mag, m_h, spectral=told), parsec, SingleAge(3.0), dust, settings
    )
    dusty = map_ebv > 0.4

    def scatter(found):
        return robust_scatter(np.log(found.median_kpc / distance)[dusty])

    def pulls(found):
        offset = np.log(distance / found.median_kpc)
        side = np.where(offset > 0, found.high_kpc / found.median_kpc, found.median_kpc / found.low_kpc)
        return robust_scatter(offset / np.log(side))

    assert dusty.sum() > 60
    assert scatter(with_both) < 0.7 * scatter(with_map)
    assert 0.8 < pulls(with_both) < 1.25
    error = robust_scatter(with_both.e_jk[dusty] - to_jk * (map_ebv + wrong)[dusty])
    assert error < 0.7 * robust_scatter(to_jk * wrong[dusty])
    assert with_both.conflict.mean() < 0.1
    against = giants(glon, glat, j_mag, k_mag, m_h, spectral=told + 0.5)
    assert estimate_distances(against, parsec, SingleAge(3.0), dust, settings).conflict.mean() > 0.8


def test_the_colour_relation_is_learned_from_most_stars_not_from_the_odd_ones():
    rng = np.random.default_rng(2)
    teff, logg, m_h = rng.uniform(3500, 4100, 600), rng.uniform(0, 1.5, 600), rng.normal(-0.3, 0.2, 600)
    jk0 = 1.0 - 0.0005 * (teff - 3900) + 0.02 * logg - 0.03 * m_h
    seen = jk0 + rng.normal(0, 0.03, 600) + np.where(np.arange(600) % 12 == 0, 0.5, 0.0)
    relation = learn_colour_relation(teff, np.full(600, 20.0), logg, m_h, seen, np.full(600, 0.025))
    assert np.abs(relation.colour(teff, logg, m_h) - jk0).max() < 0.02
    assert 0.015 <= relation.scatter_mag < 0.025
    assert relation.error(teff, np.full(600, 60.0)).mean() > 0.028
    few = np.arange(600) >= 550
    assert learn_colour_relation(*(v[few] for v in (teff, teff, logg, m_h, seen, seen))) is None


def test_ages_follow_chemistry_and_place():
    m_h, high_alpha = np.array([-1.2, -0.4, -0.4, -0.4]), np.array([1.0, 1.0, 0.0, 0.0])
    far = np.array([False, True, True, False])
    half = np.full(4, 0.5)
    low, high = (ChemicalAge().draw(m_h, high_alpha, far, np.stack([half, half + side])) for side in (-0.5, 0.5))
    np.testing.assert_allclose(low, [10.0, 8.0, 4.0, 1.6])
    np.testing.assert_allclose(high, [12.5, 12.0, 9.0, 9.0])
    assert (SingleAge(3.0).draw(m_h, high_alpha, far, np.stack([half, half])) == 3.0).all()


def test_which_sequence_a_star_is_of_depends_on_how_well_its_alpha_is_known():
    m_h, error = np.zeros(5), np.array([0.02, 0.02, 0.02, 0.3, np.nan])
    found = high_alpha_probability(m_h, np.array([0.2, 0.085, 0.0, 0.2, np.nan]), error)
    assert found[0] > 0.99
    assert found[1] == pytest.approx(HIGH_ALPHA_SHARE)
    assert found[2] < 0.01
    assert HIGH_ALPHA_SHARE < found[3] < 0.4
    assert found[4] == HIGH_ALPHA_SHARE


def test_magnitudes_fade_with_age(parsec):
    magnitude = parsec(1.0, -0.3, [1.74, 3.0, 5.2, 9.1, 12.0])
    assert (np.diff(magnitude) > 0.05).all()
    assert 0.4 < magnitude[3] - magnitude[1] < 0.65
    assert parsec.nearest_age(3.3) == pytest.approx(3.02, abs=0.01)


def test_isochrones_with_a_hole_are_refused():
    table = load_table(ISOCHRONE_TABLE)
    hole = (table["age_gyr"] == table["age_gyr"][0]) & (table["m_h"] == np.unique(table["m_h"])[3])
    with pytest.raises(ValueError, match=r"0 points .* at 1.00 Gyr"):
        ParsecBranches({name: values[~hole] for name, values in table.items()})


def test_missing_photometry_gives_no_distance(parsec):
    dust, glon, glat, _, m_h, j_mag, k_mag = simulated(parsec, n=6)
    j_mag[0], k_mag[1], j_mag[2] = np.nan, np.nan, k_mag[2] + 2.5
    stars = giants(glon, glat, j_mag, k_mag, m_h, m_h_error=0.01)
    found = estimate_distances(stars, parsec, ChemicalAge(), dust, DistanceSettings(20, 0.1))
    assert np.isnan(found.median_kpc[:3]).all()
    assert np.isnan(found.k_abs[:3]).all()
    assert (found.roots[:3] == 0).all()
    assert np.isfinite(found.median_kpc[3:]).all()


def test_an_unlikely_metallicity_gives_a_wide_distance_that_is_doubtful(parsec):
    """Beyond the tip at its own [M/H], a star has the distance of its colour with the prior alone."""
    dust, glon, glat, _, m_h, j_mag, k_mag = simulated(parsec, n=40)
    settings = DistanceSettings(200, 0.1)
    right = estimate_distances(giants(glon, glat, j_mag, k_mag, m_h), parsec, SingleAge(3.0), dust, settings)
    poor = giants(glon, glat, j_mag, k_mag, np.full(40, -2.1), m_h_error=0.1)
    found = estimate_distances(poor, parsec, SingleAge(3.0), dust, settings)
    without = estimate_distances(replace(poor, m_h=np.full(40, np.nan)), parsec, SingleAge(3.0), dust, settings)
    beyond = found.roots == 0
    assert beyond.sum() > 20
    assert np.isfinite(found.median_kpc[beyond]).all()
    assert found.conflict[beyond].all()
    assert not right.conflict.any()
    width, usual = (np.log(one.high_kpc / one.low_kpc) for one in (found, right))
    assert np.median(width[beyond]) > 1.3 * np.median(usual[beyond])
    assert np.median(np.abs(np.log(found.median_kpc / without.median_kpc))[beyond]) < 0.1
    strict = replace(settings, metallicity=MetallicityPrior(wrong_share=0.0))
    trusted = estimate_distances(poor, parsec, SingleAge(3.0), dust, strict).median_kpc
    assert (np.isnan(trusted) | (trusted > 1.2 * found.median_kpc))[beyond].mean() > 0.8


def test_a_parallax_narrows_the_distance(parsec):
    dust, glon, glat, true, m_h, j_mag, k_mag = simulated(parsec, n=120)
    noise = np.random.default_rng(3).normal(0.0, 1.0, (2, 120))
    stars = giants(glon, glat, j_mag + 0.04 * noise[0], k_mag, m_h)
    settings, error = DistanceSettings(300, 0.3, 0.04), 0.1 / true
    parallax = 1.0 / true + PARALLAX_ZERO_POINT_MAS + error * noise[1]
    near = error > PARALLAX_FLOOR_MAS
    both = estimate_distances(
        replace(stars, parallax=parallax, parallax_err=error), parsec, SingleAge(3.0), dust, settings
    )
    alone = estimate_distances(stars, parsec, SingleAge(3.0), dust, settings)
    widths = [np.median(np.log(one.high_kpc / one.low_kpc)[near]) for one in (both, alone)]
    scatters = [np.std(np.log(one.median_kpc / true)[near]) for one in (both, alone)]
    assert near.sum() > 30
    assert widths[0] < 0.8 * widths[1]
    assert scatters[0] < 0.9 * scatters[1]


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


def test_a_star_on_the_axis_fails_and_says_so():
    position = np.array([[0.0, 0.0, 1.0], [0.004, 0.003, 0.5], [0.1, 0.0, 0.5], [np.nan, 0.0, 0.0]])
    orbits = compute_orbits(position, np.full((4, 3), 60.0), PAPER, "MWPotential2014")
    assert list(orbits.failed) == [True, True, False, False]
    assert np.isnan(orbits.j_r[[0, 1, 3]]).all()
    assert np.isfinite(orbits.j_r[2])


def test_staeckel_actions_agree_with_orbit_averages():
    from galpy.actionAngle import actionAngleIsochroneApprox
    from galpy.potential import MWPotential2014

    from pipeline.science.space.actions import circular_velocity_kms

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
    assert tail_limit(np.arange(1000.0), 99.5) == pytest.approx(994.005)
    assert tail_limit(np.array([np.nan]), 99.5) == np.inf
