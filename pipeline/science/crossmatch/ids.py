"""Equal identifiers, compared as 64-bit integers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.science.crossmatch.sides import MAX_CANDIDATES, IntArray, Pairs

PAIRS = 1 << 21
"""Pairs that are treated at once: what bounds the memory of a match."""

ROWS = 1 << 19
"""Base rows that are looked up at once."""


class IdIndex:
    """Rows of a table by identifier.

    Parameters
    ----------
    ids : ndarray of int, shape (m,)
        Identifiers; rows where they are not positive are never found.
    what : str
        What they are, for messages.

    Raises
    ------
    ValueError
        If one identifier has more than :data:`MAX_CANDIDATES` rows.
    """

    def __init__(self, ids: IntArray, what: str = "identifier") -> None:
        known = np.flatnonzero(ids > 0)
        self._rows = known[np.argsort(ids[known], kind="stable")]
        ordered = ids[self._rows]
        self._start = np.flatnonzero(np.diff(ordered, prepend=0))
        self._count = np.diff(self._start, append=ordered.size)
        self._ids = ordered[self._start]
        if self._ids.size and self._count.max() > MAX_CANDIDATES:
            worst = int(self._count.argmax())
            raise ValueError(
                f"The {what} {self._ids[worst]} has {self._count[worst]} rows in the other table: it is a filling "
                "value. Write 0 where it is unknown."
            )

    def pairs(self, ids: IntArray, rows: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
        """Pairs of equal identifiers in parts of at most about :data:`PAIRS`.

        Parameters
        ----------
        ids : ndarray of int, shape (n,)
            The base's identifiers.
        rows : ndarray of int
            Rows of the base to look up, in increasing order.

        Yields
        ------
        base, other : ndarray of int, shape (k,)
            Rows; all pairs of one base row are in one part, in order of the other's row.
        """
        if not self._ids.size:
            return
        for begin in range(0, rows.size, ROWS):
            block = rows[begin : begin + ROWS]
            place = np.minimum(np.searchsorted(self._ids, ids[block]), self._ids.size - 1)
            matched = self._ids[place] == ids[block]
            block, first, count = block[matched], self._start[place[matched]], self._count[place[matched]]
            for part in parts(count, PAIRS):
                yield np.repeat(block[part], count[part]), self._rows[_ranges(first[part], count[part])]


def parts(counts: IntArray, limit: int) -> Iterator[slice]:
    """Yield consecutive slices whose counts sum to at most a limit; a larger count has its own slice."""
    ends = np.cumsum(counts)
    start = 0
    while start < counts.size:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + limit, side="right")))
        yield slice(start, stop)
        start = stop


def _ranges(first: IntArray, count: IntArray) -> IntArray:
    """The whole numbers first[k] ... first[k] + count[k] - 1 of all k, in one array."""
    ends = np.cumsum(count)
    return np.asarray(np.arange(ends[-1] if ends.size else 0) + np.repeat(first - (ends - count), count))


def match_by_id(base_ids: NDArray[np.int64], other_ids: NDArray[np.int64]) -> Pairs:
    """All pairs of rows with equal identifiers.

    Parameters
    ----------
    base_ids : ndarray of int, shape (n,)
        Identifiers of the base's rows; may repeat.
    other_ids : ndarray of int, shape (m,)
        Identifiers of the other table's rows; may repeat. Identifiers that are not positive match nothing.

    Returns
    -------
    Pairs
        Every pair, in order of the base's row, then of the other's. Separations are NaN.

    Raises
    ------
    ValueError
        If an array is not of integer type, or one identifier has more than :data:`MAX_CANDIDATES` rows in the other
        table.
    """
    for name, ids in (("base_ids", base_ids), ("other_ids", other_ids)):
        if ids.dtype.kind not in "iu":
            raise ValueError(f"{name} must be of integer type; found {ids.dtype}, which is not exact above 2^53.")
    blocks = list(IdIndex(other_ids.astype(np.int64, copy=False)).pairs(base_ids, np.arange(base_ids.size)))
    base = np.concatenate([np.empty(0, np.int64), *(pair[0] for pair in blocks)])
    other = np.concatenate([np.empty(0, np.int64), *(pair[1] for pair in blocks)])
    candidates = np.bincount(base, minlength=base_ids.size)[base].astype(np.int16)
    return Pairs(base, other, np.full(base.size, np.nan), candidates)
