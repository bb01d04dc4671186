"""Training of SLAM: hyper-parameters by cross-validation, functions, and residual variance."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.settings import LabelConfig
from pipeline.science.blocks import Progress
from pipeline.science.slam.checks import checked_labels, fingerprint
from pipeline.science.slam.covariance import ResidualCovariance, learned_covariance
from pipeline.science.slam.functions import LEARNED_ARRAYS, PixelFunctions
from pipeline.science.slam.kernel_expansion import (
    FloatArray,
    KernelExpansion,
    find_landmarks,
)
from pipeline.science.slam.kernel_ridge import ridge_screen
from pipeline.science.slam.noise_ridge import choose_ridge, fit_ridge, noise_levels
from pipeline.science.slam.optimiser import BoolArray
from pipeline.science.slam.prior import DensityPrior
from pipeline.science.slam.settings import SlamNumerics, assign_folds, triples
from pipeline.science.slam.svr import (
    CrossValidation,
    Engine,
    HyperParameters,
    cross_validate,
    deviations,
    fit_expansion,
)

MEMBERS_PER_FOLD = 2
"""A pixel is usable when it has at least so many unmasked training stars a fold, and varies among them."""


class TrainedFunctions(PixelFunctions):
    """Functions of the pixels that are learned from stars with known labels."""

    def fit(
        self,
        labels: ArrayLike,
        flux: ArrayLike,
        ivar: ArrayLike,
        mask: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn every pixel's function of the labels.

        Parameters
        ----------
        labels : array_like, shape (n_stars, n_labels)
            Reference labels.
        flux, ivar : array_like, shape (n_stars, n_pixels)
            Spectra and inverse variances. Pixels with ivar 0 count as masked.
        mask : array_like of bool, shape (n_stars, n_pixels)
            True where a pixel is bad: it has no influence whatsoever.
        groups : array_like, shape (n_stars,), optional
            Star of each row; repeated observations of one star share a fold.
        progress : callable, optional
            Called with the fraction done.

        Returns
        -------
        Self
            Itself.

        Raises
        ------
        ValueError
            If shapes disagree, a label or an unmasked flux is not finite, there are fewer stars than folds, or the
            training would not fit into the memory.
        """
        labels = checked_labels(labels, self.label_names)
        self.numerics.check_memory(len(labels), np.shape(flux)[-1])
        flux, ivar, good = self._learned(flux, ivar, mask, n_stars=len(labels))
        folds = assign_folds(len(labels), self.settings.folds, self.settings.seed, groups)
        self._forget()
        self.label_mean_, self.label_std_ = labels.mean(axis=0), labels.std(axis=0)
        self.label_low_, self.label_high_ = labels.min(axis=0), labels.max(axis=0)
        for name, spread in zip(self.label_names, self.label_high_ - self.label_low_, strict=True):
            if spread == 0:
                raise ValueError(
                    f"All training stars have the same {name}: drop that label or widen the training cuts."
                )
        self._scale_flux(flux, good)
        self.training_fingerprint_ = fingerprint(labels, flux, ivar, good)
        x = (labels - self.label_mean_) / self.label_std_
        inclusion = good & self.usable_pixel_
        y = np.where(good, (flux - self.flux_mean_) / self.flux_std_, 0.0)
        share = 0.6  # of the time, for cross-validation
        variance = np.where(good, 1.0 / np.where(good, ivar, 1.0), 0.0)
        level = noise_levels(variance, good)
        residual = self._tune(x, y, inclusion, folds, level, lambda f: progress(share * f) if progress else None)
        self._set_sigma(variance, good, residual)
        self.expansion_ = self._fit_functions(
            x, y, inclusion, level, (lambda f: progress(share + (1 - share) * f)) if progress else None
        )
        self._compress()
        self.prior_ = DensityPrior.fit(x, self.settings.seed) if self.settings.prior == "density" else None
        return self

    def without(self, rows: ArrayLike, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike) -> Self:
        """The same model trained anew without some of its stars.

        Scaling, hyper-parameters, sigma_j and the prior's range are those of the whole model, which saw all stars; the
        functions are fitted from nothing and never see the rows left out.

        Parameters
        ----------
        rows : array_like of bool, shape (n_stars,)
            Training stars to leave out.
        flux, ivar, mask : array_like, shape (n_stars, n_pixels)
            The training spectra, as given to :meth:`fit`.
        """
        left_out = np.asarray(rows, dtype=bool)
        support = self.expansion_.support
        flux, ivar, good = self._learned(flux, ivar, mask, n_stars=len(support), n_pixels=self.flux_mean_.size)
        kept = np.flatnonzero(~left_out)
        other = type(self)(self.label_names, *quick(self.settings, self.numerics))
        for name in (*LEARNED_ARRAYS, "hyper_parameters_"):
            setattr(other, name, getattr(self, name))
        y = np.where(good, (flux - self.flux_mean_) / self.flux_std_, 0.0)[kept]
        inclusion = (good & self.usable_pixel_)[kept]
        other.training_fingerprint_ = fingerprint(support[kept], flux[kept], ivar[kept], good[kept])
        level = noise_levels(1.0 / np.where(good, ivar, 1.0), good)[kept]
        other.expansion_ = other._fit_functions(support[kept], y, inclusion, level, None)  # noqa: SLF001 - of the same class
        other._compress()  # noqa: SLF001
        other.prior_ = None
        if self.prior_ is not None:
            other.prior_ = DensityPrior.fit(support[kept], self.settings.seed, len(self.prior_.mean))
        return other

    def _scale_flux(self, flux: FloatArray, good: BoolArray) -> None:
        count = good.sum(axis=0)
        total = np.where(good, flux, 0.0).sum(axis=0)
        self.flux_mean_ = total / np.maximum(count, 1)
        deviation = np.where(good, flux - self.flux_mean_, 0.0)
        spread = np.sqrt((deviation**2).sum(axis=0) / np.maximum(count, 1))
        varies = spread > 1e-9 * np.abs(self.flux_mean_) + 1e-300
        self.usable_pixel_ = np.asarray((count >= MEMBERS_PER_FOLD * self.settings.folds) & varies)
        self.flux_std_ = np.where(self.usable_pixel_, spread, 1.0)

    def _tune(
        self,
        x: FloatArray,
        y: FloatArray,
        inclusion: NDArray[Any],
        folds: NDArray[np.intp],
        level: FloatArray,
        progress: Progress,
    ) -> NDArray[Any]:
        """Choose each pixel's triple by the lowest CV-MSE (Eq. 2), keep its deviations (Eq. 3); its residuals."""
        if self.settings.solver == "ridge":
            grid = list(product(self.settings.c_grid, self.settings.gamma_grid))
            chosen = choose_ridge(x, y, inclusion, level, folds, grid, progress)
            every = np.ones(y.shape[1])
            self.hyper_parameters_ = HyperParameters(chosen.c * every, chosen.gamma * every, 0.0 * every)
            self._keep_deviations(deviations(chosen.residual, inclusion))
            return chosen.residual
        return self._tune_pixels(x, y, inclusion, folds, progress)

    def _tune_pixels(
        self, x: FloatArray, y: FloatArray, inclusion: NDArray[Any], folds: NDArray[np.intp], progress: Progress
    ) -> NDArray[np.float32]:
        """The triple of each pixel by itself."""
        settings, numerics, grid = self.settings, self.numerics, triples(self.settings)
        wanted, residual = None, np.zeros(y.shape, np.float32)
        if settings.prescreen_margin > 0:
            screened = ridge_screen(x, y, inclusion, folds, settings.gamma_grid)
            worth = screened <= (1.0 + settings.prescreen_margin) * screened.min(axis=0)
            wanted = worth[[settings.gamma_grid.index(triple[1]) for triple in grid]]
        validations = cross_validate(
            x,
            y,
            inclusion,
            folds,
            grid,
            wanted=wanted,
            residual=residual,
            engine=cast("Engine", settings.solver),
            iterations=numerics.cv_iterations,
            pixel_block=numerics.pixel_block,
            threads=numerics.threads,
            progress=progress,
        )
        mse = np.array([validation.mse for validation in validations])
        best = np.argmin(np.where(np.isfinite(mse), mse, np.inf), axis=0)
        chosen_triple = np.array(grid)[best]
        self.hyper_parameters_ = HyperParameters(*(chosen_triple[:, part].copy() for part in range(3)))

        def chosen(name: str) -> FloatArray:
            values = np.array([getattr(validation, name) for validation in validations])
            return np.asarray(np.take_along_axis(values, best[None, :], axis=0)[0])

        self._keep_deviations(CrossValidation(chosen("mse"), chosen("mean_deviation"), chosen("median_deviation")))
        return residual

    def _keep_deviations(self, winner: CrossValidation) -> None:
        self.cv_mse_ = winner.mse * self.flux_std_**2
        self.cv_mean_deviation_ = winner.mean_deviation * self.flux_std_
        self.cv_median_deviation_ = winner.median_deviation * self.flux_std_

    def _fit_functions(
        self,
        x: FloatArray,
        y: FloatArray,
        inclusion: NDArray[Any],
        level: FloatArray,
        progress: Progress | None,
    ) -> KernelExpansion:
        settings, numerics, parameters = self.settings, self.numerics, self.hyper_parameters_
        if settings.solver == "ridge":
            return fit_ridge(x, y, inclusion, level, float(parameters.c[0]), float(parameters.gamma[0]))
        return fit_expansion(
            x,
            y,
            inclusion,
            self.hyper_parameters_,
            engine=cast("Engine", settings.solver),
            iterations=numerics.final_iterations,
            pixel_block=numerics.pixel_block,
            dtype=settings.final_precision,
            threads=numerics.threads,
            progress=progress,
        )

    def _set_sigma(self, variance: NDArray[Any], good: BoolArray, residual: NDArray[Any]) -> None:
        """sigma_j of Eq. 5, and its division into shared modes and a white rest."""
        noise = variance.sum(axis=0) / np.maximum(good.sum(axis=0), 1)
        floor = (self.numerics.sigma_floor * self.flux_std_) ** 2
        usable = self.usable_pixel_
        sigma = np.sqrt(np.maximum(np.where(usable, self.cv_mse_, 0.0) - noise, floor))
        self.sigma_pixel_ = np.where(usable, sigma, np.inf)
        self.white_sigma_ = self.sigma_pixel_.copy()
        settings, none = self.settings, np.zeros((0, usable.size))
        self.modes_, self.noise_modes_ = none, none
        self.noise_scale_, self.typical_noise_ = np.ones(usable.size), np.ones(usable.size)
        self.chi2_per_pixel_ = np.array(1.0)
        if settings.nuisance_modes + settings.noise_modes > 0:
            unit = self.flux_std_[usable]
            learned = learned_covariance(
                residual[:, usable],
                variance[:, usable] / unit**2,
                good[:, usable],
                floor[usable] / unit**2,
                (settings.nuisance_modes, settings.noise_modes),
            )
            self._set_covariance(learned.spread(usable, unit))

    def _set_covariance(self, learned: ResidualCovariance) -> None:
        usable = self.usable_pixel_
        self.white_sigma_ = np.where(usable, np.sqrt(learned.white), np.inf)
        self.modes_, self.noise_modes_ = learned.shared, learned.noisy
        self.noise_scale_, self.typical_noise_ = learned.noise_scale, learned.typical
        self.chi2_per_pixel_ = np.array(learned.chi2_per_pixel)

    def _compress(self) -> None:
        """Find landmarks, where the settings want them."""
        self.landmarks_ = None
        if self.numerics.landmark_tolerance > 0:
            self.landmarks_ = find_landmarks(self.expansion_, self.flux_std_, self.numerics.landmark_tolerance)


def quick(settings: LabelConfig, numerics: SlamNumerics) -> tuple[LabelConfig, SlamNumerics]:
    """The same with the fewest iterations allowed, in float32: for fold models, of which many are fitted."""
    return replace(settings, final_precision="float32"), replace(numerics, final_iterations=150)
