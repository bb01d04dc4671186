"""The paper's Figures 2, 8, 9, 10 and 11, drawn of a whole catalogue or of a selection."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import FigureBase

from pipeline.domain.columns import names_at
from pipeline.figures.disc_map import MIN_STARS, MapOf, draw_map, image_of, lacks_stars, scale_of, slice_label
from pipeline.figures.figure import FigureStars, Mask, StarFigure
from pipeline.figures.references import nearest_isochrones
from pipeline.figures.star_arrows import FAR_KPC, arrow_ends, draw_arrows
from pipeline.figures.style import BLUE, RED, axis_label, colour_scale, ends, points, say, stars_text
from pipeline.science.space.mean_field import KERNEL_STARS

HIGH_SNR = 50.0
_MAX_ARROWS = 1500
_TEFF_K, _LOGG_DEX = (4400.0, 3100.0), (2.8, -0.7)
_B_DEG = (0.0, 60.0)
_REFERENCE = ("teff_ref", "logg_ref", "m_h_ref")
_PREDICTED = ("teff", "logg", "m_h")


def _figure_2(canvas: FigureBase, stars: FigureStars) -> str:
    panels = list(canvas.subplots(1, 2, sharex=True, sharey=True))
    referenced = all(stars.has(name) for name in _REFERENCE)
    reference = _REFERENCE if referenced else _PREDICTED
    training = stars.rows & (stars.column("in_training") > 0)
    bright = stars.rows & (stars.column("snr") > HIGH_SNR)
    samples = ((training, reference), (bright, _PREDICTED))
    scale = colour_scale(np.concatenate([stars.values(chosen, *names)[2] for chosen, names in samples]))
    counts = []
    for axes, (chosen, names), title in zip(panels, samples, ("training set, reference", "S/N > 50"), strict=True):
        counts.append(stars.draw(axes, chosen, (names[0], names[1]), stars.column(names[2]), scale))
        named = title if referenced or chosen is bright else "training set"
        axes.set(xlim=_TEFF_K, ylim=_LOGG_DEX, xlabel=axis_label("teff"), title=f"{named}: {stars_text(counts[-1])}")
        _draw_isochrones(axes, stars)
    panels[0].set_ylabel(axis_label("logg"))
    if panels[0].get_legend_handles_labels()[0]:
        panels[0].legend(title="[M/H] [dex]", title_fontsize=6.5, loc="lower right")
    stars.add_bar(canvas, panels, scale, axis_label("m_h"))
    return (
        f"{stars_text(counts[0])} of the training set by their {'reference labels' if referenced else 'labels'}, "
        f"{stars_text(counts[1])} with S/N above 50 by ours; isochrones of the catalogue nearest to 3 Gyr."
    )


def _draw_isochrones(axes: Axes, stars: FigureStars) -> None:
    tracks = stars.overlays.get("isochrones")
    if tracks is None or tracks.empty:
        return
    for item in nearest_isochrones(tracks)[1]:
        look: dict[str, Any] = {"color": item.colour, "linewidth": 0.9, "label": f"{item.m_h:+.2f}"}
        axes.plot(item.track["teff"], item.track["logg"], "--", **look)


def _figure_8(canvas: FigureBase, stars: FigureStars) -> str:
    planes = (
        ("x_helio", "y_gal", "v_x", "v_y", 0.0),
        ("x_helio", "z_gal", "v_x", "v_z", 0.0),
        ("y_gal", "z_gal", "v_y", "v_z", 0.0),
        ("r_gal", "z_gal", "v_r", "v_z", stars.r0_kpc),
    )
    far = stars.rows & (np.abs(stars.column("z_gal")) > FAR_KPC)
    for axes, (x, y, v_x, v_y, sun) in zip(canvas.subplots(2, 2).flat, planes, strict=True):
        stars.draw(axes, stars.rows, (x, y), None, (0.0, 1.0))
        at_x, at_y, along_x, along_y = (
            item[:: item.size // _MAX_ARROWS + 1] for item in stars.values(far, x, y, v_x, v_y)
        )
        heads = arrow_ends((at_x, at_y), (along_x, along_y))
        draw_arrows(axes, (at_x, at_y, *heads), axes.get_xlim(), color=BLUE, width=0.002)
        axes.axvline(sun, linestyle="--", color="0.2", linewidth=0.7)
        axes.axhline(0.0, linestyle="--", color="0.2", linewidth=0.7)
        axes.set(xlabel=axis_label(x), ylabel=axis_label(y))
        axes.set_aspect("equal", adjustable="datalim")
    known = stars.known(stars.rows, "x_helio", "y_gal", "z_gal")
    return (
        f"{stars_text(int(known.sum()))}; arrows (100 km/s are 2 kpc): velocities of {int((far & known).sum()):,} with "
        f"|Z| > {FAR_KPC:g} kpc. Dashed: the Sun."
    )


def _figure_9(canvas: FigureBase, stars: FigureStars) -> str:
    fields = stars.fields()
    scale = scale_of(fields, fields, MapOf.ALL, residual=False)
    panels = canvas.subplots(-(-len(fields) // 2), 2, sharex=True, sharey=True, squeeze=False)
    for axes, field in zip_longest(panels.flat, fields):
        if field is None:
            axes.set_axis_off()
            continue
        x_low, x_high, y_low, y_high = field.grid.window
        draw_map(axes, field.grid, image_of(field, scale, residual=False), scale)
        if lacks_stars(field):
            say(axes, f"fewer than {MIN_STARS} stars in every kernel")
        _draw_arms(axes, stars.overlays.get("spiral_arms"))
        axes.plot(-stars.r0_kpc, 0.0, "*", color=RED, markersize=6)
        axes.set(xlim=(x_low, x_high), ylim=(y_low, y_high), aspect="equal")
        axes.set_title(f"{slice_label(*field.slice_kpc)}: {stars_text(field.stars)}")
    for axes in panels[-1]:
        axes.set_xlabel(axis_label("x_gal"))
    for axes in panels[:, 0]:
        axes.set_ylabel(axis_label("y_gal"))
    colours = ScalarMappable(Normalize(scale.low, scale.high), ListedColormap(list(scale.ramp)))
    canvas.colorbar(colours, ax=list(panels.flat), pad=0.02, aspect=30).set_label(scale.print_label)
    return (
        f"{stars_text(sum(field.stars for field in fields))}: mean velocities by an adaptive kernel, line integral "
        f"convolution as brightness, rotation as colour, fading below {KERNEL_STARS:g} stars a kernel; dashed: spiral "
        "arms, star: the Sun."
    )


def _draw_arms(axes: Axes, arms: pd.DataFrame | None) -> None:
    for _, arm in arms.groupby("arm", sort=False) if arms is not None else ():
        axes.plot(arm["x_gal"], arm["y_gal"], "--", color="0.3", linewidth=0.7)


def _figure_10(canvas: FigureBase, stars: FigureStars) -> str:
    shown: Mask = stars.known(stars.rows, "j_phi", "j_tot", "z_gal", "j_z")
    x, y = stars.values(shown, "j_phi", "j_tot")
    panels = list(canvas.subplots(1, 2, sharex=True, sharey=True))
    for axes, name in zip(panels, ("z_gal", "j_z"), strict=True):
        values = np.abs(stars.column(name))
        scale = colour_scale(values[shown])
        stars.draw(axes, shown, ("j_phi", "j_tot"), values, scale)
        label = axis_label(name)
        stars.add_bar(canvas, [axes], scale, label.replace("Z", "|Z|") if name == "z_gal" else label)
        axes.set(xlim=ends(x), ylim=(0.0, ends(y)[1]), xlabel=axis_label("j_phi"), ylabel=axis_label("j_tot"))
        axes.locator_params(nbins=5)
    return f"{stars_text(x.size)}; J_tot = sqrt(J_R² + J_φ² + J_z²), which the paper does not define."


def _figure_11(canvas: FigureBase, stars: FigureStars) -> str:
    axes = canvas.subplots()
    stream = stars.overlays.get("stream_model")
    if stream is not None:
        points(axes, stream["sgr_lambda"].to_numpy(), stream["distance"].to_numpy(), "0.8", 3.0)
        axes.lines[-1].set(zorder=0.5, label="stream model")  # under the stars
        axes.legend(loc="upper right", markerscale=3.0)
    far = stars.rows & (np.abs(stars.column("z_gal")) > FAR_KPC)
    count = stars.draw(axes, far, ("sgr_lambda", "distance"), np.abs(stars.column("sgr_beta")), _B_DEG)
    stars.add_bar(canvas, [axes], _B_DEG, "|B| [deg]")
    (distances,) = stars.values(far, "distance")
    top = max(ends(distances)[1], 60.0) if distances.size else 60.0
    axes.set(xlim=(0, 360), ylim=(0, top), xlabel=axis_label("sgr_lambda"), ylabel=axis_label("distance"))
    model = "grey: the stream model of the catalogue" if stream is not None else "without a stream model"
    return f"{stars_text(count)} with |Z| > {FAR_KPC:g} kpc; {model}."


_DECLARED = (
    StarFigure(
        "2",
        "HR diagram of the training set and of the prediction",
        ("teff", "logg", "m_h", "snr", "in_training"),
        3.2,
        _figure_2,
    ),
    StarFigure(
        "8",
        "distribution in space",
        ("x_helio", "y_gal", "z_gal", "r_gal", "v_x", "v_y", "v_z", "v_r"),
        6.2,
        _figure_8,
    ),
    StarFigure("9", "rotation of the disc by height", names_at("map"), 6.2, _figure_9),
    StarFigure("10", "action space", ("j_phi", "j_tot", "j_z", "z_gal"), 3.0, _figure_10),
    StarFigure(
        "11",
        "distance along the Sagittarius stream",
        ("sgr_lambda", "sgr_beta", "distance", "z_gal"),
        3.2,
        _figure_11,
    ),
)

STAR_FIGURES = {figure.number: figure for figure in _DECLARED}
"""Figures by their number in the paper."""
