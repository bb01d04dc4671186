"""The toolbar: counts, tools, selection mode, undo and redo, colour column."""

from __future__ import annotations

from msgspec.structs import replace

from explorer import protocol
from explorer.model.selection import Named
from explorer.rooms.channel import Channel
from explorer.rooms.columns_menu import column_choices
from explorer.state.stored import COLOUR_BY_COUNT, COLOUR_BY_SUBSETS
from explorer.state.workspace import Workspace


class Toolbar:
    """Connects the toolbar to a Workspace.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, channel: Channel) -> None:
        self.workspace, self.channel = workspace, channel
        self._due = False
        self._due_colours = False
        channel.on(protocol.Tool, lambda request: workspace.param.update(tool=request.value))
        channel.on(protocol.Mode, lambda request: workspace.param.update(mode=request.value))
        channel.on(protocol.Colour, lambda request: workspace.colour(self._known_colour(request.value)))
        channel.on(protocol.Undo, lambda _: workspace.undo())
        channel.on(protocol.Redo, lambda _: workspace.redo())
        channel.on(protocol.Clear, lambda _: workspace.clear())
        channel.before_sending(self.refresh)
        followed = ["selection", "subsets", "n_selected", "can_undo", "can_redo", "colour_by", "mode", "tool", "panels"]
        workspace.param.watch(self._changed, followed)
        workspace.param.watch(self._other_columns, "computed")

    @property
    def colours(self) -> tuple[protocol.ColumnChoice, ...]:
        """Columns and other choices for the colours."""
        table = self.workspace.table
        columns = sorted((*table.colourable(), *table.categorical()), key=lambda column: column.is_own)
        return (
            protocol.ColumnChoice(COLOUR_BY_COUNT, "Density of stars", ""),
            protocol.ColumnChoice(COLOUR_BY_SUBSETS, "Named subsets", ""),
            *column_choices(table, columns),
        )

    def _other_columns(self, *_: object) -> None:
        self._due_colours = True
        self._changed()

    def _changed(self, *_: object) -> None:
        self._due = True
        self.channel.flush()

    def refresh(self) -> None:
        """Send the state, once a message."""
        if not self._due:
            return
        self._due = False
        state = self.state()
        self.channel.send(toolbar=replace(state, colours=self.colours) if self._due_colours else state)
        self._due_colours = False

    def connect(self) -> None:
        """Send the state to a new page."""
        self._due = False  # what is sent here is complete
        self.channel.send(toolbar=replace(self.state(), colours=self.colours))

    def state(self) -> protocol.ToolbarState:
        """State of the toolbar."""
        workspace = self.workspace
        total = workspace.table.n_stars
        share = 100.0 * workspace.n_selected / max(total, 1)
        return protocol.ToolbarState(
            count=protocol.SelectionCount(f"{workspace.n_selected:,}", f"{total:,}", f"{share:.1f}"),
            subset=self._named(),
            tool=workspace.tool,
            mode=workspace.mode,
            undo=workspace.can_undo,
            redo=workspace.can_redo,
            colour_by=workspace.colour_by,
            grid=len(workspace.panels),
        )

    def _named(self) -> protocol.SelectionName:
        """Name and colour of the selected subset; "" without a name."""
        selection = self.workspace.selection
        for subset in self.workspace.subsets:
            if selection in (subset.selection, Named(subset.name, subset.selection)):
                return protocol.SelectionName(subset.name, subset.colour)
        return protocol.SelectionName(selection.name if isinstance(selection, Named) else "", "")

    def _known_colour(self, name: str) -> str:
        if name not in {choice.name for choice in self.colours}:
            raise ValueError(f"{name!r} colours no stars of this catalogue.")
        return name
