"""A histogram of one column, which also selects."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import ClassVar, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis, AxisSpec
from explorer.charts.categories import Categories
from explorer.charts.chart import Brush, Chart, Curve, FitOverlay, Shot, ViewSpec, note_of
from explorer.charts.colouring import Colouring
from explorer.charts.overlays import NO_SLOT, WireLayer
from explorer.charts.palettes import FIT_LINE
from explorer.charts.picture import draw_bars
from explorer.charts.shading import BARS, count_bars, count_category_bars
from explorer.model.library import Library
from explorer.model.quantities import read_value
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import InRange, Mask, Selection, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import AxisName, PanelState
from pipeline.domain.column import declare

HISTOGRAM = "histogram"
"""Key of the view."""

LOGARITHMIC, NORMALISED, CUMULATIVE = "logarithmic", "normalised", "cumulative"
SWITCHES = {NORMALISED: "Fraction of stars, all and selected alike", CUMULATIVE: "Cumulative"}
"""Switches of its axis of numbers, with their labels; a stored view also switches a logarithmic one."""

COUNT_SCALES = (ScaleKind.LINEAR, ScaleKind.LOG)
"""Scales of the axis of numbers."""

NUMBERS = declare("numbers", "float64", "", "meta.number", "Numbers of stars", "Stars in a bar")
"""The quantity of the axis of numbers, as its limits are typed."""

_LEAST_LOGARITHMIC = 0.7
"""Lower end of logarithmic numbers, below a single star."""

MAX_PARTS = 30
"""Maximum number of categories with bars of their own."""

_TAIL = 0.002
_CURVE_POINTS = 241


class HistogramChart(Chart):
    """Numbers of stars over a column; see :class:`explorer.charts.chart.Chart` for the parameters."""

    dims: ClassVar[tuple[AxisName, ...]] = ("x",)

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        super().__init__(view, library, state, axes)
        self.column = self.axes["x"].column
        self.title = f"{view.title} of {self.column.label}"

    @classmethod
    def axes_of(cls, view: ViewSpec, table: StarTable, state: PanelState) -> tuple[AxisSpec, ...]:
        """The chosen column, else the first with values: of the view's own, then of the catalogue's."""
        own = [AxisSpec(state.x, tail=_TAIL)] if state.x else []
        first = [*own, *(axes[0] for axes in view.columns)]
        others = (AxisSpec(column.name, tail=_TAIL) for column in table.axes())
        return (next((axis for axis in chain(first, others) if table.usable(axis.column)), first[0]),)

    @property
    def logarithmic(self) -> bool:
        """Whether the axis of numbers is logarithmic."""
        return LOGARITHMIC in self.state.switched

    @property
    def switches(self) -> dict[str, bool]:
        """The switches of the axis of numbers."""
        return {name: name in self.state.switched for name in SWITCHES}

    def spec(self, *, dark: bool = False) -> protocol.BarsSpec:  # noqa: ARG002 - the page has its colours
        """Both axes, the switches of the numbers, and how many bars there are."""
        return protocol.BarsSpec(
            view=self.state.view,
            title=self.title,
            caption=(protocol.Caption(f"of {self.column.label}", "", ""),),
            overlays=tuple(protocol.SwitchSpec(name, SWITCHES[name], on) for name, on in self.switches.items()),
            x=self.axis_spec("x"),
            y=protocol.CountAxis(
                label=height_label(self.state),
                ends=self.state.y_ends,
                scale=self.count_scale.kind.value,
                scales=tuple(kind.value for kind in COUNT_SCALES),
                flipped="y" in self.state.flipped,
            ),
            bins=self.state.bins,
        )

    def background(self, glyphs: int) -> list[WireLayer]:  # noqa: ARG002 - bars, however few stars
        """Bars of every star."""
        return [self._on_screen("everything", self.table.every, None)[0]]

    def selected(self, brush: Brush) -> list[WireLayer]:
        """Bars of the selected stars, of each category where these have colours."""
        layer, known = self._on_screen("selected", brush.rows, brush.colouring)
        self.note = note_of(brush.n_selected - known, "without", "has no value", "have no value")
        return [layer]

    def _on_screen(
        self, name: Literal["everything", "selected"], rows: Mask, colouring: Colouring | None
    ) -> tuple[protocol.BarsLayer, int]:
        assert self.viewport is not None
        return self.bars(name, rows, colouring, self.state, (self.viewport.x_low, self.viewport.x_high))

    def bars(
        self,
        name: Literal["everything", "selected"],
        rows: Mask,
        colouring: Colouring | None,
        state: PanelState,
        ends: tuple[float, float],
    ) -> tuple[protocol.BarsLayer, int]:
        """Bars of some stars, and how many of them have a value.

        Parameters
        ----------
        name : str
            Name of the layer.
        rows : ndarray of bool, shape (n,)
            The stars.
        colouring : Colouring or None
            Colours of the stars: categories have bars each.
        state : PanelState
            Number and heights of the bars.
        ends : tuple of float
            Outer edges of the bars, as coordinates on the scale, low before high.
        """
        (low, high), bins, axis_scale = ends, state.bins or BARS, self.axes["x"].scale
        counts, known = count_bars(self.table, self.column.name, rows, low, high, bins, axis_scale)
        scale = 1.0 / max(known, 1) if NORMALISED in state.switched else 1.0
        parts = []
        if isinstance(colouring, Categories):
            by_category = count_category_bars(
                self.table, self.column.name, rows, colouring.codes, len(colouring.labels), low, high, bins, axis_scale
            )
            for code, (label, colour) in enumerate(zip(colouring.labels, colouring.colours, strict=True)):
                inside = rows & (colouring.codes == code)
                share, numbers = self._scale_of(inside, state), by_category[code].astype(np.float64)
                if numbers.any():
                    heights = self._heights(numbers, inside, low, share, state)
                    parts.append(protocol.BarsPart(label, colour, numbers, heights))
        numbers, edges = counts.astype(np.float64), np.linspace(low, high, bins + 1)
        heights = self._heights(numbers, rows, low, scale, state)
        return protocol.BarsLayer(NO_SLOT, name, edges, numbers, heights, scale, tuple(parts[:MAX_PARTS])), known

    def _scale_of(self, rows: Mask, state: PanelState) -> float:
        """Height of a single star of a sample."""
        if NORMALISED not in state.switched:
            return 1.0
        return 1.0 / max(int(np.count_nonzero(np.isfinite(self._places[rows]))), 1)

    @property
    def _places(self) -> NDArray[np.float32]:
        """Coordinates of the stars along the axis; NaN for those that it does not show."""
        return self.table.axis(self.column.name, self.axes["x"].scale)

    def _heights(
        self, counts: NDArray[np.float64], rows: Mask, low: float, scale: float, state: PanelState
    ) -> NDArray[np.float64]:
        """Heights of bars: numbers or shares, of each bar or of all up to it."""
        if CUMULATIVE not in state.switched:
            return counts * scale
        below = 0 if self.axes["x"].period else np.count_nonzero(self._places[rows] < low)
        return np.asarray((np.cumsum(counts) + below) * scale)

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """The range that a drag covers, whatever its height."""
        xs = (geometry.x0, geometry.x1) if isinstance(geometry, protocol.Rectangle) else geometry.x
        values = self.axes["x"].values(min(xs), max(xs))
        return InRange(self.column.name, *values) if values else None

    def with_axis(self, along: str, column: str) -> PanelState:
        """The histogram of another column."""
        if along not in self.dims:
            return super().with_axis(along, column)
        flipped: tuple[AxisName, ...] = ("y",) if "y" in self.state.flipped else ()
        return PanelState(HISTOGRAM, column, switched=self.state.switched, bins=self.state.bins, flipped=flipped)

    def with_bins(self, bins: int) -> PanelState:
        """The histogram with another number of bars, and the whole range of numbers."""
        return replace(self.state, bins=bins, y_ends=None)

    def with_switch(self, name: str) -> PanelState:
        """The histogram with other heights, and the whole range of them."""
        return replace(super().with_switch(name), y_ends=None)

    def curves_of(self, fit: FitOverlay, state: PanelState) -> tuple[Curve, ...]:
        """The fitted distribution as expected in the bars; none of another column or under an axis of sums."""
        if self.names != fit.names or fit.density is None or CUMULATIVE in state.switched:
            return ()
        axis = self.axes["x"]
        ends = state.x_ends or axis.ends
        low, high = min(ends), max(ends)
        at, half = np.linspace(low, high, _CURVE_POINTS), (high - low) / (state.bins or BARS) / 2.0
        widths = axis.scale.inverse(at + half) - axis.scale.inverse(at - half)
        height = fit.density(axis.scale.inverse(at)) * widths
        scale = 1.0 if NORMALISED in state.switched else fit.stars
        return (Curve(at, height * scale, fit.colour, "solid", FIT_LINE[False]),)

    def with_scale(self, along: AxisName, kind: ScaleKind) -> PanelState:
        """State with another scale of an axis; that of the numbers is stored as a switch, as in older links."""
        if along == "x":
            return super().with_scale(along, kind)
        if kind not in COUNT_SCALES:
            raise SelectionError(f"The axis of numbers can be {', '.join(COUNT_SCALES)}; found {kind}.")
        return self._with_numbers(kind)

    def with_limits(self, along: AxisName, low: str, high: str) -> PanelState:
        """State with a typed range of the column or of the numbers."""
        if along == "x" or not (low.strip() or high.strip()):
            return super().with_limits("x", low, high) if along == "x" else replace(self.state, y_ends=None)
        if not high.strip():
            raise SelectionError("The axis of numbers needs a maximum: type one, or leave both limits empty.")
        numbers = Axis(NUMBERS, 0.0, 1.0, "y" in self.state.flipped, self.count_scale)
        least = _LEAST_LOGARITHMIC * self._scale_of(self.table.every, self.state) if self.logarithmic else 0.0
        first, last = (read_value(text, NUMBERS) if text.strip() else least for text in (low, high))
        numbers.ends_of(first, last)  # refuses a range that cannot be drawn
        return replace(self.state, y_ends=(first, last))

    def with_flip(self, along: AxisName, *, on: bool) -> PanelState:
        """State with an axis in the other direction; limits of the numbers are always the lower one first."""
        return replace(super().with_flip(along, on=on), y_ends=self.state.y_ends)

    def with_whole_axis(self, along: AxisName) -> PanelState:
        """State with an axis as it starts."""
        if along == "x":
            return super().with_whole_axis(along)
        flipped = tuple(name for name in self.state.flipped if name != "y")
        return replace(self._with_numbers(ScaleKind.LINEAR), flipped=flipped)

    def _with_numbers(self, kind: ScaleKind) -> PanelState:
        """State with another scale of the numbers, up to the highest bar."""
        switched = tuple(name for name in self.state.switched if name != LOGARITHMIC)
        if kind is ScaleKind.LOG:
            switched = (*switched, LOGARITHMIC)
        return replace(self.state, switched=switched, y_ends=None)

    @property
    def can_flip(self) -> tuple[AxisName, ...]:
        """Both axes."""
        return ("x", "y")

    @property
    def count_scale(self) -> Scale:
        """Scale of the axis of numbers."""
        return Scale(ScaleKind.LOG) if self.logarithmic else LINEAR

    def seen(self, window: tuple[float, float, float, float]) -> PanelState:
        """State with the range on screen; the bars set that of the numbers."""
        return replace(self.state, x_ends=window[:2])

    def draw(self, shot: Shot) -> Figure:
        """Bars of every star and of the selection."""
        ends = shot.state.x_ends or self.axes["x"].ends
        inside = (min(ends), max(ends))
        layers = (
            self.bars("everything", self.table.every, None, shot.state, inside)[0],
            self.bars("selected", shot.rows, shot.colouring, shot.state, inside)[0],
        )
        label, logarithmic = height_label(shot.state), LOGARITHMIC in shot.state.switched
        return draw_bars(self.axes["x"], layers, shot, label=label, logarithmic=logarithmic)


def height_label(state: PanelState) -> str:
    """Label of the axis of heights."""
    words = "fraction of stars" if NORMALISED in state.switched else "stars"
    return f"cumulative {words}" if CUMULATIVE in state.switched else words
