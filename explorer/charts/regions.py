"""Regions of the selection in a view: handles as coordinates, numbers as texts, and edits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis
from explorer.charts.chart import Chart
from explorer.charts.projected import ProjectedChart
from explorer.model.quantities import read_value
from explorer.model.regions import Place, Region
from explorer.model.selection import InBox, InCone, InPolygon, InProjection, InRange, SelectionError
from explorer.model.subsets import describe
from explorer.state.panels import AXES, AxisName
from pipeline.domain.columns import BY_NAME

_BEYOND = 1e9
"""Coordinate of an end that the scale of an axis does not reach, or that is infinite."""

_SIDE_POINTS = 8
"""Points of a side of an outline on axes of other scales than those on which it is straight."""

_SAME_DEG = 1e-9

_SKY = ("ra", "dec")
Numbers = NDArray[np.float64]
ColumnRegion: TypeAlias = InBox | InCone | InPolygon | InRange


class Handles(NamedTuple):
    """Points by which a region is edited, as coordinates of a view.

    ``x`` and ``y`` have two ends of a box, or of a range (the other is empty); the corners of an outline; the centre of
    a circle and a point of its rim. ``form`` names which.
    """

    form: protocol.RegionForm
    x: Numbers
    y: Numbers


def mark_of(
    chart: Chart, slot: int, place: Place, origin: tuple[float, float] = (0.0, 0.0)
) -> protocol.RegionMark | None:
    """A region as a view shows it; None if the view has other columns, or no place for a corner."""
    handles = handles_of(chart, place.region)
    if handles is None or not (np.isfinite(handles.x).all() and np.isfinite(handles.y).all()):
        return None
    line = _line_of(chart, place.region)
    return protocol.RegionMark(
        slot=slot,
        path=place.path,
        origin=origin,
        form=handles.form,
        excluded=place.excluded,
        title=describe(place.region, chart.table.known),
        x=handles.x,
        y=handles.y,
        line_x=line[0],
        line_y=line[1],
        fields=fields_of(chart, place.region),
    )


def handles_of(chart: Chart, region: Region) -> Handles | None:
    """Handles of a region in a view; None if the view has other columns."""
    if isinstance(region, InRange):
        return _handles_of_range(chart, region)
    if isinstance(region, InProjection):
        same = isinstance(chart, ProjectedChart) and chart.plane == region.plane
        return Handles("polygon", *np.asarray(region.vertices, np.float64).T) if same else None
    x, y = _columns(region)
    if x == y or set(_shown(chart)) != {x, y}:
        return None
    if isinstance(region, InBox):
        ranges = {x: (region.x_low, region.x_high), y: (region.y_low, region.y_high)}
        return Handles("box", *(_ends(axis, *ranges[axis.column.name]) for axis in chart.axes.values()))
    if isinstance(region, InPolygon):
        corners = np.asarray(region.vertices, np.float64)
        return Handles("polygon", *_placed(chart, {x: corners[:, 0], y: corners[:, 1]}))
    linear = all(axis.scale.is_linear for axis in chart.axes.values())
    return Handles("circle", *_placed(chart, {name: _numbers(region, name) for name in _SKY})) if linear else None


def _handles_of_range(chart: Chart, region: InRange) -> Handles | None:
    along = _along(chart, region.column)
    if along is None:
        return None
    ends, none = _ends(chart.axes[along], region.low, region.high), np.empty(0)
    return Handles("range", ends, none) if along == "x" else Handles("range", none, ends)


def edited(chart: Chart, region: Region, x: Sequence[float], y: Sequence[float]) -> Region:
    """A region whose handles were moved; numbers of handles that were not moved stay exactly.

    Parameters
    ----------
    chart : Chart
        The view.
    region : Region
        The region before.
    x, y : sequence of float
        Coordinates of all handles, as :class:`Handles` has them.

    Raises
    ------
    SelectionError
        If the view does not show the region, or the edited one selects nothing.
    """
    before = handles_of(chart, region)
    if before is None or (len(before.x), len(before.y)) != (len(x), len(y)):
        raise SelectionError("This region has changed meanwhile. Move it again.")
    moved = {along: np.asarray(points, np.float64) for along, points in zip(AXES, (x, y), strict=True)}
    if not all(np.isfinite(points).all() for points in moved.values()):
        raise SelectionError("A region needs finite numbers. Move it inside of the view.")
    if isinstance(region, InProjection):
        return replace(region, vertices=tuple(zip(moved["x"].tolist(), moved["y"].tolist(), strict=True)))
    old = dict(zip(AXES, (before.x, before.y), strict=True))
    values = {
        axis.column.name: _values(axis, moved[along], old[along], _numbers(region, axis.column.name))
        for along, axis in chart.axes.items()
        if along in moved and len(moved[along])
    }
    return _with(region, values)


def _values(axis: Axis, moved: Numbers, old: Numbers, before: Numbers) -> Numbers:
    """Values of moved coordinates; those whose coordinate is as it was keep their value."""
    values = np.where(moved == old, before, np.asarray(axis.scale.inverse(moved), np.float64))
    if axis.column.period and not axis.period:  # the axis shows the first turn alone
        values = np.clip(values, 0.0, math.nextafter(axis.column.period, 0.0))
    return values


def _numbers(region: ColumnRegion, name: str) -> Numbers:
    """Numbers of a region along one of its columns, in the order of its handles."""
    if isinstance(region, InRange):
        return np.array([region.low, region.high])
    first = name == _columns(region)[0]
    if isinstance(region, InBox):
        return np.array([region.x_low, region.x_high] if first else [region.y_low, region.y_high])
    if isinstance(region, InPolygon):
        return np.asarray(region.vertices, np.float64)[:, 0 if first else 1]
    rim = region.dec + math.copysign(region.radius, -region.dec)  # towards the equator, where there is a rim for all
    return np.array([region.ra, region.ra] if first else [region.dec, rim])


def _with(region: ColumnRegion, values: dict[str, Numbers]) -> Region:
    """A region of the same kind with other numbers, by column."""
    if isinstance(region, InRange):
        return InRange(region.column, *_sorted(values[region.column], region.column))
    if isinstance(region, InBox):
        return InBox(region.x, region.y, *_sorted(values[region.x], region.x), *_sorted(values[region.y], region.y))
    if isinstance(region, InPolygon):
        corners = zip(values[region.x].tolist(), values[region.y].tolist(), strict=True)
        return replace(region, vertices=tuple(corners))
    (ra, rim_ra), (dec, rim_dec) = values["ra"].tolist(), values["dec"].tolist()
    old = [_numbers(region, name) for name in _SKY]
    shifts = rim_ra - old[0][1] - (ra - old[0][0]), rim_dec - old[1][1] - (dec - old[1][0])
    shifted = max(map(abs, shifts)) < _SAME_DEG  # the rim with its centre
    radius = region.radius if shifted else separation(ra, dec, rim_ra, rim_dec)
    return InCone(ra % 360.0, min(max(dec, -90.0), 90.0), radius)


def _sorted(ends: Numbers, name: str) -> tuple[float, float]:
    low, high = sorted(ends.tolist())
    if low == high:
        label = BY_NAME[name].label if name in BY_NAME else name
        raise SelectionError(f"The region would have no width in {label}. Make it larger.")
    return low, high


def separation(ra: float, dec: float, other_ra: float, other_dec: float) -> float:
    """Angle between two directions in degrees, by the haversine formula."""
    ra, dec, other_ra, other_dec = np.radians([ra, dec, other_ra, other_dec])
    haversine = np.sin((other_dec - dec) / 2) ** 2 + np.cos(dec) * np.cos(other_dec) * np.sin((other_ra - ra) / 2) ** 2
    return float(np.degrees(2.0 * np.arcsin(np.sqrt(np.clip(haversine, 0.0, 1.0)))))


def fields_of(chart: Chart, region: Region) -> tuple[tuple[str, ...], ...]:
    """Numbers of a region as texts, in rows of :class:`explorer.protocol.TypeRegion`; () on a projection."""
    if isinstance(region, InProjection):
        return ()
    if isinstance(region, InCone):
        return (_texts(region.ra, region.dec, region.radius),)
    names = [chart.axes[along].column.name for along in AXES if along in chart.axes]
    if isinstance(region, InRange):
        return (_texts(region.low, region.high),)
    numbers = [_numbers(region, name) for name in names]
    rows = numbers if isinstance(region, InBox) else np.stack(numbers, axis=1)
    return tuple(_texts(*row) for row in rows)


def typed(
    chart: Chart, form: protocol.RegionForm, rows: Sequence[Sequence[str]], before: Region | None = None
) -> Region:
    """A region whose numbers were typed, with units or without; unchanged texts keep their exact numbers.

    Parameters
    ----------
    chart : Chart
        The view, whose columns the numbers are of.
    form : str
        Kind of the region.
    rows : sequence of sequence of str
        The texts: see :class:`explorer.protocol.TypeRegion`.
    before : Region, optional
        The region that is changed.

    Raises
    ------
    SelectionError
        If a text is no number, there are too few or too many, or the view has no such regions.
    """
    if isinstance(chart, ProjectedChart) or isinstance(before, InProjection):
        raise SelectionError(f"{chart.title} shows a projection: its regions are drawn. Type numbers in another view.")
    axes = [chart.axes[along] for along in AXES if along in chart.axes]
    if form == "circle":
        return _typed_circle(chart, rows, before)
    if form == "range":
        axis = axes[0] if before is None else chart.axes[_along(chart, _columns(before)[0]) or "x"]
        axes = [axis]
    elif len(axes) < 2:
        raise SelectionError(f"{chart.title} has one axis of a column: it can have ranges.")
    shape = [2] * len(axes) if form != "polygon" else [2] * len(rows)
    if [len(row) for row in rows] != shape:
        raise SelectionError(
            "A corner needs two numbers: one corner a line, as 4000, 1.5."
            if form == "polygon"
            else "Give the minimum and the maximum."
        )
    texts = list(zip(*rows, strict=True)) if form == "polygon" else list(rows)
    kept = {} if before is None else _by_text(before, [axis.column.name for axis in axes])
    values = {
        axis.column.name: np.array([kept.get((axis.column.name, text.strip()), _read(text, axis)) for text in row])
        for axis, row in zip(axes, texts or [(), ()], strict=True)
    }
    return _with(before if before is not None else _blank(chart, form), values)


def _blank(chart: Chart, form: protocol.RegionForm) -> ColumnRegion:
    """A region of a kind in the columns of a view, whose numbers are to be replaced."""
    if form == "range":
        return InRange(_shown(chart)[0], 0.0, 1.0)
    x, y = _shown(chart)
    if form == "box":
        return InBox(x, y, 0.0, 1.0, 0.0, 1.0)
    return InPolygon(x, y, ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)), chart.axes["x"].scale, chart.axes["y"].scale)


def _typed_circle(chart: Chart, rows: Sequence[Sequence[str]], before: Region | None) -> InCone:
    if set(_shown(chart)) != set(_SKY):
        raise SelectionError(f"{chart.title} does not show RA and Dec: a circle on the sky needs them.")
    if [len(row) for row in rows] != [3]:
        raise SelectionError("A circle needs RA, Dec and its radius in degrees.")
    columns = (BY_NAME["ra"], BY_NAME["dec"], replace(BY_NAME["dec"], label="the radius"))
    texts = [text.strip() for text in rows[0]]
    numbers = [read_value(text, column) for text, column in zip(texts, columns, strict=True)]
    if isinstance(before, InCone):
        old = (before.ra, before.dec, before.radius)
        same = [text == shown for text, shown in zip(texts, _texts(*old), strict=True)]
        numbers = [exact if kept else number for kept, exact, number in zip(same, old, numbers, strict=True)]
    return InCone(*numbers)


def _by_text(region: ColumnRegion, names: Sequence[str]) -> dict[tuple[str, str], float]:
    """Exact numbers of a region by column and text."""
    return {
        (name, text): float(number) for name in names for number in _numbers(region, name) for text in _texts(number)
    }


def _read(text: str, axis: Axis) -> float:
    return read_value(text, axis.column)


def _texts(*numbers: float) -> tuple[str, ...]:
    return tuple(f"{number:.7g}" for number in numbers)


def _columns(region: ColumnRegion) -> tuple[str, ...]:
    if isinstance(region, InCone):
        return _SKY
    return (region.column,) if isinstance(region, InRange) else (region.x, region.y)


def _shown(chart: Chart) -> tuple[str, ...]:
    """Columns along the axes: those of a projection are none of the catalogue's."""
    return tuple(axis.column.name for axis in chart.axes.values())


