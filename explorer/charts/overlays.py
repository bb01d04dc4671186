"""Overlays over or under the stars of a plane: curves, points, the Sun, velocities.

Each shape describes itself to the page, returns the layers that zooms and brushes change, and draws itself in pictures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.marks import (
    Floats,
    draw_curves,
    draw_model_points,
    model_handle,
)
from explorer.charts.shading import Canvas
from explorer.model.scales import Scale
from explorer.model.selection import Mask
from pipeline.domain.columns import PERIODS
from pipeline.figures.star_arrows import FAR_KPC, arrow_ends, draw_arrows

NO_SLOT = -1
"""Slot of a layer until the grid sends it."""

MODEL_COLOUR = "#b8956a"
"""Stream model in the picture of a view."""

MAX_ARROWS = 500

_MODEL_SIZE, _ARROW_WIDTH = 2.2, 0.0025


@dataclass(frozen=True)
class PackedImage:
    """An image whose bytes are sent together with those of other layers.

    Parameters
    ----------
    name : str
        Name of the image in its view.
    window : tuple of float
        Ends of x and of y, in data coordinates.
    shape : tuple of int
        Height and width.
    pixels : bytes
        Levels, packed.
    """

    name: Literal["everything", "members", "selected"]
    window: protocol.Window
    shape: tuple[int, int]
    pixels: bytes

    def layer(self, slot: int, start: int) -> protocol.ImageLayer:
        """The layer of a view whose bytes begin at ``start``."""
        return protocol.ImageLayer(slot, self.name, self.window, self.shape, start, start + len(self.pixels))


WireLayer: TypeAlias = PackedImage | protocol.AnyLayer
"""A layer for the browser, whose slot the grid fills in."""


@dataclass(frozen=True)
class Scene:
    """The plane on which a picture draws an overlay.

    Parameters
    ----------
    canvas : Canvas
        The stars of the plane.
    rows : ndarray of bool, shape (n,)
        The selection.
    x_ends, y_ends : tuple of float
        Ends of the axes in drawing order.
    """

    canvas: Canvas
    rows: Mask
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]


class Shape(ABC):
    """Shape of an overlay; this base class draws nothing."""

    follows_selection: ClassVar[bool] = False
    """Whether a brush changes it."""

    @abstractmethod
    def to_client(self) -> protocol.AnyShape:
        """Description of the shape for the page, which draws it once."""

    def on(self, scales: tuple[Scale, Scale]) -> Shape:  # noqa: ARG002 - the canvas of arrows has them
        """The shape in the coordinates of other scales than linear ones."""
        return self

    @property
    def on_scale(self) -> bool:
        """Whether any of it can be drawn."""
        return True

    def background(self, name: str, canvas: Canvas, window: protocol.Window) -> list[WireLayer]:  # noqa: ARG002 - drawn once
        """Layers of the overlay ``name`` that change with the viewport."""
        return []

    def selected(self, canvas: Canvas, rows: Mask) -> list[WireLayer]:  # noqa: ARG002 - no brush changes it
        """Layers that follow the selection."""
        return []

    @abstractmethod
    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:
        """Draw it in a picture; returns the legend handles."""


@dataclass(frozen=True)
class Lines(Shape):
    """Dashed curves, each with its colour.

    Parameters
    ----------
    xs, ys : tuple of ndarray
        Points of each curve.
    colours : tuple of str
        One a curve.
    cased : bool
        Whether a casing in the colour of the page separates the curves from the stars.
    """

    xs: tuple[Floats, ...]
    ys: tuple[Floats, ...]
    colours: tuple[str, ...]
    cased: bool = False

    def on(self, scales: tuple[Scale, Scale]) -> Lines:
        """The curves in coordinates; they are broken where a scale has none."""
        xs, ys = (tuple(map(scale.forward, parts)) for scale, parts in zip(scales, (self.xs, self.ys), strict=True))
        return replace(self, xs=_singles(xs), ys=_singles(ys))

    def to_client(self) -> protocol.LinesShape:
        """The curves."""
        return protocol.LinesShape(xs=self.xs, ys=self.ys, colours=self.colours, cased=self.cased)

    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:  # noqa: ARG002 - in any plane
        """Draw the curves, named by the overlay's caption where it has a word for each."""
        words = [word for word, _ in overlay.caption]
        names = words if len(words) == len(self.xs) else [""] * len(self.xs)
        curves = zip(self.xs, self.ys, self.colours, names, strict=True)
        return draw_curves(axes, curves, overlay.heading, cased=self.cased)


@dataclass(frozen=True)
class Dots(Shape):
    """Grey points under the stars.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Their coordinates.
    """

    x: Floats
    y: Floats

    def on(self, scales: tuple[Scale, Scale]) -> Dots:
        """The points in coordinates."""
        x, y = _singles((scales[0].forward(self.x), scales[1].forward(self.y)))
        return Dots(x, y)

    def to_client(self) -> protocol.DotsShape:
        """The points."""
        return protocol.DotsShape(x=self.x, y=self.y)

    def background(self, name: str, canvas: Canvas, window: protocol.Window) -> list[WireLayer]:
        """Shifts at which the points are drawn again because a longitude repeats."""
        if PERIODS.keys().isdisjoint(canvas.names):
            return []
        around = canvas.images(window)
        return [protocol.DotsLayer(NO_SLOT, (name,), tuple(around))]

    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:  # noqa: ARG002 - named as the model
        """Draw the points, again at each repetition of a longitude."""
        (left, right), (low, high) = sorted(scene.x_ends), sorted(scene.y_ends)
        around = np.array(scene.canvas.images((left, right, low, high)), np.float32)
        x, y = ((values + steps[:, None]).ravel() for values, steps in zip((self.x, self.y), around.T, strict=True))
        draw_model_points(axes, x, y, MODEL_COLOUR, _MODEL_SIZE)
        return [model_handle(MODEL_COLOUR)]


