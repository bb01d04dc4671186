"""A histogram of one column, which also selects."""

from __future__ import annotations

from itertools import chain
from typing import ClassVar, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Brush, Chart, Shot, ViewSpec, note_of
from explorer.charts.overlays import NO_SLOT, WireLayer
from explorer.charts.picture import draw_bars
from explorer.charts.shading import BARS, count_bars
from explorer.model.library import Library
from explorer.model.selection import InRange, Selection
from explorer.model.table import StarTable
from explorer.state.panels import PanelState

HISTOGRAM = "histogram"
"""Key of the view."""

LOGARITHMIC = "logarithmic"
"""Switch of its axis of numbers."""

_TAIL = 0.002


class HistogramChart(Chart):
    """Numbers of stars over a column; see :class:`explorer.charts.chart.Chart` for the parameters."""

    dims: ClassVar[tuple[Literal["x", "y"], ...]] = ("x",)

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
        """The switch of the axis of numbers."""
        return {LOGARITHMIC: self.logarithmic}

    def spec(self, *, dark: bool = False) -> protocol.BarsSpec:  # noqa: ARG002 - the page has its colours
        """The axis and the switch of the other one."""
        return protocol.BarsSpec(
            view=self.state.view,
            title=self.title,
            caption=(protocol.Caption(f"of {self.column.label}", "", ""),),
            overlays=(protocol.SwitchSpec(LOGARITHMIC, "Logarithmic numbers", self.logarithmic),),
            x=self.axis_spec("x"),
            y=protocol.CountAxis("stars"),
            logarithmic=self.logarithmic,
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
        counts, known = count_bars(self.table, self.column.name, rows, low, high)
        edges = np.linspace(low, high, BARS + 1)
        return protocol.BarsLayer(NO_SLOT, name, edges, counts.astype(np.float64)), known

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """The range that a drag covers, whatever its height."""
        xs = (geometry.x0, geometry.x1) if isinstance(geometry, protocol.Rectangle) else geometry.x
        low, high = min(xs), max(xs)
        return InRange(self.column.name, low, high) if low < high else None

    def with_axis(self, along: str, column: str) -> PanelState:
        """The histogram of another column."""
        if along not in self.dims:
            return super().with_axis(along, column)
        return PanelState(HISTOGRAM, column, switched=self.state.switched)

    def draw(self, shot: Shot) -> Figure:
        """Bars of every star and of the selection."""
        ends = shot.state.x_ends or self.axes["x"].ends
        return draw_bars(self.table, self.column, ends, shot, logarithmic=LOGARITHMIC in shot.state.switched)
