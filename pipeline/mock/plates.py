"""Observations: dates, plates, spectrographs, fibres, quality, repeats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REPEAT_SHARE = 0.07
"""Fraction of the observations that repeat a star on another plate."""

SPECTROGRAPHS = 16
FIBRES = 250
ZERO_POINT_KMS = 3.0
"""Scatter of the spectrographs' velocity zero points."""

SNR_LIMITS = (15.0, 900.0)

_FIELD_DEG = 5.0
_TILES = 4
_TILE_STEP_DEG = 1.9
_DEPTHS = ("V", "B", "M", "F")
_DEPTH_EDGES_G = (12.5, 14.3, 15.8)
_DEPTH_MIDDLE_G = np.array([11.5, 13.4, 15.0, 16.4])
_DEPTH_SNR = np.array([330.0, 190.0, 100.0, 55.0])
_PLATE_SCATTER, _FIBRE_SCATTER = 0.65, 0.30
_FIRST_NIGHT, _LAST_NIGHT = 55_900, 59_700


@dataclass(frozen=True)
class Visits:
    """Observations, arrays of shape (n,).

    Parameters
    ----------
    star : ndarray of int
        Which star, by position.
    plan_id : ndarray of str
        Plate: field, depth (very bright, bright, medium, faint) and tile; marked as simulated.
    spectrograph_id, fiber_id, lmjd : ndarray of int
        Spectrograph 1-16 by the place on the plate, fibre 1-250, night.
    snr : ndarray
        Median S/N a pixel over 8000-8950 Angstrom.
    zero_point_kms : ndarray
        What the spectrograph adds to every velocity.
    throughput : ndarray
        Light that plate and fibre let through, over the usual.
    """

    star: NDArray[np.intp]
    plan_id: NDArray[np.str_]
    spectrograph_id: IntArray
    fiber_id: IntArray
    lmjd: IntArray
    snr: FloatArray
    zero_point_kms: FloatArray
    throughput: FloatArray

    def __len__(self) -> int:
        """Number of observations."""
        return int(self.star.size)

    def __getitem__(self, rows: NDArray[np.intp]) -> Visits:
        """Some of the observations, in the order of ``rows``."""
        return Visits(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def in_time(self) -> NDArray[np.intp]:
        """Rows in LAMOST's order by night, plate, spectrograph and fibre, shape (n,)."""
        return np.lexsort((self.fiber_id, self.spectrograph_id, self.plan_id, self.lmjd))


def draw_visits(ra: FloatArray, dec: FloatArray, g_mag: FloatArray, n: int, rng: np.random.Generator) -> Visits:
    """Observe all stars once and some again, ``n`` observations in random order.

    Parameters
    ----------
    ra, dec, g_mag : ndarray, shape (n_stars,)
        Position in degrees, Gaia magnitude.
    n : int
        Number of observations, at least one a star.
    rng : Generator
        Randomness.
    """
    stars = len(ra)
    again = rng.choice(stars, n - stars)
    star = np.concatenate([np.arange(stars), again])
    visit = _occurrence(star)
    tile = (rng.integers(0, _TILES, stars)[star] + visit) % _TILES
    order = rng.permutation(n)
    star, tile = star[order], tile[order]
    depth = np.digitize(g_mag[star], _DEPTH_EDGES_G)
    field, spectrograph = _fields(ra[star], dec[star], tile)
    plan = np.array(
        [f"SIM{name}{_DEPTHS[d]}{t + 1}" for name, d, t in zip(field, depth, tile, strict=True)], dtype=np.str_
    )
    plate, member = np.unique(plan, return_inverse=True)
    night = rng.integers(_FIRST_NIGHT, _LAST_NIGHT, plate.size)[member]
    weather = np.exp(_PLATE_SCATTER * rng.standard_normal(plate.size))[member]
    throughput = weather * np.exp(_FIBRE_SCATTER * rng.standard_normal(n))
    fade = 10.0 ** (-0.2 * (g_mag[star] - _DEPTH_MIDDLE_G[depth]))
    snr = _DEPTH_SNR[depth] * fade * throughput
    offsets = ZERO_POINT_KMS * rng.standard_normal(SPECTROGRAPHS)
    return Visits(
        star=star,
        plan_id=plan,
        spectrograph_id=spectrograph,
        fiber_id=_fibres(member * SPECTROGRAPHS + spectrograph - 1),
        lmjd=night,
        snr=np.clip(snr, *SNR_LIMITS),
        zero_point_kms=offsets[spectrograph - 1],
        throughput=throughput,
    )


def _occurrence(values: IntArray) -> IntArray:
    """Number of earlier occurrences of each value, shape (n,)."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1])
    before = np.arange(values.size) - np.repeat(first, np.diff(np.append(first, values.size)))
    result = np.empty(values.size, np.int64)
    result[order] = before
    return result


def _fields(ra: FloatArray, dec: FloatArray, tile: IntArray) -> tuple[list[str], IntArray]:
    """Names of five-degree fields and spectrographs by position; tiles are shifted fields."""
    shift = _TILE_STEP_DEG * tile
    row = np.floor((dec + shift) / _FIELD_DEG)
    dec_cell = (row + 0.5) * _FIELD_DEG - shift
    width = _FIELD_DEG / np.cos(np.radians(np.minimum(np.abs(dec_cell) + 0.5 * _FIELD_DEG, 85.0)))
    column = np.floor((ra + shift) / width)
    ra_cell = ((column + 0.5) * width - shift) % 360.0
    names = [f"{r:03.0f}{'N' if d >= 0 else 'S'}{abs(d):02.0f}" for r, d in zip(ra_cell, dec_cell, strict=True)]
    side = int(np.sqrt(SPECTROGRAPHS))
    along = np.floor(side * ((ra + shift) / width - column)).astype(np.int64)
    across = np.floor(side * ((dec + shift) / _FIELD_DEG - row)).astype(np.int64)
    return names, np.clip(along, 0, side - 1) * side + np.clip(across, 0, side - 1) + 1


def _fibres(group: IntArray) -> IntArray:
    """Unique fibres for the observations of one plate and spectrograph.

    Raises
    ------
    ValueError
        If a spectrograph would need more fibres than it has.
    """
    rank = _occurrence(group)
    if rank.max(initial=0) >= FIBRES:
        raise ValueError(f"{rank.max() + 1} stars fall on one spectrograph of {FIBRES} fibres; simulate fewer stars.")
    return np.asarray((37 * group + 7 * rank) % FIBRES + 1)
