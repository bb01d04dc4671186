"""Parts of a message for the page of columns."""

from __future__ import annotations

from typing import TypedDict

from explorer.protocol.updates.base import MessagePart, Row


class OpeningStatus(MessagePart, frozen=True):
    """Progress of the products, as a fraction or None; ``open`` if the explorer can be entered."""

    heading: str
    text: str
    fraction: float | None
    error: str
    open: bool
    retry: bool


class ColumnReport(MessagePart, frozen=True):
    """One column of ours: what feeds it, and its values as texts; ``share`` is that of known values."""

    ours: str
    label: str
    description: str
    theirs: str
    reason: str
    unit_from: str
    unit_to: str
    known: str
    share: float
    range: tuple[str, ...]
    replaced: str
    note: str
    units: tuple[str, ...]
    corrected: bool


class AbsentColumn(Row, frozen=True):
    """A column of ours that nothing feeds."""

    ours: str
    corrected: bool


class TableReport(MessagePart, frozen=True):
    """How a table was understood."""

    file: str
    heading: str
    schema: str
    match: str
    notes: tuple[str, ...]
    names: tuple[str, ...]
    own: tuple[str, ...]
    columns: tuple[ColumnReport, ...]
    absent: tuple[AbsentColumn, ...]


class StagePlan(Row, frozen=True):
    """A stage, and the reason why it does not run, "" where it does."""

    name: str
    reason: str


class RoleChoice(Row, frozen=True):
    """A column of ours that a column of the file can feed, and the units that can be chosen."""

    name: str
    label: str
    description: str
    unit: str
    units: tuple[str, ...]


class ColumnsReport(MessagePart, frozen=True):
    """Report on all tables."""

    tables: tuple[TableReport, ...]
    stages: tuple[StagePlan, ...]
    roles: tuple[RoleChoice, ...]


class ColumnsUpdate(TypedDict, total=False):
    """Parts that the page of columns takes."""

    permitted: bool
    refusal: str
    requested: bool
    status: OpeningStatus
    columns: ColumnsReport
    applied: bool
