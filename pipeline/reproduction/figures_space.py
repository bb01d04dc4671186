"""Figures 7 to 11: distances and positions, motion and actions in the Galaxy, the stream."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import FigureBase

from pipeline.figures.star_figures import STAR_FIGURES
from pipeline.figures.style import BLACK, GREY, RED, axis_label, ends, points, stars_text
from pipeline.reproduction.distances import of_metallicity, relative_difference, reliable
from pipeline.reproduction.drawing import PaperFigure, of_stars
from pipeline.reproduction.survey import Survey

_RELATIVE_PERCENT = 150.0


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


FIGURES = (
    PaperFigure(
        *("7", "distances against geometric ones"),
        "Histogram of (d - d_geo)/d_geo and the same against d_geo, for all stars with [M/H] between -0.9 and 0.5 "
        "(grey) and for reliable d_geo below 4 kpc (black): median 0.2 %, 16th and 84th percentile 21.2 and 27.5 %.",
        ("distance", "distance_geo", "distance_geo_16", "distance_geo_84", "m_h"),
        *(3.0, _figure_7),
    ),
    of_stars(
        STAR_FIGURES["8"],
        "Positions in X-Y, X-Z, Y-Z and R-Z; arrows are velocities of stars with |Z| > 5 kpc. Most stars are in the "
        "disc; the Sun is at (0, 0, 0) and (8.34, 0) kpc.",
    ),
    of_stars(
        STAR_FIGURES["9"],
        "Line integral convolution of the velocity field in slices of height, with five spiral arms: the disc's "
        "rotation as streaming.",
    ),
    of_stars(
        STAR_FIGURES["10"],
        "J_φ against J_tot, coloured by height and by J_z: a thin belt of the disc at low height and J_z, few stars "
        "with large J_tot and small J_φ.",
    ),
    of_stars(
        STAR_FIGURES["11"],
        "Distance against Λ of stars with |Z| > 5 kpc, coloured by |B|, over the model of Law & Majewski (2010), which "
        "they fit well.",
    ),
)
"""Figures of sections 3.3 and 4."""
