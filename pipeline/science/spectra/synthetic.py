"""Synthetic normalised spectra from the compact cubic model, for templates and simulated spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class SyntheticModel:
    """Cubic polynomial model of normalised synthetic spectra at R = 1800 (no TiO, no VO).

    Parameters
    ----------
    log_wavelength : ndarray, shape (p,)
        log10 of the vacuum wavelengths in Angstrom, uniform step.
    theta : ndarray, shape (p, k)
        Coefficients a pixel.
    exponents : ndarray, shape (k, 3)
        Power of each scaled label (Teff, log g, [Fe/H]) in each term.
    label_centre, label_scale, label_low, label_high : ndarray, shape (3,)
        Scaling and range of the labels.
    """

    log_wavelength: NDArray[np.float64]
    theta: NDArray[np.float64]
    exponents: NDArray[np.float64]
    label_centre: NDArray[np.float64]
    label_scale: NDArray[np.float64]
    label_low: NDArray[np.float64]
    label_high: NDArray[np.float64]

    @classmethod
    def from_table(cls, table: Mapping[str, NDArray[Any]]) -> SyntheticModel:
        """Build from the embedded table of the same field names."""
        return cls(**{name: np.asarray(table[name], dtype=np.float64) for name in cls.__dataclass_fields__})

    def flux(self, labels: ArrayLike, pixels: slice = slice(None)) -> NDArray[np.float64]:
        """Normalised spectra.

        Parameters
        ----------
        labels : array_like, shape (n, 3)
            Teff [K], log g [dex], [Fe/H] [dex]; values beyond the model's range are moved to its edge.
        pixels : slice
            Part of the wavelength grid.

        Returns
        -------
        ndarray, shape (n, p)
            Flux over continuum, not negative.
        """
        inside = np.clip(np.atleast_2d(np.asarray(labels, float)), self.label_low, self.label_high)
        scaled = (inside - self.label_centre) / self.label_scale
        terms = np.prod(scaled[:, None, :] ** self.exponents[None, :, :], axis=2)
        return np.asarray(np.maximum(terms @ self.theta[pixels].T, 0.0))
