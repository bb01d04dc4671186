"""Arithmetic on columns: the trees that an expression is parsed into, their values, and their texts.

Nothing here can name anything but a column, a number and the functions of :data:`FUNCTIONS`. The text of a tree is an
expression that is parsed into the same tree without knowledge of units, synonyms or stars.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.model.selection import Columns, numbers_of, text_of

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
    "exp": Function((1, 1), np.exp, "exponential; exp(1) is Euler's number"),
    "ln": Function((1, 1), np.log, "natural logarithm"),
    "log10": Function((1, 1), np.log10, "logarithm to base 10"),
    "log": Function((1, 1), np.log10, "logarithm to base 10, as in log g; ln is the natural one"),
    "sin": Function((1, 1), lambda x: np.sin(np.radians(x)), "sine of degrees, or of what is plainly in radians"),
    "cos": Function((1, 1), lambda x: np.cos(np.radians(x)), "cosine of degrees, or of what is plainly in radians"),
    "tan": Function((1, 1), lambda x: np.tan(np.radians(x)), "tangent of degrees, or of what is plainly in radians"),
    "asin": Function((1, 1), lambda x: np.degrees(np.arcsin(x)), "arc sine in degrees"),
    "acos": Function((1, 1), lambda x: np.degrees(np.arccos(x)), "arc cosine in degrees"),
    "atan": Function((1, 1), lambda x: np.degrees(np.arctan(x)), "arc tangent in degrees"),
    "atan2": Function((2, 2), lambda y, x: np.degrees(np.arctan2(y, x)), "atan2(y, x): angle in degrees, -180 to 180"),
    "radians": Function((1, 1), np.radians, "degrees in radians"),
    "degrees": Function((1, 1), np.degrees, "radians in degrees"),
    "floor": Function((1, 1), np.floor, "next lower whole number"),
    "ceil": Function((1, 1), np.ceil, "next higher whole number"),
    "round": Function((1, 1), np.round, "nearest whole number"),
    "hypot": Function((2, 2), np.hypot, "square root of the sum of two squares"),
    "pow": Function((2, 2), np.power, "pow(x, y): x to the power y, as x ^ y"),
    "min": Function((2, 2), np.minimum, "smaller of two; min(x) is the smallest value of all stars"),
    "max": Function((2, 2), np.maximum, "larger of two; max(x) is the largest value of all stars"),
}


def _power(base: NDArray[np.float64], exponent: NDArray[np.float64]) -> Any:
    """A power; a square is ten times faster as a product, with the same result."""
    return np.square(base) if exponent.ndim == 0 and exponent == 2.0 else np.power(base, exponent)


TRIGONOMETRIC = frozenset({"sin", "cos", "tan"})
INVERSE_TRIGONOMETRIC = frozenset({"asin", "acos", "atan", "atan2"})

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "**": _power,
}
_BITS, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(6)
"""How close the parts of a formula are bound."""

_LEVELS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT, "**": _POWER}


class Formula:
    """An expression with a value for each star."""

    level: ClassVar[int] = _ATOM

    def value(self, columns: Columns) -> Value:
        """An array over the stars, or a constant."""
        raise NotImplementedError

    @property
    def names(self) -> frozenset[str]:
        """Columns that the formula uses."""
        return frozenset()

    @property
    def text(self) -> str:
        """The formula as an expression."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Formula):
    """A number, a text in quotes, or True or False."""

    constant: float | int | str

    def value(self, columns: Columns) -> Value:  # noqa: ARG002 - a constant needs no columns
        """The constant."""
        return self.constant

    @property
    def text(self) -> str:
        """The number, or the text in the quotation marks that it does not contain."""
        if isinstance(self.constant, str):
            return f'"{self.constant}"' if "'" in self.constant else f"'{self.constant}'"
        if isinstance(self.constant, bool):
            return str(self.constant)
        if isinstance(self.constant, int) or not math.isfinite(self.constant):
            return "1e999" if self.constant == math.inf else str(self.constant)
        return repr(self.constant).removesuffix(".0")


@dataclass(frozen=True)
class Pi(Constant):
    """The number pi."""

    constant: float = math.pi

    @property
    def text(self) -> str:
        """The name of the number."""
        return "pi"


@dataclass(frozen=True)
class Measured(Constant):
    """A number with a unit, as typed; its value is in that unit.

    Parameters
    ----------
    unit : str
        Unit in the spelling that astropy reads.
    """

    unit: str = ""

    @property
    def written(self) -> str:
        """The number and its unit."""
        return f"{self.constant:.6g} {self.unit}"


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

    @property
    def names(self) -> frozenset[str]:
        """The column itself."""
        return frozenset({self.name})

    @property
    def text(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True)
class Bits(Formula):
    """Bits of a column of whole numbers.

    Parameters
    ----------
    column : ColumnValue
        The column.
    bits : int
        The bits that are kept.
    """

    column: ColumnValue
    bits: int
    level: ClassVar[int] = _BITS

    def value(self, columns: Columns) -> Value:
        """The kept bits as whole numbers."""
        return numbers_of(columns, self.column.name).astype(np.int64) & self.bits

    @property
    def names(self) -> frozenset[str]:
        """The column."""
        return self.column.names

    @property
    def text(self) -> str:
        """The column and the bits."""
        return f"{self.column.text} & {self.bits}"


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

    @property
    def names(self) -> frozenset[str]:
        """Columns that the arguments use."""
        return frozenset().union(*(part.names for part in self.arguments))

    @property
    def is_negative(self) -> bool:
        """Whether it is a minus sign before its second argument."""
        return self.name == "-" and self.arguments[0] == Constant(0.0) and type(self.arguments[0]) is Constant

    @property
    def level(self) -> int:  # type: ignore[override]
        """How close its parts are bound."""
        return _SIGN if self.is_negative else _LEVELS.get(self.name, _ATOM)

    @property
    def text(self) -> str:
        """The function with its arguments, or the parts with the sign between them."""
        if self.name in FUNCTIONS:
            return f"{self.name}({', '.join(part.text for part in self.arguments)})"
        if self.is_negative:
            return f"-{inside(self.arguments[1], _SIGN)}"
        left, right = self.arguments
        if self.name == "**":
            return f"{inside(left, _ATOM)} ** {inside(right, _SIGN)}"
        return f"{inside(left, self.level)} {self.name} {inside(right, self.level + 1)}"


def is_text(formula: Formula) -> bool:
    """Whether the values are texts."""
    if isinstance(formula, Constant):
        return isinstance(formula.constant, str)
    return isinstance(formula, ColumnValue) and formula.is_text


def inside(formula: Formula, level: int) -> str:
    """The text of a part, in brackets where it is bound less closely than ``level``."""
    return formula.text if formula.level >= level else f"({formula.text})"


def number(value: float) -> Formula:
    """A number that was computed, as it is parsed: a negative one is a minus sign and a number."""
    size = abs(value)
    positive = Constant(int(size) if size.is_integer() and size < 2**53 else size)
    return Call("-", (Constant(0.0), positive)) if value < 0 else positive
