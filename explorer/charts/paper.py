"""The paper's Figures 2, 8, 9, 10 and 11, drawn from any selection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer.charts.disc import rotation_colours, rotation_limits, texture_levels, texture_palette
from explorer.charts.journal import (
    PAGE_INCHES,
    STYLE,
    add_colour_bar,
    add_key,
    colormap_of,
    label_of,
    new_figure,
    picture_bytes,
    sign,
)
from explorer.charts.marks import (
    ARROW_HEIGHT_KPC,
    arrow_ends,
    draw_arrows,
    draw_model_points,
    fewer_ticks,
    model_handle,
)
from explorer.charts.overlays import Scene
from explorer.charts.palettes import TRANSPARENT, is_diverging, lookup, value_ramp
from explorer.charts.references import arm_curves, isochrones, stream_points
from explorer.charts.shading import Canvas
from explorer.model.elsewhere import in_helper
from explorer.model.fields import NEEDED, maps_of
from explorer.model.library import Library
from explorer.model.selection import Mask
from explorer.model.table import counted
from pipeline.domain.columns import column

Floats: TypeAlias = NDArray[np.float32]

_MAX_ARROWS = 1500
_DISC_KPC = 16.0
_MIN_SNR = 50.0


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Parameters
    ----------
    title : str
        Subject of the figure.
    needs : tuple of str
        Columns without which it cannot be drawn.
    draw : callable
        Draws it of a library's selected stars.
    """

    title: str
    needs: tuple[str, ...]
    draw: Callable[[Library, Mask], Figure]

    def missing(self, library: Library) -> str:
        """Why it cannot be drawn of this catalogue; "" when it can."""
        absent = library.table.missing(*self.needs)
        return f"This catalogue has no values of {', '.join(absent)}." if absent else ""


def draw_paper_figure(library: Library, rows: Mask, key: str, note: str) -> Figure:
    """Draw a figure of :data:`PAPER_FIGURES` with a line under it that describes the contents."""
    with mpl.rc_context(STYLE):
        figure = PAPER_FIGURES[key].draw(library, rows)
        sign(figure, note)
    return figure


def paper_bytes(library: Library, rows: Mask, key: str, note: str, form: str) -> bytes:
    """A figure of :data:`PAPER_FIGURES` as a file, drawn in a helper process."""
    return in_helper(_paper_bytes, library, rows, key, note, form)


def _paper_bytes(library: Library, rows: Mask, key: str, note: str, form: str) -> bytes:
    return picture_bytes(draw_paper_figure(library, rows, key, note), form)


def _values(library: Library, rows: Mask, *names: str) -> tuple[Floats, ...]:
    """Columns of the selected stars that have them all."""
    stars = np.flatnonzero(rows)
    columns = [library.table.axis(name)[stars] for name in names]
    known = np.isfinite(np.stack(columns)).all(axis=0)
    return tuple(values[known] for values in columns)


def _scale(values: Floats, name: str) -> tuple[float, float]:
    """Ends of a colour bar."""
    low, high = (float(edge) for edge in np.quantile(values, (0.02, 0.98))) if values.size else (0.0, 1.0)
    return (-max(abs(low), abs(high)), max(abs(low), abs(high))) if is_diverging(name) else (low, high)


def _scatter(axes: Axes, x: Floats, y: Floats, values: Floats, name: str, scale: tuple[float, float]) -> None:
    """Coloured points, those of rare values on top."""
    order = np.argsort(np.abs(values - np.median(values))) if values.size else slice(None)
    axes.scatter(
        x[order],
        y[order],
        c=values[order],
        s=1.2,
        cmap=colormap_of(value_ramp(name, dark=False)),
        vmin=scale[0],
        vmax=scale[1],
        linewidths=0,
        rasterized=True,
    )


