"""What stands in one place of the grid: its description for the browser, its pictures, and what gestures in it mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.diagram import Arrows, Axis, Bars, DiscPlane, Dots, Figure, Missing, Plane
from explorer.charts.disc import has_cells, rotation_bar, rotation_scale, texture_levels
from explorer.charts.references import ARROW_HEIGHT_KPC, MAX_ARROWS, arrow_ends
from explorer.charts.shading import (
    BARS,
    Canvas,
    Categories,
    Colouring,
    Image,
    Stars,
    ValueScale,
    Viewport,
    count_bars,
    packed,
)
from explorer.model.selection import TURN, WIDEST, Everything, InBox, InPolygon, InRange, Selection, images
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from pipeline.domain.columns import FULL_CIRCLE

NO_SLOT = -1
"""Place of a layer until the grid sends it."""


@dataclass(frozen=True)
class PackedImage:
    """An image whose bytes are sent together with those of other layers.

    Parameters
    ----------
    name : str
        Which image of its view.
    window : tuple of float
        Ends of x and of y, in data coordinates.
    shape : tuple of int
        Height and width.
    pixels : bytes
        Levels, packed.
    """

    name: Literal["everything", "selected", "texture"]
    window: protocol.Window
    shape: tuple[int, int]
    pixels: bytes

    def layer(self, slot: int, start: int) -> protocol.ImageLayer:
        """The layer of a place whose bytes begin at ``start``."""
        return protocol.ImageLayer(slot, self.name, self.window, self.shape, start, start + len(self.pixels))


Picture: TypeAlias = PackedImage | protocol.AnyLayer
"""A layer for the browser, whose slot the grid fills in."""

LOGARITHMIC = "logarithmic"
RESIDUAL = "residual"

_TEX = re.compile(r"(\$(?=\$)|\\(?=[\[\](]))")
"""Where Bokeh would take a label for TeX: a blank goes between."""

_TAP_PIXELS = 10.0
_LONE_LEVEL = 150


class Panel:
    """A place in the grid where nothing can be drawn; the base of the others.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    figure : Missing or Plane or DiscPlane or Bars
        What stands here.
    state : PanelState
        What was chosen for this place.
    """

    def __init__(self, workspace: Workspace, figure: Figure, state: PanelState) -> None:
        self.workspace, self.state = workspace, state
        self.title = figure.title
        self.figure = figure
        self.viewport: Viewport | None = None
        self.note: protocol.Note | None = None

    def spec(self) -> protocol.AnyFigure:
        """Everything that the browser needs to build the figure."""
        assert isinstance(self.figure, Missing)
        return protocol.MissingSpec(self.state.view, self.title, (), (), self.figure.sentence)

    def _axis(self, axis: Axis, ends: tuple[float, float] | None) -> protocol.AxisSpec:
        declared = axis.column
        turn, widest = (TURN, WIDEST) if declared.name in FULL_CIRCLE else (None, None)
        label = _TEX.sub(r"\1 ", declared.axis_label)
        return protocol.AxisSpec(declared.name, label, ends or axis.ends, axis.ends, turn, widest)

    def look(self, window: tuple[float, float, float, float], width: int, height: int) -> None:
        """Take note of what is on screen: ends of x and of y in drawing order, and pixels."""
        (x_low, x_high), (y_low, y_high) = sorted(window[:2]), sorted(window[2:])
        self.viewport = Viewport(x_low, x_high, y_low, y_high, width, height)

    def background(self, colouring: Colouring, glyphs: int) -> list[Picture]:  # noqa: ARG002 - nothing to draw
        """Layers that a brush does not change; single stars where at most ``glyphs`` are on screen."""
        return []

    def selected(self, colouring: Colouring) -> list[Picture]:  # noqa: ARG002 - nothing to draw
        """Layers that follow the selection; also writes :attr:`note`."""
        return []

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:  # noqa: ARG002 - nothing to select from
        """A drawn shape as a selection; None when it encloses nothing."""
        return None

    def star_at(self, x: float, y: float) -> int | None:  # noqa: ARG002 - no star is here
        """Row of the star under a click, None when there is none."""
        return None

    def places_of(self, row: int | None) -> list[tuple[float, float]]:  # noqa: ARG002 - no star is here
        """Where a star stands on screen: at several places where a longitude comes round."""
        return []


class PlanePanel(Panel):
    """Stars in the plane of two columns."""

    figure: Plane

    def __init__(self, workspace: Workspace, figure: Plane, state: PanelState) -> None:
        super().__init__(workspace, figure, state)
        self.names = (figure.x.column.name, figure.y.column.name)
        self.canvas = Canvas(workspace.table, *self.names)
        self.stars: Stars | None = None

    def shows(self, overlay: str) -> bool:
        """Whether an overlay is on."""
        return (overlay in self.figure.off) == (overlay in self.state.switched)

    def spec(self) -> protocol.PlaneSpec:
        """Axes, overlays and captions."""
        overlays = tuple(
            protocol.OverlaySpec(one.name, one.label, self.shows(one.name), one.shape.to_client())
            for one in self.figure.overlays
        )
        shown = [one for one in self.figure.overlays if self.shows(one.name)]
        caption = [words for one in shown for words in ((one.heading, ""), *one.caption) if words[0]]
        return protocol.PlaneSpec(
            view=self.state.view,
            title=self.title,
            caption=tuple(protocol.Caption(text, colour) for text, colour in caption),
            overlays=overlays,
            about=" ".join(one.about for one in shown),
            square=self.figure.square,
            x=self._axis(self.figure.x, self.state.x_ends),
            y=self._axis(self.figure.y, self.state.y_ends),
        )

    def background(self, colouring: Colouring, glyphs: int) -> list[Picture]:  # noqa: ARG002 - grey whatever the colours
        """Every star in grey: one by one where few are on screen, else as an image."""
        assert self.viewport is not None
        self.stars = self.canvas.stars_in(self.viewport, glyphs)
        if self.stars is None:
            return [self._image("everything", self.canvas.everything(self.viewport).levels), *self._dots_layer()]
        obsid = self.workspace.table["obsid"][self.stars.rows].astype(np.float64)
        return [protocol.StarsLayer(NO_SLOT, self.stars.x, self.stars.y, obsid), *self._dots_layer()]

    def _dots_layer(self) -> list[Picture]:
        """Where dots that the browser has already are drawn again because a longitude comes round."""
        assert self.viewport is not None
        dots = tuple(one.name for one in self.figure.overlays if isinstance(one.shape, Dots))
        if not dots or FULL_CIRCLE.isdisjoint(self.names):
            return []
        around = images(*self.names, self.viewport.window)
        return [protocol.DotsLayer(NO_SLOT, dots, tuple(around))]

    def selected(self, colouring: Colouring) -> list[Picture]:
        """The selected stars in their colours, and their velocities where arrows are on."""
        assert self.viewport is not None
        rows = self.workspace.rows
        if self.stars is None:
            layer = self.canvas.selected(self.viewport, rows, colouring)
            picture: Picture = self._image("selected", layer.levels)
            n_shown = layer.n_shown
        else:
            stars = self.stars.rows
            levels = np.where(rows[stars], self._levels(stars, colouring), 0).astype(np.uint8)
            picture, n_shown = protocol.PickedLayer(NO_SLOT, levels.tobytes()), self.canvas.count_known(rows)
        self._write_note(self.workspace.n_selected - n_shown)
        return [picture, *self._arrow_layer()]

    def _levels(self, stars: NDArray[np.int64], colouring: Colouring) -> Image | int:
        """Colours of single stars."""
        if isinstance(colouring, ValueScale):
            return colouring.levels(self.workspace.table.axis(colouring.name)[stars])
        if isinstance(colouring, Categories):
            codes = colouring.codes[stars]
            return np.where(codes < len(colouring.labels), codes.astype(np.int64) + 1, 0).astype(np.uint8)
        return _LONE_LEVEL

    def _write_note(self, hidden: int) -> None:
        self.note = _note(hidden, "without", "has no value here", "have no value here")

    def _image(self, name: Literal["everything", "selected"], levels: Image) -> PackedImage:
        assert self.viewport is not None
        height, width = levels.shape
        return PackedImage(name, self.viewport.window, (height, width), packed(levels))

    def _arrow_layer(self) -> list[Picture]:
        found = self.arrows()
        if found is None:
            return []
        x0, y0, x1, y1 = found
        return [protocol.ArrowsLayer(NO_SLOT, x0, y0, x1, y1)]

    def arrows(self) -> tuple[NDArray[np.float32], ...] | None:
        """Velocities of the selected stars far from the plane: starts and ends; None where arrows are off."""
        shapes = [one.shape for one in self.figure.overlays if one.name == "arrows" and self.shows("arrows")]
        if not shapes or not isinstance(shapes[0], Arrows):
            return None
        table, names = self.workspace.table, (*self.names, shapes[0].v_x, shapes[0].v_y)
        far = self.canvas.visible(self.workspace.rows) & (np.abs(table.axis("z_gal")) > ARROW_HEIGHT_KPC)
        stars = np.flatnonzero(far)
        stars = stars[:: stars.size // MAX_ARROWS + 1]
        x, y, v_x, v_y = (table.axis(name)[stars] for name in names)
        known = np.isfinite(v_x) & np.isfinite(v_y)
        x, y, v_x, v_y = (values[known] for values in (x, y, v_x, v_y))
        return x, y, *arrow_ends((x, y), (v_x, v_y))

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """A rectangle or an outline in this plane."""
        if isinstance(geometry, protocol.Rectangle):
            x_low, x_high = sorted((geometry.x0, geometry.x1))
            y_low, y_high = sorted((geometry.y0, geometry.y1))
            return InBox(*self.names, x_low, x_high, y_low, y_high) if x_low < x_high and y_low < y_high else None
        if len(geometry.x) >= 3:
            return InPolygon(*self.names, tuple(zip(geometry.x, geometry.y, strict=True)))
        return None

    def star_at(self, x: float, y: float) -> int | None:
        """The nearest star within some pixels."""
        return None if self.viewport is None else self.canvas.nearest(self.viewport, x, y, _TAP_PIXELS)

    def places_of(self, row: int | None) -> list[tuple[float, float]]:
        """Its images, when both coordinates are known."""
        return [] if row is None or self.viewport is None else self.canvas.images_of(row, self.viewport)


class DiscPanel(PlanePanel):
    """Disc maps with the selected stars of the slice over them."""

    figure: DiscPlane

    def __init__(self, workspace: Workspace, figure: DiscPlane, state: PanelState) -> None:
        super().__init__(workspace, figure, state)
        self.disc = figure.maps[min(state.part, len(figure.maps) - 1)]
        height = np.abs(workspace.table.axis("z_gal"))
        inside = (height >= self.disc.z_low_kpc) & (height < self.disc.z_high_kpc)
        inside.setflags(write=False)
        self.canvas = Canvas(workspace.table, *self.names, inside)

    @property
    def residual(self) -> bool:
        """Whether the rotation's residual is coloured."""
        return RESIDUAL in self.state.switched

    def spec(self) -> protocol.PlaneSpec:
        """Those of a plane, the slices, the switch to residuals, and the colour bar of the rotation."""
        plane, label = super().spec(), "Rotation minus its median at that radius"
        switch = protocol.OverlaySpec(RESIDUAL, label, self.residual, protocol.NoShape())
        return replace(
            plane,
            caption=(),
            overlays=(*plane.overlays, switch),
            parts=tuple(f"|Z| {one.z_low_kpc:g} to {one.z_high_kpc:g} kpc" for one in self.figure.maps),
            part=self.state.part,
            bar=self.bar(),
        )

    def bar(self) -> protocol.Legend:
        """The colour bar of the rotation."""
        return rotation_bar(self.figure.maps, self.workspace.dark, residual=self.residual)

    def background(self, colouring: Colouring, glyphs: int) -> list[Picture]:  # noqa: ARG002 - it is the texture
        """The texture stands for all stars."""
        low, high = float(self.disc.edges_kpc[0]), float(self.disc.edges_kpc[-1])
        limits, _ = rotation_scale(self.figure.maps, residual=self.residual)
        levels = texture_levels(self.disc, limits, residual=self.residual)
        height, width = levels.shape
        return [PackedImage("texture", (low, high, low, high), (height, width), packed(levels))]

    def selected(self, colouring: Colouring) -> list[Picture]:
        """The selected stars of the slice, or the bare map when no star in particular is selected."""
        if self.workspace.selection != Everything():
            return super().selected(colouring)
        assert self.viewport is not None
        self._write_note(0)
        return [self._image("selected", np.zeros((1, 1), np.uint8)), *self._arrow_layer()]

    def places_of(self, row: int | None) -> list[tuple[float, float]]:
        """Its coordinates, when it is in this slice."""
        assert self.canvas.shown is not None
        return super().places_of(row) if row is not None and self.canvas.shown[row] else []

    def _write_note(self, hidden: int) -> None:
        outside = _note(hidden, "outside", "is not in this slice", "are not in this slice")
        self.note = outside if has_cells(self.disc) else protocol.Note("no cells", _no_cells(outside))


