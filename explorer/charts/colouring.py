"""Colour scales of stars: levels of images and of single stars, palettes, and legends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.crowding import Crowding
from explorer.charts.journal import add_colour_bar, label_of
from explorer.charts.palettes import count_ramp, gradient_css, is_diverging, ramp_of
from explorer.charts.shading import Canvas, Image, Layer, Viewport
from explorer.model.appearance import Appearance
from explorer.model.colour_maps import COLOUR_MAPS, COUNTS, DIVERGING, SEQUENTIAL, ColourMap
from explorer.model.selection import Mask, SelectionError
from explorer.model.table import StarTable

_PLAIN = Appearance()

_LONE_LEVEL = 200
"""Level of a few selected stars where colours are densities."""


class Colouring(ABC):
    """Colours of the selected stars: an image of levels, single stars, a palette and its legend."""

    scale: ClassVar[protocol.ScaleKind] = "density"
    """What the levels mean."""
    layered: ClassVar[bool] = False
    """Whether stars of low levels are drawn over those of high ones."""

    @abstractmethod
    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """The selected stars of a plane as an image."""

    @abstractmethod
    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:
        """Levels of single stars, by their rows; 0 for a star without a colour."""

    def dot_levels(self, table: StarTable, stars: NDArray[np.int64], picked: Mask, crowding: Crowding) -> Image:  # noqa: ARG002 - of densities
        """Levels of all single stars on screen; 0 for those that are not picked."""
        return np.where(picked, self.star_levels(table, stars), 0).astype(np.uint8)

    def emphasised(self, levels: Image) -> Image:
        """Levels of a selection beside which other stars are not selected."""
        return levels

    def member_codes(self) -> tuple[Image, int] | None:
        """Category of each star and number of those that keep their colour unselected; None where none does."""
        return None

    @abstractmethod
    def ramp(self, *, dark: bool) -> tuple[str, ...]:
        """Colours of the 256 levels."""

    @abstractmethod
    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:
        """Legend: a label with a gradient between two ends, or categories with their colours.

        ``single`` states that stars are drawn one by one.
        """

    @property
    def ends(self) -> tuple[float, float] | None:
        """Values of the first and the last colour; None without."""
        return None

    def draw_key(self, axes: Axes, table: StarTable) -> list[Line2D]:  # noqa: ARG002 - densities have none
        """Draw a colour bar, or return legend handles."""
        return []


@dataclass(frozen=True)
class Density(Colouring):
    """Colours by the number of stars in a pixel, or near a single star.

    Parameters
    ----------
    note : str
        Reason why the requested colours are not used.
    colour_map : ColourMap
        The colours, of which those of most contrast are the densest places.
    reverse : bool
        Whether they are the sparsest ones.
    """

    note: str = ""
    colour_map: ColourMap = COUNTS
    reverse: bool = False

    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """Density on the scale of all stars."""
        return canvas.density(viewport, rows)

    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:  # noqa: ARG002 - all alike
        """The same level for each star."""
        return np.full(stars.shape, _LONE_LEVEL, np.uint8)

    def dot_levels(self, table: StarTable, stars: NDArray[np.int64], picked: Mask, crowding: Crowding) -> Image:  # noqa: ARG002 - of no column
        """Density near each star on the scale of all stars."""
        return crowding.levels(picked)

    def ramp(self, *, dark: bool) -> tuple[str, ...]:
        """The palette of counts."""
        return count_ramp(dark, self.colour_map, reverse=self.reverse)

    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:  # noqa: ARG002 - of no column
        """Stars in a pixel, or near each dot."""
        note = f" ({self.note})" if self.note else ""
        words, low = (
            (f"density near each star (log){note}", "alone") if single else (f"stars per pixel (log){note}", "1")
        )
        return protocol.Legend(words, low=low, high="most in view", gradient=gradient_css(self.ramp(dark=dark)))


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
    logarithmic : bool
        Whether levels are those of the logarithm; values that have none have no colour.
    colour_map : ColourMap
        The colours.
    reverse : bool
        Whether they run from high to low.
    """

    scale: ClassVar[protocol.ScaleKind] = "value"

    name: str
    low: float
    high: float
    logarithmic: bool = False
    colour_map: ColourMap = SEQUENTIAL
    reverse: bool = False

    def levels(self, values: NDArray[np.floating]) -> Image:
        """Levels 1 to 255 of single values; 0 where NaN."""
        ends, numbers = np.array([self.low, self.high]), values.astype(np.float64)
        if self.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                ends, numbers = np.log(ends), np.where(numbers > 0.0, np.log(numbers), np.nan)
        gain = 254.0 / ((ends[1] - ends[0]) or 1.0)
        with np.errstate(over="ignore"):
            scaled = np.clip(1.5 + gain * (numbers - ends[0]), 1.0, 255.0)
        return np.where(np.isfinite(values) & np.isfinite(scaled), scaled, 0.0).astype(np.uint8)

    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """Mean in each pixel."""
        return canvas.mean(viewport, rows, self.name, (self.low, self.high), logarithmic=self.logarithmic)

    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:
        """Levels by value; 0 where NaN."""
        return self.levels(table.axis(self.name)[stars])

    def ramp(self, *, dark: bool) -> tuple[str, ...]:
        """The palette of the column: sequential, or diverging."""
        return ramp_of(self.colour_map, dark, reverse=self.reverse)

    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:
        """The column with its unit, and the ends of the scale."""
        words = table.column(self.name).axis_label + (" (log)" if self.logarithmic else "")
        return protocol.Legend(
            label=words if single else f"mean {words}",
            low=number(self.low),
            high=number(self.high),
            gradient=gradient_css(self.ramp(dark=dark)),
        )

    @property
    def ends(self) -> tuple[float, float] | None:
        """Ends of the scale."""
        return self.low, self.high

    def draw_key(self, axes: Axes, table: StarTable) -> list[Line2D]:
        """Draw a colour bar."""
        label, ramp = label_of(table.column(self.name)), self.ramp(dark=False)
        add_colour_bar(axes, ramp, self.low, self.high, label, logarithmic=self.logarithmic)
        return []


