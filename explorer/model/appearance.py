"""Look of the stars in all views: colour scale, size and opacity."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from explorer.model.colour_maps import COLOUR_MAPS
from explorer.model.selection import SelectionError

MIN_SIZE, MAX_SIZE = 0.5, 4.0
"""Limits of the size of a star's dot, in the usual size."""

MIN_OPACITY, USUAL_OPACITY = 0.1, 0.7
"""Lowest opacity of single dots, and the usual one."""

USUAL_TAIL, MAX_TAIL = 2.0, 25.0
"""Per cent of the stars beyond each end of a colour scale, and its maximum."""


class Appearance(Struct, frozen=True, forbid_unknown_fields=True):
    """Look of the stars, in messages and links.

    Parameters
    ----------
    colour_map : str
        Key of a colour map; "" is the usual one of the column.
    reversed : bool
        Whether the colours run from high to low.
    logarithmic : bool
        Whether colours are of the logarithm of the column.
    low, high : float or None
        Values of the first and the last colour in the column's unit; None where nearly all stars are within.
    tail : float
        Per cent of the stars that are beyond such an end.
    size : float
        Diameter of a star's dot in the usual one.
    opacity : float
        Opacity of single dots.
    """

    colour_map: Annotated[str, Meta(max_length=40)] = ""
    reversed: bool = False
    logarithmic: bool = False
    low: float | None = None
    high: float | None = None
    tail: float = USUAL_TAIL
    size: float = 1.0
    opacity: float = USUAL_OPACITY

    def for_another_column(self) -> Appearance:
        """The look without the settings that are those of one column."""
        return Appearance(size=self.size, opacity=self.opacity)


def check_appearance(look: Appearance) -> Appearance:
    """Return a look if all its values are within their limits.

    Raises
    ------
    SelectionError
        If a value is not; the sentence names it and its limits.
    """
    if look.colour_map and look.colour_map not in COLOUR_MAPS:
        raise SelectionError(f"No colour map is named {look.colour_map!r}; there are {', '.join(COLOUR_MAPS)}.")
    for name, value, low, high in (
        ("size of the dots", look.size, MIN_SIZE, MAX_SIZE),
        ("opacity", look.opacity, MIN_OPACITY, 1.0),
        ("percentage beyond each end", look.tail, 0.0, MAX_TAIL),
    ):
        if not low <= value <= high:
            raise SelectionError(f"The {name} is {value:g}; it can be {low:g} to {high:g}.")
    ends = [end for end in (look.low, look.high) if end is not None]
    if not all(map(isfinite, ends)) or (len(ends) == 2 and not ends[0] < ends[1]):
        raise SelectionError(
            f"A colour scale from {ends[0]:g} to {ends[-1]:g} has no colours between its ends: "
            "type a first value that is below the last one."
        )
    return look


def read_appearance(stored: Mapping[str, Any]) -> Appearance:
    """Read a stored look, a missing value of which has its default; SelectionError if it is damaged."""
    try:
        return check_appearance(msgspec.convert(stored, Appearance))
    except msgspec.ValidationError as error:
        raise SelectionError(f"The stored look is damaged: {error}.") from error
