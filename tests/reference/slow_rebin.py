"""The slow, obvious twin of the rebinning kernel: cumulative sums interpolated at the new edges, one spectrum."""

import numpy as np

from pipeline.domain.wavelength import doppler_factor
from pipeline.science.spectra.resample import TOUCHED, pixel_edges


def slow_rebin(wavelength, flux, ivar, mask, grid, rv_kms=0.0):
    """Flux, ivar and mask of one spectrum on the grid, in its rest frame."""
    edges = pixel_edges(wavelength) / doppler_factor(rv_kms)
    targets = pixel_edges(grid)

    def averaged(values):
        cumulative = np.concatenate(([0.0], np.cumsum(values * np.diff(edges))))
        return np.diff(np.interp(targets, edges, cumulative)) / np.diff(targets)

    good = ~mask
    seen = averaged(good.astype(float))
    new_mask = seen < 1.0 - TOUCHED
    variance = averaged(np.where(good, 1.0 / np.where(good, ivar, 1.0), 0.0))
    new_flux = averaged(np.where(good, flux, 0.0)) / np.where(seen > 0, seen, 1.0)
    return new_flux, np.where(new_mask, 0.0, 1.0 / np.where(variance > 0, variance, np.inf)), new_mask
