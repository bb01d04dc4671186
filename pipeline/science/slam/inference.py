"""Labels of many stars from a SLAM model: starts, staged search, end reasons (paper Eq. 4-5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.science.slam.covariance import ResidualCovariance
from pipeline.science.slam.kernel_expansion import Evaluator, FloatArray
from pipeline.science.slam.modes import StarModes
from pipeline.science.slam.optimiser import (
    BoolArray,
    LevenbergMarquardt,
    Optimum,
    StartGrid,
    best_of,
    invert_fisher,
    starts_disagree,
)
from pipeline.science.slam.posterior import posterior_mean
from pipeline.science.slam.prior import DensityPrior

SecondStart = Literal["all", "poor", "none"]

CONVERGED = "converged"
MAX_ITERATIONS = "max iterations"
NO_USABLE_PIXEL = "no usable pixel"
TOO_FEW_PIXELS = "fewer pixels than labels"
NOT_CONSTRAINED = "pixels do not constrain the labels"
REASONS = (CONVERGED, MAX_ITERATIONS, NO_USABLE_PIXEL, TOO_FEW_PIXELS, NOT_CONSTRAINED)
"""Every reason that a fit may carry."""

POOR_REDUCED_CHI2 = 1.5
"""Stars that fit worse get a second start."""

_MEAN_ROUNDS = 2
"""Times that the likelihood is expanded about the mean so far."""

SEARCH_TOLERANCE = 0.01
"""Newton decrement at which the search in single precision hands over to double."""


@dataclass(frozen=True)
class LabelFit:
    """Labels of many stars and how the fit went.

    Parameters
    ----------
    labels, formal_error : ndarray, shape (n_stars, n_labels)
        Posterior maximum (or mean) and the square root of the covariance's diagonal, in the labels' units. The error is
        formal: calibrate it (:mod:`pipeline.science.labels.error_model`). 0 for labels held fixed; NaN without a fit.
    covariance : ndarray, shape (n_stars, n_labels, n_labels)
        Inverse Fisher matrix at the maximum, or the posterior's covariance about the mean, as if there were no bounds.
    chi2 : ndarray, shape (n_stars,)
        Sum over the used pixels, with variance sigma_obs^2 + sigma_j^2.
    n_pixels : ndarray of int, shape (n_stars,)
        Pixels used.
    reduced_chi2 : ndarray, shape (n_stars,)
        chi2 over (pixels - free labels), in units of what a typical star has where noise patterns are learned.
    ln_posterior : ndarray, shape (n_stars,)
        Eq. 4-5 with the log-determinant and the prior's density. The variances do not depend on the labels here, so the
        determinant does not move the maximum; it counts when models are compared.
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


