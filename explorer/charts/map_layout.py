"""Disc maps beside one another in one plane: each slice in height is shifted by whole tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.charts.overlay_shapes import TableCurves, TablePoints
from explorer.charts.overlays import Dots, Lines, Overlay, Shape, SunMark
from explorer.charts.shading import Viewport
from pipeline.figures.disc_map import MapImage
from pipeline.science.space.mean_field import DETAIL, Grid

_GAP = 0.04
"""Distance of two maps as a fraction of their longer side."""


@dataclass(frozen=True)
class Tile:
    """One map.

    Parameters
    ----------
    part : int
        Number of its slice.
    column, row : int
        Its place, the lowest row first.
    x, y : float
        Shift from its own coordinates in kpc.
    """

    part: int
    column: int
    row: int
    x: float
    y: float


@dataclass(frozen=True)
class MapLayout:
    """Places of maps.

    Parameters
    ----------
    grid : Grid
        Pixels of each map.
    tiles : tuple of Tile
        The maps.
    gap : int
        Pixels between two of them.
    """

    grid: Grid
    tiles: tuple[Tile, ...]
    gap: int

    @classmethod
    def of(cls, grid: Grid, parts: Sequence[int]) -> MapLayout:
        """Maps row by row from the upper left, about as many in a row as rows."""
        gap = max(round(_GAP * max(grid.width, grid.height)), 1)
        across = int(np.ceil(np.sqrt(len(parts))))
        down = -(-len(parts) // across)
        places = [(part, number % across, down - 1 - number // across) for number, part in enumerate(parts)]
        step_x, step_y = (grid.pixel_kpc * (side + gap) for side in (grid.width, grid.height))
        return cls(grid, tuple(Tile(*place, place[1] * step_x, place[2] * step_y) for place in places), gap)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of all maps in pixels."""
        rows, columns = (
            1 + max(places) for places in zip(*((tile.row, tile.column) for tile in self.tiles), strict=True)
        )
        height, width = (
            count * side + (count - 1) * self.gap
            for count, side in ((rows, self.grid.height), (columns, self.grid.width))
        )
        return height, width

    @property
    def window(self) -> tuple[float, float, float, float]:
        """Edges of x, then of y, of all maps."""
        (height, width), grid = self.shape, self.grid
        return (
            grid.x_low,
            grid.x_low + width * grid.pixel_kpc,
            grid.y_low,
            grid.y_low + height * grid.pixel_kpc,
        )

    def at(self, x: float, y: float) -> Tile:
        """The map at a point, or the nearest one."""
        x_low, x_high, y_low, y_high = self.grid.window
        centre = 0.5 * (x_low + x_high), 0.5 * (y_low + y_high)
        return min(self.tiles, key=lambda tile: np.hypot(x - tile.x - centre[0], y - tile.y - centre[1]))

    def moved(self, viewport: Viewport, tile: Tile) -> Viewport:
        """A viewport in the own coordinates of a map."""
        x, y = (viewport.x_low - tile.x, viewport.x_high - tile.x), (viewport.y_low - tile.y, viewport.y_high - tile.y)
        return Viewport(*x, *y, viewport.width, viewport.height)

    def joined(self, images: Sequence[MapImage]) -> MapImage:
        """One image of the maps, in the order of the tiles; nothing between them."""
        if len(images) == 1:
            return images[0]
        height, width = self.shape
        planes = [np.zeros((height * fine, width * fine), np.uint8) for fine in (1, 1, DETAIL)]
        for tile, image in zip(self.tiles, images, strict=True):
            for plane, part, fine in zip(
                planes, (image.hue, image.strength, image.texture), (1, 1, DETAIL), strict=True
            ):
                row = fine * tile.row * (self.grid.height + self.gap)
                column = fine * tile.column * (self.grid.width + self.gap)
                plane[row : row + part.shape[0], column : column + part.shape[1]] = part
        return MapImage(*planes)

    def repeated(self, overlay: Overlay) -> Overlay:
        """An overlay on each map, cut at its edges."""
        return overlay if len(self.tiles) == 1 else replace(overlay, shape=self._repeated(overlay.shape))

    def _repeated(self, shape: Shape) -> Shape:
        if isinstance(shape, Lines):
            curves = [self._cut(tile, x, y) for tile in self.tiles for x, y in zip(shape.xs, shape.ys, strict=True)]
            xs, ys = zip(*curves, strict=True) if curves else ((), ())
            return Lines(xs, ys, shape.colours * len(self.tiles))
        if isinstance(shape, Dots):
            points = [self._cut(tile, shape.x, shape.y) for tile in self.tiles]
            x, y = (np.concatenate(values) for values in zip(*points, strict=True))
            return Dots(x[np.isfinite(x)], y[np.isfinite(x)])
        if isinstance(shape, TableCurves):
            curves = [self._cut(tile, x, y) for tile in self.tiles for x, y in zip(shape.xs, shape.ys, strict=True)]
            return replace(shape, xs=tuple(x for x, _ in curves), ys=tuple(y for _, y in curves))
        if isinstance(shape, TablePoints):
            points = [self._cut(tile, shape.x, shape.y) for tile in self.tiles]
            x, y = (np.concatenate(values) for values in zip(*points, strict=True))
            return replace(shape, x=x[np.isfinite(x)], y=y[np.isfinite(x)])
        if isinstance(shape, SunMark):
            return replace(
                shape, others=tuple((tile.x, tile.y) for tile in self.tiles if (tile.x, tile.y) != (0.0, 0.0))
            )
        return shape

    def _cut(
        self, tile: Tile, x: NDArray[np.floating], y: NDArray[np.floating]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Points on a map, NaN for those beyond its edges."""
        x_low, x_high, y_low, y_high = self.grid.window
        inside = (x >= x_low) & (x <= x_high) & (y >= y_low) & (y <= y_high)
        moved_x, moved_y = (np.where(inside, values + by, np.nan) for values, by in ((x, tile.x), (y, tile.y)))
        return moved_x.astype(np.float32), moved_y.astype(np.float32)
