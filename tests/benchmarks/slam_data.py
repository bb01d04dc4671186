"""Simulated training and survey stars for the SLAM benchmarks, at the paper's size; no file is written."""

from dataclasses import dataclass

import numpy as np

from pipeline.domain.settings import SpectraConfig
from pipeline.domain.wavelength import log_grid
from pipeline.mock.survey import simulate
from pipeline.science.spectra.continuum import ContinuumFitter, normalise
from pipeline.science.spectra.resample import rebin

NAMES = ("teff", "logg", "m_h", "alpha_m")


@dataclass
class Stars:
    """Labels, and normalised rest-frame spectra of shape (n, p)."""

    labels: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray
    mask: np.ndarray
    wavelength: np.ndarray


def simulated_stars(n, n_pixels=None, seed=3670):
    """Stars of the simulated survey with the reference labels that a training star would have."""
    survey = simulate(max(2 * n, 40), seed=seed, training=int(0.9 * n))
    reference = survey.table[[f"{name}_ref" for name in NAMES]].to_numpy(float)
    rows = np.flatnonzero(np.isfinite(reference).all(axis=1))[:n]
    if rows.size < n:
        raise ValueError(f"The simulated survey has reference labels for {rows.size} stars; {n} were asked for.")
    grid = log_grid(4500.0, 8950.0)
    if n_pixels is not None:
        grid = grid[-n_pixels:]
    fitter = ContinuumFitter(grid, SpectraConfig())
    flux, ivar, mask = (np.empty((n, grid.size), kind) for kind in (np.float32, np.float32, bool))
    for start in range(0, n, 256):
        part = rows[start : start + 256]
        wavelength, f, i, m = survey.observe(part)
        f, i, m = rebin(wavelength, f, i, m, grid, survey.light.rv_kms[part])
        block = slice(start, start + len(part))
        flux[block], ivar[block], mask[block] = normalise(f, i, m, fitter.fit(f, i, m))
    return Stars(reference[rows], flux, ivar, mask, grid)
