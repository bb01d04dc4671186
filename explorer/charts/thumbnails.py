"""Small spectra: flux and model in bins of pixels, as heights that the page paints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.charts.spectrum_numbers import Bools, Ends, Floats

MAX_BINS = 240
"""Maximum number of bins of a small spectrum."""

UNKNOWN = 255
"""Height of a bin without a known pixel."""

_TOP = UNKNOWN - 1
_SHARES = (0.01, 0.995)
"""Quantiles of the binned flux and model at the lower and the upper end of the axis."""

_ROOM, _MIN_SPAN = 0.08, 0.05


def thumbnails(wavelength: Floats, flux: Floats, good: Bools, model: Floats, ends: Ends | None) -> NDArray[np.uint8]:
    """Bin and scale some spectra, each between its own ends.

    Parameters
    ----------
    wavelength : ndarray of float, shape (n_pixels,)
        In Angstrom, in order.
    flux, model : ndarray of float, shape (n_stars, n_pixels)
        Normalised; NaN where unknown.
    good : ndarray of bool, shape (n_stars, n_pixels)
        Pixels with information.
    ends : tuple of float, or None
        Wavelengths between which pixels are shown; None for all.

    Returns
    -------
    ndarray of uint8, shape (n_stars, 2, n_bins)
        Heights of flux and of model from 0 to 254, 255 where unknown; no bins without pixels between the ends.
    """
    low, high = (wavelength[0], wavelength[-1]) if ends is None else ends
    first, last = np.searchsorted(wavelength, low, "left"), np.searchsorted(wavelength, high, "right")
    inside = slice(int(first), int(last))
    count = int(last - first)
    if not (count and flux.shape[0]):
        return np.empty((flux.shape[0], 2, 0), np.uint8)
    starts = np.unique(np.linspace(0, count, min(MAX_BINS, count), endpoint=False).astype(np.intp))
    binned = np.stack(
        [
            _means(flux[:, inside], good[:, inside], starts),
            _means(model[:, inside], np.isfinite(model[:, inside]), starts),
        ],
        axis=1,
    )
    return _heights(binned)


def _means(values: Floats, known: Bools, starts: NDArray[np.intp]) -> Floats:
    """Mean of the known pixels of each bin, NaN without one; shape (n_stars, n_bins)."""
    known = known & np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0.0), starts, axis=1)
    number = np.add.reduceat(known.astype(np.int32), starts, axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _heights(binned: Floats) -> NDArray[np.uint8]:
    """Values of each star between its quantiles as heights."""
    known = np.isfinite(binned)
    whole = np.where(known, binned, np.inf).reshape(binned.shape[0], -1)
    ordered, number = np.sort(whole, axis=1), known.sum(axis=(1, 2))
    rows = np.arange(binned.shape[0])
    low, high = (ordered[rows, (share * np.maximum(number - 1, 0)).astype(np.intp)] for share in _SHARES)
    low, high = np.where(number > 0, low, 0.0), np.where(number > 0, high, 1.0)
    span = np.maximum(high - low, _MIN_SPAN)
    bottom = 0.5 * (low + high) - (0.5 + _ROOM) * span
    scaled = (np.where(known, binned, 0.0) - bottom[:, None, None]) / ((1.0 + 2.0 * _ROOM) * span)[:, None, None]
    return np.where(known, np.clip(np.rint(_TOP * scaled), 0, _TOP), UNKNOWN).astype(np.uint8)
