"""Style of the paper's figures, and marks that several of them share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME

WIDTH_INCHES = 7.1
"""Width of a page of the ApJS."""

STYLE: dict[Any, Any] = {
    "font.size": 7.5,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "axes.linewidth": 0.7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "pdf.fonttype": 42,  # fonts are embedded as TrueType, text stays text
    "svg.fonttype": "none",
    "svg.hashsalt": "mgiant-explorer",
}
"""Settings of matplotlib for the paper's figures."""

BLACK, RED, BLUE, GREY, ORANGE = "#1a1a1a", "#c8102e", "#0072b2", "0.62", "#d55e00"

COLOURS = "viridis"
"""Colour map of values."""

_RANGE_PERCENT = (0.2, 99.8)
_COLOUR_PERCENT = (2.0, 98.0)
_DOT_AREA, _DOT_STARS, _DOT_AREAS = 6.0, 1000.0, (0.4, 14.0)
_SUBSCRIPT = re.compile(r"([A-Za-z])_([\w]+)")
_UNITS = {"km/s": "km s$^{-1}$", "kpc km/s": "kpc km s$^{-1}$", "km2/s2": "km$^2$ s$^{-2}$"}


def print_label(column: Column) -> str:
    """Axis label of a declared column with unit, subscripts and superscripts."""
    label = _SUBSCRIPT.sub(r"$\1_{\\mathrm{\2}}$", column.label.replace("Teff", "T_eff"))
    return f"{label} [{print_unit(column)}]" if column.unit else label


def print_unit(column: Column) -> str:
    """A unit as it is printed: km s⁻¹ rather than km/s."""
    return _UNITS.get(column.unit, column.unit)


def axis_label(name: str) -> str:
    """Axis label of a declared column by its name."""
    return print_label(BY_NAME[name])


def dot_area(count: int) -> float:
    """Area of a star's dot in square points: few stars are seen in print, and many do not clot."""
    return float(np.clip(_DOT_AREA * np.sqrt(_DOT_STARS / max(count, 1)), *_DOT_AREAS))


def dot_size(count: int) -> float:
    """Diameter of a star's dot in points."""
    return float(np.sqrt(dot_area(count)))


def points(axes: Axes, x: NDArray[Any], y: NDArray[Any], color: str, size: float | None = None) -> None:
    """Stars as dots of one colour, an image in vector files; their size follows from their number."""
    size = 1.3 * dot_size(x.size) if size is None else size  # a marker "." is smaller than its size
    axes.plot(x, y, ".", color=color, markersize=size, markeredgewidth=0.0, rasterized=True)


def coloured_points(
    axes: Axes, x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], scale: tuple[float, float]
) -> None:
    """Stars coloured by a value, rare values on top."""
    order = np.argsort(np.abs(values - np.median(values)), kind="stable") if values.size else np.arange(0)
    axes.scatter(
        *(x[order], y[order]),
        c=values[order],
        s=dot_area(x.size),
        cmap=COLOURS,
        vmin=scale[0],
        vmax=scale[1],
        linewidths=0,
        rasterized=True,
    )


def colour_scale(values: NDArray[Any]) -> tuple[float, float]:
    """Ends of a colour bar without outliers."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.percentile(known, _COLOUR_PERCENT))
    return low, high if high > low else low + 1.0


def add_colour_bar(canvas: FigureBase, axes: Sequence[Axes], scale: tuple[float, float], label: str) -> None:
    """A colour bar beside some axes."""
    bar = canvas.colorbar(ScalarMappable(Normalize(*scale), COLOURS), ax=list(axes), pad=0.02, aspect=30)
    bar.set_label(label)


def ends(*values: NDArray[Any]) -> tuple[float, float]:
    """Ends of an axis without outliers."""
    joined = np.concatenate([np.ravel(item) for item in values])
    known = joined[np.isfinite(joined)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.percentile(known, _RANGE_PERCENT))
    room = 0.05 * ((high - low) or 1.0)
    return low - room, high + room


def say(axes: Axes, reason: str) -> None:
    """Write in the middle of an empty panel why it is empty."""
    box: dict[str, Any] = {"facecolor": "white", "linewidth": 0.0, "pad": 2.0}
    where: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "center", "zorder": 5.0}
    axes.text(0.5, 0.5, reason, color="0.4", fontsize=7.0, bbox=box, **where)


def stars_text(count: int) -> str:
    """Number of stars in words."""
    return f"{count:,} star{'s' if count != 1 else ''}"
