"""Corner plot: every column against every other one, with histograms on the diagonal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis, AxisSpec
from explorer.charts.categories import Categories
from explorer.charts.chart import Brush, Chart, Shot, ViewSpec, note_of
from explorer.charts.colouring import Colouring
from explorer.charts.corner_layout import GAP, Cell, Side, cells_of
from explorer.charts.corner_picture import CornerPanel, draw_corner
from explorer.charts.margins import MAX_PARTS, Bars, relative
from explorer.charts.overlays import NO_SLOT, PackedImage, Scene, WireLayer
from explorer.charts.shading import Canvas, Image, Layer, Viewport, count_bars, count_category_bars, packed
from explorer.model.appearance import Appearance
from explorer.model.library import Library
from explorer.model.scales import ScaleKind
from explorer.model.selection import InBox, InPolygon, InRange, Mask, Selection, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import MIN_CORNER, PanelState, check_corner

CORNER = "corner"
"""Key of the view."""

FIRST_COLUMNS = 4
"""Number of columns unless the user chooses others."""

CORNER_BARS = 30
"""Bars of a histogram on the diagonal."""

TAIL = 0.002
"""Fraction of the stars beyond the ends of an axis."""

_TAP_PIXELS = 8.0
_FEW = 0.7
"""Size of a few selected stars as a fraction of that in a plane."""

_HEIGHT = 0.94
"""Height of the highest bar in its cell."""

_DOT_PIXELS, _SMALL = 300, 0.6
"""Side of a cell in pixels up to which the dots of stars are smaller than in a plane, and how much smaller."""


class CornerChart(Chart):
    """Planes of all pairs of columns in a lower triangle; see :class:`explorer.charts.chart.Chart`.

    All cells are one image in the plane of a :class:`explorer.charts.corner_layout.Cell`, so that a brush costs one
    message, as in a single plane.
    """

    scales: ClassVar[tuple[ScaleKind, ...]] = (ScaleKind.LINEAR,)

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        super().__init__(view, library, state)
        self.across: tuple[Axis, ...] = tuple(axis.of(library.table, "x") for axis in axes)
        self.up: tuple[Axis, ...] = tuple(axis.of(library.table, "y") for axis in axes)
        self.columns = tuple(axis.column.name for axis in self.across)
        self.cells = tuple(cells_of(self.across, self.up))
        self.canvases = {
            (cell.row, cell.column): Canvas(self.table, self.columns[cell.column], self.columns[cell.row])
            for cell in self.cells
            if not cell.is_diagonal
        }
        self.title = f"Corner plot of {', '.join(axis.column.label for axis in self.across)}"
        self._known: Mask | None = None

    @classmethod
    def axes_of(cls, view: ViewSpec, table: StarTable, state: PanelState) -> tuple[AxisSpec, ...]:
        """The chosen columns, else the first ones with values: of the view's own, then of the catalogue's."""
        if state.columns:
            return tuple(AxisSpec(name, tail=TAIL) for name in state.columns)
        own = [axis for axis in view.columns[0] if table.usable(axis.column)]
        names = {axis.column for axis in own}
        others = (column.name for column in table.axes() if column.name not in names and table.usable(column.name))
        return tuple([*own, *(AxisSpec(name, tail=TAIL) for name in others)][:FIRST_COLUMNS])

    @classmethod
    def lack(cls, view: ViewSpec, library: Library, state: PanelState) -> str:
        """Columns without values, or too few columns to choose from."""
        if len(cls.axes_of(view, library.table, state)) < MIN_CORNER:
            return "No two columns with values in this catalogue."
        return super().lack(view, library, state)

    def spec(self, *, dark: bool = False) -> protocol.CornerSpec:  # noqa: ARG002 - the page has its colours
        """The axes of every column along x and along y."""
        return protocol.CornerSpec(
            view=self.state.view,
            title=self.title,
            caption=(),
            overlays=(),
            about="Each column against each other one. Every histogram is as high as its highest bar.",
            x=tuple(_axis_spec(axis) for axis in self.across),
            y=tuple(_axis_spec(axis) for axis in self.up),
            gap=GAP,
        )

    @property
    def shows_single(self) -> bool | None:
        """False: all cells are images."""
        return False

    def seen(self, window: tuple[float, float, float, float]) -> PanelState:  # noqa: ARG002 - always whole
        """The state as it is."""
        return self.state

    def look(self, window: tuple[float, float, float, float], width: int, height: int) -> None:  # noqa: ARG002 - whole
        """Store the size in pixels; all cells are always in view."""
        count = float(len(self.columns))
        self.viewport = Viewport(0.0, count, 0.0, count, width, height)
        self._size_dots()

    def dress(self, appearance: Appearance) -> None:
        """Store the look of the stars, which sets the size of their dots."""
        super().dress(appearance)
        self._size_dots()

    def _size_dots(self) -> None:
        """Make dots as large as elsewhere, but small in small cells."""
        view = self.viewport
        side = min(view.width, view.height) / len(self.columns) if view is not None else 0.0
        size = self.appearance.size * (1.0 if side > _DOT_PIXELS else _SMALL)
        for canvas in self.canvases.values():
            canvas.size_dots(size)

    def background(self, glyphs: int) -> list[WireLayer]:  # noqa: ARG002 - images, however few stars
        """Every star in grey, and its histograms."""
        levels = self._joined(lambda canvas, viewport: canvas.everything(viewport))
        return [self._image("everything", levels), self._steps("steps_all", self.table.every, None)]

    def selected(self, brush: Brush) -> list[WireLayer]:
        """The selected stars in their colours, and their histograms."""
        picture = self._chosen(brush) if brush.is_few else self._image("selected", self._levels(brush))
        hidden = brush.n_selected - int(np.count_nonzero(brush.rows & self.known))
        self.note = note_of(
            hidden, "without", "has no value of one of these columns", "have no value of one of these columns"
        )
        return [picture, self._steps("steps_selected", brush.rows, brush.colouring)]

    def _levels(self, brush: Brush) -> Image:
        """Levels of many selected stars in all cells."""
        levels = self._joined(lambda canvas, viewport: brush.colouring.layer(canvas, viewport, brush.rows))
        return levels if brush.everything else brush.colouring.emphasised(levels)

    def _chosen(self, brush: Brush) -> protocol.ChosenLayer:
        """A few selected stars at their places in every cell."""
        assert self.viewport is not None
        parts = []
        for cell, canvas in self._planes():
            stars = canvas.places(cell.viewport(self.viewport), brush.few_rows)
            x, y = cell.x.outside(stars.x), cell.y.outside(stars.y)
            inside = (x >= cell.x.first) & (x <= cell.x.last) & (y >= cell.y.first) & (y <= cell.y.last)
            parts.append((stars.rows[inside], x[inside], y[inside]))
        rows, x, y = (np.concatenate(values) for values in zip(*parts, strict=True))
        levels = brush.colouring.emphasised(brush.colouring.star_levels(self.table, rows))
        places = x.astype(np.float32), y.astype(np.float32)
        obsid = self.table["obsid"][rows].astype(np.float64)
        return protocol.ChosenLayer(NO_SLOT, *places, obsid, levels.tobytes(), _FEW * brush.few_pixels)

    def members(self, colouring: Colouring) -> list[WireLayer]:
        """Stars that keep a colour when they are not selected, over the grey of all stars."""
        coded = colouring.member_codes()
        if coded is None:
            return [self._image("members", np.zeros((1, 1), np.uint8))]
        every = self.table.every
        levels = self._joined(lambda canvas, viewport: canvas.commonest(viewport, every, *coded, rest=False))
        return [self._image("members", levels)]

    @property
    def known(self) -> Mask:
        """Mask of the stars with a value of every column."""
        if self._known is None:
            known = np.ones(self.table.n_stars, np.bool_)
            for name in self.columns:
                known &= np.isfinite(self.table.axis(name))
            self._known = known
        return self._known

    def _joined(self, layer: Callable[[Canvas, Viewport], Layer]) -> Image:
        """An image of all cells."""
        assert self.viewport is not None
        whole = np.zeros((max(self.viewport.height, 1), max(self.viewport.width, 1)), np.uint8)
        for cell, canvas in self._planes():
            levels = cell.turned(layer(canvas, cell.viewport(self.viewport)).levels)
            rows, columns = cell.slices(self.viewport)
            place = whole[rows, columns]
            place[:] = levels[: place.shape[0], : place.shape[1]]
        return whole

    def _planes(self) -> Iterator[tuple[Cell, Canvas]]:
        """Cells below the diagonal with their planes."""
        return ((cell, self.canvases[cell.row, cell.column]) for cell in self.cells if not cell.is_diagonal)

    def _image(self, name: Literal["everything", "members", "selected"], levels: Image) -> PackedImage:
        assert self.viewport is not None
        return PackedImage(name, self.viewport.window, (levels.shape[0], levels.shape[1]), packed(levels))

    def bars_of(self, cell: Cell, rows: Mask, colouring: Colouring | None) -> tuple[Bars, ...]:
        """Histogram of a cell of the diagonal, or one a category."""
        name, axis = self.columns[cell.column], cell.x.axis
        if isinstance(colouring, Categories):
            number = min(len(colouring.labels), MAX_PARTS)
            counted = count_category_bars(
                self.table, name, rows, colouring.codes, number, axis.low, axis.high, CORNER_BARS
            )
            parts = (Bars(colour, bars) for colour, bars in zip(colouring.colours, counted, strict=False))
            return tuple(part for part in parts if part.counts.any())
        counts, _ = count_bars(self.table, name, rows, axis.low, axis.high, CORNER_BARS)
        return (Bars("", counts),) if counts.any() else ()

    def _steps(
        self, name: Literal["steps_all", "steps_selected"], rows: Mask, colouring: Colouring | None
    ) -> protocol.StepsLayer:
        xs, ys, colours = [], [], []
        for cell in self.cells:
            if cell.is_diagonal:
                bars = self.bars_of(cell, rows, colouring)
                for part, heights in zip(bars, relative(bars), strict=True):
                    x, y = outline(cell, heights)
                    xs.append(x)
                    ys.append(y)
                    colours.append(part.colour)
        return protocol.StepsLayer(NO_SLOT, name, tuple(xs), tuple(ys), tuple(colours))

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """A shape in the columns of the cell that its middle is in; None between the cells."""
        if isinstance(geometry, protocol.Rectangle):
            cell = self.cell_at(0.5 * (geometry.x0 + geometry.x1), 0.5 * (geometry.y0 + geometry.y1))
            return None if cell is None else self._box(cell, geometry)
        if len(geometry.x) < 3:
            return None
        cell = self.cell_at(*(0.5 * (min(places) + max(places)) for places in (geometry.x, geometry.y)))
        if cell is None:
            return None
        if cell.is_diagonal:
            return self._range(cell, min(geometry.x), max(geometry.x))
        corners = zip(map(cell.x.inside, geometry.x), map(cell.y.inside, geometry.y), strict=True)
        return InPolygon(*self._pair(cell), tuple(corners), cell.x.axis.scale, cell.y.axis.scale)

    def cell_at(self, x: float, y: float) -> Cell | None:
        """The cell at a place in the plane of all cells."""
        return next((cell for cell in self.cells if cell.holds(x, y)), None)

    def _pair(self, cell: Cell) -> tuple[str, str]:
        """Columns of a cell along x and y."""
        return self.columns[cell.column], self.columns[cell.row]

    def _box(self, cell: Cell, box: protocol.Rectangle) -> Selection | None:
        if cell.is_diagonal:
            return self._range(cell, box.x0, box.x1)
        across, up = _values(cell.x, box.x0, box.x1), _values(cell.y, box.y0, box.y1)
        return InBox(*self._pair(cell), *across, *up) if across and up else None

    def _range(self, cell: Cell, first: float, last: float) -> Selection | None:
        values = _values(cell.x, first, last)
        return InRange(self.columns[cell.column], *values) if values else None

    def star_at(self, x: float, y: float) -> int | None:
        """The nearest star of the cell that was clicked, within some pixels."""
        cell = self.cell_at(x, y)
        if cell is None or cell.is_diagonal or self.viewport is None:
            return None
        canvas = self.canvases[cell.row, cell.column]
        return canvas.nearest(cell.viewport(self.viewport), cell.x.inside(x), cell.y.inside(y), _TAP_PIXELS)

    def places_of(self, row: int | None) -> list[tuple[float, float]]:
        """Positions of a star in every cell that it is in."""
        if row is None or self.viewport is None:
            return []
        places = []
        for cell, canvas in self._planes():
            for x, y in canvas.images_of(row, cell.viewport(self.viewport)):
                at = float(cell.x.outside(np.array(x))), float(cell.y.outside(np.array(y)))
                if cell.holds(*at):
                    places.append(at)
        return places

    def with_columns(self, columns: tuple[str, ...]) -> PanelState:
        """State with other columns; SelectionError if they are too few or too many, or have no values."""
        try:
            check_corner(columns)
        except ValueError as error:
            raise SelectionError(str(error)) from error
        there = {column.name for column in self.table.axes()}
        if absent := [name for name in columns if name not in there]:
            raise SelectionError(f"{absent[0]!r:.60} cannot be a column of a corner plot: it is no column of numbers.")
        if empty := self.table.missing(*columns):
            raise SelectionError(f"{empty[0]} has no values in this catalogue. Choose another column.")
        return replace(self.state, columns=columns)

    def draw(self, shot: Shot) -> Figure:
        """Draw all cells; ticks are at the outside alone."""
        panels = []
        for cell in self.cells:
            if cell.is_diagonal:
                everything = self.bars_of(cell, self.table.every, None)
                panels.append(CornerPanel(cell, None, (everything, self.bars_of(cell, shot.rows, shot.colouring))))
            else:
                canvas = Canvas(self.table, *self._pair(cell))  # the page uses its own
                canvas.size_dots(_SMALL * shot.appearance.size)
                panels.append(CornerPanel(cell, Scene(canvas, shot.rows, cell.x.axis.ends, cell.y.axis.ends)))
        return draw_corner(panels, len(self.columns), shot, self.table)


def outline(cell: Cell, heights: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Outline of bars in a cell, from one end of the base to the other, in the plane of all cells."""
    axis = cell.x.axis
    edges = cell.x.outside(np.linspace(axis.low, axis.high, heights.size + 1))
    tops = cell.y.first + _HEIGHT * (cell.y.last - cell.y.first) * heights
    base = np.array([cell.y.first])
    return np.repeat(edges, 2).astype(np.float32), np.concatenate([base, np.repeat(tops, 2), base]).astype(np.float32)


def _values(side: Side, first: float, last: float) -> tuple[float, float] | None:
    """Range of values between two places in the plane, low below high; None when it has no length."""
    return side.axis.values(side.inside(first), side.inside(last))


def _axis_spec(axis: Axis) -> protocol.AxisSpec:
    """An axis of the page, which neither moves nor has another scale."""
    return Chart.sent_axis(axis, axis.ends, (ScaleKind.LINEAR,), flipped=False)
