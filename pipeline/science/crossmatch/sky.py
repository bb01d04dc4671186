"""Pairs of positions within a radius, zone by zone, with proper motions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.science.blocks import available_threads
from pipeline.science.crossmatch.choice import best_first, first_of_each
from pipeline.science.crossmatch.geometry import ARCSEC, reach_arcsec, separations_arcsec, unit_vectors
from pipeline.science.crossmatch.ids import PAIRS
from pipeline.science.crossmatch.sides import MAX_CANDIDATES, FloatArray, IntArray, Pairs, Side

ZONE_ROWS = 1 << 20
"""Rows of each side in one zone of declination, at most: what bounds the memory of the search trees."""

SkyPairs = tuple[IntArray, IntArray, FloatArray]
"""Rows of the base, rows of the other table, separations in arcsec."""


def match_on_sky(base: Side, other: Side, radius_arcsec: float, *, threads: int | None = None) -> Pairs:
    """The nearest row of the other table within a radius of each base row, at a common epoch.

    Identifiers are not looked at: :func:`pipeline.science.crossmatch.match` uses them.

    Parameters
    ----------
    base, other : Side
        Sides with positions. Of each pair, the base's row moves to the other's epoch if it has a proper motion, else
        the other's row to the base's epoch if that one has; nothing moves where an epoch is unknown.
    radius_arcsec : float
        Largest separation after the motion.
    threads : int, optional
        Workers; the cores of this process by default.

    Returns
    -------
    Pairs
        One pair for each base row that has a neighbour; of equally near rows the first. ``candidates`` counts the
        rows within the radius.

    Raises
    ------
    ValueError
        If a side has no positions, the radius is not positive, or more than :data:`MAX_CANDIDATES` rows are within
        the radius of one.
    """
    for name, side in (("base", base), ("other table", other)):
        if side.ra is None:
            raise ValueError(f"A match on the sky needs positions (ra, dec); the {name} has none.")
    blocks = []
    for i, j, separation in sky_pairs(base, other, radius_arcsec, threads=threads):
        order = best_first(i, j, separation)
        start = np.flatnonzero(first_of_each(i[order]))
        nearest = order[start]
        blocks.append((i[nearest], j[nearest], separation[nearest], np.diff(start, append=i.size)))
    if not blocks:
        empty = np.empty(0, np.int64)
        return Pairs(empty, empty, np.empty(0), np.empty(0, np.int16))
    i, j, separation, candidates = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    order = np.argsort(i)
    return Pairs(i[order], j[order], separation[order], candidates[order].astype(np.int16))


def sky_pairs(
    base: Side, other: Side, radius_arcsec: float, *, rows: IntArray | None = None, threads: int | None = None
) -> Iterator[SkyPairs]:
    """All pairs within a radius at a common epoch, in parts of bounded size.

    Positions are searched where the tables have them, each row with its own radius: the one asked for and the way
    that its proper motion can take it. The separation of each pair that is found is then computed exactly
    (:func:`pipeline.science.crossmatch.geometry.separations_arcsec`). So no pair is missed however fast the star and
    however different the epochs of the rows.

    Parameters
    ----------
    base, other : Side
        Sides with positions.
    radius_arcsec : float
        Largest separation after the motion.
    rows : ndarray of int, optional
        Rows of the base to match; all by default.
    threads : int, optional
        Workers; the cores of this process by default.

    Yields
    ------
    base, other, separation_arcsec : ndarray, shape (k,)
        Pairs; all of one base row are in one part.

    Raises
    ------
    ValueError
        If the radius is not positive, or more than :data:`MAX_CANDIDATES` rows are within the radius of one.
    """
    if not 0.0 < radius_arcsec < 3600.0:
        raise ValueError(f"radius_arcsec must be above 0 and below 3600; found {radius_arcsec:g}.")
    rows = np.arange(len(base)) if rows is None else rows
    rows, others = rows[base.placed[rows]], np.flatnonzero(other.placed)
    if not (rows.size and others.size):
        return
    far = reach_arcsec(base, other).max() + reach_arcsec(other, base).max()
    workers = available_threads(threads)
    for zone_rows, zone_others in _zones(base, other, rows, others, (radius_arcsec + float(far)) / 3600.0):
        yield from _bounded_pairs(base, other, zone_rows, zone_others, radius_arcsec, workers)


def _zones(
    base: Side, other: Side, rows: IntArray, others: IntArray, margin_deg: float
) -> Iterator[tuple[IntArray, IntArray]]:
    """Rows of each zone of declination, and the other table's rows there and within the margin."""
    assert base.dec is not None
    assert other.dec is not None
    if max(rows.size, others.size) <= ZONE_ROWS:
        yield _by_longitude(base, other, rows, others)
        return
    rows, others = rows[np.argsort(base.dec[rows])], others[np.argsort(other.dec[others])]
    mine, theirs = base.dec[rows], other.dec[others]
    margin_deg = margin_deg * (1.0 + 1e-9) + 1e-9
    start = 0
    while start < rows.size:
        start_there = int(np.searchsorted(theirs, mine[start]))
        ends = [d[k + ZONE_ROWS] for d, k in ((mine, start), (theirs, start_there)) if k + ZONE_ROWS < d.size]
        edge = max(min(ends, default=np.inf), np.nextafter(mine[start], np.inf))
        stop = int(np.searchsorted(mine, edge))
        low, high = np.searchsorted(theirs, (mine[start] - margin_deg, mine[stop - 1] + margin_deg))
        here, there = rows[start:stop], others[low:high]
        if there.size:
            yield _by_longitude(base, other, here, there)
        start = stop


