"""Words, numbers and signs of an expression, and errors with their place in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from explorer.model.selection import SelectionError

MAX_CHARACTERS = 4_000

_TOKEN = re.compile(
    r"(?:\s|#[^\n]*+)*+(?:"
    r"(?P<angle>\d+:\d+(?::\d+(?:\.\d*)?)?|\d+[hd]\d+m(?:\d+(?:\.\d*)?s)?(?!\w))"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*|°|\[[^\W\d][^\[\],'\"`]*\])"
    r"""|(?P<text>"[^"]*"|'[^']*')|(?P<quoted>`[^`]*`)"""
    r"|(?P<sign>&&|\|\||<=|>=|==|!=|<>|\*\*|[-+*/%()<>=&|^~!,\[\]≤≥≠−]))"
)
_SPACE = re.compile(r"(?:\s|#[^\n]*+)*+")
_WRITTEN = {"&&": "&", "||": "|", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!=", "−": "-"}
"""Other spellings of signs."""

_UNREADABLE = {
    ";": "Write one expression, with its conditions joined by `and` or `&`.",
    ".": "Texts have no methods here. Compare the beginning of a text with like(class, 'M%').",
    '"': "Close the quotation.",
    "'": "Close the quotation.",
    "`": "Close the backticks around the name.",
    "$": "Columns are written by their names alone.",
    "?": "There are no `? :` choices. Join conditions by `and`, `or` and `not`.",
}
"""Remedies for characters without a meaning."""


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


def tokens_of(text: str, most: int = MAX_CHARACTERS) -> list[Token]:
    """Split an expression without its comments; the last token is its end.

    Raises
    ------
    ExpressionError
        If it is too long, or a character has no meaning.
    """
    if len(text) > most:
        raise ExpressionError(
            f"This expression has {len(text):,} characters; at most {most:,} are read. Use a member list.",
            most,
            len(text),
        )
    result, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
            if at == len(text):
                break
            hint = f" {_UNREADABLE[text[at]]}" if text[at] in _UNREADABLE else ""
            raise ExpressionError(f"The character {text[at]!r} has no meaning here.{hint}", at, at + 1)
        kind, written = match.lastgroup, match[match.lastgroup]
        result.append(Token(kind, _WRITTEN.get(written, written), match.start(kind), match.end()))
        at = match.end()
    return [*result, Token("end", "", len(text), len(text))]
