"""Points in a polygon: exact, and fast for millions of points.

A polygon is first narrowed to its bounding box. Small numbers of points are then tested one by one (shapely); beyond
:data:`LOOKUP_FROM` points the box is cut into cells, cells that no edge touches are decided once, and only points in
touched cells are tested one by one. Both ways give the same answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

LOOKUP_FROM = 200_000
"""Number of points in the bounding box from which a lookup grid pays."""

_CELLS = 512


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
    (x_low, y_low), (x_high, y_high) = vertices.min(axis=0), vertices.max(axis=0)
    inside = (x >= x_low) & (x <= x_high) & (y >= y_low) & (y <= y_high)
    candidates = np.flatnonzero(inside)
    px, py = x[candidates].astype(np.float64), y[candidates].astype(np.float64)
    polygon = shapely.Polygon(vertices)
    shapely.prepare(polygon)
    if candidates.size < LOOKUP_FROM or x_high == x_low or y_high == y_low:
        inside[candidates] = shapely.contains_xy(polygon, px, py)
        return np.asarray(inside)
    column = np.minimum(((px - x_low) * (_CELLS / (x_high - x_low))).astype(np.int64), _CELLS - 1)
    row = np.minimum(((py - y_low) * (_CELLS / (y_high - y_low))).astype(np.int64), _CELLS - 1)
    centre_x = x_low + (np.arange(_CELLS) + 0.5) * (x_high - x_low) / _CELLS
    centre_y = y_low + (np.arange(_CELLS) + 0.5) * (y_high - y_low) / _CELLS
    decided = shapely.contains_xy(polygon, *np.meshgrid(centre_x, centre_y))
    touched = _touched_cells(vertices, x_low, x_high, y_low, y_high)
    answer = decided[row, column]
    doubtful = touched[row, column]
    answer[doubtful] = shapely.contains_xy(polygon, px[doubtful], py[doubtful])
    inside[candidates] = answer
    return np.asarray(inside)


def _touched_cells(
    vertices: NDArray[np.float64], x_low: float, x_high: float, y_low: float, y_high: float
) -> NDArray[np.bool_]:
    """Cells that an edge passes through, and their neighbours."""
    scaled = (vertices - (x_low, y_low)) * (_CELLS / np.array((x_high - x_low, y_high - y_low)))
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
