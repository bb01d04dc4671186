"""Molecular band ratios, and S/N in the three senses that the catalogue keeps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import air_to_vacuum

FloatArray = NDArray[np.float64]


class BandRatio(NamedTuple):
    """Mean flux in one window over mean flux in another; windows in Angstrom, air, as published."""

    name: str
    numerator: tuple[float, float]
    denominator: tuple[float, float]


REID_1995 = (
    BandRatio("tio5", (7126.0, 7135.0), (7042.0, 7046.0)),
    BandRatio("cah2", (6814.0, 6846.0), (7042.0, 7046.0)),
    BandRatio("cah3", (6960.0, 6990.0), (7042.0, 7046.0)),
)
"""Bands of Reid, Hawley & Gizis (1995, AJ 110, 1838), Table 2."""

CALCIUM_WINDOW = (8000.0, 8950.0)
"""Range of the velocity measurement, Angstrom (paper, section 3.1)."""


def band_ratios(
    wavelength: FloatArray, flux: FloatArray, mask: NDArray[np.bool_], bands: tuple[BandRatio, ...] = REID_1995
) -> dict[str, FloatArray]:
    """Band ratios of rest-frame spectra.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        Vacuum rest wavelengths in Angstrom.
    flux : ndarray, shape (n_stars, n)
        Flux, not divided by a continuum.
    mask : ndarray of bool, shape (n_stars, n)
        True where a pixel carries no information.
    bands : tuple of BandRatio
        What to measure.

    Returns
    -------
    dict of ndarray, shape (n_stars,)
        Ratio by name; NaN where less than half of a window is usable or the denominator is not positive.
    """

    def window_mean(window: tuple[float, float]) -> FloatArray:
        low, high = air_to_vacuum(window)
        inside = (wavelength >= low) & (wavelength <= high)
        good = ~mask[:, inside]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(good, flux[:, inside], 0.0).sum(axis=1) / good.sum(axis=1)
        return np.where(good.mean(axis=1) >= 0.5, mean, np.nan) if inside.any() else np.full(len(flux), np.nan)

    ratios = {}
    for band in bands:
        above, below = window_mean(band.numerator), window_mean(band.denominator)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratios[band.name] = np.where(below > 0, above / below, np.nan)
    return ratios


def mean_snr(flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    """Mean of flux * sqrt(ivar) over unmasked pixels, per star; NaN for a star without any."""
    good = ~mask
    signal = np.where(good, flux * np.sqrt(ivar), 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(signal / good.sum(axis=1))
