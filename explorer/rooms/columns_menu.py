"""Columns on a menu of the page."""

from __future__ import annotations

from collections.abc import Iterable

from explorer import protocol
from explorer.model.table import StarTable
from pipeline.domain.column import Column


def column_choices(table: StarTable, columns: Iterable[Column]) -> tuple[protocol.ColumnChoice, ...]:
    """Columns with their titles; the user's own ones in their group."""
    return tuple(
        protocol.ColumnChoice(column.name, table.titles[column.name], column.group if column.is_own else "")
        for column in columns
    )
