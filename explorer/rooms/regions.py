"""Regions of the selection in the views, and their edits by mouse, keyboard and numbers."""

from __future__ import annotations

from explorer import protocol
from explorer.charts.regions import edited, handles_of, mark_of, typed
from explorer.model.definitions import check_size
from explorer.model.regions import Region, region_at, regions_of, removed, replaced
from explorer.model.selection import SelectionError
from explorer.rooms.channel import Channel
from explorer.rooms.stage import Stage
from explorer.state.workspace import Workspace


class Regions:
    """Connects the regions of the selection to the views.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    stage : Stage
        The grid of views.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, stage: Stage, channel: Channel) -> None:
        self.workspace, self.stage, self.channel = workspace, stage, channel
        self._due = False
        self._any_shown = False
        channel.before_sending(self._send)
        channel.on(protocol.EditRegion, self._edit)
        channel.on(protocol.TypeRegion, self._type)
        channel.on(protocol.AddRegion, self._add)
        channel.on(protocol.RemoveRegion, self._remove)
        workspace.param.watch(lambda *_: self.connect(), ["selection", "panels", "computed"])

    def connect(self) -> None:
        """Send the regions with the next message."""
        self._due = True
        self.channel.flush()

    @property
    def marks(self) -> tuple[protocol.RegionMark, ...]:
        """The regions as the views show them."""
        places = regions_of(self.workspace.selection)
        charts = [(slot, chart, origin) for slot, chart in enumerate(self.stage.charts) for origin in chart.origins]
        marks = (mark_of(chart, slot, place, origin) for slot, chart, origin in charts for place in places)
        return tuple(mark for mark in marks if mark is not None)

    def _send(self) -> None:
        if not self._due:
            return
        self._due = False
        marks = self.marks
        if marks or self._any_shown:
            self.channel.send(regions=marks)
        self._any_shown = bool(marks)

    def _edit(self, request: protocol.EditRegion) -> None:
        self._due = self._any_shown = True  # the page waits for the answer before its next step
        region = region_at(self.workspace.selection, request.path)
        self._exchange(
            request.path, edited(self.stage.chart(request.slot), region, request.x, request.y), request.gesture
        )

    def _type(self, request: protocol.TypeRegion) -> None:
        self._due = self._any_shown = True  # a form that is refused shows the former numbers
        chart, region = self.stage.chart(request.slot), region_at(self.workspace.selection, request.path)
        handles = handles_of(chart, region)
        if handles is None:
            raise SelectionError(f"{chart.title} does not show this region.")
        self._exchange(request.path, typed(chart, handles.form, request.rows, region))

    def _add(self, request: protocol.AddRegion) -> None:
        self.workspace.gesture(typed(self.stage.chart(request.slot), request.form, request.rows))

    def _remove(self, request: protocol.RemoveRegion) -> None:
        region_at(self.workspace.selection, request.path)  # refuse a place that is gone
        self.workspace.selection = removed(self.workspace.selection, request.path)

    def _exchange(self, path: tuple[int, ...], region: Region, gesture: str = "") -> None:
        selection = self.workspace.selection
        if region != region_at(selection, path):
            self.workspace.edit(check_size(replaced(selection, path, region)), gesture)
