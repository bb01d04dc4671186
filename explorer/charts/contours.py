"""Contours of the density of stars on screen, each around a share of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from contourpy import LineType, contour_generator
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from explorer import protocol
from explorer.charts.shading import Canvas, Viewport
from explorer.model.selection import Mask

MIN_STARS = 20
"""Minimum number of stars on screen for contours."""

_CELLS = 128
"""Cells along the wider side of the view."""

_FEWEST_CELLS = 32
_NARROWEST, _WIDEST = 1.0, 8.0
"""Limits of the smoothing, in cells."""

_SHARE_OF_SCOTT = 0.5
"""Smoothing in the widths of Scott (1992), which are for a single normal distribution."""

_COLOUR, _HALO = "0.1", "white"

Lines = tuple[NDArray[np.float32], NDArray[np.float32]]


def contours_of(canvas: Canvas, viewport: Viewport, rows: Mask, levels: Sequence[float]) -> list[Lines]:
    """Contours of some stars on screen.

    Parameters
    ----------
    canvas : Canvas
        The plane.
    viewport : Viewport
        What is on screen.
    rows : ndarray of bool, shape (n,)
        The stars.
    levels : sequence of float
        Per cent of the stars in view that each contour encloses.

    Returns
    -------
    list of (ndarray, ndarray)
        Of each level, x and y of its lines as coordinates, with NaN between two lines; empty arrays with fewer than
        :data:`MIN_STARS` stars in view.
    """
    nothing = [(np.empty(0, np.float32), np.empty(0, np.float32)) for _ in levels]
    if not viewport.drawable:
        return nothing
    coarse = _coarse(viewport)
    counts = canvas.counts(coarse, rows)
    if counts.sum() < MIN_STARS:
        return nothing
    density = gaussian_filter(counts.astype(np.float64), _smoothing(counts), mode="constant")
    x = viewport.x_low + (np.arange(coarse.width) + 0.5) / coarse.x_scale
    y = viewport.y_low + (np.arange(coarse.height) + 0.5) / coarse.y_scale
    generator = contour_generator(x, y, density, line_type=LineType.ChunkCombinedNan)
    return [_line(generator.lines(threshold)) for threshold in _thresholds(counts, density, levels)]


def layer_of(lines: Sequence[Lines], levels: Sequence[float], slot: int) -> protocol.ContoursLayer:
    """The layer of a view."""
    return protocol.ContoursLayer(slot, tuple(x for x, _ in lines), tuple(y for _, y in lines), tuple(levels))


def words_of(levels: Sequence[float]) -> str:
    """Levels in words."""
    return f"{', '.join(f'{level:g}' for level in levels)} %"


def draw_contours(axes: Axes, lines: Sequence[Lines], levels: Sequence[float], of: str) -> list[Line2D]:
    """Draw contours in a picture; returns the legend handle. ``of`` is "selected " or "" for all stars."""
    halo = [withStroke(linewidth=1.6, foreground=_HALO, alpha=0.8)]
    for x, y in lines:
        axes.plot(x, y, "-", color=_COLOUR, linewidth=0.7, path_effects=halo)
    return [Line2D([], [], color=_COLOUR, linewidth=0.7, label=f"{words_of(levels)} of the {of}stars in view")]


def _coarse(viewport: Viewport) -> Viewport:
    """The same part of the plane in square cells of some pixels."""
    longest = max(viewport.width, viewport.height)
    width, height = (max(round(_CELLS * side / longest), _FEWEST_CELLS) for side in (viewport.width, viewport.height))
    return Viewport(*viewport.window, width, height)


def _smoothing(counts: NDArray[np.integer[Any]]) -> tuple[float, float]:
    """Widths of the kernel in cells, upwards and across: by Scott's rule, within limits."""
    shrunk = _SHARE_OF_SCOTT * float(counts.sum()) ** (-1.0 / 6.0)
    widths = []
    for across in (0, 1):
        sums = counts.sum(axis=1 - across)
        at = np.arange(sums.size)
        mean = float(np.average(at, weights=sums))
        widths.append(shrunk * float(np.sqrt(np.average((at - mean) ** 2, weights=sums))))
    up, right = (float(np.clip(width, _NARROWEST, _WIDEST)) for width in widths)
    return up, right


def _thresholds(counts: NDArray[np.integer[Any]], density: NDArray[np.float64], levels: Sequence[float]) -> list[float]:
    """Densities above which the shares of the stars are."""
    order = np.argsort(density, axis=None)[::-1]
    shares = np.cumsum(counts.ravel()[order]) * (100.0 / counts.sum())
    at = np.minimum(np.searchsorted(shares, levels), order.size - 1)
    return [float(value) for value in density.ravel()[order[at]]]


def _line(parts: Any) -> Lines:
    """X and y of the lines of one level, which are in one chunk."""
    points = parts[0][0]
    if points is None:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    return points[:, 0].astype(np.float32), points[:, 1].astype(np.float32)
