"""Declaration of a figure of the paper, and the stars that it is drawn of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from pipeline.figures.style import GREY, add_colour_bar, coloured_points, dot_size, points, say
from pipeline.science.space.mean_field import MeanField

Mask = NDArray[np.bool_]
Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Group:
    """Stars that are drawn in a colour of their own.

    Parameters
    ----------
    name : str
        Name.
    colour : str
        Colour.
    rows : ndarray of bool, shape (n,)
        The stars.
    """

    name: str
    colour: str
    rows: Mask


@dataclass(frozen=True)
class FigureStars:
    """Stars of a catalogue that a figure shows.

    Parameters
    ----------
    column : callable
        Returns a column by its name, NaN where a value is missing.
    has : callable
        Whether a column has any value.
    rows : ndarray of bool, shape (n,)
        The stars to show.
    called : str
        Description of the stars in the plural, for panels without any.
    overlays : mapping of str to DataFrame
        Isochrones, stream model and spiral arms of the catalogue.
    r0_kpc : float
        Distance of the Sun from the Galactic centre.
    fields : callable
        Returns the mean velocity fields of the stars, one a slice in height.
    groups : tuple of Group
        Stars by colour, instead of values by colour; the first one of several has a star.
    """

    column: Callable[[str], Values]
    has: Callable[[str], bool]
    rows: Mask
    called: str
    overlays: Mapping[str, pd.DataFrame]
    r0_kpc: float
    fields: Callable[[], tuple[MeanField, ...]]
    groups: tuple[Group, ...] = ()

    def known(self, chosen: Mask, *names: str) -> Mask:
        """Mask of those of the chosen stars that have a value in all of some columns."""
        return np.asarray(chosen & np.isfinite(np.stack([self.column(name) for name in names])).all(axis=0), np.bool_)

    def values(self, chosen: Mask, *names: str) -> tuple[Values, ...]:
        """Columns of those of the chosen stars that have a value in all of them."""
        known = self.known(chosen, *names)
        return tuple(self.column(name)[known] for name in names)

    def draw(
        self, axes: Axes, chosen: Mask, names: tuple[str, str], values: Values | None, scale: tuple[float, float]
    ) -> int:
        """Draw stars by value or by group, or write that there are none; returns their number.

        Parameters
        ----------
        axes : Axes
            Where to draw.
        chosen : ndarray of bool, shape (n,)
            The stars.
        names : tuple of str
            Columns along x and y.
        values : ndarray, shape (n,), optional
            Coloured value of each star; without one all stars are grey.
        scale : tuple of float
            Values of the first and the last colour.
        """
        known = self.known(chosen, *names)
        known = known & np.isfinite(values) if values is not None else known
        x, y = (self.column(name) for name in names)
        if not known.any():
            say(axes, f"no {self.called} here" if chosen.any() else f"no {self.called}")
        elif self.groups:
            self._draw_groups(axes, known, x, y)
        elif values is None:
            points(axes, x[known], y[known], GREY)
        else:
            coloured_points(axes, x[known], y[known], values[known], scale)
        return int(known.sum())

    def _draw_groups(self, axes: Axes, known: Mask, x: Values, y: Values) -> None:
        """Draw stars in the colours of their groups, the first group on top."""
        left, parts, size = known.copy(), [], 1.3 * dot_size(int(known.sum()))
        for group in self.groups:
            parts.append((left & group.rows, group.colour))
            left &= ~group.rows
        for rows, colour in ((left, GREY), *reversed(parts)):
            points(axes, x[rows], y[rows], colour, size)

    def add_bar(self, canvas: FigureBase, axes: list[Axes], scale: tuple[float, float], label: str) -> None:
        """Add a colour bar where values are coloured."""
        if not self.groups:
            add_colour_bar(canvas, axes, scale, label)


@dataclass(frozen=True)
class StarFigure:
    """A figure of the paper that can be drawn of any stars.

    Parameters
    ----------
    number : str
        Number in the paper.
    title : str
        Subject.
    needs : tuple of str
        Columns without which it is not drawn.
    height_inches : float
        Its height.
    draw : callable
        Draws on a figure or part of one, and returns what is shown, with numbers of stars.
    """

    number: str
    title: str
    needs: tuple[str, ...]
    height_inches: float
    draw: Callable[[FigureBase, FigureStars], str]
