"""The scale on which SLAM learns fluxes: linear, or arcsinh, on which a factor is nearly an addend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FluxScale:
    """``y = s arcsinh(F / s)``: F where F is far below s, logarithmic far above; s = 0 is linear.

    Extinction, flux calibration and continuum multiply a spectrum. On the logarithm they add the same curve to every
    star, which shared modes (:mod:`pipeline.science.slam.modes`) can then learn; arcsinh does so without trouble where
    the flux is near zero (Lupton, Gunn & Szalay 1999 use it for magnitudes).

    Parameters
    ----------
    softening : float
        s, in flux units.
    """

    softening: float

    def forward(
        self, flux: NDArray[Any], ivar: NDArray[Any], good: NDArray[np.bool_]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Learned values and their inverse variance where ``good``; the precision stays."""
        s = self.softening
        if s == 0:
            return flux, ivar
        ratio = np.where(good, flux, 0) / flux.dtype.type(s)
        return (s * np.arcsinh(ratio)).astype(flux.dtype), (ivar * (1.0 + ratio**2)).astype(ivar.dtype)

    def backward(self, values: FloatArray) -> FloatArray:
        """Flux of learned values."""
        return values if self.softening == 0 else np.asarray(self.softening * np.sinh(values / self.softening))

    def slope(self, values: FloatArray) -> FloatArray:
        """Derivative of the flux by the learned value."""
        return np.ones_like(values) if self.softening == 0 else np.asarray(np.cosh(values / self.softening))
