"""Flux of every pixel as a function of the labels: what a SLAM model has learned, and its predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.settings import LabelConfig
from pipeline.science.slam.checks import checked_labels, checked_spectra
from pipeline.science.slam.covariance import ResidualCovariance
from pipeline.science.slam.kernel_expansion import (
    Evaluator,
    FloatArray,
    KernelExpansion,
    Landmarks,
)
from pipeline.science.slam.optimiser import BoolArray
from pipeline.science.slam.prior import DensityPrior
from pipeline.science.slam.scale import FluxScale
from pipeline.science.slam.settings import SlamNumerics
from pipeline.science.slam.svr import (
    HyperParameters,
)

LEARNED_ARRAYS = (
    *("label_mean_", "label_std_", "label_low_", "label_high_", "flux_mean_", "flux_std_", "usable_pixel_"),
    *("sigma_pixel_", "white_sigma_", "modes_", "noise_scale_", "typical_noise_", "noise_modes_"),
    "chi2_per_pixel_",
    *("cv_mse_", "cv_mean_deviation_", "cv_median_deviation_"),
)
"""Attributes that a trained model consists of, besides its functions."""


class PixelFunctions:
    """Flux of every pixel as a function of stellar labels.

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
        self._full: Evaluator | None = None

    @property
    def seed(self) -> int:
        """Seed of the folds."""
        return self.settings.seed

    @property
    def scale(self) -> FluxScale:
        """On which fluxes are learned."""
        return FluxScale(self.settings.flux_softening)

    @property
    def covariance(self) -> ResidualCovariance:
        """Covariance of residuals in the likelihood, in units of the learned flux."""
        return ResidualCovariance(
            self.white_sigma_**2,
            self.noise_scale_,
            self.typical_noise_,
            self.modes_,
            self.noise_modes_,
            float(self.chi2_per_pixel_),
        )

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

    def _forget(self) -> None:
        """Drop what is kept of functions that are learned anew."""
        self._full = None

    def _evaluator(self) -> Evaluator:
        """The full model's, made once."""
        if self._full is None:
            self._full = self.expansion_.evaluator()
        return self._full


def _slices(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
