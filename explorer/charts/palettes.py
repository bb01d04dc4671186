"""Colours: perceptual, colour-blind safe, one ramp for light pages and one for dark ones.

Ramps have 256 entries for uint8 images: index 0 is transparent (no star there), 1 to 255 run from low to high.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import colorcet as cc

from explorer.model.appearance import USUAL_OPACITY, Appearance
from explorer.model.colour_maps import COUNTS, DIVERGING, SEQUENTIAL, ColourMap
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

IN_NONE = {False: "#c9ced6", True: "#565f6a"}
"""Stars in no visible subset, behind the others."""

PICKED_IN_NONE = {False: "#7c8692", True: "#8f99a5"}
"""Selected stars in no visible subset, while others are not selected."""

_DARKEST_SEEN, _LIGHTEST_SEEN = 36.0, 82.0
"""Lightness of the darkest colour of stars on a dark page, and of the lightest one on a light page."""

_FAINTEST, _OPAQUE_FROM = 110, 90
"""Opacity of the first level of a density, of 255, and the level from which densities are opaque."""

_CIE_DARK, _CIE_SLOPE = 216.0 / 24389.0, 24389.0 / 27.0
"""Limits of the definition of L* (CIE 15)."""

MEMBER_OPACITY = 0.5
"""Opacity of stars that keep the colour of their subset although they are not selected."""

_GREY = {False: ("#d5dae0", "#77818d"), True: ("#3a424c", "#98a3b0")}
_DIVERGING = frozenset(column.name for column in COLUMNS if column.scale == "diverging")


@cache
def grey_ramp(dark: bool) -> tuple[str, ...]:
    """The layer of all stars."""
    low, high = _GREY[dark]
    return (TRANSPARENT, *(_towards(low, high, level / (LEVELS - 1)) for level in range(LEVELS)))


@cache
def ramp_of(colour_map: ColourMap, dark: bool, *, reverse: bool = False) -> tuple[str, ...]:
    """A colour map without the colours that could not be seen against the page."""
    first, last = _seen(colour_map, dark)
    return _ramp(colour_map.colours, *((last, first) if reverse else (first, last)))


@cache
def count_ramp(dark: bool, colour_map: ColourMap = COUNTS, *, reverse: bool = False) -> tuple[str, ...]:
    """Density of selected stars: the densest pixel has the strongest contrast, a sparse one is faint."""
    first, last = _seen(colour_map, dark)
    rising = lightness(colour_map.colours[0]) < lightness(colour_map.colours[-1])
    sparse_first = (rising is dark) is not reverse
    ramp = _ramp(colour_map.colours, *((first, last) if sparse_first else (last, first)))
    faint = (_FAINTEST + (255 - _FAINTEST) * min(level / _OPAQUE_FROM, 1.0) for level in range(LEVELS))
    return (TRANSPARENT, *(f"{colour}{round(opacity):02x}" for colour, opacity in zip(ramp[1:], faint, strict=True)))


def value_ramp(name: str, dark: bool) -> tuple[str, ...]:
    """Mean of a column: sequential, or diverging for signed quantities."""
    return ramp_of(DIVERGING if is_diverging(name) else SEQUENTIAL, dark)


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


def gradient_css(ramp: tuple[str, ...], count: int = 16) -> str:
    """CSS of a colour bar: so many colours of the ramp, evenly apart, the first and the last among them."""
    colours = (ramp[1 + round((len(ramp) - 2) * place / (count - 1))] for place in range(count))
    return f"linear-gradient(to right, {', '.join(colours)})"


def category_ramp(colours: Sequence[str]) -> tuple[str, ...]:
    """Level k + 1 is colour k."""
    return (TRANSPARENT, *colours, *(TRANSPARENT for _ in range(LEVELS - len(colours))))


def lookup(ramp: Sequence[str], opacity: float = 1.0) -> bytes:
    """A ramp of 256 colours as red, green, blue and opacity times ``opacity``, four bytes a level."""
    parts = [bytes.fromhex(colour[1:] if len(colour) == 9 else f"{colour[1:]}ff") for colour in ramp]
    return b"".join(part if opacity == 1.0 else bytes((*part[:3], round(part[3] * opacity))) for part in parts)


def image_opacity(appearance: Appearance) -> float:
    """Opacity of the pixels of an image: they stand for many dots, and are fainter where dots are."""
    return min(appearance.opacity / USUAL_OPACITY, 1.0)


def _ramp(colours: Sequence[str], start: float, stop: float) -> tuple[str, ...]:
    last = len(colours) - 1
    picked = (colours[round(last * (start + (stop - start) * level / (LEVELS - 1)))] for level in range(LEVELS))
    return (TRANSPARENT, *picked)


def lightness(colour: str) -> float:
    """CIE lightness L* of a colour, 0 to 100."""
    luminance = relative_luminance(colour)
    return 116.0 * luminance ** (1.0 / 3.0) - 16.0 if luminance > _CIE_DARK else luminance * _CIE_SLOPE


def relative_luminance(colour: str) -> float:
    """Relative luminance of a colour of sRGB, 0 to 1 (WCAG 2.2)."""
    parts = (part / 255.0 for part in _rgb(colour))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def _seen(colour_map: ColourMap, dark: bool) -> tuple[float, float]:
    """First and last colour that can be seen against the page, as shares of a map; a diverging one keeps its middle."""
    low, high = (_DARKEST_SEEN, 101.0) if dark else (-1.0, _LIGHTEST_SEEN)
    seen = [place for place, colour in enumerate(colour_map.colours) if low <= lightness(colour) <= high]
    first, last = seen[0] / 255.0, seen[-1] / 255.0
    if colour_map.diverging:
        cut = max(first, 1.0 - last)
        return cut, 1.0 - cut
    return first, last


def _towards(colour: str, end: str, share: float) -> str:
    """Interpolated colour between two colours."""
    return "#{:02x}{:02x}{:02x}".format(
        *(round(a + (b - a) * share) for a, b in zip(_rgb(colour), _rgb(end), strict=True))
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
