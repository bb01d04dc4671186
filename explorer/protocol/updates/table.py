"""Updates of the table of the selection and of the menu of columns."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from explorer.protocol.updates.base import MessagePart, Row


class TableHeading(Row, frozen=True):
    """A column of the table."""

    name: str
    label: str
    description: str
    pinned: bool


class TableOrder(Row, frozen=True):
    """A column of the order."""

    column: str
    descending: bool


class TableFlag(Row, frozen=True):
    """A quality bit: its value, its name, its meaning, and the columns that it makes doubtful."""

    bit: int
    short: str
    meaning: str
    columns: tuple[str, ...]


class FootRow(Row, frozen=True):
    """One statistic of the selected stars, as a text for each column; "" for a column without numbers."""

    title: str
    texts: tuple[str, ...]


class TableState(MessagePart, frozen=True):
    """A page of the table, its columns, and the focused star."""

    rows: tuple[tuple[str, ...], ...] | UnsetType = UNSET
    ids: tuple[str, ...] | UnsetType = UNSET
    quality: tuple[int, ...] | UnsetType = UNSET
    start: int | UnsetType = UNSET
    total: int | UnsetType = UNSET
    page: int | UnsetType = UNSET
    pages: int | UnsetType = UNSET
    note: str | UnsetType = UNSET
    sort: tuple[TableOrder, ...] | UnsetType = UNSET
    columns: tuple[TableHeading, ...] | UnsetType = UNSET
    usual: bool | UnsetType = UNSET
    flags: tuple[TableFlag, ...] | UnsetType = UNSET
    focus: str | UnsetType = UNSET
    copied: str | UnsetType = UNSET
    foot: tuple[FootRow, ...] | UnsetType = UNSET
    foot_stale: bool | UnsetType = UNSET


class ColumnFacts(Row, frozen=True):
    """A column for menus: what it is, and other words by which it is found."""

    name: str
    label: str
    unit: str
    meaning: str
    group: str
    synonyms: str


class ColumnValues(Row, frozen=True):
    """Share of known values of a column, both ends of its histogram as texts, and the heights of its bars."""

    name: str
    known: str
    low: str
    high: str
    bars: tuple[int, ...]
