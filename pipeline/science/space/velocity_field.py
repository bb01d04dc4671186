"""Disc maps (Figure 9): mean velocities by height, rotation residuals, line integral convolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import rlic
from numpy.typing import NDArray

from pipeline.domain.settings import KinematicsConfig

FloatArray = NDArray[np.float64]

SLICES_KPC = ((0.0, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 5.0))
"""Slices in abs(Z)."""

TEXTURE_FACTOR = 8
"""Texture pixels a cell side."""

_SEED = 9  # of the noise that the convolution smears


@dataclass(frozen=True)
class VelocityField:
    """One slice's maps, all indexed [y, x]."""

    edges_kpc: FloatArray
    count: NDArray[np.int32]
    v_x: NDArray[np.float32]
    v_y: NDArray[np.float32]
    v_phi: NDArray[np.float32]
    residual: NDArray[np.float32]
    texture: NDArray[np.uint8]


def velocity_field(
    x_kpc: FloatArray,
    y_kpc: FloatArray,
    v_x: FloatArray,
    v_y: FloatArray,
    v_phi: FloatArray,
    settings: KinematicsConfig,
    texture_factor: int = TEXTURE_FACTOR,
) -> VelocityField:
    """Map one slice.

    Parameters
    ----------
    x_kpc, y_kpc : ndarray, shape (n,)
        Galactocentric position, Sun at X = -R0.
    v_x, v_y, v_phi : ndarray, shape (n,)
        Velocity in km/s, ``v_phi`` positive with the disc.
    settings : KinematicsConfig
        Half-width of the map, side of a cell, and the stars a cell needs.
    texture_factor : int
        Texture pixels a cell side.

    Returns
    -------
    VelocityField
        Mean (v_x, v_y) and median v_phi per cell; the residual is the median of v_phi less the slice's median rotation
        in rings of one kpc; the texture is the line integral convolution of the field, 0 where there is none.
    """
    cells = round(2 * settings.map_half_width_kpc / settings.map_cell_kpc)
    edges = np.linspace(-settings.map_half_width_kpc, settings.map_half_width_kpc, cells + 1)
    column = np.floor((x_kpc + settings.map_half_width_kpc) / settings.map_cell_kpc)
    row = np.floor((y_kpc + settings.map_half_width_kpc) / settings.map_cell_kpc)
    finite = np.isfinite(x_kpc + y_kpc + v_x + v_y + v_phi)
    inside = finite & (column >= 0) & (column < cells) & (row >= 0) & (row < cells)
    flat = (row[inside] * cells + column[inside]).astype(np.int64)
    count = np.bincount(flat, minlength=cells * cells)
    enough = count >= settings.map_min_stars
    safe = np.maximum(count, 1)
    mean_x = np.bincount(flat, v_x[inside], cells * cells) / safe
    mean_y = np.bincount(flat, v_y[inside], cells * cells) / safe
    median = _grouped_median(flat, v_phi[inside], cells * cells)
    ring = np.floor(np.hypot(x_kpc[inside], y_kpc[inside])).astype(np.int64)
    rotation = _grouped_median(ring, v_phi[inside], int(ring.max(initial=0)) + 1)
    residual = _grouped_median(flat, v_phi[inside] - rotation[ring], cells * cells)
    shape = (cells, cells)
    fields = [np.where(enough, values, np.nan).reshape(shape) for values in (mean_x, mean_y, median, residual)]
    texture = line_integral_texture(fields[0], fields[1], texture_factor)
    return VelocityField(
        edges_kpc=edges,
        count=count.reshape(shape).astype(np.int32),
        v_x=fields[0].astype(np.float32),
        v_y=fields[1].astype(np.float32),
        v_phi=fields[2].astype(np.float32),
        residual=fields[3].astype(np.float32),
        texture=texture,
    )


def _grouped_median(group: NDArray[np.int64], values: FloatArray, groups: int) -> FloatArray:
    """Median of the values of each group, NaN for an empty one."""
    order = np.lexsort((values, group))
    sorted_values = values[order]
    counts = np.bincount(group, minlength=groups)
    start = np.concatenate(([0], np.cumsum(counts)[:-1]))
    if not values.size:
        return np.full(groups, np.nan)
    low = np.minimum(start + np.maximum(counts - 1, 0) // 2, values.size - 1)
    high = np.minimum(start + counts // 2, values.size - 1)
    return np.where(counts > 0, 0.5 * (sorted_values[low] + sorted_values[high]), np.nan)


def line_integral_texture(v_x: FloatArray, v_y: FloatArray, factor: int = TEXTURE_FACTOR) -> NDArray[np.uint8]:
    """Line integral convolution of a field with holes.

    Parameters
    ----------
    v_x, v_y : ndarray, shape (n, n)
        Field, NaN where it is unknown.
    factor : int
        Texture pixels a cell side.

    Returns
    -------
    ndarray of uint8, shape (n * factor, n * factor)
        Texture from 1 to 255, 0 where the field is unknown.
    """
    known = np.isfinite(v_x) & np.isfinite(v_y)
    enlarged_known = np.kron(known, np.ones((factor, factor), bool))
    if not known.any():
        return np.zeros(enlarged_known.shape, np.uint8)
    u, v = (np.kron(np.where(known, field, 0.0), np.ones((factor, factor))) for field in (v_x, v_y))
    noise = np.random.default_rng(_SEED).random(u.shape)
    kernel = np.sin(np.linspace(0.0, np.pi, 4 * factor + 1))
    smeared = rlic.convolve(noise, u, v, kernel=kernel / kernel.sum(), iterations=2)
    low, high = np.percentile(smeared[enlarged_known], [1, 99])
    scaled = np.clip((smeared - low) / max(high - low, 1e-12), 0.0, 1.0)
    return np.where(enlarged_known, 1 + np.round(254 * scaled), 0).astype(np.uint8)
