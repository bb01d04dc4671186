"""The disc map: line integral convolution as brightness, rotation as colour, in one uint8 image (Figure 9)."""

from __future__ import annotations

import colorcet as cc
import numpy as np
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.palettes import TRANSPARENT
from pipeline.domain.columns import column
from pipeline.products.maps import DiscMap

HUES, SHADES = 15, 17
"""Steps of rotation velocity and of texture: 15 x 17 fill a byte beside 0, which is transparent."""


RESIDUAL_LABEL = "V_φ - median(R) [km/s]"


def has_cells(disc: DiscMap) -> bool:
    """Whether a slice has any cell with enough stars for a velocity."""
    return bool(np.isfinite(disc.v_phi).any())


def first_with_cells(maps: tuple[DiscMap, ...]) -> int:
    """Number of the first slice that shows anything, 0 when none does."""
    return next((number for number, disc in enumerate(maps) if has_cells(disc)), 0)


def rotation_limits(maps: tuple[DiscMap, ...]) -> tuple[float, float]:
    """Limits of the rotation colours in km/s, the same for every slice, rounded to 10."""
    known = np.concatenate([disc.v_phi[np.isfinite(disc.v_phi)] for disc in maps]) if maps else np.empty(0)
    if not known.size:
        return 0.0, 250.0
    low, high = np.quantile(known, (0.05, 0.95))
    low, high = 10.0 * np.floor(low / 10.0), 10.0 * np.ceil(high / 10.0)
    return float(low), float(max(high, low + 10.0))


def residual_limits(maps: tuple[DiscMap, ...]) -> tuple[float, float]:
    """Limits of the residuals' colours in km/s, the same to both sides and for every slice, rounded to 5."""
    known = (
        np.concatenate([np.abs(disc.residual[np.isfinite(disc.residual)]) for disc in maps]) if maps else np.empty(0)
    )
    reach = 5.0 * float(np.ceil(np.quantile(known, 0.95) / 5.0)) if known.size else 0.0
    return -max(reach, 5.0), max(reach, 5.0)


def texture_levels(disc: DiscMap, limits: tuple[float, float], *, residual: bool = False) -> NDArray[np.uint8]:
    """One byte a texture pixel: 0 where there is no field, else 1 + hue * SHADES + shade.

    The hue is of the rotation, or of what it is above the slice's median at that radius.
    """
    coloured = disc.residual if residual else disc.v_phi
    factor = max(disc.texture.shape[0] // max(coloured.shape[0], 1), 1)
    speed = np.kron(coloured, np.ones((factor, factor), np.float32))
    known = np.isfinite(speed) & (disc.texture > 0)
    scaled = np.clip((np.where(known, speed, limits[0]) - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)
    hue = np.minimum((scaled * HUES).astype(np.int64), HUES - 1)
    shade = (disc.texture.astype(np.int64) * SHADES) // 256
    return np.where(known, 1 + hue * SHADES + shade, 0).astype(np.uint8)


def texture_palette(dark: bool) -> tuple[str, ...]:
    """Colours of :func:`texture_levels`: hue from the rotation, brightness from the texture."""
    colours = [TRANSPARENT]
    darkest, lightest = (0.35, 1.0) if dark else (0.6, 1.25)
    for base in rotation_colours(dark):
        red, green, blue = (int(base[start : start + 2], 16) for start in (1, 3, 5))
        for shade in range(SHADES):
            gain = darkest + (lightest - darkest) * shade / (SHADES - 1)
            colours.append("#{:02x}{:02x}{:02x}".format(*(min(round(c * gain), 255) for c in (red, green, blue))))
    return tuple(colours)


def rotation_colours(dark: bool) -> tuple[str, ...]:
    """The hues alone, slow to fast."""
    ramp = cc.palette["CET_CBL2"]
    start, stop = (0.25, 0.95) if dark else (0.2, 0.9)
    last = len(ramp) - 1
    return tuple(ramp[round(last * (start + (stop - start) * hue / (HUES - 1)))] for hue in range(HUES))


def rotation_scale(maps: tuple[DiscMap, ...], *, residual: bool) -> tuple[tuple[float, float], str]:
    """Limits of the hues, and what they are of."""
    return (residual_limits(maps), RESIDUAL_LABEL) if residual else (rotation_limits(maps), column("v_phi").axis_label)


def rotation_bar(maps: tuple[DiscMap, ...], dark: bool, *, residual: bool = False) -> protocol.Legend:
    """The colour bar of the rotation or of its residual."""
    (low, high), label = rotation_scale(maps, residual=residual)
    gradient = f"linear-gradient(to right, {', '.join(rotation_colours(dark))})"
    return protocol.Legend(label, low=f"{low:.0f}", high=f"{high:.0f}", gradient=gradient)
