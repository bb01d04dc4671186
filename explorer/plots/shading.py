"""From points to uint8 images: the hot path of every brush.

One :class:`Canvas` a view keeps the finite points; :meth:`Canvas.shade` aggregates any mask of them with datashader at
a viewport. Images hold 0 where there is no star and 1 to 255 on a scale that the brush never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import datashader as ds
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.plots.palettes import LEVELS

Image = NDArray[np.uint8]

_DOT_RADII = ((8_000, 2), (80_000, 1))
"""Radius of a star's dot in pixels while at most so many stars are in the catalogue."""


@dataclass(frozen=True)
class Viewport:
    """What part of the plane is on screen, and on how many pixels.

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
        edges = (self.x_low, self.x_high, self.y_low, self.y_high)
        return (
            bool(np.isfinite(edges).all())
            and self.x_low < self.x_high
            and self.y_low < self.y_high
            and min(self.width, self.height) > 1
        )

    def source_data(self, image: Image) -> dict[str, list[Any]]:
        """Data of a Bokeh image source that fills this viewport."""
        return {
            "image": [image],
            "x": [self.x_low],
            "y": [self.y_low],
            "dw": [self.x_high - self.x_low],
            "dh": [self.y_high - self.y_low],
        }


@dataclass(frozen=True)
class ValueScale:
    """Colour scale of a column: fixed by the whole catalogue, so a brush never recolours what remains.

    Parameters
    ----------
    name : str
        Column name.
    low, high : float
        Values of the first and the last colour, in the column's unit.
    """

    name: str
    low: float
    high: float

    def levels(self, values: NDArray[Any]) -> Image:
        """Levels 1 to 255 of finite values; 0 where NaN."""
        span = (self.high - self.low) or 1.0
        scaled = 1.0 + np.clip((values - self.low) / span, 0.0, 1.0) * (LEVELS - 1)
        return np.where(np.isfinite(scaled), scaled, 0.0).astype(np.uint8)


class Canvas:
    """The finite points of one view.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Coordinates of every star of the catalogue, NaN where unknown.
    shown : ndarray of bool, shape (n,), optional
        Restricts the view to some stars (a slice in height); all by default.
    """

    def __init__(self, x: NDArray[Any], y: NDArray[Any], shown: NDArray[np.bool_] | None = None) -> None:
        finite = np.isfinite(x) & np.isfinite(y)
        if shown is not None:
            finite &= shown
        self.which = np.flatnonzero(finite)
        self.x = np.ascontiguousarray(x[self.which])
        self.y = np.ascontiguousarray(y[self.which])
        self.dot_radius = next((radius for limit, radius in _DOT_RADII if x.size <= limit), 0)
        self._ceilings: dict[Viewport, int] = {}

    def picked(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The part of a catalogue mask that this view can show, over its own points."""
        return np.asarray(rows[self.which])

    def counts(self, viewport: Viewport, picked: NDArray[np.bool_] | None = None) -> NDArray[np.uint32]:
        """Stars a pixel, each drawn as a dot."""
        chosen = slice(None) if picked is None else picked
        frame = pd.DataFrame({"x": self.x[chosen], "y": self.y[chosen]}, copy=False)
        counts = _canvas(viewport).points(frame, "x", "y", ds.count()).to_numpy()
        return spread(counts, self.dot_radius)

    def shade_all(self, viewport: Viewport) -> Image:
        """Every star, as log density; remembers the densest pixel as the ceiling of this viewport."""
        if not (viewport.drawable and self.x.size):
            return _blank(viewport)
        counts = self.counts(viewport)
        self._ceilings = {viewport: int(counts.max(initial=1))}
        return log_levels(counts, self._ceilings[viewport])

    def shade(self, viewport: Viewport, picked: NDArray[np.bool_]) -> Image:
        """Selected stars as log density, on the scale of all stars in this viewport."""
        if not (viewport.drawable and picked.any()):
            return _blank(viewport)
        if viewport not in self._ceilings:
            self.shade_all(viewport)
        return log_levels(self.counts(viewport, picked), self._ceilings[viewport])

    def shade_mean(
        self, viewport: Viewport, picked: NDArray[np.bool_], values: NDArray[Any], scale: ValueScale
    ) -> Image:
        """Mean of a column over the selected stars in each pixel.

        ``values`` runs over the catalogue; stars whose value is NaN are left out.
        """
        known = values[self.which]
        chosen = picked & np.isfinite(known)
        if not (viewport.drawable and chosen.any()):
            return _blank(viewport)
        frame = pd.DataFrame({"x": self.x[chosen], "y": self.y[chosen], "v": known[chosen]}, copy=False)
        summary = _canvas(viewport).points(frame, "x", "y", ds.summary(n=ds.count(), total=ds.sum("v")))
        count = spread(summary["n"].to_numpy(), self.dot_radius)
        total = spread(np.nan_to_num(summary["total"].to_numpy()), self.dot_radius)
        with np.errstate(invalid="ignore", divide="ignore"):
            return scale.levels(total / count)

    def nearest(self, x: float, y: float, x_per_pixel: float, y_per_pixel: float, pixels: float) -> int | None:
        """Catalogue row of the star nearest to a point on screen, None when none lies within ``pixels``."""
        if not self.x.size:
            return None
        away = np.hypot((self.x - x) / x_per_pixel, (self.y - y) / y_per_pixel)
        nearest = int(np.argmin(away))
        return int(self.which[nearest]) if away[nearest] <= pixels else None


def spread(counts: NDArray[Any], radius: int) -> NDArray[Any]:
    """Add each pixel to its neighbours within ``radius``, so that a lone star is a dot and not a speck."""
    if radius == 0:
        return counts
    padded = np.pad(counts, radius)
    height, width = counts.shape
    total = np.zeros_like(counts)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy <= radius * radius + 1:
                total += padded[radius + dy : radius + dy + height, radius + dx : radius + dx + width]
    return total


def log_levels(counts: NDArray[Any], ceiling: int) -> Image:
    """Levels 1 to 255 of the logarithm of counts, ``ceiling`` being the last; 0 where there is none."""
    span = np.log(max(ceiling, 2))
    with np.errstate(divide="ignore"):
        scaled = 1.0 + (LEVELS - 1) * np.log(counts) / span
    return np.where(counts > 0, np.minimum(np.rint(scaled), LEVELS), 0.0).astype(np.uint8)


def _canvas(viewport: Viewport) -> ds.Canvas:
    return ds.Canvas(
        plot_width=viewport.width,
        plot_height=viewport.height,
        x_range=(viewport.x_low, viewport.x_high),
        y_range=(viewport.y_low, viewport.y_high),
    )


def _blank(viewport: Viewport) -> Image:
    return np.zeros((max(viewport.height, 1), max(viewport.width, 1)), np.uint8)
