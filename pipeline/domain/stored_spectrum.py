"""One published spectrum with its model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StoredSpectrum:
    """One star's spectrum as the label fit saw it: rest frame, divided by its pseudo-continuum.

    Parameters
    ----------
    obsid : int
        Observation id.
    wavelength : ndarray, shape (n,)
        Vacuum rest wavelengths in Angstrom.
    flux, ivar : ndarray, shape (n,)
        Normalised flux and its inverse variance (0 where masked).
    mask : ndarray of bool, shape (n,)
        True where the pixel carries no information.
    model : ndarray, shape (n,)
        Model of the label fit, NaN where there is none.
    continuum : ndarray, shape (n,)
        Pseudo-continuum: ``flux * continuum`` is the flux before normalisation.
    """

    obsid: int
    wavelength: NDArray[np.float64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.bool_]
    model: NDArray[np.float32]
    continuum: NDArray[np.float32]

    @property
    def has_model(self) -> bool:
        """Whether a label fit produced a model."""
        return bool(np.isfinite(self.model).any())
