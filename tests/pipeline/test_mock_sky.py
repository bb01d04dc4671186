"""Uneven sky of the simulated survey: footprint, dust, gravities, companions, group faults."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from pipeline.domain.frames import equatorial_to_galactic
from pipeline.mock import simulate
from pipeline.mock.binaries import draw_binaries
from pipeline.mock.branches import AGB_SHARE, LINE_SCATTER_DEX, GiantBranches
from pipeline.mock.spectra import Light, StarLight
from pipeline.mock.systematics import BROKEN_KMS, RED_SKY_SIZE, SEASON_NIGHTS
from pipeline.science.space.dust import BAND_COEFFICIENTS
from pipeline.science.spectra.indices import BandRatio, band_ratios

N = 1500


@pytest.fixture(scope="module")
def survey():
    return simulate(N, seed=4, training=200)


@pytest.fixture(scope="module")
def giants(survey):
    return survey.truth[survey.truth["kind"] == "M giant"]


def gravity_scatter(teff, logg, m_h):
    """Half of the central 68 per cent of log g about a quadratic in Teff and [M/H], dex."""
    t = (teff - 3800.0) / 300.0
    terms = np.stack([np.ones_like(t), t, m_h, t * t, t * m_h, m_h * m_h], axis=1)
    left = logg - terms @ np.linalg.lstsq(terms, logg, rcond=None)[0]
    return float(np.diff(np.percentile(left, [16, 84]))[0] / 2.0)


def test_footprint_and_reddening_are_those_of_lamost_dr4(giants):
    _, glat = equatorial_to_galactic(giants["true_ra"].to_numpy(), giants["true_dec"].to_numpy())
    excess = (BAND_COEFFICIENTS["J"] - BAND_COEFFICIENTS["Ks"]) * giants["true_ebv"].to_numpy()
    assert np.mean(np.abs(glat) < 10) == pytest.approx(0.45, abs=0.06)
    assert np.median(excess) == pytest.approx(0.12, abs=0.03)
    assert np.mean(np.abs(glat) > 30) == pytest.approx(0.14, abs=0.05)


def test_the_reddening_of_neighbours_is_alike_and_that_of_regions_is_not(giants):
    """Clouds make what a smooth disc lacks: at one latitude the reddening differs from place to place."""
    glon, glat = equatorial_to_galactic(giants["true_ra"].to_numpy(), giants["true_dec"].to_numpy())
    near = (np.abs(glat) > 12) & (np.abs(glat) < 20) & (giants["component"] != "sagittarius").to_numpy()
    depth = np.log(giants["true_ebv"].to_numpy()[near])
    assert 0.35 < depth.std() < 0.9
    order = np.argsort(glon[near] + 1000.0 * np.sign(glat[near]))
    assert np.abs(np.diff(depth[order])).mean() < np.abs(np.diff(depth)).mean()


def test_log_g_scatters_at_one_temperature_and_metallicity_as_apogee_giants_do(giants):
    scatter = gravity_scatter(*(giants[f"true_{name}"].to_numpy() for name in ("teff", "logg", "m_h")))
    assert 0.115 < scatter < 0.15
    assert giants["true_logg"].min() < 0.0
    agb = giants["true_agb"]
    assert agb.mean() == pytest.approx(AGB_SHARE, abs=0.08)
    same = giants["true_teff"].between(3700, 3800)
    assert giants["true_logg"][same & agb].median() < giants["true_logg"][same & ~agb].median() - 0.1
    assert giants["true_k_abs"][same & agb].median() < giants["true_k_abs"][same & ~agb].median() - 0.2


def test_a_deviation_in_gravity_is_luminosity_at_one_colour():
    rng = np.random.default_rng(3)
    giants = GiantBranches().draw(np.full(4000, 4.0), np.full(4000, -0.2), rng)
    bins = np.digitize(giants["teff"], np.arange(3400.0, 4200.0, 40.0))
    logg, k_abs = (
        giants[name] - np.array([np.median(giants[name][bins == b]) for b in bins]) for name in ("logg", "k_abs")
    )
    inside = (giants["teff"] > 3400) & (giants["teff"] < 4160)
    slope = np.polyfit(logg[inside], k_abs[inside], 1)[0]
    assert 1.3 < slope < 2.5, "2.5 log g at one mass, less where mass differs too"


def test_companions_are_outside_the_giant_and_move_it_slowly():
    rng = np.random.default_rng(8)
    logg = rng.uniform(0.0, 1.5, 4000)
    pairs = draw_binaries(logg, np.ones(4000, bool), rng)
    paired = pairs.amplitude_kms > 0
    assert 0.2 < paired.mean() < 0.45
    assert pairs.period_days[paired].min() > 50.0
    assert pairs.amplitude_kms.max() < 45.0
    nights = np.linspace(56_000.0, 58_000.0, 300)[:, None]
    moved = pairs.velocity(nights)
    assert (np.abs(moved) <= pairs.amplitude_kms + 1e-9).all()
    assert (moved[:, ~paired] == 0).all()
    one = np.argmin(np.where(paired, pairs.period_days, np.inf))
    after = pairs.velocity(nights + pairs.period_days[one])
    np.testing.assert_allclose(after[:, one], moved[:, one], atol=1e-6)


def test_repeats_of_a_binary_differ_and_apogee_sees_it(survey):
    truth, table = survey.truth, survey.table
    moves = np.abs(truth["true_rv_orbit"]) > 3.0
    assert 0.01 < moves.mean() < 0.12
    known = table["rv_ref_scatter"].notna()
    assert table["rv_ref_scatter"][known & (truth["true_rv_orbit"] == 0)].max() < 0.5
    assert table["rv_ref_scatter"][known].max() > 0.6


def test_a_season_of_a_spectrograph_has_one_red_arm(survey):
    truth, table = survey.truth, survey.table
    season = (table["lmjd"] - table["lmjd"].min()) // SEASON_NIGHTS
    assert truth.groupby([table["spectrograph_id"], season])["true_red_arm_kms"].nunique().eq(1).all()
    wrong = truth["true_rv_wrong_arm"] != 0
    assert 0.0 < wrong.mean() < 0.08
    assert truth["true_red_arm_kms"][wrong].abs().min() > BROKEN_KMS[0] - 10.0
    assert truth["true_red_arm_kms"][~wrong].abs().max() < 12.0


def test_a_wrong_red_arm_shifts_only_the_red_arm():
    starlight = StarLight()
    labels = np.array([[3950.0, 1.2, -0.2, 0.0]])
    light = Light.of(labels, np.array([80.0]))
    right = starlight.received(light, np.zeros(1))[0]
    wrong = starlight.received(replace(light, blue_kms=np.array([-80.0])), np.zeros(1))[0]
    rest = starlight.received(Light.of(labels, np.zeros(1)), np.zeros(1))[0]
    blue, red = starlight.wavelength < 5600, starlight.wavelength > 6000
    np.testing.assert_allclose(wrong[red], right[red], rtol=1e-3)
    np.testing.assert_allclose(wrong[blue], rest[blue], rtol=2e-3)
    assert np.abs(wrong[blue] / right[blue] - 1.0).max() > 0.02


def test_a_plate_keeps_sky_where_real_ones_do(survey):
    rows = np.flatnonzero(np.abs(survey.truth["true_red_sky"]) > 0.04)[:6]
    assert rows.size == 6
    clean = replace(survey, conditions=replace(survey.conditions, red_sky=np.zeros(N)))
    left = (survey.observe(rows)[1] - clean.observe(rows)[1]) / survey.conditions.scale[rows, None]
    wavelength = survey.wavelength
    windows = ((wavelength > 8250) & (wavelength < 8460)) | ((wavelength > 8750) & (wavelength < 8950))
    rms = np.sqrt(np.mean(left[:, windows] ** 2, axis=1))
    np.testing.assert_allclose(rms, np.abs(survey.truth["true_red_sky"].to_numpy()[rows]), rtol=0.15)
    assert np.abs(left[:, ~windows]).max() < 1e-5
    plates = survey.truth.groupby(survey.table["plan_id"])["true_red_sky"]
    assert 0.03 < plates.median().ne(0).mean() < 0.2
    medians = plates.median().abs()
    assert medians.max() < 1.6 * RED_SKY_SIZE[1]


def test_some_headers_hold_another_velocity(survey):
    truth = survey.truth
    off = survey.table["rv_input"].to_numpy(float) - survey.light.rv_kms - survey.light.blue_kms
    known = np.isfinite(off)
    wrong = truth["header_wrong"].to_numpy()
    assert 0.005 < wrong.mean() < 0.04
    assert np.abs(off[known & wrong]).min() > 25.0
    assert np.abs(off[known & ~wrong]).max() < 45.0


def test_galaxies_are_among_the_stars_and_recede(survey):
    galaxy = (survey.truth["kind"] == "galaxy").to_numpy()
    assert 1 <= galaxy.sum() <= 15
    assert (survey.table["object_class"][galaxy].isin(["GALAXY", "Unknown"])).all()
    assert (survey.truth["true_rv"][galaxy] > 5000).all()
    assert survey.table["rv_gaia"][galaxy].isna().all()
    light = survey.light[np.flatnonzero(galaxy)[:1]]
    flux = survey.noiseless(np.flatnonzero(galaxy)[:1])[0]
    place = 5175.0 * (1.0 + light.redshift[0])
    assert light.redshift[0] == pytest.approx(float(survey.truth["true_rv"][galaxy].iloc[0]) / 299792.458)
    near = np.abs(survey.wavelength - place) < 25
    beside = np.abs(survey.wavelength - place - 90) < 25
    assert flux[near].mean() < flux[beside].mean()


def test_red_bands_of_tio_are_as_weak_as_in_mastar_giants(shared_data):
    """At one TiO5, the bands at 7750, 8450 and 8880 Angstrom of giants of MaStar are those of the simulated ones."""
    bands = (
        BandRatio("tio5", (7126, 7135), (7042, 7046)),
        BandRatio("7750", (7700, 7790), (7500, 7570)),
        BandRatio("8450", (8440, 8475), (8385, 8415)),
        BandRatio("8880", (8868, 8900), (8825, 8850)),
    )
    starlight, teff = StarLight(), np.arange(3300.0, 4200.0, 25.0)
    labels = np.stack([teff, 0.55 + 0.0022 * (teff - 3600.0), np.full(teff.size, -0.2), np.full(teff.size, 0.05)], 1)
    flux = starlight.rest_flux(Light.of(labels, np.zeros(teff.size)))
    simulated = band_ratios(starlight.rest_wavelength, flux, np.zeros(flux.shape, bool), bands)
    order = np.argsort(simulated["tio5"])
    for name in ("14", "29", "12", "26", "27"):
        with fits.open(shared_data / "mastarhc_v2" / f"MaStarHC_{name}.fits.gz") as hdus:
            header, spectrum, bad = hdus[0].header, hdus[0].data[None], hdus[1].data[None] <= 0
        wavelength = 10.0 ** (header["CRVAL1"] + header["CDELT1"] * np.arange(spectrum.size))
        real = band_ratios(wavelength, spectrum, bad, bands)
        for band in ("7750", "8450", "8880"):
            alike = np.interp(real["tio5"][0], simulated["tio5"][order], simulated[band][order])
            assert alike == pytest.approx(real[band][0], abs=0.04), (name, band)


def test_lines_of_giants_scatter_as_another_metallicity_would_move_them(survey):
    truth = survey.truth
    giant = (truth["kind"] == "M giant").to_numpy()
    excess = truth["true_line_excess"].to_numpy()
    assert np.std(excess[giant]) == pytest.approx(LINE_SCATTER_DEX, rel=0.15)
    assert not excess[(truth["kind"] == "M dwarf").to_numpy()].any()
    assert abs(np.corrcoef(excess[giant], truth["true_m_h"][giant])[0, 1]) < 0.2
    starlight = StarLight()
    stars = Light.of(np.tile([4000.0, 1.2, -0.3, 0.05], (2, 1)), np.zeros(2))
    usual, strong = starlight.rest_flux(replace(stars, line_excess=np.array([0.0, 0.3])))
    near = np.abs(starlight.rest_wavelength - 8664.5) < 8.0
    assert strong[near].mean() < 0.99 * usual[near].mean()


def test_velocities_of_light_include_orbit_zero_point_and_red_arm(survey):
    truth = survey.truth
    alone = ((truth["oddity"] == "") & (truth["kind"] != "galaxy")).to_numpy()
    parts = ("rv", "rv_orbit", "rv_zero_point", "rv_wavelength", "rv_wrong_arm")
    expected = sum(truth[f"true_{name}"] for name in parts)
    np.testing.assert_allclose(survey.light.rv_kms[alone], expected[alone])
    np.testing.assert_allclose(survey.light.blue_kms[alone], -truth["true_red_arm_kms"][alone])
