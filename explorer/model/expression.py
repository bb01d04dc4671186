"""Expressions such as ``teff < 3800 & abs(z_gal) > 5 & not LOW_SNR`` as selections.

A recursive-descent parser over a small grammar; nothing is ever evaluated as Python::

    either     = both { ("or" | "|" | "xor" | "^") both }
    both       = negation { ("and" | "&") negation }
    negation   = ("not" | "~" | "!") negation | comparison
    comparison = sum [ compare sum [ compare sum ] ]
    sum        = product { ("+" | "-") product }
    product    = sign { ("*" | "/") sign }
    sign       = ("-" | "+") sign | power
    power      = atom [ "**" sign ]
    atom       = number | "text" | column | bit | subset | function "(" arguments ")" | "(" either ")"

Comparisons bind closer than ``&``, as people write them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import ClassVar, TypeAlias

import numpy as np

from explorer.model.formula import FUNCTIONS, Call, ColumnValue, Comparison, Constant, Formula
from explorer.model.selection import (
    Columns,
    HasFlag,
    InCone,
    InRange,
    Joint,
    Mask,
    Named,
    Selection,
    SelectionError,
    column_of,
    joined,
)
from explorer.model.tokens import ExpressionError, Token, tokens_of
from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME, PERIODS, column
from pipeline.domain.flags import QualityFlag
from pipeline.domain.own_columns import is_own_name

MAX_DEPTH = 30
WORDS = {"and": "both hold", "or": "at least one holds", "xor": "exactly one holds", "not": "does not hold"}
CONDITIONS = {
    "between": "between(column, low, high): low and high included; a longitude from 350 to 10 runs over 0",
    "known": "known(value): has a value",
    "cone": "cone(ra, dec, radius): within a circle on the sky, in degrees",
}
FLAGS: dict[str, QualityFlag] = {str(flag.name): flag for flag in QualityFlag}

_LARGEST_INTEGER = 2**63 - 1
_JOINTS = {"and": Joint.AND, "&": Joint.AND, "or": Joint.OR, "|": Joint.OR, "xor": Joint.XOR, "^": Joint.XOR}
_COMPARE = ("<", "<=", ">", ">=", "==", "!=", "=")

_DECLARED = {name: item.dtype for name, item in BY_NAME.items()}

Parsed: TypeAlias = Selection | Formula


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
        _comparisons(self.text, self.own)

    def mask(self, columns: Columns) -> Mask:
        """True where the comparison is true; False where a value is missing."""
        rows = np.ones(column_of(columns, "obsid").shape, np.bool_)
        for comparison in _comparisons(self.text, self.own):
            rows &= comparison.mask(columns)
        return rows


def parse(text: str, columns: Iterable[str | Column], subsets: Mapping[str, Selection] | None = None) -> Selection:
    """Parse an expression.

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
    known = (column(item) if isinstance(item, str) else item for item in columns)
    parser = _Parser(text, {item.name: item.dtype for item in known}, subsets or {})
    begin = parser.token
    result = parser.either()
    parser.expect_end()
    return parser.truth(result, begin, "An expression")


@lru_cache(maxsize=512)
def _comparisons(text: str, own: tuple[tuple[str, str], ...]) -> tuple[Comparison, ...]:
    for name, _ in own:
        if not is_own_name(name):
            raise ExpressionError(f"{name!r:.80} cannot name a column of your own.", 0, len(text))
    parser = _Parser(text, {**_DECLARED, **dict(own)}, {})
    parts = parser.chain()
    parser.expect_end()
    if isinstance(parts, Formula):
        raise ExpressionError(f"{text!r} compares nothing. Write it as in `teff < 3800`.", 0, len(text))
    return parts


