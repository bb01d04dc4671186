"""Mean velocity fields of the disc by height, fast enough for each selection (Figure 9).

The estimate at a pixel is the kernel-weighted mean of the stars' velocities,

    v(x) = sum_i K_i v_i / sum_i K_i,    K_i = exp(-|x - x_i|^2 / 2 s(x)^2),

whose width s(x) is the least for which the effective number of stars N(x) = sum_i K_i reaches a minimum: the balloon
estimator of Loftsgaarden & Quesenberry (1965, Ann. Math. Stat. 36, 1049), see Terrell & Scott (1992, Ann. Stat. 20,
1236). Where the widest kernel has fewer stars, N(x) says so. The texture is a line integral convolution (Cabral &
Leedom 1993, SIGGRAPH 27, 263) of fixed noise, so that the same stars always have the same image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pipeline.science.space import mean_field_kernels as kernels
from pipeline.science.space.velocity_field import SLICES_KPC

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

FIELD_PIXELS = 96
"""Pixels of the field along the longer side of the map."""

DETAIL = 3
"""Pixels of the texture along a pixel of the field."""

KERNEL_STARS = 15.0
"""Effective number of stars for which the kernel widens: an error of 6 km/s where the dispersion is 35 km/s."""

MIN_EFFECTIVE = 1.5
"""Effective number of stars below which a pixel has no velocity."""

MAX_SPEED_KMS = 600.0
"""Stars that are faster parallel to the plane are left out: they are unbound, or their distance is wrong."""

_WIDTHS_KPC = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4)
"""Widths s of the kernel, narrow to wide."""

_REACH = 3.5
"""Widths at which a kernel ends."""

_TAIL, _MARGIN_KPC, _LEAST_KPC = 0.005, 0.75, 4.0
"""Share of stars beyond each edge of the map, room around the others, and its shortest side."""

_RING_KPC = 1.0
_LINE_KPC = 2.4
"""Length of a line of the texture to either side."""

_STRIDE = np.float32(1.5)
_GRAIN = 1.2
"""Pixels of the texture between two samples of a line, and the width of the noise, which has no finer grain."""

_CONTRAST, _MEDIUM = 4.0, 128
_SEED = 9  # of the noise that is smeared


@dataclass(frozen=True)
class Grid:
    """Square pixels seen from above the plane, indexed [y, x].

    Parameters
    ----------
    x_low, y_low : float
        Lower left corner in kpc (Galactocentric, Sun at X = -R0).
    pixel_kpc : float
        Side of a pixel.
    width, height : int
        Numbers of pixels.
    """

    x_low: float
    y_low: float
    pixel_kpc: float
    width: int
    height: int

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def window(self) -> tuple[float, float, float, float]:
        """Edges of x, then of y, in kpc."""
        return (
            self.x_low,
            self.x_low + self.width * self.pixel_kpc,
            self.y_low,
            self.y_low + self.height * self.pixel_kpc,
        )

    @property
    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates of the centres of the columns and of the rows in kpc."""
        sides = ((self.x_low, self.width), (self.y_low, self.height))
        x, y = (low + self.pixel_kpc * np.arange(0.5, count, dtype=np.float64) for low, count in sides)
        return x, y


@dataclass(frozen=True)
class DiscStars:
    """Stars of a catalogue, each with its pixel: what does not change with the selection.

    Parameters
    ----------
    grid : Grid
        The map, the same for each slice.
    slices_kpc : tuple of tuple of float
        Slices in abs(Z).
    cell : ndarray of int32, shape (n,)
        Number of the slice times the number of pixels, plus the pixel; -1 for a star on no map.
    v_x, v_y, v_phi : ndarray, shape (n,)
        Velocities in km/s.
    """

    grid: Grid
    slices_kpc: tuple[tuple[float, float], ...]
    cell: NDArray[np.int32]
    v_x: Floats
    v_y: Floats
    v_phi: Floats

    def in_slice(self, number: int) -> Mask:
        """Mask of the stars on the map of a slice."""
        return (self.cell >= number * self.grid.size) & (self.cell < (number + 1) * self.grid.size)


@dataclass(frozen=True)
class MeanField:
    """Mean velocities of some stars of one slice, indexed [y, x].

    Parameters
    ----------
    grid : Grid
        Its pixels.
    slice_kpc : tuple of float
        The slice in abs(Z).
    stars : int
        Number of stars.
    effective : ndarray, shape (h, w)
        Effective number of stars.
    v_x, v_y, v_phi : ndarray, shape (h, w)
        Mean velocities in km/s, NaN below :data:`MIN_EFFECTIVE`.
    residual : ndarray, shape (h, w)
        ``v_phi`` minus the mean of the same stars at that radius.
    texture : ndarray of uint8, shape (h * d, w * d)
        Line integral convolution from 1 to 255; 0 where the field is unknown.
    """

    grid: Grid
    slice_kpc: tuple[float, float]
    stars: int
    effective: Floats
    v_x: Floats
    v_y: Floats
    v_phi: Floats
    residual: Floats
    texture: NDArray[np.uint8]


