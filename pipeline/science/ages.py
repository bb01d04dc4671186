"""Ages of giants, guessed from chemistry: at a given colour and [M/H], K_abs fades by 0.5-0.6 mag from 3 to 9 Gyr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

HIGH_ALPHA_AT_SOLAR = 0.085
HIGH_ALPHA_SLOPE = -0.13
"""[alpha/M] = 0.085 - 0.13 [M/H] runs between the two sequences of the disc; the slope is that of Weinberg et al.
(2019, ApJ 874, 102)."""

METAL_POOR = -0.85
FAR_FROM_PLANE_KPC = 4.0


class AgeGuess(Protocol):
    """Ages for draws of stars."""

    @property
    def name(self) -> str:
        """What stands in captions and manifests."""
        ...

    def draw(self, m_h: FloatArray, alpha_m: FloatArray, far: NDArray[np.bool_], uniform: FloatArray) -> FloatArray:
        """Ages in Gyr.

        Parameters
        ----------
        m_h, alpha_m : ndarray
            [M/H] and [alpha/M]; NaN where unknown.
        far : ndarray of bool
            More than :data:`FAR_FROM_PLANE_KPC` from the Galactic plane.
        uniform : ndarray
            Where in the distribution of ages, 0 to 1: 0.5 gives the median.
        """
        ...


@dataclass(frozen=True)
class SingleAge:
    """One age for all, as the paper has it.

    Parameters
    ----------
    age_gyr : float
        The age.
    """

    age_gyr: float = 3.0

    @property
    def name(self) -> str:
        """What stands in captions and manifests."""
        return f"{self.age_gyr:g} Gyr for all"

    def draw(self, m_h: FloatArray, alpha_m: FloatArray, far: NDArray[np.bool_], uniform: FloatArray) -> FloatArray:
        """The same age for every draw; see :class:`AgeGuess`."""
        del alpha_m, far, uniform
        return np.full(np.shape(m_h), self.age_gyr)


@dataclass(frozen=True)
class ChemicalAge:
    """Ages by population, each star's chosen by its chemistry and, away from the plane, its place.

    Notes
    -----
    =================  ============================  =========================================================
    population         chosen by                     ages
    =================  ============================  =========================================================
    metal-poor         [M/H] < -0.85                 10-12.5 Gyr, even
    high-alpha disc    above the dividing line       8-12 Gyr, even (Haywood et al. 2013, A&A 560, A109)
    accreted           below it, abs(Z) > 4 kpc      4-9 Gyr, even: the bulk of Sagittarius (Bellazzini et al. 2006,
                                                     A&A 446, L1; Siegel et al. 2007, ApJ 667, L57)
    low-alpha disc     the others                    1-9 Gyr as age^-1/2: constant star formation, times the rate at
                                                     which a Salpeter mass function sends stars up the branch
    =================  ============================  =========================================================

    A star without [alpha/M] counts as low-alpha.
    """

    @property
    def name(self) -> str:
        """What stands in captions and manifests."""
        return "drawn by population: low-alpha disc 1-9, high-alpha disc 8-12, metal-poor 10-12.5, accreted 4-9 Gyr"

    def draw(self, m_h: FloatArray, alpha_m: FloatArray, far: NDArray[np.bool_], uniform: FloatArray) -> FloatArray:
        """Ages of the population that each draw falls into; see :class:`AgeGuess`."""
        with np.errstate(invalid="ignore"):
            high = alpha_m > HIGH_ALPHA_AT_SOLAR + HIGH_ALPHA_SLOPE * m_h
            poor = m_h < METAL_POOR
        age = (1.0 + uniform * (np.sqrt(9.0) - 1.0)) ** 2
        age = np.where(far, 4.0 + 5.0 * uniform, age)
        age = np.where(high, 8.0 + 4.0 * uniform, age)
        return np.asarray(np.where(poor, 10.0 + 2.5 * uniform, age))
