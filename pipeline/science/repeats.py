"""Stars observed several times: which rows are one star, and what their differences say about the errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

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
        close.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbers from 0 in the order of first appearance.
    """
    n = len(ra)
    gaia = np.zeros(n, np.int64) if gaia_source_id is None else np.asarray(gaia_source_id, np.int64)
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    lon, lat = np.radians(ra[placed]), np.radians(dec[placed])
    points = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    pairs = placed[cKDTree(points).query_pairs(np.radians(SAME_STAR_ARCSEC / 3600.0), output_type="ndarray")]
    pairs = pairs.reshape(-1, 2)
    both = (gaia[pairs] > 0).all(axis=1)
    pairs = pairs[~both]  # where both have Gaia's identifier, that decides
    known = np.flatnonzero(gaia > 0)
    order = known[np.argsort(gaia[known], kind="stable")]
    same = gaia[order[1:]] == gaia[order[:-1]]
    left, right = np.concatenate([pairs[:, 0], order[:-1][same]]), np.concatenate([pairs[:, 1], order[1:][same]])
    graph = coo_array((np.ones(left.size, np.int8), (left, right)), shape=(n, n))
    found = connected_components(graph, directed=False)[1]
    _, first, member = np.unique(found, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return np.asarray(rank[member.reshape(-1)])


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
    known = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
    number, member, count = np.unique(star[known], return_inverse=True, return_counts=True)
    repeated = count[member] > 1
    result: dict[str, float] = {"stars": int((count > 1).sum()), "observations": int(repeated.sum())}
    if result["stars"] == 0:
        return result
    weight = errors[known] ** -2.0
    mean = np.bincount(member, weight * values[known], number.size) / np.bincount(member, weight, number.size)
    share = weight / np.bincount(member, weight, number.size)[member]
    deviation = (values[known] - mean[member])[repeated] / np.sqrt(1.0 - share[repeated])
    return result | {
        "scatter": float(1.4826 * np.median(np.abs(deviation))),
        "pull_scatter": float(1.4826 * np.median(np.abs(deviation / errors[known][repeated]))),
    }
