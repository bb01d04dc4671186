"""Rebin spectra onto a common grid, with conserved flux and correct variances and masks."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.wavelength import doppler_factor

FloatArray = NDArray[np.float64]

TOUCHED = 1e-6
"""A new pixel is masked when a larger fraction of it overlaps masked ones or lies beyond the spectrum."""


def pixel_edges(centres: FloatArray) -> FloatArray:
    """Edges of pixels whose centres ascend: midpoints, and mirrored half-widths at both ends.

    Parameters
    ----------
    centres : ndarray, shape (n,)
        Pixel centres.

    Returns
    -------
    ndarray, shape (n + 1,)
        Pixel edges.
    """
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate(([2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]))


def cubic_weights(fraction: Any) -> tuple[Any, Any, Any, Any]:
    """Lagrange's weights of the points -1, 0, 1 and 2 at fractions between 0 and 1 (number or array)."""
    f = fraction
    return (
        -f * (f - 1.0) * (f - 2.0) / 6.0,
        (f + 1.0) * (f - 1.0) * (f - 2.0) / 2.0,
        -(f + 1.0) * f * (f - 2.0) / 2.0,
        (f + 1.0) * f * (f - 1.0) / 6.0,
    )


def rebin(
    wavelength: FloatArray,
    flux: NDArray[Any],
    ivar: NDArray[Any],
    mask: NDArray[np.bool_],
    grid: FloatArray,
    rv_kms: ArrayLike = 0.0,
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Rebin spectra, moved to their rest frames, onto a grid.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        Pixel centres in Angstrom, ascending.
    flux, ivar : ndarray, shape (n,) or (n_stars, n)
        Flux per Angstrom, and inverse variance.
    mask : ndarray of bool, of the same shape
        True where a pixel carries no information.
    grid : ndarray, shape (m,)
        Pixel centres of the result, in Angstrom.
    rv_kms : float or array_like, shape (n_stars,)
        Radial velocity to remove.

    Returns
    -------
    flux : ndarray, shape (m,) or (n_stars, m)
        Mean flux density over each new pixel: the integral over any run of whole pixels is conserved.
    ivar : ndarray, of the same shape
        1 over the overlap-weighted mean variance. Averaging two pixels would lower the variance, but it correlates
        neighbours as much; without the gain, chi-squared over many pixels is unbiased.
    mask : ndarray of bool, of the same shape
        True where more than 1e-6 of a new pixel overlaps a masked old one or lies beyond the spectrum.
    """
    many = np.ndim(flux) == 2
    f, v, m = (np.ascontiguousarray(np.atleast_2d(part)) for part in (flux, ivar, mask))
    factor = np.broadcast_to(np.asarray(doppler_factor(rv_kms), float), (len(f),))
    shape = (len(f), grid.size)
    result = np.empty(shape), np.empty(shape), np.empty(shape, np.bool_)
    _rebin(pixel_edges(wavelength), factor, f, v, m, pixel_edges(grid), *result)
    return result if many else (result[0][0], result[1][0], result[2][0])


@numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
def _rebin(
    edges: FloatArray,
    factor: FloatArray,
    flux: NDArray[Any],
    ivar: NDArray[Any],
    mask: NDArray[np.bool_],
    targets: FloatArray,
    new_flux: FloatArray,
    new_ivar: FloatArray,
    new_mask: NDArray[np.bool_],
) -> None:
    """One walk along both sets of pixels a star."""
    last = edges.size - 1
    for star in range(flux.shape[0]):
        shrink = 1.0 / factor[star]
        source = 0
        for pixel in range(targets.size - 1):
            low, high = targets[pixel], targets[pixel + 1]
            while source > 0 and edges[source] * shrink > low:
                source -= 1
            while source < last and edges[source + 1] * shrink <= low:
                source += 1
            total, variance, seen = 0.0, 0.0, 0.0
            k = source
            while k < last and edges[k] * shrink < high:
                overlap = min(edges[k + 1] * shrink, high) - max(edges[k] * shrink, low)
                if overlap > 0.0 and not mask[star, k]:
                    total += flux[star, k] * overlap
                    variance += overlap / ivar[star, k]
                    seen += overlap
                k += 1
            width = high - low
            new_flux[star, pixel] = total / seen if seen > 0.0 else 0.0
            dead = seen < (1.0 - TOUCHED) * width
            new_mask[star, pixel] = dead
            new_ivar[star, pixel] = 0.0 if dead or not variance > 0.0 else seen / variance
