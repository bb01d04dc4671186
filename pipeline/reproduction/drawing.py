"""Declaration of a figure of the report, and marks that figures of differences share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from pipeline.domain.reproduction import DescribedFigure
from pipeline.domain.statistics import robust_scatter, with_error
from pipeline.figures.figure import StarFigure
from pipeline.figures.style import ends
from pipeline.reproduction.survey import BoolArray, FloatArray, Survey

_BINS = 60
_LEGEND_ROOM = 1.8
_HISTOGRAM_SCATTERS = 5.0

Histogram: TypeAlias = tuple[str, FloatArray, str]
"""Name, values and colour of a sample."""


@dataclass(frozen=True)
class PaperFigure(DescribedFigure):
    """One figure of the paper and its drawing.

    Parameters
    ----------
    needs : tuple of str
        Columns without which it is not drawn.
    height_inches : float
        Height of ours.
    draw : callable
        Draws on a figure or part of one, and returns what is shown, with numbers of stars.
    refuse : callable
        Takes a survey that has the columns, and returns why it is not drawn; "" where it is.
    """

    needs: tuple[str, ...]
    height_inches: float
    draw: Callable[[FigureBase, Survey], str]
    refuse: Callable[[Survey], str] = lambda _: ""

    def missing(self, survey: Survey) -> str:
        """Why it cannot be drawn; "" where it can."""
        return survey.lacking(self.needs) or self.refuse(survey)


def of_stars(figure: StarFigure, paper: str) -> PaperFigure:
    """A figure that is drawn of any stars, here of the catalogue's M giants."""
    return PaperFigure(
        *(figure.number, figure.title, paper, figure.needs, figure.height_inches),
        lambda canvas, survey: figure.draw(canvas, survey.figure_stars()),
    )


def equal_line(axes: Axes, *values: FloatArray) -> None:
    """Dashed line where both values are equal, and the same ends on both axes."""
    limits = ends(*values)
    axes.plot(limits, limits, "--", color="0.35", linewidth=0.8)
    axes.set(xlim=limits, ylim=limits)


def histograms(axes: Axes, samples: Sequence[Histogram], label: str, *, robust: bool = False) -> None:
    """Distributions of differences as outlines, with their means or medians dashed.

    The legend gives numbers of stars, and means with standard deviations, or medians with robust scatters.
    """
    known = [(name, values[np.isfinite(values)], colour) for name, values, colour in samples]
    filled = [item for item in known if item[1].size]
    spread = max((_width(values) for _, values, _ in filled), default=1.0) or 1.0
    farthest = max((abs(float(np.median(values))) for _, values, _ in filled), default=0.0)
    reach = farthest + _HISTOGRAM_SCATTERS * spread
    for name, values, colour in filled:
        centre, width = (np.median(values), robust_scatter(values)) if robust else (np.mean(values), np.std(values))
        text = f"{name}: {values.size:,}\n{with_error(float(centre), float(width), sign='+')}".lstrip(": ")
        axes.hist(values, bins=_BINS, range=(-reach, reach), density=True, histtype="step", color=colour, label=text)
        axes.axvline(float(centre), 0.0, 1.0 / _LEGEND_ROOM, linestyle="--", color=colour, linewidth=0.7)
    axes.set(xlim=(-reach, reach), xlabel=label, yticks=[])
    if filled:
        axes.set_ylim(0.0, _LEGEND_ROOM * axes.get_ylim()[1])
        axes.legend(loc="upper left", borderaxespad=0.2)


def _width(values: FloatArray) -> float:
    low, high = np.percentile(values, (16.0, 84.0))
    return 0.5 * float(high - low)


def stars_in(survey: Survey, chosen: BoolArray, *names: str) -> tuple[FloatArray, ...]:
    """Columns of the chosen stars that have a value of all of them."""
    rows = chosen & survey.known(*names)
    return tuple(survey[name][rows] for name in names)
