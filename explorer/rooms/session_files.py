"""Session files: the state of a page is saved to the visitor's machine, and opened again."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from explorer import protocol
from explorer.charts.journal import file_name
from explorer.charts.view_specs import lack_in
from explorer.model.library import Library
from explorer.model.selection import SelectionError
from explorer.model.session_file import MAX_BYTES, Session, read_session, session_bytes
from explorer.model.table import StarTable
from explorer.model.work import EXPORTS, UPLOADS
from explorer.rooms.channel import Channel
from explorer.rooms.kept import KeptWork
from explorer.rooms.uploads import Uploads
from explorer.state.stored import read_state
from explorer.state.workspace import Workspace


class SessionFiles:
    """Saves and opens session files.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products, with the visitor's table.
    uploads : Uploads
        Files that come in parts.
    kept : KeptWork
        Offers to return to what an opened session replaces.
    channel : Channel
        The way to the browser.
    """

    def __init__(
        self, workspace: Workspace, library: Library, uploads: Uploads, kept: KeptWork, channel: Channel
    ) -> None:
        self.workspace, self.library, self.manifest = workspace, library, library.products.manifest
        self.uploads, self.kept, self.channel = uploads, kept, channel
        channel.on(protocol.SaveSession, self._save)
        channel.on(protocol.OpenSession, self._open)

    async def _save(self, _: protocol.SaveSession) -> None:
        write = partial(session_bytes, self.workspace.to_dict(), self.manifest.name, self.manifest.created)
        data = await self.channel.in_background(write, EXPORTS)
        name = f"{file_name(self.manifest.name)}_session.json"
        self.channel.send(download=protocol.Download(name, "application/json", data))

    async def _open(self, request: protocol.OpenSession) -> None:
        if request.size > MAX_BYTES:
            raise SelectionError(f"The session file has {request.size:,} bytes; at most {MAX_BYTES:,} are read.")
        data, known = self.uploads.given(request), self.workspace.to_dict().keys()
        table = self.workspace.table.base
        session, read = await self.channel.in_background(lambda: _read(data, known, table), UPLOADS)
        with self.channel.batch():
            self._show(session, read)

    def _show(self, session: Session, read: tuple[dict[str, Any], str]) -> None:
        """Restore a session, and report what of it does not apply to this catalogue."""
        before = self.kept.values()
        self.workspace.use(read, session.state)
        sentences = ["Opened the session."]
        if session.catalog != self.manifest.name:
            sentences.append(f"It was saved from the catalogue {session.catalog!r}; this is {self.manifest.name!r}.")
        elif session.created != self.manifest.created:
            sentences.append("The catalogue has been rebuilt since.")
        if session.unknown:
            sentences.append(f"This version does not know its parts {', '.join(session.unknown):.200}.")
        empty = [sentence for panel in self.workspace.panels if (sentence := lack_in(self.library, panel))]
        if empty:
            sentences.append(f"{len(empty)} of its views cannot be drawn. {empty[0]}")
        text = " ".join([*sentences, self.workspace.message]).strip()
        self.workspace.message = ""  # the line stays longer
        self.kept.offer(
            before,
            protocol.Continued(text, "Return to what was before"),
            protocol.Continued("Returned to what was before.", "Show the session again"),
        )


def _read(data: bytes, known: Collection[str], table: StarTable) -> tuple[Session, tuple[dict[str, Any], str]]:
    """Read a file and its state for a table; SelectionError if it is no session, or damaged."""
    session = read_session(data, known)
    try:
        return session, read_state(session.state, table)
    except ValueError as error:
        raise SelectionError(f"This session file is damaged. {error}") from error
