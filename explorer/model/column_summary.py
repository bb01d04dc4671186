"""Summaries of columns for menus: share of known values, range and a small histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.column import Column

BARS = 24
"""Number of bars of the histogram of a column."""

TALLEST = 31
"""Height of the tallest bar."""

_SAMPLE = 200_000
"""Maximum number of stars that are looked at, evenly spread over the table."""

_TAIL = 0.005
"""Share of values beyond either end of the histogram."""


class Summarised(Protocol):
    """A table of stars whose columns are summarised."""

    @property
    def n_stars(self) -> int:
        """Number of rows."""

    def column(self, name: str) -> Column:
        """Description of a column."""

    def taken(self, name: str, stars: NDArray[np.intp]) -> NDArray[Any]:
        """A column of some stars."""


@dataclass(frozen=True)
class ColumnSummary:
    """Summary of a column's values.

    Parameters
    ----------
    known : float
        Share of the stars that have a value, from 0 to 1.
    ends : tuple of float, optional
        Ends of the histogram; None for texts, booleans and columns without values.
    bars : tuple of int
        Heights from 0 to :data:`TALLEST`; () without a histogram. A bar with a star has at least the height 1.
    """

    known: float
    ends: tuple[float, float] | None = None
    bars: tuple[int, ...] = ()


class ColumnSummaries:
    """Summaries of the columns of one table, each computed once.

    Parameters
    ----------
    table : Summarised
        The stars.
    """

    def __init__(self, table: Summarised) -> None:
        self._table = table
        self._known: dict[str, ColumnSummary] = {}

    def of(self, name: str) -> ColumnSummary:
        """The summary of a column; KeyError if there is none of that name."""
        if name not in self._known:
            stars = np.arange(0, self._table.n_stars, max(-(-self._table.n_stars // _SAMPLE), 1))
            self._known[name] = summary_of(self._table.column(name), self._table.taken(name, stars))
        return self._known[name]


def summary_of(item: Column, values: NDArray[Any]) -> ColumnSummary:
    """Summarise values of a column.

    Parameters
    ----------
    item : Column
        Its description.
    values : ndarray, shape (n,)
        Values; NaN, "" and the column's own value for unknown are missing.
    """
    if not values.size:
        return ColumnSummary(0.0)
    if item.dtype == "str":
        return ColumnSummary(float(np.mean(values != "")))
    if item.dtype == "bool":
        return ColumnSummary(1.0)
    known = np.isfinite(values)
    if item.unknown is not None:
        known &= values != item.unknown
    share, numbers = float(known.mean()), values[known].astype(np.float64)
    if not numbers.size:
        return ColumnSummary(share)
    low, high = (float(end) for end in np.quantile(numbers, (_TAIL, 1.0 - _TAIL)))
    if not low < high:
        return ColumnSummary(share, (low, high))
    inside = numbers[(numbers >= low) & (numbers <= high)]
    places = np.minimum((inside - low) / (high - low) * BARS, BARS - 1).astype(np.int64)
    counts = np.bincount(places, minlength=BARS)  # also for ends that are neighbours among double-precision numbers
    bars = np.ceil(TALLEST * counts / counts.max()).astype(int)
    return ColumnSummary(share, (low, high), tuple(bars.tolist()))
