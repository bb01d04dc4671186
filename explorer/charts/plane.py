"""One column against another: every star in grey, the selection in its colours, overlays."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from matplotlib.figure import Figure

from explorer import protocol
from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Brush, Chart, Shot, ViewSpec, note_of
from explorer.charts.overlays import NO_SLOT, Overlay, PackedImage, Scene, WireLayer
from explorer.charts.picture import draw_plane
from explorer.charts.references import overlays_of
from explorer.charts.shading import Canvas, Image, Stars, packed
from explorer.model.library import Library
from explorer.model.selection import InBox, InPolygon, Selection
from explorer.model.table import StarTable
from explorer.state.panels import PanelState

ANY_COLUMNS = "custom"
"""Key of the view whose columns the user chooses."""

TAP_PIXELS = 10.0
"""Distance from a star within which a click is on it."""


class PlaneChart(Chart):
    """Stars in the plane of two columns; see :class:`explorer.charts.chart.Chart` for the parameters."""

    single: ClassVar[bool] = True
    dims: ClassVar[tuple[Literal["x", "y"], ...]] = ("x", "y")

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        super().__init__(view, library, state, axes)
        x, y = (axis.column for axis in self.axes.values())
        if view.chosen:
            self.title = f"{y.label} against {x.label}"
        self.overlays = overlays_of(library, x, y)
        self.canvas = Canvas(self.table, x.name, y.name)
        self.stars: Stars | None = None

    @classmethod
    def axes_of(cls, view: ViewSpec, table: StarTable, state: PanelState) -> tuple[AxisSpec, ...]:
        """The chosen columns, by default the first two of the catalogue; else those of the view."""
        if view.chosen:
            names = zip((state.x, state.y), [column.name for column in table.axes()][:2], strict=False)
            return tuple(AxisSpec(chosen or first) for chosen, first in names)
        there = (axes for axes in view.columns if table.usable(*(axis.column for axis in axes)))
        return next(there, view.columns[-1])

    @classmethod
    def lack(cls, view: ViewSpec, library: Library, state: PanelState) -> str:
        """Columns without values, or too few columns to choose from."""
        if len(cls.axes_of(view, library.table, state)) < 2:
            return "No two columns in this catalogue."
        return super().lack(view, library, state)

    def shows(self, overlay: Overlay, state: PanelState | None = None) -> bool:
        """Whether an overlay is on, in the present state or another one."""
        return (overlay.name in self.view.off) == (overlay.name in (state or self.state).switched)

    @property
    def switches(self) -> dict[str, bool]:
        """The overlays of the plane."""
        return {overlay.name: self.shows(overlay) for overlay in self.overlays}

    def spec(self, *, dark: bool = False) -> protocol.PlaneSpec:  # noqa: ARG002 - the disc map has colours of its own
        """Axes, overlays and captions."""
        overlays = tuple(
            protocol.OverlaySpec(overlay.name, overlay.label, self.shows(overlay), overlay.shape.to_client())
            for overlay in self.overlays
        )
        shown = [overlay for overlay in self.overlays if self.shows(overlay)]
        caption = (words for overlay in shown for words in ((overlay.heading, ""), *overlay.caption) if words[0])
        return protocol.PlaneSpec(
            view=self.state.view,
            title=self.title,
            caption=tuple(protocol.Caption(text, colour) for text, colour in caption),
            overlays=overlays,
            about=" ".join(overlay.about for overlay in shown),
            square=self.view.square,
            x=self.axis_spec("x"),
            y=self.axis_spec("y"),
        )

    @property
    def shows_single(self) -> bool | None:
        """Whether few enough stars are on screen."""
        return self.stars is not None

    def background(self, glyphs: int) -> list[WireLayer]:
        """Every star in grey: one by one where few are on screen, else as an image."""
        assert self.viewport is not None
        window = self.viewport.window
        moved = [
            layer for overlay in self.overlays for layer in overlay.shape.background(overlay.name, self.canvas, window)
        ]
        self.stars = self.canvas.stars_in(self.viewport, glyphs)
        if self.stars is None:
            return [self._image("everything", self.canvas.everything(self.viewport).levels), *moved]
        obsid = self.table["obsid"][self.stars.rows].astype(np.float64)
        return [protocol.StarsLayer(NO_SLOT, self.stars.x, self.stars.y, obsid), *moved]

    def selected(self, brush: Brush) -> list[WireLayer]:
        """The selected stars in their colours, and their velocities where arrows are on."""
        assert self.viewport is not None
        if self.stars is None:
            layer = brush.colouring.layer(self.canvas, self.viewport, brush.rows)
            picture: WireLayer = self._image("selected", layer.levels)
            n_shown = layer.n_shown
        else:
            stars = self.stars.rows
            levels = np.where(brush.rows[stars], brush.colouring.star_levels(self.table, stars), 0).astype(np.uint8)
            picture, n_shown = protocol.PickedLayer(NO_SLOT, levels.tobytes()), self.canvas.count_known(brush.rows)
        self.note = self._note(brush.n_selected - n_shown)
        return [picture, *self._moving(brush)]

    def _moving(self, brush: Brush) -> list[WireLayer]:
        """Layers of overlays that follow the selection."""
        shown = (overlay.shape for overlay in self.overlays if self.shows(overlay))
        return [layer for shape in shown for layer in shape.selected(self.canvas, brush.rows)]

    def _note(self, hidden: int) -> protocol.Note | None:
        return note_of(hidden, "without", "has no value here", "have no value here")

    def _image(self, name: Literal["everything", "selected"], levels: Image) -> PackedImage:
        assert self.viewport is not None
        height, width = levels.shape
        return PackedImage(name, self.viewport.window, (height, width), packed(levels))

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """A rectangle or an outline in this plane."""
        x, y = self.canvas.names
        if isinstance(geometry, protocol.Rectangle):
            x_low, x_high = sorted((geometry.x0, geometry.x1))
            y_low, y_high = sorted((geometry.y0, geometry.y1))
            return InBox(x, y, x_low, x_high, y_low, y_high) if x_low < x_high and y_low < y_high else None
        if len(geometry.x) >= 3:
            return InPolygon(x, y, tuple(zip(geometry.x, geometry.y, strict=True)))
        return None

    def star_at(self, x: float, y: float) -> int | None:
        """The nearest star within some pixels."""
        return None if self.viewport is None else self.canvas.nearest(self.viewport, x, y, TAP_PIXELS)

    def places_of(self, row: int | None) -> list[tuple[float, float]]:
        """Positions of a star on screen; none if a coordinate is unknown."""
        return [] if row is None or self.viewport is None else self.canvas.images_of(row, self.viewport)

    def with_axis(self, along: str, column: str) -> PanelState:
        """The plane with another column along x or y, in the view of any columns."""
        x, y = self.canvas.names
        return PanelState(ANY_COLUMNS, column, y) if along == "x" else PanelState(ANY_COLUMNS, x, column)

    def rebuilt_by(self, switch: str) -> bool:  # noqa: ARG002 - every switch is of an overlay
        """False, as the page shows and hides overlays."""
        return False

    def follows_selection(self, switch: str) -> bool:
        """Whether the overlay changes with the selection."""
        return any(overlay.name == switch and overlay.shape.follows_selection for overlay in self.overlays)

    def draw(self, shot: Shot) -> Figure:
        """Every star in grey, the selection in its colours, and the overlays that are on."""
        x, y = self.axes.values()
        canvas = Canvas(self.table, *self.canvas.names, self.canvas.shown)  # the page keeps using its own
        scene = Scene(canvas, shot.rows, shot.state.x_ends or x.ends, shot.state.y_ends or y.ends)
        overlays = [overlay for overlay in self.overlays if self.shows(overlay, shot.state)]
        return draw_plane(scene, shot, overlays, square=self.view.square)
