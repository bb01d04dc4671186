"""Drawings of answers: histograms of samples, the map of their difference, a relation with its fit.

Each is computed once, as what the page paints and what :mod:`explorer.charts.answer_figures` draws for a journal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from explorer import protocol
from explorer.charts.palettes import LEVELS, difference_ramp, lookup
from explorer.model.answers import Fit, quantity_of
from explorer.model.samples import Sample
from explorer.model.screen import BarHeight
from explorer.model.table import StarTable, counted
from pipeline.domain.column import Column
from pipeline.science.quality.sample_fits import Gaussian
from pipeline.science.quality.sample_statistics import thinned

FloatArray = NDArray[np.float64]
Ends = tuple[float, float]

HEIGHTS = {
    BarHeight.FRACTION: "fraction of stars",
    BarHeight.DENSITY: "density",
    BarHeight.NUMBER: "stars",
}
"""Names of the axes of heights."""

MAP_CELLS = (64, 48)
"""Cells of the difference map in x and y."""

MAX_DOTS = 3_000
"""Maximum number of stars drawn in a relation; of more, so many are drawn at random."""

_SMOOTHED = 1.2
"""Standard deviation of the smoothing of the map, in cells."""

_MIN_BINS, _MAX_BINS = 8, 60
_MAX_WHOLE = 60
"""Maximum number of whole numbers with a bar each."""

_TAIL = 0.5
"""Percent of a sample's values beyond either end of a histogram or a relation."""

_FENCE = 4.0
"""Maximum distance of an end from the middle half of the values, in its lengths."""

_CURVE_POINTS, _LINE_POINTS = 241, 61
_MARGIN = 0.04
_SEED = 20230419


def distribution_drawing(
    table: StarTable,
    name: str,
    samples: Sequence[Sample],
    bins: int,
    height: BarHeight,
    *,
    cumulative: bool,
    limit: int | None = None,
) -> protocol.DistributionDrawing:
    """Histograms of a column of some samples, on common edges.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    name : str
        The column.
    samples : sequence of Sample
        The samples, the first one in front.
    bins : int
        Number of bins; 0 takes round widths near those of Freedman & Diaconis (1981) for the smallest sample.
    height : BarHeight
        Meaning of the heights; shares are of all stars of a sample that have a value.
    cumulative : bool
        Whether heights add up from the left, values beyond that end included.
    limit : int, optional
        Maximum number of stars of a sample that are counted; numbers of larger samples are scaled.
    """
    column, quantity = table.column(name), quantity_of(table, name)
    parts = [thinned(sample.rows, limit) for sample in samples]
    values, factors = [_finite(quantity.of(stars)[0]) for stars, _ in parts], [factor for _, factor in parts]
    edges = edges_of(column, values, bins)
    bars = [
        _bars(sample, inside, edges, height, factor, cumulative=cumulative)
        for sample, inside, factor in zip(samples, values, factors, strict=True)
    ]
    outside = [int(np.count_nonzero((item < edges[0]) | (item > edges[-1]))) for item in values]
    beyond = round(sum(count * factor for count, factor in zip(outside, factors, strict=True)))
    words = HEIGHTS[height]
    if height is BarHeight.DENSITY and column.unit and not cumulative:
        words = f"{words} [1/{column.unit_label}]"
    return protocol.DistributionDrawing(
        column.axis_label,
        f"cumulative {words}" if cumulative else words,
        edges,
        tuple(bars),
        f"{beyond:,} beyond the ends" if beyond else "",
    )