class _Parser:
    """Parser of one expression; each method parses one rule of the grammar."""

    def __init__(self, text: str, columns: Mapping[str, str], subsets: Mapping[str, Selection]) -> None:
        self.text, self.columns, self.subsets = text, columns, subsets
        self.tokens = tokens_of(text)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self, *signs: str) -> Token | None:
        """Return the next token if it is one of ``signs``, else None."""
        token = self.token
        if token.kind not in ("text", "number") and token.text.lower() in signs and token.kind != "end":
            self.at += 1
            return token
        return None

    def fail(self, message: str, token: Token | None = None) -> ExpressionError:
        place = token or self.token
        return ExpressionError(message, place.start, place.end)

    def expect(self, sign: str, why: str) -> None:
        if self.take(sign) is None:
            result = repr(self.token.text) if self.token.text else "the end"
            raise self.fail(f"Expected {sign!r} {why}; found {result}.")

    def expect_end(self) -> None:
        if self.token.kind == "name" and self.at and self.tokens[self.at - 1].kind == "number":
            raise self.fail(f"Numbers are in the unit of their column; leave {self.token.text!r} out.")
        if self.token.kind != "end":
            raise self.fail(
                f"Expected the end, a comparison or `and`, `or`, `xor`; found {self.token.text!r}. "
                "Join conditions by `and` or `&`."
            )

    def truth(self, result: Parsed, begin: Token, what: str, last: int = -1) -> Selection:
        """What was read since ``begin``, up to ``last`` tokens from here, which must be true or false."""
        if isinstance(result, Selection):
            return result
        end = max(self.tokens[self.at + last].end, begin.end)
        shown = self.text[begin.start : end].strip()
        raise ExpressionError(
            f"{what} must be true or false; {shown!r} is a value. Compare it, as in `teff < 3800`.", begin.start, end
        )

    def either(self) -> Parsed:
        return self.series(self.both, ("or", "|", "xor", "^"))

    def both(self) -> Parsed:
        return self.series(self.negation, ("and", "&"))

    def series(self, rule: Callable[[], Parsed], signs: tuple[str, ...]) -> Parsed:
        begin = self.token
        left = rule()
        while (word := self.take(*signs)) is not None:
            known = self.truth(left, begin, f"The part before {word.text!r}", -2)
            start = self.token
            right = self.truth(rule(), start, f"The part after {word.text!r}")
            left = joined(known, _JOINTS[word.text.lower()], right)
        return left

    def negation(self) -> Parsed:
        word = self.take("not", "~", "!")
        if word is None:
            return self.comparison()
        begin = self.token
        return ~self.truth(self.deeper(self.negation)(), begin, f"The part after {word.text!r}")

    def deeper(self, rule: Callable[[], Parsed]) -> Callable[[], Parsed]:
        """Apply a rule one level deeper; too many levels are refused."""

        def run() -> Parsed:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.fail(f"Brackets and signs are nested more than {MAX_DEPTH} deep. Name a part as a subset.")
            try:
                return rule()
            finally:
                self.depth -= 1

        return run

    def comparison(self) -> Parsed:
        begin = self.token.start
        first = self.sum()
        if isinstance(first, Selection):
            return first
        chain = self._chain_from(first)
        if isinstance(chain, Formula):
            if isinstance(chain, ColumnValue) and self.columns[chain.name] == "bool":
                return self.matches(f"{chain.name} == 1", chain)
            return chain
        formulas = [part for item in chain for part in (item.left, item.right)]
        return self.matches(self.text[begin : self.tokens[self.at - 1].end].strip(), *formulas)

    def matches(self, text: str, *formulas: Formula) -> Matches:
        """A comparison of formulas, which knows the types of the user's own columns in it."""
        names = frozenset().union(*(item.names() for item in formulas))
        return Matches(text, tuple((name, self.columns[name]) for name in sorted(names) if name not in BY_NAME))

    def chain(self) -> tuple[Comparison, ...] | Formula:
        """One comparison, or two in a chain as in ``0 < x < 1``."""
        first = self.sum()
        if isinstance(first, Selection):
            raise self.fail("Expected a comparison of values.")
        return self._chain_from(first)

    def _chain_from(self, left: Formula) -> tuple[Comparison, ...] | Formula:
        result: list[Comparison] = []
        while (sign := self.take(*_COMPARE)) is not None:
            right = self.value(self.sum, f"The part after {sign.text!r}")
            self._check_texts(left, right, sign)
            result.append(Comparison(left, "==" if sign.text == "=" else sign.text, right))
            left = right
        return tuple(result) or left

    def _check_texts(self, left: Formula, right: Formula, sign: Token) -> None:
        texts = [_is_text(left), _is_text(right)]
        if any(texts) and not all(texts):
            raise self.fail("Text can only be compared with text. Put words in quotation marks.", sign)
        if all(texts) and sign.text not in ("=", "==", "!="):
            raise self.fail(f"Text can be equal or not; {sign.text!r} has no meaning for it.", sign)

    def value(self, rule: Callable[[], Parsed], what: str) -> Formula:
        """Parse something that must have a value."""
        begin = self.token
        result = rule()
        if isinstance(result, Selection):
            raise self.fail(f"{what} must be a value; {begin.text!r} is true or false.", begin)
        return result

    def number(self, rule: Callable[[], Parsed], what: str) -> Formula:
        """Parse something that must be a number."""
        begin = self.token
        result = self.value(rule, what)
        if _is_text(result):
            raise self.fail(f"{what} must be a number; found text.", begin)
        return result

    def sum(self) -> Parsed:
        return self.arithmetic(self.product, ("+", "-"))

    def product(self) -> Parsed:
        return self.arithmetic(self.sign, ("*", "/"))

    def arithmetic(self, rule: Callable[[], Parsed], signs: tuple[str, ...]) -> Parsed:
        begin = self.token
        left = rule()
        while (sign := self.take(*signs)) is not None:
            if isinstance(left, Selection) or _is_text(left):
                raise self.fail(f"The part before {sign.text!r} must be a number.", begin)
            left = Call(sign.text, (left, self.number(rule, f"The part after {sign.text!r}")))
        return left

    def sign(self) -> Parsed:
        sign = self.take("-", "+")
        if sign is None:
            return self.power()
        inner = self.number(self.deeper(self.sign), f"The part after {sign.text!r}")
        return Call("-", (Constant(0.0), inner)) if sign.text == "-" else inner

    def power(self) -> Parsed:
        begin = self.token
        base = self.atom()
        if (sign := self.take("**")) is None:
            return base
        if isinstance(base, Selection) or _is_text(base):
            raise self.fail("The part before '**' must be a number.", begin)
        return Call("**", (base, self.number(self.deeper(self.sign), f"The part after {sign.text!r}")))

    def atom(self) -> Parsed:
        token = self.token
        if token.kind == "number":
            self.at += 1
            whole = token.text.isdigit() and int(token.text) <= _LARGEST_INTEGER
            return Constant(int(token.text) if whole else float(token.text))
        if token.kind == "text":
            self.at += 1
            return Constant(token.text[1:-1])
        if self.take("(") is not None:
            inner = self.deeper(self.either)()
            self.expect(")", f"for the bracket that opens at character {token.start + 1}")
            return inner
        if token.kind == "name" and token.text.lower() not in WORDS:
            self.at += 1
            return self.named(token)
        result = repr(token.text) if token.text else "the end"
        raise self.fail(f"Expected a column, a number or a bracket; found {result}.")

    def named(self, token: Token) -> Parsed:
        """Resolve a name: a function, a column, a quality bit or a subset."""
        name = token.text
        if self.token.text == "(" and (name in FUNCTIONS or name in CONDITIONS):
            return self.call(token)
        if name.lower() in self.columns:
            return ColumnValue(name.lower(), self.columns[name.lower()] == "str")
        if name in self.subsets:
            return Named(name, self.subsets[name])
        if name.upper() in FLAGS:
            return HasFlag(FLAGS[name.upper()])
        if name in FUNCTIONS or name in CONDITIONS:
            raise self.fail(f"{name} is a function: write {name}(...).", token)
        known = [*self.columns, *self.subsets, *FLAGS, *FUNCTIONS, *CONDITIONS]
        near = get_close_matches(name[:40], known, n=1)
        if name.lower() in ("nan", "inf", "infinity"):
            raise self.fail(f"{name} is no number. Give one, or ask for known(...) values.", token)
        if name in BY_NAME:
            raise self.fail(f"This catalogue has no values of {name}.", token)
        hint = f" Did you mean {near[0]!r}?" if near else " Columns are listed under About."
        raise self.fail(f"There is no column, bit, subset or function {name!r}.{hint}", token)

    def call(self, token: Token) -> Parsed:
        name = token.text
        self.expect("(", f"after {name}")
        starts, arguments = [], []
        while True:
            starts.append(self.token)
            arguments.append(self.number(self.deeper(self.sum), f"An argument of {name}"))
            if self.take(",") is None:
                break
        self.expect(")", f"to close the arguments of {name}")
        fewest, most = FUNCTIONS[name].arguments if name in FUNCTIONS else ((1, 1) if name == "known" else (3, 3))
        if not fewest <= len(arguments) <= most:
            raise self.fail(f"{name} takes {fewest} argument{'s' * (fewest > 1)}; found {len(arguments)}.", token)
        if name in FUNCTIONS:
            return Call(name, tuple(arguments))
        source = [self.text[start.start : end].strip() for start, end in self._spans(starts)]
        if name == "known":
            return self.matches(f"({source[0]}) == ({source[0]})", *arguments)
        if name == "cone":
            centre = [self.constant(part, start) for part, start in zip(arguments, starts, strict=True)]
            return self._cone(centre, token)
        if isinstance(arguments[0], ColumnValue):
            low, high = (self.constant(part, start) for part, start in zip(arguments[1:], starts[1:], strict=True))
            return _range(arguments[0].name, low, high)
        return self.matches(f"({source[1]}) <= ({source[0]}) <= ({source[2]})", *arguments)

    def _spans(self, starts: list[Token]) -> list[tuple[Token, int]]:
        ends = [self.tokens[self.tokens.index(start) - 1].start for start in starts[1:]]
        return list(zip(starts, [*ends, self.tokens[self.at - 1].start], strict=True))

    def _cone(self, centre: list[float], token: Token) -> Selection:
        try:
            return InCone(*centre)
        except SelectionError as error:
            raise self.fail(str(error), token) from error

    def constant(self, formula: Formula, token: Token) -> float:
        """The value of a formula without columns."""
        try:
            value = float(np.asarray(formula.value({})))
        except SelectionError:
            raise self.fail("Expected a number here, not a column.", token) from None
        if np.isnan(value):
            raise self.fail("Expected a number here; this part has no value, like 1/0.", token)
        return value


def _range(name: str, low: float, high: float) -> InRange:
    """The range of a column; a cyclic one may pass through zero."""
    period = PERIODS.get(name)
    if period is not None and low > high and np.isfinite(low - high):
        high += period * float(np.ceil((low - high) / period))
    return InRange(name, low, high)


def _is_text(formula: Formula) -> bool:
    if isinstance(formula, Constant):
        return isinstance(formula.constant, str)
    return isinstance(formula, ColumnValue) and formula.is_text
