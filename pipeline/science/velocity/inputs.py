"""Inputs of a velocity measurement: settings and templates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TemplateSet:
    """Normalised templates on a fine log grid.

    Parameters
    ----------
    log_wavelength : ndarray, shape (p,)
        log10 of vacuum rest wavelengths; the step divides the stars' step.
    flux : ndarray, shape (n_templates, p)
        Normalised as the stars are.
    labels : ndarray, shape (n_templates, 3)
        Teff [K], log g [dex], [Fe/H] [dex].
    name : str
        Source of the templates, for the manifest.
    """

    log_wavelength: FloatArray
    flux: FloatArray
    labels: FloatArray
    name: str

    @property
    def at_edge(self) -> NDArray[np.bool_]:
        """Templates of the lowest or highest Teff."""
        teff = self.labels[:, 0]
        return np.asarray((teff == teff.min()) | (teff == teff.max()))
