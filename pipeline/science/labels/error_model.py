"""Formal label errors scaled to what is observed out of fold, and how many stars they cover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipeline.science.labels.error_shape import ErrorShape

FloatArray = NDArray[np.float64]

SNR_NODES = (10.0, 30.0, 60.0, 100.0, 200.0)
MIN_STARS_A_NODE = 60
MIN_SHARE = 0.25
"""Of the variance of the differences, at least this share is the inferred label's own."""

COVERED = (0.6827, 0.9545)
"""Fractions of the stars within the inner and the outer interval."""

GAUSSIAN_TAIL = 2.0
TAILS = (1.5, 4.0)
"""Least and largest half-width of the outer interval, in errors: few stars give no better one."""


class ErrorModel:
    """Error model of each label: sigma^2 = ((a sigma_formal)^2 + floor^2(S/N)) g^2(labels, S/N).

    Differences from the reference labels contain those labels' own errors. Their median square is taken off again, but
    never more than three quarters of the variance: stated errors are not known well enough for that.

    Parameters
    ----------
    label_names : tuple of str
        Names of the labels.

    Attributes
    ----------
    scale_ : ndarray, shape (l,)
        a.
    nodes_ : ndarray, shape (k,)
        S/N of the floor's nodes; between them the floor is linear in log S/N, beyond them constant.
    floor_ : ndarray, shape (k, l)
        Floor at the nodes, in label units; it does not grow with S/N.
    reference_ : ndarray, shape (l,)
        Median error of the reference labels, 0 where none is stated.
    shape_ : ErrorShape or None
        g; None where the fit had no labels to depend on.
    tail_ : ndarray, shape (l,)
        Half-width of the 95.45 % interval in errors: 2 for Gaussian differences, more where their tails are wider.
    contradictions_ : int
        Stars that were left out because their reference labels are another star's; set by the stage.
    """

    def __init__(self, label_names: tuple[str, ...]) -> None:
        self.label_names = tuple(label_names)
        self.shape_: ErrorShape | None = None
        self.contradictions_ = 0

    def fit(
        self,
        difference: FloatArray,
        formal: FloatArray,
        snr: FloatArray,
        reference_error: FloatArray | None = None,
        labels: FloatArray | None = None,
        injected: NDArray[np.bool_] | None = None,
    ) -> ErrorModel:
        """Fit to out-of-fold stars.

        Parameters
        ----------
        difference, formal : ndarray, shape (n, l)
            Inferred less true labels, and formal errors.
        snr : ndarray, shape (n,)
            S/N.
        reference_error : ndarray, shape (n, l), optional
            Errors of the reference labels; 0 where not known.
        labels : ndarray, shape (n, l), optional
            Inferred labels, for errors that depend on them.
        injected : ndarray of bool, shape (n,), optional
            Rows with injected noise, at S/N below those of the others.

        Notes
        -----
        The likelihood is Student's t with 6 degrees of freedom: a few outliers must not widen everyone's error. Its
        scale is then multiplied so that one sigma covers 68.27 % of the stars, their bias included; ``tail_`` is how
        many sigmas cover 95.45 %.

        Rows with injected noise show what errors grow to where no star was observed, and nothing else. All rows of one
        S/N count as much together as the least number of stars of a node; shape, scale and tail are those of the stars
        as observed; at last the floor at that S/N is set so that one sigma covers 68.27 % of the rows there too.
        """
        noisy = np.zeros(len(snr), np.bool_) if injected is None else injected
        self.nodes_ = np.union1d(_useful_nodes(snr[~noisy]), snr[noisy])
        counts = _counts(snr, noisy)
        size = difference.shape[1]
        own = np.zeros_like(difference) if reference_error is None else np.nan_to_num(reference_error)
        self.reference_ = np.median(own, axis=0)
        self.scale_, self.floor_ = np.ones(size), np.zeros((self.nodes_.size, size))
        for label in range(size):
            known = np.isfinite(difference[:, label]) & np.isfinite(formal[:, label]) & (formal[:, label] > 0)
            self._fit_label(label, difference[known, label], formal[known, label], snr[known], counts[known])
        self.shape_ = None
        self._fit_coverage(difference[~noisy], formal[~noisy], snr[~noisy], None if labels is None else labels[~noisy])
        for level in np.unique(snr[noisy])[::-1]:
            rows = noisy & (snr == level)
            self._widen_node(level, difference[rows], formal[rows], None if labels is None else labels[rows])
        return self

    def _fit_coverage(
        self, difference: FloatArray, formal: FloatArray, snr: FloatArray, labels: FloatArray | None
    ) -> None:
        """Fit the shape, then scale so that one sigma covers as many stars as it should."""
        centred = difference - np.nanmedian(difference, axis=0)
        if labels is not None:
            self.shape_ = ErrorShape.fit(centred / self.total(formal, snr), labels, snr)
        pulls = np.abs(difference / self.total(formal, snr, labels))
        self.tail_ = np.full(difference.shape[1], GAUSSIAN_TAIL)
        for label in range(difference.shape[1]):
            known = pulls[np.isfinite(pulls[:, label]), label]
            if known.size == 0:
                continue
            inner, outer = np.quantile(known, COVERED)
            widen = max(float(inner), 1e-12)
            self.scale_[label] *= widen
            self.floor_[:, label] *= widen
            self.tail_[label] = np.clip(outer / widen, *TAILS)

    def _widen_node(self, snr: float, difference: FloatArray, formal: FloatArray, labels: FloatArray | None) -> None:
        """Set the floor at one S/N, not below that of the next node, so that one sigma covers as many rows there."""
        node = int(np.searchsorted(self.nodes_, snr))
        factor = 1.0 if self.shape_ is None or labels is None else self.shape_.factor(labels, np.full(len(labels), snr))
        missing = np.sqrt(np.maximum((difference / factor) ** 2 - (self.scale_ * formal) ** 2, 0.0))
        least = self.floor_[min(node + 1, len(self.nodes_) - 1)]
        for label in range(difference.shape[1]):
            known = missing[np.isfinite(missing[:, label]), label]
            if known.size:
                self.floor_[node, label] = max(float(np.quantile(known, COVERED[0])), least[label])

    def _fit_label(
        self, label: int, difference: FloatArray, formal: FloatArray, snr: FloatArray, counts: FloatArray
    ) -> None:
        spread = max(1.4826 * float(np.median(np.abs(difference))), 1e-9)
        weights = _interpolation(snr, self.nodes_)
        centred = difference - np.median(difference[counts == 1.0])

        def variance(parameters: FloatArray) -> FloatArray:
            floor = spread * np.exp(np.cumsum(parameters[1:])[::-1] if parameters.size > 2 else parameters[1:])
            return np.asarray((np.exp(parameters[0]) * formal) ** 2 + (weights @ floor) ** 2)

        def cost(parameters: FloatArray) -> float:
            bounded = np.concatenate((parameters[:2], np.abs(parameters[2:])))
            total = variance(bounded)
            penalty = 0.05 * parameters[0] ** 2 + 0.02 * (parameters[1:] ** 2).sum()
            loss = 0.5 * np.log(total) + 3.5 * np.log1p(centred**2 / total / 6.0)
            return float((counts @ loss + penalty) / counts.sum())

        start = np.concatenate(([0.5, -1.0], np.full(self.nodes_.size - 1, 0.1)))
        best = minimize(cost, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-3, "fatol": 1e-7}).x
        best = np.concatenate((best[:2], np.abs(best[2:])))
        self.scale_[label] = np.exp(best[0])
        self.floor_[:, label] = spread * np.exp(np.cumsum(best[1:])[::-1] if best.size > 2 else best[1:])

    def total(self, formal: FloatArray, snr: FloatArray, labels: FloatArray | None = None) -> FloatArray:
        """Calibrated errors of inferred less reference labels, shape (n, l); NaN where the formal error is.

        Parameters
        ----------
        formal : ndarray, shape (n, l)
            Formal errors.
        snr : ndarray, shape (n,)
            S/N.
        labels : ndarray, shape (n, l), optional
            Inferred labels; needed where the errors depend on them.

        Raises
        ------
        ValueError
            If the errors depend on the labels and none are given.
        """
        signal = np.nan_to_num(np.asarray(snr, float), nan=1.0)
        base = np.sqrt((self.scale_ * formal) ** 2 + (_interpolation(signal, self.nodes_) @ self.floor_) ** 2)
        if self.shape_ is None:
            return np.asarray(base)
        if labels is None:
            raise ValueError("These label errors depend on the labels: give the inferred labels too.")
        return np.asarray(base * self.shape_.factor(labels, signal))

    def apply(self, formal: FloatArray, snr: FloatArray, labels: FloatArray | None = None) -> FloatArray:
        """Calibrated errors of the inferred labels alone; parameters as :meth:`total`."""
        square = self.total(formal, snr, labels) ** 2
        return np.asarray(np.sqrt(np.maximum(square - self.reference_**2, MIN_SHARE * square)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "label_names": list(self.label_names),
            "scale": self.scale_.tolist(),
            "nodes": self.nodes_.tolist(),
            "floor": self.floor_.tolist(),
            "reference": self.reference_.tolist(),
            "tail": self.tail_.tolist(),
            "contradictions": self.contradictions_,
            "shape": None if self.shape_ is None else self.shape_.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ErrorModel:
        """Restore what :meth:`to_dict` gave."""
        model = cls(tuple(plain["label_names"]))
        model.scale_, model.nodes_ = np.asarray(plain["scale"], float), np.asarray(plain["nodes"], float)
        model.floor_, model.reference_ = np.asarray(plain["floor"], float), np.asarray(plain["reference"], float)
        model.tail_ = np.asarray(plain.get("tail", [GAUSSIAN_TAIL] * len(model.scale_)), float)
        model.contradictions_ = int(plain.get("contradictions", 0))
        shape = plain.get("shape")  # products of earlier versions have none
        model.shape_ = None if shape is None else ErrorShape.from_dict(shape)
        return model


def _counts(snr: FloatArray, injected: NDArray[np.bool_]) -> FloatArray:
    """How many stars each row counts as, shape (n,): one, or less where many have noise injected to the same S/N."""
    counts = np.ones(len(snr))
    _, member, rows = np.unique(snr[injected], return_inverse=True, return_counts=True)
    counts[injected] = np.minimum(1.0, MIN_STARS_A_NODE / rows)[member]
    return counts


def _useful_nodes(snr: FloatArray) -> FloatArray:
    """Nodes with enough stars around them; the median S/N alone when there are few stars."""
    count = max(1, min(len(SNR_NODES), snr.size // MIN_STARS_A_NODE))
    if count == 1:
        return np.array([float(np.median(snr))])
    return np.asarray(np.unique(np.quantile(snr, np.linspace(0.05, 0.95, min(count, 4)))))


def _interpolation(snr: FloatArray, nodes: FloatArray) -> FloatArray:
    """Weights, shape (n, k), of linear interpolation in log S/N."""
    logs, at = np.log(np.maximum(snr, 1e-3)), np.log(nodes)
    return np.stack([np.interp(logs, at, row) for row in np.eye(nodes.size)], axis=1)


def coverage(pulls: FloatArray, tail: float = 2.0) -> tuple[float, float]:
    """Fractions of stars whose true label is within one and within ``tail`` errors (68.27 %, 95.45 %)."""
    known = np.abs(pulls[np.isfinite(pulls)])
    return float((known < 1.0).mean()), float((known < tail).mean())
