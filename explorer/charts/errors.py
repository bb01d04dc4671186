"""Error bars, and ellipses of correlated errors, of the stars on screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis
from explorer.charts.shading import Canvas, Viewport
from explorer.model.selection import Mask
from explorer.model.table import StarTable

ERRORS = "errors"
"""Switch of the error bars."""

MAX_ERRORS = 10_000
"""Maximum number of stars whose errors are drawn."""

CORNERS = 20
"""Points of an ellipse; its first one is also its last."""

_TURN = np.linspace(0.0, 2.0 * np.pi, CORNERS)
_OUTSIDE = 0.05
"""Distance beyond the edge of the view, in its width, at which a bar ends that a logarithmic axis has no end for."""
_COLOUR = "0.35"
"""In pictures."""

MAX_VECTORS = 2_500
"""Maximum number of bars that are lines of a picture; more are an image inside the vector axes."""

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Error bars as segments, and ellipses as closed lines, in coordinates.

    Parameters
    ----------
    x0, y0, x1, y1 : ndarray, shape (n,)
        Starts and ends of the bars.
    xs, ys : ndarray, shape (m, CORNERS)
        Ellipses of one standard deviation.
    """

    x0: Singles
    y0: Singles
    x1: Singles
    y1: Singles
    xs: Singles
    ys: Singles


NO_ERRORS = Errors(*(np.empty(0, np.float32) for _ in range(4)), *(np.empty((0, CORNERS), np.float32) for _ in "xy"))


def have_errors(table: StarTable, x: str, y: str) -> bool:
    """Whether the catalogue has errors or percentiles of either column."""
    return any(table.error_of(name) or all(table.interval_of(name)) for name in (x, y))


def errors_of(axes: dict[str, Axis], canvas: Canvas, viewport: Viewport, rows: Mask) -> Errors | None:
    """Errors of some stars on screen; None when there are more than :data:`MAX_ERRORS`.

    Parameters
    ----------
    axes : dict of str to Axis
        The axes x and y.
    canvas : Canvas
        The plane.
    viewport : Viewport
        What is on screen.
    rows : ndarray of bool, shape (n,)
        The stars.

    Returns
    -------
    Errors or None
        A bar from the 16th to the 84th percentile where the catalogue has both, else of one standard deviation to
        either side; an ellipse in place of both bars where it has the correlation of the errors.
    """
    if not viewport.drawable:
        return NO_ERRORS
    stars = canvas.stars_in(viewport, MAX_ERRORS, rows)
    if stars is None:
        return None
    x = _Side.of(canvas.table, axes["x"], stars.x, stars.rows)
    y = _Side.of(canvas.table, axes["y"], stars.y, stars.rows)
    correlation = _correlation(canvas.table, x, y, stars.rows)
    single = ~np.isfinite(correlation)
    left, right = x.bars(viewport.x_low, viewport.x_high)
    down, up = y.bars(viewport.y_low, viewport.y_high)
    across, along = single & np.isfinite(left) & np.isfinite(right), single & np.isfinite(down) & np.isfinite(up)
    return Errors(
        _joined(left[across], x.at[along]),
        _joined(y.at[across], down[along]),
        _joined(right[across], x.at[along]),
        _joined(y.at[across], up[along]),
        *_ellipses(x, y, correlation, ~single),
    )


def layer_of(errors: Errors | None, slot: int) -> protocol.ErrorsLayer:
    """The layer of a view; an empty one for too many stars."""
    shown = NO_ERRORS if errors is None else errors
    x, y = (_with_gaps(np.column_stack(ends)) for ends in ((shown.x0, shown.x1), (shown.y0, shown.y1)))
    return protocol.ErrorsLayer(slot, x, y, _with_gaps(shown.xs), _with_gaps(shown.ys), CORNERS)


