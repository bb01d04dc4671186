"""Statistics of a sample with their standard errors, for comparison with published numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.statistics import MAD_TO_SIGMA

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

RESAMPLES = 200
"""Bootstrap samples of a statistic without a formula for its error (known to 5 % then)."""

_MAX_RESAMPLED = 5000
"""Stars of a bootstrap sample; errors of larger samples are scaled by the square root of the size."""

_SEED = 20230419


class Estimate(NamedTuple):
    """A measured number, its standard error, and the stars that it was measured on."""

    value: float
    error: float
    stars: int


def finite(values: NDArray[Any]) -> FloatArray:
    """Finite values of an array as double precision."""
    wide = np.asarray(values, np.float64)
    return wide[np.isfinite(wide)]


def number(chosen: BoolArray) -> Estimate:
    """Number of chosen stars, with its Poisson error."""
    count = int(np.count_nonzero(chosen))
    return Estimate(float(count), float(np.sqrt(count)), count)


def exact_number(chosen: BoolArray) -> Estimate:
    """Number of chosen stars of a statement about each star, which has no error."""
    return Estimate(float(np.count_nonzero(chosen)), 0.0, int(chosen.size))


def share(chosen: BoolArray) -> Estimate:
    """Percentage of true values, with its error.

    The error is that of a binomial at the share of Agresti & Coull (1998), which is not 0 for a share of 0 or 1.
    """
    n = chosen.size
    if n == 0:
        return Estimate(np.nan, np.nan, 0)
    fraction, widened = float(np.mean(chosen)), (float(np.sum(chosen)) + 0.5) / (n + 1.0)
    return Estimate(100.0 * fraction, 100.0 * float(np.sqrt(widened * (1.0 - widened) / n)), n)


def mean(values: FloatArray) -> Estimate:
    """Mean of the finite values."""
    known = finite(values)
    if known.size < 2:
        return Estimate(float(known.mean()) if known.size else np.nan, np.nan, known.size)
    return Estimate(float(known.mean()), float(known.std(ddof=1) / np.sqrt(known.size)), known.size)


def root_mean_square(values: FloatArray) -> Estimate:
    """Root of the mean square (Eq. 7 with the number of stars inside the root); any distribution."""
    squares = mean(finite(values) ** 2)
    value = float(np.sqrt(squares.value))
    return Estimate(value, squares.error / (2.0 * value) if value > 0 else np.nan, squares.stars)


def standard_deviation(values: FloatArray) -> Estimate:
    """Standard deviation; its error from the fourth moment, for any distribution."""
    known = finite(values)
    if known.size < 2:
        return Estimate(np.nan, np.nan, known.size)
    return root_mean_square((known - known.mean()) * np.sqrt(known.size / (known.size - 1.0)))


def median(values: FloatArray) -> Estimate:
    """Median, with its bootstrap error."""
    return bootstrapped(values, lambda sample: np.median(sample, axis=-1))


def percentile(values: FloatArray, percent: float) -> Estimate:
    """A percentile, with its bootstrap error."""
    return bootstrapped(values, lambda sample: np.percentile(sample, percent, axis=-1))


def scatter(values: FloatArray) -> Estimate:
    """1.4826 times the median absolute deviation, with its bootstrap error."""
    return bootstrapped(values, _scatters)


def _scatters(sample: FloatArray) -> FloatArray:
    """Robust scatter along the last axis of finite values."""
    away = np.abs(sample - np.median(sample, axis=-1, keepdims=True))
    return np.asarray(MAD_TO_SIGMA * np.median(away, axis=-1))


def bootstrapped(values: FloatArray, statistic: Callable[[FloatArray], NDArray[np.float64]]) -> Estimate:
    """A statistic of the finite values, with the standard deviation of its bootstrap samples (Efron 1979).

    Parameters
    ----------
    values : ndarray, shape (n,)
        Sample; NaN does not count.
    statistic : callable
        Takes samples of shape (..., m) and returns the statistic along the last axis.

    Returns
    -------
    Estimate
        The same for the same values; NaN with fewer than two of them.
    """
    known = finite(values)
    if known.size < 2:
        return Estimate(float(known[0]) if known.size else np.nan, np.nan, known.size)
    drawn = min(known.size, _MAX_RESAMPLED)
    rows = np.random.default_rng(_SEED).integers(0, known.size, (RESAMPLES, drawn))
    spread = float(np.std(statistic(known[rows]), ddof=1))
    value = float(np.ravel(statistic(known))[0])
    return Estimate(value, spread * float(np.sqrt(drawn / known.size)), known.size)


def mean_of(parts: Sequence[Estimate]) -> Estimate:
    """Mean of independent estimates, each with the same weight; NaN without one."""
    if not parts:
        return Estimate(np.nan, np.nan, 0)
    errors = np.array([part.error for part in parts])
    value = float(np.mean([part.value for part in parts]))
    return Estimate(value, float(np.sqrt((errors**2).sum()) / len(parts)), sum(part.stars for part in parts))


def rank_correlation(x: FloatArray, y: FloatArray) -> Estimate:
    """Spearman's rank correlation of the pairs of finite values.

    Its error is that of uncorrelated values, 1/sqrt(n - 1).
    """
    from scipy.stats import spearmanr  # noqa: PLC0415 - half a second of imports

    known = np.isfinite(x) & np.isfinite(y)
    n = int(known.sum())
    if n < 3:
        return Estimate(np.nan, np.nan, n)
    return Estimate(float(spearmanr(x[known], y[known]).statistic), float(1.0 / np.sqrt(n - 1.0)), n)
