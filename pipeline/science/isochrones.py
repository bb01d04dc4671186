"""Absolute magnitude of red giants: K_abs = D(c0, [M/H]) from PARSEC branches, or a published colour law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

EXTRAPOLATION_MAG = 0.10
"""How far beyond the tip of a branch, in (J - Ks)0, D is continued along its last slope before it becomes NaN."""


class AbsoluteMagnitude(Protocol):
    """D(c0, [M/H]) of paper Eq. 8."""

    name: str

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike) -> FloatArray:
        """K_abs in magnitudes, NaN outside the calibration."""
        ...


class ParsecBranch:
    """D from PARSEC red-giant branches of one age, bilinear in (c0, [M/H]).

    Parameters
    ----------
    table : mapping of ndarray
        The embedded branches: ``age_gyr``, ``m_h``, ``jk0``, ``k_abs``.
    age_gyr : float
        Age; the nearest one in the table is used.

    Notes
    -----
    Each metallicity's branch is continued along its own last slope beyond its tip, so that interpolation between
    metallicities never mixes a branch with a hole; where the interpolated tip is passed by more than
    :data:`EXTRAPOLATION_MAG`, or [M/H] leaves the table, the result is NaN.
    """

    def __init__(self, table: Mapping[str, NDArray[Any]], age_gyr: float = 3.0) -> None:
        ages = np.unique(table["age_gyr"])
        self.age_gyr = float(ages[np.argmin(np.abs(np.log(ages / age_gyr)))])
        self.name = f"PARSEC 1.2S red-giant branch, {self.age_gyr:.1f} Gyr"
        chosen = table["age_gyr"] == self.age_gyr
        self._m_h = np.unique(table["m_h"][chosen]).astype(float)
        self._colour = np.arange(0.45, 1.60, 0.005)
        magnitudes, self._red_end, self._blue_end = [], [], []
        for metallicity in self._m_h:
            branch = chosen & (table["m_h"] == np.float32(metallicity))
            order = np.argsort(table["jk0"][branch])
            colour = table["jk0"][branch][order].astype(float)
            magnitude = table["k_abs"][branch][order].astype(float)
            slope = np.polyfit(colour[-12:], magnitude[-12:], 1)[0]
            values = np.interp(self._colour, colour, magnitude)
            values += slope * np.maximum(self._colour - colour[-1], 0.0)
            magnitudes.append(values)
            self._red_end.append(colour[-1])
            self._blue_end.append(colour[0])
        self._magnitude = np.array(magnitudes)

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike) -> FloatArray:
        """K_abs in magnitudes; NaN outside the calibration."""
        colour, metallicity = np.asarray(jk0, float), np.asarray(m_h, float)
        red = np.interp(metallicity, self._m_h, self._red_end) + EXTRAPOLATION_MAG
        blue = np.interp(metallicity, self._m_h, self._blue_end)
        inside = (colour <= red) & (colour >= blue) & (metallicity >= self._m_h[0]) & (metallicity <= self._m_h[-1])
        # Bilinear by index: colours are uniform, and m_h has one value a star, so most work is done once a star.
        row = np.clip(np.searchsorted(self._m_h, metallicity) - 1, 0, self._m_h.size - 2)
        upper = (metallicity - self._m_h[row]) / (self._m_h[row + 1] - self._m_h[row])
        place = (np.where(inside, colour, self._colour[1]) - self._colour[0]) / (self._colour[1] - self._colour[0])
        column = np.clip(place.astype(np.intp), 0, self._colour.size - 2)
        right = place - column
        low = self._magnitude[row, column] * (1.0 - right) + self._magnitude[row, column + 1] * right
        high = self._magnitude[row + 1, column] * (1.0 - right) + self._magnitude[row + 1, column + 1] * right
        return np.asarray(np.where(inside, low * (1.0 - upper) + high * upper, np.nan))


class ColourLaw:
    """M_Ks from M_J = 3.12 [(J-K)0^-2.6 - 1] - 4.78 (Li et al. 2016, ApJ 823, 59): no [M/H] enters."""

    name = "Li et al. (2016) colour law, no metallicity"

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike) -> FloatArray:
        """K_abs in magnitudes; NaN outside 0.6 < (J-K)0 < 1.6."""
        colour = np.broadcast_arrays(np.asarray(jk0, float), np.asarray(m_h, float))[0]
        inside = (colour > 0.6) & (colour < 1.6)
        safe = np.where(inside, colour, 1.0)
        return np.asarray(np.where(inside, 3.12 * (safe**-2.6 - 1.0) - 4.78 - safe, np.nan))


class ClusterLine:
    """M_Ks = 3.85 - 8.26 (J-Ks)0, from 58 cluster giants (arXiv 2502.20841): no [M/H] enters."""

    name = "cluster giants, M_Ks = 3.85 - 8.26 (J-Ks)0"

    def __call__(self, jk0: ArrayLike, m_h: ArrayLike) -> FloatArray:
        """K_abs in magnitudes; NaN outside 0.6 < (J-K)0 < 1.6."""
        colour = np.broadcast_arrays(np.asarray(jk0, float), np.asarray(m_h, float))[0]
        return np.asarray(np.where((colour > 0.6) & (colour < 1.6), 3.85 - 8.26 * colour, np.nan))
