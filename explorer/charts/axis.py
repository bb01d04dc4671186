"""Axes of a chart: the declaration of a view, and its ends for a catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.model.table import StarTable
from pipeline.domain.column import Column

_MARGIN = 0.04
_FINEST = 1e-6
"""Narrowest margin as a fraction of the values: single precision, in which stars are drawn, distinguishes 1e-7."""


@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    column : Column
        The quantity; its ``axis_label`` is the label.
    low, high : float
        Range at the start in the column's unit, low below high.
    inverted : bool
        Whether high values are at the left or at the bottom.
    """

    column: Column
    low: float
    high: float
    inverted: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """Range in drawing order."""
        return (self.high, self.low) if self.inverted else (self.low, self.high)


@dataclass(frozen=True)
class AxisSpec:
    """Declaration of one axis of a view.

    Parameters
    ----------
    column : str
        Name of the column.
    low, high : float or None
        Ends in the column's unit; None for an end that nearly all stars of the catalogue are within.
    tail : float
        Fraction of the stars that may be beyond such an end.
    inverted : bool
        Whether high values are at the left or at the bottom although the column's own reading direction is another.
    """

    column: str
    low: float | None = None
    high: float | None = None
    tail: float = 0.001
    inverted: bool = False

    def of(self, table: StarTable, along: Literal["x", "y"]) -> Axis:
        """Axis along x or y, in the column's reading direction; a longitude spans one turn at most."""
        column = table.column(self.column)
        low, high = self.low, self.high
        if low is None or high is None:
            first, last = _home(table, column, self.tail)
            low, high = first if low is None else low, last if high is None else high
        return Axis(column, low, high, self.inverted or column.inverted == along)


def _home(table: StarTable, column: Column, tail: float) -> tuple[float, float]:
    """Ends that nearly all stars are within, with a margin."""
    limits = table.limits(column.name, tail) or (0.0, 1.0)
    margin = max(_MARGIN * ((limits[1] - limits[0]) or 1.0), _FINEST * max(map(abs, limits)))
    first, last = limits[0] - margin, limits[1] + margin
    return (max(first, 0.0), min(last, column.period)) if column.period else (first, last)
