"""Aggregation of stars to uint8 images, for each brush and view.

Images hold 0 where there is no star and 1 to 255 on a scale that the brush never changes: the logarithm of the number
of stars, the mean of a column, or the commonest category. All values are read from the catalogue's own arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer.charts import kernels
from explorer.model.scales import LINEAR, Scale
from explorer.model.selection import Mask, images, turns
from explorer.model.table import StarTable

Image: TypeAlias = NDArray[np.uint8]

BARS = 60
"""Bars of a histogram."""

_DOT_RADII = ((8_000, 2), (80_000, 1))
"""Maximum number of stars in the catalogue, and the radius of a star's dot in pixels up to it."""

_MAX_DOT_RADIUS = 8
"""Radius of the largest dot of an image in pixels."""

_Counted = TypeVar("_Counted", bound=np.generic)


@dataclass(frozen=True)
class Viewport:
    """Part of the plane on screen, and its size in pixels.

    Parameters
    ----------
    x_low, x_high, y_low, y_high : float
        Edges, low below high even where the axis is inverted.
    width, height : int
        Pixels.
    """

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    width: int
    height: int

    @property
    def drawable(self) -> bool:
        """Whether there is any area."""
        return (
            bool(np.isfinite(self.window).all())
            and self.x_low < self.x_high
            and self.y_low < self.y_high
            and min(self.width, self.height) > 1
        )

    @property
    def window(self) -> tuple[float, float, float, float]:
        """Edges of x, then of y."""
        return self.x_low, self.x_high, self.y_low, self.y_high

    @property
    def x_scale(self) -> float:
        """Pixels a unit of x."""
        return self.width / (self.x_high - self.x_low)

    @property
    def y_scale(self) -> float:
        """Pixels a unit of y."""
        return self.height / (self.y_high - self.y_low)


@dataclass(frozen=True)
class Layer:
    """One image of a view.

    Parameters
    ----------
    levels : ndarray of uint8, shape (height, width)
        Its pixels, the lowest row first.
    n_shown : int
        Stars that this plane can show, on screen or beyond its edges.
    """

    levels: Image
    n_shown: int


@dataclass(frozen=True)
class Stars:
    """Single stars on screen.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Their rows in the catalogue.
    x, y : ndarray, shape (n,)
        Their coordinates on screen; whole turns are added to a longitude that repeats.
    """

    rows: NDArray[np.int64]
    x: NDArray[np.float32]
    y: NDArray[np.float32]


