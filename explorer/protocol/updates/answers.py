"""Parts of a message for the dock below the views: comparison of samples, and fits."""

from __future__ import annotations

from typing import TypedDict

from msgspec import UNSET, UnsetType

from explorer.model.screen import BarHeight, DockTab, FitKind, FootStatistic
from explorer.protocol.requests.base import Ends
from explorer.protocol.updates.base import ColumnChoice, Float32s, Float64s, MessagePart, Row
from explorer.protocol.updates.figures import Window


class SampleChoice(Row, frozen=True):
    """A sample on a menu."""

    key: str
    title: str


class DockView(MessagePart, frozen=True):
    """Tab of the dock, and whether it is unfolded; statistics of the foot of the table."""

    tab: DockTab
    open: bool
    foot: tuple[FootStatistic, ...]
    columns: tuple[ColumnChoice, ...] | UnsetType = UNSET


class SampleBars(MessagePart, frozen=True):
    """Bars of one sample: their heights, the stars in each, and the median of the values."""

    name: str
    colour: str
    heights: Float64s
    counts: Float64s
    median: float | None


class DistributionDrawing(MessagePart, frozen=True):
    """Histograms of one column on common edges; ``beyond`` counts values outside of them.

    The curve is a fitted Gaussian as expected in bars.
    """

    label: str
    height: str
    edges: Float64s
    samples: tuple[SampleBars, ...]
    beyond: str
    curve_x: Float64s | UnsetType = UNSET
    curve_y: Float64s | UnsetType = UNSET


class DifferenceDrawing(MessagePart, frozen=True):
    """Map of the difference of two samples: levels of cells from the lower left, 0 where no star is.

    Level 128 is no difference. Ends of the axes are in drawing order; ``window`` bounds the cells.
    """

    x: str
    y: str
    x_ends: Ends
    y_ends: Ends
    window: Window
    shape: tuple[int, int]
    levels: bytes
    palette: bytes
    caption: str


class RelationDrawing(MessagePart, frozen=True):
    """Stars of one sample in a plane with the running median and the line, empty where missing."""

    x: str
    y: str
    x_ends: Ends
    y_ends: Ends
    name: str
    colour: str
    stars_x: Float32s
    stars_y: Float32s
    at: Float64s
    median: Float64s
    error: Float64s
    low: Float64s
    high: Float64s
    line_x: Float64s
    line_y: Float64s
    line_low: Float64s
    line_high: Float64s
    note: str


class StatisticRow(Row, frozen=True):
    """One statistic of both samples, their difference, and that in standard errors, as texts."""

    name: str
    first: str
    second: str
    difference: str
    sigma: str


class ComparedColumn(MessagePart, frozen=True):
    """Comparison in one column; a sentence instead of numbers where there are none."""

    column: str
    title: str
    headline: str
    rows: tuple[StatisticRow, ...]
    sentences: tuple[str, ...]
    drawing: DistributionDrawing | None


class CompareUpdate(MessagePart, frozen=True):
    """Choices and result of the comparison.

    ``stale`` is true from a brush until its numbers are there, ``rough`` until errors and tests are. A sentence
    replaces the result where nothing can be compared.
    """

    stale: bool
    rough: bool | UnsetType = UNSET
    samples: tuple[SampleChoice, ...] | UnsetType = UNSET
    first: str | UnsetType = UNSET
    second: str | UnsetType = UNSET
    colours: tuple[str, str] | UnsetType = UNSET
    titles: tuple[str, str] | UnsetType = UNSET
    columns: tuple[str, ...] | UnsetType = UNSET
    bins: int | UnsetType = UNSET
    height: BarHeight | UnsetType = UNSET
    cumulative: bool | UnsetType = UNSET
    plane: tuple[str, ...] | UnsetType = UNSET
    sentence: str | UnsetType = UNSET
    results: tuple[ComparedColumn, ...] | UnsetType = UNSET
    difference: DifferenceDrawing | UnsetType | None = UNSET


class FitRow(Row, frozen=True):
    """One number of a fit, as text."""

    name: str
    value: str


class FitUpdate(MessagePart, frozen=True):
    """Choices and result of the fit; a sentence replaces the result where nothing can be fitted."""

    stale: bool
    samples: tuple[SampleChoice, ...] | UnsetType = UNSET
    sample: str | UnsetType = UNSET
    model: FitKind | UnsetType = UNSET
    x: str | UnsetType = UNSET
    y: str | UnsetType = UNSET
    shown: bool | UnsetType = UNSET
    sentence: str | UnsetType = UNSET
    rows: tuple[FitRow, ...] | UnsetType = UNSET
    sentences: tuple[str, ...] | UnsetType = UNSET
    relation: RelationDrawing | UnsetType | None = UNSET
    distribution: DistributionDrawing | UnsetType | None = UNSET


class FittedCurves(MessagePart, frozen=True):
    """Curves of a fit over one view, each with its colour and dash; none removes them."""

    slot: int
    xs: tuple[Float64s, ...]
    ys: tuple[Float64s, ...]
    colours: tuple[str, ...]
    dashes: tuple[str, ...]


class AnswersUpdate(TypedDict, total=False):
    """Parts for the dock, beside the table's."""

    dock: DockView
    compare: CompareUpdate
    fit: FitUpdate
    fit_curves: tuple[FittedCurves, ...]
