"""Statistics of a sample of stars and of two samples beside each other, with standard errors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from pipeline.domain.statistics import MAD_TO_SIGMA, robust_scatter
from pipeline.science.quality.estimates import BoolArray, Estimate, FloatArray, finite, mean, median, scatter

PERCENTS = (5.0, 16.0, 50.0, 84.0, 95.0)
"""Percentiles of a summary."""

MIN_TESTED = 5
"""Minimum number of values of each sample for a test: below it no p value means anything."""

MAX_TESTED = 200_000
"""Maximum number of values of each sample in a test; of larger ones so many are drawn at random."""

AD_RANGE = (0.001, 0.25)
"""Ends of the table from which the Anderson-Darling p value is interpolated."""

MAX_QUICK = 300_000
"""Maximum number of stars of a sample in quick statistics: their medians are off by 0.2 % of the scatter."""

_SEED = 20230419

# The table's ends are stated with each p value, see AD_RANGE.
warnings.filterwarnings("ignore", "p-value (capped|floored)", UserWarning)


@dataclass(frozen=True)
class Quantity:
    """Values of a quantity of all stars, with their errors.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN and infinity are missing.
    errors : ndarray, shape (n,), or None
        Standard errors, in the unit of the values; None where the catalogue has none.
    """

    values: NDArray[Any]
    errors: NDArray[Any] | None = None

    def of(self, rows: BoolArray | NDArray[np.intp]) -> tuple[FloatArray, FloatArray | None]:
        """Values and errors of some stars, by mask or by position, in double precision."""
        values = np.asarray(self.values[rows], np.float64)
        return values, None if self.errors is None else np.asarray(self.errors[rows], np.float64)


class WeightedMean(NamedTuple):
    """Mean with weights 1/error², and how well the errors account for the scatter.

    The standard error is the square root of 1/``weight``, the sum of the weights, and where the reduced chi-squared is
    above 1 also times its square root (as the Particle Data Group scales errors).
    ``excess`` is the scatter, in the unit of the values, that must be added in quadrature to all errors for a reduced
    chi-squared of 1 (Paule & Mandel 1982); 0 where the errors account for all of it.
    """

    mean: Estimate
    reduced_chi2: float
    excess: float
    weight: float


@dataclass(frozen=True)
class Summary:
    """Statistics of one quantity of one sample; finite values count.

    Parameters
    ----------
    stars : int
        Stars of the sample.
    mean, median, scatter : Estimate
        With standard errors; the scatter is 1.4826 times the median absolute deviation. ``stars`` of each is the
        number of values.
    std : float
        Standard deviation, with n - 1 degrees of freedom.
    percentiles : tuple of float
        At :data:`PERCENTS`.
    weighted : WeightedMean or None
        None without a star with both a value and a positive error.
    """

    stars: int
    mean: Estimate
    median: Estimate
    scatter: Estimate
    std: float
    percentiles: tuple[float, ...]
    weighted: WeightedMean | None

    @property
    def known(self) -> int:
        """Number of stars with a value."""
        return self.mean.stars


class Contrast(NamedTuple):
    """Difference of a statistic of two samples, first less second, with its standard error."""

    value: float
    error: float

    @property
    def sigma(self) -> float:
        """Difference in standard errors; NaN where the error is not known or 0."""
        return self.value / self.error if self.error > 0.0 else np.nan


class TwoSampleTests(NamedTuple):
    """Tests of the hypothesis that two samples are drawn from one distribution.

    ``drawn`` are the numbers of values that were compared. The p value of Anderson and Darling lies at an end of
    :data:`AD_RANGE` where it is beyond it.
    """

    ks: float
    ks_p: float
    ad: float
    ad_p: float
    drawn: tuple[int, int]


@dataclass(frozen=True)
class Comparison:
    """One quantity of two samples.

    Parameters
    ----------
    first, second : Summary
        Each sample alone.
    shared : int
        Stars that are in both.
    mean, median, scatter : Contrast
        Differences; their errors allow for the stars that are in both.
    weighted : Contrast or None
        None where a sample has no weighted mean.
    tests : TwoSampleTests or None
        None with fewer than :data:`MIN_TESTED` values on a side, or until they are computed.
    """

    first: Summary
    second: Summary
    shared: int
    mean: Contrast
    median: Contrast
    scatter: Contrast
    weighted: Contrast | None
    tests: TwoSampleTests | None


def thinned(rows: BoolArray, limit: int | None) -> tuple[BoolArray | NDArray[np.intp], float]:
    """Every k-th star of a sample that has more than a limit.

    Parameters
    ----------
    rows : ndarray of bool, shape (n,)
        The sample.
    limit : int or None
        Maximum number of stars; None keeps all.

    Returns
    -------
    stars : ndarray of bool, shape (n,), or of int, shape (m,)
        Mask of all stars, or positions of those kept.
    factor : float
        Stars of the sample for each star that is kept.
    """
    if limit is None:
        return rows, 1.0
    stars = np.flatnonzero(rows)
    if stars.size <= limit:
        return stars, 1.0
    kept = stars[:: -(-stars.size // limit)]
    return kept, stars.size / kept.size


def _enlarged(part: Summary, quantity: Quantity, rows: BoolArray, factor: float) -> Summary:
    """Statistics of a thinned sample, with the numbers of stars and the standard errors of the whole sample."""
    if factor == 1.0:
        return part
    known = int(np.count_nonzero(np.isfinite(quantity.values) & rows))
    less = float(np.sqrt(factor))

    def whole(estimate: Estimate, stars: int) -> Estimate:
        return Estimate(estimate.value, estimate.error / less, stars)

    weighted = part.weighted
    if weighted is not None:
        stars = round(weighted.mean.stars * factor)
        weighted = weighted._replace(mean=whole(weighted.mean, stars), weight=weighted.weight * factor)
    return replace(
        part,
        stars=int(np.count_nonzero(rows)),
        mean=whole(part.mean, known),
        median=whole(part.median, known),
        scatter=whole(part.scatter, known),
        weighted=weighted,
    )


def summarise(values: FloatArray, errors: FloatArray | None = None, *, resampled: bool = True) -> Summary:
    """Statistics of a sample.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN and infinity are missing.
    errors : ndarray, shape (n,), optional
        Standard errors; a star without a positive one has no weight in the weighted mean.
    resampled : bool
        Whether the errors of median and robust scatter, by 200 bootstrap samples, and the excess scatter are computed;
        else they are NaN.
    """
    known = finite(values)
    if not known.size:
        nothing = Estimate(np.nan, np.nan, 0)
        return Summary(values.size, nothing, nothing, nothing, np.nan, (np.nan,) * len(PERCENTS), None)
    percentiles = tuple(map(float, np.percentile(known, PERCENTS)))
    if resampled:
        middle, spread = median(known), scatter(known)
    else:
        middle = Estimate(percentiles[PERCENTS.index(50.0)], np.nan, known.size)
        spread = Estimate(robust_scatter(known), np.nan, known.size)
    std = float(known.std(ddof=1)) if known.size > 1 else np.nan
    weighted = None if errors is None else weighted_mean(values, errors, whole=resampled)
    return Summary(values.size, mean(known), middle, spread, std, percentiles, weighted)


def weighted_mean(values: FloatArray, errors: FloatArray, *, whole: bool = True) -> WeightedMean | None:
    """Mean with weights 1/error², of the stars with a value and a positive error; None without any.

    Parameters
    ----------
    values, errors : ndarray, shape (n,)
        In one unit.
    whole : bool
        Whether the excess scatter is computed, which takes most of the time; else it is NaN.
    """
    usable = has_error(values, errors)
    known, variance = values[usable], errors[usable] ** 2
    if not known.size:
        return None
    weights = 1.0 / variance
    middle, weight = float(np.average(known, weights=weights)), float(weights.sum())
    if known.size < 2:
        return WeightedMean(Estimate(middle, float(weight**-0.5), known.size), np.nan, np.nan, weight)
    reduced = _reduced_chi2(known, variance, 0.0)
    error = float(np.sqrt(max(reduced, 1.0) / weight))
    excess = _excess_scatter(known, variance) if whole else np.nan
    return WeightedMean(Estimate(middle, error, known.size), reduced, excess, weight)


def has_error(values: FloatArray, errors: FloatArray) -> BoolArray:
    """Stars with a finite value and a finite, positive error."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(values) & np.isfinite(errors) & (errors > 0.0))