class Canvas:
    """Plane of two columns of the shared catalogue, which a view aggregates.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    x, y : str
        Columns of the plane.
    shown : ndarray of bool, shape (n,), optional
        Restricts the view to some stars (a slice in height); all by default.
    scales : tuple of Scale
        Scales of x and y, which are linear by default.
    """

    def __init__(
        self,
        table: StarTable,
        x: str,
        y: str,
        shown: Mask | None = None,
        scales: tuple[Scale, Scale] = (LINEAR, LINEAR),
    ) -> None:
        self.table = table
        self.names = (x, y)
        self.shown = shown
        self.scales = scales
        self.dot_radius = 0
        self._ceiling: tuple[Viewport, int] | None = None
        self.size_dots(1.0)

    def size_dots(self, size: float) -> None:
        """Draw each star of an image as a dot of the usual diameter times ``size``."""
        usual = next((radius for limit, radius in _DOT_RADII if self.table.n_stars <= limit), 0)
        self.dot_radius = min(max(round(((2 * usual + 1) * size - 1) / 2), 0), _MAX_DOT_RADIUS)
        self._ceiling = None

    @property
    def points(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Coordinates of every star."""
        x, y = (self.table.axis(name, scale) for name, scale in zip(self.names, self.scales, strict=True))
        return x, y

    def images(self, window: tuple[float, float, float, float]) -> list[tuple[float, float]]:
        """Offsets at which the plane appears in a window: see :func:`explorer.model.selection.images`."""
        return images(*self.names, window, self.scales)

    def visible(self, rows: Mask) -> Mask:
        """Mask of the given stars that are inside the view's restriction."""
        if self.shown is None:
            return rows
        both = rows & self.shown
        both.setflags(write=False)  # one kind of mask: kernels are compiled for it alone
        return both

    def everything(self, viewport: Viewport) -> Layer:
        """Every star, as log density; remembers the densest pixel as the ceiling of this viewport."""
        layer, counts = self._counted(viewport, self.table.every)
        self._ceiling = (viewport, int(counts.max(initial=1)))
        if viewport.drawable:
            kernels.log_levels(counts, self._ceiling[1], layer.levels)
        return layer

    def density(self, viewport: Viewport, rows: Mask) -> Layer:
        """Some stars as log density, on the scale of all stars in this viewport."""
        if self._ceiling is None or self._ceiling[0] != viewport:
            self.everything(viewport)
        assert self._ceiling is not None
        layer, counts = self._counted(viewport, rows)
        if viewport.drawable:
            kernels.log_levels(counts, self._ceiling[1], layer.levels)
        return layer

    def counts(self, viewport: Viewport, rows: Mask) -> NDArray[np.int32]:
        """Numbers of some stars in each pixel, without dots around them."""
        counts = np.zeros((viewport.height, viewport.width), np.int32)
        self._count(viewport, rows, counts)
        return counts

    def _counted(self, viewport: Viewport, rows: Mask) -> tuple[Layer, NDArray[np.int32]]:
        levels, counts = _blank(viewport), np.zeros((viewport.height, viewport.width), np.int32)
        if not viewport.drawable:
            return Layer(levels, 0), counts
        n_shown = self._count(viewport, rows, counts)
        return Layer(levels, n_shown), self._spread(counts)

    def _count(self, viewport: Viewport, rows: Mask, counts: NDArray[np.int32]) -> int:
        """Add some stars to the counts; returns how many the plane can show."""
        rows, (x, y) = self.visible(rows), self.points
        n_shown = 0
        for x_low, y_low in self._corners(viewport):
            n_shown = kernels.bin_counts(x, y, rows, x_low, y_low, viewport.x_scale, viewport.y_scale, counts)
        return n_shown

    def mean(
        self, viewport: Viewport, rows: Mask, name: str, ends: tuple[float, float], *, logarithmic: bool = False
    ) -> Layer:
        """Mean of a column of some stars, between its values of the first and the last level."""
        levels = _blank(viewport)
        if not viewport.drawable:
            return Layer(levels, 0)
        counts = np.zeros(levels.shape, np.int32)
        totals = np.zeros(levels.shape, np.float64)
        rows, (x, y), values = self.visible(rows), self.points, self.table.axis(name)
        n_shown = 0
        for x_low, y_low in self._corners(viewport):
            n_shown = kernels.bin_values(
                x, y, values, rows, x_low, y_low, viewport.x_scale, viewport.y_scale, counts, totals
            )
        kernels.mean_levels(self._spread(counts), self._spread(totals), *ends, logarithmic, levels)
        return Layer(levels, n_shown)

    def commonest(self, viewport: Viewport, rows: Mask, codes: Image, n_categories: int, *, rest: bool) -> Layer:
        """Commonest category of some stars; with ``rest`` the last category never hides another one.

        ``codes`` holds the category of each star of the catalogue; those beyond ``n_categories`` are not drawn.
        """
        levels = _blank(viewport)
        if not (viewport.drawable and n_categories):
            return Layer(levels, 0)
        counts, n_shown = self.category_counts(viewport, rows, codes, n_categories)
        spread = np.stack([self._spread(plane) for plane in counts])
        if rest:
            spread[-1][spread[:-1].any(axis=0)] = 0
        kernels.commonest_levels(spread, levels)
        return Layer(levels, n_shown)

    def category_counts(
        self, viewport: Viewport, rows: Mask, codes: Image, n_categories: int
    ) -> tuple[NDArray[np.int32], int]:
        """Numbers of some stars of each category in each pixel, and how many of them the plane can show."""
        counts = np.zeros((n_categories, viewport.height, viewport.width), np.int32)
        rows, (x, y) = self.visible(rows), self.points
        n_shown = 0
        for x_low, y_low in self._corners(viewport):
            n_shown = kernels.bin_categories(
                x, y, codes, rows, x_low, y_low, viewport.x_scale, viewport.y_scale, counts
            )
        return counts, n_shown

    def _corners(self, viewport: Viewport) -> list[tuple[float, float]]:
        """Lower left corner of the viewport, once for each image of the plane in it."""
        return [(viewport.x_low - across, viewport.y_low - up) for across, up in self.images(viewport.window)]

    def _spread(self, counts: NDArray[_Counted]) -> NDArray[_Counted]:
        if self.dot_radius == 0:
            return counts
        target = np.zeros_like(counts)
        kernels.spread(counts, self.dot_radius, target)
        return target

    def count_known(self, rows: Mask) -> int:
        """Number of the given stars that this plane can show, on screen or beyond its edges."""
        nowhere = np.zeros((1, 1), np.int32)
        return int(kernels.bin_counts(*self.points, self.visible(rows), 0.0, 0.0, 1.0, 1.0, nowhere))

    def stars_in(self, viewport: Viewport, most: int, rows: Mask | None = None) -> Stars | None:
        """The given stars on screen, all by default, one by one; None when there are more than ``most``."""
        if not viewport.drawable:
            return None
        (x, y), rows = self.points, self.visible(self.table.every if rows is None else rows)
        parts = []
        for x_low, y_low in self._corners(viewport):
            stars = np.empty(most, np.int64)
            x_high, y_high = x_low + viewport.x_high - viewport.x_low, y_low + viewport.y_high - viewport.y_low
            count = kernels.stars_within(x, y, rows, x_low, x_high, y_low, y_high, stars)
            most -= count
            if most < 0:
                return None
            stars = stars[:count]
            with np.errstate(over="ignore"):  # a window may be farther away than single precision reaches
                turned = np.float32(viewport.x_low - x_low), np.float32(viewport.y_low - y_low)
            parts.append((stars, x[stars] + turned[0], y[stars] + turned[1]))
        return Stars(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def places(self, viewport: Viewport, rows: NDArray[np.int64]) -> Stars:
        """Places of some stars, again at each turn of a longitude; those without a place are left out."""
        rows = rows if self.shown is None else rows[self.shown[rows]]
        x, y = (values[rows] for values in self.points)
        known = np.isfinite(x) & np.isfinite(y)
        rows, x, y = rows[known], x[known], y[known]
        around = self.images(viewport.window) if viewport.drawable else [(0.0, 0.0)]
        across, up = (np.array(steps, np.float32)[:, None] for steps in zip(*around, strict=True))
        return Stars(np.tile(rows, len(around)), (x + across).ravel(), (y + up).ravel())

    def nearest(self, viewport: Viewport, x: float, y: float, pixels: float) -> int | None:
        """Catalogue row of the star nearest to a point on screen, None when none lies within ``pixels``."""
        candidates: list[tuple[float, int]] = []
        scales = viewport.x_scale, viewport.y_scale
        reach = pixels / scales[0], pixels / scales[1]
        for across, up in self.images((x - reach[0], x + reach[0], y - reach[1], y + reach[1])):
            star, away = kernels.nearest_star(*self.points, self.visible(self.table.every), x - across, y - up, *scales)
            if star >= 0 and away <= pixels:
                candidates.append((away, star))
        return min(candidates)[1] if candidates else None

    def images_of(self, row: int, viewport: Viewport) -> list[tuple[float, float]]:
        """Positions of a star on screen; none when a coordinate is unknown."""
        x, y = (float(values[row]) for values in self.points)
        if not (np.isfinite(x) and np.isfinite(y)):
            return []
        return [(x + across, y + up) for across, up in self.images(viewport.window)]


def count_bars(
    table: StarTable, name: str, rows: Mask, low: float, high: float, bars: int = BARS, scale: Scale = LINEAR
) -> tuple[NDArray[np.int64], int]:
    """Numbers of stars in the bars of a histogram, and how many stars have a value.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    name : str
        The column; a longitude comes round.
    rows : ndarray of bool, shape (n,)
        The stars that count.
    low, high : float
        Outer edges of the bars, as coordinates on the scale.
    bars : int
        Number of bars.
    scale : Scale
        Scale of the axis.
    """
    counts, known = np.zeros(bars, np.int64), 0
    for turn in turns(name, low, high) if scale.is_linear else [0.0]:
        known = kernels.bin_bars(table.axis(name, scale), rows, low - turn, bars / (high - low), counts)
    return counts, known


def count_category_bars(
    table: StarTable,
    name: str,
    rows: Mask,
    codes: Image,
    categories: int,
    low: float,
    high: float,
    bars: int,
    scale: Scale = LINEAR,
) -> NDArray[np.int64]:
    """Numbers of stars of each category in the bars of a histogram, shape (categories, bars).

    Parameters are those of :func:`count_bars`, with ``codes``, the category of each star: those from ``categories`` on
    have none.
    """
    counts = np.zeros((categories, bars), np.int64)
    for turn in turns(name, low, high) if scale.is_linear else [0.0]:
        kernels.bin_category_bars(table.axis(name, scale), codes, rows, low - turn, bars / (high - low), counts)
    return counts


def packed(levels: Image) -> bytes:
    """An image for the wire: see :func:`explorer.charts.kernels.pack`."""
    out = np.empty(2 * levels.size, np.uint8)
    return out[: kernels.pack(levels, out)].tobytes()


def _blank(viewport: Viewport) -> Image:
    return np.zeros((max(viewport.height, 1), max(viewport.width, 1)), np.uint8)
