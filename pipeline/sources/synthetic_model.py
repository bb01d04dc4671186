"""The synthetic spectra model, read from its pickle without executing code, as a compact table.

The model (package thedoppler, MIT) is a Cannon-style cubic polynomial in (Teff, log g, [Fe/H]) of synthetic normalised
spectra: atomic lines, CN, MgH and the Ca II triplet, no TiO. It is linear in its coefficients, so convolving and
resampling the coefficients is the same as convolving and resampling every spectrum.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipeline.domain.wavelength import LAMOST_LOG_START, air_to_vacuum

RESOLUTION = 1800.0
"""Resolving power of LAMOST low-resolution spectra."""

_COARSE_STEP = 5e-5
_OVERSAMPLING = 10
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
}


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that accepts only numpy arrays and plain containers."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"The model file asks for {module}.{name}; only numpy arrays are admitted.")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_arrays_only(handle: IO[bytes]) -> dict[str, Any]:
    """Unpickle numpy arrays and plain containers; raise ``UnpicklingError`` on anything else."""
    loaded = _ArraysOnly(handle, encoding="latin1").load()
    if not isinstance(loaded, dict):
        raise pickle.UnpicklingError(f"The model file holds a {type(loaded).__name__}, expected a dict.")
    return loaded


def compact_model(path: Path) -> dict[str, NDArray[Any]]:
    """Convolve the model to R = 1800 and sample it over LAMOST's range.

    Parameters
    ----------
    path : Path
        The pickle of :data:`pipeline.sources.wheels.SYNTHETIC_MODEL`.

    Returns
    -------
    dict of ndarray
        ``log_wavelength`` (n,) vacuum, ``theta`` (n, 20) float32, ``label_centre`` (3,), ``label_scale`` (3,),
        ``label_low`` (3,), ``label_high`` (3,) and ``exponents`` (20, 3): the power of each scaled label in each term.
    """
    with path.open("rb") as handle:
        model = read_arrays_only(handle)
    labels = np.asarray(model["training_set_labels"], float)
    names = tuple(model["vectorizer"][1]["label_names"])
    if names != ("TEFF", "LOGG", "FEH") or model["wavevac"]:
        raise ValueError(f"{path} has labels {names} and wavevac={model['wavevac']}; expected TEFF, LOGG, FEH in air.")
    exponents = np.zeros((model["theta"].shape[1], 3))
    for row, term in enumerate(model["vectorizer"][1]["terms"], start=1):
        for label, power in term:
            exponents[row, label] += power
    fine_step = _COARSE_STEP / _OVERSAMPLING
    count = int((np.log10(9180.0) - np.log10(3650.0)) / _COARSE_STEP)
    first = LAMOST_LOG_START + np.floor((np.log10(3650.0) - LAMOST_LOG_START) / _COARSE_STEP) * _COARSE_STEP
    fine = first + fine_step * np.arange(count * _OVERSAMPLING)
    vacuum = np.log10(air_to_vacuum(model["dispersion"]))
    sigma = 1.0 / (RESOLUTION * 2.0 * np.sqrt(2.0 * np.log(2.0)) * np.log(10.0)) / fine_step
    theta = np.stack(
        [
            gaussian_filter1d(np.interp(fine, vacuum, column), sigma, mode="nearest")[::_OVERSAMPLING]
            for column in model["theta"].T
        ],
        axis=1,
    )
    centre, spread = np.percentile(labels, 50, axis=0), np.ptp(np.percentile(labels, [2.5, 97.5], axis=0), axis=0)
    return {
        "log_wavelength": fine[::_OVERSAMPLING],
        "theta": theta.astype(np.float32),
        "label_centre": centre,
        "label_scale": spread,
        "label_low": labels.min(axis=0),
        "label_high": labels.max(axis=0),
        "exponents": exponents,
    }
