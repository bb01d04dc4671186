"""Texts of CSV files that spreadsheet programs would compute: shielded when written, restored when read."""

from __future__ import annotations

import re

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How formulas begin, also in full-width letters; behind apostrophes, so that none of a text itself is lost."""

_HARMLESS = re.compile(r"[+\-]+|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def shielded(text: str) -> str:
    """A text with an apostrophe before it, where a spreadsheet would take it for a formula.

    Numbers, also those that are written as text, and signs alone are left as they are, as nothing is computed of them.
    """
    return f"'{text}" if _FORMULA.match(text) and not _HARMLESS.fullmatch(text) else text


def unshielded(text: str) -> str:
    """The inverse of :func:`shielded`."""
    return text[1:] if text.startswith("'") and shielded(text[1:]) == text else text
