"""Statistics of the selected stars for each column at the foot of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.model.screen import FootStatistic
from explorer.model.selection import Mask
from explorer.model.star import number
from explorer.model.table import StarTable
from explorer.model.work import check_stopped
from pipeline.domain.column import Column
from pipeline.domain.statistics import robust_scatter

FloatArray = NDArray[np.float64]


_NAMES = ("meta.id", "meta.code")
"""Beginnings of the UCDs of numbers that name or encode, which have no statistics."""


class FootTexts(NamedTuple):
    """One statistic: its title, and a text for each column; "" for a column without numbers."""

    title: str
    texts: tuple[str, ...]


_STATISTICS: dict[FootStatistic, tuple[str, Callable[[FloatArray], float]]] = {
    FootStatistic.N: ("N", lambda values: float(values.size)),
    FootStatistic.MEDIAN: ("median", lambda values: float(np.median(values))),
    FootStatistic.SCATTER: ("scatter", robust_scatter),
    FootStatistic.MEAN: ("mean", lambda values: float(values.mean())),
    FootStatistic.STD: ("std", lambda values: float(values.std(ddof=1)) if values.size > 1 else float("nan")),
    FootStatistic.MIN: ("min", lambda values: float(values.min())),
    FootStatistic.MAX: ("max", lambda values: float(values.max())),
}


def foot_texts(
    table: StarTable, names: Sequence[str], rows: Mask, statistics: Sequence[FootStatistic]
) -> tuple[FootTexts, ...]:
    """Statistics of columns of some stars.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    names : sequence of str
        Columns; texts, and identifiers and codes, have no statistics.
    rows : ndarray of bool, shape (n,)
        The stars; those without a value do not count.
    statistics : sequence of FootStatistic
        One row each.
    """
    columns = [table.column(name) for name in names]
    values = [_values(table, column, rows) for column in columns]
    result = []
    for statistic in statistics:
        title, function = _STATISTICS[statistic]
        texts = tuple(
            "" if known is None else _text(column, known, statistic, function)
            for column, known in zip(columns, values, strict=True)
        )
        result.append(FootTexts(title, texts))
    return tuple(result)


def _values(table: StarTable, column: Column, rows: Mask) -> FloatArray | None:
    """Finite values; None for a column without statistics."""
    check_stopped()
    if not column.is_numeric or column.dtype == "int64" or column.ucd.startswith(_NAMES):
        return None
    values: NDArray[Any] = table[column.name][rows]
    if column.unknown is not None:
        values = values[values != column.unknown]
    wide = np.asarray(values, np.float64)
    return wide[np.isfinite(wide)]


def _text(column: Column, values: FloatArray, statistic: FootStatistic, function: Callable[[FloatArray], float]) -> str:
    if statistic is FootStatistic.N:
        return f"{values.size:,}"
    if not values.size:
        return ""
    value = function(values)
    whole = column.is_float or float(value).is_integer()
    return number(column, value) if whole or not np.isfinite(value) else f"{value:.1f}"
