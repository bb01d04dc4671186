"""Expressions such as ``teff < 3800 & abs(z_gal) > 5 & not LOW_SNR`` as selections.

A recursive-descent parser over a small grammar; nothing is ever evaluated as Python::

    either     = both { ("or" | "|" | "||" | "xor" | "^") both }
    both       = negation { ("and" | "&" | "&&") negation }
    negation   = ("not" | "~" | "!") negation | comparison
    comparison = sum [ compare sum [ compare sum ] ] | sum ["not"] ( set | "between" sum "and" sum | "like" "text" )
               | column "&" bits [ compare sum ] | sum ("==" | "!=") "NaN" | sum "is" ["not"] "null"
    set        = "in" ( "(" sum { "," sum } ")" | "[" sum { "," sum } "]" )
    sum        = product { ("+" | "-") product }
    product    = sign { ("*" | "/" | "%") sign }
    sign       = ("-" | "+") sign | power
    power      = atom [ ("**" | "^") sign ]
    atom       = number [ unit ] | angle | "text" | name | `name` | function "(" arguments ")" | "(" either ")"

Comparisons bind closer than ``&``, as people write them. ``^`` is a power between numbers and an exclusive or between
conditions. A comparison is stored as the text of what was understood: synonyms, units and aggregates such as
``mean(m_h)`` are written out as names of columns and numbers, so that it keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from explorer.model.calls import CONDITIONS, CallParser, bits_of
from explorer.model.comparison import Comparison, Condition, Member, any_bit, known
from explorer.model.formula import Bits, ColumnValue, Constant, Formula, is_text
from explorer.model.selection import (
    Columns,
    Everything,
    Joint,
    Mask,
    Nothing,
    Selection,
    joined,
)
from explorer.model.tokens import ExpressionError, Token
from explorer.model.units import Unit
from explorer.model.value_parser import Parsed
from explorer.model.vocabulary import FLAGS, Names, Vocabulary
from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME, COLUMNS
from pipeline.domain.own_columns import OWN_DTYPES, OWN_GROUP, is_own_name

__all__ = ["CONDITIONS", "FLAGS", "WORDS", "ExpressionError", "Matches", "parse", "read", "read_value"]

WORDS = {"and": "both hold", "or": "at least one holds", "xor": "exactly one holds", "not": "does not hold"}

_JOINTS = {"and": Joint.AND, "&": Joint.AND, "or": Joint.OR, "|": Joint.OR, "xor": Joint.XOR, "^": Joint.XOR}
_COMPARE = ("<", "<=", ">", ">=", "==", "!=", "=")
_INTEGERS = ("int16", "int32", "int64")


@dataclass(frozen=True)
class Matches(Selection):
    """Stars for which a comparison of columns and numbers is true.

    Parameters
    ----------
    text : str
        The comparison, without ``and``, ``or``, ``not`` and names of subsets.
    own : tuple of (str, str)
        Names and types of the user's own columns in it: what else it names is declared.
    """

    text: str
    own: tuple[tuple[str, str], ...] = ()
    kind: ClassVar[str] = "matches"

    def __post_init__(self) -> None:
        """Refuse a formula that is not a comparison."""
        _condition(self.text, self.own)

    def mask(self, columns: Columns) -> Mask:
        """True where the comparison is true; False where a value is missing."""
        return _condition(self.text, self.own).mask(columns)

    @property
    def names(self) -> frozenset[str]:
        """Columns that it uses."""
        return _condition(self.text, self.own).names


@dataclass(frozen=True)
class Reading:
    """An expression that was understood.

    Parameters
    ----------
    selection : Selection
        The same algebra that gestures make.
    notes : tuple of str
        How units, names and functions were understood, where that is not obvious.
    """

    selection: Selection
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ValueReading:
    """A value for each star that was understood.

    Parameters
    ----------
    formula : Formula
        The value, with units and synonyms written out.
    unit : astropy unit or Unitless
        Its unit, where each part has one.
    notes : tuple of str
        How units, names and functions were understood, where that is not obvious.
    """

    formula: Formula
    unit: Unit
    notes: tuple[str, ...]


def parse(text: str, columns: Iterable[str | Column], subsets: Mapping[str, Selection] | None = None) -> Selection:
    """Parse an expression without aggregates; see :func:`read`.

    Parameters
    ----------
    text : str
        The expression.
    columns : iterable of str or Column
        Columns that it may name: declared ones by name, the user's own by their description.
    subsets : mapping of str to Selection, optional
        Named subsets that it may name.

    Returns
    -------
    Selection
        The same algebra that gestures make.

    Raises
    ------
    ExpressionError
        With the place, what was found and the remedy.
    """
    return read(text, Vocabulary(Names(columns), subsets or {})).selection


def read(text: str, vocabulary: Vocabulary) -> Reading:
    """Parse an expression, and report how it was understood.

    Parameters
    ----------
    text : str
        The expression.
    vocabulary : Vocabulary
        What it may name, and the stars of its aggregates.

    Raises
    ------
    ExpressionError
        With the place, what was found and the remedy.
    """
    parser = _Parser(text, vocabulary)
    begin = parser.token
    result = parser.either()
    parser.expect_end()
    return Reading(parser.truth(result, begin, "An expression"), tuple(parser.notes))


def read_value(text: str, vocabulary: Vocabulary) -> ValueReading:
    """Parse a number for each star, such as ``sqrt(v_r^2 + v_z^2)``; see :func:`read`.

    Raises
    ------
    ExpressionError
        With the place, what was found and the remedy; also for a condition, and a value that is the same for all stars.
    """
    parser = _Parser(text, vocabulary)
    begin = parser.token
    result = parser.either()
    parser.expect_end()
    if not isinstance(result, Formula) or parser.is_truth(result):
        raise parser.fail("This is true or false for each star. Give a number, or name a subset instead.", begin)
    if is_text(result):
        raise parser.fail("This is text. Give a number, as in `j_z / j_tot`.", begin)
    if not result.names:
        raise parser.fail("This is the same for all stars. Name at least one column.", begin)
    return ValueReading(result, parser.units.of(result), tuple(parser.notes))


@lru_cache(maxsize=512)
def _condition(text: str, own: tuple[tuple[str, str], ...]) -> Condition:
    columns = list(COLUMNS)
    for name, dtype in own:
        if not is_own_name(name) or dtype not in OWN_DTYPES:
            raise ExpressionError(f"{name!r:.80} cannot name a column of your own.", 0, len(text))
        columns.append(Column(name, dtype, "", "", name, "", OWN_GROUP, origin="a table"))
    parser = _Parser(text, Vocabulary(Names(columns, exact=True)))
    result = parser.comparison()
    parser.expect_end()
    if not isinstance(result, Condition):
        raise ExpressionError(f"{text!r} compares nothing. Write it as in `teff < 3800`.", 0, len(text))
    return result


class _Parser(CallParser):
    """Parser of one expression: the part of the grammar that is true or false."""

    def expect_end(self) -> None:
        """Refuse what follows a whole expression, and ranks that are not compared."""
        if self.token.kind != "end":
            raise self.fail(
                f"Expected the end, a comparison or `and`, `or`, `xor`; found {self.token.text!r}. "
                "Join conditions by `and` or `&`."
            )
        self.expect_ranks_compared()

    def truth(self, result: Parsed, begin: Token, what: str, last: int = -1) -> Selection:
        """What was read since ``begin``, up to ``last`` tokens from here, which must be true or false."""
        if isinstance(result, Selection):
            return result
        if isinstance(result, Formula) and self.is_truth(result):
            if isinstance(result, Constant):
                return Everything() if result.constant else Nothing()
            result = any_bit(result) if isinstance(result, Bits) else Comparison(result, "==", Constant(1))
        end = max(self.tokens[self.at + last].end, begin.end)
        if isinstance(result, Condition):
            return self.matches(result, begin, end)
        shown = self.text[begin.start : end].strip()
        remedy = "Compare it, as in `teff < 3800`."
        if is_text(result):
            remedy = "Compare it, as in `subclass == 'M5'`."
            if isinstance(result, Constant) and result.constant in self.vocabulary.subsets:
                remedy = f"Write the subset in backticks: `{result.constant}`."
        raise ExpressionError(f"{what} must be true or false; {shown!r} is a value. {remedy}", begin.start, end)

    def matches(self, condition: Condition, begin: Token, end: int) -> Matches:
        """A condition as a selection, which knows the types of the user's own columns in it."""
        own = tuple((name, self.names.columns[name].dtype) for name in sorted(condition.names) if name not in BY_NAME)
        try:
            return Matches(condition.text, own)
        except ExpressionError as error:
            raise ExpressionError(f"This comparison is too long: {error}", begin.start, end) from error

    def either(self) -> Parsed:
        return self.series(self.both, ("or", "|", "xor", "^"))

    def both(self) -> Parsed:
        return self.series(self.negation, ("and", "&"))

    def series(self, rule: Callable[[], Parsed], signs: tuple[str, ...]) -> Parsed:
        begin = self.token
        left = rule()
        while (word := self.take(*signs)) is not None:
            before = self.truth(left, begin, f"The part before {word.text!r}", -2)
            start = self.token
            right = self.truth(rule(), start, f"The part after {word.text!r}")
            left = joined(before, _JOINTS[word.text.lower()], right)
        return left

    def negation(self) -> Parsed:
        word = self.take("not", "~", "!")
        if word is None:
            return self.comparison()
        begin = self.token
        return ~self.truth(self.deeper(self.negation)(), begin, f"The part after {word.text!r}")

    def comparison(self) -> Parsed:
        """One comparison, or two in a chain as in ``0 < x < 1``; a value without one."""
        begin = self.token
        first = self.sum()
        if not isinstance(first, Formula):
            return self.compared_truth(first, begin)
        if self.is_integer(first) and self.token.text == "&":
            first = self.bits(first)
        return self.after_value(first, begin) or self.chain(first, begin)

    def is_integer(self, formula: Formula) -> bool:
        """Whether a formula is a column of whole numbers."""
        return isinstance(formula, ColumnValue) and self.names.columns[formula.name].dtype in _INTEGERS

    def compared_truth(self, first: Selection | Condition, begin: Token) -> Parsed:
        """A condition, perhaps compared with True or False."""
        following = self.tokens[self.at + 1].text.lower() if self.token.kind != "end" else ""
        if self.token.text not in ("==", "=", "!=") or following not in ("true", "false", "1", "0"):
            return first
        result = self.truth(first, begin, "This part")
        equal = self.take("==", "=") is not None
        self.at += 1 if equal else 2
        return result if equal == (following in ("true", "1")) else ~result

    def bits(self, column: Formula) -> Bits:
        """Bits of a column: a whole number, or names of quality bits."""
        assert isinstance(column, ColumnValue)
        self.at += 1
        begin = self.token
        bits = bits_of(self.sum())
        if bits is None:
            raise self.fail(f"Bits of {column.name} are a whole number, as in `{column.name} & 8 == 0`.", begin)
        return Bits(column, bits)

    def after_value(self, left: Formula, begin: Token) -> Parsed | None:
        """A set, an interval, a pattern or a missing value after a value; None where none follows."""
        at = self.at
        inverse = self.take("not", "!", "~") is not None
        if (word := self.take("in", "between", "like")) is not None:
            result = {"in": self.member, "between": self.between, "like": self.like}[word.text.lower()](left, word)
        elif (word := self.take("is")) is not None and not inverse:
            inverse = self.take("not") is None
            if self.take("null", "nan") is None:
                raise self.fail("Expected `null` after `is`.")
            result = known(left, is_text=is_text(left))
        else:
            self.at = at
            return None
        return ~self.truth(result, begin, "This part") if inverse else result

    def member(self, left: Formula, word: Token) -> Condition:
        """A set of values after ``in``."""
        closing = ")" if self.take("(") else "]"
        if closing == "]":
            self.expect("[", f"after {word.text}, or '(': a set of values")
        values: list[float | int | str] = []
        while True:
            begin = self.token
            item = self.value(self.deeper(self.sum), "A value of a set")
            left, item = self.matched(left, item, begin)
            if is_text(item) != is_text(left):
                raise self.fail(f"{left.text} is {'text' if is_text(left) else 'a number'}; this is not.", begin)
            plain = isinstance(item, Constant) and not isinstance(item.constant, bool)
            values.append(item.constant if plain and isinstance(item, Constant) else self.constant(item, begin))
            if self.take(",") is None:
                break
        self.expect(closing, f"to close the set after {word.text}")
        if len(values) == 2 and not is_text(left) and not self.is_integer(left):
            self.note(f"in (…) is a set: one of {len(values)} values; write between for a range")
        return Member(left, tuple(values))

    def between(self, left: Formula, word: Token) -> Parsed:
        """An interval after ``between``."""
        starts = [self.token]
        low = self.number(self.sum, "The lower end")
        self.expect("and", f"between the ends of {word.text}")
        starts.append(self.token)
        high = self.number(self.sum, "The upper end")
        return self.interval(left, low, high, starts)

    def like(self, left: Formula, word: Token) -> Parsed:
        """A pattern after ``like``."""
        pattern = self.value(self.sum, "A pattern")
        return self.pattern(left, pattern, word)

    def chain(self, left: Formula, begin: Token) -> Parsed:
        """Comparisons after a value; the value itself without one."""
        parts: list[Comparison] = []
        while (sign := self.take(*_COMPARE)) is not None:
            if not parts and self.token.text.lower() in ("nan", "null") and self.token.text not in self.names:
                return self.missing(left, sign, begin)
            right = self.value(self.sum, f"The part after {sign.text!r}")
            if self.is_integer(right) and self.token.text == "&" and not parts:
                right = self.bits(right)
            parts.append(self.compared(left, sign, right))
            left = parts[-1].right
            self.check_direction(parts, sign)
        if not parts:
            return left
        return parts[0] if len(parts) == 1 else self.chained(parts)

    def missing(self, left: Formula, sign: Token, begin: Token) -> Parsed:
        """A comparison with NaN, which asks whether there is a value."""
        if sign.text not in ("==", "=", "!="):
            raise self.fail("NaN is neither larger nor smaller than a number. Ask for isnan(...) values.", sign)
        self.at += 1
        self.note(f"{sign.text} NaN: {'has a' if sign.text == '!=' else 'has no'} value")
        there = known(left, is_text=is_text(left))
        return there if sign.text == "!=" else ~self.truth(there, begin, "This part")

    def compared(self, left: Formula, sign: Token, right: Formula) -> Comparison:
        """A comparison of two values of one kind in one unit."""
        left, right = self.ranked(left, right)
        left, right = self.matched(left, right, sign)
        texts = [is_text(left), is_text(right)]
        if any(texts) and not all(texts):
            raise self.fail("Text can only be compared with text. Put words in quotation marks.", sign)
        if all(texts) and sign.text not in ("=", "==", "!="):
            raise self.fail(f"Text can be equal or not; {sign.text!r} has no meaning for it.", sign)
        truths = [isinstance(part, Constant) and isinstance(part.constant, bool) for part in (left, right)]
        if any(truths) and not all(self.is_truth(part) for part in (left, right)):
            raise self.fail("True and False are values of columns of yes and no. Compare a number with a number.", sign)
        return Comparison(left, "==" if sign.text == "=" else sign.text, right)

    def check_direction(self, parts: list[Comparison], sign: Token) -> None:
        """Refuse a chain such as ``a < b > c``, which is rarely meant."""
        if self.stored or len(parts) == 1:
            return
        if any("!" in part.operator or part.operator[0] != parts[0].operator[0] for part in parts):
            raise self.fail(
                "A chain such as 0 < x < 1 runs in one direction. Join conditions by `and`, or by `xor` in place of ^.",
                sign,
            )