def _by_longitude(base: Side, other: Side, rows: IntArray, others: IntArray) -> tuple[IntArray, IntArray]:
    """The smaller set in order of longitude: neighbouring centres of a search then use the same part of the tree."""
    assert base.ra is not None
    assert other.ra is not None
    if rows.size <= others.size:
        return rows[np.argsort(base.ra[rows])], others
    return rows, others[np.argsort(other.ra[others])]


def _bounded_pairs(
    base: Side, other: Side, rows: IntArray, others: IntArray, radius_arcsec: float, workers: int
) -> Iterator[SkyPairs]:
    """Pairs of a zone; where there are too many for the memory, of one half of its base rows after the other."""
    searches = _searches(base.take(rows), other.take(others), radius_arcsec, workers)
    if rows.size > 1 and sum(search.total for search in searches) > PAIRS:
        half = rows.size // 2
        yield from _bounded_pairs(base, other, rows[:half], others, radius_arcsec, workers)
        yield from _bounded_pairs(base, other, rows[half:], others, radius_arcsec, workers)
        return
    pairs = [search.pairs() for search in searches]
    i = rows[np.concatenate([pair[0] for pair in pairs])]
    j = others[np.concatenate([pair[1] for pair in pairs])]
    separation = separations_arcsec(base, other, i, j)
    near = separation <= radius_arcsec
    i, j, separation = i[near], j[near], separation[near]
    if not i.size:
        return
    _check_candidates(base, i, radius_arcsec)
    yield i, j, separation


def _check_candidates(base: Side, i: IntArray, radius_arcsec: float) -> None:
    assert base.ra is not None
    assert base.dec is not None
    if i.size <= MAX_CANDIDATES:
        return
    rows, count = np.unique(i, return_counts=True)
    row = rows[count.argmax()]
    if count.max() > MAX_CANDIDATES:
        raise ValueError(
            f"{count.max()} rows of the other table are within {radius_arcsec:g} arcsec of the base's row {row} (ra "
            f"{base.ra[row]:.6f}, dec {base.dec[row]:.6f}): their positions are a filling value, or the radius is too "
            "large. Write NaN where a position is unknown."
        )


class _Search:
    """Points of one side near points of the other.

    Parameters
    ----------
    kept, asked : ndarray of int
        Rows of the points in the tree, and of those that are searched around.
    points, centres : ndarray, shape (., 3)
        Directions of all rows of the two sides.
    radii : float or ndarray
        Radius around each centre, in arcsec.
    base_is_asked : bool
        Whether the centres are the base's.
    workers : int
        Threads.
    """

    def __init__(
        self,
        kept: NDArray[np.intp],
        asked: NDArray[np.intp],
        points: FloatArray,
        centres: FloatArray,
        radii: float | FloatArray,
        *,
        base_is_asked: bool,
        workers: int,
    ) -> None:
        self._kept, self._base_is_asked, self._workers = kept, base_is_asked, workers
        # A chord is shorter than its arc: the arc is a safe radius. Unbalanced trees bear equal points.
        self._tree = cKDTree(points[kept], balanced_tree=False, compact_nodes=False)
        chords = np.broadcast_to(radii, asked.shape) * (ARCSEC * (1.0 + 1e-9)) + 1e-12
        self._count = self._tree.query_ball_point(centres[asked], chords, return_length=True, workers=workers)
        self._asked, self._centres = asked, centres
        self.total = int(self._count.sum())

    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of the base and of the other side, shape (total,) each."""
        asked, kept = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
        for count in np.unique(self._count[self._count > 0]):  # those within a radius are so many nearest neighbours
            rows = self._asked[self._count == count]
            _, neighbours = self._tree.query(self._centres[rows], k=np.arange(1, count + 1), workers=self._workers)
            asked.append(np.repeat(rows, count))
            kept.append(self._kept[neighbours.reshape(-1)])
        pairs = np.concatenate(asked), np.concatenate(kept)
        return pairs if self._base_is_asked else pairs[::-1]


def _searches(a: Side, b: Side, radius_arcsec: float, workers: int) -> list[_Search]:
    """Searches that together find every pair of two sides once.

    Fast rows, which may move by more than the radius, are searched around with a radius of their own: those of the
    base among all of the other's rows, those of the other among the base's slow rows. The slow rows of both are
    compared with one radius that allows for the largest motion among them, around the rows of the smaller side.
    """
    assert a.ra is not None
    assert a.dec is not None
    assert b.ra is not None
    assert b.dec is not None
    here, there = unit_vectors(a.ra, a.dec), unit_vectors(b.ra, b.dec)
    reach, reach_there = reach_arcsec(a, b), reach_arcsec(b, a)
    fast, slow = np.flatnonzero(reach > radius_arcsec), np.flatnonzero(reach <= radius_arcsec)
    fast_there, slow_there = np.flatnonzero(reach_there > radius_arcsec), np.flatnonzero(reach_there <= radius_arcsec)
    around_base = partial(_Search, points=there, centres=here, base_is_asked=True, workers=workers)
    around_other = partial(_Search, points=here, centres=there, base_is_asked=False, workers=workers)
    result = []
    if fast.size:
        result.append(around_base(np.arange(len(b)), fast, radii=radius_arcsec + reach[fast]))
    if slow.size and fast_there.size:
        result.append(around_other(slow, fast_there, radii=radius_arcsec + reach_there[fast_there]))
    if slow.size and slow_there.size:
        radius = radius_arcsec + max(float(reach[slow].max()), float(reach_there[slow_there].max()))
        if slow.size <= slow_there.size:
            result.append(around_base(slow_there, slow, radii=radius))
        else:
            result.append(around_other(slow, slow_there, radii=radius))
    return result
