"""Columns that selections use."""

from __future__ import annotations

from explorer.model.definitions import inside
from explorer.model.expression import Matches
from explorer.model.selection import Selection

_FIELDS = ("column", "x", "y")
"""Fields of selections that name a column."""


def columns_of(selection: Selection) -> frozenset[str]:
    """Names of the columns that a selection uses, in its subsets too."""
    names: set[str] = set()
    waiting, seen = [selection], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        waiting += inside(part)
        names |= part.names if isinstance(part, Matches) else {getattr(part, name, "") for name in _FIELDS}
    return frozenset(names - {""})
