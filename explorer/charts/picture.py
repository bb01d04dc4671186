"""Charts as pictures for a journal: the view on screen, with vector axes and labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis
from explorer.charts.chart import Shot
from explorer.charts.crowding import Crowding
from explorer.charts.journal import (
    COLUMN_INCHES,
    STYLE,
    add_key,
    label_of,
    new_figure,
    sign,
)
from explorer.charts.marks import set_ticks
from explorer.charts.overlays import Overlay, Scene
from explorer.charts.palettes import MEMBER_OPACITY, grey_ramp, image_opacity, lookup
from explorer.charts.shading import Canvas, Image, Stars, Viewport
from explorer.model.appearance import USUAL_OPACITY

MAX_POINTS = 20_000
"""Maximum number of stars drawn as points; more are an image inside the vector axes."""

_RASTER_WIDTH = 700
_LOWEST, _HIGHEST = 0.5, 1.4
"""Height over width of other axes."""

_FLATTEST, _STEEPEST = 0.25, 2.0
"""Height over width of the room for axes with equal units: those beyond leave some of it empty."""

_FITTINGS = 3
"""Steps to the height of axes with equal units: numbers beside higher ones may take more width."""

_REST = "0.72"
"""Colour of stars that are not selected."""

_NO_VALUE = "0.35"
"""Colour of a few selected stars that have no value."""

_AREA = 3.0
"""Area of the dots of stars in square points."""

_POINTS_A_PIXEL = 0.38
"""Points of a picture for a pixel of the screen, in the dots of a few selected stars."""


def draw_plane(
    scene: Scene,
    shot: Shot,
    overlays: Sequence[Overlay],
    *,
    square: bool,
    under: Callable[[Axes], None] | None = None,
    beside: Callable[[Axes, Viewport], None] | None = None,
    over: Callable[[Axes, Viewport], list[Line2D]] | None = None,
    stars: bool = True,
) -> Figure:
    """A plane: every star in grey, the selection in its colours, overlays, and one legend of all.

    Parameters
    ----------
    scene : Scene
        The plane.
    shot : Shot
        Colours, shape and note.
    overlays : sequence of Overlay
        Those that are on.
    square : bool
        Whether a unit is as long on both axes.
    under : callable, optional
        Draws an image that stands for all stars, instead of the grey ones.
    beside : callable, optional
        Draws beside the axes, nearer than a colour bar.
    over : callable, optional
        Draws over the stars of a viewport, and returns legend handles.
    stars : bool
        Whether the selected stars are drawn.
    """
    table, names = scene.canvas.table, scene.canvas.names
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, COLUMN_INCHES * aspect_of(shot))
        axes = figure.subplots()
        x_label, y_label = (label_of(table.column(name)) for name in names)
        axes.set(xlim=scene.x_ends, ylim=scene.y_ends, xlabel=x_label, ylabel=y_label)
        if under is not None:
            under(axes)
        viewport = viewport_of(axes, scene, shot, square=square)
        if beside is not None:
            beside(axes, viewport)
        named = [draw_stars(axes, scene, shot, viewport, grey=under is None)] if stars else []
        named += [overlay.draw(axes, scene) for overlay in overlays]
        if over is not None:
            named.append(over(axes, viewport))
        for curve in shot.curves:
            axes.plot(curve.x, curve.y, color=curve.paper, linestyle=curve.dash, linewidth=1.2)
        axes.set(xlim=scene.x_ends, ylim=scene.y_ends)
        set_ticks(axes.xaxis, scene.canvas.scales[0])
        set_ticks(axes.yaxis, scene.canvas.scales[1])
        add_key(figure, *named)
        sign(figure, shot.note)
        if square:
            draw_to_scale(figure, axes)
    return figure


def draw_to_scale(figure: Figure, axes: Axes) -> None:
    """Make units equal, and the figure as high as they need in its width."""
    steep = _steepness(axes.get_xlim(), axes.get_ylim())
    for _ in range(_FITTINGS):
        figure.draw_without_rendering()
        place = axes.get_position()
        needed = place.width * figure.get_figwidth() * steep
        figure.set_figheight(figure.get_figheight() + needed - place.height * figure.get_figheight())
    axes.set_aspect("equal", adjustable="box")


def aspect_of(shot: Shot) -> float:
    """Height over width of the axes: that on screen, within limits."""
    return min(max(shot.aspect, _LOWEST), _HIGHEST)


def _steepness(x_ends: tuple[float, float], y_ends: tuple[float, float]) -> float:
    """Height over width of the room for equal units."""
    return min(max(abs(y_ends[1] - y_ends[0]) / abs(x_ends[1] - x_ends[0]), _FLATTEST), _STEEPEST)


def draw_bars(axis: Axis, layers: Sequence[protocol.BarsLayer], shot: Shot, *, label: str, logarithmic: bool) -> Figure:
    """A histogram of every star and of the selection, or of its categories, between the ends on screen."""
    ends = shot.state.x_ends or axis.ends
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, COLUMN_INCHES * aspect_of(shot))
        axes = figure.subplots()
        everything, selected = layers
        axes.stairs(everything.heights, everything.edges, fill=True, color="0.75", alpha=0.8, label="all")
        for part in selected.parts:
            axes.stairs(part.heights, selected.edges, color=part.colour, linewidth=1.1, label=part.name)
        if not selected.parts:
            axes.stairs(selected.heights, selected.edges, fill=True, color="#0072b2", alpha=0.8, label="selected")
        for curve in shot.curves:
            axes.plot(curve.x, curve.y, color=curve.paper, linestyle=curve.dash, linewidth=1.2)
        axes.set(xlim=ends, xlabel=label_of(axis.column), ylabel=label)
        axes.set_yscale("log" if logarithmic else "linear")
        if shot.state.y_ends is not None:
            axes.set_ylim(shot.state.y_ends)
        if "y" in shot.state.flipped:
            axes.invert_yaxis()
        set_ticks(axes.xaxis, axis.scale)
        add_key(figure, axes.get_legend_handles_labels()[0])
        sign(figure, shot.note)
    return figure


def draw_image(axes: Axes, levels: Image, viewport: Viewport, ramp: Sequence[str], *, opacity: float = 1.0) -> None:
    """An image of levels of a ramp, in data coordinates."""
    colours = np.frombuffer(lookup(ramp, opacity), np.uint8).reshape(256, 4)
    extent = (viewport.x_low, viewport.x_high, viewport.y_low, viewport.y_high)
    axes.imshow(colours[levels], extent=extent, origin="lower", aspect="auto", interpolation="nearest")


def viewport_of(axes: Axes, scene: Scene, shot: Shot, *, square: bool) -> Viewport:
    """The plane of a picture in pixels."""
    (x_low, x_high), (y_low, y_high) = sorted(scene.x_ends), sorted(scene.y_ends)
    aspect = _steepness(axes.get_xlim(), axes.get_ylim()) if square else aspect_of(shot)
    height = max(round(_RASTER_WIDTH * aspect), 2)
    return Viewport(x_low, x_high, y_low, y_high, _RASTER_WIDTH, height)


def draw_stars(axes: Axes, scene: Scene, shot: Shot, viewport: Viewport, *, grey: bool) -> list[Line2D]:
    """Draw stars and their colour bar; returns the legend handles."""
    draw_rest_and_selection(axes, scene, shot, viewport, grey=grey)
    named = shot.colouring.draw_key(axes, scene.canvas.table)
    if grey and not shot.rows.all() and shot.colouring.member_codes() is None:
        named.append(rest_handle())
    return named


def rest_handle() -> Line2D:
    """The legend's mark of stars that are not selected."""
    return Line2D([], [], marker=".", linestyle="", color=_REST, label="not selected")


