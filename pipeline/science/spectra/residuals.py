"""Signals beyond noise in residuals of a label fit: patterns, narrow features, a second velocity.

Reference stars (those that trained, with out-of-fold labels) say how large the residuals of ordinary stars are, pixel
by pixel and pattern by pattern; every star is then judged by how far it leaves that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

NARROW_WIDTHS, BROAD_WIDTHS = (3, 5, 9), (21, 61)
"""Widths of the boxes, in pixels, in which residuals are summed."""

LARGEST_SHIFT = 6
"""Second velocities up to so many pixels (69 km/s each on LAMOST's grid) to either side."""

_MODES = 12
_MIN_REFERENCES = 40
_CLIP = 5.0
"""No pixel counts for more sigma, so that a cosmic ray is no feature."""

_QUANTILE, _NORMAL_QUANTILE = 0.90, 1.6449
"""Of absolute residuals: high enough to know a pixel's tail, low enough that a few odd stars do not set it."""


@dataclass(frozen=True)
class ResidualModel:
    """How residuals of ordinary stars behave.

    Parameters
    ----------
    scatter : ndarray, shape (p,)
        Scatter of a pixel's residuals beyond the noise.
    modes : ndarray, shape (m, p)
        Orthonormal patterns that residuals share, over their expected scatter; m may be 0.
    """

    scatter: FloatArray
    modes: FloatArray

    @classmethod
    def learn(cls, residual: FloatArray, ivar: FloatArray) -> ResidualModel:
        """Learn from reference stars.

        Parameters
        ----------
        residual, ivar : ndarray, shape (n, p)
            Flux minus fit, and inverse variance (0 where masked).
        """
        good = ivar > 0
        variance = np.where(good, 1.0 / np.maximum(ivar, 1e-30), np.nan)
        with np.errstate(invalid="ignore"):
            square = np.where(good, residual, np.nan) ** 2
            excess = _column_quantile(square, _QUANTILE) / _NORMAL_QUANTILE**2 - _column_quantile(variance, 0.5)
        scatter = np.sqrt(np.maximum(np.nan_to_num(excess), 0.0))
        scaled = _scaled(residual, ivar, scatter)
        if len(scaled) < _MIN_REFERENCES:
            return cls(scatter, np.zeros((0, scatter.size)))
        _, _, patterns = np.linalg.svd(scaled, full_matrices=False)
        return cls(scatter, patterns[: min(_MODES, len(scaled) // 10)])

    def judge(self, residual: FloatArray, ivar: FloatArray) -> dict[str, FloatArray]:
        """How far residuals leave the ordinary.

        Parameters
        ----------
        residual, ivar : ndarray, shape (n, p)
            Flux minus fit, and inverse variance.

        Returns
        -------
        dict of ndarray, shape (n,)
            ``narrow``, ``broad``: the largest sum over a box of neighbouring pixels of what the shared patterns leave,
            in its expected scatter.
        """
        scaled = _scaled(residual, ivar, self.scatter)
        rest = np.where(ivar > 0, scaled - (scaled @ self.modes.T) @ self.modes, 0.0)
        return {
            "narrow": _largest_box(rest, ivar > 0, NARROW_WIDTHS),
            "broad": _largest_box(rest, ivar > 0, BROAD_WIDTHS),
        }

    def weight(self, ivar: FloatArray) -> FloatArray:
        """Inverse variance of residuals of ordinary stars, 0 where masked, shape (n, p)."""
        good = ivar > 0
        return np.where(good, 1.0 / (1.0 / np.where(good, ivar, 1.0) + self.scatter**2), 0.0)


def _scaled(residual: FloatArray, ivar: FloatArray, scatter: FloatArray) -> FloatArray:
    """Residuals over their expected scatter, clipped, 0 where masked."""
    good = ivar > 0
    variance = 1.0 / np.where(good, ivar, 1.0) + scatter**2
    return np.clip(np.where(good, np.nan_to_num(residual) / np.sqrt(variance), 0.0), -_CLIP, _CLIP)


def _column_quantile(values: FloatArray, quantile: float) -> FloatArray:
    """Of each column's known values, shape (p,); 0 for a column without any."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.isfinite(values).sum(axis=0)
    place = np.floor(quantile * np.maximum(count - 1, 0)).astype(np.intp)
    return np.asarray(np.where(count > 0, np.take_along_axis(ordered, place[None, :], axis=0)[0], 0.0))


def _largest_box(scaled: FloatArray, good: NDArray[np.bool_], widths: tuple[int, ...]) -> FloatArray:
    """Largest absolute sum over boxes of neighbours, over the square root of how many of them count."""
    zero = np.zeros((len(scaled), 1))
    total = np.concatenate([zero, np.cumsum(scaled, axis=1)], axis=1)
    number = np.concatenate([zero, np.cumsum(good, axis=1)], axis=1)
    largest = np.zeros(len(scaled))
    for width in widths:
        if width > scaled.shape[1]:
            continue
        counted = number[:, width:] - number[:, :-width]
        enough = counted > 0.6 * width
        value = np.abs(total[:, width:] - total[:, :-width]) / np.sqrt(np.maximum(counted, 1.0))
        largest = np.maximum(largest, np.where(enough, value, 0.0).max(axis=1))
    return largest


def second_velocity(residual: FloatArray, model: FloatArray, weight: FloatArray) -> FloatArray:
    """By how much a second copy of the spectrum at another velocity improves the fit.

    For each shift k, the residual is fitted by the two patterns that a pair of equal spectra k pixels apart leaves
    after a single one was fitted: the difference f(+k) - f(-k) and the broadening f(+k) + f(-k) - 2 f.

    Parameters
    ----------
    residual, model, weight : ndarray, shape (n, p)
        Flux minus fit, the fit, inverse variance of ordinary residuals, on a logarithmic grid.

    Returns
    -------
    ndarray, shape (n,)
        Square root of the largest gain in chi-squared over the shifts.
    """
    inner = weight.copy()
    inner[:, :LARGEST_SHIFT] = 0.0
    inner[:, -LARGEST_SHIFT:] = 0.0
    best = np.zeros(len(model))
    for shift in range(1, LARGEST_SHIFT + 1):
        ahead, behind = np.roll(model, -shift, axis=1), np.roll(model, shift, axis=1)
        odd, even = ahead - behind, ahead + behind - 2.0 * model
        a, b, c = ((inner * x * y).sum(axis=1) for x, y in ((odd, odd), (odd, even), (even, even)))
        u, v = (inner * odd * residual).sum(axis=1), (inner * even * residual).sum(axis=1)
        determinant = np.maximum(a * c - b * b, 1e-12 * a * c + 1e-300)
        gain = (c * u * u - 2.0 * b * u * v + a * v * v) / determinant
        best = np.maximum(best, np.where(v > 0, gain, u * u / np.maximum(a, 1e-300)))
    return np.sqrt(best)
