"""Requests of the dock below the views: statistics of the table, comparison of samples, fits."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

from explorer.model.samples import MAX_BINS, MAX_COLUMNS
from explorer.model.screen import BarHeight, DockTab, FitKind, FootStatistic
from explorer.protocol.requests.base import Name, Request, Slot

BinCount: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_BINS)]
"""Number of bins of a histogram; 0 chooses it by the values."""


class Dock(Request, frozen=True):
    """Show a tab of the dock, or fold it; None leaves either as it is."""

    tab: DockTab | None = None
    open: bool | None = None


class CompareSamples(Request, frozen=True):
    """Choose what is compared; None leaves a choice as it is, an empty plane shows no map."""

    first: Name | None = None
    second: Name | None = None
    columns: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MAX_COLUMNS)] | None = None
    bins: BinCount | None = None
    height: BarHeight | None = None
    cumulative: bool | None = None
    plane: Annotated[tuple[Name, ...], Meta(max_length=2)] | None = None


class FitSample(Request, frozen=True):
    """Choose what is fitted; None leaves a choice as it is."""

    sample: Name | None = None
    model: FitKind | None = None
    x: Name | None = None
    y: Name | None = None
    shown: bool | None = None


class Foot(Request, frozen=True):
    """Choose the statistics at the foot of the table."""

    statistics: tuple[FootStatistic, ...]


class AnswerTable(Request, frozen=True):
    """Export the numbers of the open tab as a table."""

    form: Name


class AnswerPicture(Request, frozen=True):
    """Export the figure of the open tab."""

    form: Name


class Bins(Request, frozen=True):
    """Choose the number of bars of a histogram in the grid."""

    slot: Slot
    value: BinCount
