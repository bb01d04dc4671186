"""Repeat observations: rows of the same star, and errors from their differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pipeline.science.crossmatch.geometry import ARCSEC, unit_vectors
from pipeline.science.velocity.errors import repeat_deviations

FloatArray = NDArray[np.float64]

SAME_STAR_ARCSEC = 1.5
"""Observations closer than this are of one star: half a LAMOST fibre."""


def star_numbers(ra: FloatArray, dec: FloatArray, gaia_source_id: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Number the stars, so that all observations of one share its number.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees; rows without a position are stars of their own unless Gaia's identifier joins them.
    gaia_source_id : ndarray of int, shape (n,), optional
        Gaia's identifier, 0 where unknown. Equal identifiers are one star, and two different ones never are, however
        close. Rows without one that are near each other are one star, and of the nearest row that has one.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbers from 0 in the order of first appearance.
    """
    n = len(ra)
    gaia = np.zeros(n, np.int64) if gaia_source_id is None else np.asarray(gaia_source_id, np.int64)
    known = np.flatnonzero(gaia > 0)
    placed = np.isfinite(ra) & np.isfinite(dec)
    label = np.arange(n)
    identifiers, member = np.unique(gaia[known], return_inverse=True)
    label[known] = n + member.reshape(-1)
    loose, anchors = np.flatnonzero(placed & (gaia <= 0)), known[placed[known]]
    if loose.size:
        group = _nearby_groups(unit_vectors(ra[loose], dec[loose]))
        owner = _nearest_of_groups(group, ra, dec, loose, anchors)
        _, first = np.unique(group, return_index=True)
        joined = np.where(owner >= 0, label[owner], label[loose[first]])
        label[loose] = joined[group]
    return _by_first_appearance(label, n + identifiers.size)


def _nearby_groups(points: FloatArray) -> NDArray[np.int64]:
    """Group points that chains of short distances join; numbers from 0, shape (k,)."""
    order = np.argsort(points @ np.sqrt([1.0, 2.0, 3.0]))  # equal points come together
    new = np.ones(order.size, bool)
    new[1:] = (points[order[1:]] != points[order[:-1]]).any(axis=1)
    place = np.empty(order.size, np.int64)
    place[order] = np.cumsum(new) - 1  # equal points are one, or a filling value would make as many pairs as its square
    tree = cKDTree(points[order[new]], balanced_tree=False, compact_nodes=False)
    pairs = tree.query_pairs(SAME_STAR_ARCSEC * ARCSEC, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(tree.n, tree.n))
    return np.asarray(connected_components(graph, directed=False)[1][place], np.int64)


def _nearest_of_groups(
    group: NDArray[np.int64], ra: FloatArray, dec: FloatArray, loose: NDArray[np.intp], anchors: NDArray[np.intp]
) -> NDArray[np.int64]:
    """For each group of rows without an identifier, the nearest row that has one and is near any of them, else -1."""
    owner = np.full(group.max() + 1, -1)
    if not anchors.size:
        return owner
    tree = cKDTree(unit_vectors(ra[anchors], dec[anchors]), balanced_tree=False, compact_nodes=False)
    points = unit_vectors(ra[loose], dec[loose])
    distance, nearest = tree.query(points, distance_upper_bound=SAME_STAR_ARCSEC * ARCSEC, workers=-1)
    near = np.flatnonzero(np.isfinite(distance))
    near = near[np.lexsort((distance[near], group[near]))[::-1]]
    owner[group[near]] = anchors[nearest[near]]  # the last one stays: the nearest
    return owner


def _by_first_appearance(label: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Renumber labels below ``size`` from 0 in the order of their first rows."""
    first = np.full(size, label.size)
    first[label[::-1]] = np.arange(label.size)[::-1]  # the last one stays: the first row
    used = np.flatnonzero(first < label.size)
    rank = np.empty(size, np.int64)
    rank[used[np.argsort(first[used])]] = np.arange(used.size)
    return np.asarray(rank[label])


def repeat_statistics(star: NDArray[np.int64], values: FloatArray, errors: FloatArray) -> dict[str, float]:
    """Empirical error from stars observed several times.

    Parameters
    ----------
    star : ndarray of int, shape (n,)
        From :func:`star_numbers`.
    values, errors : ndarray, shape (n,)
        Measured values and their stated errors; NaN where there is none.

    Returns
    -------
    dict
        ``stars`` with at least two values, ``observations`` of them, ``scatter``: robust standard deviation of one
        observation, and ``pull_scatter``: the same in stated errors. Deviations from a star's weighted mean are
        divided by sqrt(1 - the observation's share of the weight), which makes them as wide as single errors.
    """
    deviation, error, stars = repeat_deviations(star, values, errors)
    result: dict[str, float] = {"stars": stars, "observations": int(deviation.size)}
    if not stars:
        return result
    return result | {
        "scatter": float(1.4826 * np.median(np.abs(deviation))),
        "pull_scatter": float(1.4826 * np.median(np.abs(deviation / error))),
    }
