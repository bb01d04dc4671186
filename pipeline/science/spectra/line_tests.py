"""Tests of residuals for particular lines: emission of the star, and what was left of the night sky."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import air_to_vacuum, velocity_to_log_shift

FloatArray = NDArray[np.float64]

EMISSION_LINES = ((6562.8, 1.0), (4861.3, 0.7), (8498.0, 0.10), (8542.1, 0.15), (8662.1, 0.15))
"""Lines of active and of pulsating giants in emission: air [Angstrom], equivalent width over that of H alpha."""

HYDROXYL = (
    *(7276.4, 7316.3, 7340.9, 7750.6, 7794.1, 7821.5, 7853.2, 7913.7, 7964.7, 7993.3, 8025.8, 8344.6),
    *(8399.2, 8430.2, 8465.4, 8504.6, 8778.3, 8827.1, 8850.3, 8885.9, 8919.6, 8958.1, 9001.1, 9038.1),
)
"""Strong OH lines of the night sky, air [Angstrom] (Osterbrock et al. 1996, PASP 108, 277), rounded and blended."""

SKY_SIGMA = 2.6
"""Width of a sky line or blend as the instrument sees it, Angstrom."""

_RESOLUTION = 1800.0
_MAX_SIGMA = 8.0
_FINE = 5e-5


def significance(residual: FloatArray, weight: FloatArray, pattern: FloatArray) -> FloatArray:
    """How many sigma of a pattern the residuals hold, shape (n,).

    Parameters
    ----------
    residual, weight : ndarray, shape (n, p)
        Flux minus fit and inverse variance; no pixel counts for more than 8 sigma.
    pattern : ndarray, shape (p,) or (n, p)
        What to look for.
    """
    bounded = np.clip(residual * np.sqrt(weight), -_MAX_SIGMA, _MAX_SIGMA)
    held = (bounded * np.sqrt(weight) * pattern).sum(axis=1)
    return np.asarray(held / np.sqrt(np.maximum((weight * pattern**2).sum(axis=1), 1e-30)))


def emission_pattern(wavelength: FloatArray) -> FloatArray:
    """Emission lines at the instrument's width on rest wavelengths (vacuum), shape (p,)."""
    places = ((float(air_to_vacuum(place)), share) for place, share in EMISSION_LINES)
    return np.asarray(
        sum(share * np.exp(-0.5 * ((wavelength - at) * _RESOLUTION * 2.3548 / at) ** 2) for at, share in places)
    )


def sky_pattern(wavelength: FloatArray, rv_kms: FloatArray, continuum: FloatArray) -> FloatArray:
    """Sky lines where they fall in each star's rest frame, over its continuum, shape (n, p).

    Parameters
    ----------
    wavelength : ndarray, shape (p,)
        Rest wavelengths, vacuum.
    rv_kms : ndarray, shape (n,)
        By how much each spectrum was shifted.
    continuum : ndarray, shape (n, p)
        By what it was divided; 0 where there is none.
    """
    fine = np.arange(np.log10(wavelength[0]) - 0.002, np.log10(wavelength[-1]) + 0.002, _FINE)
    comb = sky_lines(10.0**fine)
    observed = np.log10(wavelength)[None, :] + velocity_to_log_shift(rv_kms)[:, None]
    lines = np.interp(observed, fine, comb)
    level = np.median(continuum, axis=1, keepdims=True)
    usable = (continuum > 0.05 * level) & (level > 0)
    return np.where(usable, lines * level / np.where(usable, continuum, 1.0), 0.0)


def sky_lines(wavelength: FloatArray) -> FloatArray:
    """OH lines of height 1 on observed wavelengths (vacuum)."""
    places = (float(air_to_vacuum(place)) for place in HYDROXYL)
    return np.asarray(sum(np.exp(-0.5 * ((wavelength - at) / SKY_SIGMA) ** 2) for at in places))