def edges_of(column: Column, samples: Sequence[FloatArray], bins: int) -> FloatArray:
    """Edges of the bins of some samples: all but the outermost values of each are between them."""
    known = [values for values in samples if values.size]
    if not known:
        return np.array([0.0, 1.0])
    ends = [_spanned(values) for values in known]
    low, high = min(pair[0] for pair in ends), max(pair[1] for pair in ends)
    if low == high:
        half = 0.5 if low == 0.0 else 0.05 * abs(low)
        return np.linspace(low - half, high + half, max(bins, 1) + 1 + (bins == 0) * 2)
    if bins:
        return np.linspace(low, high, bins + 1)
    if not column.is_float and high - low < _MAX_WHOLE:
        return np.arange(np.floor(low), np.ceil(high) + 2.0) - 0.5
    widths = [2.0 * float(np.subtract(*np.percentile(values, (75, 25)))) * values.size ** (-1 / 3) for values in known]
    width = np.clip(max(widths), (high - low) / _MAX_BINS, (high - low) / _MIN_BINS)
    step = _round_below(float(width))
    first, last = np.floor(low / step), np.ceil(high / step)
    return np.arange(first, last + 1.0) * step


def _spanned(values: FloatArray) -> Ends:
    """Ends that nearly all values are within, never far beyond the middle half of them."""
    low, left, right, high = map(float, np.percentile(values, (_TAIL, 25.0, 75.0, 100.0 - _TAIL)))
    fence = _FENCE * (right - left)
    return (max(low, left - fence), min(high, right + fence)) if fence else (low, high)


def _round_below(width: float) -> float:
    """Largest of 1, 2, 2.5 or 5 times a power of ten that is not above a width."""
    power = 10.0 ** np.floor(np.log10(width))
    return float(power * max(factor for factor in (1.0, 2.0, 2.5, 5.0) if factor <= width / power * (1.0 + 1e-9)))


def _bars(
    sample: Sample, values: FloatArray, edges: FloatArray, height: BarHeight, factor: float, *, cumulative: bool
) -> protocol.SampleBars:
    counts = np.rint(np.histogram(values, edges)[0] * factor)
    heights = np.cumsum(counts) + np.count_nonzero(values < edges[0]) * factor if cumulative else counts
    if height is not BarHeight.NUMBER:
        heights = heights / max(values.size * factor, 1)
    if height is BarHeight.DENSITY and not cumulative:
        heights = heights / np.diff(edges)
    median = float(np.median(values)) if values.size else None
    return protocol.SampleBars(sample.title, sample.colour, np.asarray(heights, np.float64), counts, median)


def with_gaussian(
    drawing: protocol.DistributionDrawing, gaussian: Gaussian, height: BarHeight
) -> protocol.DistributionDrawing:
    """Histogram with a fitted Gaussian, blurred as the values are."""
    edges = drawing.edges
    at = np.linspace(edges[0], edges[-1], _CURVE_POINTS)
    width, stars = float(np.mean(np.diff(edges))), gaussian.mean.stars
    scale = {BarHeight.DENSITY: 1.0, BarHeight.FRACTION: width, BarHeight.NUMBER: width * stars}[height]
    return replace(drawing, curve_x=at, curve_y=gaussian.density(at) * scale)


