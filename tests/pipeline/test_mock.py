"""The simulated survey: declared columns, seeds, physics that holds, files that open."""

import numpy as np
import pytest
from astropy.io import fits

from pipeline.domain.columns import BY_NAME
from pipeline.domain.frames import FRAMES, galactic_to_sagittarius, galactocentric_phase_space
from pipeline.domain.wavelength import doppler_factor
from pipeline.mock import simulate
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.spectra import Conditions, SpectrumSimulator
from pipeline.science.indices import band_ratios
from pipeline.sources.lamost_fits import read_spectrum


@pytest.fixture(scope="module")
def survey():
    return simulate(400, seed=11, training=100)


@pytest.fixture(scope="module")
def simulator():
    return SpectrumSimulator(1)


def indices_of(simulator, labels):
    labels = np.atleast_2d(np.asarray(labels, float))
    n = len(labels)
    still = Conditions(np.full(n, 100.0), np.zeros(n), np.zeros(n), np.ones(n), np.arange(n, dtype=np.uint64))
    flux = simulator.clean_flux(labels, still)
    return band_ratios(simulator.wavelength, flux, np.zeros(flux.shape, bool))


def test_columns_are_declared_and_within_range(survey):
    for name in survey.table.columns:
        declared = BY_NAME[name]
        values = survey.table[name]
        assert values.dtype == np.dtype(declared.dtype) or declared.dtype == "str"
        if declared.low is not None and declared.is_numeric:
            assert values.min() >= declared.low
        if declared.high is not None and declared.is_numeric:
            assert values.max() <= declared.high
    assert survey.table["obsid"].is_unique
    assert survey.table["gaia_source_id"].is_unique
    assert (survey.table["obsid"] == survey.truth["obsid"]).all()
    assert (survey.table["obsid_source"] == "simulated").all()


def test_same_seed_same_bytes(survey):
    again = simulate(400, seed=11, training=100)
    assert again.table.equals(survey.table)
    assert again.truth.equals(survey.truth)
    for one, other in zip(again.observe(slice(0, 5))[1:], survey.observe(slice(0, 5))[1:], strict=True):
        assert one.tobytes() == other.tobytes()
    assert not simulate(60, seed=12, training=10).table["ra"].equals(survey.table["ra"][:60])


def test_spectra_do_not_depend_on_the_block(survey):
    wavelength, flux, ivar, mask = survey.observe(slice(0, 300))
    alone = survey.observe(np.array([7]))
    mixed = survey.observe(np.array([299, 7, 0]))
    assert alone[1][0].tobytes() == flux[7].tobytes() == mixed[1][1].tobytes()
    assert mixed[2][0].tobytes() == ivar[299].tobytes()
    assert mixed[3][2].tobytes() == mask[0].tobytes()
    streamed = next(iter(survey.spectra()))
    np.testing.assert_array_equal(streamed.flux, flux[0].astype(float))
    np.testing.assert_allclose(wavelength, 10 ** (3.5682 + 1e-4 * np.arange(3909)), rtol=1e-14)


def test_noise_is_what_ivar_says(survey):
    rows = slice(0, 60)
    _, flux, ivar, mask = survey.observe(rows)
    clean = survey.noiseless(rows)
    quiet = (survey.wavelength > 7050) & (survey.wavelength < 7500)
    pulls = []
    for n in range(60):
        good = quiet & ~mask[n]
        x = survey.wavelength[good]
        ratio = flux[n, good] / clean[n, good]
        smooth = np.polynomial.Polynomial.fit(x, ratio, 4)(x)
        pulls.append((ratio - smooth) * clean[n, good] * np.sqrt(ivar[n, good]))
    assert 0.93 < np.std(np.concatenate(pulls)) < 1.07
    signal = np.where(mask, np.nan, flux * np.sqrt(ivar))
    red = (survey.wavelength > 8000) & (survey.wavelength < 8950)
    ratio = np.nanmedian(signal[:, red], axis=1) / survey.truth["true_snr_red"][rows].to_numpy()
    assert 0.75 < np.median(ratio) < 1.1
    assert np.all(ivar[mask] == 0)


def test_tio5_follows_temperature(simulator):
    teff = np.arange(3250.0, 4300.0, 50.0)
    labels = np.stack([teff, 0.8 + 0 * teff, -0.2 + 0 * teff, 0.05 + 0 * teff], axis=1)
    tio5 = indices_of(simulator, labels)["tio5"]
    assert np.all(np.diff(tio5) > 0)
    assert 0.2 < np.interp(3400, teff, tio5) < 0.38
    assert 0.88 < np.interp(4200, teff, tio5) < 1.0


def test_giants_lie_above_the_dwarfs(simulator):
    teff = np.array([3400.0, 3600.0, 3800.0, 3950.0])
    ratios = indices_of(simulator, np.stack([teff, 0.7 + 0 * teff, -0.2 + 0 * teff, 0.05 + 0 * teff], axis=1))
    total = ratios["cah2"] + ratios["cah3"]
    grid = np.linspace(0.8, 1.95, 200)
    dwarf = -0.164 * grid**3 + 0.670 * grid**2 - 0.118 * grid - 0.050  # Lepine et al. (2007), solar metallicity
    assert np.all(total > np.interp(ratios["tio5"], dwarf, grid) + 0.03)
    assert np.all(total < np.interp(ratios["tio5"], dwarf, grid) + 0.45)


