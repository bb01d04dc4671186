"""Values of stars as the table shows and copies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.export import SIMULATED_COLUMN
from explorer.model.star import number
from explorer.model.table import StarTable
from pipeline.domain.column import Column
from pipeline.domain.columns import COLUMNS, placed
from pipeline.domain.flags import FLAG_TEXTS
from pipeline.products.spreadsheet import shielded

QUALITY = "quality"
"""Column of the quality bits, which the table shows in words."""

MIN_KNOWN = 0.01
"""Minimum share of the stars with a value, for a column that the table shows by default."""

_ENOUGH = 8
"""Minimum number of declared columns; other ones fill up if the usual ones are missing."""


def usual_columns(table: StarTable) -> tuple[str, ...]:
    """Declared columns that the table shows by default: those that enough stars have a value of."""
    names = [item.name for item in placed("table") if _has_values(table, item.name)]
    others = (item.name for item in COLUMNS if item.is_float and item.name not in names)
    missing = _ENOUGH - len(names)
    for name in others if missing > 0 else ():
        if _has_values(table, name):
            names.append(name)
            missing -= 1
        if not missing:
            break
    return tuple(names)


def _has_values(table: StarTable, name: str) -> bool:
    return table.usable(name) and table.summary(name).known >= MIN_KNOWN


def rows_of(table: StarTable, names: Sequence[str], stars: NDArray[np.int64]) -> tuple[tuple[str, ...], ...]:
    """Formatted values of some stars, one tuple a star."""
    columns = [[cell_text(table.column(name), value) for value in _values(table, name, stars)] for name in names]
    return tuple(zip(*columns, strict=True))


def cell_text(item: Column, value: Any) -> str:
    """Format a value for a cell; "" if missing."""
    if item.dtype == "bool":
        return "yes" if value else "no"
    if item.name == QUALITY:
        return flag_names(int(value))
    if not item.is_float:
        return "" if item.unknown is not None and value == item.unknown else str(value)
    return number(item, float(value)) if np.isfinite(value) else ""


def flag_names(quality: int) -> str:
    """Names of the quality bits that are set, lowest first; "good" without one."""
    return ", ".join(text.short for flag, text in FLAG_TEXTS.items() if quality & int(flag)) or "good"


def tab_separated(table: StarTable, names: Sequence[str], stars: NDArray[np.int64], *, simulated: bool) -> str:
    """Rows as tab-separated text with the columns' names above, every digit, and bits as a number.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    names : sequence of str
        Columns.
    stars : ndarray of int, shape (n,)
        Rows of the catalogue.
    simulated : bool
        Whether the stars are simulated; then the last column says so.

    Returns
    -------
    str
        Lines without the last line feed; a missing value is empty.
    """
    columns = [[_plain(table.column(name), value) for value in _values(table, name, stars)] for name in names]
    if simulated:
        columns.append(["yes"] * len(stars))
    heads = (*names, SIMULATED_COLUMN) if simulated else tuple(names)
    return "\n".join("\t".join(line) for line in (heads, *zip(*columns, strict=True)))


def _values(table: StarTable, name: str, stars: NDArray[np.int64]) -> NDArray[Any]:
    return table.texts_of(name, stars) if table.column(name).dtype == "str" else table[name][stars]


def _plain(item: Column, value: Any) -> str:
    if item.dtype == "str":
        return shielded(" ".join(str(value).split()))
    if item.is_float:
        return str(value) if np.isfinite(value) else ""
    return "yes" if item.dtype == "bool" and value else "no" if item.dtype == "bool" else str(value)