def draw_rest_and_selection(axes: Axes, scene: Scene, shot: Shot, viewport: Viewport, *, grey: bool) -> None:
    """Draw all stars in grey, if wanted, and the selected ones in their colours, without a key."""
    canvas = scene.canvas
    stars = canvas.stars_in(viewport, MAX_POINTS)
    if stars is None:
        _draw_images(axes, canvas, viewport, shot, grey=grey)
    else:
        _draw_points(axes, canvas, viewport, shot, stars, grey=grey)
    if shot.brush.is_few:
        _draw_few(axes, canvas, viewport, shot)


def _draw_images(axes: Axes, canvas: Canvas, viewport: Viewport, shot: Shot, *, grey: bool) -> None:
    """Draw many stars as images: all in grey, those that keep their colour, and the selected ones."""
    brush, ramp = shot.brush, shot.colouring.ramp(dark=False)
    if grey:
        draw_image(axes, canvas.everything(viewport).levels, viewport, grey_ramp(dark=False))
    coded = shot.colouring.member_codes()
    if grey and coded is not None:
        levels = canvas.commonest(viewport, canvas.table.every, *coded, rest=False).levels
        draw_image(axes, levels, viewport, ramp, opacity=MEMBER_OPACITY)
    if not brush.is_few:
        levels = shot.colouring.layer(canvas, viewport, shot.rows).levels
        levels = levels if brush.everything else shot.colouring.emphasised(levels)
        draw_image(axes, levels, viewport, ramp, opacity=image_opacity(shot.appearance))


