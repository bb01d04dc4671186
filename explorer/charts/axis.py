"""Axes of a chart: the declaration of a view, and its ends for a catalogue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeGuard

from explorer.model.scales import LINEAR, Scale
from explorer.model.selection import SelectionError
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
        Range at the start as coordinates on the scale, low below high.
    inverted : bool
        Whether high values are at the left or at the bottom.
    scale : Scale
        Scale of the axis.
    """

    column: Column
    low: float
    high: float
    inverted: bool = False
    scale: Scale = LINEAR

    @property
    def ends(self) -> tuple[float, float]:
        """Range in drawing order."""
        return (self.high, self.low) if self.inverted else (self.low, self.high)

    @property
    def period(self) -> float:
        """Length of a turn after which the axis repeats; 0 for an axis that does not."""
        return self.column.period if self.scale.is_linear else 0.0

    def values(self, start: float, end: float) -> tuple[float, float] | None:
        """Range of values between two coordinates, low below high; None when it has no length.

        A longitude does not repeat on an axis that is not linear: only its first turn is there.
        """
        low, high = sorted((self.scale.value(start), self.scale.value(end)))
        if self.column.period and not self.period:
            low, high = max(low, 0.0), min(high, math.nextafter(self.column.period, 0.0))
        return (low, high) if low < high else None

    def ends_of(self, low: float, high: float) -> tuple[float, float]:
        """Ends in drawing order of a range of values.

        Raises
        ------
        SelectionError
            If the scale does not reach one of them, or the range has no length.
        """
        label = self.column.label
        for value in (low, high):
            if not math.isfinite(self.scale.coordinate(value)):
                raise SelectionError(
                    f"The logarithmic axis of {label} begins above 0; found {value:g}. "
                    "Use a limit above 0, or the scale symlog."
                )
        if low == high:
            raise SelectionError(f"The axis of {label} would begin and end at {low:g}. Use two different limits.")
        if low > high:
            raise SelectionError(
                f"The minimum {low:g} of {label} is above the maximum {high:g}. "
                "Swap them; the direction of the axis is changed by Flip."
            )
        ends = self.scale.coordinate(low), self.scale.coordinate(high)
        if ends[1] - ends[0] <= _FINEST * max(map(abs, ends)):
            raise SelectionError(
                f"{low:.10g} and {high:.10g} are too near to each other: {label} is drawn in single precision. "
                "Use limits that are farther apart."
            )
        return (ends[1], ends[0]) if self.inverted else ends


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

    def of(self, table: StarTable, along: Literal["x", "y"], scale: Scale = LINEAR, *, flipped: bool = False) -> Axis:
        """Axis along x or y, in the column's reading direction unless flipped.

        A longitude spans one turn at most.
        """
        column = table.column(self.column)
        low, high = (None if end is None else scale.coordinate(end) for end in (self.low, self.high))
        if not (_is_end(low) and _is_end(high)) or low >= high:
            first, last = _home(table, column, self.tail, scale)
            low, high = low if _is_end(low) and low < last else first, high if _is_end(high) and first < high else last
        inverted = self.inverted or column.inverted == along
        return Axis(column, low, high, inverted != flipped, scale)


def _is_end(end: float | None) -> TypeGuard[float]:
    """Whether an end is declared, and on the scale of the axis."""
    return end is not None and math.isfinite(end)


def _home(table: StarTable, column: Column, tail: float, scale: Scale) -> tuple[float, float]:
    """Ends that nearly all stars are within, with a margin."""
    limits = table.limits(column.name, tail, scale) or (0.0, 1.0)
    margin = max(_MARGIN * ((limits[1] - limits[0]) or 1.0), _FINEST * max(map(abs, limits)))
    first, last = limits[0] - margin, limits[1] + margin
    return (max(first, 0.0), min(last, column.period)) if column.period and scale.is_linear else (first, last)
