"""A diagram of one column against another: HoloViews draws axes and reference curves, Bokeh images carry the stars.

The image sources are handed out once; a brush replaces their data and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import holoviews as hv
import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    BasicTicker,
    BoxSelectTool,
    ColumnDataSource,
    GlyphRenderer,
    LassoSelectTool,
    LinearColorMapper,
    PanTool,
    Scatter,
    WheelZoomTool,
)
from bokeh.plotting import figure as Figure  # noqa: N812 - it is a class

from explorer.model.table import StarTable
from explorer.plots.palettes import ACCENT, count_ramp, grey_ramp
from pipeline.domain.columns import Column, column

hv.extension("bokeh", logo=False)

FIGURE_FONT = ":host { font-size: 12px; }"
"""Ticks and labels are in em of this."""

_MARGIN = 0.04
_FIRST_SIZE = (300, 200)
_TICKS = {"x": 5, "y": 4}


@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    column : Column
        What it shows; its ``axis_label`` stands beside it.
    low, high : float
        Range at the start, low below high.
    inverted : bool
        Whether high values stand left or below.
    """

    column: Column
    low: float
    high: float
    inverted: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """Range in drawing order."""
        return (self.high, self.low) if self.inverted else (self.low, self.high)


def axis_of(
    table: StarTable,
    name: str,
    *,
    inverted: bool = False,
    low: float | None = None,
    high: float | None = None,
    tail: float = 0.001,
) -> Axis:
    """Axis of a column, wide enough for nearly all stars unless its ends are given."""
    limits = table.limits(name, tail) or (0.0, 1.0)
    span = (limits[1] - limits[0]) or 1.0
    return Axis(
        column(name),
        limits[0] - _MARGIN * span if low is None else low,
        limits[1] + _MARGIN * span if high is None else high,
        inverted,
    )


@dataclass(frozen=True)
class Diagram:
    """A figure and the handles that a view patches.

    Parameters
    ----------
    figure : bokeh figure
        What is on screen.
    x, y : Axis
        Its axes.
    everything, selected, focus : ColumnDataSource
        Image of all stars, image of the selected ones, the star under the lens.
    everything_mapper, selected_mapper : LinearColorMapper
        Their palettes.
    ring : GlyphRenderer
        The mark around the star under the lens.
    """

    figure: Figure
    x: Axis
    y: Axis
    everything: ColumnDataSource
    selected: ColumnDataSource
    focus: ColumnDataSource
    everything_mapper: LinearColorMapper
    selected_mapper: LinearColorMapper
    ring: GlyphRenderer
    tools: dict[str, PanTool | BoxSelectTool | LassoSelectTool]

    def recolour(self, selected: tuple[str, ...], dark: bool) -> None:
        """Set the palettes of both layers and the ring."""
        self.everything_mapper.palette = list(grey_ramp(dark))
        self.selected_mapper.palette = list(selected)
        self.ring.glyph.line_color = ACCENT[dark]

    def size(self) -> tuple[int, int]:
        """Pixels inside the axes, as the browser last said; a guess before it has."""
        try:
            width, height = int(self.figure.inner_width), int(self.figure.inner_height)
        except UnsetValueError:
            return _FIRST_SIZE
        return (width, height) if min(width, height) > 0 else _FIRST_SIZE

    def reset_ranges(self) -> None:
        """Zoom back to the start."""
        self.figure.x_range.start, self.figure.x_range.end = self.x.ends
        self.figure.y_range.start, self.figure.y_range.end = self.y.ends


def build_diagram(x: Axis, y: Axis, reference: Sequence[hv.Element] = ()) -> Diagram:
    """Build an empty diagram.

    Parameters
    ----------
    x, y : Axis
        The plane.
    reference : sequence of hv.Element
        Curves and points that stay under the stars.

    Returns
    -------
    Diagram
        Its images are blank until a view patches them.
    """
    elements = list(reference) or [hv.Points([], [x.column.name, y.column.name])]
    overlay = hv.Overlay(elements).opts(
        hv.opts.Overlay(
            xlim=(x.low, x.high),
            ylim=(y.low, y.high),
            invert_xaxis=x.inverted,
            invert_yaxis=y.inverted,
            xlabel=x.column.axis_label,
            ylabel=y.column.axis_label,
            default_tools=[],
            responsive=True,
            show_legend=False,
        )
    )
    figure = hv.render(overlay, backend="bokeh")
    figure.output_backend = "canvas"  # HoloViews asks for WebGL, which images do not use and every repaint pays for
    for renderer in figure.renderers:  # points under the stars, curves over them
        renderer.level = "image" if isinstance(renderer.glyph, Scatter) else "underlay"
    everything, everything_mapper = _image_layer(figure, grey_ramp(False), "everything")
    selected, selected_mapper = _image_layer(figure, count_ramp(False), "selected")
    focus = ColumnDataSource({"x": [], "y": []})
    ring = figure.scatter("x", "y", source=focus, size=14, fill_alpha=0.0, line_width=2.5, line_color=ACCENT[False])
    ring.level = "overlay"
    tools = _give_tools(figure)
    figure.min_border = 2
    figure.lod_threshold = None
    figure.xaxis.ticker = BasicTicker(desired_num_ticks=_TICKS["x"])
    figure.yaxis.ticker = BasicTicker(desired_num_ticks=_TICKS["y"])
    figure.stylesheets = [FIGURE_FONT]
    return Diagram(figure, x, y, everything, selected, focus, everything_mapper, selected_mapper, ring, tools)


def _image_layer(figure: Figure, ramp: tuple[str, ...], name: str) -> tuple[ColumnDataSource, LinearColorMapper]:
    source = ColumnDataSource(
        {"image": [np.zeros((1, 1), np.uint8)], "x": [0.0], "y": [0.0], "dw": [1.0], "dh": [1.0]}, name=name
    )
    mapper = LinearColorMapper(palette=list(ramp), low=0, high=255)
    renderer = figure.image("image", x="x", y="y", dw="dw", dh="dh", source=source, color_mapper=mapper)
    renderer.level = "image"
    return source, mapper


def _give_tools(figure: Figure) -> dict[str, PanTool | BoxSelectTool | LassoSelectTool]:
    """Box, lasso and pan by dragging, zoom by wheel; the toolbar itself stays hidden: one in the header rules all."""
    box = BoxSelectTool(renderers=[], continuous=False)
    lasso = LassoSelectTool(renderers=[], continuous=False)
    pan, wheel = PanTool(), WheelZoomTool()
    figure.tools = [box, lasso, pan, wheel]
    figure.toolbar_location = None
    figure.toolbar.active_drag = box
    figure.toolbar.active_scroll = wheel
    figure.toolbar.active_tap = None
    figure.toolbar.active_inspect = None
    return {"box": box, "lasso": lasso, "pan": pan}
