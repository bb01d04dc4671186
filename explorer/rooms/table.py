"""The table of the selection in pages; a click on a row focuses the star."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.model.star import number, own_shown
from explorer.model.table import StarTable
from explorer.rooms.channel import Channel
from explorer.rooms.table_foot import TableFoot
from explorer.state.workspace import Workspace
from pipeline.domain.column import Column
from pipeline.domain.columns import COLUMNS, placed

MAX_OWN = 20
"""Maximum number of the user's own columns in the table, besides those of the views."""

_ENOUGH = 8
"""Minimum number of declared columns; other ones fill up if the usual ones are missing."""

_AFTER_MS = 120
_PAGE = 20


class SelectionTable:
    """Rows of the selected stars.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, channel: Channel) -> None:
        self.workspace, self.channel = workspace, channel
        self.declared = _declared_shown(workspace.table)
        self.names = self._names()
        self.page = 1
        self._pending = False
        self._stars: NDArray[np.int64] | None = None
        self.foot = TableFoot(workspace, lambda: self.names, self._send)
        channel.on(protocol.Page, self._turn)
        channel.on(protocol.Sort, self._sort)
        channel.on(protocol.Focus, lambda request: workspace.look_at(int(request.obsid)))
        workspace.param.watch(lambda _: self._later(), "rows")
        workspace.param.watch(lambda _: self._reordered(), "sorted_by")
        workspace.param.watch(lambda event: self._send(protocol.TableState(focus=str(event.new))), "focus")
        workspace.param.watch(lambda *_: self._other_columns(), ["panels", "colour_by"])
        workspace.param.watch(lambda *_: self._redefined(), "computed")

    def _names(self) -> list[str]:
        """Columns of the table: declared ones, the first of the user's own, and those of the views."""
        table, on_screen = self.workspace.table, self.workspace.columns_on_screen
        own = own_shown(table, on_screen, MAX_OWN)
        return [*self.declared, *(column.name for column in own if not column.is_numeric or table.usable(column.name))]

    def _other_columns(self) -> None:
        """Update the columns with the views."""
        names = self._names()
        if names != self.names:
            self.names, self._stars = names, None
            self._send(replace(self.state(), columns=self._headings()))
            self.foot.outdate()
            self.foot.refresh()

    def _redefined(self) -> None:
        """Show the computed columns as they are now."""
        self.names, self._stars = self._names(), None
        self._send(replace(self.state(), columns=self._headings()))
        self.foot.outdate()
        self.foot.refresh()

    def _headings(self) -> tuple[protocol.TableHeading, ...]:
        table = self.workspace.table
        columns = map(table.column, self.names)
        return tuple(
            protocol.TableHeading(column.name, table.titles[column.name], f"{column.meaning}.") for column in columns
        )

    def _later(self) -> None:
        """Update the table after the views are drawn."""
        self._stars, self.page = None, 1
        self.foot.outdate()
        self.names = [name for name in self.names if name in self.workspace.table]  # a computed one may be gone
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self.refresh()
        elif not self._pending:
            self._pending = True
            document.add_timeout_callback(self.refresh, _AFTER_MS)

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """Sort column and whether it descends; None if the table does not have it."""
        order = self.workspace.sorted_by
        return order if order is not None and order[0] in self.workspace.table else None

    @property
    def stars(self) -> NDArray[np.int64]:
        """Rows of the catalogue in the table's order."""
        if self._stars is None:
            self._stars = np.flatnonzero(self.workspace.rows)
            if self.sorted_by is not None:
                name, descending = self.sorted_by
                self._stars = self.workspace.table.order_of(name, self._stars, descending=descending)
        return self._stars

    @property
    def pages(self) -> int:
        """Number of pages."""
        return -(-self.workspace.n_selected // _PAGE)

    def refresh(self) -> None:
        """Send the current page."""
        self._pending = False
        self._send(self.state())
        if self.foot.stale:
            self.foot.refresh()

    def _send(self, state: protocol.TableState) -> None:
        """Send a part of the state, with what is queued already."""
        self.channel.send(table=protocol.merged(self.channel.queued("table", protocol.TableState), state))

    def connect(self) -> None:
        """Send the whole state to a new page."""
        self._stars = None
        state = replace(self.state(), columns=self._headings(), focus=str(self.workspace.focus))
        self._send(state)
        self.foot.outdate()
        self.foot.refresh()

    def state(self) -> protocol.TableState:
        """Rows of the page as texts, with its number."""
        first = (self.page - 1) * _PAGE
        stars = self.stars[first : first + _PAGE]
        table = self.workspace.table
        cells = [
            [_text(column, value) for value in self._values(column, stars)] for column in map(table.column, self.names)
        ]
        return protocol.TableState(
            rows=tuple(zip(*cells, strict=True)),
            ids=tuple(str(obsid) for obsid in table["obsid"][stars]),
            page=f"{self.page:,}",
            pages=f"{self.pages:,}" if self.pages else "",
            first=self.page <= 1,
            last=self.page >= self.pages,
            note="" if stars.size else "No star is selected.",
            sort=protocol.TableOrder(*(self.sorted_by or ("", False))),
        )

    def _values(self, column: Column, stars: NDArray[np.int64]) -> NDArray[Any]:
        table = self.workspace.table
        return table.texts_of(column.name, stars) if column.dtype == "str" else table[column.name][stars]

    def _turn(self, request: protocol.Page) -> None:
        by = request.by
        page = self.page + by if isinstance(by, int) else 1 if by == "first" else self.pages
        self.page = min(max(page, 1), max(self.pages, 1))
        self.refresh()

    def _sort(self, request: protocol.Sort) -> None:
        name = request.column
        if name not in self.names:
            raise ValueError(f"The table has no column {name!r}.")
        order = self.sorted_by
        self.workspace.sorted_by = (name, order is not None and order == (name, False))

    def _reordered(self) -> None:
        self._stars, self.page = None, 1
        self.refresh()


def _declared_shown(table: StarTable) -> list[str]:
    """Usual columns that the catalogue has; also other numbers if most are missing."""
    names = [column.name for column in placed("table") if table.usable(column.name)]
    others = [
        column.name for column in COLUMNS if column.is_float and column.name not in names and table.usable(column.name)
    ]
    return [*names, *others[: max(_ENOUGH - len(names), 0)]]


def _text(column: Column, value: Any) -> str:
    """Format a value for a cell; "" if missing."""
    if column.dtype == "bool":
        return "yes" if value else "no"
    if not column.is_float:
        return str(value)
    if not np.isfinite(value):
        return ""
    return number(column, float(value))
