"""SLAM: a spectrum as a function of stellar labels, one support-vector regression a pixel (paper section 3.2).

Zhang, Liu & Deng (2020, ApJS 246, 9), with the departures that SCIENCE.md settles: the model's own error enters as
sigma_j^2 = max(CV-MSE - mean training noise^2, floor), the log-determinant is kept, and labels are bounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.science.svr import Engine, HyperParameters, KernelExpansion, cross_validate, fit_expansion

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Progress = Callable[[float], None]

FORMAT_VERSION = 1
SIGMA_FLOOR = 1e-4
"""Smallest error of the model, in units of the normalised flux."""


@dataclass(frozen=True)
class SlamSettings:
    """How SLAM is trained.

    Parameters
    ----------
    engine : {"admm", "sklearn"}
        Batched solver, or libsvm pixel by pixel.
    c_grid, gamma_grid, epsilon_grid : tuple of float
        Hyper-parameters to choose from, in scaled units (paper: 27 triples).
    n_folds : int
        Folds of the cross-validation (paper: 10).
    seed : int
        Seed of the folds.
    cv_iterations, final_iterations : int
        Iterations of the batched solver, to rank and to fit.
    threads : int or None
        Threads side by side; the cores of this process by default.
    """

    engine: Engine = "admm"
    c_grid: tuple[float, ...] = (0.1, 1.0, 10.0)
    gamma_grid: tuple[float, ...] = (0.1, 1.0, 10.0)
    epsilon_grid: tuple[float, ...] = (0.02, 0.05, 0.1)
    n_folds: int = 10
    seed: int = 3670
    cv_iterations: int = 30
    final_iterations: int = 200
    threads: int | None = None

    @property
    def triples(self) -> list[tuple[float, float, float]]:
        """All combinations of (C, gamma, epsilon)."""
        return list(product(self.c_grid, self.gamma_grid, self.epsilon_grid))


class SlamModel:
    """Forward model of spectra.

    Parameters
    ----------
    label_names : tuple of str
        Names of the labels, in the order of the label arrays; any number.
    settings : SlamSettings
        How it is trained.

    Attributes
    ----------
    label_mean_, label_scale_, label_low_, label_high_ : ndarray, shape (l,)
        Scaling and range of the training labels.
    flux_mean_, flux_scale_ : ndarray, shape (p,)
        Scaling of each pixel.
    triple_ : ndarray of int, shape (p,)
        Chosen hyper-parameters, as an index into ``settings.triples``.
    cv_mse_, cv_mean_deviation_, cv_median_deviation_ : ndarray, shape (p,)
        Cross-validated mean squared error (Eq. 2), mean deviation (what Eq. 3 writes) and median deviation (what it says),
        in flux units, at the chosen hyper-parameters.
    sigma_pixel_ : ndarray, shape (p,)
        The model's own error; infinite where a pixel was unusable in training.
    usable_pixel_ : ndarray of bool, shape (p,)
        Pixels with enough unmasked, varying training flux.
    x_ : ndarray, shape (n, l)
        Scaled training labels.
    expansion_ : KernelExpansion
        The function of every pixel, in scaled flux.
    training_fingerprint_ : str
        SHA-256 of the training arrays.
    """

    def __init__(self, label_names: tuple[str, ...], settings: SlamSettings | None = None) -> None:
        self.label_names = tuple(label_names)
        self.settings = settings or SlamSettings()

    def fit(
        self,
        labels: FloatArray,
        flux: FloatArray,
        ivar: FloatArray,
        mask: BoolArray,
        *,
        groups: NDArray[np.int64] | None = None,
        progress: Progress | None = None,
    ) -> SlamModel:
        """Train on stars with known labels.

        Parameters
        ----------
        labels : ndarray, shape (n, l)
            Labels in physical units.
        flux, ivar : ndarray, shape (n, p)
            Normalised spectra and inverse variances.
        mask : ndarray of bool, shape (n, p)
            True where a pixel has no influence.
        groups : ndarray of int, shape (n,), optional
            One number a star, so that repeats share a fold.
        progress : callable, optional
            Told the fraction done.

        Returns
        -------
        SlamModel
            Itself.

        Raises
        ------
        ValueError
            If shapes differ, a label is not finite or does not vary, or there are fewer stars than folds.
        """
        labels, flux, ivar = (np.asarray(a, np.float64) for a in (labels, flux, ivar))
        included = ~np.asarray(mask, bool) & np.isfinite(flux) & (ivar > 0)
        self._check(labels, flux, ivar, included)
        self.label_mean_, self.label_scale_ = labels.mean(axis=0), labels.std(axis=0)
        self.label_low_, self.label_high_ = labels.min(axis=0), labels.max(axis=0)
        self.x_ = (labels - self.label_mean_) / self.label_scale_
        count = included.sum(axis=0)
        safe = np.maximum(count, 1)
        self.flux_mean_ = np.where(included, flux, 0.0).sum(axis=0) / safe
        spread = np.sqrt((np.where(included, flux - self.flux_mean_, 0.0) ** 2).sum(axis=0) / safe)
        self.usable_pixel_ = (count >= max(2 * self.settings.n_folds, len(labels) // 4)) & (spread > 1e-9)
        self.flux_scale_ = np.where(self.usable_pixel_, spread, 1.0)
        self.training_fingerprint_ = _fingerprint(labels, flux, ivar, included)
        self.folds_ = assign_folds(len(labels), self.settings.n_folds, self.settings.seed, groups)
        scaled = np.where(included, (flux - self.flux_mean_) / self.flux_scale_, 0.0)
        included &= self.usable_pixel_
        self._choose(scaled, included, progress)
        self.expansion_ = self._fit_final(
            scaled, included, None if progress is None else lambda fraction: progress(0.7 + 0.3 * fraction)
        )
        noise = np.where(included, 1.0 / np.where(ivar > 0, ivar, 1.0), 0.0).sum(axis=0) / safe
        variance = np.maximum(self.cv_mse_ - noise, SIGMA_FLOOR**2)
        self.sigma_pixel_ = np.where(self.usable_pixel_, np.sqrt(variance), np.inf)
        if progress is not None:
            progress(1.0)
        return self

    def _check(self, labels: FloatArray, flux: FloatArray, ivar: FloatArray, included: BoolArray) -> None:
        n = len(labels)
        if labels.ndim != 2 or labels.shape[1] != len(self.label_names):
            raise ValueError(f"labels must have shape (n, {len(self.label_names)}); found {labels.shape}.")
        if not flux.shape == ivar.shape == included.shape or flux.ndim != 2 or len(flux) != n:
            raise ValueError(f"flux, ivar and mask must share a shape ({n}, p); found {flux.shape}, {ivar.shape}.")
        bad = np.flatnonzero(~np.isfinite(labels).all(axis=1))
        if bad.size:
            raise ValueError(f"{bad.size} training stars have labels that are not finite (first: row {bad[0]}). Drop them.")
        if n < 2 * self.settings.n_folds:
            raise ValueError(f"{n} training stars are too few for {self.settings.n_folds} folds; use fewer folds.")
        flat = [name for name, spread in zip(self.label_names, labels.std(axis=0), strict=True) if not spread > 0]
        if flat:
            raise ValueError(f"The label {flat[0]} is the same for all training stars; leave it out.")

    def _choose(self, y: FloatArray, included: BoolArray, progress: Progress | None) -> None:
        """Pick each pixel's hyper-parameters by k-fold cross-validated mean squared error."""
        found = cross_validate(
            self.x_,
            y,
            included,
            self.folds_,
            self.settings.triples,
            engine=self.settings.engine,
            iterations=self.settings.cv_iterations,
            threads=self.settings.threads,
            progress=None if progress is None else lambda fraction: progress(0.7 * fraction),
        )
        mse = np.array([one.mse for one in found])
        self.triple_ = np.where(np.isfinite(mse), mse, np.inf).argmin(axis=0)
        columns = np.arange(y.shape[1])

        def chosen(name: str) -> FloatArray:
            return np.asarray(np.array([getattr(one, name) for one in found])[self.triple_, columns])

        self.cv_mse_ = chosen("mse") * self.flux_scale_**2
        self.cv_mean_deviation_ = chosen("mean_deviation") * self.flux_scale_
        self.cv_median_deviation_ = chosen("median_deviation") * self.flux_scale_

    def _fit_final(
        self, y: FloatArray, included: BoolArray, progress: Progress | None = None, *, single: bool = False
    ) -> KernelExpansion:
        """Fit every pixel with its own hyper-parameters; unusable pixels keep their mean."""
        c, gamma, epsilon = np.array(self.settings.triples)[self.triple_].T
        return fit_expansion(
            self.x_,
            y,
            included,
            HyperParameters(c, gamma, epsilon),
            engine=self.settings.engine,
            iterations=self.settings.final_iterations,
            dtype=np.float32 if single else np.float64,
            threads=self.settings.threads,
            progress=progress,
        )

    def without(self, rows: BoolArray, flux: FloatArray, ivar: FloatArray, mask: BoolArray) -> SlamModel:
        """The same model trained without some of its stars.

        Hyper-parameters and scaling are those of the whole model; the fit itself never sees the rows left out.

        Parameters
        ----------
        rows : ndarray of bool, shape (n,)
            Training stars to leave out.
        flux, ivar, mask : ndarray, shape (n, p)
            The training spectra, as given to :meth:`fit`.
        """
        included = ~np.asarray(mask, bool) & np.isfinite(flux) & (np.asarray(ivar) > 0) & self.usable_pixel_
        scaled = np.where(included, (np.asarray(flux, float) - self.flux_mean_) / self.flux_scale_, 0.0)
        other = SlamModel(self.label_names, self.settings)
        other.__dict__.update(self.__dict__)
        other.expansion_ = self._fit_final(scaled, included & ~rows[:, None], single=True)
        return other

    def predict_flux(self, labels: FloatArray) -> FloatArray:
        """Model spectra, shape (m, p), of labels of shape (m, l) in physical units."""
        return self.evaluate((np.atleast_2d(labels) - self.label_mean_) / self.label_scale_)[0]

    def evaluate(self, scaled_labels: FloatArray, *, jacobian: bool = False) -> tuple[FloatArray, FloatArray]:
        """Model spectra and their derivatives at scaled labels.

        Parameters
        ----------
        scaled_labels : ndarray, shape (m, l)
            (label - mean) / scale.
        jacobian : bool
            Whether to compute derivatives too.

        Returns
        -------
        flux : ndarray, shape (m, p)
            Model in flux units.
        derivative : ndarray, shape (m, l, p)
            d flux / d scaled label = 2 gamma [(k o x_d) A - theta_d (k A)]; shape (m, 0, p) when not asked for.
        """
        if not jacobian:
            scaled = self.expansion_.predict(scaled_labels)
            return scaled * self.flux_scale_ + self.flux_mean_, np.zeros((len(scaled), 0, scaled.shape[1]))
        scaled, slope = self.expansion_.predict_with_jacobian(scaled_labels)
        slope *= self.flux_scale_
        return scaled * self.flux_scale_ + self.flux_mean_, slope

    def to_arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON values that restore the model."""
        arrays = {name: getattr(self, name) for name in _STORED}
        arrays |= {name: getattr(self.expansion_, name) for name in _EXPANSION}
        return arrays, {
            "format_version": FORMAT_VERSION,
            "label_names": list(self.label_names),
            "settings": asdict(self.settings),
            "training_fingerprint": self.training_fingerprint_,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> SlamModel:
        """Restore what :meth:`to_arrays` gave.

        Raises
        ------
        ValueError
            If the format is of another version.
        """
        if metadata.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"The label model has format {metadata.get('format_version')!r}; this program reads {FORMAT_VERSION}."
            )
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in metadata["settings"].items()}
        model = cls(tuple(metadata["label_names"]), SlamSettings(**settings))
        for name in _STORED:
            setattr(model, name, np.asarray(arrays[name]))
        model.expansion_ = KernelExpansion(*(np.asarray(arrays[name]) for name in _EXPANSION))
        model.training_fingerprint_ = metadata["training_fingerprint"]
        return model


_STORED = (
    *("label_mean_", "label_scale_", "label_low_", "label_high_", "flux_mean_", "flux_scale_", "triple_", "cv_mse_"),
    *("cv_mean_deviation_", "cv_median_deviation_", "sigma_pixel_", "usable_pixel_", "x_"),
    "folds_",
)
_EXPANSION = ("support", "coefficients", "intercept", "gamma")


def assign_folds(n: int, n_folds: int, seed: int, groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Random folds of nearly equal size; rows of one group share a fold.

    Returns
    -------
    ndarray of int, shape (n,)
        Fold of each row, 0 to n_folds - 1.
    """
    names = np.arange(n) if groups is None else np.asarray(groups)
    unique, inverse = np.unique(names, return_inverse=True)
    order = np.random.default_rng(seed).permutation(unique.size)
    return np.asarray((order % n_folds)[inverse])


def _fingerprint(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
