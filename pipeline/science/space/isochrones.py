"""Absolute magnitude of giants: K_abs = D(c0, [M/H]) from PARSEC branches or a published colour law."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

EXTRAPOLATION_MAG = 0.10
"""How far beyond the tip of a branch, in (J - Ks)0, D is continued along its last slope before it becomes NaN."""

DRAW_EXTRAPOLATION_MAG = 0.30
"""The same for Monte Carlo draws: were those that noise carries past the tip dropped, the rest would be too near."""

AGB_SHARE = 0.35
AGB_SCALE_MAG = 0.10
AGB_FADING = 1.2
"""Only the asymptotic giant branch continues beyond the tip. In PARSEC isochrones of 3 Gyr and [M/H] = -1.2 to 0.05 it
holds about a third of the giants at M_Ks = -4 to -6.5 and follows the red-giant branch there to 0.1 mag; beyond the tip
its numbers fall by e in 0.1 mag of J - Ks, and it is fainter than the branch's continuation by 1.2 times the excess."""

EXTRAPOLATION_DEX = 0.2
"""How far beyond the richest branch, in [M/H], D is continued: PARSEC's table ends at 0.3, the paper's range at 0.5."""

_FEWEST_POINTS = 12


class AbsoluteMagnitude(Protocol):
    """D(c0, [M/H]) of paper Eq. 8, at an age where that matters."""

    @property
    def name(self) -> str:
        """Name in captions and manifests."""
        ...

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike, age_gyr: ArrayLike = 3.0) -> FloatArray:
        """K_abs in magnitudes, NaN outside the calibration; the arguments are broadcast."""
        ...

    def for_draws(self) -> AbsoluteMagnitude:
        """The same relation, with room at its red end for the noise of Monte Carlo draws."""
        ...

    def share(self, jk0: FloatArray, m_h: FloatArray, age_gyr: FloatArray) -> FloatArray:
        """How frequent giants of such a colour are, over those below the tip of the branch, shape (n,)."""
        ...


class ParsecBranches:
    """D from PARSEC red-giant branches, bilinear in (c0, [M/H]) at the nearest age of the table.

    Parameters
    ----------
    table : mapping of ndarray
        The branches: ``age_gyr``, ``m_h``, ``jk0``, ``k_abs``; every age with the same [M/H].

    Raises
    ------
    ValueError
        If there is one metallicity only, or an age lacks a metallicity that another has.

    Notes
    -----
    Each metallicity's branch is continued along its own last slope beyond its tip, so that interpolation between
    metallicities never mixes a branch with a hole; where the interpolated tip is passed by more than
    :data:`EXTRAPOLATION_MAG`, or [M/H] leaves the table by more than :data:`EXTRAPOLATION_DEX` at its rich end or at
    all at its poor end, the result is NaN.
    """

    def __init__(self, table: Mapping[str, NDArray[Any]]) -> None:
        self.ages_gyr = np.unique(table["age_gyr"]).astype(float)
        self.name = f"PARSEC red-giant branches, {self.ages_gyr[0]:.1f}-{self.ages_gyr[-1]:.1f} Gyr"
        self.beyond_tip_mag = EXTRAPOLATION_MAG
        self._between = 0.5 * np.log(self.ages_gyr[1:] * self.ages_gyr[:-1])
        self._m_h = np.unique(table["m_h"]).astype(float)
        self._colour = np.arange(0.45, 1.60, 0.005)
        shape = (self.ages_gyr.size, self._m_h.size)
        if shape[1] < 2:
            raise ValueError(
                f"The isochrones have one metallicity, [M/H] = {self._m_h[0]:.2f}; two or more are needed."
            )
        self._magnitude = np.empty((*shape, self._colour.size))
        self._red_end, self._blue_end = np.empty(shape), np.empty(shape)
        for i, age in enumerate(np.unique(table["age_gyr"])):
            for j, metallicity in enumerate(np.unique(table["m_h"])):
                branch = (table["age_gyr"] == age) & (table["m_h"] == metallicity)
                if branch.sum() < _FEWEST_POINTS:
                    raise ValueError(
                        f"The isochrones have {branch.sum()} points on the red-giant branch at {age:.2f} Gyr, "
                        f"[M/H] = {metallicity:.2f}; {_FEWEST_POINTS} are needed. Give every age the same [M/H]."
                    )
                order = np.argsort(table["jk0"][branch])
                colour = table["jk0"][branch][order].astype(float)
                magnitude = table["k_abs"][branch][order].astype(float)
                slope = np.polyfit(colour[-_FEWEST_POINTS:], magnitude[-_FEWEST_POINTS:], 1)[0]
                values = np.interp(self._colour, colour, magnitude)
                self._magnitude[i, j] = values + slope * np.maximum(self._colour - colour[-1], 0.0)
                self._red_end[i, j], self._blue_end[i, j] = colour[-1], colour[0]

    def for_draws(self) -> ParsecBranches:
        """The same branches, continued by :data:`DRAW_EXTRAPOLATION_MAG`."""
        wider = copy(self)
        wider.beyond_tip_mag = DRAW_EXTRAPOLATION_MAG
        return wider

    def nearest_age(self, age_gyr: ArrayLike) -> FloatArray:
        """The table's age, in Gyr, that represents one; nearest in the logarithm."""
        return np.asarray(self.ages_gyr[np.searchsorted(self._between, np.log(age_gyr))])

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike, age_gyr: ArrayLike = 3.0) -> FloatArray:
        """K_abs in magnitudes, NaN outside the calibration; the arguments are broadcast."""
        colour, metallicity = np.asarray(jk0, float), np.asarray(m_h, float)
        age = np.searchsorted(self._between, np.log(np.asarray(age_gyr, float)))
        # Bilinear by index: colours are uniform, and m_h has one value a star, so most work is done once a star.
        row = np.clip(np.searchsorted(self._m_h, metallicity) - 1, 0, self._m_h.size - 2)
        upper = (metallicity - self._m_h[row]) / (self._m_h[row + 1] - self._m_h[row])
        known = (metallicity >= self._m_h[0]) & (metallicity <= self._m_h[-1] + EXTRAPOLATION_DEX)
        ends = [end[age, row] * (1.0 - upper) + end[age, row + 1] * upper for end in (self._blue_end, self._red_end)]
        inside = known & (colour >= ends[0]) & (colour <= ends[1] + self.beyond_tip_mag)
        place = (np.where(inside, colour, self._colour[1]) - self._colour[0]) / (self._colour[1] - self._colour[0])
        column = np.clip(place.astype(np.intp), 0, self._colour.size - 2)
        right = place - column
        low = self._magnitude[age, row, column] * (1.0 - right) + self._magnitude[age, row, column + 1] * right
        high = self._magnitude[age, row + 1, column] * (1.0 - right) + self._magnitude[age, row + 1, column + 1] * right
        beyond = np.maximum(colour - ends[1], 0.0)
        return np.asarray(np.where(inside, low * (1.0 - upper) + high * upper + AGB_FADING * beyond, np.nan))

    def share(self, jk0: FloatArray, m_h: FloatArray, age_gyr: FloatArray) -> FloatArray:
        """1 below the tip, beyond it the share of the asymptotic giant branch; see :data:`AGB_SHARE`."""
        age = np.searchsorted(self._between, np.log(age_gyr))
        row = np.clip(np.searchsorted(self._m_h, m_h) - 1, 0, self._m_h.size - 2)
        upper = (m_h - self._m_h[row]) / (self._m_h[row + 1] - self._m_h[row])
        tip = self._red_end[age, row] * (1.0 - upper) + self._red_end[age, row + 1] * upper
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(jk0 > tip, AGB_SHARE * np.exp(-(jk0 - tip) / AGB_SCALE_MAG), 1.0))


