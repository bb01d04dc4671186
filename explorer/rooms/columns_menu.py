"""Columns on a menu of the page."""

from __future__ import annotations

from collections.abc import Iterable

from explorer import protocol
from explorer.model.table import StarTable
from pipeline.domain.column import Column


def column_choices(table: StarTable, columns: Iterable[Column]) -> tuple[protocol.ColumnChoice, ...]:
    """Columns with their titles; the user's own ones in their group."""
    return tuple(
        protocol.ColumnChoice(one.name, table.titles[one.name], one.group if one.is_own else "") for one in columns
    )