def _reduced_chi2(values: FloatArray, variance: FloatArray, added: float) -> float:
    """Chi-squared about the weighted mean, over n - 1, with a variance added to all."""
    weights = 1.0 / (variance + added)
    middle = np.average(values, weights=weights)
    return float((weights * (values - middle) ** 2).sum() / (values.size - 1))


def _excess_scatter(values: FloatArray, variance: FloatArray) -> float:
    """Square root of the added variance for which the reduced chi-squared is 1."""
    if _reduced_chi2(values, variance, 0.0) <= 1.0:
        return 0.0
    # With all errors replaced by this variance the sum is at most n - 1, so the root is below it.
    upper = float(((values - np.median(values)) ** 2).sum() / (values.size - 1)) * (1.0 + 1e-9)
    added = brentq(lambda trial: _reduced_chi2(values, variance, trial) - 1.0, 0.0, upper, xtol=1e-9 * upper)
    return float(np.sqrt(added))


def compare(
    quantity: Quantity, first: BoolArray, second: BoolArray, *, whole: bool = True, shared: BoolArray | None = None
) -> Comparison:
    """Compare a quantity of two samples of stars.

    Parameters
    ----------
    quantity : Quantity
        Of n stars.
    first, second : ndarray of bool, shape (n,)
        The samples; they may share stars.
    whole : bool
        Whether bootstrap errors and tests are computed, which take most of the time; else at most
        :data:`MAX_QUICK` stars of each sample count.
    shared : ndarray of bool, shape (n,), optional
        The stars in both samples, if known already.

    Returns
    -------
    Comparison
        Errors of differences are those of independent samples, less twice the covariance of the stars in both: the
        mean product of their influence functions (Hampel 1974), which is exact for means and for large samples else.
    """
    both = first & second if shared is None else shared
    limit = None if whole else MAX_QUICK
    left, right = (_summary(quantity, rows, limit, resampled=whole) for rows in (first, second))
    stars, factor = thinned(both, limit)
    common = quantity.of(stars)
    weighted = None
    if left.weighted is not None and right.weighted is not None:
        weighted = _contrast(
            left.weighted.mean,
            right.weighted.mean,
            _weighted_correlation(common, factor, left.weighted, right.weighted),
        )
    inside = finite(common[0])
    return Comparison(
        left,
        right,
        int(np.count_nonzero(both)),
        _contrast(left.mean, right.mean, _correlation(inside, factor, left, right, _of_mean)),
        _contrast(left.median, right.median, _correlation(inside, factor, left, right, _of_median)),
        _contrast(left.scatter, right.scatter, _correlation(inside, factor, left, right, _of_scatter)),
        weighted,
        _tested(quantity, first, second, both) if whole else None,
    )