def _along(chart: Chart, column: str) -> AxisName | None:
    """The axis that shows a column."""
    return next((along for along in AXES if along in chart.axes and chart.axes[along].column.name == column), None)


def _ends(axis: Axis, low: float, high: float) -> Numbers:
    """Coordinates of two ends; an end without a place on the axis is far below or above."""
    ends = np.asarray(axis.scale.forward(np.array([low, high])), np.float64)
    return np.clip(np.nan_to_num(ends, nan=-_BEYOND, posinf=_BEYOND, neginf=-_BEYOND), -_BEYOND, _BEYOND)


def _placed(chart: Chart, values: dict[str, Numbers]) -> tuple[Numbers, Numbers]:
    """Coordinates of values by column on the axes of a view."""
    x, y = (
        np.asarray(chart.axes[along].scale.forward(values[chart.axes[along].column.name]), np.float64) for along in AXES
    )
    return x, y


def _line_of(chart: Chart, region: Region) -> tuple[Numbers, Numbers]:
    """Coordinates of an outline whose sides are not straight in the view; else empty."""
    nothing = np.empty(0), np.empty(0)
    if not isinstance(region, InPolygon):
        return nothing
    scales = {region.x: region.x_scale, region.y: region.y_scale}
    if all(axis.scale == scales[axis.column.name] for axis in chart.axes.values()):
        return nothing
    corners = np.asarray(region.vertices, np.float64)
    steps = np.arange(len(corners) * _SIDE_POINTS + 1) / _SIDE_POINTS
    whole = np.arange(len(corners) + 1)
    values = {}
    for number, name in enumerate((region.x, region.y)):
        at = np.asarray(scales[name].forward(corners[:, number]), np.float64)
        values[name] = np.asarray(scales[name].inverse(np.interp(steps, whole, [*at, at[0]])), np.float64)
    return _placed(chart, values)
