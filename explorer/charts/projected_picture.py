"""Pictures of projected stars: without axes, with guides of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from explorer.charts.chart import Shot
from explorer.charts.journal import COLUMN_INCHES, STYLE, add_key, new_figure, sign
from explorer.charts.overlays import Overlay, Scene
from explorer.charts.picture import aspect_of, draw_stars, draw_to_scale, viewport_of
from explorer.charts.shading import Viewport
from pipeline.science.space.graticule import Graticule

Over = Callable[[Axes, Viewport], list[Line2D]]

_GRID, _LABELS = "0.75", "0.35"
_LABEL_POINTS = 6.0
_TITLE_POINTS = 7.0
_GRID_WIDTH = 0.45


def draw_sky(
    scene: Scene, shot: Shot, overlays: Sequence[Overlay], lines: Graticule | None, title: str, *, over: Over
) -> Figure:
    """A projected sky.

    Parameters
    ----------
    scene : Scene
        The plane.
    shot : Shot
        Colours, shape and note.
    overlays : sequence of Overlay
        Those that are on.
    lines : Graticule or None
        The graticule, under the stars.
    title : str
        Projection, frame and centre, below the sky.
    over : callable
        Draws over the stars of a viewport, and returns legend handles.
    """

    def under(axes: Axes) -> None:
        if lines is None:
            return
        axes.plot(lines.x, lines.y, "-", color=_GRID, linewidth=_GRID_WIDTH, zorder=-1.0)
        for x, y, text in zip(lines.label_x, lines.label_y, lines.labels, strict=True):
            _label(axes, text, x, y)

    def drawn(axes: Axes, viewport: Viewport) -> list[Line2D]:
        named = [handle for overlay in overlays for handle in overlay.draw(axes, scene)]
        return [*named, *over(axes, viewport)]

    return draw_projected(scene, shot, title, under, drawn)


def draw_projected(scene: Scene, shot: Shot, title: str, under: Callable[[Axes], None], over: Over) -> Figure:
    """Projected stars between what is drawn under and over them.

    Parameters
    ----------
    scene : Scene
        The plane.
    shot : Shot
        Colours, shape and note.
    title : str
        The plane in words, below it.
    under, over : callable
        Draw under the stars, and over those of a viewport; the latter returns legend handles.
    """
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, COLUMN_INCHES * aspect_of(shot))
        axes = figure.subplots()
        axes.set(xlim=scene.x_ends, ylim=scene.y_ends, xticks=[], yticks=[])
        axes.set_xlabel(title, fontsize=_TITLE_POINTS)
        for spine in axes.spines.values():
            spine.set_visible(False)
        under(axes)
        viewport = viewport_of(axes, scene, shot, square=True)
        named = draw_stars(axes, scene, shot, viewport, grey=True)
        named_over = over(axes, viewport)
        axes.set(xlim=scene.x_ends, ylim=scene.y_ends)
        add_key(figure, named, named_over)
        sign(figure, shot.note)
        draw_to_scale(figure, axes)
    return figure


def draw_guides(axes: Axes, guides: Sequence[tuple[NDArray[np.float64], str]]) -> None:
    """Draw lines of shape (n, 2), each with a label at its end."""
    for points, label in guides:
        axes.plot(*points.T, "-", color=_GRID, linewidth=2.0 * _GRID_WIDTH, zorder=-1.0)
        x, y = points[-1]
        _label(axes, label, x, y)


def draw_marks(axes: Axes, marks: Sequence[tuple[NDArray[np.float64], str]]) -> None:
    """Draw places of shape (2,), each with its label."""
    for (x, y), label in marks:
        axes.plot(x, y, "o", color="#ffd34d", markeredgecolor="k", markersize=5, markeredgewidth=0.7)
        axes.plot(x, y, ".", color="k", markersize=1.5)
        _label(axes, label, x, y, below=True)


def _label(axes: Axes, text: str, x: float, y: float, *, below: bool = False) -> None:
    """Write a label beside a place, on a light halo."""
    axes.annotate(
        text,
        (x, y),
        (4, -8) if below else (2, 2),
        textcoords="offset points",
        fontsize=_LABEL_POINTS,
        color=_LABELS,
        zorder=3.0,
        path_effects=[withStroke(linewidth=1.6, foreground="white", alpha=0.8)],
    )