class ColourLaw:
    """M_Ks from M_J = 3.12 [(J-K)0^-2.6 - 1] - 4.78 (Li et al. 2016, ApJ 823, 59): no [M/H] enters."""

    name = "Li et al. (2016) colour law, no metallicity"

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike, age_gyr: ArrayLike = 3.0) -> FloatArray:
        """K_abs in magnitudes; NaN outside 0.6 < (J-K)0 < 1.6."""
        colour = np.broadcast_arrays(np.asarray(jk0, float), m_h, age_gyr)[0]
        inside = (colour > 0.6) & (colour < 1.6)
        safe = np.where(inside, colour, 1.0)
        return np.asarray(np.where(inside, 3.12 * (safe**-2.6 - 1.0) - 4.78 - safe, np.nan))

    def for_draws(self) -> ColourLaw:
        """The same: its range is wide enough."""
        return self

    def share(self, jk0: FloatArray, m_h: FloatArray, age_gyr: FloatArray) -> FloatArray:
        """1 everywhere: the relation has no tip."""
        del m_h, age_gyr
        return np.ones(np.shape(jk0))


class ClusterLine:
    """M_Ks = 3.85 - 8.26 (J-Ks)0, from 58 cluster giants (arXiv 2502.20841): no [M/H] enters."""

    name = "cluster giants, M_Ks = 3.85 - 8.26 (J-Ks)0"

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike, age_gyr: ArrayLike = 3.0) -> FloatArray:
        """K_abs in magnitudes; NaN outside 0.6 < (J-K)0 < 1.6."""
        colour = np.broadcast_arrays(np.asarray(jk0, float), m_h, age_gyr)[0]
        return np.asarray(np.where((colour > 0.6) & (colour < 1.6), 3.85 - 8.26 * colour, np.nan))

    def for_draws(self) -> ClusterLine:
        """The same: its range is wide enough."""
        return self

    def share(self, jk0: FloatArray, m_h: FloatArray, age_gyr: FloatArray) -> FloatArray:
        """1 everywhere: the relation has no tip."""
        del m_h, age_gyr
        return np.ones(np.shape(jk0))
