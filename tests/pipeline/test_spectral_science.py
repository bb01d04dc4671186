"""Continuum, band ratios, velocities: laws, and recovery of known values."""

import numpy as np
import pytest

from pipeline.domain.settings import SpectraConfig, VelocityConfig
from pipeline.domain.wavelength import air_to_vacuum, log_grid, log_shift_to_velocity
from pipeline.science.spectra.continuum import ContinuumFitter, normalise
from pipeline.science.spectra.indices import band_ratios, mean_snr
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.radial_velocity import VelocityMeasurer
from pipeline.science.velocity.templates import synthetic_templates
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from tests.reference.slow_continuum import slow_continuum
from tests.reference.slow_velocity import slow_correlation

GRID = log_grid(3700.0, 9095.0)


@pytest.fixture(scope="module")
def model():
    return SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))


@pytest.fixture(scope="module")
def measurer(model):
    return VelocityMeasurer(GRID, synthetic_templates(model, SpectraConfig()), VelocityConfig())


def star(model, velocity, labels=(4000.0, 1.5, -0.2), snr=60.0, seed=1):
    """A star of the synthetic model with a sloped continuum, shifted and noisy."""
    from pipeline.domain.wavelength import doppler_factor

    rest = 10.0**model.log_wavelength
    flux = np.interp(GRID / doppler_factor(velocity), rest, model.flux([labels])[0]) * (GRID / 6000.0)
    sigma = flux.mean() / snr
    noisy = flux + np.random.default_rng(seed).normal(0.0, sigma, flux.size)
    return noisy, np.full(flux.size, sigma**-2), np.zeros(flux.size, bool)


def measure(measurer, *stars):
    flux, ivar, mask = (np.array(part) for part in zip(*stars, strict=True))
    continuum = ContinuumFitter(GRID, SpectraConfig()).fit(flux, ivar, mask)
    return measurer.measure(*normalise(flux, ivar, mask, continuum))


@pytest.mark.parametrize("velocity", [-350.0, -41.7, 0.0, 7.3, 180.0, 512.0])
def test_known_velocities_are_recovered_within_their_errors(model, measurer, velocity):
    found = measure(measurer, *[star(model, velocity, seed=s) for s in range(12)])
    pulls = (found.rv_kms - velocity) / found.error_kms
    assert np.abs(np.mean(found.rv_kms - velocity)) < 3.0 * np.median(found.error_kms) / np.sqrt(12) + 0.5
    assert 0.4 < np.std(pulls) < 2.0
    assert not found.edge_of_search.any()


def test_a_shifted_spectrum_moves_by_the_shift(model, measurer):
    near, far = star(model, 20.0, snr=500.0), star(model, 95.0, snr=500.0)
    found = measure(measurer, near, far)
    assert found.rv_kms[1] - found.rv_kms[0] == pytest.approx(75.0, abs=0.5)


def test_fast_correlation_equals_its_slow_twin(model, measurer):
    flux, ivar, mask = (np.array([part]) for part in star(model, 33.0))
    mask[0, 3400:3420] = True
    normal = normalise(flux, ivar, mask, ContinuumFitter(GRID, SpectraConfig()).fit(flux, ivar, mask))
    y = normal[0][:, measurer.pixels]
    w = np.where(normal[2][:, measurer.pixels], 0.0, normal[1][:, measurer.pixels])
    fast = measurer.correlate(y, w)[0]
    for row, template in ((40, 3), (41, 20), (77, 90)):
        assert fast[row, template] == pytest.approx(slow_correlation(measurer, y[0], w[0], row, template), abs=2e-4)


def test_masked_pixels_have_no_influence(model, measurer):
    flux, ivar, mask = star(model, 60.0)
    spoiled = flux.copy()
    bad = (GRID > 8450.0) & (GRID < 8470.0)
    spoiled[bad] = 1e5
    masked = mask | bad
    found = measure(measurer, (flux, ivar, masked), (spoiled, ivar, masked))
    assert found.rv_kms[0] == pytest.approx(found.rv_kms[1], abs=1e-9)


def test_a_star_without_pixels_in_range_has_no_velocity(model, measurer):
    flux, ivar, mask = star(model, 0.0)
    found = measure(measurer, (flux, ivar, mask | (GRID > 7000.0)))
    assert np.isnan(found.rv_kms[0])
    assert np.isnan(found.error_kms[0])
    assert found.template[0] == -1


def test_templates_must_cover_the_range(model):
    with pytest.raises(ValueError, match=r"Templates .* cover"):
        VelocityMeasurer(GRID, synthetic_templates(model, SpectraConfig()), VelocityConfig(max_velocity_kms=9000.0))


def test_continuum_of_a_smooth_curve_is_the_curve():
    smooth = 100.0 * np.exp(-0.5 * ((GRID - 6500.0) / 2500.0) ** 2)
    fitted = ContinuumFitter(GRID, SpectraConfig()).fit(
        smooth[None], np.ones((1, GRID.size)), np.zeros((1, GRID.size), bool)
    )
    np.testing.assert_allclose(fitted[0], smooth, rtol=2e-3)


