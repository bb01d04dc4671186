"""Colours: perceptual, colour-blind safe, one ramp for light pages and one for dark ones.

Ramps have 256 entries for uint8 images: index 0 is transparent (no star there), 1 to 255 run from low to high.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import colorcet as cc
from bokeh.palettes import Plasma256, Viridis256

from pipeline.domain.columns import COLUMNS

TRANSPARENT = "#00000000"
LEVELS = 255

ACCENT = {False: "#d1495b", True: "#ff8fa3"}
"""Ring around the focused star, by darkness of the page."""

DATA_LINE = {False: "#1f3b57", True: "#cfd8e3"}
TEXT = {False: "#55606d", True: "#aab4c0"}
FIT_LINE = {False: "#005ea8", True: "#7cc0ff"}
"""Fitted lines over the stars."""

PAPER = {False: "#ffffff", True: "#1c2127"}
GRID = {False: "#c9ced6", True: "#4a535e"}
MUTED = {False: "#8b95a1", True: "#77818d"}

CATEGORY_COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"),
    *("#a6761d", "#7570b3", "#666666", "#b2df8a", "#1f3b57", "#f2c6de"),
)
"""Colours of categories and named subsets, in turn: those of Okabe & Ito (2008), then others as far apart."""

IN_NONE = {False: "#343a40", True: "#eef1f4"}
"""Selected stars in no named subset: neutral, and apart from the grey of all stars."""

_GREY = {False: ("#d5dae0", "#77818d"), True: ("#3a424c", "#98a3b0")}
_DIVERGING = frozenset(column.name for column in COLUMNS if column.scale == "diverging")


@cache
def grey_ramp(dark: bool) -> tuple[str, ...]:
    """The layer of all stars."""
    low, high = _GREY[dark]
    return (TRANSPARENT, *(_towards(low, high, level / (LEVELS - 1)) for level in range(LEVELS)))


@cache
def count_ramp(dark: bool) -> tuple[str, ...]:
    """Density of selected stars; single stars stay visible against the page."""
    return _ramp(Viridis256, 0.28, 1.0) if dark else _ramp(Viridis256, 0.72, 0.0)


@cache
def value_ramp(name: str, dark: bool) -> tuple[str, ...]:
    """Mean of a column: sequential, or diverging for signed quantities."""
    if name in _DIVERGING:
        return _ramp(cc.palette["bjy"], 0.0, 1.0)
    return _ramp(Plasma256, 0.15, 1.0) if dark else _ramp(Plasma256, 0.0, 0.9)


@cache
def difference_ramp(dark: bool) -> tuple[str, ...]:
    """Differences between -1 and 1: blue, neutral at zero (paper in the light, page in the dark), red."""
    return _ramp(cc.palette["bkr" if dark else "coolwarm"], 0.0, 1.0)


def is_diverging(name: str) -> bool:
    """Whether a column's colours are centred on zero."""
    return name in _DIVERGING


def fresh_colour(taken: Sequence[str]) -> str:
    """Colour for one more category: an unused one, else a paler, a darker, or the least used one."""
    shades = (
        CATEGORY_COLOURS,
        *(tuple(_towards(colour, end, 0.45) for colour in CATEGORY_COLOURS) for end in ("#ffffff", "#000000")),
    )
    known = [colour for shade in shades for colour in shade]
    return min(known, key=lambda colour: (list(taken).count(colour), known.index(colour)))


def figure_colours(*, dark: bool) -> dict[str, str]:
    """Colours of figures on a light or a dark page, as CSS."""
    return {"text": TEXT[dark], "grid": GRID[dark], "background": PAPER[dark], "accent": ACCENT[dark]}


def gradient_css(ramp: tuple[str, ...]) -> str:
    """A ramp as a CSS background."""
    return f"linear-gradient(to right, {', '.join(ramp[1::16])})"


def category_ramp(colours: Sequence[str]) -> tuple[str, ...]:
    """Level k + 1 is colour k."""
    return (TRANSPARENT, *colours, *(TRANSPARENT for _ in range(LEVELS - len(colours))))


def lookup(ramp: Sequence[str]) -> bytes:
    """A ramp of 256 colours as red, green, blue and opacity, four bytes a level."""
    return b"".join(bytes.fromhex(colour[1:] if len(colour) == 9 else f"{colour[1:]}ff") for colour in ramp)


def _ramp(colours: Sequence[str], start: float, stop: float) -> tuple[str, ...]:
    last = len(colours) - 1
    picked = (colours[round(last * (start + (stop - start) * level / (LEVELS - 1)))] for level in range(LEVELS))
    return (TRANSPARENT, *picked)


def _towards(colour: str, end: str, share: float) -> str:
    """Interpolated colour between two colours."""
    return "#{:02x}{:02x}{:02x}".format(
        *(round(a + (b - a) * share) for a, b in zip(_rgb(colour), _rgb(end), strict=True))
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
