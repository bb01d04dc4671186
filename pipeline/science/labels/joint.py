"""One set of labels from two estimates of each star: weights by their out-of-fold covariance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PULL_LIMIT = 3.0
"""Pulls count as at most so many sigmas when correlations are learned."""

SHRINKAGE = 0.05
"""This share of the correlations gives way to independence."""

_BLOCK = 4096


class JointEstimate(NamedTuple):
    """Labels from two estimates."""

    labels: FloatArray
    """Shape (n_stars, n_labels). Where one estimate is unknown the other alone; NaN without both."""

    formal_error: FloatArray
    """Shape (n_stars, n_labels). With the errors of the reference labels, as the two estimates' errors were."""

    disagreement: FloatArray
    """Shape (n_stars,). Mahalanobis distance of the two estimates over the square root of the number of labels."""


@dataclass(frozen=True)
class JointModel:
    """How the errors of two estimates go together.

    Parameters
    ----------
    correlation : ndarray, shape (2 n_labels, 2 n_labels)
        Correlation of the errors: labels of the first estimate, then of the second.
    low, high : ndarray, shape (n_labels,)
        Training range, within which the combination stays.
    """

    correlation: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def fit(cls, first: FloatArray, second: FloatArray, low: FloatArray, high: FloatArray) -> JointModel:
        """Learn from stars that neither estimate has seen.

        Parameters
        ----------
        first, second : ndarray, shape (n_stars, n_labels)
            Differences from the reference labels over their errors, those of the reference included.
        low, high : ndarray, shape (n_labels,)
            Training range.

        Raises
        ------
        ValueError
            If fewer stars than twice the number of labels have both estimates.
        """
        pulls = np.concatenate([first, second], axis=1)
        pulls = pulls[np.isfinite(pulls).all(axis=1)]
        if len(pulls) <= pulls.shape[1]:
            raise ValueError(
                f"{len(pulls)} stars have both estimates: {pulls.shape[1] + 1} are needed to combine them."
            )
        correlation = np.corrcoef(np.clip(pulls, -PULL_LIMIT, PULL_LIMIT).T)
        shrunk = (1.0 - SHRINKAGE) * correlation + SHRINKAGE * np.eye(len(correlation))
        return cls(np.asarray(shrunk, np.float64), low, high)

    def combine(
        self, first: FloatArray, first_error: FloatArray, second: FloatArray, second_error: FloatArray
    ) -> JointEstimate:
        """Weigh the two estimates of each label so that the variance is least.

        With variances a and b and covariance c the second estimate has weight (a - c) / (a + b - 2 c), between 0 and 1.

        Parameters
        ----------
        first, first_error, second, second_error : ndarray, shape (n_stars, n_labels)
            Two estimates and their errors, those of the reference labels included.
        """
        n, size = first.shape
        pairs = np.diagonal(self.correlation, offset=size)
        between = pairs * first_error * second_error
        apart = first_error**2 + second_error**2 - 2.0 * between
        share = np.clip((first_error**2 - between) / apart, 0.0, 1.0)
        both = np.asarray(np.isfinite(first) & np.isfinite(second) & np.isfinite(share), np.bool_)
        share = np.where(both, share, np.where(np.isfinite(second), 1.0, 0.0))
        labels = np.where(share < 1, (1.0 - share) * first, 0.0) + np.where(share > 0, share * second, 0.0)
        variance = np.where(share < 1, ((1.0 - share) * first_error) ** 2, 0.0)
        variance += np.where(share > 0, (share * second_error) ** 2, 0.0)
        variance += np.where((share > 0) & (share < 1), 2.0 * share * (1.0 - share) * between, 0.0)
        disagreement = np.full(n, np.nan)
        contrast = np.concatenate([np.eye(size), -np.eye(size)], axis=1)
        complete = both.all(axis=1)
        for start in range(0, n, _BLOCK):
            rows = start + np.flatnonzero(np.asarray(complete)[start : start + _BLOCK])
            scale = np.maximum(np.concatenate([first_error[rows], second_error[rows]], axis=1), 1e-12)
            spread = contrast @ (self.correlation * (scale[:, :, None] * scale[:, None, :])) @ contrast.T
            difference = first[rows] - second[rows]
            square = np.einsum("na,na->n", difference, np.linalg.solve(spread, difference[:, :, None])[:, :, 0])
            disagreement[rows] = np.sqrt(square / size)
        return JointEstimate(np.clip(labels, self.low, self.high), np.sqrt(variance), disagreement)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name).tolist() for name in ("correlation", "low", "high")}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> JointModel:
        """Restore what :meth:`to_dict` gave."""
        return cls(*(np.asarray(plain[name], float) for name in ("correlation", "low", "high")))
