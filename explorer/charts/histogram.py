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
from explorer.charts.chart import Brush, Chart, Shot, ViewSpec, note_of
from explorer.charts.overlays import NO_SLOT, WireLayer
from explorer.charts.picture import draw_bars
from explorer.charts.shading import BARS, count_bars
from explorer.model.library import Library
from explorer.model.quantities import read_value
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import InRange, Selection, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import AxisName, PanelState
from pipeline.domain.column import declare

HISTOGRAM = "histogram"
"""Key of the view."""

LOGARITHMIC = "logarithmic"
"""What a stored view switches where its axis of numbers is logarithmic."""

COUNT_SCALES = (ScaleKind.LINEAR, ScaleKind.LOG)
"""Scales of the axis of numbers."""

NUMBERS = declare("numbers", "float64", "", "meta.number", "Numbers of stars", "Stars in a bar")
"""The quantity of the axis of numbers, as its limits are typed."""

_LEAST_LOGARITHMIC = 0.7
"""Lower end of logarithmic numbers, below a single star."""

_TAIL = 0.002


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

    def spec(self, *, dark: bool = False) -> protocol.BarsSpec:  # noqa: ARG002 - the page has its colours
        """Both axes."""
        return protocol.BarsSpec(
            view=self.state.view,
            title=self.title,
            caption=(protocol.Caption(f"of {self.column.label}", ""),),
            overlays=(),
            x=self.axis_spec("x"),
            y=protocol.CountAxis(
                label="stars",
                ends=self.state.y_ends,
                scale=self.count_scale.kind.value,
                scales=tuple(kind.value for kind in COUNT_SCALES),
                flipped="y" in self.state.flipped,
            ),
        )

    def background(self, glyphs: int) -> list[WireLayer]:  # noqa: ARG002 - bars, however few stars
        """Bars of every star."""
        return [self._bars("everything", self.table.every)[0]]

    def selected(self, brush: Brush) -> list[WireLayer]:
        """Bars of the selected stars."""
        layer, known = self._bars("selected", brush.rows)
        self.note = note_of(brush.n_selected - known, "without", "has no value", "have no value")
        return [layer]

    def _bars(self, name: Literal["everything", "selected"], rows: NDArray[np.bool_]) -> tuple[protocol.BarsLayer, int]:
        """Bars of some stars, and how many of them have a value."""
        assert self.viewport is not None
        low, high = self.viewport.x_low, self.viewport.x_high
        counts, known = count_bars(self.table, self.column.name, rows, low, high, self.axes["x"].scale)
        edges = np.linspace(low, high, BARS + 1)
        return protocol.BarsLayer(NO_SLOT, name, edges, counts.astype(np.float64)), known

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
        return PanelState(HISTOGRAM, column, switched=self.state.switched, flipped=flipped)

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
        least = _LEAST_LOGARITHMIC if self.logarithmic else 0.0
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
        return draw_bars(self.table, self.axes["x"], shot, logarithmic=LOGARITHMIC in shot.state.switched)
