"""Local density of single stars on screen, as levels of the palette of counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from explorer.charts.shading import Image, Stars, Viewport

_CELL, _SMOOTHED = 6.0, 1.0
"""Width of the cells in pixels, and of the Gaussian kernel in cells."""


class Crowding:
    """Counts the neighbours of single stars on screen.

    Parameters
    ----------
    viewport : Viewport
        What is on screen.
    stars : Stars
        All stars on screen, whose densest place is the last level.
    """

    def __init__(self, viewport: Viewport, stars: Stars) -> None:
        across = np.maximum(viewport.width / _CELL, 1.0), np.maximum(viewport.height / _CELL, 1.0)
        self._shape = int(np.ceil(across[1])), int(np.ceil(across[0]))
        column = self._cells_along(stars.x, viewport.x_low, viewport.x_high, across[0], self._shape[1])
        row = self._cells_along(stars.y, viewport.y_low, viewport.y_high, across[1], self._shape[0])
        self._cells: NDArray[np.int64] = row * self._shape[1] + column
        self._lone = self._kernel_peak()
        densest = self._density(np.ones(self._cells.size, np.bool_)).max(initial=0.0)
        self._ceiling = max(float(densest), 2.0 * self._lone)

    @staticmethod
    def _cells_along(values: NDArray[Any], low: float, high: float, cells: float, count: int) -> NDArray[np.int64]:
        """Numbers of cells along an axis, whose ends may be beyond single precision."""
        with np.errstate(over="ignore", invalid="ignore"):  # an axis may be as short as the smallest number
            places = (values.astype(np.float64) - low) * (cells / (high - low))
            return np.clip(np.nan_to_num(places), 0.0, count - 1.0).astype(np.int64)

    def _kernel_peak(self) -> float:
        """Density of a star that is alone."""
        alone = np.zeros((9, 9))
        alone[4, 4] = 1.0
        return float(gaussian_filter(alone, _SMOOTHED, mode="constant").max())

    def _density(self, picked: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Density of the picked stars at the place of each star."""
        counts = np.bincount(self._cells[picked], minlength=self._shape[0] * self._shape[1]).reshape(self._shape)
        smoothed = np.asarray(gaussian_filter(counts.astype(np.float64), _SMOOTHED, mode="constant"))
        return smoothed.ravel()[self._cells]

    def levels(self, picked: NDArray[np.bool_]) -> Image:
        """Levels 1 to 255 of the logarithm of the density of the picked stars; 0 for the others."""
        share = np.log(np.maximum(self._density(picked) / self._lone, 1.0)) / np.log(self._ceiling / self._lone)
        return np.where(picked, 1.0 + 254.0 * np.minimum(share, 1.0), 0.0).astype(np.uint8)
