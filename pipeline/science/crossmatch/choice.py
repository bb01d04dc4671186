"""Choice among several candidate rows of a star, and among several stars that match one row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.science.crossmatch.geometry import ARCSEC, unit_vectors
from pipeline.science.crossmatch.sides import BoolArray, FloatArray, IntArray, Side, stars_differ

SAME_POSITION_ARCSEC = 0.2
"""Rows of one table that are closer than this are of one star, unless Gaia's identifiers differ."""


def first_of_each(values: IntArray) -> BoolArray:
    """Mask of the entries of a sorted array that are the first of their value, shape (k,)."""
    first = np.ones(values.size, bool)
    first[1:] = values[1:] != values[:-1]
    return first


def best_first(
    i: IntArray, j: IntArray, separation: FloatArray, preferred: FloatArray | None = None
) -> NDArray[np.intp]:
    """Order of pairs by base row, and within one by preference, separation and row number.

    Parameters
    ----------
    i, j : ndarray of int, shape (k,)
        Pairs of rows of the base and of the other table.
    separation : ndarray, shape (k,)
        Their separations; NaN is farther than any.
    preferred : ndarray, shape (m,), optional
        Preference of each row of the other table, the higher the better; NaN is the worst.

    Returns
    -------
    ndarray of int, shape (k,)
        Indices into the pairs.
    """
    order = np.argsort(i)
    first = first_of_each(i[order])
    several = np.flatnonzero(~first | ~np.append(first[1:], True))  # the few base rows with more than one pair
    pairs = order[several]
    keys = (j[pairs], separation[pairs]) if preferred is None else (j[pairs], separation[pairs], -preferred[j[pairs]])
    order[several] = pairs[np.lexsort((*keys, i[pairs]))]
    return order


@dataclass(frozen=True, eq=False)
class Choice:
    """One row of the other table for each base row that has candidates.

    Parameters
    ----------
    base, other : ndarray of int, shape (k,)
        Base rows in increasing order, and the row chosen for each.
    separation_arcsec : ndarray, shape (k,)
        Angle between the two; NaN where unknown.
    candidates : ndarray of int, shape (k,)
        Rows that could have been chosen.
    repeats : ndarray of int, shape (k,)
        How many of them are of the chosen star.
    """

    base: IntArray
    other: IntArray
    separation_arcsec: FloatArray
    candidates: IntArray
    repeats: IntArray


def choose_by_id(i: IntArray, j: IntArray, separation: FloatArray, preferred: FloatArray | None) -> Choice:
    """Choose among rows with the same identifier: the most preferred, then the nearest, then the first.

    Parameters
    ----------
    i, j : ndarray of int, shape (k,)
        Pairs of rows of the base and of the other table.
    separation : ndarray, shape (k,)
        Their separations in arcsec; NaN where unknown, which is farther than any.
    preferred : ndarray, shape (m,), optional
        Preference of each row of the other table, the higher the better; NaN is the worst.
    """
    order = best_first(i, j, separation, preferred)
    start = np.flatnonzero(first_of_each(i[order]))
    best, count = order[start], np.diff(start, append=i.size)
    return Choice(i[best], j[best], separation[best], count, count)


def choose_on_sky(
    other: Side, i: IntArray, j: IntArray, separation: FloatArray, preferred: FloatArray | None
) -> Choice:
    """Choose among rows near a base row: the nearest, or the most preferred row of the nearest star.

    A row is of the nearest row's star if both have the same Gaia identifier, or if their positions differ by less than
    :data:`SAME_POSITION_ARCSEC` and their identifiers do not differ.

    Parameters
    ----------
    other : Side
        The other table.
    i, j, separation, preferred : ndarray
        As of :func:`choose_by_id`; no separation is NaN.
    """
    order = best_first(i, j, separation)
    i, j, separation = i[order], j[order], separation[order]
    first = first_of_each(i)
    start = np.flatnonzero(first)
    count = np.diff(start, append=i.size)
    several = np.flatnonzero(np.repeat(count, count) > 1)
    nearest = np.repeat(j[start], count)
    same = first.copy()
    same[several] = _same_star(other, j[several], nearest[several])
    repeats = np.add.reduceat(same.astype(np.int64), start) if start.size else count
    i, j, separation = i[same], j[same], separation[same]
    order = best_first(i, j, separation, preferred)
    best = order[first_of_each(i[order])]
    return Choice(i[best], j[best], separation[best], count, repeats)