@dataclass(frozen=True)
class Scaling:
    """From physical to scaled units, for the pixels used in inference.

    Parameters
    ----------
    label_mean, label_std, label_low, label_high : ndarray, shape (n_labels,)
        Of the training labels.
    flux_mean, flux_std : ndarray, shape (n_pixels,)
        Of each pixel.
    covariance : ResidualCovariance
        Of scaled residuals.
    """

    label_mean: FloatArray
    label_std: FloatArray
    label_low: FloatArray
    label_high: FloatArray
    flux_mean: FloatArray
    flux_std: FloatArray
    covariance: ResidualCovariance

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest scaled labels."""
        return (
            (self.label_low - self.label_mean) / self.label_std,
            (self.label_high - self.label_mean) / self.label_std,
        )


class LabelInference:
    """Inverts a trained model.

    Parameters
    ----------
    scaling : Scaling
        Of the pixels used.
    grid : StartGrid
        Where stars start.
    stages : tuple of (Evaluator, float)
        Forward models in turn, each with the Newton decrement at which it hands over; the last one's fits count.
    prior : DensityPrior, optional
        Flat within the training range by default.
    second_start : {"all", "poor", "none"}
        Which stars are fitted again from another region of the training set.
    max_steps : int
        Levenberg-Marquardt trial steps a stage.
    mean : bool
        Whether labels are the posterior's mean, found from its maximum, instead of the maximum.
    """

    def __init__(
        self,
        scaling: Scaling,
        grid: StartGrid,
        stages: tuple[tuple[Evaluator, float], ...],
        *,
        prior: DensityPrior | None,
        second_start: SecondStart,
        max_steps: int,
        mean: bool = False,
    ) -> None:
        self._scaling, self._grid, self._stages = scaling, grid, stages
        self._prior, self._second_start, self._max_steps = prior, second_start, max_steps
        self._mean = mean

    def infer(self, flux: FloatArray, ivar: FloatArray, used: BoolArray, fixed: Mapping[int, float]) -> LabelFit:
        """Posterior maximum, or mean, of a block of stars.

        Parameters
        ----------
        flux, ivar : ndarray, shape (m, n_pixels)
            Only values where ``used`` is True are read.
        used : ndarray of bool, shape (m, n_pixels)
            Pixels that count.
        fixed : mapping of int to float
            Labels (by column) that keep a value.
        """
        scaling = self._scaling
        n_labels = scaling.label_mean.size
        fit = LabelFit.blank(len(flux), n_labels)
        fit.n_pixels[:] = used.sum(axis=1)
        n_free = n_labels - len(fixed)
        fit.reason[(fit.n_pixels > 0) & (fit.n_pixels < n_free)] = TOO_FEW_PIXELS
        rows = np.flatnonzero(fit.n_pixels >= max(n_free, 1))
        if rows.size:
            fit.put(rows, self._fit_rows(flux[rows], ivar[rows], used[rows], fixed))
        return fit

    def _fit_rows(self, flux: FloatArray, ivar: FloatArray, used: BoolArray, fixed: Mapping[int, float]) -> LabelFit:
        scaling = self._scaling
        y = np.where(used, (flux - scaling.flux_mean) / scaling.flux_std, 0.0)
        noise = 1.0 / (np.where(used, ivar, 1.0) * scaling.flux_std**2)
        diagonal, modes = scaling.covariance.of(noise, used)
        weight = np.where(used, 1.0 / diagonal, 0.0)
        is_fixed = np.isin(np.arange(scaling.label_mean.size), list(fixed))
        alone = weight if modes is None else np.where(used, 1.0 / scaling.covariance.marginal(noise, used), 0.0)
        starts = self._starts(y, alone, fixed, is_fixed)
        low, high = scaling.box
        freedom = (used.sum(axis=1) - int((~is_fixed).sum())) * scaling.covariance.chi2_per_pixel
        best = self._search(y, weight, starts[0], is_fixed, modes)
        bound = np.asarray(((best.labels <= low) | (best.labels >= high)).any(axis=1))
        again = self._again(best.chi2, freedom, best.converged, bound) & (starts[0] != starts[1]).any(axis=1)
        disagree = np.zeros(len(y), bool)
        if again.any():
            where = np.flatnonzero(again)
            some = None if modes is None else modes.take(where)
            rival = self._search(y[where], weight[where], starts[1][where], is_fixed, some)
            first = best.take(where)
            best = best_of(best, rival, where)
            error = errors_of(invert_fisher(best.fisher[where], is_fixed)[0])
            disagree[where] = starts_disagree(first, rival, error, freedom[where])
        if self._mean:
            best = self._at_mean(y, weight, best, is_fixed, modes)
        determinant = np.where(used, np.log(2.0 * np.pi * diagonal * scaling.flux_std**2), 0.0).sum(axis=1)
        if modes is not None:
            determinant += modes.ln_determinant
        return self._in_physical_units(best, fixed, is_fixed, used.sum(axis=1), determinant, disagree)

    def _in_physical_units(
        self,
        best: Optimum,
        fixed: Mapping[int, float],
        is_fixed: BoolArray,
        n_pixels: NDArray[np.int64],
        determinant: FloatArray,
        disagree: BoolArray,
    ) -> LabelFit:
        scaling = self._scaling
        freedom = (n_pixels - int((~is_fixed).sum())) * scaling.covariance.chi2_per_pixel
        low, high = scaling.box
        covariance, singular = invert_fisher(best.fisher, is_fixed)
        covariance = covariance * scaling.label_std[:, None] * scaling.label_std[None, :]
        labels = np.clip(scaling.label_mean + scaling.label_std * best.labels, scaling.label_low, scaling.label_high)
        for index, physical in fixed.items():
            labels[:, index] = physical
        labels[singular] = np.nan
        at_bound = ((best.labels <= low) | (best.labels >= high)) & ~is_fixed
        if self._prior is None:
            ln_prior = np.full(len(labels), -np.log((scaling.label_high - scaling.label_low)[~is_fixed]).sum())
            chi2 = best.chi2
        else:
            scaled_density = self._prior.terms(best.labels)[0]
            ln_prior = scaled_density - np.log(scaling.label_std).sum()
            chi2 = best.chi2 + 2.0 * scaled_density
        reason = np.where(best.converged, CONVERGED, MAX_ITERATIONS)
        with np.errstate(divide="ignore", invalid="ignore"):
            reduced = np.where(freedom > 0, chi2 / freedom, np.nan)
        return LabelFit(
            labels=labels,
            formal_error=errors_of(covariance),
            covariance=covariance,
            chi2=chi2,
            n_pixels=n_pixels,
            reduced_chi2=reduced,
            ln_posterior=-0.5 * (chi2 + determinant) + ln_prior,
            converged=best.converged & ~singular,
            at_bound=at_bound & ~singular[:, None],
            starts_disagree=disagree & ~singular,
            reason=np.where(singular, NOT_CONSTRAINED, reason),
        )

    def _starts(
        self, y: FloatArray, weight: FloatArray, fixed: Mapping[int, float], is_fixed: BoolArray
    ) -> tuple[FloatArray, FloatArray]:
        """Two starts a star: training stars near the fixed labels, with those labels put in."""
        scaling, grid = self._scaling, self._grid
        value = np.zeros(scaling.label_mean.size)
        for index, physical in fixed.items():
            value[index] = (physical - scaling.label_mean[index]) / scaling.label_std[index]
        near = None
        if fixed:
            distance = ((grid.labels - value)[:, is_fixed] ** 2).sum(axis=1)
            near = np.asarray(distance <= np.partition(distance, len(distance) // 10)[len(distance) // 10])
        first, second = grid.starts(y, weight, near)
        return np.where(is_fixed, value, grid.labels[first]), np.where(is_fixed, value, grid.labels[second])

    def _search(
        self, y: FloatArray, weight: FloatArray, start: FloatArray, is_fixed: BoolArray, modes: StarModes | None
    ) -> Optimum:
        low, high = self._scaling.box
        optimum: Optimum | None = None
        for evaluator, tolerance in self._stages:
            optimiser = LevenbergMarquardt(
                evaluator, low, high, is_fixed, prior=self._prior, max_steps=self._max_steps, tolerance=tolerance
            )
            if optimum is None:
                optimum = optimiser.minimise(y, weight, start, modes=modes)
            else:
                optimum = optimiser.minimise(y, weight, optimum.labels, bend=optimum.bend, modes=modes)
        if optimum is None:
            raise ValueError("Label inference needs at least one stage.")
        return optimum

    def _at_mean(
        self, y: FloatArray, weight: FloatArray, best: Optimum, is_fixed: BoolArray, modes: StarModes | None
    ) -> Optimum:
        """The posterior's mean and width in the place of its maximum and curvature."""
        prior = self._prior
        if prior is None:
            raise ValueError("The posterior's mean needs a density prior.")
        low, high = self._scaling.box
        alone = LevenbergMarquardt(self._stages[-1][0], low, high, is_fixed)
        labels, covariance = best.labels, np.zeros_like(best.fisher)
        for _ in range(_MEAN_ROUNDS):
            _, gradient, fisher = alone.terms(y, weight, labels, modes)
            mean, covariance = posterior_mean(labels, gradient, fisher, prior, is_fixed)
            labels = np.clip(mean, low, high)
        chi2 = alone.terms(y, weight, labels, modes)[0] - 2.0 * prior.terms(labels)[0]
        return replace(best, labels=labels, chi2=chi2, fisher=_inverse(covariance, is_fixed))

    def _again(self, chi2: FloatArray, freedom: NDArray[Any], converged: BoolArray, bound: BoolArray) -> BoolArray:
        """Which stars get a second start."""
        if self._second_start == "all":
            return np.ones(len(chi2), bool)
        if self._second_start == "none":
            return np.zeros(len(chi2), bool)
        return np.asarray((chi2 > POOR_REDUCED_CHI2 * np.maximum(freedom, 1)) | ~converged | bound)


def _inverse(covariance: FloatArray, is_fixed: BoolArray) -> FloatArray:
    """Precision of the labels that are free; 0 for the others."""
    free = np.flatnonzero(~is_fixed)
    result = np.zeros_like(covariance)
    result[:, free[:, None], free] = np.linalg.inv(covariance[:, free[:, None], free])
    return result


def errors_of(covariance: FloatArray) -> FloatArray:
    """Square roots of the diagonals."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.einsum("mll->ml", covariance)))
