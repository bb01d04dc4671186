"""Values of damaged files in the words of errors, and texts of limited length."""

from __future__ import annotations

import reprlib
from typing import Any

MAX_TEXT = 200
"""Maximum length of a stored key, such as a column's name."""

MAX_SENTENCE = 400
"""Maximum length of a sentence about a damaged part."""

_MAX_BRIEF = 60
_BRIEF = reprlib.Repr()
_BRIEF.maxdict = _BRIEF.maxlist = _BRIEF.maxtuple = 3
_BRIEF.maxlevel = 3
_BRIEF.maxstring = _BRIEF.maxlong = _BRIEF.maxother = 40


def brief(stored: Any) -> str:
    """A value for a sentence, short whatever its size and depth."""
    words = _BRIEF.repr(stored)
    return words if len(words) <= _MAX_BRIEF else f"{words[: _MAX_BRIEF - 1]}…"


def shortened(sentence: str) -> str:
    """A sentence that may quote a damaged file, at most :data:`MAX_SENTENCE` characters of it."""
    return sentence if len(sentence) <= MAX_SENTENCE else f"{sentence[: MAX_SENTENCE - 1]}…"


def text_in(stored: Any) -> str:
    """Return a stored key; TypeError or ValueError if it is no text, or too long for any."""
    if not isinstance(stored, str):
        raise TypeError(f"expected a text, found {brief(stored)}")
    if len(stored) > MAX_TEXT:
        raise ValueError(f"expected at most {MAX_TEXT} characters, found {len(stored):,}")
    return stored