def _same_star(side: Side, j: IntArray, k: IntArray) -> BoolArray:
    same = np.zeros(j.size, bool)
    for ids in (side.gaia_dr3, side.gaia_dr2):
        if ids is not None:
            same |= (ids[j] > 0) & (ids[j] == ids[k])
    if side.ra is not None and side.dec is not None:
        chord = unit_vectors(side.ra[j], side.dec[j]) - unit_vectors(side.ra[k], side.dec[k])
        same |= np.linalg.norm(chord, axis=1) <= SAME_POSITION_ARCSEC * ARCSEC
    return same & ~stars_differ(side, j, side, k)


def contested(base: Side, i: IntArray, j: IntArray, separation: FloatArray, on_sky: BoolArray) -> BoolArray:
    """Mask of the matches on the sky that lose their row to another star.

    The matches of one row of the other table are gone through from the nearest on, those by identifier before all
    others; a match on the sky is lost if a star that keeps the row has another Gaia identifier. Repeat observations of
    one star keep their row together, and so do base rows without identifiers.

    Parameters
    ----------
    base : Side
        The base.
    i, j : ndarray of int, shape (k,)
        Matched rows of the base and of the other table.
    separation : ndarray, shape (k,)
        Their separations.
    on_sky : ndarray of bool, shape (k,)
        Whether they were matched on the sky.

    Returns
    -------
    ndarray of bool, shape (k,)
        Matches that are lost.
    """
    lost = np.zeros(i.size, bool)
    if not on_sky.any():
        return lost
    claims = _claims_of_several_stars(base, i, j, on_sky)
    claims = claims[np.lexsort((i[claims], separation[claims], on_sky[claims], j[claims]))]
    # Matches of one row that have the same identifiers and kind share their fate: the nearest of them decides.
    group = _groups(j[claims], on_sky[claims], _ids(base.gaia_dr3, i[claims]), _ids(base.gaia_dr2, i[claims]))
    _, first = np.unique(group, return_index=True)
    undecided = claims[np.sort(first)]
    while undecided.size:
        keeps = first_of_each(j[undecided])
        keeper = undecided[keeps][np.cumsum(keeps) - 1]
        loses = on_sky[undecided] & stars_differ(base, i[undecided], base, i[keeper])
        lost[undecided[loses]] = True
        undecided = undecided[~keeps & ~loses]
    fate = np.zeros(group.max(initial=-1) + 1, bool)
    fate[group[lost[claims]]] = True
    lost[claims] = fate[group]
    return lost


def _claims_of_several_stars(base: Side, i: IntArray, j: IntArray, on_sky: BoolArray) -> NDArray[np.intp]:
    """Matches of rows of the other table that match base rows with different Gaia identifiers."""
    claimed = np.zeros(j.max(initial=-1) + 1, bool)
    claimed[j[on_sky]] = True
    shared, several = claimed[j], np.zeros(claimed.size, bool)
    for ids in (base.gaia_dr3, base.gaia_dr2):
        if ids is None:
            continue
        known = np.flatnonzero(shared)
        known = known[ids[i[known]] > 0]
        known = known[np.argsort(j[known])]
        at, values = j[known], ids[i[known]]
        several[at[1:][(at[1:] == at[:-1]) & (values[1:] != values[:-1])]] = True
    return np.flatnonzero(shared & several[j])


def _ids(ids: IntArray | None, rows: IntArray) -> IntArray:
    return np.zeros(rows.size, np.int64) if ids is None else np.maximum(ids[rows], 0)


def _groups(*keys: IntArray | BoolArray) -> IntArray:
    """Number of each row's combination of keys, shape (k,)."""
    order = np.lexsort(keys)
    new = np.zeros(order.size, bool)
    for key in keys:
        new[1:] |= key[order[1:]] != key[order[:-1]]
    numbers = np.empty(order.size, np.int64)
    numbers[order] = np.cumsum(new)
    return numbers
