"""Appearance of a mean velocity field.

Colour is the rotation, brightness the texture, opacity the effective number of stars. The numbers are the same on
screen, in pictures of views and in Figure 9; each of them paints them in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import colorcet as cc
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME
from pipeline.science.space.mean_field import DETAIL, KERNEL_STARS, MIN_EFFECTIVE, Grid, MeanField

Image = NDArray[np.uint8]

DARKEST = 0.62
"""Brightness of the darkest texture, as a fraction of that of the lightest."""

ROTATION_RAMP: tuple[str, ...] = tuple(cc.palette["isoluminant_cgo_80_c38"])
"""Slow to fast in equally bright colours, so that brightness is the texture alone."""

_BELOW, _ZERO, _ABOVE = (0x5D, 0xB8, 0xFF), (0xB6, 0xB6, 0xB6), (0xFF, 0x9C, 0x4D)


def _joined(*anchors: tuple[int, int, int]) -> tuple[str, ...]:
    """256 colours along straight lines between some."""
    at = np.linspace(0.0, len(anchors) - 1.0, 256)
    channels = [
        np.interp(at, range(len(anchors)), channel).round().astype(int) for channel in zip(*anchors, strict=True)
    ]
    return tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in zip(*channels, strict=True))


DIVERGING_RAMP = _joined(_BELOW, _ZERO, _ABOVE)
"""Below to above zero, which is grey, in equally bright colours."""

MIN_STARS = 5
"""Effective number of stars of a kernel that a map needs somewhere."""

_ROUND_KMS, _LEAST_KMS = 10.0, 60.0
"""Limits of the rotation are multiples of the one, and as far apart as the other at least."""

_STEPS_KMS = (20.0, 50.0, 100.0, 200.0, 500.0)
_TAIL = 0.02
_OUTSIDE = 0.2
"""Fraction of a map that may be beyond the scale of all stars before it gets a scale of its own."""


class MapOf(StrEnum):
    """Stars of which a disc map is made."""

    ALL = "all"
    SELECTED = "selected"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class MapScale:
    """Colours of a map.

    Parameters
    ----------
    low, high : float
        Velocities of the first and the last colour in km/s.
    label : str
        The quantity with its unit.
    ramp : tuple of str
        256 colours.
    """

    low: float
    high: float
    label: str
    ramp: tuple[str, ...]

    @property
    def print_label(self) -> str:
        """The label with mathematics, for a figure."""
        label = self.label.replace("V_φ", "$V_\\phi$").replace("km/s", "km s$^{-1}$")
        return label.replace(" - ", r" $-$ ")


@dataclass(frozen=True)
class MapImage:
    """Numbers that are painted, of one map or of several beside one another.

    Parameters
    ----------
    hue : ndarray of uint8, shape (h, w)
        Colour of the ramp.
    strength : ndarray of uint8, shape (h, w)
        Opacity: 255 from the effective number of stars for which the kernel widens.
    texture : ndarray of uint8, shape (h * d, w * d)
        Brightness, 255 for that of the ramp.
    """

    hue: Image
    strength: Image
    texture: Image


def values_of(field: MeanField, *, residual: bool) -> NDArray[np.float32]:
    """The coloured quantity of a field in km/s."""
    return field.residual if residual else field.v_phi


def scale_of(fields: Sequence[MeanField], every: Sequence[MeanField], of: MapOf, *, residual: bool) -> MapScale:
    """Scale of the maps that are shown together.

    The rotation has the scale of all stars as long as most of a map is within it, so that selections can be compared;
    residuals and differences have symmetric limits in round steps.

    Parameters
    ----------
    fields : sequence of MeanField
        The maps.
    every : sequence of MeanField
        Maps of all stars.
    of : MapOf
        Stars of the maps.
    residual : bool
        Whether the residuals are coloured.
    """
    shown = _known(fields, residual)
    label = BY_NAME["v_phi"].axis_label
    if residual or of is MapOf.DIFFERENCE:
        far = float(np.quantile(np.abs(shown), 1.0 - 2.0 * _TAIL)) if shown.size else 0.0
        reach = next((step for step in _STEPS_KMS if step >= far), _STEPS_KMS[-1])
        words = " - mean(R)" * residual + ", selected - all" * (of is MapOf.DIFFERENCE)
        return MapScale(-reach, reach, label.replace(" [", f"{words} ["), DIVERGING_RAMP)
    low, high = _round_limits(_known(every, residual))
    if shown.size and np.mean((shown < low) | (shown > high)) > _OUTSIDE:
        low, high = _round_limits(shown)
    return MapScale(low, high, label, ROTATION_RAMP)


def _known(fields: Sequence[MeanField], residual: bool) -> NDArray[np.float32]:
    """Values of pixels that are seen well; of all pixels if there are none."""
    pairs = [(values_of(field, residual=residual), field.effective) for field in fields]
    clear = [values[np.isfinite(values) & (effective >= 0.5 * KERNEL_STARS)] for values, effective in pairs]
    joined = np.concatenate([np.empty(0, np.float32), *clear])
    return joined if joined.size else np.concatenate([joined, *(values[np.isfinite(values)] for values, _ in pairs)])


def _round_limits(values_kms: NDArray[np.float32]) -> tuple[float, float]:
    if not values_kms.size:
        return 0.0, 250.0
    low, high = np.quantile(values_kms, (_TAIL, 1.0 - _TAIL))
    low, high = _ROUND_KMS * np.floor(low / _ROUND_KMS), _ROUND_KMS * np.ceil(high / _ROUND_KMS)
    room = _ROUND_KMS * np.ceil(max(_LEAST_KMS - (high - low), 0.0) / (2.0 * _ROUND_KMS))
    return float(low - room), float(high + room)


def image_of(field: MeanField, scale: MapScale, *, residual: bool) -> MapImage:
    """Numbers of a map, from its field and its scale."""
    values = values_of(field, residual=residual)
    places = np.nan_to_num((values - scale.low) / (scale.high - scale.low), nan=0.5)
    hue = np.round(255.0 * np.clip(places, 0.0, 1.0)).astype(np.uint8)
    shares = np.clip((field.effective - MIN_EFFECTIVE) / (KERNEL_STARS - MIN_EFFECTIVE), 0.0, 1.0)
    opacity = np.sqrt(shares)  # as the precision of a mean
    strength = np.round(255.0 * np.where(np.isfinite(values), opacity, 0.0)).astype(np.uint8)
    return MapImage(hue, strength, field.texture)


def painted(image: MapImage, ramp: Sequence[str]) -> Image:
    """Red, green, blue and opacity of each pixel of the texture.

    Returns
    -------
    ndarray of uint8, shape (h * d, w * d, 4)
        Lowest row first.
    """
    colours = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in ramp], np.float32)
    hue, strength = (np.round(_enlarged(plane)).astype(np.uint8) for plane in (image.hue, image.strength))
    gain = DARKEST + (1.0 - DARKEST) * image.texture.astype(np.float32) / 255.0
    pixels = np.empty((*hue.shape, 4), np.uint8)
    pixels[..., :3] = np.round(colours[hue] * gain[..., None])
    pixels[..., 3] = strength
    return pixels


def _enlarged(plane: Image) -> NDArray[np.float64]:
    """A plane with as many pixels as the texture, by bilinear interpolation."""
    values: NDArray[np.float64] = plane.astype(np.float64)
    for _ in range(2):
        side = values.shape[0]
        at = np.clip((np.arange(side * DETAIL) + 0.5) / DETAIL - 0.5, 0.0, side - 1.0)
        low = np.floor(at).astype(np.int64)
        share = (at - low)[:, None]
        values = ((1.0 - share) * values[low] + share * values[np.minimum(low + 1, side - 1)]).T
    return values


def draw_map(axes: Axes, grid: Grid, image: MapImage, scale: MapScale) -> None:
    """Paint a map in data coordinates, smooth at any size."""
    axes.imshow(painted(image, scale.ramp), extent=grid.window, origin="lower", aspect="auto", interpolation="bilinear")


def lacks_stars(field: MeanField) -> bool:
    """Whether a map shows next to nothing, as no kernel holds :data:`MIN_STARS`."""
    return bool(field.effective.max(initial=0.0) < MIN_STARS)


def slice_label(low_kpc: float, high_kpc: float) -> str:
    """Name of a slice in height."""
    return f"{low_kpc:g} ≤ |Z| < {high_kpc:g} kpc"
