"""Selections with named parts: limits of their size, and storage with each definition written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from explorer.model.damaged import brief
from explorer.model.selection import Inverse, Joined, Joint, Named, Selection, SelectionError, from_dict

MAX_PARTS = 1_000
"""Maximum number of parts of a selection with all names expanded."""

MAX_DEPTH = 60
"""Maximum nesting depth of these parts."""

MAX_DEFINITIONS = 2_000
"""Maximum number of definitions of a state that are read; 200 subsets and the selection have a few each."""

_DEFINED = "defined"
_PART = "part"


def size_of(selection: Selection, known: dict[int, tuple[int, int]] | None = None) -> tuple[int, int]:
    """Number of parts with all names expanded, and their depth.

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
    """Direct parts of a selection; () for a region."""
    if isinstance(selection, Named | Inverse):
        return (selection.inner,)
    if isinstance(selection, Joined):
        return (selection.first, *(part for _, part in selection.then))
    return ()


def check_size(selection: Selection, known: dict[int, tuple[int, int]] | None = None) -> Selection:
    """Return a selection if it is small enough to be evaluated at each gesture.

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
            "Select all stars, or use subsets that are not made of others."
        )
    return selection


class Definitions:
    """Converts selections to plain values, with the definition of each name written once."""

    def __init__(self) -> None:
        self._keys: dict[int, int] = {}
        self._kept: list[Selection] = []
        self.plain: list[dict[str, Any]] = []

    def write(self, selection: Selection) -> dict[str, Any]:
        """Plain JSON-ready values; names refer to :attr:`plain` by number."""
        if isinstance(selection, Named):
            return {"kind": selection.kind, "name": selection.name, _DEFINED: self.key(selection.inner)}
        if isinstance(selection, Inverse):
            return {"kind": selection.kind, "inner": self._inside(selection.inner)}
        if isinstance(selection, Joined):
            then = [[by, self._inside(part)] for by, part in selection.then]
            return {"kind": selection.kind, "first": self._inside(selection.first), "then": then}
        return selection.to_dict()

    def _inside(self, part: Selection) -> dict[str, Any]:
        """A part of a selection, written in it."""
        return self.write(part)

    def key(self, selection: Selection) -> int:
        """Number of a definition, which is written at the first request."""
        key = self._keys.get(id(selection))
        if key is None:
            written = self.write(selection)
            key = self._keys[id(selection)] = len(self.plain)
            self.plain.append(written)
            self._kept.append(selection)  # so that no other object takes its identity
        return key


class SharedParts(Definitions):
    """Definitions of selections that have parts in common, each of which is written once."""

    def _inside(self, part: Selection) -> dict[str, Any]:
        """A part of a selection, as the number of its definition."""
        return {_PART: self.key(part)}


def read_definitions(stored: Iterable[Any]) -> list[Selection | SelectionError]:
    """Read the output of :class:`Definitions`; a damaged definition is replaced by its error."""
    result: list[Selection | SelectionError] = []
    for item in stored:
        try:
            result.append(read_selection(item, result))
        except SelectionError as error:
            result.append(error.with_traceback(None))  # which would hold all that was read so far
    return result


def read_selection(stored: Any, definitions: Sequence[Selection | SelectionError] = ()) -> Selection:
    """Read a selection whose names refer to definitions or that contains all parts.

    Raises
    ------
    SelectionError
        If it is damaged, or refers to a definition that is missing, damaged or written after it.
    """
    if not isinstance(stored, Mapping):
        return from_dict(stored)
    try:
        if _PART in stored:
            return definition(stored[_PART], definitions)
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
        raise SelectionError(f"A stored selection is damaged (found {brief(stored)}). Draw it again.") from error
    return from_dict(stored)


def definition(number: Any, definitions: Sequence[Selection | SelectionError]) -> Selection:
    """A definition by its number; SelectionError if it is missing or damaged."""
    if type(number) is not int or not 0 <= number < len(definitions):
        raise SelectionError(f"A stored selection refers to the definition {brief(number)}, which does not exist.")
    result = definitions[number]
    if isinstance(result, SelectionError):
        raise result
    return result
