"""Regions inside a selection: their places in it, and their exchange or removal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from explorer.model.definitions import inside
from explorer.model.selection import (
    Everything,
    InBox,
    InCone,
    InPolygon,
    InProjection,
    InRange,
    Inverse,
    Joined,
    Selection,
    SelectionError,
)

Region: TypeAlias = InBox | InCone | InPolygon | InProjection | InRange
REGIONS = (InBox, InCone, InPolygon, InProjection, InRange)

Path: TypeAlias = tuple[int, ...]
"""Number of a part in the selection, of a part in that, and so on; () is the whole selection."""

MAX_REGIONS = 60
"""Maximum number of regions of a selection that are shown."""

_MAX_PARTS = 2_000
"""Number of parts after which no more regions are looked for."""


class Place(NamedTuple):
    """A region in a selection, and whether its stars are excluded."""

    path: Path
    region: Region
    excluded: bool


def regions_of(selection: Selection) -> list[Place]:
    """At most :data:`MAX_REGIONS` regions of a selection in drawing order, none of named subsets."""
    places: list[Place] = []
    for place, _ in zip(_walk(selection, (), excluded=False), range(_MAX_PARTS), strict=False):
        if place is not None:
            places.append(place)
        if len(places) == MAX_REGIONS:
            break
    return places


def _walk(part: Selection, path: Path, *, excluded: bool) -> Iterator[Place | None]:
    """Yield each part; None for what is no region."""
    if isinstance(part, REGIONS):
        yield Place(path, part, excluded)
        return
    yield None
    if isinstance(part, Inverse | Joined):
        for number, inner in enumerate(inside(part)):
            yield from _walk(inner, (*path, number), excluded=excluded != isinstance(part, Inverse))


def region_at(selection: Selection, path: Path) -> Region:
    """The region at a place.

    Raises
    ------
    SelectionError
        If there is none, as of a page that shows an earlier selection.
    """
    part = selection
    for number in path:
        parts = inside(part) if isinstance(part, Inverse | Joined) else ()
        if not 0 <= number < len(parts):
            raise SelectionError("This region is no longer in the selection.")
        part = parts[number]
    if not isinstance(part, REGIONS):
        raise SelectionError("This region is no longer in the selection.")
    return part


def replaced(selection: Selection, path: Path, region: Selection) -> Selection:
    """The selection with another part at a place; other parts are the same objects."""
    if not path:
        return region
    number, rest = path[0], path[1:]
    if isinstance(selection, Inverse):
        return Inverse(replaced(selection.inner, rest, region))
    if not isinstance(selection, Joined):
        raise SelectionError("This region is no longer in the selection.")
    if number == 0:
        return Joined(replaced(selection.first, rest, region), selection.then)
    by, part = selection.then[number - 1]
    changed = (by, replaced(part, rest, region))
    return Joined(selection.first, (*selection.then[: number - 1], changed, *selection.then[number:]))


def removed(selection: Selection, path: Path) -> Selection:
    """The selection without the part at a place; every star without the last part."""
    if not path:
        return Everything()
    number, rest = path[0], path[1:]
    if isinstance(selection, Inverse):
        inner = removed(selection.inner, rest)
        return Everything() if inner == Everything() else Inverse(inner)
    if not isinstance(selection, Joined):
        raise SelectionError("This region is no longer in the selection.")
    part = removed(inside(selection)[number], rest)
    if part != Everything():
        return replaced(selection, (number,), part)
    then = list(selection.then)
    first = selection.first if number else then.pop(0)[1]
    if number:
        del then[number - 1]
    return Joined(first, tuple(then)) if then else first
