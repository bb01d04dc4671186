"""Velocities of giants with a companion: circular orbits wider than the giant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BINARY_SHARE = 0.45
"""Fraction of giants with a companion of any period."""

_LOG_PERIOD_DAYS = (5.0, 2.3)
"""Normal distribution of log10 period of solar-type stars (Raghavan et al. 2010, ApJS 190, 1)."""

_LONGEST_LOG_PERIOD = 8.0
_MASS_RATIO = (0.1, 1.0)
_GIANT_MASS = 1.2
_LOGG_SUN = 4.438
_FULL_LOBE = 0.35
"""Period in days at which a giant fills its Roche lobe, for unit sqrt(R^3 / M) in solar units.

Eggleton (1983, ApJ 268, 368), for equal masses.
"""

_AMPLITUDE_KMS = 212.9
"""Semi-amplitude for a period of one day and a total mass of one solar mass.

(2 pi G / P)^(1/3) M2 sin i / (M1 + M2)^(2/3).
"""


@dataclass(frozen=True)
class Binaries:
    """Orbits of stars, arrays of shape (n,).

    Parameters
    ----------
    period_days : ndarray
        Period; infinite for single stars.
    amplitude_kms : ndarray
        Semi-amplitude of the giant's radial velocity, 0 for single stars.
    phase : ndarray
        Phase at MJD 0, radian.
    """

    period_days: FloatArray
    amplitude_kms: FloatArray
    phase: FloatArray

    def __getitem__(self, rows: NDArray[np.intp]) -> Binaries:
        """Select stars, with repetitions."""
        return Binaries(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def velocity(self, mjd: FloatArray) -> FloatArray:
        """Radial velocity about the systemic one in km/s, with the shape (n,) or (m, n) of ``mjd``."""
        return np.asarray(self.amplitude_kms * np.sin(2.0 * np.pi * mjd / self.period_days + self.phase))


def draw_binaries(logg: FloatArray, giant: NDArray[np.bool_], rng: np.random.Generator) -> Binaries:
    """Draw companions of giants; other stars are single.

    Parameters
    ----------
    logg : ndarray, shape (n,)
        Surface gravity, dex: with 1.2 solar masses it gives the radius, and that the shortest period.
    giant : ndarray of bool, shape (n,)
        Which may have a companion.
    rng : Generator
        Randomness.
    """
    n = logg.size
    paired = giant & (rng.uniform(size=n) < BINARY_SHARE)
    log_period = rng.normal(*_LOG_PERIOD_DAYS, n)
    ratio, cos_i = rng.uniform(*_MASS_RATIO, n), rng.uniform(0.0, 1.0, n)
    phase = rng.uniform(0.0, 2.0 * np.pi, n)
    radius_cubed = 10.0 ** (1.5 * (_LOGG_SUN - logg)) * _GIANT_MASS**1.5
    shortest = np.log10(_FULL_LOBE * np.sqrt(radius_cubed / _GIANT_MASS))
    paired &= (log_period > shortest) & (log_period < _LONGEST_LOG_PERIOD)
    period = np.where(paired, 10.0 ** np.clip(log_period, 0.0, _LONGEST_LOG_PERIOD), np.inf)
    companion, total = ratio * _GIANT_MASS, (1.0 + ratio) * _GIANT_MASS
    amplitude = _AMPLITUDE_KMS * np.cbrt(1.0 / period) * companion * np.sqrt(1.0 - cos_i**2) / total ** (2.0 / 3.0)
    return Binaries(period, np.where(paired, amplitude, 0.0), phase)
