"""Figures 7 to 11: distances and positions, motion and actions in the Galaxy, the stream."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import FigureBase

from pipeline.reproduction.distances import PLANE_KPC, of_metallicity, relative_difference, reliable
from pipeline.reproduction.drawing import (
    BLACK,
    BLUE,
    GREY,
    RED,
    PaperFigure,
    add_colour_bar,
    axis_label,
    colour_scale,
    coloured_points,
    ends,
    points,
    stars_in,
    stars_text,
)
from pipeline.reproduction.survey import Survey

_DISC_KPC = 16.0
_ARROW_KPC_PER_KMS, _MAX_ARROW_KMS, _MAX_ARROWS = 0.02, 500.0, 1500
_RELATIVE_PERCENT = 150.0
_B_DEG = (0.0, 60.0)


def _figure_7(canvas: FigureBase, survey: Survey) -> str:
    left, right = canvas.subplots(1, 2)
    relative, every, black = relative_difference(survey), of_metallicity(survey), reliable(survey)
    distance, rows = survey["distance_geo"], np.isfinite(relative)
    limits = (-_RELATIVE_PERCENT, _RELATIVE_PERCENT)
    for chosen, colour, name in ((every, GREY, "all"), (black, BLACK, "d_geo < 4 kpc, S/N > 20")):
        values = relative[chosen & rows]
        label = f"{name}: {values.size:,}"
        if (np.abs(values) < _RELATIVE_PERCENT).any():  # a density of nothing is no number
            left.hist(values, bins=75, range=limits, density=True, histtype="step", color=colour, label=label)
        points(right, distance[chosen & rows], values, colour, 1.6)
    percentiles = np.percentile(relative[black & rows], (16.0, 50.0, 84.0)) if (black & rows).any() else ()
    for value in percentiles:
        left.axvline(float(value), linestyle="--", color=BLACK, linewidth=0.7)
    left.set(xlim=limits, xlabel="(d - d_geo)/d_geo [%]", yticks=[])
    left.set_ylim(0.0, 1.3 * left.get_ylim()[1])
    left.legend(loc="upper left")
    right.axhline(0.0, color=RED, linewidth=0.7)
    right.set(ylim=limits, xlabel=axis_label("distance_geo"), ylabel="(d - d_geo)/d_geo [%]")
    right.set_xlim(0.0, ends(distance[every & rows])[1])
    return (
        f"{stars_text(int((every & rows).sum()))} with [M/H] between -0.9 and 0.5 (grey), "
        f"{int((black & rows).sum()):,} of them with d_geo below 4 kpc and 20 times its error (black); dashed: 16th, "
        "50th and 84th percentile."
    )


def _figure_8(canvas: FigureBase, survey: Survey) -> str:
    planes = (
        ("x_helio", "y_gal", "v_x", "v_y", 0.0),
        ("x_helio", "z_gal", "v_x", "v_z", 0.0),
        ("y_gal", "z_gal", "v_y", "v_z", 0.0),
        ("r_gal", "z_gal", "v_r", "v_z", survey.r0_kpc),
    )
    far = survey.giants & (np.abs(survey["z_gal"]) > PLANE_KPC)
    for axes, (x_name, y_name, v_x, v_y, sun) in zip(canvas.subplots(2, 2).flat, planes, strict=True):
        every_x, every_y = stars_in(survey, survey.giants, x_name, y_name)
        points(axes, every_x, every_y, GREY, 1.0)
        at_x, at_y, along_x, along_y = stars_in(survey, far, x_name, y_name, v_x, v_y)
        every = slice(None, None, at_x.size // _MAX_ARROWS + 1)
        speed = np.hypot(along_x, along_y)[every]
        length = _ARROW_KPC_PER_KMS * np.minimum(1.0, _MAX_ARROW_KMS / np.maximum(speed, 1e-9))
        axes.quiver(
            *(at_x[every], at_y[every], length * along_x[every], length * along_y[every]),
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.002,
            color=BLUE,
        )
        axes.axvline(sun, linestyle="--", color="0.2", linewidth=0.7)
        axes.axhline(0.0, linestyle="--", color="0.2", linewidth=0.7)
        axes.set(xlabel=axis_label(x_name), ylabel=axis_label(y_name))
        axes.set_aspect("equal", adjustable="datalim")
    known = survey.giants & survey.known("x_helio", "y_gal", "z_gal")
    return (
        f"{stars_text(int(known.sum()))}; arrows (100 km/s are 2 kpc): velocities of {int((far & known).sum()):,} with "
        "|Z| > 5 kpc. Dashed: the Sun."
    )


def _figure_9(canvas: FigureBase, survey: Survey) -> str:
    maps = survey.products.maps
    speeds = np.concatenate([disc.v_phi[np.isfinite(disc.v_phi)] for disc in maps])
    scale = colour_scale(speeds)
    panels = canvas.subplots(2, 2, sharex=True, sharey=True)
    arms = survey.products.overlays.get("spiral_arms")
    for axes, disc in zip(panels.flat, maps, strict=False):
        low, high = float(disc.edges_kpc[0]), float(disc.edges_kpc[-1])
        factor = disc.texture.shape[0] // disc.v_phi.shape[0]
        speed = np.kron(disc.v_phi, np.ones((factor, factor), np.float32))
        colours = _viridis(np.nan_to_num(Normalize(*scale)(speed)))
        colours[..., :3] *= (0.55 + 0.45 * disc.texture[..., None] / 255.0).clip(0.0, 1.0)
        colours[..., 3] = np.isfinite(speed) & (disc.texture > 0)
        axes.imshow(colours, extent=(low, high, low, high), origin="lower", interpolation="nearest")
        for _, arm in arms.groupby("arm", sort=False) if arms is not None else ():
            axes.plot(arm["x_gal"], arm["y_gal"], "--", color="0.3", linewidth=0.7)
        axes.plot(-survey.r0_kpc, 0.0, "*", color=RED, markersize=6)
        axes.set(xlim=(-_DISC_KPC, _DISC_KPC), ylim=(-_DISC_KPC, _DISC_KPC), aspect="equal")
        axes.set_title(f"{disc.label}: {int(disc.count.sum()):,}")
    for axes in panels[-1]:
        axes.set_xlabel(axis_label("x_gal"))
    for axes in panels[:, 0]:
        axes.set_ylabel(axis_label("y_gal"))
    add_colour_bar(canvas, list(panels.flat), scale, axis_label("v_phi"))
    return (
        f"Maps of the build, {stars_text(int(sum(disc.count.sum() for disc in maps)))}: line integral convolution as "
        "brightness, median rotation as colour; dashed: spiral arms, star: the Sun."
    )


def _without_maps(survey: Survey) -> str:
    """Why there is no map to draw; "" where there is one."""
    maps = survey.products.maps
    if not maps:
        return "the build made no disc maps"
    filled = any(np.isfinite(disc.v_phi).any() for disc in maps)
    return "" if filled else "no cell of the build's disc maps has enough stars"


def _viridis(values: np.ndarray) -> np.ndarray:
    from matplotlib import colormaps  # noqa: PLC0415 - the registry is only needed here

    return np.asarray(colormaps["viridis"](values))


def _figure_10(canvas: FigureBase, survey: Survey) -> str:
    count = 0
    for axes, name in zip(canvas.subplots(1, 2, sharex=True, sharey=True), ("z_gal", "j_z"), strict=True):
        x, y, values = stars_in(survey, survey.giants, "j_phi", "j_tot", name)
        scale = colour_scale(np.abs(values) if name == "z_gal" else values)
        coloured_points(axes, x, y, np.abs(values), scale)
        add_colour_bar(canvas, [axes], scale, "|Z| [kpc]" if name == "z_gal" else axis_label(name))
        axes.set(xlim=ends(x), ylim=(0.0, ends(y)[1]), xlabel=axis_label("j_phi"), ylabel=axis_label("j_tot"))
        count = x.size
    return f"{stars_text(count)}; J_tot = sqrt(J_R² + J_φ² + J_z²), which the paper does not define."


def _figure_11(canvas: FigureBase, survey: Survey) -> str:
    axes = canvas.subplots()
    stream = survey.products.overlays.get("stream_model")
    if stream is not None:
        points(axes, stream["sgr_lambda"].to_numpy(), stream["distance"].to_numpy(), "0.78", 3.0)
    far = survey.giants & (np.abs(survey["z_gal"]) > PLANE_KPC)
    x, y, beta = stars_in(survey, far, "sgr_lambda", "distance", "sgr_beta")
    axes.scatter(x, y, c=np.abs(beta), s=5, cmap="viridis", vmin=_B_DEG[0], vmax=_B_DEG[1], linewidths=0)
    add_colour_bar(canvas, [axes], _B_DEG, "|B| [deg]")
    top = max(ends(y)[1], 60.0) if y.size else 60.0
    axes.set(xlim=(0, 360), ylim=(0, top), xlabel=axis_label("sgr_lambda"), ylabel=axis_label("distance"))
    model = "grey: the stream model of the catalogue" if stream is not None else "without a stream model"
    return f"{stars_text(x.size)} with |Z| > 5 kpc; {model}."


FIGURES = (
    PaperFigure(
        *("7", "distances against geometric ones"),
        "Histogram of (d - d_geo)/d_geo and the same against d_geo, for all stars with [M/H] between -0.9 and 0.5 "
        "(grey) and for reliable d_geo below 4 kpc (black): median 0.2 %, 16th and 84th percentile 21.2 and 27.5 %.",
        ("distance", "distance_geo", "distance_geo_16", "distance_geo_84", "m_h"),
        *(3.0, _figure_7),
    ),
    PaperFigure(
        *("8", "distribution in space"),
        "Positions in X-Y, X-Z, Y-Z and R-Z; arrows are velocities of stars with |Z| > 5 kpc. Most stars are in the "
        "disc; the Sun is at (0, 0, 0) and (8.34, 0) kpc.",
        ("x_helio", "y_gal", "z_gal", "r_gal", "v_x", "v_y", "v_z", "v_r"),
        *(6.2, _figure_8),
    ),
    PaperFigure(
        *("9", "rotation of the disc by height"),
        "Line integral convolution of the velocity field in slices of height, with five spiral arms: the disc's "
        "rotation as streaming.",
        ("x_gal", "y_gal", "v_phi"),
        *(6.2, _figure_9),
        refuse=_without_maps,
    ),
    PaperFigure(
        *("10", "action space"),
        "J_φ against J_tot, coloured by height and by J_z: a thin belt of the disc at low height and J_z, few stars "
        "with large J_tot and small J_φ.",
        ("j_phi", "j_tot", "j_z", "z_gal"),
        *(3.0, _figure_10),
    ),
    PaperFigure(
        *("11", "distance along the Sagittarius stream"),
        "Distance against Λ of stars with |Z| > 5 kpc, coloured by |B|, over the model of Law & Majewski (2010), which "
        "they fit well.",
        ("sgr_lambda", "sgr_beta", "distance", "z_gal"),
        *(3.2, _figure_11),
    ),
)
"""Figures of sections 3.3 and 4."""
