"""Laws of spectra: conserved flux, inverse shifts, explicit masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.wavelength import (
    C_KMS,
    air_to_vacuum,
    doppler_factor,
    log_grid,
    log_shift_to_velocity,
    redshift_to_velocity,
    vacuum_to_air,
    velocity_to_log_shift,
)
from pipeline.science.spectra.resample import pixel_edges, rebin
from tests.reference.slow_rebin import slow_rebin

velocities = st.floats(-900.0, 900.0)
GRID = log_grid(8000.0, 8950.0)


@given(velocities)
def test_doppler_round_trip(velocity):
    assert log_shift_to_velocity(velocity_to_log_shift(velocity)) == pytest.approx(velocity, abs=1e-6)
    assert doppler_factor(velocity) * doppler_factor(-velocity) == pytest.approx(1.0, abs=1e-14)


def test_doppler_refuses_the_speed_of_light():
    with pytest.raises(ValueError, match="below the speed of light"):
        doppler_factor(C_KMS)


def test_redshift_is_classical_at_small_velocity():
    assert redshift_to_velocity(1e-4) == pytest.approx(C_KMS * 1e-4, rel=1e-4)


@given(st.floats(3000.0, 10000.0))
def test_air_and_vacuum_undo_each_other(wavelength):
    assert vacuum_to_air(air_to_vacuum(wavelength)) == pytest.approx(wavelength, abs=2e-4)


def test_air_templates_would_be_off_by_82_kms():
    shift = (air_to_vacuum(8542.09) / 8542.09 - 1.0) * C_KMS
    assert shift == pytest.approx(82.0, abs=1.0)


def test_log_grid_is_on_lamost_pixels():
    pixel = (np.log10(GRID) - 3.5682) / 1e-4
    assert np.abs(pixel - np.round(pixel)).max() < 1e-6
    with pytest.raises(ValueError, match="first < last"):
        log_grid(9000.0, 8000.0)


@settings(max_examples=40, deadline=None)
@given(velocities, st.floats(0.1, 1e4))
def test_constant_flux_survives_rebinning(velocity, level):
    wide = log_grid(7800.0, 9090.0)
    flux, ivar, mask = rebin(
        wide, np.full(wide.size, level), np.ones(wide.size), np.zeros(wide.size, bool), GRID, velocity
    )
    assert not mask.any()
    np.testing.assert_allclose(flux, level, rtol=1e-9)
    np.testing.assert_allclose(ivar, 1.0, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 4.0))
def test_integrated_flux_is_conserved(seed, ratio):
    rng = np.random.default_rng(seed)
    fine = log_grid(8000.0, 8900.0)
    flux = rng.uniform(0.0, 10.0, fine.size)
    edges = pixel_edges(fine)
    inside = np.arange(edges[50], edges[-50], ratio)
    centres = 0.5 * (inside[1:] + inside[:-1])
    new, _, mask = rebin(fine, flux, np.ones(fine.size), np.zeros(fine.size, bool), centres)
    assert not mask.any()
    cumulative = np.concatenate(([0.0], np.cumsum(flux * np.diff(edges))))
    wanted = np.interp(inside[-1], edges, cumulative) - np.interp(inside[0], edges, cumulative)
    assert np.sum(new * np.diff(inside)) == pytest.approx(wanted, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(100, 380), velocities)
def test_a_masked_pixel_masks_whatever_it_touches_and_no_more(pixel, velocity):
    wide = log_grid(7800.0, 9090.0)
    mask = np.zeros(wide.size, bool)
    mask[pixel] = True
    flux = np.ones(wide.size)
    flux[pixel] = 1e6
    new, ivar, new_mask = rebin(wide, flux, np.ones(wide.size), mask, wide, velocity)
    inside = slice(60, -60)  # the ends leave the range when the spectrum moves
    assert 1 <= new_mask[inside].sum() <= 2
    np.testing.assert_allclose(new[inside][~new_mask[inside]], 1.0, rtol=1e-9)
    assert (ivar[new_mask] == 0).all()


def test_beyond_the_spectrum_everything_is_masked():
    short = log_grid(8200.0, 8500.0)
    _, ivar, mask = rebin(short, np.ones(short.size), np.ones(short.size), np.zeros(short.size, bool), GRID)
    outside = (GRID < 8199.0) | (GRID > 8501.0)
    assert mask[outside].all()
    assert (ivar[outside] == 0).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5.0))
def test_the_kernel_equals_its_slow_twin(seed, step):
    rng = np.random.default_rng(seed)
    pixels = log_grid(8000.0, 8600.0)
    flux, ivar = rng.normal(5, 2, (3, pixels.size)), rng.uniform(0.1, 9, (3, pixels.size))
    mask = rng.random((3, pixels.size)) < 0.05
    velocity = rng.uniform(-600, 600, 3)
    grid = np.arange(8030.0, 8620.0, step)
    fast = rebin(pixels, flux.astype(np.float32), ivar.astype(np.float32), mask, grid, velocity)
    for star in range(3):
        slow = slow_rebin(
            pixels,
            flux[star].astype(np.float32).astype(float),
            ivar[star].astype(np.float32).astype(float),
            mask[star],
            grid,
            velocity[star],
        )
        np.testing.assert_array_equal(fast[2][star], slow[2])
        whole = ~slow[2]
        np.testing.assert_allclose(fast[0][star][whole], slow[0][whole], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(fast[1][star], slow[1], rtol=1e-5)
