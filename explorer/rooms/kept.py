"""Kept work: a page continues where its visitor left off, after a reload, a crash or on another day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import panel as pn

from explorer import protocol
from explorer.model.links import LinkStore, new_token
from explorer.model.selection import SelectionError
from explorer.model.work import LINKS
from explorer.rooms.channel import Channel
from explorer.rooms.owner import Owner
from explorer.state.panels import PanelState
from explorer.state.workspace import STORED, Workspace
from pipeline.products.manifest import Manifest

SAVE_AFTER_MS = 2000
_WORK = tuple(name for name in STORED if name not in ("mode", "tool", "panels"))
"""Parts of the state that count as work, beside the views; zooms alone do not."""


class KeptWork:
    """Stores the state of a page in the background, and restores the one that was left.

    Each page stores its own state. A page of the same tab continues with that of the tab, another one with the latest
    in which its owner changed something.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    manifest : Manifest
        Of the catalogue.
    links : LinkStore
        Store of the states.
    channel : Channel
        The way to the browser.
    owner : Owner
        Whose states may be continued.
    continues : bool
        Whether a new tab continues: the address asks for nothing else, such as a link.
    """

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        links: LinkStore,
        channel: Channel,
        owner: Owner,
        *,
        continues: bool = True,
    ) -> None:
        self.workspace, self.manifest, self.links = workspace, manifest, links
        self.channel, self.owner, self.continues = channel, owner, continues
        self.token = new_token()
        self.left_out: Collection[str] = ()
        """Parts that are not stored."""
        self._first: dict[str, Any] = {}
        self._other: dict[str, Any] = {}
        self._lines: tuple[protocol.Continued, protocol.Continued] | None = None
        self._worked = self._unsaved = False
        self._unkept = ""
        channel.on(protocol.Afresh, lambda _: self._exchange())
        channel.on(protocol.Leave, lambda _: self.save() if self._unsaved else None)
        workspace.param.watch(lambda *_: self.save_later(), [*STORED, "room"])

    def connect(self, request: protocol.Connect) -> None:
        """Restore what the visitor left, before the page is sent, and store the state from now on."""
        if not self.workspace.connected:
            self._first = self.values()
            if request.tab or self.continues:
                self._continue(request.tab or "")
        self.channel.send(resume=self.token)
        self.save_later(0)  # a server may go before anything is changed

    def _continue(self, tab: str) -> None:
        try:
            state = self.links.left(self.owner.name, self.manifest.name, tab)
            if state is None:
                return
            self.workspace.resume(state, self.manifest.created)
        except ValueError as error:
            self.workspace.message = f"What you left could not be restored. {error}"
            return
        self._worked = self._work(self.values()) != self._work(self._first)
        if not self._worked and not self.workspace.message:
            return
        parts = ["Continued where you left off."]
        if state.get("created") not in (None, self.manifest.created):
            parts.append("The catalogue has been rebuilt since.")
        text = " ".join([*parts, self.workspace.message]).strip()
        self.workspace.message = ""  # the line stays longer
        self.offer(
            self._first,
            protocol.Continued(text, "Start afresh"),
            protocol.Continued("Started afresh.", "Continue where you left off"),
        )

    def offer(self, other: dict[str, Any], shown: protocol.Continued, exchanged: protocol.Continued) -> None:
        """Show a line with a button that exchanges the present state for another one, and back.

        Parameters
        ----------
        other : dict
            The other state, from :meth:`values`.
        shown, exchanged : Continued
            The line now, and after the exchange.
        """
        self._other, self._lines = other, (shown, exchanged)
        self.channel.send(continued=shown)

    def _exchange(self) -> None:
        """Exchange the present state and the offered one."""
        if self._lines is None:
            return
        before = self.values()
        self.workspace.param.update(**self._other)
        self.offer(before, *reversed(self._lines))

    def values(self) -> dict[str, Any]:
        """The state as values that never change."""
        return {name: getattr(self.workspace, name) for name in STORED}

    @staticmethod
    def _work(values: dict[str, Any]) -> tuple[Any, ...]:
        return (*(values[name] for name in _WORK), *unzoomed(values["panels"]))

    def save_later(self, after_ms: int = SAVE_AFTER_MS) -> None:
        """Store the state shortly after the last change."""
        document = pn.state.curdoc
        if document is None or document.session_context is None or self._unsaved:
            return
        self._unsaved = True
        document.add_timeout_callback(self._save_due, after_ms)  # type: ignore[arg-type]  # Bokeh awaits it

    async def _save_due(self) -> None:
        if self._unsaved:  # not since the page was left
            await self.save()

    async def save(self) -> None:
        """Store the state in the background; a failure is reported once."""
        self._unsaved = False
        workspace, manifest, owner = self.workspace, self.manifest, self.owner.name
        self._worked = self._worked or (bool(self._first) and self._work(self.values()) != self._work(self._first))
        state = {**workspace.to_dict(), "room": workspace.came_from or workspace.room}
        state |= {"catalog": manifest.name, "created": manifest.created, "history": workspace.history_to_dict()}
        state |= {name: [] if name == "panels" else None for name in self.left_out}
        catalog, unkept = manifest.name if self._worked else "", ""
        try:
            await self.channel.in_background(lambda: self.links.resume(self.token, state, owner, catalog), LINKS)
        except SelectionError as error:
            unkept = f"The state could not be restored after a lost connection. {error}"
        if unkept and not self._unkept:
            self.channel.send(message=unkept)
        self._unkept = unkept


def unzoomed(panels: Collection[PanelState]) -> list[PanelState]:
    """Views as if none were zoomed."""
    return [replace(panel, x_ends=None, y_ends=None) for panel in panels]