def colouring_of(table: StarTable, name: str, appearance: Appearance = _PLAIN) -> Colouring:
    """Scale of a column over the whole catalogue; density for a column without values.

    Raises
    ------
    SelectionError
        If the column cannot have the requested scale.
    """
    chosen = COLOUR_MAPS.get(appearance.colour_map)
    limits = table.limits(name, appearance.tail / 100.0) if name in table else None
    if limits is None:
        return Density("", chosen or COUNTS, appearance.reversed)
    signed = is_diverging(name) and not appearance.logarithmic
    low, high = limits
    if appearance.logarithmic:
        low, high = _positive_limits(table, name, limits)
    elif signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    low, high = _typed(table, name, (low, high), appearance)
    colour_map = chosen or usual_map(name, signed=signed)
    return ValueScale(name, low, high, appearance.logarithmic, colour_map, appearance.reversed)


def usual_map(name: str, *, signed: bool | None = None) -> ColourMap:
    """Colour map of a column, "" for numbers of stars, unless another one is chosen."""
    signed = is_diverging(name) if signed is None else signed
    return COUNTS if not name else DIVERGING if signed else SEQUENTIAL


def _positive_limits(table: StarTable, name: str, limits: tuple[float, float]) -> tuple[float, float]:
    """Ends of a logarithmic scale that nearly all positive values are within."""
    low, high = limits
    if low > 0.0:
        return low, high
    values = table.axis(name)
    positive = values[np.isfinite(values) & (values > 0.0)]
    if not positive.size:
        raise SelectionError(f"{table.column(name).label} has no positive value, so it has no logarithmic colours.")
    smallest = float(np.quantile(positive, _SMALLEST))
    return smallest, high if high > smallest else float(positive.max())


def _typed(table: StarTable, name: str, ends: tuple[float, float], appearance: Appearance) -> tuple[float, float]:
    """Ends with those that were typed."""
    low = ends[0] if appearance.low is None else appearance.low
    high = ends[1] if appearance.high is None else appearance.high
    label = table.column(name).label
    if appearance.logarithmic and low <= 0.0:
        raise SelectionError(f"Logarithmic colours of {label} begin at {low:g}; type a first value above 0.")
    if low > high:
        raise SelectionError(
            f"Colours of {label} from {number(low)} to {number(high)} have no room: type a first value below the last."
        )
    return low, high


_SMALLEST = 0.02
"""Share of the positive values below the first logarithmic colour."""


def number(value: float) -> str:
    """Format a value for the ends of a colour bar."""
    magnitude = abs(value)
    if magnitude >= 1e9 or 0 < magnitude < 0.01:
        return f"{value:.3g}"
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
