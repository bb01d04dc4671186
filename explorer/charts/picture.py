"""One view as a picture for a journal: what is on screen, with vector axes and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas_
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from explorer.charts.colouring import ramp_of
from explorer.charts.diagram import Arrows, Axis, Bars, DiscPlane, Dots, Lines, Overlay, Plane, SunMark
from explorer.charts.disc import rotation_colours, rotation_scale, texture_levels, texture_palette
from explorer.charts.journal import (
    COLUMN_INCHES,
    STYLE,
    add_colour_bar,
    add_key,
    colormap_of,
    label_of,
    new_figure,
    sign,
)
from explorer.charts.marks import MAX_TICKS, draw_arrows, draw_lines, draw_model_points, fewer_ticks, model_handle
from explorer.charts.palettes import TRANSPARENT, grey_ramp, lookup
from explorer.charts.shading import BARS, Canvas, Categories, Colouring, ValueScale, Viewport, count_bars
from explorer.model.selection import Mask, images
from explorer.model.table import StarTable
from pipeline.domain.columns import column
from pipeline.products.maps import DiscMap

MAX_POINTS = 20_000
"""Stars in the picture up to which each is a point of its own; more are an image inside the vector axes."""

_RASTER_WIDTH = 700
_FLATTEST, _STEEPEST = 0.25, 2.0
"""Height over width of the room for axes with equal units: those beyond leave some of it empty."""

_FITTINGS = 3
"""Steps to the height of axes with equal units: numbers beside higher ones may take more width."""

_MODEL, _REST = "#b8956a", "0.72"
"""Colours of the stream model and of stars that are not selected."""

_MAX_NAMED = 30
"""Categories in a legend; their colours come round before."""


@dataclass(frozen=True)
class Shot:
    """What a picture is taken of.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    rows : ndarray of bool
        The selection.
    colouring : Density, ValueScale or Categories
        Colours of the selected stars.
    x_ends, y_ends : tuple of float
        Ends of the axes in drawing order.
    aspect : float
        Height over width.
    overlays : tuple of Overlay
        Those that are on.
    shown : ndarray of bool or None
        Restriction of the view, such as a slice in height.
    arrows : tuple of ndarray or None
        Velocities: starts and ends, x before y.
    note : str
        What was drawn, for the line under the figure.
    """

    table: StarTable
    rows: Mask
    colouring: Colouring
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]
    aspect: float
    overlays: tuple[Overlay, ...]
    shown: Mask | None
    arrows: tuple[NDArray[np.float32], ...] | None
    note: str


def draw_plane(plane: Plane, shot: Shot, disc: DiscMap | None = None, *, residual: bool = False) -> Canvas_:
    """A plane: every star in grey, the selection in its colours, the overlays that are on, and one legend of all."""
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, COLUMN_INCHES * min(max(shot.aspect, 0.5), 1.4))
        axes = figure.subplots()
        axes.set(xlim=shot.x_ends, ylim=shot.y_ends, xlabel=label_of(plane.x.column), ylabel=label_of(plane.y.column))
        if disc is not None and isinstance(plane, DiscPlane):
            _draw_texture(axes, plane, disc, residual=residual)
        named = [_draw_stars(axes, plane, shot, grey=disc is None)]
        named += [_draw_overlay(axes, plane, shot, overlay) for overlay in shot.overlays]
        if shot.arrows is not None:
            draw_arrows(axes, shot.arrows, shot.x_ends, color="0.15", width=0.0025)
        axes.set(xlim=shot.x_ends, ylim=shot.y_ends)
        fewer_ticks(axes)
        add_key(figure, *named)
        sign(figure, shot.note)
        if plane.square:
            _draw_to_scale(figure, axes)
    return figure


def _draw_to_scale(figure: Canvas_, axes: Axes) -> None:
    """Make units equal, and the figure as high as they need in its width."""
    steep = _steepness(axes.get_xlim(), axes.get_ylim())
    for _ in range(_FITTINGS):
        figure.draw_without_rendering()
        place = axes.get_position()
        needed = place.width * figure.get_figwidth() * steep
        figure.set_figheight(figure.get_figheight() + needed - place.height * figure.get_figheight())
    axes.set_aspect("equal", adjustable="box")


def _steepness(x_ends: tuple[float, float], y_ends: tuple[float, float]) -> float:
    """Height over width of the room for equal units."""
    return min(max(abs(y_ends[1] - y_ends[0]) / abs(x_ends[1] - x_ends[0]), _FLATTEST), _STEEPEST)


def draw_bars(bars: Bars, shot: Shot, *, logarithmic: bool) -> Canvas_:
    """A histogram of every star and of the selection."""
    low, high = sorted(shot.x_ends)
    edges = np.linspace(low, high, BARS + 1)
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, COLUMN_INCHES * min(max(shot.aspect, 0.5), 1.4))
        axes = figure.subplots()
        for rows, colour, label in ((shot.table.every, "0.75", "all"), (shot.rows, "#0072b2", "selected")):
            counts, _ = count_bars(shot.table, bars.x.column.name, rows, low, high)
            axes.stairs(counts, edges, fill=True, color=colour, alpha=0.8, label=label)
        axes.set(xlim=shot.x_ends, xlabel=label_of(bars.x.column), ylabel="stars")
        axes.set_yscale("log" if logarithmic else "linear")
        axes.xaxis.set_major_locator(MaxNLocator(MAX_TICKS))
        add_key(figure, axes.get_legend_handles_labels()[0])
        sign(figure, shot.note)
    return figure


def _draw_stars(axes: Axes, plane: Plane, shot: Shot, *, grey: bool) -> list[Line2D]:
    """Stars and their colour bar; what the legend names is returned."""
    (x_low, x_high), (y_low, y_high) = sorted(shot.x_ends), sorted(shot.y_ends)
    aspect = _steepness(axes.get_xlim(), axes.get_ylim()) if plane.square else shot.aspect
    height = max(round(_RASTER_WIDTH * aspect), 2)
    viewport = Viewport(x_low, x_high, y_low, y_high, _RASTER_WIDTH, height)
    canvas = Canvas(shot.table, plane.x.column.name, plane.y.column.name, shot.shown)
    stars = canvas.stars_in(viewport, MAX_POINTS)
    ramp = ramp_of(shot.colouring, dark=False)
    if stars is None:
        if grey:
            _draw_image(axes, canvas.everything(viewport).levels, viewport, grey_ramp(dark=False))
        _draw_image(axes, canvas.selected(viewport, shot.rows, shot.colouring).levels, viewport, ramp)
    else:
        picked = shot.rows[stars.rows]
        if grey:
            rest: dict[str, Any] = {"color": _REST, "markersize": 1.6, "markeredgewidth": 0.0, "zorder": 0}
            axes.plot(stars.x[~picked], stars.y[~picked], ".", **rest)
        _draw_points(axes, (stars.x[picked], stars.y[picked]), stars.rows[picked], shot, ramp)
    named = _draw_key(axes, shot, ramp)
    if grey and not shot.rows.all():
        named.append(Line2D([], [], marker=".", linestyle="", color=_REST, label="not selected"))
    return named


def _draw_points(
    axes: Axes, at: tuple[NDArray[np.float32], ...], stars: NDArray[np.int64], shot: Shot, ramp: Sequence[str]
) -> None:
    marks: dict[str, Any] = {"s": 3.0, "linewidths": 0.0}
    colouring = shot.colouring
    if isinstance(colouring, ValueScale):
        values = shot.table.axis(colouring.name)[stars]
        known = np.isfinite(values)
        axes.scatter(
            at[0][known],
            at[1][known],
            c=values[known],
            cmap=colormap_of(ramp),
            vmin=colouring.low,
            vmax=colouring.high,
            **marks,
        )
    elif isinstance(colouring, Categories):
        for number, colour in reversed(list(enumerate(colouring.colours))):  # the rest lies lowest
            inside = colouring.codes[stars] == number
            axes.scatter(at[0][inside], at[1][inside], color=colour, **marks)
    else:
        axes.scatter(*at, color="#21548a", **marks)


def _draw_key(axes: Axes, shot: Shot, ramp: Sequence[str]) -> list[Line2D]:
    """A colour bar, or what the legend names, which is returned."""
    colouring = shot.colouring
    if isinstance(colouring, ValueScale):
        add_colour_bar(axes, ramp, colouring.low, colouring.high, label_of(shot.table.column(colouring.name)))
    if not isinstance(colouring, Categories):
        return []
    named = list(zip(colouring.labels, colouring.colours, strict=True))
    more = len(named) - _MAX_NAMED
    if more > 0:
        named = [*named[: _MAX_NAMED - 1], (f"and {more + 1} more", "none")]
    return [Line2D([], [], marker=".", linestyle="", color=colour, label=label) for label, colour in named]


def _draw_image(axes: Axes, levels: NDArray[np.uint8], viewport: Viewport, ramp: Sequence[str]) -> None:
    colours = np.frombuffer(lookup(ramp), np.uint8).reshape(256, 4)
    extent = (viewport.x_low, viewport.x_high, viewport.y_low, viewport.y_high)
    axes.imshow(colours[levels], extent=extent, origin="lower", aspect="auto", interpolation="nearest")


def _draw_texture(axes: Axes, plane: DiscPlane, disc: DiscMap, *, residual: bool) -> None:
    limits, label = rotation_scale(plane.maps, residual=residual)
    low, high = float(disc.edges_kpc[0]), float(disc.edges_kpc[-1])
    window = Viewport(low, high, low, high, 1, 1)
    _draw_image(axes, texture_levels(disc, limits, residual=residual), window, texture_palette(dark=False))
    words = label if residual else label_of(column("v_phi"))
    add_colour_bar(axes, (TRANSPARENT, *rotation_colours(dark=False)), *limits, words)


def _draw_overlay(axes: Axes, plane: Plane, shot: Shot, overlay: Overlay) -> list[Line2D]:
    """What lies on or under the stars; what the legend names is returned."""
    shape = overlay.shape
    if isinstance(shape, Lines):
        return draw_lines(axes, overlay, shape)
    if isinstance(shape, Dots):
        draw_model_points(axes, _repeated(shape, plane, shot), _MODEL, 2.2)
        return [model_handle(_MODEL)]
    if isinstance(shape, SunMark):
        axes.plot(shape.x, shape.y, "o", color="#ffd34d", markeredgecolor="k", markersize=5, markeredgewidth=0.7)
        axes.plot(shape.x, shape.y, ".", color="k", markersize=1.5)
    else:
        assert isinstance(shape, Arrows)
    return []


def _repeated(dots: Dots, plane: Plane, shot: Shot) -> Dots:
    """Points of a model wherever a longitude comes round to them."""
    (left, right), (low, high) = sorted(shot.x_ends), sorted(shot.y_ends)
    window = (left, right, low, high)
    around = np.array(images(plane.x.column.name, plane.y.column.name, window), np.float32)
    return Dots(*((values + steps[:, None]).ravel() for values, steps in zip((dots.x, dots.y), around.T, strict=True)))


def ends_of(axis: Axis, ends: tuple[float, float] | None) -> tuple[float, float]:
    """Ends of an axis in drawing order: those on screen, else its own."""
    return ends or axis.ends
