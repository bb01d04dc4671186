"""Stars whose reference labels belong to another star, by a mixture of errors and random labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

FloatArray = NDArray[np.float64]

MIN_PROBABILITY = 0.9
"""Stars whose labels are so likely another star's say nothing about errors."""

_FREEDOM = 6.0
_FIRST_SHARE, _ROUNDS = 0.01, 50
_MIN_STARS = 50


def contradicting(difference: FloatArray, reference: FloatArray, error: FloatArray) -> NDArray[np.bool_]:
    """Find stars whose reference labels differ from the inferred ones as those of a random star would.

    A cross-match with the wrong star, or two exchanged fibres, join a spectrum to labels that are not its own. Such
    labels are distributed as all reference labels are, normally. Others differ from the inferred ones by Student's t
    with 6 degrees of freedom in each label. The share of the former is found by expectation and maximisation over all
    labels together: one that is moderately off alone is no contradiction.

    Parameters
    ----------
    difference : ndarray, shape (n_stars, n_labels)
        Inferred, on stars that the engine has not seen, less reference labels; NaN where unknown.
    reference : ndarray, shape (n_stars, n_labels)
        Reference labels.
    error : ndarray, shape (n_stars, n_labels)
        Errors of the difference.

    Returns
    -------
    ndarray of bool, shape (n_stars,)
        Stars that are of the former kind at a probability above 0.9; none where fewer than 50 stars have all labels.
    """
    flagged = np.zeros(len(difference), np.bool_)
    known = np.isfinite(difference).all(axis=1) & np.isfinite(reference).all(axis=1) & (error > 0).all(axis=1)
    if known.sum() < _MIN_STARS:
        return flagged
    pulls = (difference[known] - np.median(difference[known], axis=0)) / error[known]
    peak = gammaln(0.5 * (_FREEDOM + 1.0)) - gammaln(0.5 * _FREEDOM) - 0.5 * np.log(np.pi * _FREEDOM)
    own = peak - 0.5 * (_FREEDOM + 1.0) * np.log1p(pulls**2 / _FREEDOM) - np.log(error[known])
    size = reference.shape[1]
    centred = reference[known] - reference[known].mean(axis=0)
    covariance = np.atleast_2d(np.cov(centred.T)) + 1e-12 * np.eye(size)
    distance = np.einsum("na,na->n", centred, np.linalg.solve(covariance, centred.T).T)
    other = -0.5 * (distance + size * np.log(2.0 * np.pi) + np.linalg.slogdet(covariance)[1])
    contrast, share = other - own.sum(axis=1), _FIRST_SHARE
    for _ in range(_ROUNDS):
        probability = expit(contrast + np.log(share) - np.log1p(-share))
        share = float(np.clip(probability.mean(), 1e-9, 0.5))
    flagged[known] = probability > MIN_PROBABILITY
    return flagged