def difference_drawing(
    table: StarTable,
    first: Sample,
    second: Sample,
    names: tuple[str, str],
    ends: tuple[Ends, Ends] | None,
    *,
    dark: bool,
    limit: int | None = None,
) -> protocol.DifferenceDrawing:
    """Map of the normalised difference of two samples in the plane of two columns.

    With f and g the shares of either sample's stars in a cell, smoothed, its value is (f - g) / (f + g + h), where h is
    the share of a single star of the smaller sample: cells with fewer stars than that are near zero.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    first, second : Sample
        The samples.
    names : tuple of str
        Columns of x and of y.
    ends : tuple of (float, float) or None
        Ends of x and y in drawing order, of a view that shows the plane; None takes those of the samples.
    dark : bool
        Whether the page is dark.
    limit : int, optional
        Maximum number of stars of a sample that are counted; numbers of larger samples are scaled.
    """
    columns = [table.column(name) for name in names]
    quantities = [quantity_of(table, name) for name in names]
    parts = [thinned(sample.rows, limit) for sample in (first, second)]
    points = [_pairs(*(quantity.of(stars)[0] for quantity in quantities)) for stars, _ in parts]
    factors = [factor for _, factor in parts]
    x_ends, y_ends = ends or _plane_ends(columns, np.concatenate(points, axis=1))
    window = (min(x_ends), max(x_ends), min(y_ends), max(y_ends))
    ranges = (window[:2], window[2:])
    counts = [
        gaussian_filter(_cells(pair, ranges) * factor, _SMOOTHED) for pair, factor in zip(points, factors, strict=True)
    ]
    totals = [max(pair.shape[1] * factor, 1) for pair, factor in zip(points, factors, strict=True)]
    shares = [count / total for count, total in zip(counts, totals, strict=True)]
    value = (shares[0] - shares[1]) / (shares[0] + shares[1] + 1.0 / min(totals))
    drawn = counts[0] + counts[1] > 0.02
    levels = np.where(drawn, np.rint(LEVELS / 2 + 0.5 + value * (LEVELS - 1) / 2), 0.0).astype(np.uint8)
    outside = round(
        sum(
            np.count_nonzero(_outside(pair[0], window[:2]) | _outside(pair[1], window[2:])) * factor
            for pair, factor in zip(points, factors, strict=True)
        )
    )
    return protocol.DifferenceDrawing(
        columns[0].axis_label,
        columns[1].axis_label,
        x_ends,
        y_ends,
        window,
        (MAP_CELLS[1], MAP_CELLS[0]),
        np.ascontiguousarray(levels.T).tobytes(),
        lookup(difference_ramp(dark)),
        f"{counted(outside)} outside" if outside else "",
    )


def _cells(points: FloatArray, ranges: Sequence[Sequence[float]]) -> FloatArray:
    """Numbers of points in the cells of the map."""
    return np.asarray(np.histogram2d(points[0], points[1], bins=MAP_CELLS, range=ranges)[0])


def _outside(values: FloatArray, ends: Sequence[float]) -> NDArray[np.bool_]:
    return np.asarray((values < ends[0]) | (values > ends[1]))


def _pairs(x: FloatArray, y: FloatArray) -> FloatArray:
    """Finite pairs, shape (2, n)."""
    known = np.isfinite(x) & np.isfinite(y)
    return np.array([x[known], y[known]])


def _finite(values: FloatArray) -> FloatArray:
    return values[np.isfinite(values)]


def _plane_ends(columns: Sequence[Column], points: FloatArray) -> tuple[Ends, Ends]:
    """Ends of both axes that nearly all points are within, in each column's reading direction."""
    result = []
    for column, values, along in zip(columns, points, "xy", strict=True):
        if values.size:
            low, high = _spanned(values)
        else:
            low, high = 0.0, 1.0
        room = _MARGIN * (high - low) or 0.5
        low, high = low - room, high + room
        result.append((high, low) if column.inverted == along else (low, high))
    return result[0], result[1]


def relation_drawing(table: StarTable, fit: Fit, sample: Sample) -> protocol.RelationDrawing:
    """Stars of a sample in the plane of a fit, with the running median and the line."""
    assert fit.x is not None
    points = _pairs(*(quantity_of(table, column.name).of(sample.rows)[0] for column in (fit.x, fit.y)))
    x_ends, y_ends = _plane_ends((fit.x, fit.y), points)
    drawn = points
    if points.shape[1] > MAX_DOTS:
        drawn = points[:, np.random.default_rng(_SEED).choice(points.shape[1], MAX_DOTS, replace=False)]
    empty = np.empty(0)
    running, line = fit.running, fit.line
    line_x = np.linspace(min(x_ends), max(x_ends), _LINE_POINTS) if line is not None else empty
    line_y, line_error = line.at(line_x) if line is not None else (empty, empty)
    shown = "" if drawn is points else f"{MAX_DOTS:,} of {points.shape[1]:,} stars drawn"
    return protocol.RelationDrawing(
        fit.x.axis_label,
        fit.y.axis_label,
        x_ends,
        y_ends,
        sample.title,
        sample.colour,
        drawn[0].astype(np.float32),
        drawn[1].astype(np.float32),
        *((running.at, running.median, running.error, running.low, running.high) if running else (empty,) * 5),
        line_x,
        line_y,
        line_y - line_error,
        line_y + line_error,
        shown,
    )
