"""The Explore room: linked views and table on the left, the focused star on the right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from panel.viewable import Viewable

from explorer import protocol
from explorer.charts.grid import default_panels
from explorer.model.library import Library
from explorer.model.links import LinkStore
from explorer.model.sky import Sky
from explorer.rooms.answer_exports import AnswerExports
from explorer.rooms.answers import Answers
from explorer.rooms.channel import Channel
from explorer.rooms.columns_menu import ColumnsMenu
from explorer.rooms.guide import Guide, tour_steps
from explorer.rooms.help import Help
from explorer.rooms.kept import KeptWork, unzoomed
from explorer.rooms.owner import Owner
from explorer.rooms.regions import Regions
from explorer.rooms.session_files import SessionFiles
from explorer.rooms.sharing import Sharing
from explorer.rooms.side import Side
from explorer.rooms.stage import Stage
from explorer.rooms.star import StarDock
from explorer.rooms.story_needs import Here
from explorer.rooms.table import SelectionTable
from explorer.rooms.thumbnails import ThumbnailRoom
from explorer.rooms.toolbar import Toolbar
from explorer.rooms.view_axes import ViewAxes
from explorer.state.workspace import Workspace
from explorer.vetting.people import Role
from explorer.vetting.reader import NoRecord, RecordReader


class ExploreRoom:
    """Connects the parts of the room to one channel.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    links : LinkStore
        Store of links and saved views.
    samp : Path, optional
        Folder of tables for programs on this computer.
    record : RecordReader, optional
        Vetting record, as the visitor may see it.
    sky : Sky, optional
        Images of the sky and names; None where they are off.
    continues : bool
        Whether the page continues where the visitor left off; not one of a link or a single star.
    by_link : bool
        Whether the visitor follows a link, and is offered the tour instead of being taken on it.
    opened : bool
        Whether the catalogue was made of files that were opened.
    """

    def __init__(
        self,
        workspace: Workspace,
        library: Library,
        links: LinkStore,
        samp: Path | None = None,
        record: RecordReader | None = None,
        sky: Sky | None = None,
        *,
        opened: bool = False,
        continues: bool = True,
        by_link: bool = False,
    ) -> None:
        self.workspace, self.links = workspace, links
        library = library.with_table(workspace.table)
        self.record: RecordReader = record or NoRecord()
        self.channel = Channel(sizing_mode="stretch_both", margin=0)
        self.channel.permit = self._permitted
        self.stage = Stage(workspace, library, self.channel)
        self.axes = ViewAxes(self.stage, self.channel)
        self.regions = Regions(workspace, self.stage, self.channel)
        self.toolbar = Toolbar(workspace, self.channel)
        self.table = SelectionTable(workspace, self.channel, simulated=library.products.manifest.simulated)
        self.columns = ColumnsMenu(workspace, self.channel)
        self.answers = Answers(workspace, self.stage, self.channel)
        self.answer_exports = AnswerExports(self.answers, library, self.channel)
        self.thumbnails = ThumbnailRoom(workspace, library, self.table, self.channel)
        self.owner = Owner(self.record)
        self.side = Side(workspace, library, links, self.channel, self.record, self.owner)
        self.sharing = Sharing(workspace, library, links, self.stage, self.channel, samp, self.owner)
        self.star = StarDock(workspace, library, lambda: self.table.stars, self.channel, self.record, sky=sky)
        here = Here(library, self.record, opened)
        self.guide = Guide(workspace, here, self.channel, self.side.show)
        self.help = Help(self.channel, self.guide)
        self._star_shown = self._seen = False
        self._first_panels = default_panels(library, len(workspace.panels))
        self.kept = KeptWork(workspace, library.products.manifest, links, self.channel, self.owner, continues=continues)
        self.sessions = SessionFiles(workspace, library, self.side.uploads, self.kept, self.channel)
        self.by_link = by_link
        self.channel.on(protocol.Connect, self._connect)
        self.channel.on(protocol.Painted, lambda _: self._painted())
        workspace.param.watch(lambda event: self.channel.send(message=event.new), "message")

    def _permitted(self, request: protocol.Request) -> str:
        """Why a request is refused because of its role; "" if it is permitted."""
        if request.role <= Role.VIEWER:
            return ""
        return self.record.refusal(request.role, f"“{protocol.title_of(request)}” is")

    def _connect(self, request: protocol.Connect) -> None:
        """Send the whole state to a new page."""
        self._star_shown = False
        self.owner.set_browser(request.browser)
        self.kept.connect(request)
        self.stage.connect()
        self.regions.connect()
        self.toolbar.connect()
        self.table.connect()
        self.answers.connect()
        self._seen = request.seen or self.workspace.star_alone or self.by_link  # the welcome is of the views
        if self.by_link and not (request.seen or self.workspace.star_alone):
            self.channel.send(offer=tour_steps())
        self.channel.send(message=self.workspace.message, person=self.record.name)
        self.workspace.connected = True
        if self.workspace.star_alone:
            self._show_star()

    def _painted(self) -> None:
        """Start deferred work once the views are drawn; a restored page returns to its room."""
        self._show_star()
        if not self._seen:
            self._seen = True
            self.channel.send(welcome=self.guide.welcome())
        if self.workspace.came_from:
            self.workspace.param.update(room=self.workspace.came_from)
            self.workspace.came_from = ""

    def _show_star(self) -> None:
        """Show the star after the views, which are drawn first."""
        if not self._star_shown:
            self._star_shown = True
            self.star.connect()

    async def reload(self) -> None:
        """Reload the page with its state, for a catalogue with more columns.

        Default views depend on the catalogue and are not stored.
        """
        chosen = unzoomed(self.workspace.panels) != unzoomed(self._first_panels)
        self.kept.left_out = (
            () if chosen else ("panels", "enlarged")
        )  # also of a save that is due before the page has gone
        await self.kept.save()
        self.channel.send(reload=True)

    def __panel__(self) -> Viewable:
        """The room's layout."""
        return self.channel


def state_of_link(links: LinkStore, arguments: Mapping[str, list[bytes]]) -> dict[str, Any] | None:
    """The state of the address's ``link``; None without one, ValueError if it is unknown."""
    tokens = [raw.decode("ascii", "replace") for raw in arguments.get("link", [])[:1]]
    if not tokens:
        return None
    state = links.get(tokens[0])
    if state is None:
        raise ValueError("This link is unknown or too old: its state is no longer stored.")
    return state


def restore(workspace: Workspace, links: LinkStore, arguments: Mapping[str, list[bytes]], created: str = "") -> None:
    """Restore the state of a link, then display the star of ``?star=OBSID``.

    ``created`` is the build of the catalogue, to which steps of undo belong.
    """
    try:
        state = state_of_link(links, arguments)
        if state is not None:
            workspace.resume(state, created)
    except ValueError as error:
        workspace.message = str(error)
    for raw in arguments.get("star", [])[:1]:
        text = raw.decode("utf-8", "replace").strip()
        if text.isdigit() and len(text) < 19:
            workspace.look_at(int(text))
            workspace.star_alone = workspace.focus is not None
        else:
            refusal = f"The link asks for star {text!r:.60}, which is not an obsid."
            workspace.message = f"{workspace.message} {refusal}".strip()
