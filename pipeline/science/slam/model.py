"""SLAM: stellar labels from spectra by one support-vector regression a pixel (paper section 3.2).

``SlamModel(names, settings).fit(...)`` learns flux as a function of the labels; ``infer_labels`` inverts it star by
star. Labels and each pixel are scaled by mean and standard deviation before anything else; every public method takes
and returns physical units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.settings import LabelConfig
from pipeline.science.blocks import Progress, for_each_block
from pipeline.science.slam.checks import checked_fixed, checked_labels, checked_spectra, fingerprint
from pipeline.science.slam.covariance import ResidualCovariance, learned_covariance
from pipeline.science.slam.inference import SEARCH_TOLERANCE, LabelFit, LabelInference, Scaling, SecondStart
from pipeline.science.slam.kernel_expansion import (
    Evaluator,
    FloatArray,
    KernelExpansion,
    Landmarks,
    find_landmarks,
)
from pipeline.science.slam.kernel_ridge import ridge_screen
from pipeline.science.slam.noise_ridge import choose_ridge, fit_ridge, noise_levels
from pipeline.science.slam.optimiser import NEWTON_DECREMENT, BoolArray, StartGrid
from pipeline.science.slam.prior import DensityPrior
from pipeline.science.slam.scale import FluxScale
from pipeline.science.slam.settings import SlamNumerics, assign_folds, triples
from pipeline.science.slam.svr import (
    CrossValidation,
    Engine,
    HyperParameters,
    cross_validate,
    deviations,
    fit_expansion,
)

__all__ = ["LabelFit", "SlamModel", "SlamNumerics", "assign_folds", "refit_star"]

MEMBERS_PER_FOLD = 2
"""A pixel is usable when it has at least so many unmasked training stars a fold, and varies among them."""

LEARNED_ARRAYS = (
    *("label_mean_", "label_std_", "label_low_", "label_high_", "flux_mean_", "flux_std_", "usable_pixel_"),
    *("sigma_pixel_", "white_sigma_", "modes_", "noise_scale_", "typical_noise_", "noise_modes_"),
    "chi2_per_pixel_",
    *("cv_mse_", "cv_mean_deviation_", "cv_median_deviation_"),
)
"""Attributes that a trained model consists of, besides its functions."""


class SlamModel:
    """Flux of every pixel as a function of stellar labels, and its inverse.

    Methods take and return flux; what is learned lies on the learned scale (:class:`FluxScale`, linear by default).

    Parameters
    ----------
    label_names : tuple of str
        Names of the labels, in the order of the columns of every label array.
    settings : LabelConfig, optional
        How to train and infer: ``solver``, the grids, ``folds``, ``seed``, ``prescreen_margin``, ``final_precision``,
        ``second_start``, ``flux_softening``, ``nuisance_modes``, ``noise_modes``, ``prior`` and ``estimate``.
    numerics : SlamNumerics, optional
        Iterations, tolerances and block sizes.

    Raises
    ------
    ConfigError
        If a setting has a value that it cannot have.

    Attributes
    ----------
    label_mean_, label_std_, label_low_, label_high_ : ndarray, shape (n_labels,)
        Scaling and range of the training labels; the range is the flat prior.
    flux_mean_, flux_std_ : ndarray, shape (n_pixels,)
        Scaling of each pixel, over its unmasked training stars.
    hyper_parameters_ : HyperParameters
        Chosen C, gamma and epsilon of each pixel.
    cv_mse_, cv_mean_deviation_, cv_median_deviation_ : ndarray, shape (n_pixels,)
        Eq. 2, Eq. 3 as written and Eq. 3 as named, of the chosen triple, in flux units.
    sigma_pixel_ : ndarray, shape (n_pixels,)
        sigma_j of Eq. 5: ``sqrt(max(cv_mse - mean training variance, floor))``; infinite for unusable pixels.
    usable_pixel_ : ndarray of bool, shape (n_pixels,)
        False for pixels (nearly) constant or masked in training: their model is their mean (0 without any), and they
        never inform a label.
    modes_ : ndarray, shape (n_modes, n_pixels)
        Residuals that pixels share (:mod:`pipeline.science.slam.modes`), in flux units; no rows without them.
    white_sigma_ : ndarray, shape (n_pixels,)
        What of sigma_j the modes do not explain: all of it without them.
    noise_scale_, typical_noise_, noise_modes_ : ndarray, shape (n_pixels,), (n_pixels,) and (n_noise_modes, n_pixels)
        The part of the residuals that grows with a star's noise (:mod:`pipeline.science.slam.covariance`), in flux
        units: the factor on each pixel's stated variance (1 without patterns), the variance of a typical training
        star, and the patterns.
    chi2_per_pixel_ : ndarray, shape ()
        chi2 over pixels of a typical out-of-fold training star: below 1 where the floor of the diagonal is more than
        the data have, as in directions where spectra have no noise. Degrees of freedom are counted in it.
    expansion_ : KernelExpansion
        The functions, scaled.
    landmarks_ : Landmarks or None
        The same functions compressed, with the deviation; None where the settings want none.
    prior_ : DensityPrior or None
        None for the flat prior.
    training_fingerprint_ : str
        SHA-256 of the training arrays.
    """

    label_mean_: FloatArray
    label_std_: FloatArray
    label_low_: FloatArray
    label_high_: FloatArray
    flux_mean_: FloatArray
    flux_std_: FloatArray
    usable_pixel_: BoolArray
    sigma_pixel_: FloatArray
    white_sigma_: FloatArray
    modes_: FloatArray
    noise_scale_: FloatArray
    typical_noise_: FloatArray
    noise_modes_: FloatArray
    chi2_per_pixel_: FloatArray
    cv_mse_: FloatArray
    cv_mean_deviation_: FloatArray
    cv_median_deviation_: FloatArray
    hyper_parameters_: HyperParameters
    expansion_: KernelExpansion
    landmarks_: Landmarks | None
    prior_: DensityPrior | None
    training_fingerprint_: str

    def __init__(
        self, label_names: tuple[str, ...], settings: LabelConfig | None = None, numerics: SlamNumerics | None = None
    ) -> None:
        self.label_names = tuple(label_names)
        self.settings = settings if settings is not None else LabelConfig()
        self.settings.check("labels")
        self.numerics = numerics if numerics is not None else SlamNumerics()
        self._inverse: dict[bool, tuple[NDArray[np.intp], LabelInference]] = {}
        self._full: Evaluator | None = None

    @property
    def seed(self) -> int:
        """Of the folds."""
        return self.settings.seed

    def blank(self, n_stars: int) -> LabelFit:
        """Fits of no star."""
        return LabelFit.blank(n_stars, len(self.label_names))

    @property
    def scale(self) -> FluxScale:
        """On which fluxes are learned."""
        return FluxScale(self.settings.flux_softening)

    @property
    def covariance(self) -> ResidualCovariance:
        """What the likelihood expects of residuals, in units of the learned flux."""
        return ResidualCovariance(
            self.white_sigma_**2,
            self.noise_scale_,
            self.typical_noise_,
            self.modes_,
            self.noise_modes_,
            float(self.chi2_per_pixel_),
        )

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
            Told the fraction done.

        Returns
        -------
        SlamModel
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
        self._inverse, self._full = {}, None
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

    def without(self, rows: ArrayLike, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike) -> SlamModel:
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
        other = SlamModel(self.label_names, *quick(self.settings, self.numerics))
        for name in (*LEARNED_ARRAYS, "hyper_parameters_"):
            setattr(other, name, getattr(self, name))
        y = np.where(good, (flux - self.flux_mean_) / self.flux_std_, 0.0)[kept]
        inclusion = (good & self.usable_pixel_)[kept]
        other.training_fingerprint_ = fingerprint(support[kept], flux[kept], ivar[kept], good[kept])
        level = noise_levels(1.0 / np.where(good, ivar, 1.0), good)[kept]
        other.expansion_ = other._fit_functions(support[kept], y, inclusion, level, None)
        other._compress()
        other.prior_ = None
        if self.prior_ is not None:
            other.prior_ = DensityPrior.fit(support[kept], self.settings.seed, len(self.prior_.mean))
        return other

    def predict_flux(self, labels: ArrayLike) -> FloatArray:
        """Model spectra.

        Parameters
        ----------
        labels : array_like, shape (m, n_labels)
            Labels.

        Returns
        -------
        ndarray, shape (m, n_pixels)
            Flux.
        """
        x = (checked_labels(labels, self.label_names) - self.label_mean_) / self.label_std_
        flux = np.empty((len(x), self.flux_mean_.size))
        for rows in _slices(len(x), self.numerics.star_block):
            flux[rows] = self.flux_mean_ + self.flux_std_ * self._evaluator().predict(x[rows])
        return self.scale.backward(flux)

    def predict_flux_and_jacobian(self, labels: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Model spectra and their analytic derivatives.

        Parameters
        ----------
        labels : array_like, shape (m, n_labels)
            Labels.

        Returns
        -------
        flux : ndarray, shape (m, n_pixels)
            Flux.
        jacobian : ndarray, shape (m, n_pixels, n_labels)
            Derivative of the flux by each label, per unit of the label.
        """
        x = (checked_labels(labels, self.label_names) - self.label_mean_) / self.label_std_
        scaled, derivative = self._evaluator().predict_with_jacobian(x)
        jacobian = derivative.transpose(0, 2, 1) * self.flux_std_[:, None] / self.label_std_
        learned = self.flux_mean_ + self.flux_std_ * scaled
        return self.scale.backward(learned), jacobian * self.scale.slope(learned)[:, :, None]

    def infer_labels(
        self,
        flux: ArrayLike,
        ivar: ArrayLike,
        mask: ArrayLike,
        *,
        fixed_labels: Mapping[int, float] | None = None,
        exact: bool = False,
        progress: Progress | None = None,
    ) -> LabelFit:
        """Posterior maximum of every star inside the training range (Eq. 4-5), or the mean where the settings want it.

        The likelihood is Gaussian with variance sigma_obs^2 + sigma_j^2, or the star's :attr:`covariance`. As neither
        depends on the labels, the log-determinant is constant and does not move the maximum; it is part of the reported
        ``ln_posterior``. The search works on the landmarks, first in single and then in double precision.

        Parameters
        ----------
        flux, ivar : array_like, shape (m, n_pixels)
            Spectra and inverse variances.
        mask : array_like of bool, shape (m, n_pixels)
            True where a pixel is not to be used.
        fixed_labels : mapping of int to float, optional
            Labels (by column) that keep a value.
        exact : bool
            End on the full model instead of on its landmarks (about four times the time).
        progress : callable, optional
            Told the fraction done.

        Returns
        -------
        LabelFit
            NaN labels and a reason where there is no fit.
        """
        flux, ivar, good = self._learned(flux, ivar, mask, n_pixels=self.flux_mean_.size)
        fixed = checked_fixed(fixed_labels or {}, self.label_names, self.label_low_, self.label_high_)
        result = LabelFit.blank(len(flux), len(self.label_names))
        order, inference = self._inverse_of(exact)
        done = 0

        def infer(rows: NDArray[np.intp]) -> None:
            nonlocal done
            f, v = (part[rows][:, order].astype(np.float64) for part in (flux, ivar))
            result.put(rows, inference.infer(f, v, good[rows][:, order], fixed))
            done += rows.size
            if progress is not None:
                progress(done / len(flux))

        for_each_block(infer, np.arange(len(flux)), self.numerics.star_block, self.numerics.threads)
        return result

    # ---- training ----

    def _learned(
        self,
        flux: ArrayLike,
        ivar: ArrayLike,
        mask: ArrayLike,
        *,
        n_stars: int | None = None,
        n_pixels: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any], BoolArray]:
        """Checked spectra on the scale that is learned, and where they may be used."""
        f, v, good = checked_spectra(flux, ivar, mask, n_stars=n_stars, n_pixels=n_pixels)
        return *self.scale.forward(f, v, good), good

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
        found = cross_validate(
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
        mse = np.array([one.mse for one in found])
        best = np.argmin(np.where(np.isfinite(mse), mse, np.inf), axis=0)
        chosen_triple = np.array(grid)[best]
        self.hyper_parameters_ = HyperParameters(*(chosen_triple[:, part].copy() for part in range(3)))

        def chosen(name: str) -> FloatArray:
            values = np.array([getattr(one, name) for one in found])
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

    # ---- inference ----

    def _evaluator(self) -> Evaluator:
        """The full model's, made once."""
        if self._full is None:
            self._full = self.expansion_.evaluator()
        return self._full

    def _inverse_of(self, exact: bool) -> tuple[NDArray[np.intp], LabelInference]:
        """Usable pixels ordered by gamma, and the inference on them; made once a model."""
        if exact not in self._inverse:
            order = np.argsort(self.expansion_.gamma, kind="stable")
            order = order[self.usable_pixel_[order]]
            full = self.expansion_.take(order)
            fast = full if self.landmarks_ is None else self.landmarks_.take(order)
            last = fast.evaluator()
            stages = [(last, NEWTON_DECREMENT)]
            if (
                len(self.modes_) + len(self.noise_modes_) == 0
            ):  # modes cancel most of chi-squared: single precision would lose the rest
                stages.insert(0, (fast.evaluator(np.float32), SEARCH_TOLERANCE))
            if exact and self.landmarks_ is not None:
                stages.append((full.evaluator(), NEWTON_DECREMENT))
            scaling = Scaling(
                self.label_mean_,
                self.label_std_,
                self.label_low_,
                self.label_high_,
                self.flux_mean_[order],
                self.flux_std_[order],
                self.covariance.take(order, self.flux_std_[order]),
            )
            settings = self.settings
            self._inverse[exact] = (
                order,
                LabelInference(
                    scaling,
                    StartGrid.of(self.expansion_.support, last),
                    tuple(stages),
                    prior=self.prior_,
                    second_start=cast("SecondStart", settings.second_start),
                    max_steps=self.numerics.max_steps,
                    mean=settings.estimate == "mean",
                ),
            )
        return self._inverse[exact]


def refit_star(
    model: SlamModel, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike, fixed_labels: Mapping[int, float] | None = None
) -> LabelFit:
    """Fit one star again with a free choice of masked pixels and fixed labels.

    Parameters
    ----------
    model : SlamModel
        Fitted.
    flux, ivar : array_like, shape (n_pixels,)
        Spectrum and inverse variance.
    mask : array_like of bool, shape (n_pixels,)
        True where a pixel is not to be used.
    fixed_labels : mapping of int to float, optional
        Labels (by column) that keep a value inside the training range.

    Returns
    -------
    LabelFit
        Of one star.
    """
    f, v, m = (np.asarray(part)[None, :] for part in (flux, ivar, mask))
    return model.infer_labels(f, v, m, fixed_labels=fixed_labels)


def quick(settings: LabelConfig, numerics: SlamNumerics) -> tuple[LabelConfig, SlamNumerics]:
    """The same with the fewest iterations allowed, in float32: for fold models, of which many are fitted."""
    return replace(settings, final_precision="float32"), replace(numerics, final_iterations=150)


def _slices(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
