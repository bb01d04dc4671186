"""Oddness of stars: many one-sided pieces of evidence as tail probabilities, combined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.domain.statistics import MAD_TO_SIGMA

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_TAIL_FROM, _TAIL_TO = 50.0, 90.0
"""Percentiles that set the tail of a piece of evidence: lower than a few per cent of odd stars can bend."""

_MIN_STARS = 30
_STEPS = 5


def tail_log_probability(values: FloatArray) -> FloatArray:
    """Logarithm of the chance that an ordinary star has such a value or a larger one.

    Up to the median 0.5; above, the tail is exponential, its scale from the median and the 90th percentile, so that
    oddities in the sample neither hide each other nor share one rank. NaN where the value is.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Larger is odder, in the manner of a deviation in sigma.
    """
    result = np.full(values.size, np.nan)
    known = np.isfinite(values)
    if known.sum() < _MIN_STARS:
        return result
    low, high = np.percentile(values[known], [_TAIL_FROM, _TAIL_TO])
    beyond = 1.0 - _TAIL_FROM / 100.0
    scale = max((high - low) / np.log(beyond / (1.0 - _TAIL_TO / 100.0)), 1e-12)
    result[known] = np.log(beyond) - np.maximum(values[known] - low, 0.0) / scale
    return result


def joint_oddness(evidence: Mapping[str, FloatArray]) -> tuple[FloatArray, NDArray[np.str_]]:
    """Joint oddness of several pieces of evidence, and which of them contributes most.

    Parameters
    ----------
    evidence : mapping of str to ndarray, shape (n,)
        Larger is odder; NaN means that this star has no such evidence.

    Returns
    -------
    score : ndarray, shape (n,)
        -log10 of the joint tail probability by the harmonic mean of the pieces' own (Wilson 2019, PNAS 116, 1195): it
        holds for dependent pieces and is ruled by the few that speak. It ranks stars; it is no probability that a star
        is wrong. NaN without evidence.
    strongest : ndarray of str, shape (n,)
        Name of the piece with the smallest tail probability, "" without evidence.
    """
    if not evidence:
        raise ValueError("oddness needs at least one piece of evidence.")
    names = np.array(list(evidence))
    logs = np.stack([tail_log_probability(np.asarray(values, float)) for values in evidence.values()])
    known = np.isfinite(logs)
    pieces = known.sum(axis=0)
    surprise = np.where(known, -logs, -np.inf)
    most = np.maximum(surprise.max(axis=0), 0.0)
    mean = most + np.log(np.maximum(np.exp(surprise - most).sum(axis=0), 1e-300) / np.maximum(pieces, 1))
    score = np.where(pieces > 0, np.maximum(mean, 0.0) / np.log(10.0), np.nan)
    return score, np.where(pieces > 0, names[surprise.argmax(axis=0)], "")


def relative_to_like(values: FloatArray, condition: FloatArray) -> FloatArray:
    """Positive values over what is usual at a star's condition, for example its S/N.

    The logarithm is fitted by a quadratic in ``condition`` with weights that fall with the residual; a star without a
    condition keeps the usual value of all.
    """
    result = np.array(values, float)
    known = np.isfinite(values) & np.isfinite(condition) & (values > 0)
    if known.sum() < _MIN_STARS:
        return result
    centre, spread = np.median(condition[known]), np.std(condition[known]) + 1e-12
    x = np.clip((condition[known] - centre) / spread, -2.5, 2.5)
    y = np.log(values[known])
    weight = np.ones(y.size)
    coefficients = np.zeros(3)
    degree = 2 if np.ptp(x) > 0 else 0  # of stars under one condition only the usual value can be known
    for _ in range(_STEPS):
        coefficients = np.polyfit(x, y, degree, w=np.sqrt(weight))
        residual = y - np.polyval(coefficients, x)
        weight = 1.0 / (1.0 + (residual / (2.0 * MAD_TO_SIGMA * np.median(np.abs(residual)) + 1e-12)) ** 2)
    here = np.clip((np.where(np.isfinite(condition), condition, centre) - centre) / spread, -2.5, 2.5)
    return np.asarray(result / np.exp(np.polyval(coefficients, here)))


def conditional_distance(values: FloatArray, given: FloatArray) -> FloatArray:
    """How far several quantities of a star are from what others of it let expect.

    The sample itself says what to expect: a quadratic in ``given``, fitted with weights that fall with the residual so
    that odd stars do not bend it, and the residuals' covariance, likewise weighted.

    Parameters
    ----------
    values : ndarray, shape (n, k)
        Quantities to judge; NaN where missing.
    given : ndarray, shape (n, m)
        What they are expected from.

    Returns
    -------
    ndarray, shape (n,)
        Mahalanobis distance over the square root of the number of known quantities; NaN for a star that lacks any of
        ``given`` or all of ``values``, and everywhere when fewer than 30 stars know all.
    """
    distance = np.full(len(values), np.nan)
    usable = np.isfinite(given).all(axis=1)
    complete = usable & np.isfinite(values).all(axis=1)
    if complete.sum() < max(_MIN_STARS, 3 * given.shape[1] ** 2):
        return distance
    centre, spread = np.median(given[complete], axis=0), np.std(given[complete], axis=0) + 1e-12
    design = _quadratic(np.clip((given - centre) / spread, -4.0, 4.0))
    weight = np.ones(int(complete.sum()))
    covariance: FloatArray = np.eye(values.shape[1])
    coefficients: FloatArray = np.zeros((design.shape[1], values.shape[1]))
    for _ in range(_STEPS):
        root = np.sqrt(weight)[:, None]
        solved = np.linalg.lstsq(design[complete] * root, values[complete] * root, rcond=None)[0]
        coefficients = np.asarray(solved, np.float64)
        residual = values[complete] - design[complete] @ coefficients
        scale = MAD_TO_SIGMA * np.median(np.abs(residual), axis=0) + 1e-12
        bounded = np.clip(residual / scale, -3.0, 3.0)
        correlated = np.cov(bounded.T, aweights=weight).reshape(values.shape[1], -1)
        covariance = np.asarray(correlated * np.outer(scale, scale) + 1e-6 * np.diag(scale**2), np.float64)
        square = np.einsum("ij,jk,ik->i", residual, np.linalg.inv(covariance), residual) / values.shape[1]
        weight = 1.0 / (1.0 + square / 4.0)
    residual = values - design @ coefficients
    known = np.isfinite(residual)
    code = known @ (1 << np.arange(known.shape[1]))
    for bits in np.unique(code[usable]).tolist():
        if not bits:
            continue
        pattern = (bits >> np.arange(known.shape[1]) & 1).astype(np.bool_)
        rows = usable & (code == bits)
        part = residual[np.ix_(rows, pattern)]
        inverse = np.linalg.inv(covariance[np.ix_(pattern, pattern)])
        distance[rows] = np.sqrt(np.einsum("ij,jk,ik->i", part, inverse, part) / pattern.sum())
    return distance


def _quadratic(scaled: FloatArray) -> FloatArray:
    """1, x_i, x_i x_j; NaN rows stay NaN."""
    m = scaled.shape[1]
    products = [scaled[:, i] * scaled[:, j] for i in range(m) for j in range(i, m)]
    return np.stack([np.ones(len(scaled)), *scaled.T, *products], axis=1)


def neighbour_distance(points: FloatArray, reference: FloatArray, neighbours: int = 5) -> FloatArray:
    """Mean distance to the nearest reference points, in standard deviations; NaN for unknown points."""
    distance = np.full(len(points), np.nan)
    known = np.isfinite(points).all(axis=1)
    if len(reference) <= neighbours or not known.any():
        return distance
    scale = reference.std(axis=0) + 1e-12
    nearest = cKDTree(reference / scale).query(points[known] / scale, k=neighbours + 1)[0]
    own = nearest[:, 0] == 0  # a reference star is no neighbour of itself
    distance[known] = np.where(own, nearest[:, 1:].mean(axis=1), nearest[:, :-1].mean(axis=1))
    return distance


def repeat_pull(star: NDArray[np.int64], values: FloatArray, errors: FloatArray) -> FloatArray:
    """Deviation of an observation from the mean of the star's others, in errors of the difference.

    Parameters
    ----------
    star : ndarray of int, shape (n,)
        Number of the star.
    values, errors : ndarray, shape (n,)
        Measured values and their errors; NaN where there is none.

    Returns
    -------
    ndarray, shape (n,)
        NaN for stars observed once.
    """
    known = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
    weight = np.where(known, 1.0 / np.where(known, errors, 1.0) ** 2, 0.0)
    total = np.bincount(star, weight, star.max(initial=0) + 1)[star] - weight
    moment = np.bincount(star, weight * np.nan_to_num(values), star.max(initial=0) + 1)[star]
    others = moment - weight * np.nan_to_num(values)
    pull = np.full(star.size, np.nan)
    repeated = known & (total > 0)
    mean = others[repeated] / total[repeated]
    pull[repeated] = np.abs(values[repeated] - mean) / np.hypot(errors[repeated], 1.0 / np.sqrt(total[repeated]))
    return pull
