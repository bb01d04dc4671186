"""Arrows of a mean velocity field on a coarse grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pipeline.science.space.mean_field import KERNEL_STARS, MeanField

Floats = NDArray[np.float32]

_STEP_PIXELS = 7
_CLEAR = 0.5
"""Fraction of the least effective number of stars of a pixel that has an arrow."""


@dataclass(frozen=True)
class Arrows:
    """Arrows of one map, as long as their distance at the highest speed.

    Parameters
    ----------
    x0, y0, x1, y1 : ndarray, shape (n,)
        Starts and heads in kpc.
    longest_kms : float
        Speed of the longest arrow of all maps that are shown together; 0 without any.
    """

    x0: Floats
    y0: Floats
    x1: Floats
    y1: Floats
    longest_kms: float


def field_arrows(fields: Sequence[MeanField]) -> tuple[Arrows, ...]:
    """Arrows of several maps on one scale.

    Parameters
    ----------
    fields : sequence of MeanField
        The maps.
    """
    sampled = [_sampled(field) for field in fields]
    longest = max((float(np.hypot(v_x, v_y).max(initial=0.0)) for _, _, v_x, v_y in sampled), default=0.0)
    arrows = []
    for field, (x, y, v_x, v_y) in zip(fields, sampled, strict=True):
        scale = np.float32(_STEP_PIXELS * field.grid.pixel_kpc / (longest or 1.0))
        half_x, half_y = 0.5 * scale * v_x, 0.5 * scale * v_y
        arrows.append(Arrows(x - half_x, y - half_y, x + half_x, y + half_y, longest))
    return tuple(arrows)


def _sampled(field: MeanField) -> tuple[Floats, Floats, Floats, Floats]:
    """Positions and velocities of every n-th pixel that is seen well."""
    every = slice(_STEP_PIXELS // 2, None, _STEP_PIXELS)
    x, y = (centres[every].astype(np.float32) for centres in field.grid.centres)
    v_x, v_y, effective = (plane[every, every] for plane in (field.v_x, field.v_y, field.effective))
    clear = np.isfinite(v_x) & np.isfinite(v_y) & (effective >= _CLEAR * KERNEL_STARS)
    at_x, at_y = np.broadcast_to(x, clear.shape), np.broadcast_to(y[:, None], clear.shape)
    return at_x[clear], at_y[clear], v_x[clear], v_y[clear]


def draw_field_arrows(axes: Axes, arrows: Arrows) -> None:
    """Draw arrows and the speed of the longest one."""
    if not arrows.x0.size:
        return
    look: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.004, "color": "0.15"}
    axes.quiver(arrows.x0, arrows.y0, arrows.x1 - arrows.x0, arrows.y1 - arrows.y0, **look)
    words = f"longest arrow: {arrows.longest_kms:.0f} km s$^{{-1}}$"
    box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0.0, "pad": 1.0}
    axes.text(0.98, 0.02, words, transform=axes.transAxes, ha="right", va="bottom", fontsize=6.0, bbox=box)
