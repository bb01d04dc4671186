"""Named subsets: selections with a name and a colour, and the tree of what each is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from explorer.model.expression import CONDITIONS, FLAGS, WORDS, Matches
from explorer.model.formula import FUNCTIONS
from explorer.model.selection import (
    Everything,
    HasFlag,
    InBox,
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
from pipeline.domain.columns import BY_NAME
from pipeline.domain.flags import FLAG_TEXTS

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_NAME = re.compile(r"[^\W\d]\w{0,39}")
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


def check_name(name: str) -> str:
    """The name itself, when an expression can use it for a subset.

    Raises
    ------
    SelectionError
        If it is no word, or means something else.
    """
    if not _NAME.fullmatch(name):
        raise SelectionError(
            f"{name[:60]!r} cannot name a subset: use up to 40 letters, digits and underscores, no digit first."
        )
    taken = {*WORDS, *CONDITIONS, *FUNCTIONS, *BY_NAME, *(flag.lower() for flag in FLAGS)}
    if name.lower() in taken:
        raise SelectionError(f"{name!r} already means something in expressions. Choose another name.")
    return name


def define(subsets: tuple[Subset, ...], new: Subset) -> tuple[Subset, ...]:
    """Add a subset, or define one anew: others that are made of it follow.

    Raises
    ------
    SelectionError
        If the name cannot be used, or it would be made of a subset that is made of it.
    """
    check_name(new.name)
    own = _with(new.selection, new.name, None)
    for other in subsets:
        if other.name != new.name and _names(own, other.name) and _names(other.selection, new.name):
            raise SelectionError(f"{new.name!r} and {other.name!r} would be made of each other. Use another name.")
    new = replace(new, selection=own)
    if new.name not in [one.name for one in subsets]:
        return (*subsets, new)
    return tuple(
        new if one.name == new.name else replace(one, selection=_with(one.selection, new.name, own)) for one in subsets
    )


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


def describe(selection: Selection) -> str:
    """A selection in words, on one line."""
    if isinstance(selection, Joined):
        words = [_inside(selection.first)]
        for by, part in selection.then:
            words += [_JOINT_WORDS[by], _inside(part)]
        return " ".join(words)
    if isinstance(selection, Inverse):
        return f"not {_inside(selection.inner)}"
    if isinstance(selection, Named):
        return selection.name
    if isinstance(selection, Matches):
        return " ".join(selection.text.split())
    if isinstance(selection, HasFlag):
        return ", ".join(text.short for flag, text in FLAG_TEXTS.items() if selection.flag & flag)
    return _region(selection)


def _region(selection: Selection) -> str:
    if isinstance(selection, InRange):
        return f"{selection.low:.6g} ≤ {_label(selection.column)} ≤ {selection.high:.6g}"
    if isinstance(selection, InBox):
        across = describe(InRange(selection.x, selection.x_low, selection.x_high))
        return f"{across}, {describe(InRange(selection.y, selection.y_low, selection.y_high))}"
    if isinstance(selection, InPolygon):
        return f"outline in {_label(selection.x)}, {_label(selection.y)}"
    if isinstance(selection, InCone):
        return f"within {selection.radius:g}° of RA {selection.ra:g}°, Dec {selection.dec:g}°"
    if isinstance(selection, InIds):
        return f"list of {len(selection.obsids):,}" if len(selection.obsids) != 1 else f"obsid {selection.obsids[0]}"
    return {Everything: "every star", Nothing: "no star"}.get(type(selection), selection.kind)


def _label(name: str) -> str:
    return BY_NAME[name].label if name in BY_NAME else name


def _inside(selection: Selection) -> str:
    return f"({describe(selection)})" if isinstance(selection, Joined) else describe(selection)


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
