"""One column against another: every star in grey, the selection in its colours, overlays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Brush, Chart, Curve, FitOverlay, Shot, ViewSpec, joined_notes, note_of
from explorer.charts.colouring import Colouring
from explorer.charts.contours import contours_of, draw_contours, words_of
from explorer.charts.contours import layer_of as contours_layer
from explorer.charts.crowding import Crowding
from explorer.charts.errors import ERRORS, MAX_ERRORS, draw_errors, errors_of, have_errors
from explorer.charts.errors import layer_of as errors_layer
from explorer.charts.margins import LABEL as MARGINS_LABEL
from explorer.charts.margins import MARGINS, Margins, draw_margin, margins_of
from explorer.charts.margins import layer_of as margins_layer
from explorer.charts.overlay_shapes import joined_dots, table_overlays
from explorer.charts.overlays import NO_SLOT, Overlay, PackedImage, Scene, WireLayer
from explorer.charts.picture import draw_plane
from explorer.charts.references import overlays_of
from explorer.charts.shading import Canvas, Image, Stars, Viewport, packed
from explorer.model.appearance import Appearance
from explorer.model.library import Library
from explorer.model.overlay_tables import OverlayTable
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import InBox, InPolygon, Mask, Selection, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import AxisName, ContoursOf, PanelState, check_levels

ANY_COLUMNS = "custom"
"""Key of the view whose columns the user chooses."""

TAP_PIXELS = 10.0
"""Distance from a star within which a click is on it."""

TOO_MANY_ERRORS = protocol.Note(
    "errors: zoom in",
    f"Error bars are drawn for at most {MAX_ERRORS:,} stars, and more are in view: zoom in, or select fewer",
)

_ZOOMED = 0.8
"""Share of the range of an axis at the start below which a view is zoomed."""


class PlaneChart(Chart):
    """Stars in the plane of two columns; see :class:`explorer.charts.chart.Chart` for the parameters."""

    single: ClassVar[bool] = True
    dims: ClassVar[tuple[AxisName, ...]] = ("x", "y")

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        super().__init__(view, library, state, axes)
        x, y = (axis.column for axis in self.axes.values())
        if view.chosen:
            self.title = f"{y.label} against {x.label}"
        scales = self.axes["x"].scale, self.axes["y"].scale
        self.published = self._placed(overlays_of(library, x, y), scales)
        self.overlays = self.published
        self.canvas = self.new_canvas()
        self.stars: Stars | None = None
        self.crowding: Crowding | None = None

    @staticmethod
    def _placed(overlays: Iterable[Overlay], scales: tuple[Scale, Scale]) -> tuple[Overlay, ...]:
        """Those overlays that can be drawn on some scales, in their coordinates."""
        placed = (overlay.on(scales) for overlay in overlays)
        return tuple(overlay for overlay in placed if overlay.shape.on_scale)

    def lay(self, tables: tuple[OverlayTable, ...]) -> None:
        """Lay tables of the user's own over the stars, in place of earlier ones."""
        x, y = (axis.column for axis in self.axes.values())
        self.overlays = (*self.published, *self._placed(table_overlays(tables, x, y), self.canvas.scales))

    def shows_tables(self, tables: tuple[OverlayTable, ...]) -> bool:
        """Whether one of the tables that are on has a point in the plane of both columns."""
        x, y = (axis.column for axis in self.axes.values())
        return bool(table_overlays(tables, x, y))

    def new_canvas(self) -> Canvas:
        """A canvas of the plane: the page keeps one, and each picture has its own."""
        x, y = self.axes.values()
        return Canvas(self.table, x.column.name, y.column.name, scales=(x.scale, y.scale))

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
        """The overlays of the plane, and its error bars where the catalogue has errors."""
        own = {MARGINS: self.shows_margins}
        if have_errors(self.table, *self.canvas.names):
            own[ERRORS] = self.shows_errors
        return {**{overlay.name: self.shows(overlay) for overlay in self.overlays}, **own}

    @property
    def shows_margins(self) -> bool:
        """Whether marginal histograms are on."""
        return MARGINS in self.state.switched

    @property
    def shows_errors(self) -> bool:
        """Whether error bars are on."""
        return ERRORS in self.state.switched

    def spec(self, *, dark: bool = False) -> protocol.PlaneSpec:  # noqa: ARG002 - the disc map has colours of its own
        """Axes, overlays and captions."""
        overlays = tuple(
            protocol.OverlaySpec(overlay.name, overlay.label, self.shows(overlay), overlay.shape.to_client())
            for overlay in self.overlays
        )
        switches = self.switches
        for name, label in ((ERRORS, "Error bars"), (MARGINS, MARGINS_LABEL)):
            if name in switches:
                overlays = (*overlays, protocol.OverlaySpec(name, label, switches[name], protocol.NoShape()))
        shown = [overlay for overlay in self.overlays if self.shows(overlay)]
        caption = (words for overlay in shown for words in _captions(overlay))
        return protocol.PlaneSpec(
            view=self.state.view,
            title=self.title,
            caption=(*(protocol.Caption(*words) for words in caption), *self._contour_words()),
            overlays=overlays,
            about=" ".join(overlay.about for overlay in shown if overlay.about) + self._more_about(),
            square=self.square,
            x=self.axis_spec("x"),
            y=self.axis_spec("y"),
            contours=protocol.ContoursSpec(self.state.contours, self.state.levels),
        )

    def _contour_words(self) -> list[protocol.Caption]:
        """Levels of the contours, beside the title."""
        return [protocol.Caption(f"◌ {words_of(self.state.levels)}", "", "")] if self.state.contours else []

    def _more_about(self) -> str:
        """Sentences on contours and error bars that are shown."""
        of = "selected stars" if self.state.contours == "selected" else "stars"
        contours = (
            f" Contours enclose {words_of(self.state.levels)} of the {of} in view." if self.state.contours else ""
        )
        bars = " Error bars are one standard deviation, or from the 16th to the 84th percentile."
        margins = " Marginal histograms count the stars in view; each is as high as its highest bar."
        return "".join(
            (
                contours,
                bars if self.shows_errors and ERRORS in self.switches else "",
                margins if self.shows_margins else "",
            )
        )

    @property
    def shows_single(self) -> bool | None:
        """Whether few enough stars are on screen."""
        return self.stars is not None

    def background(self, glyphs: int) -> list[WireLayer]:
        """Every star in grey: one by one where few are on screen, else as an image."""
        assert self.viewport is not None
        window = self.viewport.window
        moved = joined_dots(
            layer for overlay in self.overlays for layer in overlay.shape.background(overlay.name, self.canvas, window)
        )
        moved += self._contours_of_all()
        if self.shows_margins:
            moved.append(margins_layer(margins_of(self.canvas, self.viewport, self.table.every), "margins_all"))
        self.stars = self.canvas.stars_in(self.viewport, glyphs)
        if self.stars is None:
            return [self._image("everything", self.canvas.everything(self.viewport).levels), *moved]
        self.crowding = Crowding(self.viewport, self.stars)
        return [self._stars_layer(self.stars), *moved]

    def _stars_layer(self, stars: Stars) -> protocol.StarsLayer:
        """The stars on screen one by one."""
        return protocol.StarsLayer(NO_SLOT, stars.x, stars.y, self._ids(stars), hover=self.hover_values(stars.rows))

    def hover_values(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], ...]:  # noqa: ARG002 - projections have some
        """Values of some stars, shape (n,) each, for tooltips in place of coordinates; none for columns."""
        return ()

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
        return [self._chosen(brush, stars)], np.unique(stars.rows).size

    def _chosen(self, brush: Brush, stars: Stars) -> protocol.ChosenLayer:
        """The layer of a few selected stars at their places."""
        levels = brush.colouring.emphasised(brush.colouring.star_levels(self.table, stars.rows))
        return protocol.ChosenLayer(
            NO_SLOT,
            stars.x,
            stars.y,
            self._ids(stars),
            levels.tobytes(),
            brush.few_pixels,
            hover=self.hover_values(stars.rows),
        )

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
        """Layers of overlays that follow the selection, its errors and its contours; they may add to the note."""
        shown = (overlay.shape for overlay in self.overlays if self.shows(overlay))
        layers = [layer for shape in shown for layer in shape.selected(self.canvas, brush.rows)]
        if self.shows_errors:
            layers.append(self._errors(brush.rows))
        if self.state.contours == "selected":
            layers.append(self._contours(brush.rows))
        if self.shows_margins:
            assert self.viewport is not None
            margins = margins_of(self.canvas, self.viewport, brush.rows, brush.colouring)
            layers.append(margins_layer(margins, "margins_selected"))
        return layers

    def _errors(self, rows: Mask) -> WireLayer:
        assert self.viewport is not None
        errors = errors_of(self.axes, self.canvas, self.viewport, rows)
        if errors is None:
            self.note = joined_notes(self.note, TOO_MANY_ERRORS)
        return errors_layer(errors, NO_SLOT)

    def _contours_of_all(self) -> list[WireLayer]:
        """Contours that no brush changes."""
        return [self._contours(self.table.every)] if self.state.contours == "all" else []

    def _contours(self, rows: Mask) -> WireLayer:
        assert self.viewport is not None
        levels = self.state.levels
        return contours_layer(contours_of(self.canvas, self.viewport, rows, levels), levels, NO_SLOT)

    def _note(self, hidden: int) -> protocol.Note | None:
        where = "above 0 here" if ScaleKind.LOG in (scale.kind for scale in self.canvas.scales) else "here"
        return note_of(hidden, "without", f"has no value {where}", f"have no value {where}")

    def _image(self, name: Literal["everything", "members", "selected"], levels: Image) -> PackedImage:
        assert self.viewport is not None
        height, width = levels.shape
        return PackedImage(name, self.viewport.window, (height, width), packed(levels))

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """A rectangle or an outline in this plane."""
        x, y = self.axes["x"], self.axes["y"]
        names = self.canvas.names
        if isinstance(geometry, protocol.Rectangle):
            across, up = x.values(geometry.x0, geometry.x1), y.values(geometry.y0, geometry.y1)
            return InBox(*names, *across, *up) if across and up else None
        if len(geometry.x) >= 3:
            xs, ys = x.scale.inverse(np.array(geometry.x)), y.scale.inverse(np.array(geometry.y))
            return InPolygon(*names, tuple(zip(xs.tolist(), ys.tolist(), strict=True)), x.scale, y.scale)
        return None

    def star_at(self, x: float, y: float) -> int | None:
        """The nearest star within some pixels."""
        return None if self.viewport is None else self.canvas.nearest(self.viewport, x, y, TAP_PIXELS)

    def places_of(self, row: int | None) -> list[tuple[float, float]]:
        """Positions of a star on screen; none if a coordinate is unknown."""
        return [] if row is None or self.viewport is None else self.canvas.images_of(row, self.viewport)

    def with_axis(self, along: str, column: str) -> PanelState:
        """The plane with another column along x or y; the other axis keeps its scale."""
        if along not in self.dims:
            return super().with_axis(along, column)
        x, y = (column, self.canvas.names[1]) if along == "x" else (self.canvas.names[0], column)
        changed: AxisName = "x" if along == "x" else "y"
        return replace(
            self.state.with_axis(changed, scale=LINEAR, ends=None),
            view=ANY_COLUMNS,
            x=x,
            y=y,
            x_ends=None,
            y_ends=None,
            switched=tuple(name for name in self.state.switched if name in (ERRORS, MARGINS)),
            part=0,
            flipped=tuple(name for name in self.state.flipped if name != changed),
            square=None,
        )

    def with_contours(self, of: ContoursOf, levels: tuple[float, ...]) -> PanelState:
        """State of the view with contours of the density of some stars; SelectionError for impossible levels."""
        try:
            return replace(self.state, contours=of, levels=check_levels(levels))
        except ValueError as error:
            raise SelectionError(str(error)) from error

    def curves_of(self, fit: FitOverlay, state: PanelState) -> tuple[Curve, ...]:  # noqa: ARG002 - whatever is on screen
        """Curves of a fit to both columns on the scales, with exchanged axes where the plane exchanges them."""
        if self.names == fit.names:
            curves = fit.curves
        elif self.names == fit.names[::-1]:
            curves = tuple(curve._replace(x=curve.y, y=curve.x) for curve in fit.curves)
        else:
            return ()
        x, y = self.canvas.scales
        return tuple(curve._replace(x=x.forward(curve.x), y=y.forward(curve.y)) for curve in curves)

    def rebuilt_by(self, switch: str) -> bool:
        """Whether it is that of the marginal histograms, which need room; the page shows and hides overlays."""
        return switch == MARGINS

    def follows_selection(self, switch: str) -> bool:
        """Whether the overlay changes with the selection."""
        return switch == ERRORS or any(
            overlay.name == switch and overlay.shape.follows_selection for overlay in self.overlays
        )

    def draw(self, shot: Shot) -> Figure:
        """Every star in grey, the selection in its colours, and the overlays that are on."""
        x, y = self.axes.values()
        canvas = self.new_canvas()
        canvas.size_dots(shot.appearance.size)
        scene = Scene(canvas, shot.rows, shot.state.x_ends or x.ends, shot.state.y_ends or y.ends)
        overlays = [overlay for overlay in self.overlays if self.shows(overlay, shot.state)]
        beside = self._beside(scene, shot) if MARGINS in shot.state.switched else None
        return draw_plane(scene, shot, overlays, square=self.square, beside=beside, over=self._over(scene, shot))

    def _beside(self, scene: Scene, shot: Shot) -> Callable[[Axes, Viewport], None]:
        """Function that draws the marginal histogram along y, which a colour bar has its place beyond."""

        def draw(axes: Axes, viewport: Viewport) -> None:
            draw_margin(axes, "y", *self._both_margins(scene, shot, viewport))

        return draw

    def _both_margins(self, scene: Scene, shot: Shot, viewport: Viewport) -> tuple[Margins, Margins]:
        """Marginal histograms of all and of the selected stars of a picture."""
        everything = margins_of(scene.canvas, viewport, self.table.every)
        return everything, margins_of(scene.canvas, viewport, shot.rows, shot.colouring)

    def _over(self, scene: Scene, shot: Shot) -> Callable[[Axes, Viewport], list[Line2D]]:
        """Function that draws errors and contours over the stars, and returns their legend handles."""
        state = shot.state

        def draw(axes: Axes, viewport: Viewport) -> list[Line2D]:
            if MARGINS in state.switched:
                draw_margin(axes, "x", *self._both_margins(scene, shot, viewport))
            if ERRORS in state.switched:
                draw_errors(axes, errors_of(self.axes, scene.canvas, viewport, shot.rows))
            if not state.contours:
                return []
            rows = self.table.every if state.contours == "all" else shot.rows
            lines = contours_of(scene.canvas, viewport, rows, state.levels)
            return draw_contours(axes, lines, state.levels, "" if rows.all() else "selected ")

        return draw


def _captions(overlay: Overlay) -> Iterator[tuple[str, str, Literal["", "line", "dot"]]]:
    """Words beside the title on an overlay: text, colour and kind of mark."""
    if overlay.heading:
        yield overlay.heading, "", ""
    for text, colour in overlay.caption:
        yield text, colour, overlay.mark
