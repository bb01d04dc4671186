"""Exact point-in-polygon test for millions of points.

Small numbers of points are tested one by one (shapely). For more, the bounding box is cut into cells; those that no
edge touches are decided once, and only points in touched cells are tested one by one. Both ways give the same answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

LOOKUP_FROM = 200_000
"""Number of points from which a lookup grid is faster."""

_CELLS = 256
_OUTSIDE, _INSIDE, _DOUBTFUL = 0, 1, 2


def points_in_polygon(x: NDArray[Any], y: NDArray[Any], vertices: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each point lies inside a closed polygon.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Points; NaN is never inside.
    vertices : ndarray, shape (m, 2)
        Corners, m >= 3, in drawing order.

    Returns
    -------
    ndarray of bool, shape (n,)
        True inside, by the even-odd rule; points on the line itself count as outside.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # corners may be near the largest numbers
        return _inside(x, y, vertices)


def _inside(x: NDArray[Any], y: NDArray[Any], vertices: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Test the points, by a lookup grid where that is faster."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    scale = _CELLS / (high - low)
    polygon = shapely.Polygon(vertices)
    shapely.prepare(polygon)
    if x.size < LOOKUP_FROM or not (np.isfinite(scale) & (scale > 0.0)).all():  # no extent, or beyond all numbers
        inside = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
        open_points = np.flatnonzero(inside)
    else:
        cells = _cells(polygon, vertices, low, high)
        result = np.empty(x.shape, np.uint8)
        _look_up(_floats(x), _floats(y), low[0], low[1], high[0], high[1], cells, result)
        inside = result == _INSIDE
        open_points = np.flatnonzero(result == _DOUBTFUL)
    px, py = x[open_points].astype(np.float64), y[open_points].astype(np.float64)
    inside[open_points] = shapely.contains_xy(polygon, px, py)
    return np.asarray(inside)


def _floats(values: NDArray[Any]) -> NDArray[Any]:
    """The column in the type of the compiled loop."""
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _look_up(
    x: NDArray[Any],
    y: NDArray[Any],
    x_low: float,
    y_low: float,
    x_high: float,
    y_high: float,
    cells: NDArray[np.uint8],
    result: NDArray[np.uint8],
) -> None:
    """Classify points by their cells; the last row and column are for points outside and for NaN."""
    size = float(cells.shape[0] - 1)
    x_scale, y_scale = size / (x_high - x_low), size / (y_high - y_low)
    for point in range(x.size):  # without branches, which processors would often guess wrong
        across, up = (x[point] - x_low) * x_scale, (y[point] - y_low) * y_scale
        across, up = across if across >= 0.0 else size, up if up >= 0.0 else size
        result[point] = cells[int(min(up, size)), int(min(across, size))]


def _cells(
    polygon: shapely.Polygon, vertices: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Whether each cell of the bounding box, and the outside, is outside, inside, or mixed."""
    centres = (np.arange(_CELLS) + 0.5) / _CELLS
    across, up = np.meshgrid(low[0] + centres * (high[0] - low[0]), low[1] + centres * (high[1] - low[1]))
    cells = np.full((_CELLS + 1, _CELLS + 1), _OUTSIDE, np.uint8)
    cells[:-1, :-1][shapely.contains_xy(polygon, across, up)] = _INSIDE
    cells[:-1, :-1][_touched_cells(vertices, low, high)] = _DOUBTFUL
    return cells


def _touched_cells(
    vertices: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Cells that an edge crosses, and their neighbours."""
    scaled = (vertices - low) * (_CELLS / (high - low))
    following = np.roll(scaled, -1, axis=0)
    touched = np.zeros((_CELLS, _CELLS), np.bool_)
    for start, end in zip(scaled, following, strict=True):
        steps = int(np.ceil(2.0 * np.abs(end - start).max())) + 1
        points = start + np.linspace(0.0, 1.0, steps + 1)[:, None] * (end - start)
        cells = np.clip(points.astype(np.int64), 0, _CELLS - 1)
        touched[cells[:, 1], cells[:, 0]] = True
    grown = touched.copy()
    for shift_y in (-1, 0, 1):
        for shift_x in (-1, 0, 1):
            grown |= np.roll(touched, (shift_y, shift_x), axis=(0, 1))
    return grown
