"""Columns that selections use."""

from __future__ import annotations

from explorer.model.definitions import inside
from explorer.model.expression import Matches
from explorer.model.selection import InProjection, Selection

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
        names |= _names_of(part)
    return frozenset(names - {""})


def _names_of(part: Selection) -> frozenset[str]:
    if isinstance(part, Matches):
        return part.names
    if isinstance(part, InProjection):
        return frozenset(part.plane.names)
    return frozenset(getattr(part, name, "") for name in _FIELDS)
