"""Colour-by: which scale a column gets, its palette, and the legend that names its unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from explorer import protocol
from explorer.charts.palettes import (
    CATEGORY_COLOURS,
    IN_NONE,
    category_ramp,
    count_ramp,
    gradient_css,
    is_diverging,
    value_ramp,
)
from explorer.charts.shading import Categories, Colouring, Density, ValueScale
from explorer.model.selection import Mask, Selection
from explorer.model.subsets import Subset
from explorer.model.table import MAX_CATEGORIES, StarTable

SUBSETS = "subsets"
"""Name of the colouring by named subsets."""

_TAIL = 0.02

_MAX_SUBSETS = 250
"""An image of bytes tells so many apart."""


def colouring_of(table: StarTable, name: str) -> Colouring:
    """Scale of a column over the whole catalogue; density for a column without values."""
    if name in table and table.column(name).dtype in ("str", "bool"):
        return _categories(table, name)
    limits = table.limits(name, _TAIL) if name in table else None
    if limits is None:
        return Density()
    if is_diverging(name):
        reach = max(abs(limits[0]), abs(limits[1]))
        return ValueScale(name, -reach, reach)
    return ValueScale(name, *limits)


def _categories(table: StarTable, name: str) -> Colouring:
    found = table.categories(name)
    label = table.column(name).label
    if found is None:
        return Density(f"{label} has one value, or more than {MAX_CATEGORIES}")
    labels, codes = found
    codes.setflags(write=False)
    return Categories(label, labels, CATEGORY_COLOURS[: len(labels)], codes)


def colouring_of_subsets(
    table: StarTable,
    subsets: Sequence[Subset],
    *,
    dark: bool,
    mask_of: Callable[[Selection], Mask] | None = None,
) -> Colouring:
    """Each star in the colour of the first subset that holds it, else in a neutral one; density without subsets.

    ``mask_of`` evaluates a selection where masks of subsets are kept.
    """
    mask_of = mask_of or (lambda selection: selection.mask(table))
    if not subsets:
        return Density("no subset is named yet")
    subsets = subsets[:_MAX_SUBSETS]
    codes = np.full(table.n_stars, len(subsets), np.uint8)
    for number in reversed(range(len(subsets))):
        codes[mask_of(subsets[number].selection)] = number
    codes.setflags(write=False)
    labels, colours = (*(one.name for one in subsets), "in none"), (*(one.colour for one in subsets), IN_NONE[dark])
    return Categories("subset", labels, colours, codes, rest=True)


def ramp_of(colouring: Colouring, dark: bool) -> tuple[str, ...]:
    """Palette of the selected stars."""
    if isinstance(colouring, Categories):
        return category_ramp(colouring.colours)
    return count_ramp(dark) if isinstance(colouring, Density) else value_ramp(colouring.name, dark)


def legend(table: StarTable, colouring: Colouring, dark: bool, *, single: bool = False) -> protocol.Legend:
    """What the colours mean: a label with either a gradient between two ends, or categories with their colours.

    ``single`` says that stars are drawn one by one.
    """
    if isinstance(colouring, Categories):
        named = zip(colouring.labels, colouring.colours, strict=True)
        return protocol.Legend(colouring.name, entries=tuple(protocol.LegendEntry(*entry) for entry in named))
    gradient = gradient_css(ramp_of(colouring, dark))
    if isinstance(colouring, Density):
        note = f" ({colouring.note})" if colouring.note else ""
        if single:
            return protocol.Legend(f"each dot is a star{note}", entries=())
        return protocol.Legend(f"stars per pixel (log){note}", low="1", high="most in view", gradient=gradient)
    words = table.column(colouring.name).axis_label
    return protocol.Legend(
        label=words if single else f"mean {words}",
        low=number(colouring.low),
        high=number(colouring.high),
        gradient=gradient,
    )


def number(value: float) -> str:
    """A value as it stands beside a colour bar."""
    magnitude = abs(value)
    if magnitude >= 1e9 or 0 < magnitude < 0.01:
        return f"{value:.3g}"
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
