"""Directions on the sky, their motion, and the separation of pairs at a common epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science.crossmatch.sides import FloatArray, IntArray, Side

ARCSEC = np.pi / (180.0 * 3600.0)
"""One arcsecond in radians."""

CHUNK = 1 << 19
"""Pairs whose separation is computed at once: what bounds the memory of the temporary arrays."""


def unit_vectors(ra_deg: FloatArray, dec_deg: FloatArray) -> FloatArray:
    """Directions of positions in degrees as unit vectors, shape (n, 3)."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    vectors = np.empty((ra.size, 3))
    vectors[:, 0] = vectors[:, 1] = np.cos(dec)
    vectors[:, 0] *= np.cos(ra)
    vectors[:, 1] *= np.sin(ra)
    vectors[:, 2] = np.sin(dec)
    return vectors


def moved(side: Side, years: FloatArray) -> FloatArray:
    """Directions of a side's rows after a time, in uniform motion perpendicular to the line of sight.

    r(t) = (r + mu t) / |r + mu t| with mu = pmra e_ra + pmdec e_dec (ESA SP-1200, The Hipparcos Catalogue, vol. 1,
    eq. 1.2.15, for zero radial velocity): exact at the poles, where right ascension is not.

    Parameters
    ----------
    side : Side
        Rows that all move.
    years : ndarray, shape (n,)
        Julian years from the row's epoch.

    Returns
    -------
    ndarray, shape (n, 3)
        Unit vectors.
    """
    assert side.ra is not None
    assert side.dec is not None
    assert side.pmra is not None
    assert side.pmdec is not None
    ra, dec = np.radians(side.ra), np.radians(side.dec)
    zero = np.zeros_like(ra)
    east = np.stack([-np.sin(ra), np.cos(ra), zero], axis=1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=1)
    scale = 1e-3 * ARCSEC * years
    vectors = unit_vectors(side.ra, side.dec)
    vectors += (side.pmra * scale)[:, None] * east + (side.pmdec * scale)[:, None] * north
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def separations_arcsec(base: Side, other: Side, i: IntArray, j: IntArray) -> FloatArray:
    """Angle between rows of the two sides, brought to a common epoch.

    The base's row moves to the epoch of the other's row if it has a proper motion; else the other's row moves to the
    base's epoch if that one has. Nothing moves where one of the two epochs is unknown.

    Parameters
    ----------
    base, other : Side
        The two sides.
    i, j : ndarray of int, shape (k,)
        Rows of the base and of the other side.

    Returns
    -------
    ndarray, shape (k,)
        Arcseconds; NaN where one of the two has no position.
    """
    result = np.full(i.size, np.nan)
    if base.ra is None or other.ra is None:
        return result
    for start in range(0, i.size, CHUNK):
        part = slice(start, start + CHUNK)
        result[part] = _row_by_row(base.take(i[part]), other.take(j[part]))
    return result


def _row_by_row(first: Side, second: Side) -> FloatArray:
    assert first.ra is not None
    assert first.dec is not None
    assert second.ra is not None
    assert second.dec is not None
    here, there = unit_vectors(first.ra, first.dec), unit_vectors(second.ra, second.dec)
    years = second.epochs - first.epochs
    known = np.isfinite(years) & (years != 0.0)
    _move(here, first, np.flatnonzero(known & first.moves), years)
    _move(there, second, np.flatnonzero(known & second.moves & ~first.moves), -years)
    chord = np.linalg.norm(here - there, axis=1)
    return np.asarray(2.0 * np.arcsin(np.minimum(0.5 * chord, 1.0)) / ARCSEC)


def _move(vectors: FloatArray, side: Side, rows: NDArray[np.intp], years: FloatArray) -> None:
    if rows.size:
        vectors[rows] = moved(side.take(rows), years[rows])


def reach_arcsec(side: Side, other: Side) -> FloatArray:
    """How far each row of a side moves at most to meet an epoch of the other side.

    Parameters
    ----------
    side, other : Side
        Rows that may move, and rows that they are compared with.

    Returns
    -------
    ndarray, shape (n,)
        Arcseconds; 0 for rows that do not move.
    """
    reach = np.zeros(len(side))
    epochs = np.atleast_1d(other.epoch_yr)
    epochs = epochs[np.isfinite(epochs)]
    if side.pmra is None or side.pmdec is None or not epochs.size:
        return reach
    rows = np.flatnonzero(side.moves)
    mine = side.epochs[rows]
    years = np.maximum(np.abs(epochs.max() - mine), np.abs(epochs.min() - mine))
    reach[rows] = 1e-3 * np.hypot(side.pmra[rows], side.pmdec[rows]) * years
    return reach