@dataclass(frozen=True)
class SunMark(Shape):
    """The solar position, as the usual dot in a circle.

    Parameters
    ----------
    x, y : float
        Its coordinates in kpc.
    others : tuple of (float, float)
        Shifts to further maps of the same plane.
    """

    x: float
    y: float
    others: tuple[tuple[float, float], ...] = ()

    def on(self, scales: tuple[Scale, Scale]) -> SunMark:
        """The position in coordinates."""
        return SunMark(scales[0].coordinate(self.x), scales[1].coordinate(self.y))

    @property
    def on_scale(self) -> bool:
        """Whether the scales have a place for the Sun."""
        return bool(np.isfinite((self.x, self.y)).all())

    def to_client(self) -> protocol.SunShape:
        """The position on each map."""
        shifts = ((0.0, 0.0), *self.others)
        return protocol.SunShape(x=tuple(self.x + x for x, _ in shifts), y=tuple(self.y + y for _, y in shifts))

    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:  # noqa: ARG002 - a mark without a name
        """Draw the mark."""
        axes.plot(self.x, self.y, "o", color="#ffd34d", markeredgecolor="k", markersize=5, markeredgewidth=0.7)
        axes.plot(self.x, self.y, ".", color="k", markersize=1.5)
        return []


@dataclass(frozen=True)
class Arrows(Shape):
    """Velocities of the selected stars far from the plane of the disc; drawn anew with each brush.

    Parameters
    ----------
    v_x, v_y : str
        Columns of the velocity along the axes.
    """

    follows_selection: ClassVar[bool] = True

    v_x: str
    v_y: str

    def to_client(self) -> protocol.ArrowsShape:
        """The kind alone; the arrows follow with the stars."""
        return protocol.ArrowsShape()

    def ends(self, canvas: Canvas, rows: Mask) -> tuple[Floats, Floats, Floats, Floats]:
        """Starts and ends of the arrows of some stars as coordinates, x before y; in kpc on linear axes."""
        table, names = canvas.table, (*canvas.names, self.v_x, self.v_y)
        far = canvas.visible(rows) & (np.abs(table.axis("z_gal")) > FAR_KPC)
        stars = np.flatnonzero(far)
        stars = stars[:: stars.size // MAX_ARROWS + 1]
        x, y, v_x, v_y = (table.axis(name)[stars] for name in names)
        known = np.isfinite(v_x) & np.isfinite(v_y)
        x, y, v_x, v_y = (values[known] for values in (x, y, v_x, v_y))
        ends = (x, y, *arrow_ends((x, y), (v_x, v_y)))
        if all(scale.is_linear for scale in canvas.scales):
            return ends
        placed = _singles(tuple(canvas.scales[k % 2].forward(values) for k, values in enumerate(ends)))
        drawn = np.isfinite(placed).all(axis=0)
        x, y, x_end, y_end = (values[drawn] for values in placed)
        return x, y, x_end, y_end

    def selected(self, canvas: Canvas, rows: Mask) -> list[WireLayer]:
        """The arrows of the selected stars."""
        return [protocol.ArrowsLayer(NO_SLOT, *self.ends(canvas, rows))]

    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:  # noqa: ARG002 - named by their key
        """Draw the arrows and their scale."""
        ends = self.ends(scene.canvas, scene.rows)
        to_scale = all(scale.is_linear for scale in scene.canvas.scales)
        draw_arrows(axes, ends, scene.x_ends if to_scale else None, color="0.15", width=_ARROW_WIDTH)
        return []


@dataclass(frozen=True)
class MeanArrows(Shape):
    """Mean velocities of the selected stars, which the disc map draws."""

    follows_selection: ClassVar[bool] = True

    def to_client(self) -> protocol.ArrowsShape:
        """The kind alone; the arrows follow with the map."""
        return protocol.ArrowsShape()

    def draw(self, axes: Axes, overlay: Overlay, scene: Scene) -> list[Line2D]:  # noqa: ARG002 - drawn with the map
        """Draw nothing."""
        return []


@dataclass(frozen=True)
class Overlay:
    """A shape over or under the stars that can be switched off.

    Parameters
    ----------
    name : str
        Name of its switch in a link.
    label : str
        Name on screen.
    shape : Shape
        Shape that is drawn.
    caption : tuple of (str, str)
        Words beside the view's title, each with a colour ("" for that of text).
    about : str
        A sentence on what is drawn.
    heading : str
        The quantity that the words are values of.
    mark : str
        Kind of mark in the colour of each word.
    """

    name: str
    label: str
    shape: Shape
    caption: tuple[tuple[str, str], ...] = ()
    about: str = ""
    heading: str = ""
    mark: Literal["", "line", "dot"] = ""

    def on(self, scales: tuple[Scale, Scale]) -> Overlay:
        """The overlay in the coordinates of some scales."""
        return self if all(scale.is_linear for scale in scales) else replace(self, shape=self.shape.on(scales))

    def draw(self, axes: Axes, scene: Scene) -> list[Line2D]:
        """Draw it in a picture; returns the legend handles."""
        return self.shape.draw(axes, self, scene)


def _singles(parts: tuple[Floats, ...]) -> tuple[NDArray[np.float32], ...]:
    """Coordinates in the precision of the page."""
    with np.errstate(over="ignore"):
        return tuple(np.asarray(values, np.float32) for values in parts)
