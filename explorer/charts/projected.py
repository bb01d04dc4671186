"""Base of views on a plane on which stars are projected: its coordinates are no columns."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis, AxisSpec
from explorer.charts.chart import Curve, FitOverlay
from explorer.charts.plane import PlaneChart
from explorer.charts.shading import Canvas
from explorer.model.overlay_tables import OverlayTable
from explorer.model.planes import ProjectedPlane
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import InProjection, Mask, Selection, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import AxisName, PanelState
from pipeline.domain.column import Column


@dataclass(frozen=True)
class PlaneAxis(AxisSpec):
    """An axis of a projected plane, which shows no column of the catalogue.

    Parameters
    ----------
    coordinate : Column
        Description of the coordinate; see :class:`explorer.charts.axis.AxisSpec` for the others, whose ends are given.
    """

    coordinate: Column | None = None

    def of(self, table: StarTable, along: Literal["x", "y"], scale: Scale = LINEAR, *, flipped: bool = False) -> Axis:  # noqa: ARG002 - of no table
        """The axis between its ends."""
        assert self.coordinate is not None
        assert self.low is not None
        assert self.high is not None
        return Axis(self.coordinate, self.low, self.high, self.inverted != flipped)


class ProjectedCanvas(Canvas):
    """Projected stars, which a view aggregates.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    plane : ProjectedPlane
        The plane.
    shown : ndarray of bool, shape (n,), optional
        Restricts the view to some stars.
    """

    def __init__(self, table: StarTable, plane: ProjectedPlane, shown: Mask | None = None) -> None:
        x, y = plane.names[:2]
        super().__init__(table, x, y, shown)
        self.plane = plane

    @property
    def points(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Coordinates of every star on the plane."""
        return self.table.projected(self.plane)

    def images(self, window: tuple[float, float, float, float]) -> list[tuple[float, float]]:  # noqa: ARG002 - it never repeats
        """The plane itself, which does not repeat."""
        return [(0.0, 0.0)]


class ProjectedChart(PlaneChart):
    """Stars on a projected plane; see :class:`explorer.charts.chart.Chart` for the parameters."""

    scales: ClassVar[tuple[ScaleKind, ...]] = (ScaleKind.LINEAR,)
    canvas: ProjectedCanvas

    @property
    @abstractmethod
    def plane(self) -> ProjectedPlane:
        """The plane in the present state."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that the plane is made of."""
        return self.plane.names

    @property
    def chosen(self) -> dict[str, str]:
        """None: the coordinates are no columns."""
        return {}

    def new_canvas(self) -> ProjectedCanvas:
        """A canvas of the plane in the present state."""
        return ProjectedCanvas(self.table, self.plane)

    def lay(self, tables: tuple[OverlayTable, ...]) -> None:
        """Draw none of them: their columns are no coordinates of the plane."""

    def shows_tables(self, tables: tuple[OverlayTable, ...]) -> bool:  # noqa: ARG002 - draws none
        """False: no table has the coordinates of the plane."""
        return False

    @property
    def shows_margins(self) -> bool:
        """False: the coordinates are no columns whose values could be counted."""
        return False

    @property
    def switches(self) -> dict[str, bool]:
        """The overlays: a projection has no error bars."""
        return {overlay.name: self.shows(overlay) for overlay in self.overlays}

    def range_on(self, along: AxisName, start: float, end: float) -> Selection | None:  # noqa: ARG002 - of no column
        """Raise SelectionError: the coordinates are no columns that can be selected by."""
        raise SelectionError(f"{self.title} shows a projection: draw a region, or select a range in another view.")

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """A rectangle or an outline on the plane."""
        if isinstance(geometry, protocol.Rectangle):
            (x0, x1), (y0, y1) = (geometry.x0, geometry.x1), (geometry.y0, geometry.y1)
            if x0 == x1 or y0 == y1:
                return None
            return InProjection(self.plane, ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))
        if len(geometry.x) < 3:
            return None
        return InProjection(self.plane, tuple(zip(geometry.x, geometry.y, strict=True)))

    def curves_of(self, fit: FitOverlay, state: PanelState) -> tuple[Curve, ...]:  # noqa: ARG002 - of columns
        """None: a fit is of columns."""
        return ()

    @abstractmethod
    def hover_values(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], ...]:
        """Values of some stars for their tooltips, shape (n,) each."""