def draw_errors(axes: Axes, errors: Errors | None) -> None:
    """Draw errors in a picture; nothing for too many stars."""
    if errors is None:
        return
    starts, ends = np.stack([errors.x0, errors.y0], axis=1), np.stack([errors.x1, errors.y1], axis=1)
    rings = np.stack([errors.xs, errors.ys], axis=2)
    for lines in (np.stack([starts, ends], axis=1), rings):
        if len(lines):
            drawn = LineCollection(list(lines), colors=_COLOUR, linewidths=0.4, zorder=0.5)
            drawn.set_rasterized(len(lines) > MAX_VECTORS)
            axes.add_collection(drawn, autolim=False)


@dataclass(frozen=True)
class _Side:
    """Values of some stars along one axis, with their errors.

    Parameters
    ----------
    axis : Axis
        The axis.
    at : ndarray, shape (n,)
        Coordinates on screen, whole turns of a longitude included.
    values, below, above : ndarray, shape (n,)
        Values, and lengths of the bars below and above them, in the column's unit; NaN where unknown.
    """

    axis: Axis
    at: Singles
    values: Doubles
    below: Doubles
    above: Doubles

    @classmethod
    def of(cls, table: StarTable, axis: Axis, at: Singles, stars: NDArray[np.int64]) -> _Side:
        """Read the errors of stars by their rows."""
        name = axis.column.name
        values = table[name][stars].astype(np.float64)
        error, (low, high) = table.error_of(name), table.interval_of(name)
        below = above = table[error][stars].astype(np.float64) if error else np.full(stars.size, np.nan)
        if low and high:
            down, up = values - table[low][stars], table[high][stars] - values
            known = np.isfinite(down) & np.isfinite(up)
            below, above = np.where(known, down, below), np.where(known, up, above)
        return cls(axis, at, values, below, above)

    def some(self, rows: Mask) -> _Side:
        """Those of some of the stars."""
        return _Side(self.axis, self.at[rows], self.values[rows], self.below[rows], self.above[rows])

    def moved(self, offsets: Doubles) -> Doubles:
        """Coordinates of the values with offsets, shape (n,) or (n, corners); NaN where the scale has none."""
        wide = (slice(None), *(None,) * (offsets.ndim - 1))
        if self.axis.scale.is_linear:
            return np.asarray(self.at[wide] + offsets, np.float64)
        return np.asarray(self.axis.scale.forward(self.values[wide] + offsets), np.float64)

    def bars(self, low: float, high: float) -> tuple[Doubles, Doubles]:
        """Coordinates of the ends of the bars; those that a scale has no place for end beyond the edges of the view."""
        start, end = self.moved(-self.below), self.moved(self.above)
        start = np.where(np.isnan(start) & np.isfinite(self.below), low - _OUTSIDE * (high - low), start)
        return start, end


def _correlation(table: StarTable, x: _Side, y: _Side, stars: NDArray[np.int64]) -> Doubles:
    """Correlations of the errors; NaN where a star has none, or no error."""
    name = table.correlation_of(x.axis.column.name, y.axis.column.name)
    if name is None:
        return np.full(stars.size, np.nan)
    values = table[name][stars].astype(np.float64)
    known = np.isfinite(x.above) & np.isfinite(y.above) & (np.abs(values) <= 1.0)
    return np.where(known, values, np.nan)


def _ellipses(x: _Side, y: _Side, correlation: Doubles, rows: Mask) -> tuple[Singles, Singles]:
    """Ellipses of one standard deviation of the errors of some stars: coordinates, shape (m, CORNERS)."""
    x, y = x.some(rows), y.some(rows)
    rho = correlation[rows, None]
    xs = x.moved(x.above[:, None] * np.cos(_TURN))
    ys = y.moved(y.above[:, None] * (rho * np.cos(_TURN) + np.sqrt(1.0 - rho**2) * np.sin(_TURN)))
    return xs.astype(np.float32), ys.astype(np.float32)


def _with_gaps(lines: Singles) -> Singles:
    """Lines one after another, with NaN after each."""
    gaps = np.full((len(lines), 1), np.nan, np.float32)
    return np.concatenate([lines, gaps], axis=1).ravel()


def _joined(first: NDArray[Any], second: NDArray[Any]) -> Singles:
    return np.concatenate([first, second]).astype(np.float32)
