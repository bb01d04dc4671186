"""Escaping of texts in CSV files that spreadsheets would read as formulas."""

from __future__ import annotations

import re

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""Beginnings of formulas, also in full-width characters and after apostrophes."""

_HARMLESS = re.compile(r"[+\-]+|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def shielded(text: str) -> str:
    """Prefix a text with an apostrophe if a spreadsheet would read it as a formula.

    Numbers, also those that are written as text, and signs alone are left as they are, as nothing is computed of them.
    """
    return f"'{text}" if _FORMULA.match(text) and not _HARMLESS.fullmatch(text) else text


def unshielded(text: str) -> str:
    """The inverse of :func:`shielded`."""
    return text[1:] if text.startswith("'") and shielded(text[1:]) == text else text
