"""How well a label model was trained, pixel by pixel, and which pixels inform which label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.science.slam.model import SlamModel

FloatArray = NDArray[np.float64]


def information(model: SlamModel, labels: ArrayLike, noise_variance: FloatArray) -> FloatArray:
    """Fisher information of each pixel about each label, the other labels known.

    Parameters
    ----------
    model : SlamModel
        Trained.
    labels : array_like, shape (m, n_labels)
        Where to look: the mean over these stars is returned.
    noise_variance : ndarray, shape (n_pixels,)
        Variance of a typical spectrum's noise.

    Returns
    -------
    ndarray, shape (n_labels, n_pixels)
        Mean of ``(df_j/dlabel)^2 / (noise + sigma_j^2)``, per squared unit of the label; 0 for unusable pixels. Pixels
        that share residuals hold less information together than the sum.
    """
    total = np.zeros((len(model.label_names), noise_variance.size))
    at = np.asarray(labels, dtype=np.float64)
    for start in range(0, len(at), 32):
        _, jacobian = model.predict_flux_and_jacobian(at[start : start + 32])
        total += np.square(jacobian).sum(axis=0).T
    sigma = model.sigma_pixel_ * model.scale.slope(model.flux_mean_)
    variance = noise_variance + sigma**2
    return np.asarray(np.where(model.usable_pixel_, total / max(len(at), 1) / variance, 0.0))


def training_report(
    model: SlamModel,
    wavelength: FloatArray,
    pixel_information: FloatArray,
    *,
    count: int = 15,
    apart_angstrom: float = 15.0,
) -> dict[str, Any]:
    """The worst pixels and the most telling ones, in plain values for JSON.

    Parameters
    ----------
    model : SlamModel
        Trained.
    wavelength : ndarray, shape (n_pixels,)
        In Angstrom.
    pixel_information : ndarray, shape (n_labels, n_pixels)
        From :func:`information`.
    count : int
        Entries of each list, at most.
    apart_angstrom : float
        Two entries of a list are at least so far apart.

    Returns
    -------
    dict
        ``pixels`` and ``unusable_pixels``; ``median_unexplained``: median over pixels of CV-MSE over the variance of
        the flux; ``worst_pixels``: where that is largest; ``gammas``: pixels by chosen gamma; ``landmark_error``;
        ``telling``: for each label, wavelengths, and the share of the label's information within ``apart_angstrom``.
    """
    usable = model.usable_pixel_
    unexplained = np.where(usable, model.cv_mse_ / model.flux_std_**2, -np.inf)
    gammas, pixels = np.unique(model.hyper_parameters_.gamma[usable], return_counts=True)
    worst = _peaks(unexplained, wavelength, count, apart_angstrom)
    telling = {}
    for name, values in zip(model.label_names, pixel_information, strict=True):
        whole = max(float(values.sum()), 1e-300)
        telling[name] = [
            {
                "angstrom": round(float(wavelength[peak]), 2),
                "share": float(values[np.abs(wavelength - wavelength[peak]) <= apart_angstrom].sum()) / whole,
            }
            for peak in _peaks(values, wavelength, count, apart_angstrom)
        ]
    return {
        "pixels": int(usable.size),
        "unusable_pixels": int((~usable).sum()),
        "median_unexplained": float(np.median(unexplained[usable])) if usable.any() else None,
        "worst_pixels": [
            {"angstrom": round(float(wavelength[peak]), 2), "unexplained": float(unexplained[peak])} for peak in worst
        ],
        "gammas": {f"{gamma:g}": int(number) for gamma, number in zip(gammas, pixels, strict=True)},
        "shared_modes": len(model.modes_),
        "landmark_error": model.landmarks_.error if model.landmarks_ is not None else None,
        "telling": telling,
    }


def _peaks(values: FloatArray, wavelength: FloatArray, count: int, apart: float) -> list[int]:
    """Largest values first, no two closer than ``apart``."""
    peaks: list[int] = []
    for index in np.argsort(values)[::-1]:
        if len(peaks) == count or not values[index] > 0:
            break
        if all(abs(wavelength[index] - wavelength[other]) > apart for other in peaks):
            peaks.append(int(index))
    return peaks
