"""Words, numbers and signs of an expression, and errors with their place in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from explorer.model.selection import SelectionError

MAX_CHARACTERS = 4_000

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"""|(?P<text>"[^"]*"|'[^']*')|(?P<sign><=|>=|==|!=|\*\*|[-+*/()<>=&|^~!,]))"""
)
_SPACE = re.compile(r"\s*")


class ExpressionError(SelectionError):
    """An expression cannot be read.

    Parameters
    ----------
    message : str
        The problem and the remedy.
    start, end : int
        The place in the text, in characters.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = max(end, start + 1)


@dataclass(frozen=True)
class Token:
    """A number, name, text or sign of an expression, and its place in characters."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Split an expression; the last token is its end.

    Raises
    ------
    ExpressionError
        If it is too long, or a character has no meaning.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            f"This expression has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read. Use a member list.",
            MAX_CHARACTERS,
            len(text),
        )
    result, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
            if at == len(text):
                break
            hint = " Close the quotation." if text[at] in "\"'" else ""
            raise ExpressionError(f"The character {text[at]!r} has no meaning here.{hint}", at, at + 1)
        result.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup), match.end()))
        at = match.end()
    return [*result, Token("end", "", len(text), len(text))]
