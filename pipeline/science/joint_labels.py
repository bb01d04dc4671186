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
        """Generalised least squares: the linear combination, unbiased where both are, of least variance.

        Parameters
        ----------
        first, first_error, second, second_error : ndarray, shape (n_stars, n_labels)
            Two estimates and their errors, those of the reference labels included.
        """
        n, size = first.shape
        labels = np.where(np.isfinite(second), second, first)
        error = np.where(np.isfinite(second), second_error, first_error)
        disagreement = np.full(n, np.nan)
        both = np.isfinite(np.concatenate([first, first_error, second, second_error], axis=1)).all(axis=1)
        inverse = np.linalg.inv(self.correlation)
        contrast = np.concatenate([np.eye(size), -np.eye(size)], axis=1)
        for start in range(0, n, _BLOCK):
            rows = start + np.flatnonzero(both[start : start + _BLOCK])
            scale = np.maximum(np.concatenate([first_error[rows], second_error[rows]], axis=1), 1e-12)
            value = np.concatenate([first[rows], second[rows]], axis=1)
            precision = inverse / (scale[:, :, None] * scale[:, None, :])
            summed = precision[:, :size] + precision[:, size:]
            fisher = summed[:, :, :size] + summed[:, :, size:]
            covariance = np.linalg.inv(fisher)
            mean = np.einsum("nab,nb->na", covariance, np.einsum("nab,nb->na", summed, value))
            labels[rows] = np.clip(mean, self.low, self.high)
            error[rows] = np.sqrt(np.einsum("naa->na", covariance))
            apart = first[rows] - second[rows]
            spread = contrast @ (self.correlation * (scale[:, :, None] * scale[:, None, :])) @ contrast.T
            square = np.einsum("na,na->n", apart, np.linalg.solve(spread, apart[:, :, None])[:, :, 0])
            disagreement[rows] = np.sqrt(square / size)
        return JointEstimate(labels, error, disagreement)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name).tolist() for name in ("correlation", "low", "high")}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> JointModel:
        """Restore what :meth:`to_dict` gave."""
        return cls(*(np.asarray(plain[name], float) for name in ("correlation", "low", "high")))
