"""Velocities of single stars as arrows, as in Figure 8."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]

FAR_KPC = 5.0
"""Stars this far from the plane show their velocities, and are those of Figure 11."""

ARROW_KPC_PER_KMS = 0.02
LONGEST_ARROW_KMS = 500.0
"""Length of the arrows: 100 km/s are 2 kpc long."""

_KEYS_KMS = (500, 200, 100, 50, 20, 10, 5, 2, 1)
_KEY_SHARE = 0.2


def arrow_ends(at: tuple[Floats, Floats], velocity: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Heads of velocity arrows that start at the stars.

    Parameters
    ----------
    at : tuple of ndarray, shape (n,)
        Coordinates of the stars in kpc.
    velocity : tuple of ndarray, shape (n,)
        Velocities along them in km/s; faster ones are drawn as the longest.

    Returns
    -------
    tuple of ndarray, shape (n,)
        Coordinates of the heads in kpc.
    """
    scale = ARROW_KPC_PER_KMS * np.minimum(1.0, LONGEST_ARROW_KMS / np.maximum(np.hypot(*velocity), 1e-9))
    return at[0] + scale * velocity[0], at[1] + scale * velocity[1]


def draw_arrows(
    axes: Axes, ends: tuple[Floats, ...], x_ends: tuple[float, float] | None, *, color: str, width: float
) -> None:
    """Velocities and the arrow that gives their scale.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    ends : tuple of ndarray, shape (n,)
        Starts and ends in kpc, x before y: of :func:`arrow_ends`.
    x_ends : tuple of float or None
        Ends of the x axis in kpc: the key is no longer than a fifth of it; None for axes that are not to scale.
    color : str
        Of the arrows.
    width : float
        Of a shaft, in widths of the axes.
    """
    x0, y0, x1, y1 = ends
    arrows = axes.quiver(x0, y0, x1 - x0, y1 - y0, angles="xy", scale_units="xy", scale=1, width=width, color=color)
    if not x0.size or x_ends is None:
        return
    longest = _KEY_SHARE * abs(x_ends[1] - x_ends[0]) / ARROW_KPC_PER_KMS
    speed = next((speed for speed in _KEYS_KMS if speed <= longest), _KEYS_KMS[-1])
    length, words = speed * ARROW_KPC_PER_KMS, f"{speed} km s$^{{-1}}$"
    key = axes.quiverkey(arrows, 0.72, 0.95, length, words, labelpos="E", labelsep=0.04, fontproperties={"size": 7})
    key.text.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0.0, "pad": 0.5})
