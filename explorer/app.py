"""The only wiring: products in, page out."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from contextlib import suppress
from html import escape
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, TypeAlias

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document
from bokeh.util.warnings import BokehUserWarning
from panel.util import edit_readonly
from panel.viewable import Viewable
from sqlalchemy.exc import SQLAlchemyError
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from explorer.access.guards import SESSION_NAMED
from explorer.access.visitors import names_a_session
from explorer.config import AppConfig
from explorer.model.building import BuildRunner, default_build
from explorer.model.health import add_part
from explorer.model.library import Library, kept_by_library
from explorer.model.links import LinkStore
from explorer.model.memory import give_back, set_aside
from explorer.model.opened_files import OpenError
from explorer.model.opening import Opening
from explorer.model.polygons import LOOKUP_FROM, points_in_polygon
from explorer.model.refit import warm_up as warm_up_refit
from explorer.model.selection import InBox
from explorer.model.served import Served, product_health, served_products
from explorer.model.work import drop_all
from explorer.moving import move_record
from explorer.opened import open_paths
from explorer.rooms.about import AboutView
from explorer.rooms.base import fonts, html, in_turn, sentence, stylesheet
from explorer.rooms.catalogue import default_panels
from explorer.rooms.channel import Channel
from explorer.rooms.columns import ColumnsPage
from explorer.rooms.explore import ExploreRoom, state_of_link
from explorer.rooms.intake import guard
from explorer.rooms.progress import ProgressView
from explorer.rooms.served_strip import ServedStrip
from explorer.rooms.stage import Stage
from explorer.rooms.strip import OpeningStrip
from explorer.rooms.validate import ROOM, ValidateView
from explorer.rooms.vetting.adjudicate import AdjudicateRoom
from explorer.rooms.vetting.campaigns import CampaignsRoom
from explorer.rooms.vetting.signin import SESSIONS, bind_session, people_of, visitor
from explorer.rooms.vetting.vet import VetRoom
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.commands import Desk
from explorer.vetting.people import Role, UserError
from explorer.vetting.queries import LOG
from explorer.vetting.store import Store, StoreError
from pipeline.products.manifest import Manifest, ProductError

TITLE = "M-giant explorer"
COLUMNS_ADDRESS = "columns"
"""Query of the address that asks for the page of columns."""

DARK_COOKIE = "mgiant-dark"
"""Set by ``remember_theme`` of the scripts."""

FIRST_VIEWS = 6
COLLECTED_S = 15.0
"""When Panel has collected what a closed page leaves: at most twice its five seconds later."""
Rooms: TypeAlias = dict[str, Callable[[], Any]]

pn.extension(notifications=False)
# With its first event a browser sends the whole of a model that the server gave it: Bokeh warns, and keeps its own.
warnings.filterwarnings("ignore", "reference already known", BokehUserWarning)

add_part("product", lambda: {"ok": True, "state": "not open yet"})

_DENSE = {
    "& .MuiToolbar-root": {"minHeight": "46px !important", "height": "46px", "margin": "0 !important"},
    "& .MuiAppBar-root .MuiLinearProgress-root": {"display": "none"},
    "& .MuiAppBar-root h3": {"fontSize": "17px"},
    "& .MuiAppBar-root img": {"height": "30px"},
    "@media (min-width: 2600px)": {"& .MuiToolbar-root": {"zoom": 1.25}},
    "@media (min-width: 3400px)": {"& .MuiToolbar-root": {"zoom": 1.5}},
}
_THEME = {
    "chart_style": "standard",
    "typography": {"fontSize": 13, "fontFamily": "Explorer, Helvetica Neue, Arial, sans-serif"},
    "shape": {"borderRadius": 4},
}


def serve_session(config: AppConfig) -> pmui.Page:
    """The page of one visit: the explorer, the progress of what it waits for, or why it cannot open."""
    guard()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_trouble)
    pn.state.on_session_destroyed(lambda _: loop.call_later(COLLECTED_S, give_back))
    pn.state.on_session_destroyed(lambda context: drop_all(context.id))
    request = bind_session(config, SESSIONS)
    runner = default_build(config.build, config.directory) if config.build else None
    if runner is not None and not runner.ready:
        return build_waiting_page(runner)
    try:
        opening = open_paths(config)
        served = served_at(config) if opening is None else None
        library = served.library() if served is not None else opening.library()
    except (ProductError, OpenError) as error:
        return _page([sentence(str(error))])
    if request is not None and names_a_session(request):  # under run_app.py it is refused before
        return _page([sentence(SESSION_NAMED)])
    if opening is not None and (library is None or COLUMNS_ADDRESS in pn.state.session_args):
        return build_columns_page(opening, lambda: correction_refusal(config, request), stays=library is not None)
    assert library is not None
    if served is not None:
        leave = served.enter(library)
        pn.state.on_session_destroyed(lambda _: leave())
    set_aside()
    person, reason = visitor(config, request)
    try:
        desk = open_desk(config, library)
    except (StoreError, UserError) as error:
        return _page([sentence(str(error))])
    return build_page(
        library,
        LinkStore(config.links),
        pn.state.session_args,
        lambda workspace: Visit(desk, person, reason, workspace),
        config.releases,
        config.home / "samp" if config.alone else None,
        opening,
        served,
    )


def served_at(config: AppConfig) -> Served:
    """The products that are served, watched from now on and reported by ``/health``."""
    served = served_products(config.directory, config.columns, warm_up_views)
    add_part("product", lambda: product_health(served.state))
    return served


def correction_refusal(config: AppConfig, request: object = None) -> str:
    """Why the visitor may not correct how columns are understood; "" where that is allowed."""
    person, _ = visitor(config, request)
    if person is None:
        return (
            "Only adjudicators correct how columns are understood, and this server does not know its visitors: serve "
            "with --users FILE or with --oauth PROVIDER, or open the files on a machine of your own."
        )
    if people_of(config).role_of(person.name) < Role.ADJUDICATOR:
        return f"Only adjudicators correct how columns are understood; {person.name} is none here."
    return ""


def open_desk(config: AppConfig, library: Library) -> Desk:
    """The one door to the record in this process, for a library."""
    return _desk(library, config)


@kept_by_library(4)
def _desk(library: Library, config: AppConfig) -> Desk:
    desk = Desk(Store(config.vetting, lambda: _settle_record(config)), library, people_of(config))
    Thread(target=_prepare_record, args=(desk,), name="record-reading", daemon=True).start()
    return desk


def _settle_record(config: AppConfig) -> None:
    """Before the record is opened: one of an older version comes to its new place."""
    if not config.record:
        move_record(config.home, config.data)


def _prepare_record(desk: Desk) -> None:
    """Read the record before the first visitor waits for it; without it, everything but vetting works."""
    try:
        desk.prepare()
    except (StoreError, SQLAlchemyError) as error:
        LOG.warning("%s", error)


def _log_trouble(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong in the background, but for a page that was closed while it was being sent something."""
    if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
        loop.default_exception_handler(context)


