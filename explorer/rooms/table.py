"""The table of the selection in pages: columns, order, marked rows, and the focused star."""

from __future__ import annotations

import numpy as np
import panel as pn
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.model.cells import QUALITY, rows_of, tab_separated, usual_columns
from explorer.model.ordering import SortKey
from explorer.model.selection import InIds, SelectionError, SelectionMode
from explorer.model.star import own_shown
from explorer.rooms.channel import Channel
from explorer.rooms.table_foot import TableFoot
from explorer.state.table_layout import MAX_COLUMNS, TableLayout
from explorer.state.workspace import Workspace
from pipeline.domain.columns import of_same_values
from pipeline.domain.flags import FLAG_TEXTS

MAX_OWN = 20
"""Maximum number of the user's own columns in the table, besides those of the views."""

_AFTER_MS = 120
_PAGE = 20

_ACTIONS = {"keep": SelectionMode.REPLACE, "remove": SelectionMode.SUBTRACT}


class SelectionTable:
    """Rows of the selected stars.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    channel : Channel
        The way to the browser.
    simulated : bool
        Whether the stars are simulated, which copied rows say.
    """

    def __init__(self, workspace: Workspace, channel: Channel, *, simulated: bool = False) -> None:
        self.workspace, self.channel, self.simulated = workspace, channel, simulated
        self.usual = usual_columns(workspace.table)
        self.names = self._names()
        self.page, self.page_rows = 1, _PAGE
        self._pending = False
        self._stars: NDArray[np.int64] | None = None
        self.foot = TableFoot(workspace, lambda: self.names, self._send)
        channel.on(protocol.Page, self._turn)
        channel.on(protocol.GoToPage, lambda request: self._show_page(request.page))
        channel.on(protocol.PageRows, self._resize)
        channel.on(protocol.Sort, self._sort)
        channel.on(protocol.TableColumns, self._choose)
        channel.on(protocol.MarkedRows, self._select)
        channel.on(protocol.CopyRows, self._copy)
        channel.on(protocol.Focus, lambda request: workspace.look_at(int(request.obsid)))
        workspace.param.watch(lambda _: self._later(), "rows")
        workspace.param.watch(lambda event: self._rearranged(event.old, event.new), "table_layout")
        workspace.param.watch(lambda _: self._follow(), "focus")
        workspace.param.watch(lambda *_: self._other_columns(), ["panels", "colour_by"])
        workspace.param.watch(lambda *_: self._redefined(), "computed")

    @property
    def layout(self) -> TableLayout:
        """Chosen columns and order."""
        return self.workspace.table_layout

    def _names(self) -> list[str]:
        """Chosen columns, else declared ones, the first of the user's own, and those of the views."""
        table, on_screen = self.workspace.table, self.workspace.columns_on_screen
        own = own_shown(table, on_screen, MAX_OWN)
        usual = (*self.usual, *(item.name for item in own if not item.is_numeric or table.usable(item.name)))
        return list(self.workspace.table_layout.of(usual, table))

    def _other_columns(self) -> None:
        """Update the columns with the views."""
        if self._names() != self.names:
            self._show_columns()

    def _redefined(self) -> None:
        """Show the computed columns as they are now."""
        self._stars = None
        self._show_columns()

    def _show_columns(self) -> None:
        """Send other columns, with their statistics."""
        self.names = self._names()
        self._send(replace(self.state(), columns=self._headings()))
        self.foot.outdate()
        self.foot.refresh()

    def _headings(self) -> tuple[protocol.TableHeading, ...]:
        table, pinned = self.workspace.table, self.layout.pinned
        return tuple(
            protocol.TableHeading(item.name, table.titles[item.name], f"{item.meaning}.", item.name in pinned)
            for item in map(table.column, self.names)
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
    def sorts(self) -> tuple[SortKey, ...]:
        """Columns of the order that the table has; a computed one may be gone."""
        return tuple(item for item in self.layout.sorts if item[0] in self.workspace.table)

    @property
    def stars(self) -> NDArray[np.int64]:
        """Rows of the catalogue in the table's order."""
        if self._stars is None:
            self._stars = self.workspace.table.ordered(self.workspace.rows, self.sorts)
        return self._stars

    @property
    def pages(self) -> int:
        """Number of pages."""
        return -(-self.workspace.n_selected // self.page_rows)

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
        flags = tuple(
            protocol.TableFlag(int(flag), text.short, text.meaning, of_same_values(text.doubtful))
            for flag, text in FLAG_TEXTS.items()
        )
        focus = str(self.workspace.focus)
        self._send(replace(self.state(), columns=self._headings(), flags=flags, focus=focus))
        self.foot.outdate()
        self.foot.refresh()

    def state(self) -> protocol.TableState:
        """Rows of the page as texts, with its number."""
        first = (self.page - 1) * self.page_rows
        stars = self.stars[first : first + self.page_rows]
        table = self.workspace.table
        return protocol.TableState(
            rows=rows_of(table, self.names, stars),
            ids=tuple(str(obsid) for obsid in table["obsid"][stars]),
            quality=tuple(int(bits) for bits in table[QUALITY][stars]),
            start=first,
            total=self.workspace.n_selected,
            page=self.page,
            pages=self.pages,
            note="" if stars.size else "No star is selected.",
            sort=tuple(protocol.TableOrder(*item) for item in self.sorts),
            usual=self.layout.columns is None,
        )

    def _turn(self, request: protocol.Page) -> None:
        if request.by == "focus":
            self.page = self._focused_page() or self.page
            self.refresh()
        else:
            by = request.by
            self._show_page(self.page + by if isinstance(by, int) else 1 if by == "first" else self.pages)

    def _show_page(self, page: int) -> None:
        self.page = min(max(page, 1), max(self.pages, 1))
        self.refresh()

    def _resize(self, request: protocol.PageRows) -> None:
        """Show another number of rows; the first one stays on the page."""
        first = (self.page - 1) * self.page_rows
        if request.rows != self.page_rows:
            self.page_rows = request.rows
            self._show_page(first // request.rows + 1)

    def _focused_page(self) -> int | None:
        """Page of the focused star; None if it is not selected."""
        row = self.workspace.focus_row
        if row is None or not self.workspace.rows[row]:
            return None
        return int(np.flatnonzero(self.stars == row)[0]) // self.page_rows + 1

    def _follow(self) -> None:
        """Mark the focused star, and turn to its page."""
        state, page = protocol.TableState(focus=str(self.workspace.focus)), None
        if not self._pending:
            page = self._focused_page()
        if page is not None and page != self.page:
            self.page = page
            state = replace(self.state(), focus=state.focus)
        self._send(state)

    def _sort(self, request: protocol.Sort) -> None:
        name = request.column
        if name not in self.names:
            raise ValueError(f"The table has no column {name!r}.")
        self.workspace.table_layout = self.layout.sorted_by(name, add=request.add)

    def _choose(self, request: protocol.TableColumns) -> None:
        columns = None if request.columns is None else tuple(dict.fromkeys(request.columns))
        table = self.workspace.table
        if unknown := [name for name in (*(columns or ()), *request.pinned) if name not in table]:
            raise ValueError(f"The catalogue has no column {unknown[0]!r:.80}.")
        if columns is not None and not 1 <= len(columns) <= MAX_COLUMNS:
            raise SelectionError(f"The table shows 1 to {MAX_COLUMNS} columns; {len(columns)} were chosen.")
        pinned = tuple(dict.fromkeys(request.pinned))
        self.workspace.table_layout = TableLayout(columns, pinned, self.layout.sorts)

    def _rearranged(self, old: TableLayout, new: TableLayout) -> None:
        """Show a changed layout; another order starts at its first page."""
        if new.sorts != old.sorts:
            self._stars, self.page = None, 1
        if self._names() != self.names or new.pinned != old.pinned or (new.columns is None) != (old.columns is None):
            self._show_columns()
        else:
            self.refresh()

    def _select(self, request: protocol.MarkedRows) -> None:
        obsids = tuple(int(obsid) for obsid in request.obsids)
        if not obsids:
            raise SelectionError("No row is marked: Ctrl-click rows, or press Space.")
        self.workspace.gesture(InIds(obsids), _ACTIONS[request.action])

    def _copy(self, request: protocol.CopyRows) -> None:
        """Send marked rows in the table's order, else the page."""
        table = self.workspace.table
        stars = self.stars[(self.page - 1) * self.page_rows :][: self.page_rows]
        if request.obsids:
            marked = np.zeros(table.n_stars, np.bool_)
            rows = [table.row_of(int(obsid)) for obsid in request.obsids]
            marked[[row for row in rows if row is not None]] = True
            stars = table.ordered(marked, self.sorts)
        self._send(protocol.TableState(copied=tab_separated(table, self.names, stars, simulated=self.simulated)))
