"""The toolbar: counts, tools, selection mode, undo and redo, colour column."""

from __future__ import annotations

from explorer import protocol
from explorer.charts.colouring import SUBSETS
from explorer.model.selection import Named, SelectionMode
from explorer.rooms.channel import Channel
from explorer.state.stored import COLOUR_BY_COUNT, TOOLS
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
        table = workspace.table
        self.colours = [
            [COLOUR_BY_COUNT, "Density of stars", ""],
            [SUBSETS, "Named subsets", ""],
            *(
                [one.name, table.titles[one.name], one.group if one.is_own else ""]
                for one in sorted((*table.colourable(), *table.categorical()), key=lambda one: one.is_own)
            ),
        ]
        self._due = False
        channel.on(protocol.Tool, lambda request: workspace.param.update(tool=_one_of(TOOLS, request.value)))
        channel.on(protocol.Mode, lambda request: workspace.param.update(mode=SelectionMode(request.value)))
        channel.on(protocol.Colour, lambda request: workspace.param.update(colour_by=self._known_colour(request.value)))
        channel.on(protocol.Undo, lambda _: workspace.undo())
        channel.on(protocol.Redo, lambda _: workspace.redo())
        channel.on(protocol.Clear, lambda _: workspace.clear())
        channel.before_sending(self.refresh)
        followed = ["selection", "subsets", "n_selected", "can_undo", "can_redo", "colour_by", "mode", "tool", "panels"]
        workspace.param.watch(self._changed, followed)

    def _changed(self, *_: object) -> None:
        self._due = True
        self.channel.flush()

    def refresh(self) -> None:
        """Send the state, once a message."""
        if not self._due:
            return
        self._due = False
        self.channel.send(toolbar=self.state())

    def connect(self) -> None:
        """Send the state to a new page."""
        self.channel.send(toolbar={**self.state(), "colours": self.colours})

    def state(self) -> dict[str, object]:
        """State of the toolbar."""
        workspace = self.workspace
        total = workspace.table.n_stars
        share = 100.0 * workspace.n_selected / max(total, 1)
        return {
            "count": [f"{workspace.n_selected:,}", f"{total:,}", f"{share:.1f}"],
            "subset": self._named(),
            "tool": workspace.tool,
            "mode": str(workspace.mode),
            "undo": workspace.can_undo,
            "redo": workspace.can_redo,
            "colour_by": workspace.colour_by,
            "grid": len(workspace.panels),
        }

    def _named(self) -> list[str]:
        """Name and colour of the selected subset; "" without a name."""
        selection = self.workspace.selection
        for one in self.workspace.subsets:
            if selection in (one.selection, Named(one.name, one.selection)):
                return [one.name, one.colour]
        return [selection.name, ""] if isinstance(selection, Named) else ["", ""]

    def _known_colour(self, name: str) -> str:
        return _one_of([key for key, *_ in self.colours], name)


def _one_of(known: list[str] | tuple[str, ...], value: str) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}.")
    return value
