"""Fits to a sample of stars: a running median, a straight line with errors in both, a Gaussian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipeline.domain.statistics import robust_scatter
from pipeline.science.quality.estimates import RESAMPLES, Estimate, FloatArray

MIN_FITTED = 5
"""Minimum number of stars of a fit."""

MIN_IN_BIN, MAX_BINS = 20, 14
"""Minimum number of stars in a bin of a running median, and maximum number of bins."""

MAX_RUNNING = 1_000_000
"""Maximum number of stars of a running median; of more, so many are drawn at random."""

MAX_FITTED = 100_000
"""Maximum number of stars in a maximum-likelihood fit; of more, so many are drawn at random."""

CLIP = 5.0
"""Values beyond so many robust scatters of the median are left out of a Gaussian."""

_SEED = 20230419
_ERROR_STEPS = np.linspace(0.02, 0.98, 25)
_LEAST = 1e-6
"""Smallest squared scatter of a fit, in units of the variance of the values; one at this limit is 0."""

_SIGNIFICANT = 3.0
"""Standard deviations by which the spread of x exceeds that of its errors, for a slope to be known."""

_STEPS = (1e-3, 1e-3, 1e-3)
"""Steps of the curvature in slope, height and mean of x, in units of the spreads."""


class FitError(ValueError):
    """Values to which nothing can be fitted; the message says why."""


@dataclass(frozen=True)
class RunningMedian:
    """Medians of y in bins of x with equal numbers of stars.

    Parameters
    ----------
    at : ndarray, shape (k,)
        Median of x in each bin.
    median, error : ndarray, shape (k,)
        Median of y, and its bootstrap error.
    low, high : ndarray, shape (k,)
        16th and 84th percentile of y.
    stars : ndarray of int, shape (k,)
        Stars of each bin.
    """

    at: FloatArray
    median: FloatArray
    error: FloatArray
    low: FloatArray
    high: FloatArray
    stars: NDArray[np.int64]


@dataclass(frozen=True)
class Line:
    """A straight line y = intercept + slope x with a scatter of y about it.

    Parameters
    ----------
    slope, intercept, scatter : Estimate
        With standard errors; the scatter is that which the errors of y and x do not account for.
    pivot : float
        Mean of x, where the errors of slope and height are independent.
    height : Estimate
        y at the pivot.
    covariance : float
        Of slope and intercept.
    drawn : bool
        Whether :data:`MAX_FITTED` stars were drawn at random from more.
    """

    slope: Estimate
    intercept: Estimate
    scatter: Estimate
    pivot: float
    height: Estimate
    covariance: float
    drawn: bool

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Height of the line, and its standard error."""
        away = x - self.pivot
        error = np.hypot(self.height.error, away * self.slope.error)
        return self.height.value + self.slope.value * away, np.asarray(error)


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution of the values, without the scatter that their errors cause.

    Parameters
    ----------
    mean, sigma : Estimate
        With standard errors.
    left_out : int
        Values beyond :data:`CLIP` robust scatters, which do not count.
    widths : ndarray, shape (k,)
        Standard deviations of values as observed: sigma with errors at k equal steps of their distribution.
    """

    mean: Estimate
    sigma: Estimate
    left_out: int
    widths: FloatArray

    def density(self, x: FloatArray) -> FloatArray:
        """Expected density of the values as observed, whose integral is 1."""
        away = (x[:, None] - self.mean.value) / self.widths
        return np.asarray(np.mean(np.exp(-0.5 * away**2) / (np.sqrt(2.0 * np.pi) * self.widths), axis=1))


def running_median(x: FloatArray, y: FloatArray) -> RunningMedian:
    """Median of y along x, in at most :data:`MAX_BINS` bins of equal numbers of stars.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Pairs with a missing value do not count.

    Returns
    -------
    RunningMedian
        The error is the standard deviation of the medians of :data:`RESAMPLES` bootstrap samples of a bin, drawn by
        the ranks of the middle stars: an order statistic of n draws has a Beta-distributed rank.

    Raises
    ------
    FitError
        With fewer than :data:`MIN_IN_BIN` pairs.
    """
    known = np.isfinite(x) & np.isfinite(y)
    bins = min(int(np.count_nonzero(known)) // MIN_IN_BIN, MAX_BINS)
    if bins < 1:
        raise FitError(f"A running median takes {MIN_IN_BIN} stars with both values; there are {known.sum():,}.")
    rng = np.random.default_rng(_SEED)
    stars = np.flatnonzero(known)
    if stars.size > MAX_RUNNING:
        stars = rng.choice(stars, MAX_RUNNING, replace=False)
    order = stars[np.argsort(x[stars], kind="stable")]
    x_parts, y_parts = (np.array_split(values[order], bins) for values in (x, y))
    at = np.array([np.median(part) for part in x_parts])
    low, middle, high = np.array([np.percentile(part, (16.0, 50.0, 84.0)) for part in y_parts]).T
    error = np.array([_median_error(np.sort(part), rng) for part in y_parts])
    return RunningMedian(at, middle, error, low, high, np.array([part.size for part in y_parts]))


def _median_error(ordered: FloatArray, rng: np.random.Generator) -> float:
    """Bootstrap error of the median of sorted values."""
    n = ordered.size
    lower = (n + 1) // 2
    rank = rng.beta(lower, n - lower + 1, RESAMPLES)  # of the lower middle one of n uniform draws
    upper = rank if n % 2 else rank + (1.0 - rank) * rng.beta(1, n - lower, RESAMPLES)
    stars = np.minimum((np.array([rank, upper]) * n).astype(np.int64), n - 1)
    return float(ordered[stars].mean(axis=0).std(ddof=1))


def fit_line(
    x: FloatArray, y: FloatArray, x_errors: FloatArray | None = None, y_errors: FloatArray | None = None
) -> Line:
    """Fit a straight line.

    Without errors this is least squares of y on x. With errors it is the maximum of the likelihood of Kelly (2007, ApJ
    665, 1489, section 4.1 with one Gaussian): true x are drawn from a normal distribution, y = intercept + slope x with
    a normal scatter, and both are observed with independent normal errors. So errors of x do not flatten the slope.
    Standard errors are those of the curvature at the maximum.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Pairs with a missing value do not count.
    x_errors, y_errors : ndarray, shape (n,), optional
        Standard errors; a star without a positive one does not count.

    Raises
    ------
    FitError
        With fewer than :data:`MIN_FITTED` pairs, with equal x, or where the errors of x account for all of its spread.
    """
    known = np.isfinite(x) & np.isfinite(y)
    for errors in (x_errors, y_errors):
        if errors is not None:
            with np.errstate(invalid="ignore"):
                known &= np.isfinite(errors) & (errors > 0.0)
    n = int(np.count_nonzero(known))
    if n < MIN_FITTED:
        needed = "both values" if x_errors is None and y_errors is None else "both values and their errors"
        raise FitError(f"A line takes {MIN_FITTED} stars with {needed}; there are {n:,}.")
    stars = np.flatnonzero(known)
    drawn = n > MAX_FITTED and not (x_errors is None and y_errors is None)
    if drawn:
        stars = np.random.default_rng(_SEED).choice(stars, MAX_FITTED, replace=False)
    x, y = x[stars], y[stars]
    if np.ptp(x) == 0.0:
        raise FitError("All stars have the same x, so that no line can be fitted.")
    if x_errors is None and y_errors is None:
        return _least_squares(x, y)
    return _most_likely_line(x, y, _variance(x_errors, stars), _variance(y_errors, stars), drawn=drawn)


def _variance(errors: FloatArray | None, stars: NDArray[np.intp]) -> FloatArray:
    return np.zeros(stars.size) if errors is None else errors[stars] ** 2


def _least_squares(x: FloatArray, y: FloatArray) -> Line:
    """Line of least squares in y, with n - 2 degrees of freedom."""
    n, pivot, middle = x.size, float(x.mean()), float(y.mean())
    away = x - pivot
    square = float(away @ away)
    slope = float(away @ (y - middle)) / square
    residual = y - middle - slope * away
    variance = float(residual @ residual) / (n - 2)
    scatter = Estimate(float(np.sqrt(variance)), float(np.sqrt(variance / (2.0 * (n - 2)))), n)
    return _line(slope, variance / square, middle, variance / n, scatter, pivot, 0.0)


def _line(
    slope: float,
    slope_variance: float,
    height: float,
    height_variance: float,
    scatter: Estimate,
    pivot: float,
    covariance: float,
    *,
    drawn: bool = False,
) -> Line:
    """A line from slope and height at a pivot, with their variances and covariance."""
    n = scatter.stars
    variance = height_variance - 2.0 * pivot * covariance + pivot**2 * slope_variance
    return Line(
        Estimate(slope, float(np.sqrt(slope_variance)), n),
        Estimate(height - slope * pivot, float(np.sqrt(max(variance, 0.0))), n),
        scatter,
        pivot,
        Estimate(height, float(np.sqrt(height_variance)), n),
        covariance - pivot * slope_variance,
        drawn,
    )


def _most_likely_line(
    x: FloatArray, y: FloatArray, x_variance: FloatArray, y_variance: FloatArray, *, drawn: bool
) -> Line:
    """Maximum of the likelihood in units of the spreads, where all parameters are of order one."""
    pivot, middle, across, up = float(x.mean()), float(y.mean()), float(x.std()), float(y.std())
    if up == 0.0:
        up = float(np.sqrt(y_variance.mean())) or 1.0
    if x_variance.any() and _reduced_chi2(x, x_variance) <= 1.0 + _SIGNIFICANT * float(np.sqrt(2.0 / x.size)):
        raise FitError("The errors of x account for all of its spread, so that the slope is not known.")
    u, v = (x - pivot) / across, (y - middle) / up
    u_variance, v_variance = x_variance / across**2, y_variance / up**2

    def cost(parameters: FloatArray) -> float:
        """Minus the logarithm of the likelihood a star: slope, height, mean and variance of x, squared scatter."""
        slope, height, centre, width, scatter = parameters
        xx, xy, yy = width + u_variance, slope * width, slope**2 * width + scatter + v_variance
        determinant = xx * yy - xy**2
        du, dv = u - centre, v - height - slope * centre
        distance = (yy * du**2 - 2.0 * xy * du * dv + xx * dv**2) / determinant
        return float(0.5 * np.mean(np.log(determinant) + distance))

    slope = float(np.clip(np.mean(u * v), -0.99, 0.99))
    rest = max(float(1.0 - slope**2 - v_variance.mean()), 0.05)
    start = np.array([slope, 0.0, 0.0, max(1.0 - float(u_variance.mean()), 0.1), rest])
    bounds = [(None, None)] * 3 + [(_LEAST, None), (_floor(v_variance), None)]
    best = minimize(cost, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9})
    exact = best.x[4] <= _LEAST  # the errors account for the scatter
    free = [0, 1, 2, 3] if exact else [0, 1, 2, 3, 4]
    covariance = _covariance(cost, best.x, np.array([*_STEPS, 0.02 * best.x[3], 0.02 * best.x[4]]), free, x.size)
    scatter = 0.0 if exact else float(np.sqrt(best.x[4])) * up
    error = np.nan if exact else 0.5 * scatter * float(np.sqrt(covariance[4, 4])) / float(best.x[4])
    ratio = up / across
    # v = height + slope u, as u is counted from the pivot.
    return _line(
        float(best.x[0]) * ratio,
        float(covariance[0, 0]) * ratio**2,
        middle + float(best.x[1]) * up,
        float(covariance[1, 1]) * up**2,
        Estimate(scatter, error, x.size),
        pivot,
        float(covariance[0, 1]) * up * ratio,
        drawn=drawn,
    )


def _floor(variance: FloatArray) -> float:
    """Lowest squared scatter: 0 where all values have errors."""
    return 0.0 if variance.min() > 0.0 else _LEAST / 10.0


def _reduced_chi2(values: FloatArray, variance: FloatArray) -> float:
    """Chi-squared about the weighted mean, over n - 1."""
    away = values - np.average(values, weights=1.0 / variance)
    return float((away**2 / variance).sum() / (values.size - 1))


def _covariance(
    cost: Callable[[FloatArray], float], at: FloatArray, steps: FloatArray, free: list[int], n: int
) -> FloatArray:
    """Inverse of the curvature of n times a cost, by central differences in the free parameters.

    Raises
    ------
    FitError
        If the cost has no minimum there.
    """
    size = len(free)
    curvature = np.empty((size, size))
    middle = cost(at)
    units = np.diag(steps)[free]
    for row in range(size):
        for column in range(row + 1):
            first, second = units[row], units[column]
            if row == column:
                value = cost(at + first) - 2.0 * middle + cost(at - first)
            else:
                value = (
                    cost(at + first + second)
                    - cost(at + first - second)
                    - cost(at - first + second)
                    + cost(at - first - second)
                ) / 4.0
            curvature[row, column] = curvature[column, row] = n * value / (first.sum() * second.sum())
    try:
        covariance = np.linalg.inv(curvature)
    except np.linalg.LinAlgError as error:
        raise FitError("The values do not determine the fit: use more stars, or another column.") from error
    if not (np.isfinite(covariance).all() and (np.diag(covariance) > 0.0).all()):
        raise FitError("The values do not determine the fit: use more stars, or another column.")
    return np.asarray(covariance)


def fit_gaussian(values: FloatArray, errors: FloatArray | None = None) -> Gaussian:
    """Fit a normal distribution by maximum likelihood, each value blurred by its own error.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN and infinity do not count, nor do values beyond :data:`CLIP` robust scatters of the median.
    errors : ndarray, shape (n,), optional
        Standard errors; a star without a positive one does not count.

    Raises
    ------
    FitError
        With fewer than :data:`MIN_FITTED` values, or with equal ones.
    """
    known = np.isfinite(values)
    if errors is not None:
        with np.errstate(invalid="ignore"):
            known &= np.isfinite(errors) & (errors > 0.0)
    inside, variance = values[known], None if errors is None else errors[known] ** 2
    if inside.size < MIN_FITTED:
        needed = "a value" if errors is None else "a value and its error"
        raise FitError(f"A Gaussian takes {MIN_FITTED} stars with {needed}; there are {inside.size:,}.")
    if np.ptp(inside) == 0.0:
        raise FitError(f"All {inside.size:,} values are equal, so that a Gaussian has no width.")
    reach = CLIP * robust_scatter(inside)
    near = np.abs(inside - np.median(inside)) <= reach if reach > 0.0 else np.ones(inside.size, np.bool_)
    left_out, inside = int(near.size - np.count_nonzero(near)), inside[near]
    n, centre, width = inside.size, float(inside.mean()), float(inside.std())
    if variance is None:
        mean = Estimate(centre, width / float(np.sqrt(n)), n)
        return Gaussian(mean, Estimate(width, width / float(np.sqrt(2.0 * n)), n), left_out, np.array([width]))
    scaled, blur = (inside - centre) / width, variance[near] / width**2

    def cost(parameters: FloatArray) -> float:
        total = parameters[1] + blur
        return float(0.5 * np.mean(np.log(total) + (scaled - parameters[0]) ** 2 / total))

    start = np.array([0.0, max(1.0 - float(blur.mean()), 0.1)])
    best = minimize(cost, start, method="L-BFGS-B", bounds=[(None, None), (0.0, None)], options={"ftol": 1e-14})
    exact = best.x[1] <= _LEAST
    covariance = _covariance(cost, best.x, np.array([_STEPS[0], 0.02 * best.x[1]]), [0] if exact else [0, 1], n)
    sigma = 0.0 if exact else float(np.sqrt(best.x[1])) * width
    error = np.nan if exact else 0.5 * sigma * float(np.sqrt(covariance[1, 1])) / float(best.x[1])
    return Gaussian(
        Estimate(centre + float(best.x[0]) * width, float(np.sqrt(covariance[0, 0])) * width, n),
        Estimate(sigma, error, n),
        left_out,
        np.sqrt(sigma**2 + np.quantile(variance[near], _ERROR_STEPS)),
    )
