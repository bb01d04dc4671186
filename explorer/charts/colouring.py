"""Colour scales of columns: levels, palettes, legends, and the drawing of stars in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.journal import add_colour_bar, colormap_of, drawable, label_of
from explorer.charts.palettes import (
    CATEGORY_COLOURS,
    IN_NONE,
    category_ramp,
    count_ramp,
    gradient_css,
    is_diverging,
    value_ramp,
)
from explorer.charts.shading import Canvas, Image, Layer, Viewport
from explorer.model.selection import Mask, Selection
from explorer.model.subsets import Subset
from explorer.model.table import MAX_CATEGORIES, StarTable

Points: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]

_TAIL = 0.02

_MAX_SUBSETS = 250
"""Maximum number of subsets that an image of bytes distinguishes."""

_LONE_LEVEL, _LONE_COLOUR = 150, "#21548a"
"""Level on screen, and colour in a picture, of a single star where colours are densities."""

_MAX_NAMED = 30
"""Maximum number of categories in a legend; colours repeat before that."""

_MARKS: dict[str, Any] = {"s": 3.0, "linewidths": 0.0}


class Colouring(ABC):
    """Colours of the selected stars: an image of levels, single stars, a palette and its legend."""

    @abstractmethod
    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """The selected stars of a plane as an image."""

    @abstractmethod
    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:
        """Levels of single stars, by their rows; 0 for a star without a colour."""

    @abstractmethod
    def ramp(self, *, dark: bool) -> tuple[str, ...]:
        """Colours of the 256 levels."""

    @abstractmethod
    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:
        """Legend: a label with a gradient between two ends, or categories with their colours.

        ``single`` states that stars are drawn one by one.
        """

    @abstractmethod
    def draw_points(self, axes: Axes, table: StarTable, at: Points, stars: NDArray[np.int64]) -> None:
        """Draw single stars, by their coordinates and rows, in a picture."""

    def draw_key(self, axes: Axes, table: StarTable) -> list[Line2D]:  # noqa: ARG002 - densities have none
        """Draw a colour bar, or return legend handles."""
        return []


@dataclass(frozen=True)
class Density(Colouring):
    """Colours by the number of stars in a pixel.

    Parameters
    ----------
    note : str
        Reason why the requested colours are not used.
    """

    note: str = ""

    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """Density on the scale of all stars."""
        return canvas.density(viewport, rows)

    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:  # noqa: ARG002 - all alike
        """The same level for each star."""
        return np.full(stars.shape, _LONE_LEVEL, np.uint8)

    def ramp(self, *, dark: bool) -> tuple[str, ...]:
        """The palette of counts."""
        return count_ramp(dark)

    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:  # noqa: ARG002 - of no column
        """Stars a pixel, or dots."""
        note = f" ({self.note})" if self.note else ""
        if single:
            return protocol.Legend(f"each dot is a star{note}", entries=())
        gradient = gradient_css(self.ramp(dark=dark))
        return protocol.Legend(f"stars per pixel (log){note}", low="1", high="most in view", gradient=gradient)

    def draw_points(self, axes: Axes, table: StarTable, at: Points, stars: NDArray[np.int64]) -> None:  # noqa: ARG002 - alike
        """Points of one colour."""
        axes.scatter(*at, color=_LONE_COLOUR, **_MARKS)


@dataclass(frozen=True)
class ValueScale(Colouring):
    """Colours by the mean of a column, between fixed limits of the whole catalogue.

    A brush does not change the colours of the stars that stay selected.

    Parameters
    ----------
    name : str
        Column name.
    low, high : float
        Values of the first and the last colour, in the column's unit.
    """

    name: str
    low: float
    high: float

    def levels(self, values: NDArray[np.floating]) -> Image:
        """Levels 1 to 255 of single values; 0 where NaN."""
        gain = 254.0 / ((self.high - self.low) or 1.0)
        scaled = np.clip(1.5 + gain * (values.astype(np.float64) - self.low), 1.0, 255.0)
        return np.where(np.isfinite(scaled), scaled, 0.0).astype(np.uint8)

    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """Mean in each pixel."""
        return canvas.mean(viewport, rows, self.name, self.low, self.high)

    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:
        """Levels by value; 0 where NaN."""
        return self.levels(table.axis(self.name)[stars])

    def ramp(self, *, dark: bool) -> tuple[str, ...]:
        """The palette of the column: sequential, or diverging."""
        return value_ramp(self.name, dark)

    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:
        """The column with its unit, and the ends of the scale."""
        words = table.column(self.name).axis_label
        return protocol.Legend(
            label=words if single else f"mean {words}",
            low=number(self.low),
            high=number(self.high),
            gradient=gradient_css(self.ramp(dark=dark)),
        )

    def draw_points(self, axes: Axes, table: StarTable, at: Points, stars: NDArray[np.int64]) -> None:
        """Points in the colour of their value, without those that have none."""
        values = table.axis(self.name)[stars]
        known = np.isfinite(values)
        x, y = (along[known] for along in at)
        colours: dict[str, Any] = {"cmap": colormap_of(self.ramp(dark=False)), "vmin": self.low, "vmax": self.high}
        axes.scatter(x, y, c=values[known], **colours, **_MARKS)

    def draw_key(self, axes: Axes, table: StarTable) -> list[Line2D]:
        """Draw a colour bar."""
        add_colour_bar(axes, self.ramp(dark=False), self.low, self.high, label_of(table.column(self.name)))
        return []


@dataclass(frozen=True)
class Categories(Colouring):
    """Colours by the commonest category in a pixel; a category keeps its colour whatever else is selected.

    Parameters
    ----------
    name : str
        Name of the categorised quantity.
    labels, colours : tuple of str
        Category k and its colour.
    codes : ndarray of uint8, shape (n,)
        Category of each star; those beyond the labels have none and are not drawn.
    rest : bool
        Whether the last category contains the stars in no other category; it never hides another one.
    """

    name: str
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    codes: Image
    rest: bool = False

    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """Commonest category in each pixel."""
        return canvas.commonest(viewport, rows, self.codes, len(self.labels), rest=self.rest)

    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:  # noqa: ARG002 - of the codes
        """Levels by category; 0 for a star in none."""
        codes = self.codes[stars]
        return np.where(codes < len(self.labels), codes.astype(np.int64) + 1, 0).astype(np.uint8)

    def ramp(self, *, dark: bool) -> tuple[str, ...]:  # noqa: ARG002 - categories keep their colours
        """Level k + 1 is the colour of category k."""
        return category_ramp(self.colours)

    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:  # noqa: ARG002 - the same
        """Categories with their colours."""
        named = zip(self.labels, self.colours, strict=True)
        return protocol.Legend(self.name, entries=tuple(protocol.LegendEntry(*entry) for entry in named))

    def draw_points(self, axes: Axes, table: StarTable, at: Points, stars: NDArray[np.int64]) -> None:  # noqa: ARG002 - of the codes
        """Points in the colours of their categories, the last category lowest."""
        for category, colour in reversed(list(enumerate(self.colours))):
            inside = self.codes[stars] == category
            axes.scatter(at[0][inside], at[1][inside], color=colour, **_MARKS)

    def draw_key(self, axes: Axes, table: StarTable) -> list[Line2D]:  # noqa: ARG002 - the legend is the figure's
        """Legend handles of the categories, or of the first ones of many."""
        named = list(zip(self.labels, self.colours, strict=True))
        more = len(named) - _MAX_NAMED
        if more > 0:
            named = [*named[: _MAX_NAMED - 1], (f"and {more + 1} more", "none")]
        return [
            Line2D([], [], marker=".", linestyle="", color=colour, label=drawable(label, label))
            for label, colour in named
        ]


def colouring_of(table: StarTable, name: str) -> Colouring:
    """Scale of a column over the whole catalogue; density for a column without values."""
    if name in table and table.column(name).dtype in ("str", "bool"):
        return _categories(table, name)
    limits = table.limits(name, _TAIL) if name in table else None
    if limits is None:
        return Density()
    if is_diverging(name):
        reach = max(abs(limits[0]), abs(limits[1]))
        return ValueScale(name, -reach, reach)
    return ValueScale(name, *limits)


def _categories(table: StarTable, name: str) -> Colouring:
    categories = table.categories(name)
    label = table.column(name).label
    if categories is None:
        return Density(f"{label} has one value, or more than {MAX_CATEGORIES}")
    labels, codes = categories
    codes.setflags(write=False)
    return Categories(label, labels, CATEGORY_COLOURS[: len(labels)], codes)


def colouring_of_subsets(
    table: StarTable,
    subsets: Sequence[Subset],
    *,
    dark: bool,
    mask_of: Callable[[Selection], Mask] | None = None,
) -> Colouring:
    """Colours by the first subset that contains a star, else a neutral one; density without subsets.

    ``mask_of`` evaluates a selection and may cache masks of subsets.
    """
    mask_of = mask_of or (lambda selection: selection.mask(table))
    if not subsets:
        return Density("no subset is named yet")
    subsets = subsets[:_MAX_SUBSETS]
    codes = np.full(table.n_stars, len(subsets), np.uint8)
    for number in reversed(range(len(subsets))):
        codes[mask_of(subsets[number].selection)] = number
    codes.setflags(write=False)
    labels, colours = (
        (*(subset.name for subset in subsets), "in none"),
        (*(subset.colour for subset in subsets), IN_NONE[dark]),
    )
    return Categories("subset", labels, colours, codes, rest=True)


def number(value: float) -> str:
    """Format a value for the ends of a colour bar."""
    magnitude = abs(value)
    if magnitude >= 1e9 or 0 < magnitude < 0.01:
        return f"{value:.3g}"
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
