"""Typed values of a column: a number, with or without a unit."""

from __future__ import annotations

import math
import re

from astropy import units

from explorer.model.selection import SelectionError
from pipeline.domain.column import Column

_TYPED = re.compile(
    r"\s*(?P<number>[+\-−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][+\-−]?\d+)?)(?P<times>[kM](?![\w/]))?\s*(?P<unit>.*?)\s*"
)
_TIMES = {None: 1.0, "k": 1e3, "M": 1e6}
"""Letters after a number, as axes write them: 12k."""


def read_value(text: str, column: Column) -> float:
    """Value of a column that was typed, in the column's unit.

    Parameters
    ----------
    text : str
        A number, such as "3500", "1e4" or "12k", and a unit, such as "pc", or none.
    column : Column
        The column; another unit of the same kind is converted to its unit.

    Raises
    ------
    SelectionError
        If it is no finite number, or its unit is not of the column's kind.
    """
    typed = _TYPED.fullmatch(text)
    if typed is None:
        example = f"3.5 {column.unit}".strip()
        raise SelectionError(f"{text.strip()[:40]!r} is no value of {column.label}: type a number, such as {example}.")
    number = float(typed["number"].replace(",", "").replace("−", "-")) * _TIMES[typed["times"]]
    value = number * _factor(typed["unit"], column)
    if not math.isfinite(value):
        raise SelectionError(f"{text.strip()[:40]!r} is no value of {column.label}: it is too large.")
    return value


def _factor(unit: str, column: Column) -> float:
    """Number of the column's units in a unit."""
    if unit in ("", column.unit, column.unit_label):
        return 1.0
    own = f"in {column.unit_label}" if column.unit else "a number without a unit"
    try:
        return float(units.Unit(unit).to(units.Unit(column.unit)))
    except (ValueError, TypeError) as error:  # no unit, or one of another kind
        raise SelectionError(f"{unit[:40]!r} is no unit of {column.label}, which is {own}.") from error
