"""Labels of many stars from a trained SLAM model: batched bounded Levenberg-Marquardt (paper Eq. 4-5).

Everything here is in scaled labels and scaled flux; :mod:`pipeline.science.slam` converts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from pipeline.science.blocks import Progress
from pipeline.science.kernel_expansion import FloatArray, KernelExpansion

BoolArray = NDArray[np.bool_]
SecondStart = Literal["all", "poor", "none"]

CONVERGED = "converged"
MAX_ITERATIONS = "max iterations"
NO_USABLE_PIXEL = "no usable pixel"
TOO_FEW_PIXELS = "fewer pixels than labels"
NOT_CONSTRAINED = "pixels do not constrain the labels"
REASONS = (CONVERGED, MAX_ITERATIONS, NO_USABLE_PIXEL, TOO_FEW_PIXELS, NOT_CONSTRAINED)
"""Every reason that a fit may carry."""

NEWTON_DECREMENT = 1e-4
"""Converged when a full Newton step would lower chi-squared by less: 0.01 sigma from the optimum."""

REGION_RADIUS = 1.0
"""The second start lies at least so far from the first, in standard deviations of the training labels."""

POOR_REDUCED_CHI2 = 1.5
DISAGREEMENT_SIGMA = 3.0
DISAGREEMENT_CHI2 = 10.0
"""Two starts disagree when they end so many sigma apart in any label with chi-squared this close (over chi2_nu > 1)."""

_DAMPING = (1e-2, 1e-9, 1e9)


@dataclass(frozen=True)
class LabelFit:
    """Labels of many stars and how the fit went.

    Parameters
    ----------
    labels, formal_error : ndarray, shape (n_stars, n_labels)
        Posterior maximum and the square root of the covariance's diagonal, in the labels' units. The error is formal:
        calibrate it (:mod:`pipeline.science.calibration`). 0 for labels held fixed; NaN where there is no fit.
    covariance : ndarray, shape (n_stars, n_labels, n_labels)
        Inverse Fisher matrix at the maximum, without regard to the bounds.
    chi2 : ndarray, shape (n_stars,)
        Sum over the used pixels, with variance sigma_obs^2 + sigma_j^2.
    n_pixels : ndarray of int, shape (n_stars,)
        Pixels used.
    reduced_chi2 : ndarray, shape (n_stars,)
        chi2 over (pixels - free labels).
    ln_posterior : ndarray, shape (n_stars,)
        Eq. 4-5 with the log-determinant and the flat prior's density. sigma_j does not depend on the labels here, so
        neither term moves the maximum; they count when models are compared.
    converged : ndarray of bool, shape (n_stars,)
        Whether the optimum was reached.
    at_bound : ndarray of bool, shape (n_stars, n_labels)
        Labels at the edge of the training range.
    starts_disagree : ndarray of bool, shape (n_stars,)
        A second start ended elsewhere with a chi-squared as good.
    reason : ndarray of str, shape (n_stars,)
        One of :data:`REASONS`.
    """

    labels: FloatArray
    formal_error: FloatArray
    covariance: FloatArray
    chi2: FloatArray
    n_pixels: NDArray[np.int64]
    reduced_chi2: FloatArray
    ln_posterior: FloatArray
    converged: BoolArray
    at_bound: BoolArray
    starts_disagree: BoolArray
    reason: NDArray[np.str_]

    @classmethod
    def blank(cls, n_stars: int, n_labels: int) -> LabelFit:
        """No fit for any star: what :meth:`put` fills."""
        return cls(
            labels=np.full((n_stars, n_labels), np.nan),
            formal_error=np.full((n_stars, n_labels), np.nan),
            covariance=np.full((n_stars, n_labels, n_labels), np.nan),
            chi2=np.full(n_stars, np.nan),
            n_pixels=np.zeros(n_stars, np.int64),
            reduced_chi2=np.full(n_stars, np.nan),
            ln_posterior=np.full(n_stars, np.nan),
            converged=np.zeros(n_stars, bool),
            at_bound=np.zeros((n_stars, n_labels), bool),
            starts_disagree=np.zeros(n_stars, bool),
            reason=np.full(n_stars, NO_USABLE_PIXEL, f"<U{max(map(len, REASONS))}"),
        )

    def put(self, rows: NDArray[np.intp] | slice, part: LabelFit) -> None:
        """Write the fits of some stars into their rows."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(part, field.name)


class _Infers(Protocol):
    """What :func:`infer_labels` needs of a model."""

    def infer_labels(
        self, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike, *, progress: Progress | None = None
    ) -> LabelFit: ...


def infer_labels(
    model: _Infers, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike, *, progress: Progress | None = None
) -> LabelFit:
    """``model.infer_labels(...)`` as a function: see :meth:`pipeline.science.slam.SlamModel.infer_labels`."""
    return model.infer_labels(flux, ivar, mask, progress=progress)


