"""Named subsets: selections with a name and a colour, and the tree of their parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from explorer.model.damaged import brief, text_in
from explorer.model.definitions import Definitions, check_size, definition, inside, read_selection
from explorer.model.expression import Matches
from explorer.model.selection import (
    Everything,
    HasFlag,
    InBox,
    InCategory,
    InCone,
    InIds,
    InPolygon,
    InProjection,
    InRange,
    Inverse,
    Joined,
    Joint,
    Named,
    Nothing,
    Selection,
    SelectionError,
)
from explorer.model.vocabulary import quoted
from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME
from pipeline.domain.flags import FLAG_TEXTS
from pipeline.domain.own_columns import RESERVED, machine_name, single_line

MAX_SUBSETS = 200
"""Maximum number of named subsets of one visitor."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")
MAX_NAME_CHARACTERS = 60
_JOINT_WORDS = {Joint.AND: "and", Joint.OR: "or", Joint.XOR: "xor"}


@dataclass(frozen=True)
class Subset:
    """A selection with a name.

    Parameters
    ----------
    name : str
        Any text on one line.
    selection : Selection
        Its stars.
    colour : str
        Its colour, which it keeps.
    visible : bool
        Whether its stars are painted where colours are those of subsets.
    """

    name: str
    selection: Selection
    colour: str
    visible: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`subset_from_dict` is the inverse."""
        return {"selection": self.selection.to_dict(), **self._look()}

    def written(self, definitions: Definitions) -> dict[str, Any]:
        """Convert to plain values whose selection is one of ``definitions``."""
        return {"defined": definitions.key(self.selection), **self._look()}

    def _look(self) -> dict[str, Any]:
        return {"name": self.name, "colour": self.colour, "visible": self.visible}


def subset_from_dict(stored: Mapping[str, Any], definitions: Sequence[Selection | SelectionError] = ()) -> Subset:
    """Read the output of :meth:`Subset.to_dict` or :meth:`Subset.written`; SelectionError if damaged."""
    try:
        name, colour = text_in(stored["name"]), text_in(stored["colour"])
        if "defined" in stored:
            selection = definition(stored["defined"], definitions)
        else:
            selection = read_selection(stored["selection"], definitions)
    except SelectionError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise SelectionError(f"A stored subset is damaged (found {brief(stored)}).") from error
    visible = stored.get("visible", True)
    if not isinstance(visible, bool):
        raise SelectionError(f"A stored subset is damaged (visible is {brief(visible)}; expected true or false).")
    return Subset(check_name(name), check_size(selection), check_colour(colour), visible)


def check_colour(colour: str) -> str:
    """Return a colour if it is written as six hexadecimal digits, else raise SelectionError."""
    if not _COLOUR.fullmatch(colour):
        raise SelectionError(f"{colour[:20]!r} is no colour of a subset; expected one like '#0072b2'.")
    return colour


def check_name(name: str) -> str:
    """Return a name if it is valid for a subset; expressions write it in backticks if it is no word.

    Raises
    ------
    SelectionError
        If it is empty or too long, or has characters that cannot be shown or quoted.
    """
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or name != single_line(name) or "`" in name:
        raise SelectionError(
            f"{name[:80]!r} cannot name a subset: use 1 to {MAX_NAME_CHARACTERS} characters without backticks, line "
            "breaks and double blanks."
        )
    return name


def define(subsets: tuple[Subset, ...], new: Subset) -> tuple[Subset, ...]:
    """Add or redefine a subset, and update subsets that use it.

    Raises
    ------
    SelectionError
        If the name cannot be used, it would be made of a subset that is made of it, there are too many subsets, or
        one of them would be made of too many parts.
    """
    check_name(new.name)
    known = [item.name for item in subsets]
    if new.name not in known and len(known) >= MAX_SUBSETS:
        raise SelectionError(f"There are {len(known)} subsets; at most {MAX_SUBSETS} are allowed. Remove some first.")
    inner = check_size(_with(new.selection, new.name, _definition_of, {}))
    for other in subsets:
        if other.name != new.name and _names(inner, other.name) and _names(other.selection, new.name):
            raise SelectionError(f"{new.name!r} and {other.name!r} would contain each other. Use another name.")
    new = replace(new, selection=inner)
    if new.name not in known:
        return (*subsets, new)
    redefined = Named(new.name, inner)
    done: dict[int, Selection] = {}
    sizes: dict[int, tuple[int, int]] = {}
    return tuple(
        new
        if item.name == new.name
        else replace(item, selection=check_size(_with(item.selection, new.name, lambda _: redefined, done), sizes))
        for item in subsets
    )


def painted(
    subsets: tuple[Subset, ...], name: str, *, colour: str | None = None, visible: bool | None = None
) -> tuple[Subset, ...]:
    """Change the colour or the visibility of a subset; None leaves it. SelectionError for no colour."""

    def changed(item: Subset) -> Subset:
        new_colour = item.colour if colour is None else check_colour(colour)
        return replace(item, colour=new_colour, visible=item.visible if visible is None else visible)

    return tuple(changed(item) if item.name == name else item for item in subsets)


def moved(subsets: tuple[Subset, ...], name: str, by: int) -> tuple[Subset, ...]:
    """Move a subset by places, up where ``by`` is negative; the first one that contains a star colours it."""
    names = [item.name for item in subsets]
    old = names.index(name)
    new = min(max(old + by, 0), len(subsets) - 1)
    rest = [*subsets[:old], *subsets[old + 1 :]]
    return (*rest[:new], subsets[old], *rest[new:])


def renamed(subsets: tuple[Subset, ...], name: str, new: str) -> tuple[Subset, ...]:
    """Rename a subset, also inside the subsets that use it.

    Raises
    ------
    SelectionError
        If the name cannot be used, or another subset has it.
    """
    check_name(new)
    if any(item.name == new for item in subsets):
        raise SelectionError(f"Another subset is named {new!r}. Choose another name, or remove that one first.")
    done: dict[int, Selection] = {}
    return tuple(
        replace(
            item,
            name=new if item.name == name else item.name,
            selection=_with(item.selection, name, lambda used: Named(new, used.inner), done),
        )
        for item in subsets
    )


def with_new_name(selection: Selection, name: str, new: str) -> Selection:
    """Rename a subset inside a selection."""
    return _with(selection, name, lambda used: Named(new, used.inner), {})


def category_names(column: str, values: Sequence[str]) -> tuple[str, ...]:
    """Names of the subsets of a column's values: unique words that expressions can use."""
    names: list[str] = []
    for value in values:
        stem = f"{column}_{machine_name(value) if value else 'none'}"
        tries = chain(
            [stem[:MAX_NAME_CHARACTERS]], (f"{stem[: MAX_NAME_CHARACTERS - 3]}_{number}" for number in count(2))
        )
        names.append(next(name for name in tries if name not in names and name not in RESERVED))
    return tuple(names)