def _summary(quantity: Quantity, rows: BoolArray, limit: int | None, *, resampled: bool) -> Summary:
    stars, factor = thinned(rows, limit)
    return _enlarged(summarise(*quantity.of(stars), resampled=resampled), quantity, rows, factor)


def _contrast(first: Estimate, second: Estimate, correlation: float) -> Contrast:
    variance = first.error**2 + second.error**2 - 2.0 * correlation * first.error * second.error
    return Contrast(first.value - second.value, float(np.sqrt(np.maximum(variance, 0.0))))


def _correlation(shared: FloatArray, factor: float, first: Summary, second: Summary, influence: Any) -> float:
    """Correlation of a statistic of two samples through the stars in both; 0 without any."""
    if not shared.size:
        return 0.0
    together = float(np.mean(influence(shared, first) * influence(shared, second)))
    return min(together * shared.size * factor / float(np.sqrt(first.known * second.known)), 1.0)


def _of_mean(values: FloatArray, sample: Summary) -> FloatArray:
    return (values - sample.mean.value) / (sample.std or 1.0)


def _of_median(values: FloatArray, sample: Summary) -> FloatArray:
    return np.sign(values - sample.median.value)


def _of_scatter(values: FloatArray, sample: Summary) -> FloatArray:
    return np.sign(np.abs(values - sample.median.value) - sample.scatter.value / MAD_TO_SIGMA)


def _weighted_correlation(
    shared: tuple[FloatArray, FloatArray | None], factor: float, first: WeightedMean, second: WeightedMean
) -> float:
    """Correlation of two weighted means: the weight of the stars in both over that of the samples."""
    values, errors = shared
    if errors is None:
        return 0.0
    weight = factor * float((errors[has_error(values, errors)] ** -2.0).sum())
    return min(weight / float(np.sqrt(first.weight * second.weight)), 1.0)


def _tested(quantity: Quantity, first: BoolArray, second: BoolArray, shared: BoolArray) -> TwoSampleTests | None:
    """Tests of two samples, where stars in both count in the smaller sample alone."""
    if np.count_nonzero(first) <= np.count_nonzero(second):
        second = second & ~shared
    else:
        first = first & ~shared
    left, right = (_drawn(finite(quantity.of(rows)[0])) for rows in (first, second))
    return two_sample_tests(left, right)


def two_sample_tests(first: FloatArray, second: FloatArray) -> TwoSampleTests | None:
    """Two-sample tests of Kolmogorov and Smirnov, and of Anderson and Darling.

    Parameters
    ----------
    first, second : ndarray, shape (n,) and (m,)
        Finite values of independent samples.

    Returns
    -------
    TwoSampleTests or None
        None with fewer than :data:`MIN_TESTED` values on a side, or where all values are equal.
    """
    from scipy.stats import anderson_ksamp, ks_2samp  # noqa: PLC0415 - half a second of imports

    if min(first.size, second.size) < MIN_TESTED:
        return None
    if first.min() == first.max() == second.min() == second.max():
        return None
    ks = ks_2samp(first, second)
    ad = anderson_ksamp([first, second], variant="midrank")
    p = float(np.clip(ad.pvalue, *AD_RANGE))
    return TwoSampleTests(float(ks.statistic), float(ks.pvalue), float(ad.statistic), p, (first.size, second.size))


def _drawn(values: FloatArray) -> FloatArray:
    """Values for a test: all, or so many at random."""
    if values.size <= MAX_TESTED:
        return values
    return np.random.default_rng(_SEED).choice(values, MAX_TESTED, replace=False)
