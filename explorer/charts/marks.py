"""Marks of pictures of views: points, curves, ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator
from numpy.typing import NDArray

from explorer.model.scales import Scale, ScaleKind

Floats: TypeAlias = NDArray[np.floating[Any]]

MAX_TICKS = 5
"""Maximum number of steps of an axis in a picture, so that labels of six digits do not overlap."""

_FACTORS = ((1,), (1, 2, 5))
"""Multiples of powers of ten that serve as ticks, the first that are enough."""

_FEWEST_TICKS = 3

_LABEL_HEIGHT, _LABEL_GAP, _LETTER_WIDTH = 0.07, 0.03, 0.03
"""Sizes of tick labels as fractions of an axis of a figure of one column."""

_PLAIN = (1e-3, 1e5)
"""Numbers between these are written without a power of ten."""

_TINY, _ROUNDING = 1e-200, 1e-9

_CASING, _CASING_ORDER = 1.9, 1.9
"""Width of the casing of a curve in points, and its drawing order, over stars and under curves."""

_UNDER = -1.0
"""Drawing order of marks below images and stars."""


def fewer_ticks(axes: Axes) -> None:
    """Limit the number of ticks on both axes."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(MAX_TICKS))


def set_ticks(axis: XAxis | YAxis, scale: Scale) -> None:
    """Set ticks of an axis of a picture: few of them, at round values of its scale."""
    if scale.is_linear:
        axis.set_major_locator(MaxNLocator(MAX_TICKS))
        return
    axis.set_major_locator(_ScaledLocator(scale))
    axis.set_minor_locator(_ScaledLocator(scale, minor=True))
    axis.set_major_formatter(FuncFormatter(lambda at, _: _power(scale.value(at))))


class _ScaledLocator(Locator):
    """Ticks at round values of a scale, in its coordinates.

    Parameters
    ----------
    scale : Scale
        A logarithmic or symmetric scale.
    minor : bool
        Whether the ticks are those between powers of ten.
    """

    def __init__(self, scale: Scale, *, minor: bool = False) -> None:
        self.scale, self.minor = scale, minor

    def __call__(self) -> Sequence[float]:
        """Ticks of the axis as it is."""
        low, high = sorted(self.axis.get_view_interval())  # type: ignore[union-attr]  # set when it is used
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Coordinates of the ticks between two coordinates."""
        ends = self.scale.value(vmin), self.scale.value(vmax)
        powers = self._powers(ends)
        if self.minor:
            return self._inside([factor * value for value in powers for factor in range(2, 10)], vmin, vmax)
        for factors in _FACTORS:
            ticks = self._apart([factor * value for value in powers for factor in factors], vmin, vmax)
            if len(ticks) >= _FEWEST_TICKS:
                return ticks
        with np.errstate(over="ignore"):
            return self._inside(list(MaxNLocator(MAX_TICKS).tick_values(*ends)), vmin, vmax)

    def _inside(self, values: list[float], low: float, high: float) -> list[float]:
        """Coordinates of the values that are between two coordinates."""
        return [float(at) for at in self.scale.forward(np.array(values, float)) if low <= at <= high]

    def _apart(self, values: list[float], low: float, high: float) -> list[float]:
        """Coordinates of values whose labels do not touch: zero, then large values, on both sides of it alike."""
        kept: list[tuple[float, float]] = []
        for size in sorted({abs(value) for value in values}, key=lambda size: (size != 0.0, -size)):
            pair = sorted(value for value in set(values) if abs(value) == size)
            length = self._size(pair[0]) * (high - low)
            places = self._inside(pair, low, high)
            if all(abs(at - other) >= 0.5 * (length + taken) for at in places for other, taken in kept):
                kept += [(at, length) for at in places]
        return sorted(at for at, _ in kept)

    def _size(self, value: float) -> float:
        """Length of a label along the axis, as a fraction of it."""
        if isinstance(self.axis, YAxis):
            return _LABEL_HEIGHT
        return _LABEL_GAP + _LETTER_WIDTH * len(f"{value:g}" if abs(value) < _PLAIN[1] else "-104")

    def _powers(self, ends: tuple[float, float]) -> list[float]:
        """Powers of ten that the axis may show, ascending, on either side of zero on a symmetric scale."""
        widest = max(map(abs, ends))
        least = self.scale.width if self.scale.kind is ScaleKind.SYMLOG else max(ends[0], np.finfo(float).tiny)
        first, last = math.floor(math.log10(least)), math.ceil(math.log10(max(widest, least)))
        up = [10.0**power for power in range(first, last + 1)]
        return [*(-value for value in reversed(up)), 0.0, *up] if self.scale.kind is ScaleKind.SYMLOG else up


def _power(value: float) -> str:
    """A tick label: a power of ten where it is large or small."""
    size = abs(value)
    if size < _TINY or _PLAIN[0] <= size < _PLAIN[1]:
        return f"{0.0 if size < _TINY else value:.6g}".replace("-", "\N{MINUS SIGN}")
    power = math.floor(math.log10(size) + _ROUNDING)
    factor = f"{value / 10.0**power:.3g}".replace("-", "\N{MINUS SIGN}")
    times = factor.replace("1", "") if factor in {"1", "\N{MINUS SIGN}1"} else rf"{factor}\times "
    return rf"${times}10^{{{power}}}$"


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