@pytest.mark.parametrize(("label", "step"), [(0, 60.0), (1, 0.3), (2, 0.15), (3, 0.1)])
def test_every_label_moves_the_spectrum(simulator, label, step):
    base = np.array([3850.0, 1.0, -0.2, 0.05])
    moved = base.copy()
    moved[label] += step
    flux = simulator.rest_flux(np.stack([base, moved]))
    change = np.abs(np.log(flux[1] / flux[0]))
    assert change.max() > 0.02
    assert change.mean() > 5e-4


def test_velocity_shifts_the_calcium_triplet(simulator):
    labels = np.tile([3800.0, 1.0, -0.3, 0.0], (2, 1))
    seen = Conditions(np.full(2, 100.0), np.array([0.0, 300.0]), np.zeros(2), np.ones(2), np.arange(2, dtype=np.uint64))
    rest, moved = simulator.clean_flux(labels, seen)
    near = (simulator.wavelength > 8520) & (simulator.wavelength < 8570)
    line = simulator.wavelength[near][[rest[near].argmin(), moved[near].argmin()]]
    assert line[1] / line[0] == pytest.approx(float(doppler_factor(300.0)), abs=2.4e-4)


def test_components_and_kinematics(survey):
    truth, stars = survey.truth, survey.stars
    counts = truth["component"].value_counts(normalize=True)
    assert 0.07 < counts["sagittarius"] < 0.11
    assert counts["thin disc"] > 0.5
    x, y = truth["true_x_gal"], truth["true_y_gal"]
    radius = np.hypot(x, y)
    v_phi = (y * truth["true_v_x"] - x * truth["true_v_y"]) / radius
    for component, low, high in (("thin disc", 205, 235), ("thick disc", 160, 200)):
        chosen = (truth["component"] == component) & (radius > 4)
        assert low < np.median(v_phi[chosen]) < high
        assert np.std(v_phi[chosen]) > 10
    for name in ("true_m_h", "true_alpha_m"):
        means = truth.groupby("component")[name].median()
        assert (means["thin disc"] > means["thick disc"]) == (name == "true_m_h")
    position, velocity = galactocentric_phase_space(
        stars.ra, stars.dec, stars.distance, stars.pmra, stars.pmdec, stars.rv, FRAMES["paper"]
    )
    np.testing.assert_allclose(position, stars.position, atol=1e-6)
    np.testing.assert_allclose(velocity, stars.velocity, atol=1e-4)


def test_stream_stars_lie_on_the_stream(survey):
    chosen = (survey.truth["component"] == "sagittarius").to_numpy()
    _, beta = galactic_to_sagittarius(survey.stars.glon[chosen], survey.stars.glat[chosen])
    assert np.median(np.abs(beta)) < 10
    assert 20 < survey.truth["true_distance"][chosen].median() < 60
    assert survey.truth["true_m_h"][chosen].between(-0.95, -0.05).all()


def test_selection_and_errors(survey):
    table, truth = survey.table, survey.truth
    assert table["dec"].min() > -10
    assert table["j_mag"].max() < 14.6
    assert truth["true_teff"].between(3200, 4300).all()
    pulls = (table["parallax"] - 1 / truth["true_distance"]) / table["parallax_err"]
    assert 0.85 < np.std(pulls[table["ruwe"] < 1.4]) < 1.15
    assert 140 <= table["teff_ref"].notna().sum() <= 150
    error = table["teff_ref"] - truth["true_teff"]
    assert 8 < error.std() < 25
    geometric = table["distance_geo"].notna()
    assert 0.1 < geometric.mean() < 0.9
    assert abs(np.median((table["distance_geo"] / truth["true_distance"])[geometric]) - 1) < 0.05


def test_reddening_reddens(survey):
    table, truth = survey.table, survey.truth
    excess = table["j_mag"] - table["k_mag"] - truth["true_jk0"]
    assert np.median(excess - (0.7927 - 0.3026) * truth["true_ebv"]) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("layout", ["dr5", "dr9"])
def test_fits_layouts_are_read_as_real_ones(survey, tmp_path, layout):
    rows = np.array([3, 0, 11])
    paths = write_lamost_fits(survey, tmp_path / layout, layout, rows)
    _, flux, _, mask = survey.observe(rows)
    for n, path in enumerate(paths):
        with fits.open(path) as hdus:
            assert hdus[0].header["SIMULATD"] is True
            assert "Not an observation" in str(hdus[0].header["HISTORY"])
            assert hdus[0].header["VACUUM"] is True
        spectrum = read_spectrum(path)
        record = survey.table.iloc[rows[n]]
        assert spectrum.obsid == record["obsid"]
        assert spectrum.meta["simulated"] is True
        assert spectrum.meta["plan_id"] == record["plan_id"]
        assert spectrum.meta["rv_input"] == pytest.approx(record["rv_input"], abs=0.5)
        np.testing.assert_allclose(spectrum.wavelength, survey.wavelength, rtol=1e-9)
        np.testing.assert_array_equal(spectrum.mask[~mask[n]].any(), False)
        np.testing.assert_allclose(spectrum.flux[~mask[n]], flux[n][~mask[n]], rtol=1e-6)


def test_wishes_that_cannot_be_met(survey, tmp_path):
    with pytest.raises(ValueError, match="at least 20"):
        simulate(5)
    with pytest.raises(ValueError, match="training"):
        simulate(50, training=60)
    with pytest.raises(ValueError, match="layout"):
        write_lamost_fits(survey, tmp_path, "dr99")
