"""The part of the grammar of expressions that has values: sums, powers, units, names, functions.

:mod:`explorer.model.expression` has the whole grammar.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from explorer.model.comparison import Condition
from explorer.model.formula import (
    FUNCTIONS,
    INVERSE_TRIGONOMETRIC,
    TRIGONOMETRIC,
    Bits,
    Call,
    ColumnValue,
    Constant,
    Formula,
    Measured,
    Pi,
    is_text,
)
from explorer.model.selection import HasFlag, Named, Selection, SelectionError
from explorer.model.tokens import MAX_CHARACTERS, ExpressionError, Token, tokens_of
from explorer.model.units import UnitError, Unitless, Units, angle_deg, folded, in_degrees, is_angle, is_unit, spelled
from explorer.model.vocabulary import FLAGS, KEYWORDS, Vocabulary
from pipeline.domain.column import Column

MAX_DEPTH = 30
MAX_TERMS = 200
"""Maximum number of terms of a sum, and of factors of a product."""

_LARGEST_INTEGER = 2**63 - 1
_STORED = 4
"""How much longer and deeper a stored comparison may be than a typed one, as units and synonyms are written out."""

_CONSTANTS = {"pi": Pi(), "true": Constant(constant=True), "false": Constant(constant=False)}

Parsed: TypeAlias = Selection | Condition | Formula


class ValueParser(ABC):
    """Parser of one expression; each method parses one rule of the grammar.

    Parameters
    ----------
    text : str
        The expression.
    vocabulary : Vocabulary
        What its names mean.

    Attributes
    ----------
    notes : list of str
        How units, names and functions were understood.
    """

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text, self.vocabulary, self.names = text, vocabulary, vocabulary.names
        self.stored = self.names.exact  # units and synonyms are written out there
        self.units = Units({} if self.stored else self.names.columns)
        self.tokens = tokens_of(text, MAX_CHARACTERS * (_STORED if self.stored else 1))
        self.max_depth = MAX_DEPTH * (_STORED if self.stored else 1)
        self.notes: list[str] = []
        self.at = 0
        self.depth = 0

    @abstractmethod
    def either(self) -> Parsed:
        """Parse anything that can be in brackets."""

    @abstractmethod
    def call(self, token: Token) -> Parsed:
        """Parse a call of the function whose name was read."""

    @property
    def token(self) -> Token:
        """The token to be read next."""
        return self.tokens[self.at]

    def take(self, *signs: str) -> Token | None:
        """Return the next token if it is one of ``signs``, else None."""
        token = self.token
        if token.kind in ("sign", "name") and token.text.lower() in signs:
            self.at += 1
            return token
        return None

    def fail(self, message: str, token: Token | None = None) -> ExpressionError:
        """The error of a token, by default of the next one."""
        place = token or self.token
        return ExpressionError(message, place.start, place.end)

    def note(self, text: str) -> None:
        """Report once how something was understood."""
        if text not in self.notes:
            self.notes.append(text)

    def expect(self, sign: str, why: str) -> None:
        """Read a sign, or refuse what is in its place."""
        if self.take(sign) is None:
            result = repr(self.token.text) if self.token.text else "the end"
            raise self.fail(f"Expected {sign!r} {why}; found {result}.")

    def deeper(self, rule: Callable[[], Parsed]) -> Callable[[], Parsed]:
        """Apply a rule one level deeper; too many levels are refused."""

        def run() -> Parsed:
            self.depth += 1
            if self.depth > self.max_depth:
                raise self.fail(f"Brackets and signs are nested more than {MAX_DEPTH} deep. Name a part as a subset.")
            try:
                return rule()
            finally:
                self.depth -= 1

        return run

    def value(self, rule: Callable[[], Parsed], what: str) -> Formula:
        """Parse something that must have a value."""
        begin = self.token
        result = rule()
        if not isinstance(result, Formula):
            raise self.fail(f"{what} must be a value; {begin.text!r} is true or false.", begin)
        return result

    def number(self, rule: Callable[[], Parsed], what: str) -> Formula:
        """Parse something that must be a number."""
        begin = self.token
        result = self.value(rule, what)
        if is_text(result):
            raise self.fail(f"{what} must be a number; found text.", begin)
        return result

    def sum(self) -> Parsed:
        """Parse products that are added."""
        return self.arithmetic(self.product, ("+", "-"))

    def product(self) -> Parsed:
        """Parse factors that are multiplied."""
        return self.arithmetic(self.sign, ("*", "/", "%"))

    def arithmetic(self, rule: Callable[[], Parsed], signs: tuple[str, ...]) -> Parsed:
        """Parse parts with signs between them, from left to right."""
        begin = self.token
        left = rule()
        terms = 1
        while (sign := self.take(*signs)) is not None:
            if not isinstance(left, Formula) or is_text(left):
                raise self.fail(f"The part before {sign.text!r} must be a number.", begin)
            terms += 1
            if terms > MAX_TERMS * (_STORED if self.stored else 1):
                raise self.fail(f"More than {MAX_TERMS} parts are joined. Name a part as a computed column.", sign)
            left = self.operated(sign, left, self.number(rule, f"The part after {sign.text!r}"))
        return left

    def operated(self, sign: Token, left: Formula, right: Formula) -> Formula:
        """The result of a sign between two numbers; numbers with a unit are converted."""
        name = sign.text
        if name == "%":
            self.note("% is the remainder of a division")
        if name in ("+", "-", "%"):
            left, right = self.matched(left, right, sign)
        elif name == "**" and self.units.has_literal(right):
            raise self.fail("An exponent has no unit.", sign)
        return folded(self.units, name, left, right) or Call(name, (left, right))

    def matched(self, left: Formula, right: Formula, token: Token) -> tuple[Formula, Formula]:
        """Two formulas in one unit: an angle or a number with a unit takes that of the other one."""
        left, right = self.angle(left, right, token), self.angle(right, left, token)
        try:
            new = self.units.matched(left, right)
        except UnitError as error:
            raise self.fail(str(error), token) from error
        for before, after, other in ((left, new[0], right), (right, new[1], left)):
            if after is not before:
                self.converted(before, after, spelled(self.units.of(other)))
        self.note_units(*new)
        return new

    def note_units(self, left: Formula, right: Formula) -> None:
        """Report values of one kind in different units, whose numbers are taken as they are."""
        units = self.units.of(left), self.units.of(right)
        if any(isinstance(unit, Unitless) for unit in units) or units[0] == units[1]:
            return
        if left.names and right.names and units[0].is_equivalent(units[1]):
            first, second = spelled(units[0]), spelled(units[1])
            self.note(f"{left.text} is in {first}, {right.text} in {second}: the numbers are taken as they are")

    def converted(self, before: Formula, after: Formula, unit: str) -> None:
        """Report a conversion that changed a number."""
        if isinstance(before, Measured) and not after.names:
            value = float(np.asarray(after.value({})))
            if value != before.constant:
                self.note(f"{before.written} = {value:.6g} {unit}".rstrip())

    def angle(self, formula: Formula, other: Formula, token: Token) -> Formula:
        """An angle such as 12:30:00 as a number of degrees; hours where the other one is a right ascension."""
        if not is_angle(formula) or is_text(other):
            return formula
        hours = isinstance(other, ColumnValue) and self.names.columns[other.name].ucd.startswith("pos.eq.ra")
        return Measured(self.degrees_of(formula, token, hours=hours), "deg")

    def degrees_of(self, formula: Formula, token: Token, *, hours: bool) -> float:
        """A sexagesimal angle in degrees, which is reported."""
        assert isinstance(formula, Constant)
        text = str(formula.constant).strip()
        try:
            result = angle_deg(text, hours=hours)
        except UnitError as error:
            raise self.fail(str(error), token) from error
        self.note(f"{text} = {result:.6g} deg")
        return result

    def sign(self) -> Parsed:
        """Parse a part after a sign."""
        sign = self.take("-", "+")
        if sign is None:
            return self.power()
        if self.token.kind == "angle":
            self.at += 1
            return Constant(f"{sign.text}{self.tokens[self.at - 1].text}")
        inner = self.number(self.deeper(self.sign), f"The part after {sign.text!r}")
        if sign.text == "+":
            return inner
        zero = Constant(0.0)
        return folded(self.units, "-", zero, inner) or Call("-", (zero, inner))

    def power(self) -> Parsed:
        """Parse a base with its exponent."""
        begin = self.token
        base = self.atom()
        signs = ("**", "^") if isinstance(base, Formula) and not self.is_truth(base) else ("**",)
        if (sign := self.take(*signs)) is None:
            return base
        if not isinstance(base, Formula) or is_text(base):
            raise self.fail(f"The part before {sign.text!r} must be a number.", begin)
        if sign.text == "^":
            self.note("^ is a power; exclusive or is xor")
        exponent = self.number(self.deeper(self.sign), f"The part after {sign.text!r}")
        return self.operated(Token("sign", "**", sign.start, sign.end), base, exponent)

    def is_truth(self, formula: Formula) -> bool:
        """Whether a formula is true or false for each star."""
        if isinstance(formula, ColumnValue):
            return self.names.columns[formula.name].dtype == "bool"
        return isinstance(formula, Bits) or (isinstance(formula, Constant) and isinstance(formula.constant, bool))

    def atom(self) -> Parsed:
        """Parse a number, a text, a name, a call or a bracket."""
        token = self.token
        if token.kind in ("number", "angle", "text", "quoted"):
            self.at += 1
            if token.kind == "number":
                return self.measured(token)
            return (
                self.quoted(token)
                if token.kind == "quoted"
                else Constant(token.text if token.kind == "angle" else token.text[1:-1])
            )
        if self.take("(") is not None:
            inner = self.deeper(self.either)()
            self.expect(")", f"for the bracket that opens at character {token.start + 1}")
            return inner
        if token.kind == "name" and self.is_name(token):
            self.at += 1
            return self.named(token)
        result = repr(token.text) if token.text else "the end"
        raise self.fail(f"Expected a column, a number or a bracket; found {result}.")

    def is_name(self, token: Token) -> bool:
        """Whether a word is a name where a value is expected, and joins no conditions."""
        word = token.text.lower()
        called = word in ("like", "between") and self.tokens[self.at + 1].text == "("
        return word not in KEYWORDS or called or word in self.names

    def measured(self, token: Token) -> Formula:
        """A number, with the unit that follows it."""
        whole = token.text.isdigit() and int(token.text) <= _LARGEST_INTEGER
        value = int(token.text) if whole else float(token.text)
        first = self.token
        if first.kind != "name" or first.text.lower() in KEYWORDS:
            return Constant(value)
        if not is_unit(first.text):
            raise self.fail(
                f"{first.text!r} is no unit. Numbers are in the unit of their column; leave {first.text!r} out, "
                "or join conditions by `and`.",
                first,
            )
        unit = self.unit_part()
        while True:
            at, slash = self.at, self.take("/")
            following = self.token
            usual = following.kind == "name" and following.text not in KEYWORDS and is_unit(following.text)
            if not usual or following.text in self.names or self.tokens[self.at + 1].text == "(":
                self.at = at
                return Measured(value, unit)
            unit += f"/{self.unit_part()}" if slash else f" {self.unit_part()}"

    def unit_part(self) -> str:
        """One unit with its power, as in ``km``, ``km2`` and ``km**2``."""
        name = self.token.text
        self.at += 1
        at = self.at
        if self.take("**", "^") is not None:
            minus = "-" if self.take("-") else ""
            if self.token.kind == "number" and self.token.text.isdigit():
                self.at += 1
                return f"{name}{minus}{self.tokens[self.at - 1].text}"
        self.at = at
        return "deg" if name == "°" else name

    def named(self, token: Token) -> Parsed:
        """Resolve a name: a function, a column, a subset, a quality bit, a constant, or a synonym of a column."""
        name, lower = token.text, token.text.lower()
        if self.token.text == "(" and self.token.kind == "sign":
            return self.call(token)
        if name in self.names:
            return self.column(self.names.columns[lower])
        if name in self.vocabulary.subsets:
            return Named(name, self.vocabulary.subsets[name])
        if name.upper() in FLAGS or lower in _CONSTANTS:
            return HasFlag(FLAGS[name.upper()]) if name.upper() in FLAGS else _CONSTANTS[lower]
        if lower in ("nan", "inf", "infinity", "null"):
            raise self.fail(f"{name} is no number. Give one, or ask for known(...) or isnan(...) values.", token)
        return self.synonym(token, name)

    def synonym(self, token: Token, name: str, end: int | None = None) -> Formula:
        """The column that a label, a synonym or the name in an archive means."""
        place = Token(token.kind, token.text, token.start, end or token.end)
        try:
            meant = self.names.find(name)
        except SelectionError as error:
            raise self.fail(str(error), place) from error
        if meant is None:
            raise self.fail(self.unknown(name), place)
        if meant.name != name.lower():
            self.note(f"{name} is {meant.name}")
        return self.column(meant)

    def unknown(self, name: str) -> str:
        """The sentence for a name without a meaning."""
        if name.lower() in FUNCTIONS:
            return f"{name} is a function: write {name}(...)."
        longer = next((subset for subset in self.vocabulary.subsets if name in subset.split()), None)
        if longer is not None:
            return f"{name!r} alone is no name. A subset whose name has blanks is written in backticks: `{longer}`."
        hint = " For Euler's number write exp(1)." if name.lower() == "e" else ""
        return f"{self.names.unknown(name, [*self.vocabulary.subsets, *FLAGS, *FUNCTIONS])}{hint}"

    def quoted(self, token: Token) -> Parsed:
        """Resolve a name in backticks: a subset, else a column by its name, label or synonym."""
        name = token.text[1:-1].strip()
        if name in self.vocabulary.subsets:
            return Named(name, self.vocabulary.subsets[name])
        return self.synonym(token, name)

    def column(self, item: Column) -> ColumnValue:
        """The values of a column."""
        return ColumnValue(item.name, item.dtype == "str")

    def function(self, name: str, arguments: tuple[Formula, ...], token: Token) -> Formula:
        """A call of a function; angles are taken in degrees, or in radians where they plainly are."""
        try:
            if name in TRIGONOMETRIC:
                argument, unit = in_degrees(self.units, arguments[0])
                self.note(f"{name} of {unit}")
                return Call(name, (argument,))
        except UnitError as error:
            raise self.fail(str(error), token) from error
        if name in INVERSE_TRIGONOMETRIC:
            self.note(f"{name} gives degrees")
        if name == "log":
            self.note("log is log10; ln is the natural logarithm")
        if name == "pow":
            return self.operated(Token("sign", "**", token.start, token.end), *arguments)
        if len(arguments) == 2:
            arguments = self.matched(*arguments, token)
        return Call(name, arguments)

    def constant(self, formula: Formula, token: Token) -> float:
        """The value of a formula without columns."""
        if formula.names:
            raise self.fail("Expected a number here, not a column.", token)
        value = float(np.asarray(formula.value({})))
        if np.isnan(value):
            raise self.fail("Expected a number here; this part has no value, like 1/0.", token)
        return value
