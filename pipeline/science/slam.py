"""SLAM: stellar labels from spectra by one support-vector regression a pixel (paper section 3.2).

``SlamModel(names, settings).fit(...)`` learns flux as a function of the labels; ``infer_labels`` inverts it star by
star (SCIENCE.md section 4). Labels and each pixel are scaled by mean and standard deviation before anything else; every
public method takes and returns physical units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.science.blocks import Progress, for_each_block
from pipeline.science.kernel_expansion import FloatArray, KernelExpansion
from pipeline.science.slam_inference import (
    CONVERGED,
    MAX_ITERATIONS,
    NOT_CONSTRAINED,
    POOR_REDUCED_CHI2,
    TOO_FEW_PIXELS,
    BoolArray,
    LabelFit,
    LevenbergMarquardt,
    StartGrid,
    best_of,
    invert_fisher,
    starts_disagree,
)
from pipeline.science.slam_settings import SlamSettings, assign_folds
from pipeline.science.svr import CrossValidation, Engine, HyperParameters, cross_validate, fit_expansion

__all__ = ["LabelFit", "SlamModel", "SlamSettings", "assign_folds", "refit_star"]

FORMAT = "mgiant-slam"
FORMAT_VERSION = 1

MEMBERS_PER_FOLD = 2
"""A pixel is usable when it has at least so many unmasked training stars a fold, and varies among them."""

_LEARNED = (
    *("label_mean_", "label_std_", "label_low_", "label_high_", "flux_mean_", "flux_std_", "usable_pixel_"),
    *("sigma_pixel_", "cv_mse_", "cv_mean_deviation_", "cv_median_deviation_"),
)


class SlamModel:
    """Flux of every pixel as a function of stellar labels, and its inverse.

    Parameters
    ----------
    label_names : tuple of str
        Names of the labels, in the order of the columns of every label array.
    settings : SlamSettings, optional
        How to train and infer.

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
    expansion_ : KernelExpansion
        The functions, scaled.
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
    cv_mse_: FloatArray
    cv_mean_deviation_: FloatArray
    cv_median_deviation_: FloatArray
    hyper_parameters_: HyperParameters
    expansion_: KernelExpansion
    training_fingerprint_: str

    def __init__(self, label_names: tuple[str, ...], settings: SlamSettings | None = None) -> None:
        self.label_names = tuple(label_names)
        self.settings = settings if settings is not None else SlamSettings()
        self._inverse: tuple[NDArray[np.intp], KernelExpansion, StartGrid] | None = None

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
            If shapes disagree, a label or an unmasked flux is not finite, or there are fewer stars than folds.
        """
        labels = self._checked_labels(labels)
        flux, ivar, good = self._checked_spectra(flux, ivar, mask, n_stars=len(labels))
        folds = assign_folds(len(labels), self.settings.n_folds, self.settings.seed, groups)
        self._inverse = None
        self.label_mean_, self.label_std_ = labels.mean(axis=0), labels.std(axis=0)
        self.label_low_, self.label_high_ = labels.min(axis=0), labels.max(axis=0)
        for name, spread in zip(self.label_names, self.label_high_ - self.label_low_, strict=True):
            if spread == 0:
                raise ValueError(
                    f"All training stars have the same {name}: drop that label or widen the training cuts."
                )
        self._scale_flux(flux, good)
        self.training_fingerprint_ = _fingerprint(labels, flux, ivar, good)
        x = (labels - self.label_mean_) / self.label_std_
        inclusion = (good & self.usable_pixel_).astype(np.float32)
        y = np.where(good, (flux - self.flux_mean_) / self.flux_std_, 0.0)
        share = 0.6  # of the time, for cross-validation
        self._tune(x, y, inclusion, folds, lambda f: progress(share * f) if progress else None)
        self._set_sigma(ivar, good)
        self.expansion_ = self._fit_functions(
            x, y, inclusion, (lambda f: progress(share + (1 - share) * f)) if progress else None
        )
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
        flux, ivar, good = self._checked_spectra(flux, ivar, mask, n_stars=len(support), n_pixels=self.flux_mean_.size)
        kept = np.flatnonzero(~left_out)
        other = SlamModel(self.label_names, quick_settings(self.settings))
        for name in (*_LEARNED, "hyper_parameters_"):
            setattr(other, name, getattr(self, name))
        y = np.where(good, (flux - self.flux_mean_) / self.flux_std_, 0.0)[kept]
        inclusion = (good & self.usable_pixel_)[kept].astype(np.float32)
        other.training_fingerprint_ = _fingerprint(support[kept], flux[kept], ivar[kept], good[kept])
        other.expansion_ = other._fit_functions(support[kept], y, inclusion, None)
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
        x = (self._checked_labels(labels) - self.label_mean_) / self.label_std_
        flux = np.empty((len(x), self.flux_mean_.size))
        for rows in _slices(len(x), self.settings.star_block):
            flux[rows] = self.flux_mean_ + self.flux_std_ * self.expansion_.predict(x[rows])
        return flux

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
        x = (self._checked_labels(labels) - self.label_mean_) / self.label_std_
        scaled, derivative = self.expansion_.predict_with_jacobian(x)
        jacobian = derivative.transpose(0, 2, 1) * self.flux_std_[:, None] / self.label_std_
        return self.flux_mean_ + self.flux_std_ * scaled, jacobian

    def infer_labels(
        self,
        flux: ArrayLike,
        ivar: ArrayLike,
        mask: ArrayLike,
        *,
        fixed_labels: Mapping[int, float] | None = None,
        progress: Progress | None = None,
    ) -> LabelFit:
        """Posterior maximum of every star inside the training range (Eq. 4-5).

        The likelihood is Gaussian with variance sigma_obs^2 + sigma_j^2. As sigma_j does not depend on the labels, the
        log-determinant is constant and does not move the maximum; it is part of the reported ``ln_posterior``.

        Parameters
        ----------
        flux, ivar : array_like, shape (m, n_pixels)
            Spectra and inverse variances.
        mask : array_like of bool, shape (m, n_pixels)
            True where a pixel is not to be used.
        fixed_labels : mapping of int to float, optional
            Labels (by column) that keep a value.
        progress : callable, optional
            Told the fraction done.

        Returns
        -------
        LabelFit
            NaN labels and a reason where there is no fit.
        """
        flux, ivar, good = self._checked_spectra(flux, ivar, mask, n_pixels=self.flux_mean_.size)
        fixed = self._checked_fixed(fixed_labels or {})
        result = LabelFit.blank(len(flux), len(self.label_names))
        self._prepare_inverse()
        done = 0

        def infer(rows: NDArray[np.intp]) -> None:
            nonlocal done
            result.put(rows, self._infer_block(flux[rows], ivar[rows], good[rows], fixed))
            done += rows.size
            if progress is not None:
                progress(done / len(flux))

        for_each_block(infer, np.arange(len(flux)), self.settings.star_block, self.settings.threads)
        return result

    def to_arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Everything learned, as plain arrays and JSON-ready metadata."""
        arrays: dict[str, NDArray[Any]] = {name.rstrip("_"): getattr(self, name) for name in _LEARNED}
        parameters, expansion = self.hyper_parameters_, self.expansion_
        arrays |= {"c": parameters.c, "gamma": parameters.gamma, "epsilon": parameters.epsilon}
        arrays |= {
            "support": expansion.support,
            "coefficients": expansion.coefficients,
            "intercept": expansion.intercept,
        }
        metadata = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "label_names": list(self.label_names),
            "settings": self.settings.to_dict(),
            "training_fingerprint": self.training_fingerprint_,
        }
        return arrays, metadata

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> SlamModel:
        """Restore what :meth:`to_arrays` gave."""
        found = (metadata.get("format"), metadata.get("format_version"))
        if found != (FORMAT, FORMAT_VERSION):
            raise ValueError(
                f"Not a label model of this version: found {found}, expected {(FORMAT, FORMAT_VERSION)}. "
                "Build the products again."
            )
        names = [name.rstrip("_") for name in _LEARNED]
        missing = {*names, "c", "gamma", "epsilon", "support", "coefficients", "intercept"} - set(arrays)
        if missing:
            raise ValueError(f"The label model lacks {', '.join(sorted(missing))}. Build the products again.")
        model = cls(tuple(metadata["label_names"]), SlamSettings.from_dict(metadata["settings"]))
        for attribute, name in zip(_LEARNED, names, strict=True):
            setattr(model, attribute, arrays[name])
        model.hyper_parameters_ = HyperParameters(arrays["c"], arrays["gamma"], arrays["epsilon"])
        model.expansion_ = KernelExpansion(
            arrays["support"], arrays["coefficients"], arrays["intercept"], arrays["gamma"]
        )
        model.training_fingerprint_ = str(metadata["training_fingerprint"])
        return model

    # ---- training ----

    def _scale_flux(self, flux: FloatArray, good: BoolArray) -> None:
        count = good.sum(axis=0)
        total = np.where(good, flux, 0.0).sum(axis=0)
        self.flux_mean_ = total / np.maximum(count, 1)
        deviation = np.where(good, flux - self.flux_mean_, 0.0)
        spread = np.sqrt((deviation**2).sum(axis=0) / np.maximum(count, 1))
        varies = spread > 1e-9 * np.abs(self.flux_mean_) + 1e-300
        self.usable_pixel_ = np.asarray((count >= MEMBERS_PER_FOLD * self.settings.n_folds) & varies)
        self.flux_std_ = np.where(self.usable_pixel_, spread, 1.0)

    def _tune(
        self, x: FloatArray, y: FloatArray, inclusion: NDArray[Any], folds: NDArray[np.intp], progress: Progress
    ) -> None:
        """Choose each pixel's triple by the lowest CV-MSE (Eq. 2), and keep its deviations (Eq. 3)."""
        settings = self.settings
        found = cross_validate(
            x,
            y,
            inclusion,
            folds,
            settings.triples,
            engine=cast("Engine", settings.engine),
            iterations=settings.cv_iterations,
            pixel_block=settings.pixel_block,
            threads=settings.threads,
            progress=progress,
        )
        mse = np.array([one.mse for one in found])
        best = np.argmin(np.where(np.isfinite(mse), mse, np.inf), axis=0)
        grid = np.array(settings.triples)[best]
        self.hyper_parameters_ = HyperParameters(grid[:, 0].copy(), grid[:, 1].copy(), grid[:, 2].copy())

        def chosen(name: str) -> FloatArray:
            values = np.array([getattr(one, name) for one in found])
            return np.asarray(np.take_along_axis(values, best[None, :], axis=0)[0])

        winner = CrossValidation(chosen("mse"), chosen("mean_deviation"), chosen("median_deviation"))
        self.cv_mse_ = winner.mse * self.flux_std_**2
        self.cv_mean_deviation_ = winner.mean_deviation * self.flux_std_
        self.cv_median_deviation_ = winner.median_deviation * self.flux_std_

    def _fit_functions(
        self, x: FloatArray, y: FloatArray, inclusion: NDArray[Any], progress: Progress | None
    ) -> KernelExpansion:
        settings = self.settings
        return fit_expansion(
            x,
            y,
            inclusion,
            self.hyper_parameters_,
            engine=cast("Engine", settings.engine),
            iterations=settings.final_iterations,
            pixel_block=settings.pixel_block,
            dtype=settings.final_precision,
            threads=settings.threads,
            progress=progress,
        )

    def _set_sigma(self, ivar: FloatArray, good: BoolArray) -> None:
        variance = np.where(good, 1.0 / np.where(good, ivar, 1.0), 0.0)
        noise = variance.sum(axis=0) / np.maximum(good.sum(axis=0), 1)
        floor = (self.settings.sigma_floor * self.flux_std_) ** 2
        sigma = np.sqrt(np.maximum(np.where(self.usable_pixel_, self.cv_mse_, 0.0) - noise, floor))
        self.sigma_pixel_ = np.where(self.usable_pixel_, sigma, np.inf)

    # ---- inference ----

    def _prepare_inverse(self) -> tuple[NDArray[np.intp], KernelExpansion, StartGrid]:
        """Usable pixels ordered by gamma, their expansion, and the spectra to start from; computed once a model."""
        if self._inverse is None:
            order = np.argsort(self.expansion_.gamma, kind="stable")
            order = order[self.usable_pixel_[order]]
            expansion = self.expansion_.take(order)
            self._inverse = (order, expansion, StartGrid.of(expansion))
        return self._inverse

    def _infer_block(self, flux: FloatArray, ivar: FloatArray, good: BoolArray, fixed: Mapping[int, float]) -> LabelFit:
        order, expansion, grid = self._prepare_inverse()
        n_labels = len(self.label_names)
        fit = LabelFit.blank(len(flux), n_labels)
        used = good[:, order]
        fit.n_pixels[:] = used.sum(axis=1)
        is_fixed = np.isin(np.arange(n_labels), list(fixed))
        n_free = n_labels - len(fixed)
        fit.reason[(fit.n_pixels > 0) & (fit.n_pixels < n_free)] = TOO_FEW_PIXELS
        rows = np.flatnonzero(fit.n_pixels >= max(n_free, 1))
        if rows.size == 0:
            return fit
        used = used[rows]
        scale = self.flux_std_[order]
        y = np.where(used, (flux[rows][:, order] - self.flux_mean_[order]) / scale, 0.0)
        variance = 1.0 / np.where(used, ivar[rows][:, order], 1.0) + self.sigma_pixel_[order] ** 2
        weight = np.where(used, scale**2 / variance, 0.0)
        low, high = (
            (self.label_low_ - self.label_mean_) / self.label_std_,
            (self.label_high_ - self.label_mean_) / self.label_std_,
        )
        near, value = None, np.zeros(n_labels)
        for index, physical in fixed.items():
            value[index] = (physical - self.label_mean_[index]) / self.label_std_[index]
        if fixed:
            distance = ((grid.labels - value)[:, is_fixed] ** 2).sum(axis=1)
            near = np.asarray(distance <= np.partition(distance, len(distance) // 10)[len(distance) // 10])
        starts = [np.where(is_fixed, value, grid.labels[i]) for i in grid.starts(y, weight, near)]
        search = LevenbergMarquardt(expansion, low, high, is_fixed, self.settings.max_steps)
        best = search.minimise(y, weight, starts[0])
        freedom = fit.n_pixels[rows] - n_free
        bound = np.asarray(((best.labels <= low) | (best.labels >= high)).any(axis=1))
        again = self._again(best.chi2, freedom, best.converged, bound)
        again &= (starts[0] != starts[1]).any(axis=1)
        disagree = np.zeros(rows.size, bool)
        if again.any():
            where = np.flatnonzero(again)
            rival = search.minimise(y[where], weight[where], starts[1][where])
            first = type(best)(best.labels[where], best.chi2[where], best.fisher[where], best.converged[where])
            best = best_of(best, rival, where)
            error = _errors(invert_fisher(best.fisher[where], is_fixed)[0])
            disagree[where] = starts_disagree(first, rival, error, freedom[where])
        covariance, singular = invert_fisher(best.fisher, is_fixed)
        covariance = covariance * self.label_std_[:, None] * self.label_std_[None, :]
        labels = self.label_mean_ + self.label_std_ * best.labels
        labels = np.clip(labels, self.label_low_, self.label_high_)
        for index, physical in fixed.items():
            labels[:, index] = physical
        labels[singular] = np.nan
        at_bound = ((best.labels <= low) | (best.labels >= high)) & ~is_fixed
        determinant = np.where(used, np.log(2.0 * np.pi * variance), 0.0).sum(axis=1)
        ln_prior = -np.log((self.label_high_ - self.label_low_)[~is_fixed]).sum()
        reason = np.where(best.converged, CONVERGED, MAX_ITERATIONS)
        reason = np.where(singular, NOT_CONSTRAINED, reason)
        with np.errstate(divide="ignore", invalid="ignore"):
            reduced = np.where(freedom > 0, best.chi2 / freedom, np.nan)
        fit.put(
            rows,
            LabelFit(
                labels=labels,
                formal_error=_errors(covariance),
                covariance=covariance,
                chi2=best.chi2,
                n_pixels=fit.n_pixels[rows],
                reduced_chi2=reduced,
                ln_posterior=-0.5 * (best.chi2 + determinant) + ln_prior,
                converged=best.converged & ~singular,
                at_bound=at_bound & ~singular[:, None],
                starts_disagree=disagree & ~singular,
                reason=reason,
            ),
        )
        return fit

    def _again(self, chi2: FloatArray, freedom: NDArray[Any], converged: BoolArray, bound: BoolArray) -> BoolArray:
        """Which stars get a second start."""
        if self.settings.second_start == "all":
            return np.ones(len(chi2), bool)
        if self.settings.second_start == "none":
            return np.zeros(len(chi2), bool)
        return np.asarray((chi2 > POOR_REDUCED_CHI2 * np.maximum(freedom, 1)) | ~converged | bound)

    # ---- checks ----

    def _checked_labels(self, labels: ArrayLike) -> FloatArray:
        values = np.asarray(labels, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.label_names):
            raise ValueError(
                f"labels have shape {values.shape}: give (stars, {len(self.label_names)}), one column for each of "
                f"{', '.join(self.label_names)}."
            )
        bad = ~np.isfinite(values)
        if bad.any():
            name = self.label_names[int(np.argmax(bad.any(axis=0)))]
            raise ValueError(
                f"{int(bad.any(axis=1).sum())} stars have labels that are not finite ({name} first): drop them."
            )
        return values

    def _checked_spectra(
        self,
        flux: ArrayLike,
        ivar: ArrayLike,
        mask: ArrayLike,
        *,
        n_stars: int | None = None,
        n_pixels: int | None = None,
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Flux, inverse variance, and where both may be used."""
        f, v = np.asarray(flux, dtype=np.float64), np.asarray(ivar, dtype=np.float64)
        bad = np.asarray(mask, dtype=bool)
        if f.ndim != 2 or v.shape != f.shape or bad.shape != f.shape:
            raise ValueError(
                f"flux, ivar and mask have shapes {f.shape}, {v.shape} and {bad.shape}: all must be (stars, pixels)."
            )
        if n_stars is not None and len(f) != n_stars:
            raise ValueError(f"There are {len(f)} spectra but {n_stars} rows of labels: give one spectrum a row.")
        if n_pixels is not None and f.shape[1] != n_pixels:
            raise ValueError(f"The spectra have {f.shape[1]} pixels, the model {n_pixels}: rebin them to its grid.")
        good = ~bad & (v != 0)
        wrong = good & ~np.isfinite(f)
        if wrong.any():
            raise ValueError(f"{int(wrong.sum())} unmasked pixels have flux that is not finite: mask them.")
        wrong = good & ~(np.isfinite(v) & (v > 0))
        if wrong.any():
            raise ValueError(f"{int(wrong.sum())} unmasked pixels have ivar that is negative or not finite: mask them.")
        return f, v, good

    def _checked_fixed(self, fixed: Mapping[int, float]) -> Mapping[int, float]:
        for index, value in fixed.items():
            if not 0 <= index < len(self.label_names):
                raise ValueError(f"There is no label {index} to fix: the model has 0 to {len(self.label_names) - 1}.")
            low, high = self.label_low_[index], self.label_high_[index]
            if not low <= value <= high:
                raise ValueError(
                    f"{self.label_names[index]} cannot be fixed at {value:g}: choose a value in the training range "
                    f"{low:g} to {high:g}."
                )
        return fixed


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


def quick_settings(settings: SlamSettings) -> SlamSettings:
    """The same settings with the fewest iterations allowed, in float32: for fold models, of which many are fitted."""
    return replace(settings, final_iterations=150, final_precision="float32")


def _errors(covariance: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.einsum("mll->ml", covariance)))


def _slices(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _fingerprint(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(f"{values.shape}{values.dtype}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
