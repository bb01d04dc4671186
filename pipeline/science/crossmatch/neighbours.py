"""Rows of two tables that are of one star: all pairs of equal identifiers, all pairs within a radius."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

MAX_PAIRS = 50_000_000
"""More pairs are refused: one value stands for many stars."""

_BLOCK = 100_000
_MARGIN = 1.0 + 1e-9
"""Of the chord, for rounding; pairs at the very edge of the radius are in."""


def pairs_by_id(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[IndexArray, IndexArray]:
    """All pairs of rows with one identifier; those that are not positive match nothing.

    Parameters
    ----------
    first, second : ndarray of int64, shape (n,), (m,)
        Identifiers; may repeat.

    Returns
    -------
    rows_of_first, rows_of_second : ndarray of int, shape (k,)
        In order of the first, then of the second.

    Raises
    ------
    ValueError
        If there are more than :data:`MAX_PAIRS`.
    """
    order = np.flatnonzero(second > 0)
    order = order[np.argsort(second[order], kind="stable")]
    sorted_ids = second[order]
    start = np.searchsorted(sorted_ids, first, "left")
    counts = np.where(first > 0, np.searchsorted(sorted_ids, first, "right") - start, 0)
    _refuse_many(int(counts.sum()))
    ends = np.cumsum(counts)
    inside = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - counts, counts)
    return np.repeat(np.arange(first.size), counts), order[np.repeat(start, counts) + inside]


def pairs_within(
    ra: FloatArray, dec: FloatArray, other_ra: FloatArray, other_dec: FloatArray, radius_arcsec: float
) -> tuple[IndexArray, IndexArray]:
    """All pairs of positions within a radius; rows without a position match nothing.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees.
    other_ra, other_dec : ndarray, shape (m,)
        Degrees.
    radius_arcsec : float
        Largest separation.

    Returns
    -------
    rows, other_rows : ndarray of int, shape (k,)
        In order of the first table's rows.

    Raises
    ------
    ValueError
        If there are more than :data:`MAX_PAIRS`.
    """
    here, there = placed(ra, dec), placed(other_ra, other_dec)
    if not (here.size and there.size):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    tree = cKDTree(unit_vectors(other_ra[there], other_dec[there]))
    chord = 2.0 * np.sin(np.radians(radius_arcsec / 3600.0) / 2.0) * _MARGIN
    rows: list[IndexArray] = [np.empty(0, np.intp)]
    others: list[Any] = [np.empty(0, np.intp)]
    total = 0
    for first in range(0, here.size, _BLOCK):
        block = here[first : first + _BLOCK]
        points = unit_vectors(ra[block], dec[block])
        counts = tree.query_ball_point(points, chord, return_length=True)
        total += int(counts.sum())
        _refuse_many(total)
        near = np.flatnonzero(counts)
        neighbours = tree.query_ball_point(points[near], chord, return_sorted=True)
        rows.append(np.repeat(block[near], counts[near]))
        others.extend(there[np.asarray(indices, np.intp)] for indices in neighbours)
    return np.concatenate(rows), np.concatenate(others)


def placed(ra: FloatArray, dec: FloatArray) -> IndexArray:
    """Rows that have a position."""
    return np.flatnonzero(np.isfinite(ra) & (np.abs(dec) <= 90.0))


def unit_vectors(ra_deg: FloatArray, dec_deg: FloatArray) -> FloatArray:
    """Directions as vectors of length 1, shape (n, 3)."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def _refuse_many(count: int) -> None:
    if count > MAX_PAIRS:
        raise ValueError(
            f"{count:,} pairs of rows match: one identifier or position stands for many rows. Write 0, or leave the "
            "cell empty, where it is unknown."
        )