def remove(subsets: tuple[Subset, ...], name: str) -> tuple[Subset, ...]:
    """Remove a name; subsets that use it keep their stars."""
    done: dict[int, Selection] = {}
    return tuple(
        replace(item, selection=_with(item.selection, name, _definition_of, done))
        for item in subsets
        if item.name != name
    )


def unnamed(selection: Selection, name: str) -> Selection:
    """Replace a name in a selection by its definition."""
    return _with(selection, name, _definition_of, {})


def parts(selection: Selection) -> Iterator[tuple[str, Selection]]:
    """The parts of a selection, each with the operation that joins it to those before."""
    if isinstance(selection, Joined):
        yield "", selection.first
        for by, part in selection.then:
            yield _JOINT_WORDS[by], part
    elif isinstance(selection, Inverse):
        yield "not", selection.inner
    elif isinstance(selection, Named):
        yield from parts(selection.inner)


def describe(selection: Selection, known: Mapping[str, Column] = BY_NAME) -> str:
    """Describe a selection on one line; ``known`` has the labels of columns."""
    if isinstance(selection, Joined):
        words = [_inside(selection.first, known)]
        for by, part in selection.then:
            words += [_JOINT_WORDS[by], _inside(part, known)]
        return " ".join(words)
    if isinstance(selection, Inverse):
        return f"not {_inside(selection.inner, known)}"
    if isinstance(selection, Named):
        return quoted(selection.name, known)
    if isinstance(selection, Matches):
        return " ".join(selection.text.split())
    if isinstance(selection, HasFlag):
        return ", ".join(text.short for flag, text in FLAG_TEXTS.items() if selection.flag & flag)
    return _region(selection, known)


