"""Arithmetic on columns: the trees that an expression is parsed into, and their values.

Nothing here can name anything but a column, a number and the functions of :data:`FUNCTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.model.selection import Columns, Mask, column_of, numbers_of, text_of

Value: TypeAlias = NDArray[Any] | np.floating[Any] | float | int | str


@dataclass(frozen=True)
class Function:
    """A function of an expression.

    Parameters
    ----------
    arguments : tuple of int
        Fewest and most arguments.
    apply : callable
        Function of arrays of float64.
    help : str
        One line for the completion.
    """

    arguments: tuple[int, int]
    apply: Callable[..., Any]
    help: str


FUNCTIONS: dict[str, Function] = {
    "abs": Function((1, 1), np.abs, "absolute value"),
    "sqrt": Function((1, 1), np.sqrt, "square root"),
    "exp": Function((1, 1), np.exp, "exponential"),
    "ln": Function((1, 1), np.log, "natural logarithm"),
    "log10": Function((1, 1), np.log10, "logarithm to base 10"),
    "sin": Function((1, 1), lambda x: np.sin(np.radians(x)), "sine of degrees"),
    "cos": Function((1, 1), lambda x: np.cos(np.radians(x)), "cosine of degrees"),
    "floor": Function((1, 1), np.floor, "next lower whole number"),
    "hypot": Function((2, 2), np.hypot, "square root of the sum of two squares"),
    "min": Function((2, 2), np.minimum, "smaller of two"),
    "max": Function((2, 2), np.maximum, "larger of two"),
}

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


class Formula:
    """An expression with a value for each star."""

    def value(self, columns: Columns) -> Value:
        """An array over the stars, or a constant."""
        raise NotImplementedError

    def names(self) -> frozenset[str]:
        """Columns that the formula uses."""
        return frozenset()


@dataclass(frozen=True)
class Constant(Formula):
    """A number, or a text in quotes."""

    constant: float | int | str

    def value(self, columns: Columns) -> Value:  # noqa: ARG002 - a constant needs no columns
        """The constant."""
        return self.constant


@dataclass(frozen=True)
class ColumnValue(Formula):
    """A column by name.

    Parameters
    ----------
    name : str
        Column name.
    is_text : bool
        Whether text is expected; a column of another kind is refused.
    """

    name: str
    is_text: bool = False

    def value(self, columns: Columns) -> Value:
        """The column as stored."""
        return text_of(columns, self.name) if self.is_text else numbers_of(columns, self.name)

    def names(self) -> frozenset[str]:
        """The column itself."""
        return frozenset({self.name})


@dataclass(frozen=True)
class Call(Formula):
    """A function of other formulas; ``-x`` is ``0 - x``."""

    name: str
    arguments: tuple[Formula, ...]

    def value(self, columns: Columns) -> Value:
        """The result in float64; undefined values, such as a division by zero, are NaN and never infinite."""
        operation = FUNCTIONS[self.name].apply if self.name in FUNCTIONS else _OPERATIONS[self.name]
        numbers = [np.asarray(part.value(columns), np.float64) for part in self.arguments]
        with np.errstate(all="ignore"):
            result = np.asarray(operation(*numbers), np.float64)
        return np.where(np.isinf(result), np.nan, result)

    def names(self) -> frozenset[str]:
        """Columns that the arguments use."""
        return frozenset().union(*(part.names() for part in self.arguments))


@dataclass(frozen=True)
class Comparison:
    """Two formulas compared; a missing value compares as false, also with ``!=``."""

    left: Formula
    operator: str
    right: Formula

    def mask(self, columns: Columns) -> Mask:
        """True where the comparison holds."""
        left, right = self.left.value(columns), self.right.value(columns)
        with np.errstate(all="ignore"):  # a constant beyond float32 is infinite there, and compares as it should
            holds = _COMPARISONS[self.operator](left, right)
        rows = np.broadcast_to(holds, column_of(columns, "obsid").shape)
        if self.operator == "!=":
            rows = rows & _known(left) & _known(right)
        return np.array(rows, np.bool_)


def _known(value: Value) -> Any:
    array = np.asarray(value)
    return ~np.isnan(array) if array.dtype.kind == "f" else np.True_
