"""Tables of the user's own over the views, in the side panel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from explorer import protocol
from explorer.charts.palettes import fresh_colour
from explorer.model.overlay_file import MAX_BYTES, read_overlay
from explorer.model.overlay_tables import (
    OverlayTable,
    changed_table,
    table_named,
    with_table,
    without_table,
)
from explorer.model.selection import SelectionError
from explorer.model.work import UPLOADS
from explorer.rooms.channel import Channel
from explorer.rooms.uploads import Uploads
from explorer.state.workspace import Workspace
from pipeline.domain.own_columns import single_line

_FIELDS = ("style", "colour", "breaks", "on")


class OverlayTables:
    """Connects the section of tables over the views to a Workspace.

    Parameters
    ----------
    workspace : Workspace
        State of the visit, which keeps the tables.
    channel : Channel
        The way to the browser.
    uploads : Uploads
        Files that are uploaded in parts.
    send : callable
        Sends a change of the side panel.
    """

    def __init__(
        self,
        workspace: Workspace,
        channel: Channel,
        uploads: Uploads,
        send: Callable[[protocol.SideState], None],
    ) -> None:
        self.workspace, self.channel, self.uploads, self._send = workspace, channel, uploads, send
        channel.on(protocol.OverlayFile, self._read)
        channel.on(protocol.OverlayChange, self._change)
        channel.on(protocol.OverlayUse, self._use)
        channel.on(protocol.OverlayForget, self._forget)
        workspace.param.watch(lambda _: self._send(protocol.SideState(overlays=self.listed())), "overlay_tables")

    def listed(self) -> tuple[protocol.OverlayState, ...]:
        """All tables, as the side panel shows them."""
        return tuple(self._state_of(table) for table in self.workspace.overlay_tables)

    def _state_of(self, table: OverlayTable) -> protocol.OverlayState:
        known = self.workspace.table.known
        uses = tuple(protocol.OverlayUsed(*pair) for pair in table.uses)
        labels = [known[ours].label for ours, _ in table.uses if ours in known]
        if len(labels) < 2:
            shown = "in no view: choose two columns"
        else:
            shown = f"in views of two of {', '.join(labels[:5])}{f' and {len(labels) - 5} more' if labels[5:] else ''}"
        return protocol.OverlayState(
            table.name,
            table.colour,
            table.style,
            table.on,
            table.n_rows,
            tuple(column.name for column in table.columns),
            table.breaks,
            uses,
            shown,
        )

    def _report(self, text: str, *, refused: bool) -> None:
        self._send(protocol.SideState(overlay_report=text, overlay_refused=refused))

    async def _read(self, request: protocol.OverlayFile) -> None:
        """Read a file and lay it over the views."""
        tables = self.workspace.overlay_tables
        colour = fresh_colour([table.colour for table in tables])
        try:
            data = self._file_of(request)
            read = partial(read_overlay, data, single_line(request.name), colour, self.workspace.table.axes())
            result = await self.channel.in_background(read, UPLOADS)
            tables = with_table(self.workspace.overlay_tables, result.table)
        except SelectionError as error:
            self._report(str(error), refused=True)
            return
        with self.channel.batch():
            self._report(result.sentence, refused=False)
            self.workspace.overlay_tables = tables

    def _file_of(self, request: protocol.OverlayFile) -> bytes:
        """The file of a request; SelectionError if it is too large or not whole."""
        if request.size > MAX_BYTES:
            raise SelectionError(f"The table has {request.size:,} bytes; at most {MAX_BYTES:,} are read.")
        return self.uploads.given(request)

    def _change(self, request: protocol.OverlayChange) -> None:
        changes: dict[str, Any] = {name: value for name in _FIELDS if (value := getattr(request, name)) is not None}
        if request.label is not None:
            changes["name"] = single_line(request.label)
        self._replace(lambda tables: changed_table(tables, request.name, changes))

    def _use(self, request: protocol.OverlayUse) -> None:
        column = self.workspace.table.known.get(request.ours)
        if column is None or not column.is_numeric:
            raise ValueError(f"{request.ours!r:.60} cannot be a column of an axis.")
        self._replace(
            lambda tables: with_table(tables, table_named(tables, request.name).using(column, request.theirs))
        )

    def _forget(self, request: protocol.OverlayForget) -> None:
        self._replace(lambda tables: without_table(tables, request.name))

    def _replace(self, change: Callable[[tuple[OverlayTable, ...]], tuple[OverlayTable, ...]]) -> None:
        """Change the tables, or report why that is impossible."""
        try:
            tables = change(self.workspace.overlay_tables)
        except SelectionError as error:
            with self.channel.batch():
                self._report(str(error), refused=True)
                self._send(protocol.SideState(overlays=self.listed()))  # the page shows what it was again
            return
        with self.channel.batch():
            self._report("", refused=False)
            self.workspace.overlay_tables = tables
