"""Calls in the grammar of expressions: arithmetic, conditions, and aggregates of many stars."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from explorer.model.aggregates import AGGREGATES, EXTREMES, RANKS, aggregated, known_values, threshold
from explorer.model.comparison import Chain, Comparison, Condition, Like, known
from explorer.model.formula import FUNCTIONS, ColumnValue, Constant, Formula, Measured, is_text, number
from explorer.model.selection import HasFlag, InCone, InRange, Joined, Joint, Selection, SelectionError
from explorer.model.tokens import Token
from explorer.model.units import UnitError, is_angle
from explorer.model.value_parser import Parsed, ValueParser
from explorer.model.vocabulary import Vocabulary
from pipeline.domain.columns import PERIODS

CONDITIONS = {
    "between": "between(column, low, high): low and high included; a longitude from 350 to 10 runs over 0",
    "known": "known(value): has a value",
    "isnan": "isnan(value): has no value",
    "isfinite": "isfinite(value): has a value",
    "like": "like(column, 'M%'): text that begins with M; % stands for any letters, _ for one",
    "cone": "cone(ra, dec, radius): within a circle on the sky; degrees, or units, or '12:30:00'",
    **RANKS,
}
"""Conditions that are written as calls."""

_ARGUMENTS = {"between": (3, 3), "known": (1, 1), "isnan": (1, 1), "isfinite": (1, 1), "like": (2, 2), "cone": (3, 3)}


@dataclass(frozen=True)
class Rank(Formula):
    """The percentage of stars with smaller values, which is known once it is compared with a number."""

    inner: Formula
    token: Token = field(compare=False)

    @property
    def names(self) -> frozenset[str]:
        """Columns of the value."""
        return self.inner.names

    @property
    def text(self) -> str:
        """The call."""
        return f"percentile({self.inner.text})"


class CallParser(ValueParser):
    """Parser of calls."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        super().__init__(text, vocabulary)
        self.ranks: list[Rank] = []

    @abstractmethod
    def truth(self, result: Parsed, begin: Token, what: str, last: int = -1) -> Selection:
        """The selection that was read since ``begin``, which must be true or false."""

    def call(self, token: Token) -> Parsed:
        """Parse a call; brackets that belong to a label, as in ``p(Sgr)``, are no call."""
        name = token.text.lower()
        if name in AGGREGATES:
            return self.aggregate(name, token)
        if name in RANKS:
            return self.ranked_first(name, token)
        if name not in FUNCTIONS and name not in CONDITIONS:
            return self.label(token)
        starts, arguments = self.arguments(name)
        fewest, most = FUNCTIONS[name].arguments if name in FUNCTIONS else _ARGUMENTS[name]
        if name in EXTREMES and len(arguments) == 1:
            return self.extreme(name, arguments[0], token)
        if not fewest <= len(arguments) <= most:
            raise self.fail(f"{name} takes {fewest} argument{'s' * (fewest > 1)}; found {len(arguments)}.", token)
        if name in EXTREMES and not isinstance(arguments[1], Formula):
            return self.extreme(name, arguments[0], token, self.truth(arguments[1], starts[1], "A condition", -2))
        return self.called(name, [part for part in arguments if isinstance(part, Formula)], starts, token)

    def called(self, name: str, arguments: list[Formula], starts: list[Token], token: Token) -> Parsed:
        """The meaning of a call with arguments of the right number."""
        if name in FUNCTIONS:
            return self.function(name, tuple(arguments), token)
        if name == "between":
            return self.interval(arguments[0], arguments[1], arguments[2], starts[1:])
        if name == "cone":
            return self.cone(arguments, starts, token)
        if name == "like":
            return self.pattern(arguments[0], arguments[1], token)
        there = known(arguments[0], is_text=is_text(arguments[0]))
        return ~self.truth(there, token, "This part") if name == "isnan" else there

    def arguments(self, name: str) -> tuple[list[Token], list[Parsed]]:
        """Arguments between brackets, and where each begins."""
        self.expect("(", f"after {name}")
        starts: list[Token] = []
        arguments: list[Parsed] = []
        while True:
            starts.append(self.token)
            what = f"An argument of {name}"
            if name in EXTREMES and len(starts) == 2:
                part = self.deeper(self.either)()
                if isinstance(part, Formula) and is_text(part):
                    raise self.fail(f"{what} must be a number; found text.", starts[-1])
                arguments.append(part)
            elif name in ("like", "known", "isnan", "isfinite", "cone"):
                arguments.append(self.value(self.deeper(self.sum), what))
            else:
                arguments.append(self.number(self.deeper(self.sum), what))
            if self.take(",") is None:
                break
        self.expect(")", f"to close the arguments of {name}")
        return starts, arguments

    def label(self, token: Token) -> Formula:
        """The column of a label with brackets, such as ``p(Sgr)``."""
        end = next((item.end for item in self.tokens[self.at :] if item.text == ")"), None)
        text = self.text[token.start : end] if end is not None else ""
        if not text or self.names.meant(text) is None:
            raise self.fail(self.unknown(token.text), token)
        while self.token.start < (end or 0):
            self.at += 1
        return self.synonym(token, text, end)

    def interval(self, value: Formula, low: Formula, high: Formula, starts: list[Token]) -> Parsed:
        """Values between two others, included; a longitude may pass through zero."""
        value, low = self.matched(value, low, starts[0])
        value, high = self.matched(value, high, starts[1])
        if any(map(is_text, (value, low, high))):
            raise self.fail("The ends of an interval, and what is between them, must be numbers.", starts[0])
        if isinstance(value, ColumnValue) and not self.is_truth(value):
            ends = [self.constant(part, start) for part, start in zip((low, high), starts, strict=True)]
            return _range(value.name, *ends)
        return self.chained([Comparison(low, "<=", value), Comparison(value, "<=", high)])

    def chained(self, parts: list[Comparison]) -> Condition:
        """Comparisons that share their middle."""
        return Chain(tuple(parts))

    def pattern(self, left: Formula, pattern: Formula, token: Token) -> Like:
        """A column of text that fits a pattern."""
        if not (isinstance(left, ColumnValue) and left.is_text):
            raise self.fail(f"like compares a column of text; {left.text} is none.", token)
        if not (isinstance(pattern, Constant) and isinstance(pattern.constant, str)):
            raise self.fail("A pattern is a text in quotation marks, such as 'M%'.", token)
        return Like(left, pattern.constant)

    def cone(self, arguments: list[Formula], starts: list[Token], token: Token) -> Selection:
        """A circle on the sky."""
        numbers = []
        for at, (part, start) in enumerate(zip(arguments, starts, strict=True)):
            if is_angle(part):
                numbers.append(self.degrees_of(part, start, hours=at == 0))
            elif is_text(part):
                raise self.fail(f"{part.text} is no angle such as '12:30:00'.", start)
            else:
                numbers.append(self.constant(self.in_degrees(part, start), start))
        try:
            return InCone(*numbers)
        except SelectionError as error:
            raise self.fail(str(error), token) from error

    def in_degrees(self, part: Formula, start: Token) -> Formula:
        """A number with a unit in degrees; plain numbers are in degrees already."""
        if not isinstance(part, Measured):
            return part
        try:
            result = self.units.converted(part, u.deg)
        except UnitError as error:
            raise self.fail(str(error), start) from error
        self.converted(part, result, "deg")
        return result

    def condition(self, token: Token) -> tuple[str, Selection | None]:
        """The stars of an aggregate after a comma, in words and as a selection; None for all."""
        if self.take(",") is None:
            return "", None
        begin = self.token
        alone = begin.text.lower() == "selection" and self.tokens[self.at + 1].text == ")"
        if alone and begin.text not in self.vocabulary.subsets and self.vocabulary.selection is not None:
            self.at += 1
            return ", selection", self.vocabulary.selection
        selection = self.truth(self.deeper(self.either)(), begin, f"The stars of {token.text}")
        return f", {self.text[begin.start : self.tokens[self.at - 1].end].strip()}", selection

    def aggregate(self, name: str, token: Token) -> Formula:
        """A number of many stars, which is recorded."""
        self.expect("(", f"after {name}")
        value = self.number(self.deeper(self.sum), f"The first argument of {name}")
        arguments: list[float] = []
        if AGGREGATES[name].takes_number:
            if self.take(",") is None:
                self.expect(")", f"to close the arguments of {name}")
                self.ranks.append(Rank(value, token))
                return self.ranks[-1]
            begin = self.token
            arguments.append(self.constant(self.number(self.deeper(self.sum), f"The number of {name}"), begin))
            if not 0.0 <= arguments[0] <= 100.0:
                raise self.fail(f"A percentile is from 0 to 100; found {arguments[0]:g}.", begin)
        words, stars = self.condition(token)
        self.expect(")", f"to close the arguments of {name}")
        return self.of_stars(name, value, stars, words, token, *arguments)

    def extreme(self, name: str, value: Parsed, token: Token, stars: Selection | None = None) -> Formula:
        """The smallest or the largest value of all stars, or of some."""
        assert isinstance(value, Formula)
        return self.of_stars(name, value, stars, "" if stars is None else ", …", token)

    def of_stars(
        self, name: str, value: Formula, stars: Selection | None, words: str, token: Token, *arguments: float
    ) -> Formula:
        """The number of an aggregate, which is reported."""

        def compute() -> tuple[float, int]:
            values = self.known_values(value, stars, token)
            return aggregated({**AGGREGATES, **EXTREMES}[name], values, *arguments), values.size

        result, size = self.vocabulary.once((name, value.text, arguments), stars, compute)
        given = "".join(f", {item:g}" for item in arguments)
        self.note(f"{name}({value.text}{given}{words}) = {result:.6g}, of {size:,} stars")
        return number(result)

    def known_values(self, value: Formula, stars: Selection | None, token: Token) -> NDArray[Any]:
        """Finite values of all stars, or of some."""
        if self.vocabulary.table is None:
            raise self.fail(f"{token.text} needs the stars of a catalogue, and there are none here.", token)
        try:
            return known_values(value, self.vocabulary.table, None if stars is None else self.vocabulary.rows(stars))
        except SelectionError as error:
            raise self.fail(str(error), token) from error

    def ranked_first(self, name: str, token: Token) -> Parsed:
        """The stars with the largest or the smallest values: those up to the value of the last of them."""
        self.expect("(", f"after {name}")
        value = self.number(self.deeper(self.sum), f"The first argument of {name}")
        self.expect(",", f"and a number of stars in {name}(value, number)")
        begin = self.token
        count = self.constant(self.number(self.deeper(self.sum), "The number of stars"), begin)
        if not (count.is_integer() and count >= 1):
            raise self.fail(f"A number of stars is a whole number from 1; found {count:g}.", begin)
        _, stars = self.condition(token)
        self.expect(")", f"to close the arguments of {name}")

        def compute() -> tuple[float, int]:
            values = self.known_values(value, stars, token)
            return threshold(values, int(min(count, values.size)), largest=name == "top"), values.size

        limit, _ = self.vocabulary.once((name, value.text, count), stars, compute)
        sign = ">=" if name == "top" else "<="
        self.note(f"{name} {count:g} by {value.text}: {sign} {limit:.6g}")
        condition = Comparison(value, sign, number(limit))
        return condition if stars is None else stars & self.truth(condition, token, "This part")

    def ranked(self, left: Formula, right: Formula) -> tuple[Formula, Formula]:
        """Both sides of a comparison, with a percentage of stars as the value that has it."""
        if isinstance(right, Rank):
            right, left = self.ranked(right, left)
        if isinstance(left, Rank) and not isinstance(right, Rank) and not right.names:
            percent = self.constant(right, left.token)
            if not 0.0 <= percent <= 100.0:
                raise self.fail(f"A percentile is from 0 to 100; found {percent:g}.", left.token)
            self.ranks.remove(left)
            return left.inner, self.of_stars("percentile", left.inner, None, "", left.token, percent)
        return left, right

    def expect_ranks_compared(self) -> None:
        """Refuse a percentage of stars that is not compared with a number."""
        for rank in self.ranks:
            raise self.fail(
                "percentile(value) is compared with a number: percentile(value) > 99. "
                "Write percentile(value, 99) for the value itself.",
                rank.token,
            )


def _range(name: str, low: float, high: float) -> InRange:
    """The range of a column; a cyclic one may pass through zero."""
    period = PERIODS.get(name)
    if period is not None and low > high and np.isfinite(low - high):
        high += period * float(np.ceil((low - high) / period))
    return InRange(name, low, high)


def bits_of(parsed: Parsed) -> int | None:
    """The bits that a number or names of quality bits mean; None for anything else."""
    if isinstance(parsed, HasFlag):
        return int(parsed.flag)
    if isinstance(parsed, Joined):
        bits = [bits_of(parsed.first), *(bits_of(part) for _, part in parsed.then)]
        if any(by is not Joint.OR for by, _ in parsed.then) or None in bits:
            return None
        return int(sum({1 << at for at in range(63) for item in bits if item is not None and item >> at & 1}))
    if isinstance(parsed, Formula) and not parsed.names and not is_text(parsed) and not is_angle(parsed):
        value = float(parsed.value({}))
        return int(value) if value.is_integer() and 0 <= value < 2**53 else None
    return None
