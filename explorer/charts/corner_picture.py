"""Pictures of corner plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from explorer.charts.chart import Shot
from explorer.charts.corner_layout import Cell
from explorer.charts.journal import COLUMN_INCHES, PAGE_INCHES, STYLE, add_key, label_of, new_figure, sign
from explorer.charts.margins import ALL_COLOUR, SELECTED_COLOUR, Bars, relative
from explorer.charts.overlays import Scene
from explorer.charts.picture import draw_rest_and_selection, rest_handle
from explorer.charts.shading import Viewport
from explorer.model.table import StarTable

_CELL_INCHES = 1.75
_RASTER_PIXELS = 300
_TICKS = 3


@dataclass(frozen=True)
class CornerPanel:
    """One cell of a picture.

    Parameters
    ----------
    cell : Cell
        Its place and axes.
    scene : Scene or None
        The stars of a plane.
    bars : tuple of tuple of Bars
        Histograms of all and of the selected stars, on the diagonal.
    """

    cell: Cell
    scene: Scene | None
    bars: tuple[tuple[Bars, ...], ...] = ()


def draw_corner(panels: Sequence[CornerPanel], count: int, shot: Shot, table: StarTable) -> Figure:
    """Draw cells in a lower triangle, with the key of the colours in the empty half.

    Parameters
    ----------
    panels : sequence of CornerPanel
        The cells.
    count : int
        Number of columns.
    shot : Shot
        Colours and note.
    table : StarTable
        The catalogue.
    """
    side = min(max(count * _CELL_INCHES, COLUMN_INCHES), PAGE_INCHES)
    with mpl.rc_context(STYLE):
        figure = new_figure(side, side)
        grid = figure.subplots(count, count, squeeze=False)
        for row in range(count):
            for column in range(row + 1, count):
                grid[row, column].set_axis_off()
        for panel in panels:
            axes = grid[panel.cell.row, panel.cell.column]
            if panel.scene is None:
                _draw_bars(axes, panel)
            else:
                _draw_plane(axes, panel, panel.scene, shot)
            _label(axes, panel.cell, count)
        corner = grid[0, -1]
        named = shot.colouring.draw_key(corner, table)
        if not shot.rows.all() and shot.colouring.member_codes() is None:
            named.append(rest_handle())
        add_key(figure, named)
        figure.align_labels()
        sign(figure, shot.note)
    return figure


def _draw_plane(axes: Axes, panel: CornerPanel, scene: Scene, shot: Shot) -> None:
    x, y = panel.cell.x.axis, panel.cell.y.axis
    axes.set(xlim=x.ends, ylim=y.ends)
    viewport = Viewport(x.low, x.high, y.low, y.high, _RASTER_PIXELS, _RASTER_PIXELS)
    draw_rest_and_selection(axes, scene, shot, viewport, grey=True)
    axes.set(xlim=x.ends, ylim=y.ends)


def _draw_bars(axes: Axes, panel: CornerPanel) -> None:
    axis = panel.cell.x.axis
    for bars, colour in zip(panel.bars, (ALL_COLOUR, SELECTED_COLOUR), strict=True):
        for part, heights in zip(bars, relative(bars), strict=True):
            edges = np.linspace(axis.low, axis.high, heights.size + 1)
            look: dict[str, Any] = {"fill": True, "color": colour, "alpha": 0.8}
            if part.colour:
                look = {"color": part.colour, "linewidth": 0.9}
            axes.stairs(heights, edges, **look)
    axes.set(xlim=axis.ends, ylim=(0.0, 1.06))
    axes.yaxis.set_visible(False)


def _label(axes: Axes, cell: Cell, count: int) -> None:
    """Names and numbers at the outside alone."""
    axes.locator_params(nbins=_TICKS, axis="x")
    if not cell.is_diagonal:
        axes.locator_params(nbins=_TICKS, axis="y")
    if cell.row == count - 1:
        axes.set_xlabel(label_of(cell.x.axis.column))
        axes.tick_params(axis="x", labelrotation=45)
    else:
        axes.tick_params(labelbottom=False)
    if cell.column == 0 and not cell.is_diagonal:
        axes.set_ylabel(label_of(cell.y.axis.column))
    else:
        axes.tick_params(labelleft=False)