def figure_2(library: Library, rows: Mask) -> Figure:
    """Teff against log g, coloured by [M/H]: reference labels of training stars, and SLAM's of S/N > 50."""
    table = library.table
    figure = new_figure(PAGE_INCHES, 3.1)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    training = ("teff_ref", "logg_ref", "m_h_ref") if table.usable("teff_ref", "logg_ref", "m_h_ref") else None
    samples = (
        (training or ("teff", "logg", "m_h"), rows & table["in_training"], "training set"),
        (("teff", "logg", "m_h"), rows & (table.axis("snr") > _MIN_SNR), f"S/N > {_MIN_SNR:g}"),
    )
    shown = [_values(library, sample, *names) for names, sample, _ in samples]
    scale = _scale(np.concatenate([values for _, _, values in shown]), "m_h")
    tracks = library.products.overlays.get("isochrones")
    named: list[Line2D] = []
    for axes, (x, y, values), (*_, title) in zip(panels, shown, samples, strict=True):
        _scatter(axes, x, y, values, "m_h", scale)
        axes.set_title(f"{title}: {counted(x.size)}", fontsize=8)
        axes.set(xlabel=label_of(column("teff")), xlim=(4350, 3150), ylim=(2.7, -0.6))
        if tracks is not None:
            scene = Scene(Canvas(table, "teff", "logg"), rows, axes.get_xlim(), axes.get_ylim())
            named = isochrones(tracks, "teff", "logg").draw(axes, scene)
    panels[0].set_ylabel(label_of(column("logg")))
    add_colour_bar(list(panels), value_ramp("m_h", dark=False), *scale, label_of(column("m_h")))
    add_key(figure, named)
    return figure