def build_waiting_page(runner: BuildRunner) -> pmui.Page:
    """The page while products are built; it reloads by itself."""
    return _page([ProgressView(runner)])


def build_columns_page(opening: Opening, refusal: Callable[[], str], *, stays: bool) -> pmui.Page:
    """The page of columns: while products are made of files, and later when somebody asks for it."""
    room = ColumnsPage(opening, refusal, stays=stays)
    page = _page([room])
    page.param.watch(lambda _: in_turn(lambda: room.theme(dark=bool(page.dark_theme))), "dark_theme")
    page.dark_theme = room.dark = _was_dark() or bool(page.dark_theme)
    return page


def build_page(
    library: Library,
    links: LinkStore,
    arguments: dict[str, list[bytes]] | None = None,
    visit: Callable[[Workspace], Visit | None] = lambda _: None,
    releases: Path = Path(),
    samp: Path | None = None,
    opening: Opening | None = None,
    served: Served | None = None,
) -> pmui.Page:
    """The explorer on a library.

    Parameters
    ----------
    library : Library
        Shared, read-only products.
    links : LinkStore
        Where links and saved views are kept.
    arguments : dict, optional
        The query of the address; ``star`` gives an obsid the page to itself, ``link`` restores what somebody shared.
    visit : callable, optional
        Who is here and may vet, for a workspace; None where nothing is vetted.
    releases : Path
        Where frozen releases are written.
    samp : Path, optional
        Where tables for programs on this machine are kept; without it nothing is sent to any.
    opening : Opening, optional
        What makes the products, where they are made of files that were opened.
    served : Served, optional
        Follows the products on disk, where they are served from a directory.
    """
    products = library.products
    workspace = Workspace(library.table, panels=default_panels(library, FIRST_VIEWS))
    workspace.dark = _was_dark()
    _restore(workspace, links, arguments or {})

    here = visit(workspace)
    explore = ExploreRoom(workspace, library, links, samp, here)
    rooms: Rooms = {"Explore": lambda: explore}
    if here is not None:
        rooms |= {"Vet": lambda: VetRoom(here), "Adjudicate": lambda: AdjudicateRoom(here)}
    rooms[ROOM] = lambda: ValidateView(workspace, library)
    if here is not None:
        rooms["Progress"] = lambda: CampaignsRoom(here, releases)
    rooms["About"] = lambda: AboutView(library, columns_page=opening is not None)
    tabs, frames = _tabs(rooms, workspace)
    strip: list[Any] = [OpeningStrip(opening, library, explore.reload)] if opening is not None else []
    if served is not None:
        strip.append(ServedStrip(served, library, explore.reload, explore.star.show))
    page = _page([*_banner(products.manifest), *strip, *frames], [tabs])
    page.param.watch(lambda _: in_turn(lambda: workspace.param.update(dark=bool(page.dark_theme))), "dark_theme")
    workspace.param.watch(lambda event: page.param.update(dark_theme=event.new), "dark")
    page.dark_theme = workspace.dark or bool(page.dark_theme)
    workspace.dark = bool(page.dark_theme)
    return page


