"""Kernel ridge regression of all pixels with one kernel, faint stars counting less: a solver of SLAM.

Every pixel's function is the same linear combination of the training spectra, so the functions lie where spectra lie.
Separate support-vector regressions do not: each chooses its own kernel and ignores residuals within its tube, which
is noise in directions where spectra have none, and a likelihood that knows the noise would read labels out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from pipeline.science.blocks import Progress
from pipeline.science.slam.kernel_expansion import KernelExpansion

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_FILLING_ROUNDS = 4
"""Times that masked pixels are replaced by the functions' values."""


class RidgeChoice(NamedTuple):
    """The kernel and penalty of all pixels, and what they leave."""

    c: float
    gamma: float
    residual: FloatArray
    """Out of fold, model less flux, scaled; shape (n_stars, n_pixels)."""


def noise_levels(noise: NDArray[Any], good: BoolArray) -> FloatArray:
    """Noise variance of each star over that of a typical one, mean over its pixels.

    Parameters
    ----------
    noise : ndarray, shape (n_stars, n_pixels)
        Noise variances; only values where ``good`` is True are read.
    good : ndarray of bool, shape (n_stars, n_pixels)
        Pixels that count.
    """
    seen = good.any(axis=0)
    typical = np.ones(seen.size)
    typical[seen] = np.nanmedian(np.where(good[:, seen], noise[:, seen], np.nan), axis=0)
    ratio = np.where(good, noise / np.where(typical > 0, typical, 1.0), 0.0)
    return np.asarray(ratio.sum(axis=1) / np.maximum(good.sum(axis=1), 1), np.float64)


def fit_ridge(
    labels: FloatArray, flux: FloatArray, inclusion: BoolArray, level: FloatArray, c: float, gamma: float
) -> KernelExpansion:
    """Functions of all pixels: least ``C sum_i (y_i - f(x_i))^2 2 / (1 + x_i) + |f|^2``.

    Parameters
    ----------
    labels : ndarray, shape (n_stars, n_labels)
        Scaled labels.
    flux : ndarray, shape (n_stars, n_pixels)
        Scaled flux; values where ``inclusion`` is False are never read.
    inclusion : ndarray of bool, shape (n_stars, n_pixels)
        Pixels that take part.
    level : ndarray, shape (n_stars,)
        Noise variance of each star over a typical one's.
    c, gamma : float
        Penalty level, and inverse square width of the kernel.
    """
    kernel = np.exp(-gamma * cdist(labels, labels, "sqeuclidean"))
    factor = cho_factor(kernel + np.diag((1.0 + level) / (2.0 * c)), lower=True, check_finite=False)
    weight = inclusion / (1.0 + level[:, None])
    total = weight.sum(axis=0)
    intercept = (np.where(inclusion, flux, 0.0) * weight).sum(axis=0) / np.where(total > 0, total, 1.0)
    offset = np.where(inclusion, flux - intercept, 0.0)
    coefficients = cho_solve(factor, offset, check_finite=False)
    gaps = np.flatnonzero(~inclusion.all(axis=0))
    for _ in range(_FILLING_ROUNDS if gaps.size else 0):
        offset[:, gaps] = np.where(inclusion[:, gaps], offset[:, gaps], kernel @ coefficients[:, gaps])
        coefficients[:, gaps] = cho_solve(factor, offset[:, gaps], check_finite=False)
    coefficients[:, total == 0] = 0.0
    return KernelExpansion(labels, coefficients, intercept, np.full(flux.shape[1], gamma))


def choose_ridge(
    labels: FloatArray,
    flux: FloatArray,
    inclusion: BoolArray,
    level: FloatArray,
    folds: NDArray[np.intp],
    grid: Sequence[tuple[float, float]],
    progress: Progress | None = None,
) -> RidgeChoice:
    """Pair (C, gamma) with the least out-of-fold deviation over all pixels, weighted to bright stars.

    Parameters
    ----------
    labels, flux, inclusion, level
        As :func:`fit_ridge` takes them.
    folds : ndarray of int, shape (n_stars,)
        Fold of each star.
    grid : sequence of (float, float)
        Pairs to try.
    progress : callable, optional
        Called with the fraction done.
    """
    best, least = None, np.inf
    for number, (c, gamma) in enumerate(grid):
        residual = np.zeros(flux.shape)
        for fold in np.unique(folds):
            out = folds == fold
            known = fit_ridge(labels[~out], flux[~out], inclusion[~out], level[~out], c, gamma)
            residual[out] = known.evaluator().predict(labels[out]) - np.where(inclusion[out], flux[out], 0.0)
        residual[~inclusion] = 0.0
        score = float((np.square(residual) / (1.0 + level[:, None]) ** 2).sum())
        if score < least:
            best, least = RidgeChoice(c, gamma, residual), score
        if progress is not None:
            progress((number + 1) / len(grid))
    if best is None:
        raise ValueError("No pair of C and gamma gives finite deviations: the training spectra are not finite.")
    return best
