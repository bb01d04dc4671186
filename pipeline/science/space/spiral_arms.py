"""Spiral arms as log spirals with a kink (Reid et al. 2019, ApJ 885, 131, Table 2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SpiralArm(NamedTuple):
    """Spiral arm: ln(R / R_kink) = -(beta - beta_kink) tan(pitch).

    beta is in degrees from the Sun and grows along the rotation.
    """

    name: str
    beta_kink: float
    pitch_low: float
    pitch_high: float
    r_kink_kpc: float
    beta_min: float
    beta_max: float


REID_2019 = (
    SpiralArm("3-kpc", 15.0, -4.2, -4.2, 3.52, 15.0, 18.0),
    SpiralArm("Norma", 18.0, -1.0, 19.5, 4.46, 5.0, 54.0),
    SpiralArm("Scutum-Centaurus", 23.0, 14.1, 12.1, 4.91, 0.0, 104.0),
    SpiralArm("Sagittarius-Carina", 24.0, 17.1, 1.0, 6.04, 2.0, 97.0),
    SpiralArm("Local", 9.0, 11.4, 11.4, 8.26, -8.0, 34.0),
    SpiralArm("Perseus", 40.0, 10.3, 8.7, 8.87, -23.0, 115.0),
    SpiralArm("Outer", 18.0, 3.0, 9.4, 12.24, -16.0, 71.0),
)


def trace(arm: SpiralArm, points: int = 80) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Galactocentric (X, Y) in kpc of an arm, Sun at X = -R0, over the azimuths where it was traced."""
    beta = np.linspace(arm.beta_min, arm.beta_max, points)
    pitch = np.where(beta < arm.beta_kink, arm.pitch_low, arm.pitch_high)
    radius = arm.r_kink_kpc * np.exp(-np.radians(beta - arm.beta_kink) * np.tan(np.radians(pitch)))
    return -radius * np.cos(np.radians(beta)), radius * np.sin(np.radians(beta))
