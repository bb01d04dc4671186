"""Cells of a corner plot in one plane: unit squares in a lower triangle, the first row at the top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.charts.axis import Axis
from explorer.charts.shading import Image, Viewport

GAP = 0.02
"""Margin of a cell on each side, as a fraction of its square."""

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Side:
    """One side of a cell: an axis between two coordinates of the plane of all cells.

    Parameters
    ----------
    axis : Axis
        The column.
    first, last : float
        Ends of the cell, in the plane.
    """

    axis: Axis
    first: float
    last: float

    @property
    def _gain(self) -> float:
        """Coordinates of the axis a unit of the plane."""
        start, end = self.axis.ends
        return (end - start) / (self.last - self.first)

    def inside(self, at: float) -> float:
        """Coordinate on the axis of a place in the plane."""
        return self.axis.ends[0] + (at - self.first) * self._gain

    def outside(self, at: Floats) -> Floats:
        """Places in the plane of coordinates on the axis."""
        return self.first + (at - self.axis.ends[0]) / self._gain

    def pixels(self, scale: float) -> tuple[int, int]:
        """First pixel and the one after the last, where the plane has ``scale`` pixels a unit."""
        start = round(self.first * scale)
        return start, max(round(self.last * scale), start + 1)


@dataclass(frozen=True)
class Cell:
    """A cell of the lower triangle.

    Parameters
    ----------
    row, column : int
        Its place, from the top and from the left; equal on the diagonal.
    x, y : Side
        Its sides; on the diagonal ``y`` has the axis of x and no meaning.
    """

    row: int
    column: int
    x: Side
    y: Side

    @property
    def is_diagonal(self) -> bool:
        """Whether it holds a histogram."""
        return self.row == self.column

    def holds(self, x: float, y: float) -> bool:
        """Whether a place in the plane is in the cell."""
        return self.x.first <= x <= self.x.last and self.y.first <= y <= self.y.last

    def slices(self, viewport: Viewport) -> tuple[slice, slice]:
        """Pixels of the cell in an image of the whole plane: rows from below, and columns."""
        return slice(*self.y.pixels(viewport.y_scale)), slice(*self.x.pixels(viewport.x_scale))

    def viewport(self, viewport: Viewport) -> Viewport:
        """Part of the columns' plane that the cell shows in an image of the whole plane."""
        rows, columns = self.slices(viewport)
        x_low, x_high = sorted(self.x.inside(pixel / viewport.x_scale) for pixel in (columns.start, columns.stop))
        y_low, y_high = sorted(self.y.inside(pixel / viewport.y_scale) for pixel in (rows.start, rows.stop))
        return Viewport(x_low, x_high, y_low, y_high, columns.stop - columns.start, rows.stop - rows.start)

    def turned(self, levels: Image) -> Image:
        """An image of the columns' plane in the directions in which the cell reads them."""
        across, up = (-1 if side.axis.inverted else 1 for side in (self.x, self.y))
        return levels[::up, ::across]


def cells_of(x: tuple[Axis, ...], y: tuple[Axis, ...]) -> Iterator[Cell]:
    """Cells of the lower triangle, row by row.

    Parameters
    ----------
    x, y : tuple of Axis
        The columns, along x and along y.
    """
    count = len(x)
    for row in range(count):
        below = count - 1 - row
        for column in range(row + 1):
            across = Side(x[column], column + GAP, column + 1 - GAP)
            yield Cell(row, column, across, Side(y[row], below + GAP, below + 1 - GAP))
