"""Measurements of a line, against known lines and repeated noise."""

import numpy as np
import pytest

from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import doppler_factor, log_grid
from pipeline.science.spectra.line_measurement import Measured, MeasureError, measure_line, velocity_of
from pipeline.sources.lamost_fits import read_spectrum

CENTRE, SIGMA, DEPTH, NOISE = 8544.44, 3.1, 0.45, 0.02
WIDTH = DEPTH * SIGMA * np.sqrt(2.0 * np.pi)
LOW, HIGH = 8520.0, 8570.0
WAVELENGTH = log_grid(8400.0, 8700.0)


def spectrum(flux, noise=NOISE, mask=None):
    mask = np.zeros(flux.size, bool) if mask is None else mask
    ivar = np.where(mask, 0.0, noise**-2).astype(np.float32)
    blank = np.full(flux.size, np.nan, np.float32)
    return StoredSpectrum(1, WAVELENGTH, flux.astype(np.float32), ivar, mask, blank, np.ones_like(blank))


def line(level=1.0, slope=0.0, depth=DEPTH):
    profile = 1.0 - depth * np.exp(-0.5 * ((WAVELENGTH - CENTRE) / SIGMA) ** 2)
    return (level + slope * (WAVELENGTH - 8545.0)) * profile


def measure(flux, continuum="edges", low=LOW, high=HIGH, mask=None, excluded=None):
    excluded = np.zeros(flux.size, bool) if excluded is None else excluded
    return measure_line(spectrum(flux, mask=mask), low, high, continuum, excluded=excluded)


@pytest.mark.parametrize(("level", "slope", "continuum"), [(1.0, 0.0, "unity"), (0.7, 4e-3, "edges")])
def test_a_line_without_noise_is_found_as_it_is(level, slope, continuum):
    result = measure(line(level, slope), continuum)
    assert result.equivalent_width.value == pytest.approx(WIDTH, rel=2e-3)
    assert result.centroid.value == pytest.approx(CENTRE, abs=0.02)
    assert result.gaussian.centre.value == pytest.approx(CENTRE, abs=1e-3)
    assert result.gaussian.sigma.value == pytest.approx(SIGMA, abs=1e-3)
    assert result.gaussian.depth.value == pytest.approx(DEPTH, abs=1e-3)
    np.testing.assert_allclose(result.gaussian.flux(result.wavelength), result.flux, atol=1e-4)
    assert result.gaussian.fwhm.value == pytest.approx(2.3548 * SIGMA, rel=1e-3)


@pytest.mark.parametrize("continuum", ["edges", "unity"])
def test_errors_are_the_scatter_of_repeated_noise(continuum):
    random = np.random.default_rng(8)
    mask = np.zeros(WAVELENGTH.size, bool)
    mask[np.searchsorted(WAVELENGTH, 8557.0) + np.arange(2)] = True
    results = [measure(line() + NOISE * random.normal(size=WAVELENGTH.size), continuum, mask=mask) for _ in range(400)]
    kinds = {
        "width": [result.equivalent_width for result in results],
        "centroid": [result.centroid for result in results],
        "centre": [result.gaussian.centre for result in results],
        "sigma": [result.gaussian.sigma for result in results],
        "depth": [result.gaussian.depth for result in results],
    }
    truth = {"width": WIDTH, "centroid": CENTRE, "centre": CENTRE, "sigma": SIGMA, "depth": DEPTH}
    for name, measured in kinds.items():
        values, errors = np.array(measured).T
        assert values.std() == pytest.approx(np.median(errors), rel=0.12), name
        assert values.mean() == pytest.approx(truth[name], abs=4.0 * values.std() / 20.0), name
    chi2 = [result.gaussian.chi2_nu for result in results]
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.06)


def test_masked_and_excluded_pixels_change_nothing():
    flux = line()
    spike = np.searchsorted(WAVELENGTH, 8532.0)
    flux[spike], flux[spike + 1] = 50.0, -50.0
    mask, excluded = np.zeros(flux.size, bool), np.zeros(flux.size, bool)
    mask[spike], excluded[spike + 1] = True, True
    result = measure(flux, mask=mask, excluded=excluded)
    assert result.n_masked == 2
    assert result.equivalent_width.value == pytest.approx(WIDTH, rel=2e-2)


def test_emission_has_a_negative_width():
    result = measure(line(depth=-0.3))
    assert result.equivalent_width.value < 0.0
    assert result.gaussian.depth.value == pytest.approx(-0.3, abs=1e-3)
    assert result.centroid.value == pytest.approx(CENTRE, abs=0.02)


def test_noise_alone_has_no_centroid():
    random = np.random.default_rng(2)
    results = [measure(1.0 + NOISE * random.normal(size=WAVELENGTH.size), "unity") for _ in range(50)]
    assert sum(result.centroid is not None for result in results) <= 2
    assert all(abs(r.equivalent_width.value) < 5.0 * r.equivalent_width.error for r in results)


def test_ranges_that_cannot_be_measured_are_refused():
    with pytest.raises(MeasureError, match="good pixels"):
        measure(line(), low=8520.0, high=8524.0)
    mask = (WAVELENGTH > 8560.0) & (WAVELENGTH < 8570.0)
    with pytest.raises(MeasureError, match="outer fifths"):
        measure(line(), mask=mask)
    assert measure(line(), "unity", mask=mask).equivalent_width.value == pytest.approx(WIDTH, rel=5e-3)
    with pytest.raises(MeasureError, match="not positive"):
        measure(-line())


def test_velocities_are_relativistic_with_their_errors():
    shifted = CENTRE * float(doppler_factor(150.0))
    value, error = velocity_of(Measured(shifted, 0.1), CENTRE)
    assert value == pytest.approx(150.0)
    above = velocity_of(Measured(shifted + 0.1, 0.0), CENTRE).value
    assert error == pytest.approx(above - value, rel=1e-3)


@pytest.mark.shared
def test_velocities_of_observed_ca_lines_are_those_of_the_survey(shared_data):
    """Spectra of any class as LAMOST observed them, measured over the strongest Ca II line."""
    pulls, widths = [], []
    for path in sorted((shared_data / "spectra").glob("*.fits*"))[::4]:
        observed = read_spectrum(path)
        level = np.nanmedian(observed.flux[~observed.mask])
        flux, ivar = (observed.flux / level).astype(np.float32), (observed.ivar * level**2).astype(np.float32)
        blank = np.full(flux.size, np.nan, np.float32)
        stored = StoredSpectrum(1, observed.wavelength, flux, ivar, observed.mask, blank, np.ones_like(blank))
        try:
            result = measure_line(stored, 8527.0, 8563.0, excluded=np.zeros(flux.size, bool))
        except MeasureError:  # masked there
            continue
        if result.gaussian is None or abs(result.equivalent_width.value) < 5.0 * result.equivalent_width.error:
            continue
        value, error = velocity_of(result.gaussian.centre, 8544.44)
        pulls.append((value - observed.meta["rv_input"]) / np.hypot(error, 10.0))
        widths.append(result.equivalent_width.value)
    assert len(pulls) >= 10
    assert np.median(np.abs(pulls)) < 1.0
    assert 1.5 < np.median(widths) < 5.0
