"""Compiled loops of mean velocity fields: sums, adaptive smoothing, line integral convolution.

:mod:`tests.reference.slow_mean_field` holds the obvious twins.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_stars(
    cell: NDArray[np.int32], rows: Mask, v_x: Floats, v_y: Floats, v_phi: Floats, sums: NDArray[np.float64]
) -> None:
    """Add 1, v_x, v_y and v_phi of the stars of ``rows`` to the sums of their pixels; -1 is none."""
    for star in range(cell.size):
        if rows[star]:
            pixel = cell[star]
            if pixel >= 0:
                sums[pixel, 0] += 1.0
                sums[pixel, 1] += v_x[star]
                sums[pixel, 2] += v_y[star]
                sums[pixel, 3] += v_phi[star]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def blur_rows(planes: Floats, taps: Floats, blurred: Floats) -> None:
    """Convolve rows with a symmetric kernel, given from its centre outwards; outside they are zero."""
    count, height, width = planes.shape
    for plane in range(count):
        for row in range(height):
            for column in range(width):
                blurred[plane, row, column] = taps[0] * planes[plane, row, column]
            for step in range(1, min(taps.size, width)):
                tap = taps[step]
                for column in range(width - step):
                    blurred[plane, row, column] += tap * planes[plane, row, column + step]
                for column in range(step, width):
                    blurred[plane, row, column] += tap * planes[plane, row, column - step]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def blur_columns(planes: Floats, taps: Floats, blurred: Floats) -> None:
    """Convolve columns as :func:`blur_rows` convolves rows."""
    count, height, width = planes.shape
    reach = taps.size - 1
    for plane in range(count):
        for row in range(height):
            for column in range(width):
                blurred[plane, row, column] = 0.0
            for other in range(max(row - reach, 0), min(row + reach, height - 1) + 1):
                tap = taps[abs(other - row)]
                for column in range(width):
                    blurred[plane, row, column] += tap * planes[plane, other, column]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle(before: Floats, after: Floats, least: float, smoothed: Floats, settled: Mask) -> int:
    """Copy sums of pixels that reach ``least`` stars; returns how many remain.

    Between the widths they hold the mixture of both kernels that has exactly ``least`` stars. Pixels that remain hold
    the sums of the wider kernel.
    """
    left = 0
    for row in range(after.shape[1]):
        for column in range(after.shape[2]):
            if settled[row, column]:
                continue
            few, many = before[0, row, column], after[0, row, column]
            share = 1.0
            if many < least:
                left += 1
            else:
                settled[row, column] = True
                share = 0.0 if few >= least else (least - few) / (many - few)
            for plane in range(after.shape[0]):
                wide, narrow = after[plane, row, column], before[plane, row, column]
                smoothed[plane, row, column] = narrow + share * (wide - narrow)
    return left


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def convolve_lines(
    along_x: Floats, along_y: Floats, noise: Floats, weights: Floats, contrast: float, shades: NDArray[np.uint8]
) -> None:
    """Smear noise along the streamlines of a field: line integral convolution.

    Parameters
    ----------
    along_x, along_y : ndarray, shape (h, w)
        Steps along the field in pixels, both zero where it is unknown.
    noise : ndarray, shape (h, w)
        White noise of zero mean and unit variance.
    weights : ndarray, shape (r + 1,)
        Weights of the steps, from the centre of a line to both sides.
    contrast : float
        Standard deviations of a weighted mean of noise between medium and extreme shades.
    shades : ndarray of uint8, shape (h, w)
        The result from 1 to 255; 0 where the field is unknown.
    """
    height, width = noise.shape
    half, right, top = np.float32(0.5), np.float32(width), np.float32(height)
    nothing = np.float32(0.0)
    for row in range(height):
        for column in range(width):
            if along_x[row, column] == nothing and along_y[row, column] == nothing:
                shades[row, column] = 0
                continue
            total = weights[0] * noise[row, column]
            square = weights[0] * weights[0]
            for sense in (np.float32(-1.0), np.float32(1.0)):
                x, y = np.float32(column) + half, np.float32(row) + half
                at_row, at_column = row, column
                for step in range(1, weights.size):
                    u, v = along_x[at_row, at_column], along_y[at_row, at_column]
                    x += sense * u
                    y += sense * v
                    if (u == nothing and v == nothing) or x < nothing or y < nothing or x >= right or y >= top:
                        break
                    at_row, at_column = int(y), int(x)
                    tap = weights[step]
                    total += tap * noise[at_row, at_column]
                    square += tap * tap
            shade = 128.0 + 127.0 * total / (contrast * np.sqrt(square))
            shades[row, column] = int(min(max(shade, 1.0), 255.0))
