"""Counts of one inspector and of pairs of inspectors, updated as verdicts are added or withdrawn."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

PAUSE_SECONDS = 600.0
"""Longest time between two verdicts that is not a pause."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE_US = round(PAUSE_SECONDS * 1e6)


def microseconds(utc: str) -> int:
    """Convert a time of :func:`explorer.vetting.events.utc_text` to microseconds since 1970."""
    return (datetime.fromisoformat(utc) - _EPOCH) // timedelta(microseconds=1)


class Pace:
    """Running median of the times between verdicts, without pauses."""

    def __init__(self) -> None:
        self._moments: list[int] = []
        self._gaps: list[int] = []

    def add(self, moment: int) -> None:
        """Add a time in microseconds."""
        at = bisect_left(self._moments, moment)
        self._split(at, at, moment, add=True)
        self._moments.insert(at, moment)

    def remove(self, moment: int) -> None:
        """Remove a time that was added."""
        at = bisect_left(self._moments, moment)
        del self._moments[at]
        self._split(at, at, moment, add=False)

    def _split(self, left: int, right: int, moment: int, *, add: bool) -> None:
        """Replace the gap between two neighbours by the two gaps beside ``moment``, or the reverse."""
        before = self._moments[left - 1] if left > 0 else None
        after = self._moments[right] if right < len(self._moments) else None
        whole = [] if before is None or after is None else [after - before]
        parts = [gap for gap in (_gap(before, moment), _gap(moment, after)) if gap is not None]
        for gap in whole if add else parts:
            if gap <= _PAUSE_US:
                del self._gaps[bisect_left(self._gaps, gap)]
        for gap in parts if add else whole:
            if gap <= _PAUSE_US:
                insort(self._gaps, gap)

    def seconds(self) -> float:
        """The median in seconds; NaN without a gap."""
        gaps = self._gaps
        if not gaps:
            return math.nan
        return (gaps[(len(gaps) - 1) // 2] / 1e6 + gaps[len(gaps) // 2] / 1e6) / 2


def _gap(earlier: int | None, later: int | None) -> int | None:
    return None if earlier is None or later is None else later - earlier


@dataclass
class InspectorCounts:
    """Counts of one inspector in a campaign.

    Parameters
    ----------
    firsts : int
        Valid verdicts of first occasions.
    adjudications : int
        Adjudications that were not withdrawn.
    repeats, same, gap : int
        Stars judged on both occasions; those of them with equal verdicts; sum of the absolute differences.
    done : int
        Tasks of the queue with a valid verdict.
    judged_open : int
        Stars that are open to others and were judged by this inspector.
    again : int
        Second occasions that are open to this inspector.
    pace : Pace
        Times of all valid verdicts.
    """

    firsts: int = 0
    adjudications: int = 0
    repeats: int = 0
    same: int = 0
    gap: int = 0
    done: int = 0
    judged_open: int = 0
    again: int = 0
    pace: Pace = field(default_factory=Pace)


class Confusion:
    """Confusion matrix of the verdicts of two inspectors on their common stars.

    Parameters
    ----------
    categories : int
        Number of possible verdicts.

    Attributes
    ----------
    table : ndarray of int64, shape (categories, categories)
        Stars by the verdict of the first inspector (rows) and of the second (columns).
    kappas : tuple of float or None
        Plain and weighted kappa of the table; None after a change.
    """

    def __init__(self, categories: int) -> None:
        self.table: NDArray[np.int64] = np.zeros((categories, categories), np.int64)
        self.kappas: tuple[float, float] | None = None

    def add(self, first: int, second: int, by: int) -> None:
        """Add a star (``by`` 1) or remove one (-1)."""
        self.table[first, second] += by
        self.kappas = None
