"""Numbers that an expression takes from many stars at once, such as ``mean(m_h, disc)``.

They are computed when an expression is read, and recorded as numbers: a link selects the same stars later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.formula import ColumnValue, Formula
from explorer.model.selection import Columns, Mask, SelectionError

BLOCK_ROWS = 1_000_000
"""Number of stars for which a formula is evaluated at once."""


@dataclass(frozen=True)
class Aggregate:
    """A function of the values of many stars.

    Parameters
    ----------
    apply : callable
        Function of finite values, shape (n,), and of its number where it takes one.
    help : str
        One line for the completion.
    takes_number : bool
        Whether a number follows the value.
    """

    apply: Callable[..., Any]
    help: str
    takes_number: bool = False


AGGREGATES: dict[str, Aggregate] = {
    "mean": Aggregate(np.mean, "mean(value) of all stars; mean(value, selection) or mean(value, condition) of some"),
    "median": Aggregate(np.median, "median(value) of all stars; median(value, condition) of some"),
    "std": Aggregate(np.std, "std(value): standard deviation of all stars; std(value, condition) of some"),
    "percentile": Aggregate(
        np.percentile, "percentile(value, 99) of all stars; percentile(value, 99, condition) of some", takes_number=True
    ),
}
"""Aggregates by name; ``min`` and ``max`` with one value are aggregates too."""

EXTREMES: dict[str, Aggregate] = {"min": Aggregate(np.min, "smallest value"), "max": Aggregate(np.max, "largest value")}

RANKS = {
    "top": "top(value, 20): the 20 stars with the largest values; top(value, 20, condition) of some",
    "bottom": "bottom(value, 20): the 20 stars with the smallest values; bottom(value, 20, condition) of some",
}
"""Conditions on the rank of a value."""


def known_values(formula: Formula, table: Columns, rows: Mask | None) -> NDArray[Any]:
    """Finite values of a formula, of all stars or of those of a mask.

    Raises
    ------
    SelectionError
        If no star has one.
    """
    values = values_of(formula, table)
    if rows is not None:
        values = values[rows]
    values = np.asarray(values[np.isfinite(values)])
    if not values.size:
        raise SelectionError(f"No star {'of these ' if rows is not None else ''}has a value of {formula.text}.")
    return values


def values_of(formula: Formula, table: Columns) -> NDArray[Any]:
    """Values of a formula for each star, in the type of a column or in float64, computed in blocks."""
    if isinstance(formula, ColumnValue):
        return np.asarray(formula.value(table))
    n_rows = int(table["obsid"].shape[0])
    used = {name: table[name] for name in (*formula.names, "obsid")}
    result = np.empty(n_rows, np.float64)
    for first in range(0, n_rows, BLOCK_ROWS):
        part = slice(first, first + BLOCK_ROWS)
        result[part] = formula.value({name: values[part] for name, values in used.items()})
    return result


def aggregated(aggregate: Aggregate, values: NDArray[Any], *arguments: float) -> float:
    """The number that an aggregate makes of finite values, in their precision."""
    with np.errstate(all="ignore"):
        return _short(aggregate.apply(values.astype(np.float64), *arguments), values.dtype)


def threshold(values: NDArray[Any], count: int, *, largest: bool) -> float:
    """The value of the last of the ``count`` stars with the largest, or smallest, values."""
    at = min(max(count, 1), values.size)
    ordered = np.partition(values, values.size - at if largest else at - 1)
    return _short(ordered[values.size - at if largest else at - 1], values.dtype)


def _short(value: Any, dtype: np.dtype[Any]) -> float:
    """A number without the digits that its type does not hold: it equals the value that it came from."""
    return float(str(np.float32(value))) if dtype == np.float32 else float(value)
