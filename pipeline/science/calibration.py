"""Honest label errors: out-of-fold labels, bias and scatter, and formal errors scaled to what is observed (Eq. 6-7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipeline.science.slam import SlamModel
from pipeline.science.slam_inference import LabelFit
from pipeline.science.slam_settings import assign_folds

FloatArray = NDArray[np.float64]

SNR_NODES = (10.0, 30.0, 60.0, 100.0, 200.0)
MIN_STARS_A_NODE = 60


def out_of_fold_labels(
    model: SlamModel,
    flux: FloatArray,
    ivar: FloatArray,
    mask: NDArray[np.bool_],
    *,
    groups: NDArray[np.int64] | None = None,
    n_folds: int = 10,
    progress: Callable[[float], None] | None = None,
) -> LabelFit:
    """Labels of every training star by a model that never saw it.

    Parameters
    ----------
    model : SlamModel
        Trained on these stars. Its hyper-parameters, which saw all stars, are used again; its fit is made anew for
        each fold.
    flux, ivar, mask : ndarray, shape (n, p)
        The training spectra, as given to ``fit``.
    groups : ndarray of int, shape (n,), optional
        One number a star, so that repeats share a fold.
    n_folds : int
        Number of fold models.
    progress : callable, optional
        Told the fraction done.

    Returns
    -------
    LabelFit
        One entry a training star, in their order.
    """
    folds = assign_folds(len(flux), n_folds, model.settings.seed + 1, groups)
    order: list[NDArray[np.int64]] = []
    parts: list[LabelFit] = []
    for fold in range(n_folds):
        out = folds == fold
        rows = np.flatnonzero(out)
        if rows.size == 0:
            continue
        blind = model.without(out, flux, ivar, mask)
        parts.append(blind.infer_labels(flux[rows], ivar[rows], mask[rows]))
        order.append(rows)
        if progress is not None:
            progress((fold + 1) / n_folds)
    back = np.argsort(np.concatenate(order))
    return LabelFit(*(np.concatenate([getattr(part, f.name) for part in parts])[back] for f in fields(LabelFit)))


def bias_and_scatter(difference: FloatArray, snr: FloatArray, edges: FloatArray) -> dict[str, FloatArray]:
    """CV bias (Eq. 6) and CV scatter (Eq. 7, as root of the mean square) in S/N bins, as Figure 4.

    Parameters
    ----------
    difference : ndarray, shape (n, l)
        Inferred less true labels.
    snr : ndarray, shape (n,)
        S/N.
    edges : ndarray, shape (b + 1,)
        Edges of the bins.

    Returns
    -------
    dict of ndarray
        ``stars`` (b,), ``bias`` (b, l), ``scatter`` (b, l); NaN in an empty bin.
    """
    bins = np.digitize(snr, edges) - 1
    count = len(edges) - 1
    result = {
        "stars": np.zeros(count),
        "bias": np.full((count, difference.shape[1]), np.nan),
        "scatter": np.full((count, difference.shape[1]), np.nan),
    }
    for number in range(count):
        inside = (bins == number) & np.isfinite(difference).all(axis=1)
        result["stars"][number] = inside.sum()
        if inside.any():
            result["bias"][number] = difference[inside].mean(axis=0)
            result["scatter"][number] = np.sqrt((difference[inside] ** 2).mean(axis=0))
    return result


class ErrorModel:
    """sigma^2 = (a sigma_formal)^2 + floor^2(S/N), per label.

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
    """

    def __init__(self, label_names: tuple[str, ...]) -> None:
        self.label_names = tuple(label_names)

    def fit(self, difference: FloatArray, formal: FloatArray, snr: FloatArray) -> ErrorModel:
        """Fit to out-of-fold stars.

        Parameters
        ----------
        difference, formal : ndarray, shape (n, l)
            Inferred less true labels, and formal errors.
        snr : ndarray, shape (n,)
            S/N.

        Notes
        -----
        The likelihood is Student's t with 6 degrees of freedom, whose scale is then multiplied so that 68.27 % of the
        stars lie within one sigma: a few outliers must not widen everyone's error.
        """
        self.nodes_ = _useful_nodes(snr)
        size = difference.shape[1]
        self.scale_, self.floor_ = np.ones(size), np.zeros((self.nodes_.size, size))
        for label in range(size):
            known = np.isfinite(difference[:, label]) & np.isfinite(formal[:, label]) & (formal[:, label] > 0)
            self._fit_label(label, difference[known, label], formal[known, label], snr[known])
        return self

    def _fit_label(self, label: int, difference: FloatArray, formal: FloatArray, snr: FloatArray) -> None:
        spread = max(1.4826 * float(np.median(np.abs(difference))), 1e-9)
        weights = _interpolation(snr, self.nodes_)
        centred = difference - np.median(difference)

        def variance(parameters: FloatArray) -> FloatArray:
            floor = spread * np.exp(np.cumsum(parameters[1:])[::-1] if parameters.size > 2 else parameters[1:])
            return np.asarray((np.exp(parameters[0]) * formal) ** 2 + (weights @ floor) ** 2)

        def cost(parameters: FloatArray) -> float:
            bounded = np.concatenate((parameters[:2], np.abs(parameters[2:])))
            total = variance(bounded)
            penalty = 0.05 * parameters[0] ** 2 + 0.02 * (parameters[1:] ** 2).sum()
            return float(
                np.mean(0.5 * np.log(total) + 3.5 * np.log1p(centred**2 / total / 6.0)) + penalty / difference.size
            )

        start = np.concatenate(([0.5, -1.0], np.full(self.nodes_.size - 1, 0.1)))
        best = minimize(cost, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-3, "fatol": 1e-7}).x
        best = np.concatenate((best[:2], np.abs(best[2:])))
        sigma = np.sqrt(variance(best))
        widen = float(np.percentile(np.abs(difference) / sigma, 68.27))
        self.scale_[label] = widen * np.exp(best[0])
        floor = spread * np.exp(np.cumsum(best[1:])[::-1] if best.size > 2 else best[1:])
        self.floor_[:, label] = widen * floor

    def apply(self, formal: FloatArray, snr: FloatArray) -> FloatArray:
        """Calibrated errors, shape (n, l); NaN where the formal error is."""
        weights = _interpolation(np.nan_to_num(np.asarray(snr, float), nan=1.0), self.nodes_)
        return np.asarray(np.sqrt((self.scale_ * formal) ** 2 + (weights @ self.floor_) ** 2))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "label_names": list(self.label_names),
            "scale": self.scale_.tolist(),
            "nodes": self.nodes_.tolist(),
            "floor": self.floor_.tolist(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ErrorModel:
        """Restore what :meth:`to_dict` gave."""
        model = cls(tuple(plain["label_names"]))
        model.scale_, model.nodes_ = np.asarray(plain["scale"], float), np.asarray(plain["nodes"], float)
        model.floor_ = np.asarray(plain["floor"], float)
        return model


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


def coverage(pulls: FloatArray) -> tuple[float, float]:
    """Fractions of stars whose true label lies in the 68.27 % and 95.45 % intervals."""
    known = np.abs(pulls[np.isfinite(pulls)])
    return float((known < 1.0).mean()), float((known < 2.0).mean())
