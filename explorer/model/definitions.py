"""Selections made of named ones: how large they are, and how they are stored with each definition written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from explorer.model.selection import Inverse, Joined, Joint, Named, Selection, SelectionError, from_dict

MAX_PARTS = 1_000
"""Parts of a selection when each name in it is replaced by what it stands for."""

MAX_DEPTH = 60
"""How deep these parts are nested."""

_DEFINED = "defined"


def size_of(selection: Selection, known: dict[int, tuple[int, int]] | None = None) -> tuple[int, int]:
    """Number of parts with names replaced by what they stand for, and their depth.

    Parameters
    ----------
    selection : Selection
        What is measured, in a time that grows with its distinct parts alone.
    known : dict, optional
        Sizes of parts that were measured before, by identity.
    """
    known = {} if known is None else known
    size = known.get(id(selection))
    if size is None:
        sizes = [size_of(part, known) for part in inside(selection)]
        size = (sum(count for count, _ in sizes) or 1, 1 + max((depth for _, depth in sizes), default=0))
        known[id(selection)] = size
    return size


def inside(selection: Selection) -> tuple[Selection, ...]:
    """What a selection is directly made of; () for a region."""
    if isinstance(selection, Named | Inverse):
        return (selection.inner,)
    if isinstance(selection, Joined):
        return (selection.first, *(part for _, part in selection.then))
    return ()


def check_size(selection: Selection, known: dict[int, tuple[int, int]] | None = None) -> Selection:
    """The selection itself, when it is small enough to be evaluated at every gesture.

    Raises
    ------
    SelectionError
        If it has more than :data:`MAX_PARTS` parts, or is nested deeper than :data:`MAX_DEPTH`.
    """
    parts, depth = size_of(selection, known)
    if parts > MAX_PARTS:
        raise SelectionError(
            f"This would be made of {parts:,} conditions, those of the subsets in it included; at most {MAX_PARTS:,} "
            "are taken. Use fewer or simpler subsets."
        )
    if depth > MAX_DEPTH:
        raise SelectionError(
            f"This would be made of subsets and conditions nested {depth} deep; at most {MAX_DEPTH} levels are taken. "
            "Clear the selection, or use subsets that are not made of others."
        )
    return selection


class Definitions:
    """Writes selections as plain values, what names stand for once each."""

    def __init__(self) -> None:
        self._keys: dict[int, int] = {}
        self._kept: list[Selection] = []
        self.plain: list[dict[str, Any]] = []

    def write(self, selection: Selection) -> dict[str, Any]:
        """Plain JSON-ready values; names refer to :attr:`plain` by number."""
        if isinstance(selection, Named):
            return {"kind": selection.kind, "name": selection.name, _DEFINED: self.key(selection.inner)}
        if isinstance(selection, Inverse):
            return {"kind": selection.kind, "inner": self.write(selection.inner)}
        if isinstance(selection, Joined):
            then = [[by, self.write(part)] for by, part in selection.then]
            return {"kind": selection.kind, "first": self.write(selection.first), "then": then}
        return selection.to_dict()

    def key(self, selection: Selection) -> int:
        """Number of a definition, which is written when it is asked for first."""
        key = self._keys.get(id(selection))
        if key is None:
            written = self.write(selection)
            key = self._keys[id(selection)] = len(self.plain)
            self.plain.append(written)
            self._kept.append(selection)  # so that no other object takes its identity
        return key


def read_definitions(stored: Iterable[Any]) -> list[Selection | SelectionError]:
    """What :class:`Definitions` wrote; a damaged definition is the error that says so, in its place."""
    found: list[Selection | SelectionError] = []
    for one in stored:
        try:
            found.append(read_selection(one, found))
        except SelectionError as error:
            found.append(error)
    return found


def read_selection(stored: Any, definitions: Sequence[Selection | SelectionError] = ()) -> Selection:
    """Read a selection whose names refer to definitions, or one with everything in it.

    Raises
    ------
    SelectionError
        If it is damaged, or refers to a definition that is missing, damaged or written after it.
    """
    if not isinstance(stored, Mapping):
        return from_dict(stored)
    try:
        if _DEFINED in stored:
            return Named(str(stored["name"]), definition(stored[_DEFINED], definitions))
        if stored.get("kind") == Inverse.kind:
            return Inverse(read_selection(stored["inner"], definitions))
        if stored.get("kind") == Joined.kind:
            then = tuple((Joint(by), read_selection(part, definitions)) for by, part in stored["then"])
            return Joined(read_selection(stored["first"], definitions), then)
    except SelectionError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise SelectionError(f"A stored selection is damaged ({error!r:.80}). Draw it again.") from error
    return from_dict(stored)


def definition(number: Any, definitions: Sequence[Selection | SelectionError]) -> Selection:
    """A definition by its number; SelectionError when it is missing or damaged."""
    if type(number) is not int or not 0 <= number < len(definitions):
        raise SelectionError(f"A stored selection refers to the definition {number!r:.20}, which is not there.")
    found = definitions[number]
    if isinstance(found, SelectionError):
        raise found
    return found
