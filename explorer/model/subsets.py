"""Named subsets: selections with a name and a colour, and the tree of what each is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from explorer.model.expression import Matches
from explorer.model.selection import (
    Everything,
    HasFlag,
    InBox,
    InCategory,
    InCone,
    InIds,
    InPolygon,
    InRange,
    Inverse,
    Joined,
    Joint,
    Named,
    Nothing,
    Selection,
    SelectionError,
    from_dict,
)
from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME
from pipeline.domain.flags import FLAG_TEXTS
from pipeline.domain.own_columns import RESERVED, machine_name

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_MAX_NAME = 40
_NAME = re.compile(rf"[^\W\d]\w{{0,{_MAX_NAME - 1}}}")
_JOINT_WORDS = {Joint.AND: "and", Joint.OR: "or", Joint.XOR: "xor"}


@dataclass(frozen=True)
class Subset:
    """A selection with a name.

    Parameters
    ----------
    name : str
        A word, as expressions write it.
    selection : Selection
        Its stars.
    colour : str
        Its colour, which it keeps.
    """

    name: str
    selection: Selection
    colour: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values; :func:`subset_from_dict` is the inverse."""
        return {"name": self.name, "selection": self.selection.to_dict(), "colour": self.colour}


def subset_from_dict(stored: dict[str, Any]) -> Subset:
    """Read what :meth:`Subset.to_dict` wrote; SelectionError when it is damaged."""
    try:
        name, selection, colour = str(stored["name"]), from_dict(stored["selection"]), str(stored["colour"])
    except (KeyError, TypeError) as error:
        raise SelectionError(f"A stored subset is damaged ({error}).") from error
    if not _COLOUR.fullmatch(colour):
        raise SelectionError(f"A stored subset has the colour {colour[:20]!r}; expected one like '#0072b2'.")
    return Subset(check_name(name), selection, colour)


def check_name(name: str, own: Iterable[Column] = ()) -> str:
    """The name itself, when an expression can use it for a subset; ``own`` are the user's own columns.

    Raises
    ------
    SelectionError
        If it is no word, or means something else.
    """
    if not _NAME.fullmatch(name):
        raise SelectionError(
            f"{name[:60]!r} cannot name a subset: use up to 40 letters, digits and underscores, no digit first."
        )
    if name.lower() in RESERVED or name.lower() in {one.name for one in own}:
        raise SelectionError(f"{name!r} already means something in expressions. Choose another name.")
    return name


def define(subsets: tuple[Subset, ...], new: Subset, own: Iterable[Column] = ()) -> tuple[Subset, ...]:
    """Add a subset, or define one anew: others that are made of it follow. ``own`` are the user's own columns.

    Raises
    ------
    SelectionError
        If the name cannot be used, or it would be made of a subset that is made of it.
    """
    check_name(new.name, own)
    inner = _with(new.selection, new.name, None)
    for other in subsets:
        if other.name != new.name and _names(inner, other.name) and _names(other.selection, new.name):
            raise SelectionError(f"{new.name!r} and {other.name!r} would be made of each other. Use another name.")
    new = replace(new, selection=inner)
    if new.name not in [one.name for one in subsets]:
        return (*subsets, new)
    return tuple(
        new if one.name == new.name else replace(one, selection=_with(one.selection, new.name, inner))
        for one in subsets
    )


def category_names(column: str, values: Sequence[str]) -> tuple[str, ...]:
    """Names for the subsets of a column's different values: words that expressions can use, all different."""
    names: list[str] = []
    for value in values:
        stem = f"{column}_{machine_name(value) if value else 'none'}"
        tries = chain([stem[:_MAX_NAME]], (f"{stem[: _MAX_NAME - 3]}_{number}" for number in count(2)))
        names.append(next(name for name in tries if name not in names and name not in RESERVED))
    return tuple(names)


def remove(subsets: tuple[Subset, ...], name: str) -> tuple[Subset, ...]:
    """Forget a name; what is made of it keeps its stars."""
    return tuple(replace(one, selection=_with(one.selection, name, None)) for one in subsets if one.name != name)


def unnamed(selection: Selection, name: str) -> Selection:
    """The same stars, none of them by that name."""
    return _with(selection, name, None)


def parts(selection: Selection) -> Iterator[tuple[str, Selection]]:
    """What a selection is made of: how each part joins those before it, and the part."""
    if isinstance(selection, Joined):
        yield "", selection.first
        for by, part in selection.then:
            yield _JOINT_WORDS[by], part
    elif isinstance(selection, Inverse):
        yield "not", selection.inner
    elif isinstance(selection, Named):
        yield from parts(selection.inner)


def describe(selection: Selection, known: Mapping[str, Column] = BY_NAME) -> str:
    """A selection in words, on one line; ``known`` gives the labels of columns."""
    if isinstance(selection, Joined):
        words = [_inside(selection.first, known)]
        for by, part in selection.then:
            words += [_JOINT_WORDS[by], _inside(part, known)]
        return " ".join(words)
    if isinstance(selection, Inverse):
        return f"not {_inside(selection.inner, known)}"
    if isinstance(selection, Named):
        return selection.name
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
        return f"outline in {_label(selection.x, known)}, {_label(selection.y, known)}"
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


def _with(selection: Selection, name: str, inner: Selection | None) -> Selection:
    """The selection with ``name`` standing for ``inner``; None takes the name away and leaves what it stood for."""
    if isinstance(selection, Named):
        if selection.name == name:
            return selection.inner if inner is None else Named(name, inner)
        return Named(selection.name, _with(selection.inner, name, inner))
    if isinstance(selection, Inverse):
        return Inverse(_with(selection.inner, name, inner))
    if isinstance(selection, Joined):
        then = tuple((by, _with(part, name, inner)) for by, part in selection.then)
        return Joined(_with(selection.first, name, inner), then)
    return selection


def _names(selection: Selection, name: str) -> bool:
    if isinstance(selection, Named) and selection.name == name:
        return True
    inside = [selection.inner] if isinstance(selection, Named | Inverse) else [part for _, part in parts(selection)]
    return any(_names(part, name) for part in inside)
