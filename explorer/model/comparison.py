"""Conditions on each star: comparisons of formulas, sets of values, patterns of texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explorer.model.formula import Bits, ColumnValue, Constant, Formula, inside
from explorer.model.selection import Columns, Mask, column_of

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


class Condition:
    """A question with an answer for each star."""

    def mask(self, columns: Columns) -> Mask:
        """True where the answer is yes; False where a value is missing."""
        raise NotImplementedError

    @property
    def names(self) -> frozenset[str]:
        """Columns that it uses."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The question as an expression."""
        raise NotImplementedError


@dataclass(frozen=True)
class Comparison(Condition):
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

    @property
    def names(self) -> frozenset[str]:
        """Columns of both sides."""
        return self.left.names | self.right.names

    @property
    def text(self) -> str:
        """Both sides, with the sign between them."""
        return f"{inside(self.left, 1)} {self.operator} {inside(self.right, 1)}"


@dataclass(frozen=True)
class Chain(Condition):
    """Comparisons that share their middle, as in ``0 < x < 1``."""

    parts: tuple[Comparison, ...]

    def mask(self, columns: Columns) -> Mask:
        """True where all hold."""
        rows = self.parts[0].mask(columns)
        for part in self.parts[1:]:
            rows &= part.mask(columns)
        return rows

    @property
    def names(self) -> frozenset[str]:
        """Columns of all parts."""
        return frozenset().union(*(part.names for part in self.parts))

    @property
    def text(self) -> str:
        """All parts in one line."""
        return self.parts[0].text + "".join(f" {part.operator} {inside(part.right, 1)}" for part in self.parts[1:])


@dataclass(frozen=True)
class Member(Condition):
    """Whether a value is one of a set.

    Parameters
    ----------
    left : Formula
        What is compared.
    values : tuple of float or str
        Numbers, or texts where ``left`` is text.
    """

    left: Formula
    values: tuple[float | int | str, ...]

    def mask(self, columns: Columns) -> Mask:
        """True where the value is equal to one of the set, in the type of the column."""
        left = np.broadcast_to(np.asarray(self.left.value(columns)), column_of(columns, "obsid").shape)
        if left.dtype == object:
            return np.asarray(pd.Series(left).isin(list(self.values)), np.bool_)
        if left.dtype.kind == "f":
            with np.errstate(over="ignore"):
                values = np.asarray(self.values, np.float64).astype(left.dtype)
            return np.asarray(np.isin(left, values), np.bool_)
        whole = [int(value) for value in self.values if float(value).is_integer() and abs(float(value)) < 2**63]
        return np.asarray(np.isin(left, np.asarray(whole, np.int64)), np.bool_)

    @property
    def names(self) -> frozenset[str]:
        """Columns of the value."""
        return self.left.names

    @property
    def text(self) -> str:
        """The value and the set."""
        return f"{inside(self.left, 1)} in ({', '.join(_signed(value) for value in self.values)})"


@dataclass(frozen=True)
class Like(Condition):
    """Whether a text fits a pattern.

    Parameters
    ----------
    left : ColumnValue
        Column of text.
    pattern : str
        ``%`` stands for any characters, ``_`` for one.
    """

    left: ColumnValue
    pattern: str

    def mask(self, columns: Columns) -> Mask:
        """True where the whole text fits."""
        signs = {"%": ".*", "_": "."}
        pattern = re.compile("".join(signs.get(letter, re.escape(letter)) for letter in self.pattern), re.DOTALL)
        codes, different = pd.factorize(np.asarray(self.left.value(columns), object))
        fits = np.array([pattern.fullmatch(str(text)) is not None for text in different], np.bool_)
        return np.asarray(fits[codes] if fits.size else np.zeros(codes.shape, np.bool_), np.bool_)

    @property
    def names(self) -> frozenset[str]:
        """The column."""
        return self.left.names

    @property
    def text(self) -> str:
        """The call."""
        return f"like({self.left.text}, {Constant(self.pattern).text})"


def known(formula: Formula, *, is_text: bool) -> Condition:
    """Whether a value is there: a number that is not NaN, a text that is not empty."""
    return Comparison(formula, "!=", Constant("")) if is_text else Comparison(formula, "==", formula)


def any_bit(bits: Bits) -> Condition:
    """Whether any of some bits is set."""
    return Comparison(bits, "!=", Constant(0))


def _signed(value: float | str) -> str:
    return f"-{Constant(-value).text}" if not isinstance(value, str) and value < 0 else Constant(value).text


def _known(value: Any) -> Any:
    array = np.asarray(value)
    return ~np.isnan(array) if array.dtype.kind == "f" else np.True_
