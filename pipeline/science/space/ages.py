"""Ages of giants, estimated from chemistry.

At a given colour and [M/H], K_abs fades by 0.5-0.6 mag from 3 to 9 Gyr.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FloatArray = NDArray[np.float64]

HIGH_ALPHA_AT_SOLAR = 0.085
HIGH_ALPHA_SLOPE = -0.13
"""[alpha/M] = 0.085 - 0.13 [M/H] runs between the two sequences of the disc; the slope is that of Weinberg et al.
(2019, ApJ 874, 102)."""

HALF_SEPARATION = 0.055
SEQUENCE_WIDTH = 0.03
HIGH_ALPHA_SHARE = 0.2
"""How far each sequence is from that line in [alpha/M], its own spread, and the share of high-alpha stars among M
giants. A star between the sequences belongs more likely to the larger one."""

METAL_POOR = -0.85
FAR_FROM_PLANE_KPC = 4.0


class AgeGuess(Protocol):
    """Ages for draws of stars."""

    @property
    def name(self) -> str:
        """Name in captions and manifests."""
        ...

    def draw(self, m_h: FloatArray, high_alpha: FloatArray, far: NDArray[np.bool_], uniform: FloatArray) -> FloatArray:
        """Ages in Gyr.

        Parameters
        ----------
        m_h : ndarray, shape (n,)
            [M/H]; NaN where unknown.
        high_alpha : ndarray, shape (n,)
            Probability of the high-alpha disc, see :func:`high_alpha_probability`.
        far : ndarray of bool, shape (n,)
            More than :data:`FAR_FROM_PLANE_KPC` from the Galactic plane.
        uniform : ndarray, shape (2, n)
            Which population and where in its distribution of ages, 0 to 1: 0.5 gives the likelier one and its median.
        """
        ...


def high_alpha_probability(m_h: FloatArray, alpha_m: FloatArray, alpha_m_err: FloatArray) -> FloatArray:
    """Probability that a star belongs to the high-alpha sequence.

    Parameters
    ----------
    m_h, alpha_m, alpha_m_err : ndarray, shape (n,)
        [M/H], [alpha/M] and its error in dex.

    Returns
    -------
    ndarray, shape (n,)
        From two normal sequences with their shares; the share itself where [alpha/M] is unknown.
    """
    above = alpha_m - (HIGH_ALPHA_AT_SOLAR + HIGH_ALPHA_SLOPE * m_h)
    log_odds = np.log(HIGH_ALPHA_SHARE / (1.0 - HIGH_ALPHA_SHARE))
    evidence = 2.0 * HALF_SEPARATION * above / (SEQUENCE_WIDTH**2 + alpha_m_err**2)
    return np.asarray(expit(log_odds + np.where(np.isfinite(evidence), evidence, 0.0)))


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
        """Name in captions and manifests."""
        return f"{self.age_gyr:g} Gyr for all"

    def draw(self, m_h: FloatArray, high_alpha: FloatArray, far: NDArray[np.bool_], uniform: FloatArray) -> FloatArray:
        """The same age for every draw; see :class:`AgeGuess`."""
        del high_alpha, far, uniform
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
    high-alpha disc    its [alpha/M], by odds        8-12 Gyr, even (Haywood et al. 2013, A&A 560, A109)
    accreted           the rest, abs(Z) > 4 kpc      4-9 Gyr, even: the bulk of Sagittarius (Bellazzini et al. 2006,
                                                     A&A 446, L1; Siegel et al. 2007, ApJ 667, L57)
    low-alpha disc     the others                    1.6-9 Gyr as age^-1/2: constant star formation, times the rate
                                                     at which a Salpeter mass function sends stars up the branch; more
                                                     massive stars ignite helium before they are M giants
    =================  ============================  =========================================================
    """

    @property
    def name(self) -> str:
        """Name in captions and manifests."""
        return "drawn by population: low-alpha disc 1.6-9, high-alpha disc 8-12, metal-poor 10-12.5, accreted 4-9 Gyr"

    def draw(self, m_h: FloatArray, high_alpha: FloatArray, far: NDArray[np.bool_], uniform: FloatArray) -> FloatArray:
        """Ages of the population that each draw falls into; see :class:`AgeGuess`."""
        which, along = uniform
        age = (np.sqrt(1.6) + along * (np.sqrt(9.0) - np.sqrt(1.6))) ** 2
        age = np.where(far, 4.0 + 5.0 * along, age)
        age = np.where(which < high_alpha, 8.0 + 4.0 * along, age)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(m_h < METAL_POOR, 10.0 + 2.5 * along, age))