class BarsPanel(Panel):
    """A histogram."""

    figure: Bars

    @property
    def logarithmic(self) -> bool:
        """Whether the numbers stand on a logarithmic axis."""
        return self.figure.logarithmic != (LOGARITHMIC in self.state.switched)

    def spec(self) -> protocol.BarsSpec:
        """The axis and the switch of the other one."""
        return protocol.BarsSpec(
            view=self.state.view,
            title=self.title,
            caption=(protocol.Caption(f"of {self.figure.x.column.label}", ""),),
            overlays=(protocol.SwitchSpec(LOGARITHMIC, "Logarithmic numbers", self.logarithmic),),
            x=self._axis(self.figure.x, self.state.x_ends),
            y=protocol.CountAxis("stars"),
            logarithmic=self.logarithmic,
        )

    def background(self, colouring: Colouring, glyphs: int) -> list[Picture]:  # noqa: ARG002 - grey bars
        """Bars of every star."""
        return [self._bars("everything", self.workspace.table.every)[0]]

    def selected(self, colouring: Colouring) -> list[Picture]:  # noqa: ARG002 - one colour
        """Bars of the selected stars."""
        picture, known = self._bars("selected", self.workspace.rows)
        self.note = _note(self.workspace.n_selected - known, "without", "has no value", "have no value")
        return [picture]

    def _bars(self, name: Literal["everything", "selected"], rows: NDArray[np.bool_]) -> tuple[protocol.BarsLayer, int]:
        """Bars of some stars, and how many of them have a value."""
        assert self.viewport is not None
        low, high = self.viewport.x_low, self.viewport.x_high
        counts, known = count_bars(self.workspace.table, self.figure.x.column.name, rows, low, high)
        edges = np.linspace(low, high, BARS + 1)
        return protocol.BarsLayer(NO_SLOT, name, edges, counts.astype(np.float64)), known

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """The range that a drag covers, whatever its height."""
        xs = (geometry.x0, geometry.x1) if isinstance(geometry, protocol.Rectangle) else geometry.x
        low, high = min(xs), max(xs)
        return InRange(self.figure.x.column.name, low, high) if low < high else None


def _note(hidden: int, short: str, one: str, many: str) -> protocol.Note | None:
    """What is not shown of the selection, if anything."""
    sentence = f"1 selected star {one}" if hidden == 1 else f"{hidden:,} selected stars {many}"
    return protocol.Note(f"{hidden:,} {short}", sentence) if hidden else None


def _no_cells(outside: protocol.Note | None) -> str:
    empty = "No cell of this slice has enough stars for a velocity: choose another height"
    return f"{empty}. {outside.sentence}" if outside else empty


def panel_of(workspace: Workspace, figure: Figure, state: PanelState) -> Panel:
    """The panel for a figure."""
    if isinstance(figure, DiscPlane):
        return DiscPanel(workspace, figure, state)
    if isinstance(figure, Plane):
        return PlanePanel(workspace, figure, state)
    return BarsPanel(workspace, figure, state) if isinstance(figure, Bars) else Panel(workspace, figure, state)
