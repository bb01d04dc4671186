"""Pictures of disc maps: the maps as they are on screen, with vector axes and labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from explorer.charts.chart import Shot
from explorer.charts.journal import PAGE_INCHES, STYLE, add_colour_bar, add_key, label_of, new_figure, sign
from explorer.charts.overlays import Overlay, Scene
from explorer.charts.palettes import TRANSPARENT
from explorer.charts.picture import draw_plane, draw_stars, viewport_of
from explorer.charts.shading import Viewport
from pipeline.figures.disc_map import MapImage, MapScale, draw_map
from pipeline.figures.field_arrows import Arrows, draw_field_arrows
from pipeline.science.space.mean_field import Grid

_PANEL_INCHES = 3.1


@dataclass(frozen=True)
class MapPanel:
    """One map of a picture.

    Parameters
    ----------
    scene : Scene
        The stars of its slice, and the ends of its axes.
    grid : Grid
        Its pixels.
    image : MapImage
        Its numbers.
    arrows : Arrows or None
        Mean velocities, where they are on.
    title : str
        Slice and number of stars.
    """

    scene: Scene
    grid: Grid
    image: MapImage
    arrows: Arrows | None
    title: str

    def paint(self, axes: Axes, scale: MapScale) -> None:
        """Draw the map and its arrows."""
        draw_map(axes, self.grid, self.image, scale)
        if self.arrows is not None:
            draw_field_arrows(axes, self.arrows)


def draw_maps(
    panels: Sequence[MapPanel],
    scale: MapScale,
    shot: Shot,
    overlays: Sequence[Overlay],
    *,
    dots: bool,
    square: bool = True,
    over: Callable[[Axes, Viewport], list[Line2D]] | None = None,
) -> Figure:
    """Maps of the same scale, with one colour bar.

    Parameters
    ----------
    panels : sequence of MapPanel
        The maps.
    scale : MapScale
        Their colours.
    shot : Shot
        Colours of the stars, shape and note.
    overlays : sequence of Overlay
        Those that are on.
    dots : bool
        Whether the selected stars are drawn.
    square : bool
        Whether a unit is as long on both axes.
    over : callable, optional
        Draws over the stars of a single map, and returns legend handles.
    """
    if len(panels) > 1:
        return _draw_panels(panels, scale, shot, overlays, dots=dots, square=square)
    (panel,) = panels

    def under(axes: Axes) -> None:
        panel.paint(axes, scale)
        axes.set_title(panel.title, fontsize=7)
        add_colour_bar(axes, (TRANSPARENT, *scale.ramp), scale.low, scale.high, scale.print_label)

    return draw_plane(panel.scene, shot, overlays, square=square, under=under, over=over, stars=dots)


def _draw_panels(
    panels: Sequence[MapPanel], scale: MapScale, shot: Shot, overlays: Sequence[Overlay], *, dots: bool, square: bool
) -> Figure:
    """Maps in two columns."""
    rows, grid = -(-len(panels) // 2), panels[0].grid
    with mpl.rc_context(STYLE):
        steep = grid.height / grid.width
        figure = new_figure(PAGE_INCHES, 0.5 + rows * (0.25 + _PANEL_INCHES * steep))
        places = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
        named: list[list[Line2D]] = []
        for axes, panel in zip(places.flat, panels, strict=False):
            axes.set(xlim=panel.scene.x_ends, ylim=panel.scene.y_ends, aspect="equal" if square else "auto")
            panel.paint(axes, scale)
            viewport = viewport_of(axes, panel.scene, shot, square=square)
            named = [draw_stars(axes, panel.scene, shot, viewport, grey=False)] if dots else []
            named += [overlay.draw(axes, panel.scene) for overlay in overlays]
            axes.set(xlim=panel.scene.x_ends, ylim=panel.scene.y_ends)
            axes.set_title(panel.title, fontsize=7)
        x_label, y_label = (
            label_of(panels[0].scene.canvas.table.column(name)) for name in panels[0].scene.canvas.names
        )
        for axes in places[-1]:
            axes.set_xlabel(x_label)
        for axes in places[:, 0]:
            axes.set_ylabel(y_label)
        add_colour_bar(list(places.flat), (TRANSPARENT, *scale.ramp), scale.low, scale.high, scale.print_label)
        add_key(figure, *named)
        sign(figure, shot.note)
    return figure
