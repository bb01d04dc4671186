"""Figures of answers for a journal: the drawings of :mod:`explorer.charts.answers` with vector axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from msgspec import UNSET

from explorer import protocol
from explorer.charts.journal import COLUMN_INCHES, STYLE, add_colour_bar, add_key, label_of, new_figure, sign
from explorer.charts.marks import MAX_TICKS, fewer_ticks
from explorer.charts.palettes import LEVELS, difference_ramp
from explorer.model.answers import Fit
from pipeline.domain.column import Column

_PANEL = 0.62
"""Height over width of one panel."""

_FEW = 1_000
"""Number of stars below which their dots are larger."""

_FILLED = 0.25
LINE_COLOUR, MEDIAN_COLOUR = "#005ea8", "#111820"
"""Colours of a fitted line and of a running median, on paper."""


def compare_figure(
    columns: Sequence[Column],
    drawings: Sequence[protocol.DistributionDrawing],
    difference: protocol.DifferenceDrawing | None,
    plane: tuple[Column, Column] | None,
    titles: tuple[str, str],
    note: str,
) -> Figure:
    """Histograms of two samples, one panel a column, and the map of their difference.

    Parameters
    ----------
    columns, drawings : sequence
        The compared columns and their histograms.
    difference : DifferenceDrawing or None
        The map.
    plane : tuple of Column or None
        Columns of the map.
    titles : tuple of str
        Names of the samples.
    note : str
        Text under the figure.
    """
    panels = len(drawings) + (difference is not None)
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, COLUMN_INCHES * _PANEL * panels + 0.1)
        axes = np.ravel(figure.subplots(panels, 1, squeeze=False))
        for panel, column, drawing in zip(axes, columns, drawings, strict=False):
            _draw_distribution(panel, column, drawing)
        if difference is not None and plane is not None:
            _draw_difference(axes[-1], difference, plane, titles)
        add_key(figure, _bar_handles(drawings))
        sign(figure, note)
    return figure


def _bar_handles(drawings: Sequence[protocol.DistributionDrawing]) -> list[Line2D]:
    if not drawings:
        return []
    handles = [
        Line2D([], [], color=item.colour, linestyle="-" if k == 0 else (0, (4, 1.5)), label=item.name)
        for k, item in enumerate(drawings[0].samples)
    ]
    if drawings[0].curve_x is not UNSET:
        handles.append(Line2D([], [], color=LINE_COLOUR, label="Gaussian"))
    return handles


def _draw_distribution(axes: Axes, column: Column, drawing: protocol.DistributionDrawing) -> None:
    """Outlined bars, the first sample filled, with a line at each median."""
    for k, item in reversed(list(enumerate(drawing.samples))):
        style = "-" if k == 0 else (0, (4, 1.5))
        if k == 0:
            axes.stairs(item.heights, drawing.edges, fill=True, color=item.colour, alpha=_FILLED)
        axes.stairs(item.heights, drawing.edges, color=item.colour, linewidth=1.2, linestyle=style)
        if item.median is not None:
            axes.axvline(item.median, color=item.colour, linewidth=0.7, linestyle=":")
    if drawing.curve_x is not UNSET and drawing.curve_y is not UNSET:
        axes.plot(drawing.curve_x, drawing.curve_y, color=LINE_COLOUR, linewidth=1.2)
    ends = (drawing.edges[0], drawing.edges[-1])
    axes.set(xlim=ends[::-1] if column.inverted == "x" else ends, xlabel=label_of(column), ylabel=drawing.height)
    axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(MAX_TICKS))


def _draw_difference(
    axes: Axes, drawing: protocol.DifferenceDrawing, plane: tuple[Column, Column], titles: tuple[str, str]
) -> None:
    """Map of the difference on paper, whatever the page's theme."""
    ramp = difference_ramp(False)
    levels = np.frombuffer(drawing.levels, np.uint8).reshape(drawing.shape)
    colours: dict[str, Any] = {"cmap": ListedColormap(list(ramp)), "vmin": 0, "vmax": LEVELS}
    axes.imshow(levels, extent=drawing.window, origin="lower", aspect="auto", interpolation="nearest", **colours)
    axes.set(xlim=drawing.x_ends, ylim=drawing.y_ends, xlabel=label_of(plane[0]), ylabel=label_of(plane[1]))
    fewer_ticks(axes)
    add_colour_bar(axes, ramp, -1.0, 1.0, _shortened(f"{titles[1]} ← → {titles[0]}"))


def _shortened(text: str, letters: int = 34) -> str:
    text = text.replace("$", r"\$")
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def fit_figure(
    fit: Fit,
    relation: protocol.RelationDrawing | None,
    distribution: protocol.DistributionDrawing | None,
    note: str,
) -> Figure:
    """Figure of a fit: stars with line and running median, or a histogram with its Gaussian."""
    if relation is not None and fit.x is not None:
        return relation_figure((fit.x, fit.y), relation, note)
    drawings = [] if distribution is None else [distribution]
    return compare_figure([fit.y], drawings, None, None, ("", ""), note)


def relation_figure(plane: tuple[Column, Column], drawing: protocol.RelationDrawing, note: str) -> Figure:
    """Stars of a sample, the running median with its errors, and the line with that of its height."""
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, COLUMN_INCHES * 0.8)
        axes = figure.subplots()
        star: dict[str, Any] = {
            "markersize": 2.4 if drawing.stars_x.size < _FEW else 1.4,
            "markeredgewidth": 0.0,
            "alpha": 0.5,
            "rasterized": True,
        }
        axes.plot(drawing.stars_x, drawing.stars_y, ".", color=drawing.colour, **star)
        handles = [Line2D([], [], marker=".", linestyle="", color=drawing.colour, label=drawing.name)]
        if drawing.line_x.size:
            axes.fill_between(drawing.line_x, drawing.line_low, drawing.line_high, color=LINE_COLOUR, alpha=0.25, lw=0)
            axes.plot(drawing.line_x, drawing.line_y, color=LINE_COLOUR, linewidth=1.2)
            handles.append(Line2D([], [], color=LINE_COLOUR, label="line"))
        if drawing.at.size:
            marks: dict[str, Any] = {"fmt": "o", "markersize": 2.8, "elinewidth": 0.9, "capsize": 0}
            axes.errorbar(drawing.at, drawing.median, drawing.error, color=MEDIAN_COLOUR, **marks)
            for side in (drawing.low, drawing.high):
                axes.plot(drawing.at, side, color=MEDIAN_COLOUR, linewidth=0.7, linestyle=":")
            label = "running median; 16 and 84 %"
            handles.append(Line2D([], [], color=MEDIAN_COLOUR, marker="o", markersize=2.8, linestyle=":", label=label))
        axes.set(xlim=drawing.x_ends, ylim=drawing.y_ends, xlabel=label_of(plane[0]), ylabel=label_of(plane[1]))
        fewer_ticks(axes)
        add_key(figure, handles)
        sign(figure, note)
    return figure
