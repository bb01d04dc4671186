"""Colour-by: which scale a column gets, its palette, and the legend that names its unit."""

from __future__ import annotations

from html import escape

from explorer.model.table import StarTable
from explorer.plots.palettes import count_ramp, gradient_css, is_diverging, value_ramp
from explorer.plots.shading import ValueScale
from pipeline.domain.columns import column

_TAIL = 0.02


def scale_of(table: StarTable, name: str) -> ValueScale | None:
    """Colour scale of a column over the whole catalogue; None for a density or a column without values."""
    limits = table.limits(name, _TAIL) if name in table else None
    if limits is None:
        return None
    if is_diverging(name):
        reach = max(abs(limits[0]), abs(limits[1]))
        return ValueScale(name, -reach, reach)
    return ValueScale(name, *limits)


def ramp_of(scale: ValueScale | None, dark: bool) -> tuple[str, ...]:
    """Palette of the selected stars."""
    return count_ramp(dark) if scale is None else value_ramp(scale.name, dark)


def legend_html(scale: ValueScale | None, dark: bool) -> str:
    """The colour bar with its ends and unit, as HTML."""
    gradient = gradient_css(ramp_of(scale, dark))
    if scale is None:
        low, high, label = "1", "most in view", "stars per pixel (log)"
    else:
        low, high = _number(scale.low), _number(scale.high)
        label = f"mean {column(scale.name).axis_label}"
    return bar_html(gradient, low, high, label)


def bar_html(gradient: str, low: str, high: str, label: str) -> str:
    """A colour bar: label, low end, gradient, high end."""
    return (
        f'<div class="legend" role="img" aria-label="{escape(label)}: {escape(low)} to {escape(high)}">'
        f"<span>{escape(label)}</span><b>{escape(low)}</b>"
        f'<i style="background:{gradient}"></i><b>{escape(high)}</b></div>'
    )


def _number(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
