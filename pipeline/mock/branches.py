"""Giants on PARSEC's red-giant branches, with asymptotic giants and intrinsic scatter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table

FloatArray = NDArray[np.float64]

STAR_FIELDS = ("teff", "logg", "jk0", "k_abs", "g_abs", "bp_rp0")
"""Quantities of a branch."""

AGB_SHARE, AGB_STEP_DEX = 0.28, (0.22, 0.07)
"""Fraction of asymptotic giants, and their offset in log g (mean, standard deviation).

The fraction is that before the selection; the offset is from the red-giant branch at one Teff and [M/H].
"""

BRANCH_SCATTER_DEX = 0.09
"""Scatter of log g at one Teff and [M/H] beyond that of age and of the asymptotic giants.

Mass loss, helium, convection, and the calibration of log g. Together 0.12 to 0.14 dex, as in the APOGEE labels of real
M giants; their seismic log g scatters by 0.10.
"""

LUMINOUS_PART = 0.7
"""Fraction of a deviation in log g that is luminosity, M = 2.5 log g at one mass and Teff.

The rest is mass. So magnitudes scatter as seismic gravities do.
"""

BAND_SCATTER = 0.12
"""Scatter of the natural logarithm of TiO's strength among giants of equal labels.

Pulsation, spots, carbon over oxygen. XP spectra of 2,172 APOGEE giants (S/N above 95, 3700 to 4100 K) scatter in TiO at
7150 Angstrom, about their labels, by as much as 18 to 39 K would change it.
"""

LINE_SCATTER_DEX = 0.05
"""Scatter of atomic line strengths among giants of equal labels, as equivalent change of [M/H].

Microturbulence, and abundances of single elements. [M/H] from XP spectra of 481 APOGEE giants (S/N above 150, 3400 to
4150 K) scatters by 0.057 dex about APOGEE's, of which 0.009 are stated errors.
"""

_NODES = 96
_LOGG_RANGE = (-0.4, 2.5)
_LOWEST_LOGG = -0.45


class GiantBranches:
    """PARSEC red-giant branches from which stars are drawn."""

    def __init__(self) -> None:
        table = load_table(ISOCHRONE_TABLE)
        self._ages = np.unique(table["age_gyr"]).astype(float)
        self._m_h = np.unique(table["m_h"]).astype(float)
        along = np.linspace(0.0, 1.0, _NODES)
        self._values = np.empty((self._ages.size, self._m_h.size, _NODES, len(STAR_FIELDS)))
        self._cumulative = np.empty((self._ages.size, self._m_h.size, _NODES))
        for i, age in enumerate(self._ages):
            for j, metals in enumerate(self._m_h):
                rows = (table["age_gyr"] == np.float32(age)) & (table["m_h"] == np.float32(metals))
                rows &= (table["logg"] < _LOGG_RANGE[1]) & (table["logg"] > _LOGG_RANGE[0])
                branch = {name: table[name][rows].astype(float) for name in (*STAR_FIELDS, "imf")}
                place = (branch["logg"][0] - branch["logg"]) / (branch["logg"][0] - branch["logg"].min())
                order = np.argsort(place)
                for k, name in enumerate(STAR_FIELDS):
                    self._values[i, j, :, k] = np.interp(along, place[order], branch[name][order])
                number = np.maximum.accumulate(np.interp(along, place[order], branch["imf"][order]))
                # A floor of 0.2 per cent a node, so that the rare tip is drawn too (table steps are coarse there).
                share = np.diff(number, prepend=number[0])
                share = share / share.sum() + 0.002
                self._cumulative[i, j] = np.cumsum(share) / share.sum()

    def draw(self, age_gyr: FloatArray, m_h: FloatArray, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Draw one giant for each age and [M/H] by the initial mass function.

        Parameters
        ----------
        age_gyr, m_h : ndarray, shape (n,)
            Age in Gyr, metallicity in dex.
        rng : Generator
            Randomness.

        Returns
        -------
        dict of ndarray, shape (n,)
            :data:`STAR_FIELDS`: K, dex, magnitudes; ``agb``, 1 for asymptotic giants and 0 for others;
            ``band_excess``, the natural logarithm of the strength of TiO over the usual; ``line_excess``, how much more
            [M/H] the atomic lines show, dex.
        """
        i = np.abs(np.log(self._ages)[None, :] - np.log(age_gyr)[:, None]).argmin(axis=1)
        j = np.clip(np.searchsorted(self._m_h, m_h) - 1, 0, self._m_h.size - 2)
        weight = np.clip((m_h - self._m_h[j]) / (self._m_h[j + 1] - self._m_h[j]), 0.0, 1.4)
        uniform = rng.uniform(size=m_h.size)
        nearest = np.where(weight > 0.5, j + 1, j)
        place = (self._cumulative[i, nearest] < uniform[:, None]).sum(axis=1) + rng.uniform(-1.0, 0.0, size=m_h.size)
        place = np.clip(place, 0.0, _NODES - 1.001)
        k = place.astype(int)
        f = (place - k)[:, None]

        def at(metal: NDArray[np.intp]) -> FloatArray:
            return np.asarray((1 - f) * self._values[i, metal, k] + f * self._values[i, metal, k + 1])

        drawn = (1.0 - weight)[:, None] * at(j) + weight[:, None] * at(j + 1)
        giants = {name: drawn[:, n] for n, name in enumerate(STAR_FIELDS)}
        return _off_branch(giants, rng)


def _off_branch(giants: dict[str, FloatArray], rng: np.random.Generator) -> dict[str, FloatArray]:
    """Shift giants off the branch at their Teff and colour, asymptotic ones upwards."""
    n = giants["logg"].size
    agb = rng.uniform(size=n) < AGB_SHARE
    step = -np.maximum(rng.normal(*AGB_STEP_DEX, n), 0.0) * agb + BRANCH_SCATTER_DEX * rng.standard_normal(n)
    logg = np.maximum(giants["logg"] + step, _LOWEST_LOGG)
    brighter = 2.5 * LUMINOUS_PART * (logg - giants["logg"])
    moved = {name: giants[name] + brighter for name in ("k_abs", "g_abs")}
    excess = BAND_SCATTER * rng.standard_normal(n)
    lines = LINE_SCATTER_DEX * rng.spawn(1)[0].standard_normal(n)  # a stream of its own: other draws stay as they are
    return (
        giants
        | moved
        | {
            "logg": logg,
            "agb": agb.astype(np.float64),
            "band_excess": excess,
            "line_excess": lines,
        }
    )
