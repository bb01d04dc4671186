"""Columns on menus of the page."""

from __future__ import annotations

from collections.abc import Iterable

from explorer import protocol
from explorer.model.column_summary import ColumnSummary
from explorer.model.star import number
from explorer.model.table import StarTable
from explorer.model.vocabulary import spellings
from explorer.rooms.channel import Channel
from explorer.state.workspace import Workspace
from pipeline.domain.column import Column


def column_choices(table: StarTable, columns: Iterable[Column]) -> tuple[protocol.ColumnChoice, ...]:
    """Columns with their titles; the user's own ones in their group."""
    return tuple(
        protocol.ColumnChoice(column.name, table.titles[column.name], column.group if column.is_own else "")
        for column in columns
    )


class ColumnsMenu:
    """Answers the menus of columns: what each column is, and on demand what its values are.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, channel: Channel) -> None:
        self.workspace, self.channel = workspace, channel
        self._listed = False
        channel.on(protocol.ListColumns, lambda _: self._list())
        channel.on(protocol.SummariseColumns, self._summarise)
        workspace.param.watch(lambda _: self._redefined(), "computed")

    def _list(self) -> None:
        self._listed = True
        self.channel.send(column_facts=self.facts())

    def _redefined(self) -> None:
        """List the columns again after a change of the computed ones, for a page that has the list."""
        if self._listed:
            self._list()

    def facts(self) -> tuple[protocol.ColumnFacts, ...]:
        """Every column of the catalogue, in its order."""
        return tuple(
            protocol.ColumnFacts(
                item.name, item.label, item.unit_label, item.meaning, item.group, " ".join(search_words(item))
            )
            for item in self.workspace.table.columns
        )

    def _summarise(self, request: protocol.SummariseColumns) -> None:
        table = self.workspace.table
        if unknown := [name for name in request.columns if name not in table]:
            raise ValueError(f"The catalogue has no column {unknown[0]!r:.80}.")
        values = tuple(values_of(table.column(name), table.summary(name)) for name in request.columns)
        self.channel.send(column_values=values)


def search_words(item: Column) -> tuple[str, ...]:
    """Words by which a menu finds a column: those that expressions understand, besides its name."""
    return tuple(dict.fromkeys(word for name in spellings(item) for word in name.lower().split()))


def values_of(item: Column, summary: ColumnSummary) -> protocol.ColumnValues:
    """A column's summary as texts."""
    low, high = ("", "") if summary.ends is None else (number(item, end) for end in summary.ends)
    return protocol.ColumnValues(item.name, share_text(summary.known), low, high, summary.bars)


def share_text(share: float) -> str:
    """Format a share in percent; only none and all are 0 and 100 %."""
    percent = 100.0 * share
    if 0.0 < percent < 1.0:
        return "< 1 %"
    return "> 99 %" if 99.0 < percent < 100.0 else f"{percent:.0f} %"
