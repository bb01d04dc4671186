"""How label errors change over the catalogue: with S/N and with the labels themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

FloatArray = NDArray[np.float64]

STARS_A_TERM = 40
"""Terms of the polynomial need so many stars each; with fewer only the linear ones are fitted, or none."""

CLIP = 2.5
"""Labels and S/N count as at most so many standard deviations from their means."""

_FREEDOM = 6.0
_RIDGE = 3.0


@dataclass(frozen=True)
class ErrorShape:
    """The logarithm of a factor on errors: a quadratic polynomial of labels and ln S/N.

    Parameters
    ----------
    centre, spread : ndarray, shape (n_labels + 1,)
        Scaling of the labels and of ln S/N.
    coefficients : ndarray, shape (n_terms, n_labels)
        One column for each label's error.
    """

    centre: FloatArray
    spread: FloatArray
    coefficients: FloatArray

    @classmethod
    def fit(cls, pulls: FloatArray, labels: FloatArray, snr: FloatArray) -> ErrorShape:
        """Fit to differences over their errors so far.

        Parameters
        ----------
        pulls : ndarray, shape (n_stars, n_labels)
            Differences over errors; NaN where unknown.
        labels : ndarray, shape (n_stars, n_labels)
            Inferred labels, on which the factor depends.
        snr : ndarray, shape (n_stars,)
            S/N.
        """
        given = _given(labels, snr)
        known = np.isfinite(given).all(axis=1)
        centre, spread = given[known].mean(axis=0), given[known].std(axis=0) + 1e-12
        count = terms_for(int(known.sum()), given.shape[1])
        shape = cls(centre, spread, np.zeros((count, labels.shape[1])))
        design = shape._design(labels, snr)
        for label in range(labels.shape[1]):
            rows = known & np.isfinite(pulls[:, label])
            shape.coefficients[:, label] = _likeliest(pulls[rows, label], design[rows])
        return shape

    def factor(self, labels: FloatArray, snr: FloatArray) -> FloatArray:
        """The factor on each label's error, shape (n_stars, n_labels); 1 where a label is unknown."""
        exponent = self._design(labels, snr) @ self.coefficients
        return np.asarray(np.exp(np.where(np.isfinite(exponent), exponent, 0.0)))

    def _design(self, labels: FloatArray, snr: FloatArray) -> FloatArray:
        return scaled_polynomial(labels, snr, self.centre, self.spread)[:, : len(self.coefficients)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name).tolist() for name in ("centre", "spread", "coefficients")}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ErrorShape:
        """Restore what :meth:`to_dict` gave."""
        return cls(*(np.asarray(plain[name], float) for name in ("centre", "spread", "coefficients")))


def terms_for(stars: int, variables: int) -> int:
    """Number of terms of a polynomial that so many stars can bear: quadratic, linear or constant."""
    linear = 1 + variables
    quadratic = linear + variables * (variables + 1) // 2
    if stars >= STARS_A_TERM * quadratic:
        return quadratic
    return linear if stars >= STARS_A_TERM * linear else 1


def scaled_polynomial(labels: FloatArray, snr: FloatArray, centre: FloatArray, spread: FloatArray) -> FloatArray:
    """Terms of a quadratic polynomial in scaled, clipped labels and ln S/N: constant, linear, products."""
    scaled = np.clip((_given(labels, snr) - centre) / spread, -CLIP, CLIP)
    size = scaled.shape[1]
    products = [scaled[:, i] * scaled[:, j] for i in range(size) for j in range(i, size)]
    return np.stack([np.ones(len(scaled)), *scaled.T, *products], axis=1)


def _given(labels: FloatArray, snr: FloatArray) -> FloatArray:
    return np.column_stack([labels, np.log(np.maximum(np.nan_to_num(snr, nan=1.0), 1e-3))])


def _likeliest(pulls: FloatArray, design: FloatArray) -> FloatArray:
    """Coefficients for which the pulls over their factors are likeliest Student's t, with small ones preferred."""
    penalty = np.full(design.shape[1], _RIDGE)
    penalty[0] = 0.0

    def cost(coefficients: FloatArray) -> tuple[float, FloatArray]:
        exponent = design @ coefficients
        square = np.square(pulls * np.exp(-exponent)) / _FREEDOM
        value = exponent + 0.5 * (_FREEDOM + 1.0) * np.log1p(square)
        slope = 1.0 - (_FREEDOM + 1.0) * square / (1.0 + square)
        return (
            float(value.sum() + (penalty * coefficients**2).sum()),
            design.T @ slope + 2.0 * penalty * coefficients,
        )

    return np.asarray(minimize(cost, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x, np.float64)