def _was_dark() -> bool:
    """Whether this browser's last page was dark."""
    return pn.state.cookies.get(DARK_COOKIE) == "1"


def _tabs(rooms: Rooms, workspace: Workspace) -> tuple[pmui.Tabs, list[pn.Column]]:
    """Tabs in the header, and a frame for each room; a room is built when it is first entered."""
    tabs = pmui.Tabs(
        *((name, pn.Spacer(height=0)) for name in rooms),
        color="default",
        margin=(0, 24),
        height=44,
        sx={
            "& .MuiTab-root": {
                "color": "inherit",
                "minHeight": "44px",
                "padding": "0 16px",
                "textTransform": "none",
                "fontSize": "14px",
            },
            "& .Mui-selected": {"color": "inherit !important", "fontWeight": 600},
            "& .MuiTabs-indicator": {"backgroundColor": "currentColor"},
        },
    )
    frames = [pn.Column(sizing_mode="stretch_both", margin=0, visible=number == 0) for number in range(len(rooms))]
    builders = list(rooms.values())
    frames[0].append(builders[0]())

    names = list(rooms)

    def turn() -> None:
        if not len(frames[tabs.active]):
            frames[tabs.active].append(builders[tabs.active]())
        for number, frame in enumerate(frames):
            frame.visible = number == tabs.active
        workspace.room = names[tabs.active]

    def go(room: str) -> None:
        if room in names:
            tabs.active = names.index(room)

    tabs.param.watch(lambda _: in_turn(turn), "active")
    workspace.param.watch(lambda event: go(event.new), "room")
    return tabs, frames


def _banner(manifest: Manifest) -> list[Viewable]:
    """A strip over every tab when anything is simulated."""
    if not manifest.simulated:
        return []
    text = f'<div class="banner" role="alert"><b>SIMULATED DATA</b> - {escape(manifest.simulated_note)}</div>'
    return [html(text, sizing_mode="stretch_width")]


def _page(main: list[Any], header: list[Any] | None = None) -> pmui.Page:
    page = pmui.Page(
        title=TITLE,
        main=main,
        header=header or [],
        logo=files("assets") / "logo.svg",
        favicon=files("assets") / "logo.svg",
        theme_config=_THEME,
        raw_css=[fonts(), stylesheet("page")],
        busy_indicator=None,
        sx=_DENSE,
    )
    with edit_readonly(page):  # in place of a reference to Panel's state, which would hold the page for ever
        page.busy = page.param.loading
    return page


def _restore(workspace: Workspace, links: LinkStore, arguments: dict[str, list[bytes]]) -> None:
    """Show what a link stands for, then put the star of ``?star=OBSID`` under the lens."""
    try:
        state = state_of_link(links, arguments)
        if state is not None:
            workspace.restore(state)
    except ValueError as error:
        workspace.message = str(error)
    for raw in arguments.get("star", [])[:1]:
        text = raw.decode("utf-8", "replace").strip()
        if text.isdigit() and len(text) < 19:
            workspace.look_at(int(text))
            workspace.star_alone = workspace.focus is not None
        else:
            told = f"The link asks for star {text!r:.60}, which is not an obsid."
            workspace.message = f"{workspace.message} {told}".strip()


def warm_up(library: Library) -> None:
    """Compile the hot path, measure the columns and write a page before the first visitor waits for it."""
    warm_up_views(library)
    with TemporaryDirectory() as folder:
        build_page(library, LinkStore(Path(folder) / "links.sqlite")).server_doc(Document())


def warm_up_views(library: Library) -> None:
    """Compile the hot path and measure the columns, also while pages are served.

    No page is written: Panel would take the style sheets of a page that is written at the same time from its own host.
    """
    if library.products.spectra is not None:
        with suppress(ValueError):  # a damaged label model: the star's room says so
            warm_up_refit(library.label_model, library.products.spectra)
    workspace = Workspace(library.table, panels=default_panels(library, FIRST_VIEWS))
    stage = Stage(workspace, library, Channel())
    for number, panel in enumerate(stage.panels):
        panel.look((0.0, 1.0, 0.0, 1.0), 64, 64)
        stage.due([number])
    for colour in ("count", *(declared.name for declared in library.table.colourable()[:1]), "in_training"):
        workspace.colour_by = colour
        workspace.gesture(InBox("obsid", "obsid", 0, 1, 0, 1))
    points_in_polygon(*np.zeros((2, LOOKUP_FROM), np.float32), np.eye(3, 2))