def _draw_points(axes: Axes, canvas: Canvas, viewport: Viewport, shot: Shot, stars: Stars, *, grey: bool) -> None:
    """Draw stars one by one: those that are not selected in grey or in the colour that they keep, and the selected."""
    brush, picked = shot.brush, shot.rows[stars.rows]
    if grey:
        rest: dict[str, Any] = {"color": _REST, "markersize": 1.6, "markeredgewidth": 0.0, "zorder": 0}
        axes.plot(stars.x[~picked], stars.y[~picked], ".", **rest)
    coded = shot.colouring.member_codes()
    if grey and coded is not None:
        codes, count = coded
        levels = np.where(~picked & (codes[stars.rows] < count), codes[stars.rows].astype(np.int64) + 1, 0)
        _scatter(axes, stars, levels.astype(np.uint8), shot, MEMBER_OPACITY)
    if not brush.is_few:
        levels = shot.colouring.dot_levels(canvas.table, stars.rows, picked, Crowding(viewport, stars))
        levels = levels if brush.everything else shot.colouring.emphasised(levels)
        _scatter(axes, stars, levels, shot, min(shot.appearance.opacity / USUAL_OPACITY, 1.0))


def _draw_few(axes: Axes, canvas: Canvas, viewport: Viewport, shot: Shot) -> None:
    """Draw a few selected stars larger than the others and with a white rim."""
    stars = canvas.places(viewport, shot.brush.few_rows)
    levels = shot.colouring.emphasised(shot.colouring.star_levels(canvas.table, stars.rows))
    colours = _rgba(shot.colouring.ramp(dark=False))[np.maximum(levels, 1)]
    colours[levels == 0] = to_rgba(_NO_VALUE)
    rim: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.5, "zorder": 2}
    points = _POINTS_A_PIXEL * shot.brush.few_pixels * shot.appearance.size
    axes.scatter(stars.x, stars.y, s=points**2, c=colours, **rim)


def _scatter(axes: Axes, stars: Stars, levels: Image, shot: Shot, opacity: float) -> None:
    """Draw the stars of levels above 0 in their colours."""
    order = np.flatnonzero(levels)
    if shot.colouring.layered:
        order = order[np.argsort(-levels[order].astype(np.int64), kind="stable")]
    colours = _rgba(shot.colouring.ramp(dark=False))[levels[order]]
    colours[:, 3] *= opacity
    area = _AREA * shot.appearance.size**2
    axes.scatter(stars.x[order], stars.y[order], s=area, c=colours, linewidths=0.0)


def _rgba(ramp: Sequence[str]) -> NDArray[np.float64]:
    return np.frombuffer(lookup(ramp), np.uint8).reshape(256, 4) / 255.0
