"""Data for calibrating label errors: out-of-fold labels, injected noise, bias and scatter (Eq. 6-7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.science.slam.settings import assign_folds

FloatArray = NDArray[np.float64]

NOISE_LEVELS = (10.0, 20.0, 40.0)
"""S/N to which training stars are degraded, so that errors are calibrated where no star could train."""


def degrade(
    flux: NDArray[Any], ivar: NDArray[Any], mask: NDArray[np.bool_], factor: FloatArray, rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Add noise to spectra.

    Parameters
    ----------
    flux, ivar, mask : ndarray, shape (n, p)
        Spectra; masked pixels stay as they are.
    factor : ndarray, shape (n,)
        By how much the noise grows, at least 1.
    rng : Generator
        Of the noise.

    Returns
    -------
    flux, ivar : ndarray, shape (n, p)
        With the added noise, and its inverse variance.
    """
    good = ~mask & (ivar > 0)
    added = np.sqrt(np.where(good, (factor[:, None] ** 2 - 1.0) / np.where(good, ivar, 1.0), 0.0))
    return flux + added * rng.standard_normal(flux.shape), ivar / factor[:, None] ** 2


@dataclass(frozen=True)
class Degraded:
    """Training spectra with injected noise.

    Parameters
    ----------
    snr : float
        The S/N that they are degraded to.
    reached : ndarray of bool, shape (n,)
        Training stars that were at least as good as that; the others are not fitted.
    flux, ivar, mask : ndarray, shape (n, p)
        Prepared as the training spectra were.
    """

    snr: float
    reached: NDArray[np.bool_]
    flux: NDArray[Any]
    ivar: NDArray[Any]
    mask: NDArray[np.bool_]


class StarFits(Protocol):
    """Labels and errors that an engine infers for many stars."""

    @property
    def labels(self) -> FloatArray:
        """Shape (n_stars, n_labels)."""
        ...

    @property
    def formal_error(self) -> FloatArray:
        """Shape (n_stars, n_labels)."""
        ...

    def put(self, rows: NDArray[np.intp], part: Self, /) -> None:
        """Write the fits of some stars into their rows."""
        ...


Fits = TypeVar("Fits", bound=StarFits)


class FoldModel(Protocol[Fits]):
    """Interface of a trained engine that out-of-fold labels need."""

    @property
    def seed(self) -> int:
        """Seed of the folds."""
        ...

    def blank(self, n_stars: int) -> Fits:
        """Fits of no star."""
        ...

    def without(
        self, rows: NDArray[np.bool_], flux: NDArray[Any], ivar: NDArray[Any], mask: NDArray[np.bool_], /
    ) -> FoldModel[Fits]:
        """The same model trained anew without some of its stars."""
        ...

    def infer_labels(self, flux: NDArray[Any], ivar: NDArray[Any], mask: NDArray[np.bool_], /) -> Fits:
        """Labels of stars."""
        ...


@dataclass(frozen=True)
class Relatives:
    """Spectra that did not train, of stars of which another spectrum did.

    Parameters
    ----------
    training : ndarray of int, shape (n,)
        A training spectrum of the same star, by its place among the training spectra.
    flux, ivar, mask : ndarray, shape (n, p)
        Prepared as the training spectra were.
    """

    training: NDArray[np.intp]
    flux: NDArray[Any]
    ivar: NDArray[Any]
    mask: NDArray[np.bool_]


def out_of_fold_labels(
    model: FoldModel[Fits],
    flux: NDArray[Any],
    ivar: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    groups: NDArray[np.int64] | None = None,
    n_folds: int = 10,
    degraded: Sequence[Degraded] = (),
    relatives: Relatives | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Fits]:
    """Labels of every training star by a model that never saw it, as observed and with injected noise.

    Parameters
    ----------
    model : SlamModel or DirectModel
        Trained on these stars. Hyper-parameters, sigma_j and modes, or the compression, which saw all stars, are used
        again; functions or networks are fitted anew for each fold.
    flux, ivar, mask : ndarray, shape (n, p)
        The training spectra, as given to ``fit``.
    groups : ndarray of int, shape (n,), optional
        One number a star, so that repeats share a fold.
    n_folds : int
        Number of fold models.
    degraded : sequence of Degraded
        The same stars with injected noise.
    relatives : Relatives, optional
        Other spectra of training stars; each is judged by the model that saw none of its star's.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    list of LabelFit or DirectFit
        As observed, then one for each of ``degraded``; one entry a training star, in their order. With ``relatives``
        a last one with their entries.
    """
    folds = assign_folds(len(flux), n_folds, model.seed + 1, groups)
    fits = [model.blank(len(flux)) for _ in range(1 + len(degraded))]
    others = model.blank(0 if relatives is None else len(relatives.training))
    for fold in range(n_folds):
        out = folds == fold
        rows = np.flatnonzero(out)
        blind = model.without(out, flux, ivar, mask)
        fits[0].put(rows, blind.infer_labels(flux[rows], ivar[rows], mask[rows]))
        for fit, noisy in zip(fits[1:], degraded, strict=True):
            some = rows[noisy.reached[rows]]
            fit.put(some, blind.infer_labels(noisy.flux[some], noisy.ivar[some], noisy.mask[some]))
        if relatives is not None:
            some = np.flatnonzero(out[relatives.training])
            others.put(some, blind.infer_labels(relatives.flux[some], relatives.ivar[some], relatives.mask[some]))
        if progress is not None:
            progress((fold + 1) / n_folds)
    return fits if relatives is None else [*fits, others]


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
