"""Units of formulas: of their columns, of numbers with a unit, and conversions between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from explorer.model.formula import (
    FUNCTIONS,
    INVERSE_TRIGONOMETRIC,
    Bits,
    Call,
    ColumnValue,
    Constant,
    Formula,
    Measured,
    Pi,
    number,
)
from explorer.model.selection import SelectionError
from pipeline.domain.column import Column


class Unitless(Enum):
    """Units that are none: of a plain number, and of a column whose unit is not understood."""

    FREE = "a plain number"
    UNKNOWN = "an unknown unit"


Unit: TypeAlias = Any
"""An astropy unit, or a member of :class:`Unitless`."""

_KEEP = frozenset({"abs", "floor", "ceil", "round"})
_SHARED = frozenset({"+", "-", "%", "min", "max", "hypot"})
_SPELLINGS = {"°": "deg", "Å": "Angstrom", "kms": "km/s"}
_SPACED = re.compile(r"\s*/\s*")
_SEXAGESIMAL = re.compile(r"\s*[+-]?\d+(?::\d+){1,2}(?:\.\d*)?\s*|\s*[+-]?\d+[hd]\s*\d+m(?:\s*\d+(?:\.\d*)?s)?\s*")


class UnitError(SelectionError):
    """Units that do not fit."""


@lru_cache(maxsize=4096)
def unit_named(text: str) -> Unit:
    """A unit by its spelling, also in the plural; UNKNOWN where astropy does not read it."""
    for spelling in (_SPELLINGS.get(text, text), text.removesuffix("s")):
        try:
            unit = u.Unit(spelling, parse_strict="raise")
        except (ValueError, TypeError):
            continue
        if isinstance(unit, u.UnitBase):
            return unit
    return Unitless.UNKNOWN


def is_unit(text: str) -> bool:
    """Whether astropy reads a spelling as a unit."""
    return unit_named(text) is not Unitless.UNKNOWN


def spelled(unit: Unit) -> str:
    """A unit as columns write it; "" for none."""
    return "" if isinstance(unit, Unitless) else _SPACED.sub("/", str(unit.to_string()))


def _is_sexagesimal(text: object) -> bool:
    """Whether a text is an angle such as 12:30:00 or 12h30m."""
    return isinstance(text, str) and _SEXAGESIMAL.fullmatch(text) is not None


def is_angle(formula: Formula) -> bool:
    """Whether it is a text such as 12:30:00."""
    return isinstance(formula, Constant) and _is_sexagesimal(formula.constant)


def angle_deg(text: str, *, hours: bool) -> float:
    """A sexagesimal angle in degrees; ``hours`` where the first number of ``12:30:00`` counts hours.

    Raises
    ------
    UnitError
        If it is none.
    """
    try:
        return float(Angle(text, u.hourangle if hours and ":" in text else u.deg).deg)
    except (ValueError, TypeError) as error:
        raise UnitError(f"{text!r} is no angle such as 12:30:00 or 12h30m00s ({error}).") from error


class Units:
    """Units of the formulas of one expression.

    Parameters
    ----------
    columns : mapping of str to Column
        The columns by name.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = columns
        self._units: dict[int, tuple[Formula, Unit]] = {}  # with the formula, so that no other takes its identity
        self._literals: dict[int, tuple[Formula, bool]] = {}

    def of(self, formula: Formula) -> Unit:
        """The unit of a formula; UNKNOWN where its powers are beyond all units."""
        known = self._units.get(id(formula))
        if known is None:
            try:
                unit = self._find(formula)
            except ArithmeticError:
                unit = Unitless.UNKNOWN
            known = self._units[id(formula)] = (formula, unit)
        return known[1]

    def has_literal(self, formula: Formula) -> bool:
        """Whether a number with a unit is in it."""
        known = self._literals.get(id(formula))
        if known is None:
            parts = formula.arguments if isinstance(formula, Call) else ()
            literal = isinstance(formula, Measured) or any(self.has_literal(part) for part in parts)
            known = self._literals[id(formula)] = (formula, literal)
        return known[1]

    def _find(self, formula: Formula) -> Unit:
        if isinstance(formula, Measured):
            return unit_named(formula.unit)
        if isinstance(formula, ColumnValue):
            declared = self.columns.get(formula.name)
            return Unitless.UNKNOWN if declared is None else unit_named(declared.unit)
        if isinstance(formula, Call):
            return _of_call(formula.name, formula.arguments, [self.of(part) for part in formula.arguments])
        return u.dimensionless_unscaled if isinstance(formula, Bits) else Unitless.FREE

    def converted(self, formula: Formula, unit: Unit) -> Formula:
        """The formula in another unit of the same kind; hours of an angle are of 15 degrees.

        Raises
        ------
        UnitError
            If the units are of different kinds.
        """
        own = self.of(formula)
        if isinstance(own, Unitless) or isinstance(unit, Unitless):
            raise UnitError(f"{_named(formula, own)} cannot be converted to {_written(unit)}.")
        if own == u.hour and unit.is_equivalent(u.deg):
            own = u.hourangle
        try:
            factor = float(own.to(unit))
        except u.UnitConversionError:
            raise UnitError(f"{_named(formula, own)} cannot be converted to {_written(unit)}.") from None
        if isinstance(formula, Measured):
            return number(_rounded(float(formula.constant) * factor))
        return formula if factor == 1.0 else Call("*", (formula, number(_rounded(factor))))

    def matched(self, left: Formula, right: Formula) -> tuple[Formula, Formula]:
        """Two formulas in the same unit: a number with a unit is converted to the unit of the other one.

        Raises
        ------
        UnitError
            If a number has a unit of another kind than the other one, or the other one has no known unit.
        """
        if not (self.has_literal(left) or self.has_literal(right)):
            return left, right
        if isinstance(right, Measured) or not self.has_literal(left):
            return left, self._like(right, left)
        return self._like(left, right), right

    def _like(self, formula: Formula, other: Formula) -> Formula:
        """A formula in the unit of another one, which is a plain number, a column, or made of them."""
        unit = self.of(other)
        if unit is Unitless.FREE:
            if not isinstance(formula, Measured) and _is_number(self.of(formula)):
                return self.converted(formula, u.dimensionless_unscaled)
            raise UnitError(f"{other.text} has no unit, and {_named(formula, self.of(formula))} has. Give both one.")
        if unit is Unitless.UNKNOWN:
            raise UnitError(f"The unit of {other.text} is not known. Give the number without a unit.")
        try:
            return self.converted(formula, unit)
        except UnitError:
            has = f"is in {spelled(unit)}" if spelled(unit) else "has no unit"
            raise UnitError(f"{_named(formula, self.of(formula))} does not fit {other.text}, which {has}.") from None

    def is_radians(self, formula: Formula) -> bool:
        """Whether an angle is plainly in radians: radians(x), a multiple of pi, or in that unit."""
        if isinstance(formula, Pi):
            return True
        if isinstance(formula, Call) and formula.name not in FUNCTIONS:
            return any(self.is_radians(part) for part in formula.arguments)
        if isinstance(formula, Call) and formula.name in _KEEP:
            return self.is_radians(formula.arguments[0])
        return bool(self.of(formula) == u.rad)