def fitted_grid(x_kpc: Floats, y_kpc: Floats) -> Grid:
    """Grid around all but the outermost stars.

    Parameters
    ----------
    x_kpc, y_kpc : ndarray, shape (n,)
        Galactocentric position; unknown ones are ignored.
    """
    known = np.isfinite(x_kpc) & np.isfinite(y_kpc)
    edges = [_edges(values[known]) for values in (x_kpc, y_kpc)]
    (x_low, x_high), (y_low, y_high) = edges
    pixel = max(x_high - x_low, y_high - y_low) / FIELD_PIXELS
    return Grid(x_low, y_low, pixel, *(max(round((high - low) / pixel), 1) for low, high in edges))


def _edges(values_kpc: Floats) -> tuple[float, float]:
    if not values_kpc.size:
        return -_LEAST_KPC, _LEAST_KPC
    low, high = (float(edge) for edge in np.quantile(values_kpc, (_TAIL, 1.0 - _TAIL)))
    room = max(_MARGIN_KPC, 0.5 * (_LEAST_KPC - (high - low)))
    return round(low - room, 2), round(high + room, 2)


def disc_stars(
    x_kpc: Floats,
    y_kpc: Floats,
    z_kpc: Floats,
    v_x: Floats,
    v_y: Floats,
    v_phi: Floats,
    slices_kpc: Sequence[tuple[float, float]] = SLICES_KPC,
) -> DiscStars:
    """Assign each star its slice in height and its pixel.

    Parameters
    ----------
    x_kpc, y_kpc, z_kpc : ndarray, shape (n,)
        Galactocentric position, Sun at X = -R0.
    v_x, v_y, v_phi : ndarray, shape (n,)
        Velocity in km/s, ``v_phi`` positive with the disc.
    slices_kpc : sequence of tuple of float
        Slices in abs(Z).

    Returns
    -------
    DiscStars
        The stars on the grid that fits all those of a slice with a plausible velocity.
    """
    height = np.abs(z_kpc)
    mapped = np.isfinite(x_kpc + y_kpc + v_phi) & (np.hypot(v_x, v_y) <= MAX_SPEED_KMS)
    mapped &= (height >= slices_kpc[0][0]) & (height < slices_kpc[-1][1])
    grid = fitted_grid(x_kpc[mapped], y_kpc[mapped])
    with np.errstate(invalid="ignore"):
        column = np.floor((x_kpc - grid.x_low) / grid.pixel_kpc)
        row = np.floor((y_kpc - grid.y_low) / grid.pixel_kpc)
    mapped &= (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height)
    cell = np.full(x_kpc.shape, -1, np.int32)
    for number, (low, high) in enumerate(slices_kpc):
        inside = mapped & (height >= low) & (height < high)
        cell[inside] = number * grid.size + (row[inside] * grid.width + column[inside]).astype(np.int32)
    return DiscStars(grid, tuple(slices_kpc), cell, v_x, v_y, v_phi)


def mean_fields(
    stars: DiscStars, rows: Mask, parts: Sequence[int], minus: Sequence[MeanField] | None = None
) -> tuple[MeanField, ...]:
    """Mean velocity fields of some stars.

    Parameters
    ----------
    stars : DiscStars
        The stars of the catalogue.
    rows : ndarray of bool, shape (n,)
        Which of them.
    parts : sequence of int
        Numbers of the slices.
    minus : sequence of MeanField, optional
        Fields of the same slices that are subtracted.

    Returns
    -------
    tuple of MeanField
        One a slice.
    """
    size = stars.grid.size
    sums = np.zeros((len(stars.slices_kpc) * size, 4))
    kernels.add_stars(stars.cell, rows, stars.v_x, stars.v_y, stars.v_phi, sums)
    fields = [_field(stars.grid, stars.slices_kpc[part], sums[part * size : (part + 1) * size]) for part in parts]
    if minus is not None:
        fields = [_difference(field, other) for field, other in zip(fields, minus, strict=True)]
    return tuple(replace(field, texture=line_texture(field.v_x, field.v_y, field.grid)) for field in fields)