@dataclass(frozen=True)
class StartGrid:
    """Model spectra at the training labels, against which stars find their starts by two matrix products.

    Parameters
    ----------
    labels : ndarray, shape (n, n_labels)
        Scaled labels.
    flux, square : ndarray of float32, shape (n, n_pixels)
        Model flux and its square.
    """

    labels: FloatArray
    flux: NDArray[np.float32]
    square: NDArray[np.float32]

    @classmethod
    def of(cls, expansion: KernelExpansion) -> StartGrid:
        """Evaluate an expansion at its own training labels."""
        blocks = np.array_split(expansion.support, max(1, len(expansion.support) // 512))
        flux = np.concatenate([expansion.predict(block).astype(np.float32) for block in blocks])
        return cls(expansion.support, flux, flux**2)

    def starts(
        self, y: FloatArray, weight: FloatArray, near: BoolArray | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The best training star of each star, and the best one of another region.

        Parameters
        ----------
        y, weight : ndarray, shape (m, n_pixels)
            Scaled flux and its inverse variance (0: not used).
        near : ndarray of bool, shape (n,), optional
            Training stars that may be starts; all by default.

        Returns
        -------
        first, second : ndarray of int, shape (m,)
            Rows of the training set; equal where there is no other region.
        """
        weight32 = weight.astype(np.float32)
        chi2 = weight32 @ self.square.T - 2.0 * ((weight * y).astype(np.float32) @ self.flux.T)
        if near is not None:
            chi2[:, ~near] = np.inf
        first = np.argmin(chi2, axis=1)
        chi2[cdist(self.labels[first], self.labels) < REGION_RADIUS] = np.inf
        second = np.argmin(chi2, axis=1)
        alone = np.isinf(chi2[np.arange(len(y)), second])
        return first, np.where(alone, first, second)


@dataclass(frozen=True)
class Optimum:
    """Where Levenberg-Marquardt ended.

    Parameters
    ----------
    labels : ndarray, shape (m, n_labels)
        Scaled labels.
    chi2 : ndarray, shape (m,)
        At those labels.
    fisher : ndarray, shape (m, n_labels, n_labels)
        J W J^T at those labels.
    converged : ndarray of bool, shape (m,)
        Whether the Newton decrement fell below :data:`NEWTON_DECREMENT`.
    """

    labels: FloatArray
    chi2: FloatArray
    fisher: FloatArray
    converged: BoolArray


class LevenbergMarquardt:
    """Batched, bounded minimiser of chi-squared with the analytic Jacobian.

    Labels at a bound whose gradient points outwards are frozen for the step (projected Newton), as are fixed labels.

    Parameters
    ----------
    expansion : KernelExpansion
        The forward model in scaled units.
    low, high : ndarray, shape (n_labels,)
        Box: the training range.
    fixed : ndarray of bool, shape (n_labels,)
        Labels that keep their starting value.
    max_steps : int
        Trial steps before a star is given up.
    """

    def __init__(
        self, expansion: KernelExpansion, low: FloatArray, high: FloatArray, fixed: BoolArray, max_steps: int
    ) -> None:
        self._expansion = expansion
        self._low, self._high, self._fixed = low, high, fixed
        self._max_steps = max_steps

    def minimise(self, y: FloatArray, weight: FloatArray, start: FloatArray) -> Optimum:
        """Minimise chi-squared of every star from its start.

        Parameters
        ----------
        y, weight : ndarray, shape (m, n_pixels)
            Scaled flux (finite everywhere) and its inverse variance (0: not used).
        start : ndarray, shape (m, n_labels)
            Scaled labels inside the box.
        """
        labels = start.copy()
        chi2, gradient, fisher = self._terms(y, weight, labels)
        damping = np.full(len(y), _DAMPING[0])
        converged = np.zeros(len(y), bool)
        rows = np.arange(len(y))
        for step in range(self._max_steps + 1):
            moving = self._moving(labels[rows], gradient[rows])
            matrix, slope = self._reduced(fisher[rows], gradient[rows], moving)
            newton = np.linalg.solve(matrix, slope[:, :, None])[:, :, 0]
            reached = np.sum(newton * slope, axis=1) < NEWTON_DECREMENT
            converged[rows[reached]] = True
            going = ~reached & (damping[rows] < _DAMPING[2])
            rows, matrix, slope = rows[going], matrix[going], slope[going]
            if rows.size == 0 or step == self._max_steps:
                break
            diagonal = np.einsum("mll->ml", matrix)  # a view
            diagonal *= 1.0 + damping[rows, None]
            trial = np.clip(labels[rows] + np.linalg.solve(matrix, slope[:, :, None])[:, :, 0], self._low, self._high)
            trial[:, self._fixed] = labels[rows][:, self._fixed]
            trial_chi2, trial_gradient, trial_fisher = self._terms(y[rows], weight[rows], trial)
            better = trial_chi2 <= chi2[rows]
            damping[rows] = np.where(better, np.maximum(damping[rows] / 8.0, _DAMPING[1]), damping[rows] * 6.0)
            taken = rows[better]
            labels[taken], chi2[taken] = trial[better], trial_chi2[better]
            gradient[taken], fisher[taken] = trial_gradient[better], trial_fisher[better]
        return Optimum(labels, chi2, fisher, converged)

    def _terms(
        self, y: FloatArray, weight: FloatArray, labels: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chi-squared, half its descent direction J W r, and the Fisher matrix J W J^T."""
        flux, jacobian = self._expansion.predict_with_jacobian(labels)
        residual = y - flux
        weighted = residual * weight
        chi2 = np.einsum("mp,mp->m", weighted, residual)
        gradient = (jacobian @ weighted[:, :, None])[:, :, 0]
        fisher = (jacobian * weight[:, None, :]) @ jacobian.transpose(0, 2, 1)
        return chi2, gradient, fisher

    def _moving(self, labels: FloatArray, gradient: FloatArray) -> BoolArray:
        outwards = ((labels <= self._low) & (gradient < 0)) | ((labels >= self._high) & (gradient > 0))
        return np.asarray(~outwards & ~self._fixed)

    @staticmethod
    def _reduced(fisher: FloatArray, gradient: FloatArray, moving: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Fisher matrix and gradient with the frozen labels replaced by identity and zero."""
        matrix = fisher * (moving[:, :, None] & moving[:, None, :])
        diagonal = np.einsum("mll->ml", matrix)
        ridge = 1e-12 * (diagonal.max(axis=1, keepdims=True) + 1e-30)
        diagonal += np.where(moving, ridge, 1.0)
        return matrix, np.where(moving, gradient, 0.0)


def starts_disagree(first: Optimum, second: Optimum, error: FloatArray, n_free: NDArray[Any]) -> BoolArray:
    """Whether two starts ended at different labels with chi-squared too close to tell.

    Parameters
    ----------
    first, second : Optimum
        The two results.
    error : ndarray, shape (m, n_labels)
        Formal errors in scaled labels.
    n_free : ndarray, shape (m,)
        Degrees of freedom, by which chi-squared is scaled when the fit is poor.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.maximum(np.minimum(first.chi2, second.chi2) / np.maximum(n_free, 1), 1.0)
        apart = np.abs(first.labels - second.labels) > DISAGREEMENT_SIGMA * error * np.sqrt(scale)[:, None]
        return np.asarray(apart.any(axis=1) & (np.abs(first.chi2 - second.chi2) < DISAGREEMENT_CHI2 * scale))


def best_of(first: Optimum, second: Optimum, rows: NDArray[np.intp]) -> Optimum:
    """Keep the better optimum of each star; ``second`` holds only ``rows`` of ``first``."""
    better = second.chi2 < first.chi2[rows]
    take = rows[better]
    merged = Optimum(first.labels.copy(), first.chi2.copy(), first.fisher.copy(), first.converged.copy())
    for field in fields(Optimum):
        getattr(merged, field.name)[take] = getattr(second, field.name)[better]
    return merged


def invert_fisher(fisher: FloatArray, fixed: Sequence[bool] | BoolArray) -> tuple[FloatArray, BoolArray]:
    """Covariance of the labels that are not fixed.

    Parameters
    ----------
    fisher : ndarray, shape (m, n_labels, n_labels)
        Fisher matrices.
    fixed : sequence of bool
        Labels held fixed: their rows and columns are 0.

    Returns
    -------
    covariance : ndarray, shape (m, n_labels, n_labels)
        NaN where the matrix is singular.
    singular : ndarray of bool, shape (m,)
        Where the pixels do not constrain the labels.
    """
    free = np.flatnonzero(~np.asarray(fixed, bool))
    covariance = np.zeros_like(fisher)
    singular = np.zeros(len(fisher), bool)
    if free.size == 0 or len(fisher) == 0:
        return covariance, singular
    part = fisher[:, free[:, None], free]
    size = np.sqrt(np.maximum(np.einsum("mll->ml", part), 1e-300))
    correlation = part / (size[:, :, None] * size[:, None, :])
    values = np.linalg.eigvalsh(correlation)
    singular = np.asarray((values[:, 0] < 1e-12) | (size.min(axis=1) < 1e-140))
    correlation[singular] = np.eye(free.size)
    inverse = np.linalg.inv(correlation) / (size[:, :, None] * size[:, None, :])
    inverse[singular] = np.nan
    covariance[:, free[:, None], free] = inverse
    return covariance, singular
