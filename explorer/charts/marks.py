"""Marks shared by pictures of views and figures of the paper: arrows, points, curves, ticks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]

MAX_TICKS = 5
"""Maximum number of steps of an axis in a picture, so that labels of six digits do not overlap."""

ARROW_HEIGHT_KPC = 5.0
"""Stars this far from the plane show their velocities, as in Figure 8."""

ARROW_KPC_PER_KMS = 0.02
LONGEST_ARROW_KMS = 500.0
"""Length of the arrows: 100 km/s are 2 kpc long."""

_CASING, _CASING_ORDER = 1.9, 1.9
"""Width of the casing of a curve in points, and its drawing order, over stars and under curves."""

_UNDER = -1.0
"""Drawing order of marks below images and stars."""

_KEYS_KMS = (500, 200, 100, 50, 20, 10, 5, 2, 1)
_KEY_SHARE = 0.2


def fewer_ticks(axes: Axes) -> None:
    """Limit the number of ticks on both axes."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(MAX_TICKS))


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


def draw_arrows(axes: Axes, ends: tuple[Floats, ...], x_ends: tuple[float, float], *, color: str, width: float) -> None:
    """Velocities and the arrow that gives their scale.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    ends : tuple of ndarray, shape (n,)
        Starts and ends in kpc, x before y: of :func:`arrow_ends`.
    x_ends : tuple of float
        Ends of the x axis in kpc: the key is no longer than a fifth of it.
    color : str
        Of the arrows.
    width : float
        Of a shaft, in widths of the axes.
    """
    x0, y0, x1, y1 = ends
    arrows = axes.quiver(x0, y0, x1 - x0, y1 - y0, angles="xy", scale_units="xy", scale=1, width=width, color=color)
    if not x0.size:
        return
    longest = _KEY_SHARE * abs(x_ends[1] - x_ends[0]) / ARROW_KPC_PER_KMS
    speed = next((speed for speed in _KEYS_KMS if speed <= longest), _KEYS_KMS[-1])
    length, words = speed * ARROW_KPC_PER_KMS, f"{speed} km s$^{{-1}}$"
    key = axes.quiverkey(arrows, 0.72, 0.95, length, words, labelpos="E", labelsep=0.04, fontproperties={"size": 7})
    key.text.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0.0, "pad": 0.5})


def draw_model_points(axes: Axes, x: Floats, y: Floats, color: str, size: float) -> None:
    """Particles of the stream model, under the stars."""
    look: dict[str, Any] = {"markersize": size, "markeredgewidth": 0.0}
    axes.plot(x, y, ".", color=color, rasterized=True, zorder=_UNDER, **look)


def draw_curves(
    axes: Axes, curves: Iterable[tuple[Floats, Floats, str, str]], heading: str, *, cased: bool = False
) -> list[Line2D]:
    """Draw dashed curves of x, y, colour and name; returns legend handles, the heading first."""
    named: list[Line2D] = []
    for x, y, colour, name in curves:
        if cased:
            axes.plot(x, y, "-", color="white", linewidth=_CASING, alpha=0.7, zorder=_CASING_ORDER)
        lines = axes.plot(x, y, "--", color=colour, linewidth=0.9)
        if name:
            lines[0].set_label(name)
            named += lines
    return [Line2D([], [], linestyle="", label=heading), *named] if named and heading else named


def model_handle(color: str) -> Line2D:
    """The legend's mark of the stream model."""
    look: dict[str, Any] = {"marker": ".", "linestyle": "", "color": color, "markersize": 5}
    return Line2D([], [], label="stream model", **look)
