"""Compiled kernels of the velocity refinement: chi-squared at one velocity, and its parabola.

The template lies on a fine log grid; between its pixels it is interpolated by cubic Lagrange polynomials, and a
quadratic polynomial that multiplies it is profiled out. ``tests/reference/slow_velocity.py`` writes the same out.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import C_KMS
from pipeline.science.spectra.resample import cubic_weights

FloatArray = NDArray[np.float64]

STEPS_KMS = np.array([12.0, 4.0, 1.5])
"""Half-widths of the parabolas, in turn; each takes five velocities, -2 to 2 steps from the last centre."""

_jit = numba.njit(nogil=True, error_model="numpy")
_cubic_weights = _jit(cubic_weights)


@_jit  # type: ignore[untyped-decorator]
def _chi2(y: FloatArray, w: FloatArray, first: int, last: int, template: FloatArray, start: float, ratio: int) -> float:
    """Chi-squared over pixels ``first`` to ``last``; pixel 0 is at ``start`` on the template's grid."""
    base = int(np.floor(start))
    a, b, c, d = _cubic_weights(start - base)
    n00 = n01 = n02 = n12 = n22 = r0 = r1 = r2 = total = 0.0
    scale = 2.0 / max(last - first - 1, 1)
    for j in range(first, last):
        weight = w[j]
        if weight <= 0.0:
            continue
        i = base + ratio * j
        model = a * template[i - 1] + b * template[i] + c * template[i + 1] + d * template[i + 2]
        x = (j - first) * scale - 1.0
        square = weight * model * model
        n00 += square
        n01 += square * x
        n02 += square * x * x
        n12 += square * x * x * x
        n22 += square * x * x * x * x
        cross = weight * model * y[j]
        r0 += cross
        r1 += cross * x
        r2 += cross * x * x
        total += weight * y[j] * y[j]
    if not n00 > 0.0:
        return np.nan
    tiny = 1e-12 * n00
    l00 = np.sqrt(n00 + tiny)
    l10, l20 = n01 / l00, n02 / l00
    l11 = np.sqrt(max(n02 + tiny - l10 * l10, tiny))
    l21 = (n12 - l20 * l10) / l11
    l22 = np.sqrt(max(n22 + tiny - l20 * l20 - l21 * l21, tiny))
    z0 = r0 / l00
    z1 = (r1 - l10 * z0) / l11
    z2 = (r2 - l20 * z0 - l21 * z1) / l22
    return float(total - z0 * z0 - z1 * z1 - z2 * z2)


@_jit  # type: ignore[untyped-decorator]
def refine(
    y: FloatArray,
    w: FloatArray,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    templates: FloatArray,
    chosen: NDArray[np.int64],
    velocity: FloatArray,
    limit: float,
    log_first: float,
    grid_first: float,
    grid_step: float,
    ratio: int,
    steps: FloatArray,
    result: FloatArray,
) -> None:
    """Least-squares parabolas through chi-squared at five velocities, each time narrower.

    Parameters
    ----------
    y, w : ndarray, shape (m, n)
        Flux and weights.
    first, last : ndarray of int, shape (m,)
        Pixels that count.
    templates : ndarray, shape (k, p)
        On the fine grid.
    chosen : ndarray of int, shape (m,)
        Template of each star.
    velocity : ndarray, shape (m,)
        Where to start, km/s.
    limit : float
        Largest absolute velocity; templates reach 2 of the widest steps farther.
    log_first, grid_first, grid_step : float
        log10 wavelength of the stars' pixel 0 and of the templates' first, and the templates' step.
    ratio : int
        Fine pixels a pixel.
    steps : ndarray
        :data:`STEPS_KMS`.
    result : ndarray, shape (m, 3)
        Filled with velocity, second derivative of chi-squared by velocity, lowest chi-squared.
    """
    values = np.empty(5)
    for star in range(y.shape[0]):
        at, curvature, lowest = velocity[star], np.nan, np.nan
        for step in steps:
            for k in range(5):
                beta = (at + (k - 2) * step) / C_KMS
                shift = 0.5 * np.log10((1.0 + beta) / (1.0 - beta))
                start = (log_first - shift - grid_first) / grid_step
                values[k] = _chi2(y[star], w[star], first[star], last[star], templates[chosen[star]], start, ratio)
            second = (2 * values[0] - values[1] - 2 * values[2] - values[3] + 2 * values[4]) / 7.0
            slope = (-2 * values[0] - values[1] + values[3] + 2 * values[4]) / 10.0
            move = -slope / second if second > 0.0 else -2.0 * np.sign(slope)
            at = min(max(at + min(max(move, -2.0), 2.0) * step, -limit), limit)
            curvature = second / step**2
            lowest = values.min()
        result[star, 0], result[star, 1], result[star, 2] = at, curvature, lowest


def refine_all(*arguments: Any) -> FloatArray:
    """:func:`refine` with its result, shape (m, 3)."""
    result = np.empty((len(arguments[0]), 3))
    refine(*arguments, STEPS_KMS, result)
    return result
