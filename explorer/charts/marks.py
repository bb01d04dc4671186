"""Marks of pictures of views: points, curves, ticks."""

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

_UNDER = -1.0
"""Drawing order of marks below images and stars."""


def fewer_ticks(axes: Axes) -> None:
    """Limit the number of ticks on both axes."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(MAX_TICKS))


def draw_model_points(axes: Axes, x: Floats, y: Floats, color: str, size: float) -> None:
    """Particles of the stream model, under the stars."""
    look: dict[str, Any] = {"markersize": size, "markeredgewidth": 0.0}
    axes.plot(x, y, ".", color=color, rasterized=True, zorder=_UNDER, **look)


def draw_curves(axes: Axes, curves: Iterable[tuple[Floats, Floats, str, str]], heading: str) -> list[Line2D]:
    """Draw dashed curves of x, y, colour and name; returns legend handles, the heading first."""
    named: list[Line2D] = []
    for x, y, colour, name in curves:
        lines = axes.plot(x, y, "--", color=colour, linewidth=0.9)
        if name:
            lines[0].set_label(name)
            named += lines
    return [Line2D([], [], linestyle="", label=heading), *named] if named and heading else named


def model_handle(color: str) -> Line2D:
    """The legend's mark of the stream model."""
    look: dict[str, Any] = {"marker": ".", "linestyle": "", "color": color, "markersize": 5}
    return Line2D([], [], label="stream model", **look)