def _field(grid: Grid, slice_kpc: tuple[float, float], sums: NDArray[np.float64]) -> MeanField:
    planes = np.ascontiguousarray(sums.T, dtype=np.float32).reshape(4, grid.height, grid.width)
    smoothed = smoothed_sums(planes, grid.pixel_kpc)
    effective = smoothed[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        v_x, v_y, v_phi = np.where(effective >= MIN_EFFECTIVE, smoothed[1:] / effective, np.float32(np.nan))
    residual = v_phi - _rotation(grid, sums)
    none = np.zeros((0, 0), np.uint8)
    return MeanField(grid, slice_kpc, int(sums[:, 0].sum()), effective, v_x, v_y, v_phi, residual, none)


def smoothed_sums(planes: Floats, pixel_kpc: float) -> Floats:
    """Sums weighted by the adaptive kernel.

    Parameters
    ----------
    planes : ndarray, shape (k, h, w)
        Sums by pixel; the first is the number of stars.
    pixel_kpc : float
        Side of a pixel.

    Returns
    -------
    ndarray, shape (k, h, w)
        Sums of K_i and of K_i v_i: a star at the centre of the kernel counts 1.
    """
    before, between = planes, np.empty_like(planes)
    smoothed, settled = np.zeros_like(planes), np.zeros(planes.shape[1:], np.bool_)
    for number, width_kpc in enumerate(_WIDTHS_KPC):
        weighted, width = np.empty_like(planes), width_kpc / pixel_kpc
        taps = _taps(width)
        kernels.blur_rows(planes, taps, between)
        kernels.blur_columns(between, taps, weighted)
        narrower = before if number else weighted
        if not kernels.settle(narrower, weighted, KERNEL_STARS, smoothed, settled):
            break
        before = weighted
    return smoothed


@lru_cache(32)
def _taps(width: float) -> Floats:
    """Gaussian kernel, 1 at its centre, from there outwards; ``width`` in pixels."""
    taps: Floats = np.exp(-0.5 * (np.arange(int(np.ceil(_REACH * width)) + 1) / width) ** 2).astype(np.float32)
    return taps


def _rotation(grid: Grid, sums: NDArray[np.float64]) -> Floats:
    """Mean v_phi at the radius of each pixel: of rings of 1 kpc, joined by lines; NaN without such a ring."""
    x, y = grid.centres
    radius = np.hypot(x[None, :], y[:, None])
    ring = (radius / _RING_KPC).astype(np.int64).ravel()
    count, total, moment = (
        np.bincount(ring, weights) for weights in (sums[:, 0], sums[:, 3], sums[:, 0] * radius.ravel())
    )
    enough = count >= KERNEL_STARS
    if not enough.any():
        return np.full(radius.shape, np.nan, np.float32)
    curve = np.interp(radius, moment[enough] / count[enough], total[enough] / count[enough])
    return curve.astype(np.float32)


def _difference(field: MeanField, other: MeanField) -> MeanField:
    """A field minus another one; as certain as the less certain of both."""
    return replace(
        field,
        effective=np.minimum(field.effective, other.effective),
        v_x=field.v_x - other.v_x,
        v_y=field.v_y - other.v_y,
        v_phi=field.v_phi - other.v_phi,
        residual=field.residual - other.residual,
    )


def line_texture(v_x: Floats, v_y: Floats, grid: Grid) -> NDArray[np.uint8]:
    """Line integral convolution of a field.

    Parameters
    ----------
    v_x, v_y : ndarray, shape (h, w)
        Field, NaN where it is unknown.
    grid : Grid
        Its pixels.

    Returns
    -------
    ndarray of uint8, shape (h * d, w * d)
        Texture from 1 to 255, 0 where the field is unknown; medium where it is zero.
    """
    speed = np.hypot(v_x, v_y)
    with np.errstate(invalid="ignore", divide="ignore"):
        along = [np.where(speed > 0.0, values / speed, np.float32(0.0)) for values in (v_x, v_y)]
    along_x, along_y = (values.repeat(DETAIL, axis=0).repeat(DETAIL, axis=1) for values in along)
    steps = max(round(_LINE_KPC * DETAIL / (_STRIDE * grid.pixel_kpc)), 1)
    weights = np.cos(0.5 * np.pi * np.arange(steps + 1) / (steps + 1)).astype(np.float32)
    noise = _noise(*along_x.shape)
    shades = np.empty(noise.shape, np.uint8)
    kernels.convolve_lines(_STRIDE * along_x, _STRIDE * along_y, noise, weights, _CONTRAST, shades)
    still = (speed == 0.0).repeat(DETAIL, axis=0).repeat(DETAIL, axis=1)
    shades[still] = _MEDIUM
    return shades


@lru_cache(4)
def _noise(height: int, width: int) -> Floats:
    noise = gaussian_filter(np.random.default_rng(_SEED).standard_normal((height, width), np.float32), _GRAIN)
    unit: Floats = noise / noise.std()
    unit.setflags(write=False)
    return unit