def _of_call(name: str, arguments: tuple[Formula, ...], units: list[Unit]) -> Unit:
    if name in _KEEP:
        return units[0]
    if name in _SHARED:
        return _shared(units)
    if name in ("*", "/"):
        return _product(units, divided=name == "/")
    if name in ("**", "sqrt"):
        return _power(units[0], Constant(0.5) if name == "sqrt" else arguments[1])
    if name in INVERSE_TRIGONOMETRIC or name == "degrees":
        return u.deg
    return u.rad if name == "radians" else u.dimensionless_unscaled


def _product(units: list[Unit], *, divided: bool) -> Unit:
    """The unit of a product or a quotient; a plain number has none."""
    left, right = (u.dimensionless_unscaled if unit is Unitless.FREE else unit for unit in units)
    if Unitless.UNKNOWN in (left, right):
        return Unitless.UNKNOWN
    if set(units) == {Unitless.FREE}:
        return Unitless.FREE
    return left / right if divided else left * right


def _shared(units: list[Unit]) -> Unit:
    """The unit of a sum: that of all parts; a plain number takes the unit of the others."""
    known = [unit for unit in units if unit is not Unitless.FREE]
    if not known:
        return Unitless.FREE
    return known[0] if all(unit == known[0] for unit in known) else Unitless.UNKNOWN


def _power(unit: Unit, exponent: Formula) -> Unit:
    if isinstance(unit, Unitless) or unit == u.dimensionless_unscaled:
        return unit
    if exponent.names:
        return Unitless.UNKNOWN
    power = float(np.asarray(exponent.value({})))
    return unit**power if np.isfinite(power) and abs(power) < 100 else Unitless.UNKNOWN


def _is_number(unit: Unit) -> bool:
    return not isinstance(unit, Unitless) and bool(unit.is_equivalent(u.dimensionless_unscaled))


def _named(formula: Formula, unit: Unit) -> str:
    return formula.written if isinstance(formula, Measured) else f"{formula.text} [{spelled(unit)}]"


def _written(unit: Unit) -> str:
    return spelled(unit) or "a plain number"


def _rounded(value: float) -> float:
    """A converted number without the last digits, which the conversion leaves: 0.3 in place of 0.30000000000000004."""
    return float(f"{value:.15g}")


def in_degrees(units: Units, formula: Formula) -> tuple[Formula, str]:
    """The argument of a trigonometric function in degrees, and the unit that it was taken to have.

    Raises
    ------
    UnitError
        If it is a number with the unit of another quantity.
    """
    if units.is_radians(formula):
        return Call("degrees", (formula,)), "radians"
    unit = units.of(formula)
    if isinstance(formula, Measured):
        return units.converted(formula, u.deg), "degrees"
    if isinstance(unit, Unitless) or unit == u.deg or not unit.is_equivalent(u.deg):
        if units.has_literal(formula) and not unit == u.deg:
            raise UnitError(f"{_named(formula, unit)} is no angle.")
        return formula, "degrees"
    return Call("degrees", (units.converted(formula, u.rad),)), spelled(unit)


def folded(units: Units, name: str, left: Formula, right: Formula) -> Formula | None:
    """A number with a unit that two numbers make; None where columns take part, or no unit does."""
    if left.names or right.names or not (units.has_literal(left) or units.has_literal(right)):
        return None
    made = Call(name, (left, right))
    unit = units.of(made)
    value = float(np.asarray(made.value({})))
    if isinstance(unit, Unitless) or not np.isfinite(value):
        return None
    if _is_number(unit):
        return number(_rounded(value * float(unit.to(u.dimensionless_unscaled))))
    return Measured(value, spelled(unit))
