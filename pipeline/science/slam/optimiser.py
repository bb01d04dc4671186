"""Starting points and batched, bounded Levenberg-Marquardt for labels (paper Eq. 4-5).

Everything here is in scaled labels and scaled flux; :mod:`pipeline.science.slam.model` converts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from pipeline.science.slam.kernel_expansion import Evaluator, FloatArray
from pipeline.science.slam.modes import StarModes
from pipeline.science.slam.prior import DensityPrior

BoolArray = NDArray[np.bool_]

NEWTON_DECREMENT = 1e-6
"""Converged when a full Newton step would lower chi-squared by less: 0.001 sigma from the optimum."""

REGION_RADIUS = 1.0
"""The second start lies at least so far from the first, in standard deviations of the training labels."""

DISAGREEMENT_SIGMA = 3.0
DISAGREEMENT_CHI2 = 10.0
"""Two starts disagree when they end so many sigma apart in any label with chi-squared this close (over chi2_nu > 1)."""

_DAMPING = (1e-2, 1e-9, 1e9)


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
    def of(cls, labels: FloatArray, evaluator: Evaluator) -> StartGrid:
        """Evaluate the model at the training labels."""
        blocks = np.array_split(labels, max(1, len(labels) // 512))
        flux = np.concatenate([evaluator.predict(block).astype(np.float32) for block in blocks])
        return cls(labels, flux, flux**2)

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
    """Result of Levenberg-Marquardt.

    Parameters
    ----------
    labels : ndarray, shape (m, n_labels)
        Scaled labels.
    chi2 : ndarray, shape (m,)
        At those labels, less twice the logarithm of the prior.
    fisher : ndarray, shape (m, n_labels, n_labels)
        J C^-1 J^T at those labels, plus the prior's curvature.
    converged : ndarray of bool, shape (m,)
        Whether the Newton decrement fell below the tolerance.
    bend : ndarray, shape (m, n_labels, n_labels)
        What the curvature has beyond the Fisher matrix, learned on the way.
    """

    labels: FloatArray
    chi2: FloatArray
    fisher: FloatArray
    converged: BoolArray
    bend: FloatArray

    def take(self, rows: NDArray[np.intp]) -> Optimum:
        """Result for selected stars."""
        return Optimum(*(getattr(self, field.name)[rows] for field in fields(self)))


class LevenbergMarquardt:
    """Batched, bounded minimiser of chi-squared with the analytic Jacobian.

    Labels at a bound whose gradient points outwards are frozen for the step (projected Newton), as are fixed labels.

    Parameters
    ----------
    evaluator : Evaluator
        The forward model in scaled units; its precision is that of all work on pixels.
    low, high : ndarray, shape (n_labels,)
        Box: the training range.
    fixed : ndarray of bool, shape (n_labels,)
        Labels that keep their starting value.
    prior : DensityPrior, optional
        Flat in the box by default.
    max_steps : int
        Trial steps before a star is given up.
    tolerance : float
        Converged when a full Newton step would lower chi-squared by less: 1e-6 is 0.001 sigma from the optimum, and
        that step is then taken.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        low: FloatArray,
        high: FloatArray,
        fixed: BoolArray,
        *,
        prior: DensityPrior | None = None,
        max_steps: int = 100,
        tolerance: float = NEWTON_DECREMENT,
    ) -> None:
        self._evaluator, self._prior = evaluator, prior
        self._low, self._high, self._fixed = low, high, fixed
        self._max_steps, self._tolerance = max_steps, tolerance

    def minimise(
        self,
        y: FloatArray,
        weight: FloatArray,
        start: FloatArray,
        *,
        bend: FloatArray | None = None,
        modes: StarModes | None = None,
    ) -> Optimum:
        """Minimise chi-squared of every star from its start.

        Parameters
        ----------
        y, weight : ndarray, shape (m, n_pixels)
            Scaled flux (finite everywhere) and its inverse variance (0: not used).
        start : ndarray, shape (m, n_labels)
            Scaled labels inside the box.
        bend : ndarray, shape (m, n_labels, n_labels), optional
            From an earlier stage.
        modes : StarModes, optional
            Residuals that pixels share.
        """
        y, weight = (part.astype(self._evaluator.dtype, copy=False) for part in (y, weight))
        labels = start.copy()
        chi2, gradient, fisher = self.terms(y, weight, labels, modes)
        bend = np.zeros_like(fisher) if bend is None else bend.copy()
        damping = np.full(len(y), _DAMPING[0])
        converged = np.zeros(len(y), bool)
        rows = np.arange(len(y))
        for step in range(self._max_steps + 1):
            moving = self._moving(labels[rows], gradient[rows])
            matrix, slope = self._reduced(_positive(fisher[rows], bend[rows]), gradient[rows], moving)
            newton = np.linalg.solve(matrix, slope[:, :, None])[:, :, 0]
            reached = np.sum(newton * slope, axis=1) < self._tolerance
            converged[rows[reached]] = True
            labels[rows[reached]] = self._inside(labels[rows[reached]], newton[reached])
            going = ~reached & (damping[rows] < _DAMPING[2])
            rows, matrix, slope = rows[going], matrix[going], slope[going]
            if rows.size == 0 or step == self._max_steps:
                break
            diagonal = np.einsum("mll->ml", matrix)  # a view
            diagonal *= 1.0 + damping[rows, None]
            trial = self._inside(labels[rows], np.linalg.solve(matrix, slope[:, :, None])[:, :, 0])
            trial_chi2, trial_gradient, trial_fisher = self.terms(
                y[rows], weight[rows], trial, None if modes is None else modes.take(rows)
            )
            bend[rows] = _secant(bend[rows], trial_fisher, trial - labels[rows], gradient[rows] - trial_gradient)
            better = trial_chi2 <= chi2[rows]
            damping[rows] = np.where(better, np.maximum(damping[rows] / 8.0, _DAMPING[1]), damping[rows] * 6.0)
            taken = rows[better]
            labels[taken], chi2[taken] = trial[better], trial_chi2[better]
            gradient[taken], fisher[taken] = trial_gradient[better], trial_fisher[better]
        return Optimum(labels, chi2, fisher, converged, bend)

    def _inside(self, labels: FloatArray, step: FloatArray) -> FloatArray:
        moved = np.clip(labels + step, self._low, self._high)
        moved[:, self._fixed] = labels[:, self._fixed]
        return np.asarray(moved)

    def terms(
        self, y: NDArray[Any], weight: NDArray[Any], labels: FloatArray, modes: StarModes | None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chi-squared, J C^-1 r (half its descent direction) and Fisher matrix J C^-1 J^T, with the prior."""
        flux, jacobian = self._evaluator.predict_with_jacobian(labels)
        stack = np.concatenate([(y - flux)[:, None, :], jacobian], axis=1)
        weighted = stack * weight[:, None, :]
        products = (weighted @ stack.transpose(0, 2, 1)).astype(np.float64)
        if modes is not None:
            products -= modes.explained(weighted)
        chi2, gradient, fisher = products[:, 0, 0], products[:, 1:, 0], products[:, 1:, 1:]
        if self._prior is not None:
            ln_density, pull, curvature = self._prior.terms(labels)
            chi2 -= 2.0 * ln_density
            gradient += pull
            fisher += curvature
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


def _secant(bend: FloatArray, fisher: FloatArray, step: FloatArray, change: FloatArray) -> FloatArray:
    """What the curvature has beyond J W J^T, so that (fisher + bend) step = change: symmetric rank one.

    Gauss-Newton alone converges linearly, the slower the larger the residuals; with this it converges as Newton does.
    """
    wanted = change - np.einsum("mab,mb->ma", fisher + bend, step)
    along = np.einsum("ma,ma->m", wanted, step)
    size = np.linalg.norm(wanted, axis=1) * np.linalg.norm(step, axis=1)
    safe = np.abs(along) > 1e-6 * size + 1e-300
    update = wanted[:, :, None] * wanted[:, None, :] / np.where(safe, along, 1.0)[:, None, None]
    return np.asarray(np.where(safe[:, None, None], bend + update, bend))


def _positive(fisher: FloatArray, bend: FloatArray) -> FloatArray:
    """Fisher + bend where that is safely positive, else the Fisher matrix."""
    diagonal = np.maximum(np.einsum("mll->ml", fisher), 1e-300)
    size = np.sqrt(diagonal[:, :, None] * diagonal[:, None, :])
    lowest = np.linalg.eigvalsh((fisher + bend) / size)[:, 0]
    own = np.linalg.eigvalsh(fisher / size)[:, 0]
    return np.where((lowest > 0.2 * own)[:, None, None], fisher + bend, fisher)


def starts_disagree(first: Optimum, second: Optimum, error: FloatArray, n_free: NDArray[Any]) -> BoolArray:
    """Whether two starts ended at different labels with chi-squared too close to choose.

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
    merged = first.take(np.arange(len(first.chi2)))
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