def _region(selection: Selection, known: Mapping[str, Column]) -> str:
    if isinstance(selection, InRange):
        return f"{selection.low:.6g} ≤ {_label(selection.column, known)} ≤ {selection.high:.6g}"
    if isinstance(selection, InBox):
        across = _region(InRange(selection.x, selection.x_low, selection.x_high), known)
        return f"{across}, {_region(InRange(selection.y, selection.y_low, selection.y_high), known)}"
    if isinstance(selection, InPolygon):
        x, y = _label(selection.x, known), _label(selection.y, known)
        return f"outline in {selection.x_scale.named(x)}, {selection.y_scale.named(y)}"
    if isinstance(selection, InProjection):
        return f"outline in {selection.plane.describe(known)}"
    if isinstance(selection, InCategory):
        return f"{_label(selection.column, known)} = {selection.value or '(none)'}"
    return _place(selection)


def _place(selection: Selection) -> str:
    if isinstance(selection, InCone):
        return f"within {selection.radius:g}° of RA {selection.ra:g}°, Dec {selection.dec:g}°"
    if isinstance(selection, InIds):
        return f"list of {len(selection.obsids):,}" if len(selection.obsids) != 1 else f"obsid {selection.obsids[0]}"
    return {Everything: "every star", Nothing: "no star"}.get(type(selection), selection.kind)


def _label(name: str, known: Mapping[str, Column]) -> str:
    return known[name].label if name in known else name


def _inside(selection: Selection, known: Mapping[str, Column]) -> str:
    words = describe(selection, known)
    return f"({words})" if isinstance(selection, Joined) else words


def _definition_of(used: Named) -> Selection:
    return used.inner


def _with(
    selection: Selection, name: str, remake: Callable[[Named], Selection], done: dict[int, Selection]
) -> Selection:
    """Remake each use of ``name`` in a selection.

    ``done`` holds what was made of each part, by identity, so that parts which several names share stay shared.
    """
    made = done.get(id(selection))
    if made is None:
        made = done[id(selection)] = _remade(selection, name, remake, done)
    return made


def _remade(
    selection: Selection, name: str, remake: Callable[[Named], Selection], done: dict[int, Selection]
) -> Selection:
    if isinstance(selection, Named):
        if selection.name == name:
            return remake(selection)
        held = _with(selection.inner, name, remake, done)
        return selection if held is selection.inner else Named(selection.name, held)
    if isinstance(selection, Inverse):
        held = _with(selection.inner, name, remake, done)
        return selection if held is selection.inner else Inverse(held)
    if isinstance(selection, Joined):
        made = [_with(part, name, remake, done) for part in inside(selection)]
        if all(new is old for new, old in zip(made, inside(selection), strict=True)):
            return selection
        return Joined(made[0], tuple((by, part) for (by, _), part in zip(selection.then, made[1:], strict=True)))
    return selection


def _names(selection: Selection, name: str, seen: set[int] | None = None) -> bool:
    """Whether a selection uses the subset ``name``."""
    seen = set() if seen is None else seen
    if id(selection) in seen:
        return False
    seen.add(id(selection))
    if isinstance(selection, Named) and selection.name == name:
        return True
    return any(_names(part, name, seen) for part in inside(selection))