def figure_8(library: Library, rows: Mask) -> Figure:
    """Stars in space, the Sun at the crossing of dashed lines, velocities of those far from the plane."""
    figure = new_figure(PAGE_INCHES, 6.4)
    planes = (
        ("x_helio", "y_gal", "v_x", "v_y", (0.0, 0.0)),
        ("x_helio", "z_gal", "v_x", "v_z", (0.0, 0.0)),
        ("y_gal", "z_gal", "v_y", "v_z", (0.0, 0.0)),
        ("r_gal", "z_gal", "v_r", "v_z", (library.r0_kpc, 0.0)),
    )
    for axes, (x_name, y_name, v_x, v_y, sun) in zip(figure.subplots(2, 2).flat, planes, strict=True):
        x, y = _values(library, rows, x_name, y_name)
        axes.plot(x, y, ".", color="0.55", markersize=0.8, rasterized=True)
        far = rows & (np.abs(library.table.axis("z_gal")) > ARROW_HEIGHT_KPC)
        at_x, at_y, along_x, along_y = _values(library, far, x_name, y_name, v_x, v_y)
        every = slice(None, None, at_x.size // _MAX_ARROWS + 1)
        at, along = (at_x[every], at_y[every]), (along_x[every], along_y[every])
        ends = arrow_ends(at, along)
        draw_arrows(axes, (*at, *ends), axes.get_xlim(), color="#21548a", width=0.002)
        axes.axvline(sun[0], linestyle="--", color="0.2", linewidth=0.7)
        axes.axhline(sun[1], linestyle="--", color="0.2", linewidth=0.7)
        axes.set(xlabel=label_of(column(x_name)), ylabel=label_of(column(y_name)))
        axes.set_aspect("equal", adjustable="datalim")
    return figure


def figure_9(library: Library, rows: Mask) -> Figure:
    """Rotation and line integral convolution per slice in height, mapped anew of the selected stars."""
    configuration = library.products.manifest.configuration.get("kinematics", {})
    maps = maps_of(library.table, rows, library.products.maps, int(configuration.get("map_min_stars", 10)))
    limits = rotation_limits(maps)
    colours = np.frombuffer(lookup(texture_palette(dark=False)), np.uint8).reshape(256, 4)
    arms = library.products.overlays.get("spiral_arms")
    figure = new_figure(PAGE_INCHES, 6.2)
    panels = figure.subplots(2, 2, sharex=True, sharey=True, squeeze=False)
    for axes, disc in zip(panels.flat, maps, strict=False):
        low, high = float(disc.edges_kpc[0]), float(disc.edges_kpc[-1])
        axes.imshow(colours[texture_levels(disc, limits)], extent=(low, high, low, high), origin="lower")
        if arms is not None:
            curves = arm_curves(arms)
            for x, y in zip(curves.xs, curves.ys, strict=True):
                axes.plot(x, y, "--", color="0.35", linewidth=0.8)
        axes.plot(-library.r0_kpc, 0.0, "*", color="#c8102e", markersize=6)
        axes.set(xlim=(-_DISC_KPC, _DISC_KPC), ylim=(-_DISC_KPC, _DISC_KPC), aspect="equal")
        axes.set_title(disc.label, fontsize=8)
    for axes in panels[-1]:
        axes.set_xlabel(label_of(column("x_gal")))
    for axes in panels[:, 0]:
        axes.set_ylabel(label_of(column("y_gal")))
    add_colour_bar(list(panels.flat), (TRANSPARENT, *rotation_colours(dark=False)), *limits, label_of(column("v_phi")))
    return figure


def figure_10(library: Library, rows: Mask) -> Figure:
    """J_phi against J_tot, coloured by the height and by the vertical action."""
    figure = new_figure(PAGE_INCHES, 3.1)
    for axes, name in zip(figure.subplots(1, 2, sharex=True, sharey=True), ("z_gal", "j_z"), strict=True):
        x, y, values = _values(library, rows, "j_phi", "j_tot", name)
        scale = _scale(values, name)
        _scatter(axes, x, y, values, name, scale)
        add_colour_bar(axes, value_ramp(name, dark=False), *scale, label_of(column(name)))
        if x.size:
            axes.set(xlim=np.quantile(x, (0.001, 0.999)), ylim=(0.0, float(np.quantile(y, 0.999))))
        axes.set(xlabel=label_of(column("j_phi")), ylabel=label_of(column("j_tot")))
        fewer_ticks(axes)
    return figure


def figure_11(library: Library, rows: Mask) -> Figure:
    """Distance along the stream of stars far from the plane, by latitude, over the stream model."""
    figure = new_figure(PAGE_INCHES, 3.4)
    axes = figure.subplots()
    stream = library.products.overlays.get("stream_model")
    if stream is not None:
        points = stream_points(stream, "sgr_lambda", "distance")
        draw_model_points(axes, points.x, points.y, "0.78", 3.5)
        add_key(figure, [model_handle("0.6")])
    far = rows & (np.abs(library.table.axis("z_gal")) > ARROW_HEIGHT_KPC)
    x, y, beta = _values(library, far, "sgr_lambda", "distance", "sgr_beta")
    ramp = value_ramp("distance", dark=False)
    axes.scatter(x, y, c=np.abs(beta), s=4, cmap=colormap_of(ramp), vmin=0, vmax=60, linewidths=0)
    add_colour_bar(axes, ramp, 0.0, 60.0, "|B| [deg]")
    top = float(np.quantile(y, 0.999)) * 1.1 if y.size else 60.0
    axes.set(xlim=(0, 360), ylim=(0, top), xlabel=label_of(column("sgr_lambda")), ylabel=label_of(column("distance")))
    return figure


_STREAM = ("sgr_lambda", "sgr_beta", "distance", "z_gal")

PAPER_FIGURES: dict[str, PaperFigure] = {
    "2": PaperFigure("Figure 2: HR diagram of training and predicted stars", ("teff", "logg", "m_h", "snr"), figure_2),
    "8": PaperFigure(
        "Figure 8: space and velocities",
        ("x_helio", "y_gal", "z_gal", "r_gal", "v_x", "v_y", "v_z", "v_r"),
        figure_8,
    ),
    "9": PaperFigure("Figure 9: rotation of the disc by height", NEEDED, figure_9),
    "10": PaperFigure("Figure 10: action space", ("j_phi", "j_tot", "j_z", "z_gal"), figure_10),
    "11": PaperFigure("Figure 11: distance along the stream", _STREAM, figure_11),
}
"""Figures by their number in the paper."""
