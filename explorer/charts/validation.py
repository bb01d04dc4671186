"""Figures of the Validate room, as HoloViews elements: value against value, trends, errors, Figure 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datashader as ds
import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
from holoviews.operation.datashader import rasterize
from numpy.typing import NDArray

from explorer.charts.palettes import ACCENT, CATEGORY_COLOURS, DATA_LINE, MUTED, count_ramp
from explorer.model.comparisons import Differences, ErrorCurve, Trend
from pipeline.domain.column import Column
from pipeline.domain.statistics import robust_scatter

hv.Store.set_current_backend("bokeh")

MAX_DOTS = 6000
"""Maximum number of stars drawn as dots; more are drawn as densities."""

LETTERS = """
:host { font-size: 12px; }
@media (min-width: 2600px) { :host { font-size: 15px; } }
@media (min-width: 3400px) { :host { font-size: 18px; } }
"""
"""Font sizes of the page: Bokeh's theme scales labels by the font size of the plot's element."""

_REACH = 6.0
"""Half height of differences, in robust scatters."""

_PULLS = 6.0
_BINS = 61


def reach_of(differences: Differences) -> tuple[float, float]:
    """Range of differences on screen: some robust scatters to either side of the median."""
    if not differences.difference.size:
        return (-1.0, 1.0)
    median = float(np.median(differences.difference))
    half = _REACH * (robust_scatter(differences.difference) or float(np.ptp(differences.difference)) / 2 or 1.0)
    return (median - half, median + half)


def values_figure(differences: Differences, *, dark: bool) -> hv.Overlay:
    """Our values against the others, and the line where they are equal."""
    column = differences.pair.column
    ends = _ends(np.concatenate([differences.ours, differences.other]))
    x = hv.Dimension("other", label=f"{column.axis_label}, {differences.pair.origin}", range=ends)
    y = hv.Dimension("ours", label=f"{column.axis_label}, this catalogue", range=ends)
    equal = hv.Curve([(end, end) for end in ends], x, y).opts(color=MUTED[dark], line_dash="dashed")
    return _plot(_stars(differences.other, differences.ours, x, y, dark=dark) * equal)


def trend_figure(
    differences: Differences, values: NDArray[np.floating], column: Column, running: Trend | None, *, dark: bool
) -> hv.Overlay:
    """Differences along a quantity, with the running median and the 16th and 84th percentile."""
    x = hv.Dimension("along", label=column.axis_label, range=_ends(values))
    y = hv.Dimension("difference", label=differences.pair.difference_label, range=reach_of(differences))
    stars = _stars(values, differences.difference, x, y, dark=dark).opts(tools=["box_select"])
    parts = [stars, hv.HLine(0.0).opts(color=MUTED[dark], line_width=1)]
    if running is not None:
        band = hv.Area((running.at, running.low, running.high), x, [y, "high"])
        parts.append(band.opts(color=ACCENT[dark], alpha=0.18, line_alpha=0))
        parts.append(hv.Curve((running.at, running.median), x, y).opts(color=ACCENT[dark], line_width=2))
    return _plot(hv.Overlay(parts), active=["box_select"])


def pull_figure(differences: Differences, *, dark: bool) -> hv.Overlay:
    """Differences over their errors, and the normal distribution of correct errors."""
    pull = differences.pull
    x = hv.Dimension("pull", label="difference / its stated error", range=(-_PULLS, _PULLS))
    y = hv.Dimension("density", label="density")
    edges = np.linspace(-_PULLS, _PULLS, _BINS)
    counts, _ = np.histogram(pull, edges)
    density = counts / max(pull.size, 1) / np.diff(edges)
    at = np.linspace(-_PULLS, _PULLS, 241)
    normal = np.exp(-0.5 * at**2) / np.sqrt(2.0 * np.pi)
    bars = hv.Histogram((edges, density), kdims=[x], vdims=[y]).opts(color=DATA_LINE[dark], alpha=0.55, line_color=None)
    expected = hv.Curve((at, normal), x, y).opts(color=ACCENT[dark], line_width=2)
    return _plot(bars * expected)


def error_figure(curves: Sequence[ErrorCurve], column: Column, *, dark: bool) -> hv.Overlay:
    """Figure 4: scatter, and bias dotted, of a label against S/N."""
    x = hv.Dimension("snr", label="S/N")
    y = hv.Dimension("error", label=f"scatter and bias of {column.axis_label}")
    parts: list[hv.Element] = []
    for curve, colour in zip(curves, (DATA_LINE[dark], CATEGORY_COLOURS[1]), strict=False):
        for values, dash in ((curve.scatter, "solid"), (curve.bias, "dotted")):
            parts.append(hv.Curve((curve.snr, values), x, y).opts(color=colour, line_dash=dash, line_width=2))
            parts.append(hv.Scatter((curve.snr, values), x, y).opts(color=colour, size=5))
    parts.append(hv.HLine(0.0).opts(color=MUTED[dark], line_width=1))
    return _plot(hv.Overlay(parts).opts(logx=True, padding=0.08, xticks=[5, 10, 20, 50, 100, 200, 500]))


def _stars(
    x_values: NDArray[np.floating], y_values: NDArray[np.floating], x: hv.Dimension, y: hv.Dimension, *, dark: bool
) -> hv.Element:
    """Dots, or their density where there are many."""
    stars = hv.Points((x_values, y_values), [x, y])
    if x_values.size <= MAX_DOTS:
        return stars.opts(color=DATA_LINE[dark], size=3, alpha=0.5, line_color=None)
    image = rasterize(
        stars, aggregator=ds.count(), dynamic=False, width=420, height=280, x_range=x.range, y_range=y.range
    )
    counts = image.dimension_values(2, flat=False).astype(np.float64)
    known = np.where(counts > 0, counts, np.nan)  # a logarithm of zero would be drawn, in grey
    at = (image.dimension_values(0, expanded=False), image.dimension_values(1, expanded=False))
    shown = hv.Image((*at, known), [x, y], "stars")
    return shown.opts(
        cmap=[colour[:7] for colour in count_ramp(dark)[1:]], cnorm="log", clipping_colors={"NaN": "transparent"}
    )


def _plot(figure: hv.Overlay, active: Sequence[str] = ()) -> hv.Overlay:
    """Apply the options shared by all plots; ``active`` names the tools that are on at first."""
    return figure.opts(
        hv.opts.Overlay(
            responsive=True,
            show_grid=True,
            toolbar="above",
            active_tools=list(active),
            show_legend=False,
            hooks=[_dress],
            title="",
        )
    )


def _dress(plot: Any, _: Any) -> None:
    """Apply the page's font sizes and remove the logo."""
    plot.state.stylesheets = [LETTERS]
    plot.state.toolbar.logo = None


def _ends(values: NDArray[np.floating]) -> tuple[float, float]:
    """Ends of an axis without outliers."""
    known = values[np.isfinite(values)]
    if not known.size:
        return (0.0, 1.0)
    low, high = (float(end) for end in np.quantile(known, (0.002, 0.998)))
    room = 0.06 * ((high - low) or 1.0)
    return (low - room, high + room)
