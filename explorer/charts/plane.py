"""One column against another: every star in grey, the selection in its colours, overlays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Brush, Chart, Shot, ViewSpec, note_of
from explorer.charts.colouring import Colouring
from explorer.charts.crowding import Crowding
from explorer.charts.overlays import NO_SLOT, Overlay, PackedImage, Scene, WireLayer
from explorer.charts.picture import draw_plane
from explorer.charts.references import overlays_of
from explorer.charts.shading import Canvas, Image, Stars, packed
from explorer.model.appearance import Appearance
from explorer.model.library import Library
from explorer.model.selection import InBox, InPolygon, Selection
from explorer.model.table import StarTable
from explorer.state.panels import PanelState

ANY_COLUMNS = "custom"
"""Key of the view whose columns the user chooses."""

_TAP_PIXELS = 10.0

_ZOOMED = 0.8
"""Share of the range of an axis at the start below which a view is zoomed."""


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
        self.crowding: Crowding | None = None

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
        caption = (words for overlay in shown for words in _captions(overlay))
        return protocol.PlaneSpec(
            view=self.state.view,
            title=self.title,
            caption=tuple(protocol.Caption(*words) for words in caption),
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
        self.crowding = Crowding(self.viewport, self.stars)
        return [protocol.StarsLayer(NO_SLOT, self.stars.x, self.stars.y, self._ids(self.stars)), *moved]

    def members(self, colouring: Colouring) -> list[WireLayer]:
        """Stars that keep a colour when they are not selected, over the grey of all stars."""
        assert self.viewport is not None
        coded = colouring.member_codes()
        if self.stars is None:
            if coded is None:
                return [self._image("members", np.zeros((1, 1), np.uint8))]
            layer = self.canvas.commonest(self.viewport, self.table.every, *coded, rest=False)
            return [self._image("members", layer.levels)]
        levels = np.zeros(self.stars.rows.size, np.uint8)
        if coded is not None:
            codes, count = coded
            inside = codes[self.stars.rows] < count
            levels[inside] = codes[self.stars.rows][inside] + 1
        return [protocol.PickedLayer(NO_SLOT, levels.tobytes(), "members")]

    def selected(self, brush: Brush) -> list[WireLayer]:
        """The selected stars in their colours, and their velocities where arrows are on."""
        pictures, n_shown = self._few(brush) if brush.is_few else self._many(brush)
        self.note = self._note(brush.n_selected - n_shown)
        return [*pictures, *self._moving(brush)]

    def _few(self, brush: Brush) -> tuple[list[WireLayer], int]:
        """A few selected stars, each of which is seen, and how many of them have a place."""
        assert self.viewport is not None
        stars = self.canvas.places(self.viewport, brush.few_rows)
        levels = brush.colouring.emphasised(brush.colouring.star_levels(self.table, stars.rows))
        chosen = protocol.ChosenLayer(NO_SLOT, stars.x, stars.y, self._ids(stars), levels.tobytes(), brush.few_pixels)
        return [chosen], np.unique(stars.rows).size

    def _many(self, brush: Brush) -> tuple[list[WireLayer], int]:
        """The selected stars as an image or one by one, and how many of them have a place."""
        assert self.viewport is not None
        colouring, stars = brush.colouring, self.stars
        if stars is None or self.crowding is None:
            layer = colouring.layer(self.canvas, self.viewport, brush.rows)
            levels, n_shown = layer.levels, layer.n_shown
        else:
            levels = colouring.dot_levels(self.table, stars.rows, brush.rows[stars.rows], self.crowding)
            n_shown = self.canvas.count_known(brush.rows)
        if not brush.everything:
            levels = colouring.emphasised(levels)
        drawn: WireLayer = (
            self._image("selected", levels) if stars is None else protocol.PickedLayer(NO_SLOT, levels.tobytes())
        )
        return [drawn], n_shown

    def _ids(self, stars: Stars) -> NDArray[np.float64]:
        return self.table["obsid"][stars.rows].astype(np.float64)

    def dress(self, appearance: Appearance) -> None:
        """Store the look of the stars, which sets the size of dots in images."""
        if appearance.size != self.appearance.size:
            self.canvas.size_dots(appearance.size)
        super().dress(appearance)

    @property
    def n_at_home(self) -> int:
        """Number of stars that have a place in the plane."""
        return self._n_known

    @cached_property
    def _n_known(self) -> int:
        return self.canvas.count_known(self.table.every)

    @property
    def zoomed(self) -> bool:
        """Whether less than the start's range of an axis is on screen."""
        if self.viewport is None:
            return False
        x, y = self.axes["x"], self.axes["y"]
        width, height = self.viewport.x_high - self.viewport.x_low, self.viewport.y_high - self.viewport.y_low
        return width < _ZOOMED * (x.high - x.low) or height < _ZOOMED * (y.high - y.low)

    def _moving(self, brush: Brush) -> list[WireLayer]:
        """Layers of overlays that follow the selection."""
        shown = (overlay.shape for overlay in self.overlays if self.shows(overlay))
        return [layer for shape in shown for layer in shape.selected(self.canvas, brush.rows)]

    def _note(self, hidden: int) -> protocol.Note | None:
        return note_of(hidden, "without", "has no value here", "have no value here")

    def _image(self, name: Literal["everything", "members", "selected"], levels: Image) -> PackedImage:
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
        return None if self.viewport is None else self.canvas.nearest(self.viewport, x, y, _TAP_PIXELS)

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
        canvas.size_dots(shot.appearance.size)
        scene = Scene(canvas, shot.rows, shot.state.x_ends or x.ends, shot.state.y_ends or y.ends)
        overlays = [overlay for overlay in self.overlays if self.shows(overlay, shot.state)]
        return draw_plane(scene, shot, overlays, square=self.view.square, under=self._under(shot))

    def _under(self, shot: Shot) -> Callable[[Axes], None] | None:  # noqa: ARG002 - the disc map has one
        """Function that draws an image in place of the grey stars; None without one."""
        return None


def _captions(overlay: Overlay) -> Iterator[tuple[str, str, Literal["", "line", "dot"]]]:
    """Words beside the title on an overlay: text, colour and kind of mark."""
    if overlay.heading:
        yield overlay.heading, "", ""
    for text, colour in overlay.caption:
        yield text, colour, overlay.mark