def test_continuum_is_that_of_its_slow_twin(model):
    stars = [
        star(model, v, (teff, 1.0, -0.2), seed=k) for k, (v, teff) in enumerate(((-60, 3600), (0, 4000), (90, 5000)))
    ]
    flux, ivar, mask = (np.array(part) for part in zip(*stars, strict=True))
    mask[1, 1500:1600] = True
    settings = SpectraConfig()
    fast = ContinuumFitter(GRID, settings).fit(flux, ivar, mask)
    for k in range(3):
        slow = slow_continuum(GRID, flux[k], ivar[k], mask[k], settings)
        apart = np.abs(fast[k] / slow - 1.0)[150:-150]  # the ends are bent by other boundary conditions
        assert np.median(apart) < 1e-3
        assert np.quantile(apart, 0.95) < 1e-2


def test_continuum_scales_with_the_flux_and_ignores_masked_pixels():
    rng = np.random.default_rng(3)
    flux = 50.0 + rng.normal(0, 1, GRID.size)
    spoiled, mask = flux.copy(), np.zeros(GRID.size, bool)
    spoiled[1000:1050], mask[1000:1050] = -1e4, True
    fitter = ContinuumFitter(GRID, SpectraConfig())
    fits = fitter.fit(
        np.array([flux, spoiled, 7.0 * flux]),
        np.array([np.ones(GRID.size), np.ones(GRID.size), np.full(GRID.size, 1 / 49.0)]),
        np.array([mask, mask, mask]),
    )
    np.testing.assert_allclose(fits[0], fits[1], rtol=1e-9)
    np.testing.assert_allclose(fits[2], 7.0 * fits[0], rtol=1e-6)


def test_continuum_of_nothing_is_nan():
    fitted = ContinuumFitter(GRID, SpectraConfig()).fit(
        np.zeros((1, GRID.size)), np.zeros((1, GRID.size)), np.ones((1, GRID.size), bool)
    )
    assert np.isnan(fitted).all()


def test_band_ratio_of_a_flat_spectrum_is_one_and_of_a_band_its_depth():
    grid = log_grid(6750.0, 7200.0)
    flux = np.ones((2, grid.size))
    low, high = air_to_vacuum([7120.0, 7140.0])
    flux[1, (grid > low) & (grid < high)] = 0.4
    ratios = band_ratios(grid, flux, np.zeros(flux.shape, bool))
    assert ratios["tio5"].tolist() == pytest.approx([1.0, 0.4])
    assert ratios["cah2"].tolist() == pytest.approx([1.0, 1.0])
    masked = np.zeros(flux.shape, bool)
    masked[1, (grid > low) & (grid < high)] = True
    assert np.isnan(band_ratios(grid, flux, masked)["tio5"][1])


def test_mean_snr():
    flux, ivar = np.full((1, 4), 10.0), np.full((1, 4), 4.0)
    assert mean_snr(flux, ivar, np.array([[False, False, True, True]]))[0] == pytest.approx(20.0)
    assert np.isnan(mean_snr(flux, ivar, np.ones((1, 4), bool))[0])


def test_real_velocities_agree_with_the_headers(shared_data):
    from pipeline.science.spectra.resample import rebin
    from pipeline.sources.lamost_fits import find_spectra, read_spectra

    spectra = [s for _, s in read_spectra(find_spectra(shared_data / "spectra"))]
    rest = [rebin(s.wavelength, s.flux, s.ivar, s.mask, GRID) for s in spectra]
    templates = SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))
    blue = VelocityMeasurer(GRID, synthetic_templates(templates, SpectraConfig()), VelocityConfig(4500.0, 5560.0))
    found = measure(blue, *rest)
    header = np.array([s.meta["rv_input"] for s in spectra])
    late = np.array([s.meta["subclass"][:1] in "FGK" for s in spectra])
    difference = (found.rv_kms - header)[late]
    middle = np.nanmedian(difference)
    assert abs(middle) < 5.0
    assert 1.4826 * np.nanmedian(np.abs(difference - middle)) < 12.0


def test_a_real_spectrum_moved_by_whole_pixels_moves_to_a_tenth_of_its_error(shared_data, measurer):
    """Whole pixels need no interpolation: only the method can change the answer."""
    from pipeline.science.spectra.resample import rebin
    from pipeline.sources.lamost_fits import find_spectra, read_spectra

    spectra = [s for _, s in read_spectra(find_spectra(shared_data / "spectra"))]
    rest = [rebin(s.wavelength, s.flux, s.ivar, s.mask, GRID) for s in spectra]
    flux, ivar, mask = (np.array(part) for part in zip(*rest, strict=True))
    normal = normalise(flux, ivar, mask, ContinuumFitter(GRID, SpectraConfig()).fit(flux, ivar, mask))
    # the window moves along with the star, so that both see the same pixels of it
    for pixels in (-2, 1, 3):
        shift = log_shift_to_velocity(pixels * 1e-4)
        moved = [np.roll(part, pixels, axis=1) for part in normal]
        first, last = (edge * 10 ** (pixels * 1e-4) for edge in (8000.0, 8950.0))
        other = VelocityMeasurer(GRID, measurer.templates, VelocityConfig(first, last))
        near, far = measurer.measure(*normal), other.measure(*moved)
        steady = (near.peak > 0.5) & (near.rival < 0.8) & (near.template == far.template)
        assert steady.sum() > 30
        expected = near.rv_kms + shift  # to first order; the next is v times shift over c
        expected += near.rv_kms * shift / 299792.458
        pull = np.abs(far.rv_kms - expected)[steady] / near.error_kms[steady]
        assert np.quantile(pull, 0.9) < 0.1
