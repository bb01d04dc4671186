"""Lists of spectral lines in the star panel: the user's own files, and which lists are shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from explorer import protocol
from explorer.model.line_file import read_lines
from explorer.model.line_lists import LineList, switched, with_list, without_list
from explorer.model.selection import SelectionError
from explorer.model.work import UPLOADS
from explorer.rooms.channel import Channel
from explorer.state.workspace import Workspace


class StarLines:
    """Handles the lists of lines.

    Parameters
    ----------
    workspace : Workspace
        State of the visit, which keeps the lists.
    channel : Channel
        The way to the browser.
    redraw : callable
        Draws the focused star again.

    Attributes
    ----------
    connected : bool
        Whether a page shows the lists.
    """

    def __init__(self, workspace: Workspace, channel: Channel, redraw: Callable[[], None]) -> None:
        self.workspace, self.channel, self.redraw = workspace, channel, redraw
        self.connected = False
        channel.on(protocol.LineFile, self._read)
        channel.on(protocol.LineSwitch, self._switch)
        channel.on(protocol.LineForget, self._forget)
        workspace.param.watch(lambda _: self._changed(), "lines")

    def state(self) -> protocol.LineListsState:
        """All lists."""
        return protocol.LineListsState(tuple(map(_state_of, self.workspace.lines)))

    def _changed(self) -> None:
        if not self.connected:  # a new page receives all lists
            return
        with self.channel.batch():
            queued = self.channel.queued("lines", protocol.LineListsState)
            self.channel.send(lines=protocol.merged(queued, self.state()))
            self.redraw()

    def _report(self, text: str, *, refused: bool) -> None:
        lists = self.state().lists
        self.channel.send(lines=protocol.LineListsState(lists, text, refused))

    async def _read(self, request: protocol.LineFile) -> None:
        """Read a file of lines and show them."""
        try:
            data = base64.b64decode(request.data, validate=True)
            unit, air = request.unit, request.air
            result = await self.channel.in_background(lambda: read_lines(data, unit, air=air), UPLOADS)
            lists = with_list(self.workspace.lines, request.name.strip(), result.lines)
        except SelectionError as error:
            self._report(str(error), refused=True)
            return
        except binascii.Error as error:
            self._report(f"The file was not received completely ({error}). Choose it again.", refused=True)
            return
        with self.channel.batch():
            self._report(result.sentence, refused=False)
            self.workspace.lines = lists

    def _switch(self, request: protocol.LineSwitch) -> None:
        self.workspace.lines = switched(self.workspace.lines, request.name, on=request.on)

    def _forget(self, request: protocol.LineForget) -> None:
        self.workspace.lines = without_list(self.workspace.lines, request.name)


def share_lines(first: Workspace, second: Workspace) -> None:
    """Keep the lists of two workspaces of one visitor the same; at first those of the first one."""
    second.lines = first.lines
    first.param.watch(lambda event: _take_lines(second, event.new), "lines")
    second.param.watch(lambda event: _take_lines(first, event.new), "lines")


def _take_lines(workspace: Workspace, lines: tuple[LineList, ...]) -> None:
    if workspace.lines != lines:
        workspace.lines = lines


def _state_of(item: LineList) -> protocol.LineListState:
    lines = tuple(protocol.RestLine(line.name, line.wavelength) for line in item.lines)
    return protocol.LineListState(item.name, item.colour, item.on, lines)
