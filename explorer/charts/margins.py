"""Marginal histograms of a plane: the stars in view, counted along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.categories import Categories
from explorer.charts.colouring import Colouring
from explorer.charts.overlays import NO_SLOT
from explorer.charts.shading import BARS, Canvas, Viewport
from explorer.model.selection import Mask

MARGINS = "margins"
"""Name of their switch."""

LABEL = "Marginal histograms"

MAX_PARTS = 30
"""Maximum number of categories with bars of their own."""

ALL_COLOUR, SELECTED_COLOUR = "0.75", "#0072b2"
"""Colours in pictures."""

_SHARE, _GAP = 0.18, 0.02
"""Depth of a histogram in a picture, and its distance, as fractions of the axes."""


@dataclass(frozen=True)
class Bars:
    """Bars of equal width along an axis.

    Parameters
    ----------
    colour : str
        As CSS; "" for the colour of the layer.
    counts : ndarray of int, shape (k,)
        Stars in each bar.
    """

    colour: str
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Margins:
    """Histograms along both axes of a window.

    Parameters
    ----------
    window : tuple of float
        Ends of x and of y, low before high, as coordinates.
    x, y : tuple of Bars
        One a category, or of all stars together.
    """

    window: tuple[float, float, float, float]
    x: tuple[Bars, ...]
    y: tuple[Bars, ...]


def margins_of(canvas: Canvas, viewport: Viewport, rows: Mask, colouring: Colouring | None = None) -> Margins:
    """Count the stars in view along each axis.

    Parameters
    ----------
    canvas : Canvas
        The plane.
    viewport : Viewport
        What is in view.
    rows : ndarray of bool, shape (n,)
        The stars that count.
    colouring : Colouring, optional
        Colours of the stars: categories have bars each.
    """
    coarse = replace(viewport, width=BARS, height=BARS)
    if not coarse.drawable:
        return Margins(viewport.window, (), ())
    if isinstance(colouring, Categories):
        number = min(len(colouring.labels), MAX_PARTS)
        counts, _ = canvas.category_counts(coarse, rows, colouring.codes, number)
        colours: tuple[str, ...] = colouring.colours[:number]
    else:
        counts, colours = canvas.counts(coarse, rows)[None], ("",)
    x, y = (
        tuple(
            Bars(colour, bars.astype(np.int64))
            for colour, bars in zip(colours, counts.sum(axis=along), strict=True)
            if bars.any()
        )
        for along in (1, 2)
    )
    return Margins(coarse.window, x, y)


def relative(bars: Sequence[Bars]) -> list[NDArray[np.float32]]:
    """Heights of bars as fractions of the highest of them."""
    most = max((int(part.counts.max()) for part in bars), default=1)
    return [(part.counts / most).astype(np.float32) for part in bars]


def layer_of(margins: Margins, name: Literal["margins_all", "margins_selected"]) -> protocol.MarginsLayer:
    """Both histograms for the page."""
    x, y = (
        tuple(protocol.MarginBars(part.colour, heights) for part, heights in zip(bars, relative(bars), strict=True))
        for bars in (margins.x, margins.y)
    )
    return protocol.MarginsLayer(NO_SLOT, name, margins.window, x, y)


def draw_margin(axes: Axes, along: Literal["x", "y"], everything: Margins, selected: Margins) -> Axes:
    """Draw the histogram of an axis of a picture, above x or right of y; returns its axes."""
    across = along == "x"
    bounds = (0.0, 1.0 + _GAP, 1.0, _SHARE) if across else (1.0 + _GAP, 0.0, _SHARE, 1.0)
    beside: Axes = axes.inset_axes(bounds)
    for margins, colour in ((everything, ALL_COLOUR), (selected, SELECTED_COLOUR)):
        low, high = margins.window[:2] if across else margins.window[2:]
        edges = np.linspace(low, high, BARS + 1)
        bars = margins.x if across else margins.y
        for part, heights in zip(bars, relative(bars), strict=True):
            look: dict[str, Any] = {"fill": True, "color": colour, "alpha": 0.8}
            if part.colour:
                look = {"color": part.colour, "linewidth": 0.9}
            beside.stairs(heights, edges, orientation="vertical" if across else "horizontal", **look)
    ends = axes.get_xlim() if across else axes.get_ylim()
    beside.set(xlim=ends, ylim=(0.0, 1.05)) if across else beside.set(ylim=ends, xlim=(0.0, 1.05))
    beside.tick_params(which="both", left=False, right=False, top=False, bottom=False)
    beside.tick_params(labelleft=False, labelbottom=False)
    for side in ("top", "right") if across else ("top", "bottom"):
        beside.spines[side].set_visible(False)
    if not across:
        beside.spines["right"].set_visible(False)
    else:
        beside.spines["left"].set_visible(False)
    return beside
