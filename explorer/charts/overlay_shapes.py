"""Tables of the user's own over a plane, as curves or as points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.journal import drawable
from explorer.charts.marks import Floats
from explorer.charts.overlays import NO_SLOT, Overlay, Scene, Shape, WireLayer
from explorer.charts.shading import Canvas
from explorer.model.overlay_tables import OverlayTable
from explorer.model.scales import Scale
from pipeline.domain.column import Column
from pipeline.domain.columns import PERIODS

_MARK_AREA = (40.0, 4.0, 900.0)
"""Largest and smallest area of a point in a picture in square points, and the number of points times its area."""

_LINE_WIDTH = 1.1


@dataclass(frozen=True)
class TableCurves(Shape):
    """Rows of a table that are joined by lines.

    Parameters
    ----------
    xs, ys : tuple of ndarray
        Points of each line.
    colour : str
        Their colour.
    """

    xs: tuple[Floats, ...]
    ys: tuple[Floats, ...]
    colour: str

    def on(self, scales: tuple[Scale, Scale]) -> TableCurves:
        """The lines in coordinates; they are broken where a scale has none."""
        return replace(
            self,
            xs=tuple(scales[0].forward(x).astype(np.float32) for x in self.xs),
            ys=tuple(scales[1].forward(y).astype(np.float32) for y in self.ys),
        )

    @property
    def on_scale(self) -> bool:
        """Whether any point can be drawn."""
        return any(np.isfinite(x + y).any() for x, y in zip(self.xs, self.ys, strict=True))

    def to_client(self) -> protocol.CurveShape:
        """The lines."""
        return protocol.CurveShape(xs=self.xs, ys=self.ys, colour=self.colour)

    def background(self, name: str, canvas: Canvas, window: protocol.Window) -> list[WireLayer]:
        """Shifts at which they are drawn again because a longitude repeats."""
        return repeated(name, canvas, window)

    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:
        """Draw the lines at each repetition of a longitude."""
        look: dict[str, Any] = {"color": self.colour, "linewidth": _LINE_WIDTH}
        for across, up in images_in(scene):
            for x, y in zip(self.xs, self.ys, strict=True):
                axes.plot(x + across, y + up, "-", **look)
        return [Line2D([], [], linestyle="-", label=drawable(overlay.label, overlay.label), **look)]


@dataclass(frozen=True)
class TablePoints(Shape):
    """Rows of a table as points.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Their coordinates.
    colour : str
        Their colour.
    """

    x: Floats
    y: Floats
    colour: str

    def on(self, scales: tuple[Scale, Scale]) -> TablePoints:
        """The points in coordinates; those beyond a scale are left out."""
        x, y = scales[0].forward(self.x), scales[1].forward(self.y)
        there = np.isfinite(x) & np.isfinite(y)
        return replace(self, x=x[there].astype(np.float32), y=y[there].astype(np.float32))

    @property
    def on_scale(self) -> bool:
        """Whether there is any point."""
        return bool(self.x.size)

    def to_client(self) -> protocol.MarksShape:
        """The points."""
        return protocol.MarksShape(x=self.x, y=self.y, colour=self.colour)

    def background(self, name: str, canvas: Canvas, window: protocol.Window) -> list[WireLayer]:
        """Shifts at which they are drawn again because a longitude repeats."""
        return repeated(name, canvas, window)

    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:
        """Draw the points at each repetition of a longitude, smaller where there are many."""
        most, least, total = _MARK_AREA
        side = float(np.sqrt(np.clip(total / max(self.x.size, 1), least, most)))
        look: dict[str, Any] = {
            "marker": "D",
            "linestyle": "",
            "color": self.colour,
            "markerfacecolor": "none",
            "markeredgewidth": 0.7,
        }
        for across, up in images_in(scene):
            axes.plot(self.x + across, self.y + up, markersize=side, rasterized=self.x.size > _MARK_AREA[2], **look)
        handle = Line2D([], [], markersize=4.0, label=drawable(overlay.label, overlay.label), **look)
        return [handle]


def repeated(name: str, canvas: Canvas, window: protocol.Window) -> list[WireLayer]:
    """Layer of the shifts of an overlay in a window; none where no coordinate repeats."""
    if PERIODS.keys().isdisjoint(canvas.names):
        return []
    return [protocol.DotsLayer(NO_SLOT, (name,), tuple(canvas.images(window)))]


def joined_dots(layers: Iterable[WireLayer]) -> list[WireLayer]:
    """The layers with one for the shifts of all overlays of a plane, which are the same."""
    dots: list[protocol.DotsLayer] = []
    others: list[WireLayer] = []
    for layer in layers:
        if isinstance(layer, protocol.DotsLayer):
            dots.append(layer)
        else:
            others.append(layer)
    names = tuple(name for layer in dots for name in layer.overlays)
    return [protocol.DotsLayer(NO_SLOT, names, dots[0].images), *others] if dots else others


def images_in(scene: Scene) -> list[tuple[float, float]]:
    """Shifts at which the plane appears in a picture."""
    (left, right), (low, high) = sorted(scene.x_ends), sorted(scene.y_ends)
    return scene.canvas.images((left, right, low, high))


def table_overlays(tables: Iterable[OverlayTable], x: Column, y: Column) -> list[Overlay]:
    """Overlays of those tables that are on and have both columns, in the units of the catalogue."""
    made = ((table, _shape(table, x, y)) for table in tables if table.on)
    return [_overlay(table, shape) for table, shape in made if shape is not None]


def switch_of(table: OverlayTable) -> str:
    """Name of the switch of a table in the menu of a view."""
    return f"table {table.name}"


def _overlay(table: OverlayTable, shape: Shape) -> Overlay:
    about = f"{table.name} is a table of your own."
    mark: Literal["line", "dot"] = "line" if table.style == "line" else "dot"
    return Overlay(switch_of(table), table.name, shape, ((table.name, table.colour),), about, mark=mark)


def _shape(table: OverlayTable, x: Column, y: Column) -> Shape | None:
    across, up = table.values_of(x), table.values_of(y)
    if across is None or up is None:
        return None
    across, up = _turned(across, x), _turned(up, y)
    known = np.isfinite(across) & np.isfinite(up)
    if not known.any():
        return None
    if table.style == "points":
        return TablePoints(across[known], up[known], table.colour)
    lines = [line for rows in table.segments() for line in _unbroken(across[rows], up[rows], (x.period, y.period))]
    return TableCurves(tuple(line[0] for line in lines), tuple(line[1] for line in lines), table.colour)


def _turned(values: NDArray[np.float32], column: Column) -> NDArray[np.float32]:
    """Values in the first turn of a longitude."""
    return np.mod(values, np.float32(column.period)) if column.period else values


def _unbroken(
    x: NDArray[np.float32], y: NDArray[np.float32], periods: Sequence[float]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """A line cut where a longitude begins again; NaN stay, and break it."""
    ends = np.zeros(max(x.size - 1, 0), np.bool_)
    for values, period in zip((x, y), periods, strict=True):
        if period:
            ends |= np.abs(np.diff(values)) > 0.5 * period
    parts = [0, *(np.flatnonzero(ends) + 1).tolist(), x.size]
    cut = [(x[start:end], y[start:end]) for start, end in pairwise(parts)]
    return [(across, up) for across, up in cut if (np.isfinite(across) & np.isfinite(up)).any()]
