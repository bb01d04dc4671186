"""Compiled loops over stars and pixels: the hot path of every brush.

Each reads the catalogue's own arrays, so that a view costs no copy of them. Pixels are ``[row, column]``, the first
row at the lower edge. :mod:`tests.reference.slow_shading` holds the obvious twins.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Counts = NDArray[np.int32]
Image = NDArray[np.uint8]

MAX_RUN = 256
"""Longest run of empty pixels that two packed bytes stand for."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bin_counts(
    x: Floats, y: Floats, rows: Mask, x_low: float, y_low: float, x_scale: float, y_scale: float, counts: Counts
) -> int:
    """Add the stars of ``rows`` to ``counts``; returns how many of them have both coordinates."""
    height, width = counts.shape
    known = 0
    for star in range(x.size):
        if rows[star]:
            across = (x[star] - x_low) * x_scale
            up = (y[star] - y_low) * y_scale
            if not (np.isnan(across) or np.isnan(up)):
                known += 1
            if 0.0 <= across < width and 0.0 <= up < height:
                counts[int(up), int(across)] += 1
    return known


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bin_values(
    x: Floats,
    y: Floats,
    values: Floats,
    rows: Mask,
    x_low: float,
    y_low: float,
    x_scale: float,
    y_scale: float,
    counts: Counts,
    totals: NDArray[np.float64],
) -> int:
    """Add stars with a known value to ``counts`` and ``totals``; returns how many can be shown."""
    height, width = counts.shape
    known = 0
    for star in range(x.size):
        if rows[star] and not np.isnan(values[star]):
            across = (x[star] - x_low) * x_scale
            up = (y[star] - y_low) * y_scale
            if not (np.isnan(across) or np.isnan(up)):
                known += 1
            if 0.0 <= across < width and 0.0 <= up < height:
                counts[int(up), int(across)] += 1
                totals[int(up), int(across)] += values[star]
    return known


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bin_categories(
    x: Floats,
    y: Floats,
    codes: Image,
    rows: Mask,
    x_low: float,
    y_low: float,
    x_scale: float,
    y_scale: float,
    counts: NDArray[np.int32],
) -> int:
    """Add stars to the plane of ``counts`` that their code names; returns how many can be shown."""
    planes, height, width = counts.shape
    known = 0
    for star in range(x.size):
        if rows[star] and codes[star] < planes:
            across = (x[star] - x_low) * x_scale
            up = (y[star] - y_low) * y_scale
            if not (np.isnan(across) or np.isnan(up)):
                known += 1
            if 0.0 <= across < width and 0.0 <= up < height:
                counts[codes[star], int(up), int(across)] += 1
    return known


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def spread(source: NDArray[np.float64], radius: int, target: NDArray[np.float64]) -> None:
    """Add each pixel of ``source`` to those of ``target`` within ``radius``, so that a star is a dot."""
    height, width = source.shape
    for row in range(height):
        for column in range(width):
            value = source[row, column]
            if value == 0:
                continue
            for up in range(-radius, radius + 1):
                for across in range(-radius, radius + 1):
                    if up * up + across * across > radius * radius + 1:
                        continue
                    to_row, to_column = row + up, column + across
                    if 0 <= to_row < height and 0 <= to_column < width:
                        target[to_row, to_column] += value


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_levels(counts: Counts, ceiling: int, levels: Image) -> None:
    """Levels 1 to 255 of the logarithm of counts, ``ceiling`` being the last; 0 where there is none."""
    gain = 254.0 / np.log(max(ceiling, 2))
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            if counts[row, column] > 0:
                level = 1.5 + gain * np.log(counts[row, column])
                levels[row, column] = int(min(level, 255.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mean_levels(
    counts: Counts, totals: NDArray[np.float64], low: float, high: float, logarithmic: bool, levels: Image
) -> None:
    """Levels 1 to 255 of the mean ``totals / counts``, or of its logarithm; 0 without any."""
    if logarithmic:
        low, high = np.log(low), np.log(high)
    gain = 254.0 / (high - low if high > low else 1.0)
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            if counts[row, column] > 0:
                mean = totals[row, column] / counts[row, column]
                if logarithmic:
                    if mean <= 0.0:
                        continue
                    mean = np.log(mean)
                levels[row, column] = int(min(max(1.5 + gain * (mean - low), 1.0), 255.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def commonest_levels(counts: NDArray[np.int32], levels: Image) -> None:
    """Level 1 + k where plane k has most stars, the first of equals; 0 where there is no star."""
    for row in range(levels.shape[0]):
        for column in range(levels.shape[1]):
            most = 0
            for plane in range(counts.shape[0]):
                if counts[plane, row, column] > most:
                    most = counts[plane, row, column]
                    levels[row, column] = plane + 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def pack(levels: Image, out: Image) -> int:
    """Pack an image and return its length in bytes: lit pixels as is, 0 and n for n + 1 empty ones."""
    flat = levels.ravel()
    written = 0
    pixel = 0
    while pixel < flat.size:
        level = flat[pixel]
        pixel += 1
        out[written] = level
        written += 1
        if level == 0:
            run = 0
            while pixel < flat.size and flat[pixel] == 0 and run < MAX_RUN - 1:
                run += 1
                pixel += 1
            out[written] = run
            written += 1
    return written


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def stars_within(
    x: Floats, y: Floats, rows: Mask, x_low: float, x_high: float, y_low: float, y_high: float, stars: NDArray[np.int64]
) -> int:
    """Write rows of the stars inside a window to ``stars`` until it is full; returns their number."""
    count = 0
    for star in range(x.size):
        if rows[star] and x_low <= x[star] <= x_high and y_low <= y[star] <= y_high:
            if count < stars.size:
                stars[count] = star
            count += 1
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def nearest_star(
    x: Floats, y: Floats, rows: Mask, at_x: float, at_y: float, x_scale: float, y_scale: float
) -> tuple[int, float]:
    """The star nearest to a point and its distance in pixels; -1 when there is none."""
    best, least = -1, np.inf
    for star in range(x.size):
        if rows[star]:
            away = ((x[star] - at_x) * x_scale) ** 2 + ((y[star] - at_y) * y_scale) ** 2
            if away < least:
                best, least = star, away
    return best, np.sqrt(least)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bin_bars(values: Floats, rows: Mask, low: float, scale: float, counts: NDArray[np.int64]) -> int:
    """Add the stars of ``rows`` to the bars of a histogram; returns how many have a value."""
    known = 0
    for star in range(values.size):
        if rows[star]:
            bar = (values[star] - low) * scale
            if not np.isnan(bar):
                known += 1
                if 0.0 <= bar < counts.size:
                    counts[int(bar)] += 1
    return known


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bin_category_bars(
    values: Floats, codes: Image, rows: Mask, low: float, scale: float, counts: NDArray[np.int64]
) -> None:
    """Add the stars of ``rows`` to the bars of their category, one row of ``counts`` each."""
    categories, bars = counts.shape
    for star in range(values.size):
        if rows[star] and codes[star] < categories:
            bar = (values[star] - low) * scale
            if 0.0 <= bar < bars:
                counts[codes[star], int(bar)] += 1
