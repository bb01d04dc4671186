"""Declaration of a figure, and marks that several figures share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME
from pipeline.domain.statistics import robust_scatter
from pipeline.reproduction.survey import BoolArray, FloatArray, Survey

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
"""Settings of matplotlib for all figures of the report."""

BLACK, RED, BLUE, GREY, ORANGE = "#1a1a1a", "#c8102e", "#0072b2", "0.62", "#d55e00"

_RANGE_PERCENT = (0.2, 99.8)
_COLOUR_PERCENT = (2.0, 98.0)
_BINS = 60
_DOTS, _DOT_SIZES = 12_000.0, (1.2, 5.0)
_LEGEND_ROOM = 1.8
_HISTOGRAM_SCATTERS = 5.0

Histogram: TypeAlias = tuple[str, FloatArray, str]
"""Name, values and colour of a sample."""


@dataclass(frozen=True)
class PaperFigure:
    """One figure of the paper.

    Parameters
    ----------
    number : str
        Number in the paper.
    title : str
        Subject.
    paper : str
        Contents of the paper's figure.
    needs : tuple of str
        Columns without which it is not drawn.
    height_inches : float
        Height of ours.
    draw : callable
        Draws on a figure or part of one, and returns what is shown, with numbers of stars.
    refuse : callable
        Takes a survey that has the columns, and returns why it is not drawn; "" where it is.
    """

    number: str
    title: str
    paper: str
    needs: tuple[str, ...]
    height_inches: float
    draw: Callable[[FigureBase, Survey], str]
    refuse: Callable[[Survey], str] = lambda _: ""

    def missing(self, survey: Survey) -> str:
        """Why it cannot be drawn; "" where it can."""
        return survey.lacking(self.needs) or self.refuse(survey)


def axis_label(name: str) -> str:
    """Axis label of a column."""
    return BY_NAME[name].axis_label


def points(axes: Axes, x: NDArray[Any], y: NDArray[Any], color: str, size: float = 1.4) -> None:
    """Stars as dots of one colour, an image in vector files."""
    axes.plot(x, y, ".", color=color, markersize=size, markeredgewidth=0.0, rasterized=True)


def coloured_points(
    axes: Axes, x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], scale: tuple[float, float]
) -> None:
    """Stars coloured by a value, rare values on top."""
    order = np.argsort(np.abs(values - np.median(values)), kind="stable") if values.size else np.arange(0)
    axes.scatter(
        *(x[order], y[order]),
        c=values[order],
        s=_dot_size(x.size),
        cmap="viridis",
        vmin=scale[0],
        vmax=scale[1],
        linewidths=0,
        rasterized=True,
    )


def _dot_size(count: int) -> float:
    """Area of a dot in square points: small where there are many."""
    return float(np.clip(_DOTS / max(count, 1), *_DOT_SIZES))


def colour_scale(values: NDArray[Any]) -> tuple[float, float]:
    """Ends of a colour bar without outliers."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.percentile(known, _COLOUR_PERCENT))
    return low, high if high > low else low + 1.0


def add_colour_bar(canvas: FigureBase, axes: Sequence[Axes], scale: tuple[float, float], label: str) -> None:
    """A colour bar beside some axes."""
    bar = canvas.colorbar(ScalarMappable(Normalize(*scale), "viridis"), ax=list(axes), pad=0.02, aspect=30)
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


def equal_line(axes: Axes, *values: NDArray[Any]) -> None:
    """Dashed line where both values are equal, and the same ends on both axes."""
    limits = ends(*values)
    axes.plot(limits, limits, "--", color="0.35", linewidth=0.8)
    axes.set(xlim=limits, ylim=limits)


def histograms(axes: Axes, samples: Sequence[Histogram], label: str, *, robust: bool = False) -> None:
    """Distributions of differences as outlines, with their means or medians dashed.

    The legend gives numbers of stars, and means with standard deviations, or medians with robust scatters.
    """
    known = [(name, values[np.isfinite(values)], colour) for name, values, colour in samples]
    filled = [item for item in known if item[1].size]
    spread = max((_width(values) for _, values, _ in filled), default=1.0) or 1.0
    farthest = max((abs(float(np.median(values))) for _, values, _ in filled), default=0.0)
    reach = farthest + _HISTOGRAM_SCATTERS * spread
    for name, values, colour in filled:
        centre, width = (np.median(values), robust_scatter(values)) if robust else (np.mean(values), np.std(values))
        text = f"{name}: {values.size:,}\n{centre:+.3g} ± {width:.3g}".lstrip(": ")
        axes.hist(values, bins=_BINS, range=(-reach, reach), density=True, histtype="step", color=colour, label=text)
        axes.axvline(float(centre), 0.0, 1.0 / _LEGEND_ROOM, linestyle="--", color=colour, linewidth=0.7)
    axes.set(xlim=(-reach, reach), xlabel=label, yticks=[])
    if filled:
        axes.set_ylim(0.0, _LEGEND_ROOM * axes.get_ylim()[1])
        axes.legend(loc="upper left", borderaxespad=0.2)


def _width(values: FloatArray) -> float:
    low, high = np.percentile(values, (16.0, 84.0))
    return 0.5 * float(high - low)


def stars_in(survey: Survey, chosen: BoolArray, *names: str) -> tuple[FloatArray, ...]:
    """Columns of the chosen stars that have a value of all of them."""
    rows = chosen & survey.known(*names)
    return tuple(survey[name][rows] for name in names)


def stars_text(count: int) -> str:
    """Number of stars in words."""
    return f"{count:,} star{'s' if count != 1 else ''}"
