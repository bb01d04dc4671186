"""Mean error of an engine, a polynomial in its labels and S/N, learned out of fold and subtracted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.science.labels.error_shape import scaled_polynomial, terms_for

FloatArray = NDArray[np.float64]

_ROUNDS = 8
_HUBER = 1.5
_RIDGE = 1e-4


@dataclass(frozen=True)
class LabelTrend:
    """Mean difference of inferred from true labels.

    A regression draws labels to the mean of its training stars where spectra say little. This takes off what of it
    depends on the inferred labels; what depends on the true ones only cannot be known.

    Parameters
    ----------
    centre, spread : ndarray, shape (n_labels + 1,)
        Scaling of labels and ln S/N.
    coefficients : ndarray, shape (n_terms, n_labels)
        One column for each label.
    """

    centre: FloatArray
    spread: FloatArray
    coefficients: FloatArray

    @classmethod
    def fit(cls, difference: FloatArray, labels: FloatArray, snr: FloatArray, error: FloatArray) -> LabelTrend:
        """Robust least squares (Huber's weights) on stars that the engine has not seen.

        Parameters
        ----------
        difference : ndarray, shape (n_stars, n_labels)
            Inferred less reference labels.
        labels : ndarray, shape (n_stars, n_labels)
            Inferred labels.
        snr : ndarray, shape (n_stars,)
            S/N.
        error : ndarray, shape (n_stars, n_labels)
            Errors of the difference.
        """
        known = np.isfinite(np.column_stack([difference, labels, error])).all(axis=1)
        given = np.column_stack([labels, np.log(np.maximum(snr, 1e-3))])[known]
        centre, spread = given.mean(axis=0), given.std(axis=0) + 1e-12
        count = terms_for(int(known.sum()), labels.shape[1] + 1)
        design = scaled_polynomial(labels[known], snr[known], centre, spread)[:, :count]
        coefficients = np.zeros((count, labels.shape[1]))
        for label in range(labels.shape[1]):
            y, sigma = difference[known, label], error[known, label]
            for _ in range(_ROUNDS):
                pulls = (y - design @ coefficients[:, label]) / sigma
                weight = 1.0 / (sigma**2 * np.maximum(1.0, np.abs(pulls) / _HUBER))
                matrix = (design * weight[:, None]).T @ design + _RIDGE * weight.sum() * np.eye(count)
                coefficients[:, label] = np.linalg.solve(matrix, design.T @ (weight * y))
        return cls(centre, spread, coefficients)

    @classmethod
    def balanced(
        cls, labels: FloatArray, reference: FloatArray, snr: FloatArray, error: FloatArray, column: int
    ) -> LabelTrend:
        """The trend of one label with the mean of inferred and reference labels, the others without any.

        A trend with the inferred labels leaves estimates that are right on average for what was inferred, and drawn to
        the mean for what is true. This one divides the bias between the two (Bland & Altman 1986), at the price of a
        little scatter.

        Parameters
        ----------
        labels, reference : ndarray, shape (n_stars, n_labels)
            Inferred, on stars that the engine has not seen, and true.
        snr : ndarray, shape (n_stars,)
            S/N.
        error : ndarray, shape (n_stars, n_labels)
            Errors of the difference.
        column : int
            The label.
        """
        trend = cls.fit(labels - reference, 0.5 * (labels + reference), snr, error)
        trend.coefficients[:, np.arange(labels.shape[1]) != column] = 0.0
        return trend

    @classmethod
    def none(cls, n_labels: int) -> LabelTrend:
        """No trend in any label."""
        return cls(np.zeros(n_labels + 1), np.ones(n_labels + 1), np.zeros((1, n_labels)))

    def corrected(self, labels: FloatArray, snr: FloatArray) -> FloatArray:
        """Labels without the trend, shape (n_stars, n_labels); NaN where a label is unknown."""
        design = scaled_polynomial(labels, snr, self.centre, self.spread)[:, : len(self.coefficients)]
        return np.asarray(labels - design @ self.coefficients)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name).tolist() for name in ("centre", "spread", "coefficients")}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LabelTrend:
        """Restore what :meth:`to_dict` gave."""
        return cls(*(np.asarray(plain[name], float) for name in ("centre", "spread", "coefficients")))
