"""Builds the page of a visit from configuration and products."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document
from bokeh.util.warnings import BokehUserWarning
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from explorer.access.guards import SESSION_NAMED
from explorer.access.visitors import names_a_session
from explorer.charts.grid import FIRST_VIEWS, default_colour, default_panels
from explorer.config import AppConfig
from explorer.model.building import BuildRunner, default_build
from explorer.model.first_star import first_star
from explorer.model.health import add_part
from explorer.model.library import Library
from explorer.model.links import LinkStore
from explorer.model.memory import give_back, set_aside
from explorer.model.opened_files import OpenError
from explorer.model.opening import Opening
from explorer.model.served import Served, product_health, served_products
from explorer.model.sky import Sky, SkyProfileError, sky_of
from explorer.model.work import drop_all
from explorer.opened import open_paths
from explorer.opened_record import open_vetting
from explorer.rooms.about import AboutView
from explorer.rooms.base import in_turn, sentence
from explorer.rooms.columns import ColumnsPage
from explorer.rooms.explore import ExploreRoom, restore
from explorer.rooms.intake import guard
from explorer.rooms.page import Rooms, framed_page, room_tabs, simulation_banner, was_dark
from explorer.rooms.progress import ProgressView
from explorer.rooms.reproduction import validate_room
from explorer.rooms.served_strip import ServedStrip
from explorer.rooms.strip import OpeningStrip
from explorer.rooms.validate import ROOM
from explorer.rooms.vetting.adjudicate import AdjudicateRoom
from explorer.rooms.vetting.campaigns import CampaignsRoom
from explorer.rooms.vetting.signin import SESSIONS, bind_session, correction_refusal, visitor
from explorer.rooms.vetting.vet import VetRoom
from explorer.rooms.vetting.visit import Visit
from explorer.rooms.warm_up import warm_up_views
from explorer.state.workspace import Workspace
from explorer.vetting.people import UserError
from explorer.vetting.store import StoreError
from pipeline.products.manifest import ProductError

COLUMNS_ADDRESS = "columns"
"""Query parameter that requests the columns page."""

AFRESH_ADDRESS = "afresh"
"""Query parameter of a page that does not continue where its visitor left off."""

COLLECTED_S = 15.0
"""Delay until Panel has deleted a closed page, at most twice its interval of five seconds."""

pn.extension(notifications=False)
# With its first event a browser sends the whole of a model that the server gave it: Bokeh warns, and keeps its own.
warnings.filterwarnings("ignore", "reference already known", BokehUserWarning)

add_part("product", lambda: {"ok": True, "state": "not open yet"})


def serve_session(config: AppConfig) -> pmui.Page:
    """The page of one visit: the explorer, the progress of a build, or the reason of a failure."""
    guard()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_trouble)
    pn.state.on_session_destroyed(lambda context: _end_session(context.id, loop))
    request = bind_session(config, SESSIONS)
    runner = default_build(config.build, config.directory) if config.build else None
    if runner is not None and not runner.ready:
        return build_waiting_page(runner)
    try:
        sky = sky_of(config)
        opening, served, library = _open(config)
    except (ProductError, OpenError, SkyProfileError) as error:
        return framed_page([sentence(str(error))])
    if request is not None and names_a_session(request):  # under run_app.py it is refused before
        return framed_page([sentence(SESSION_NAMED)])
    if opening is not None and (library is None or COLUMNS_ADDRESS in pn.state.session_args):
        return build_columns_page(opening, lambda: correction_refusal(config, request), requested=library is not None)
    assert library is not None
    if served is not None:
        leave = served.enter(library)
        pn.state.on_session_destroyed(lambda _: leave())
    set_aside()
    person, reason = visitor(config, request)
    try:
        commands = open_vetting(config, library)
    except (StoreError, UserError) as error:
        return framed_page([sentence(str(error))])
    return build_page(
        library,
        LinkStore(config.links),
        pn.state.session_args,
        lambda workspace: Visit(commands, person, reason, workspace, sky),
        config.releases,
        config.home / "samp" if config.alone else None,
        opening,
        served,
        sky,
    )


def _open(config: AppConfig) -> tuple[Opening | None, Served | None, Library | None]:
    """Open files or served products; return also their library once it exists."""
    opening = open_paths(config)
    if opening is not None:
        return opening, None, opening.library()
    served = served_at(config)
    return None, served, served.library()


def _end_session(session_id: str, loop: asyncio.AbstractEventLoop) -> None:
    """Drop a session's waiting work, and return its memory after Panel has collected the page."""
    drop_all(session_id)
    loop.call_later(COLLECTED_S, give_back)


def served_at(config: AppConfig) -> Served:
    """The products that are served, watched for changes and reported by ``/health``."""
    served = served_products(config.directory, config.columns, warm_up_views)
    add_part("product", lambda: product_health(served.state))
    return served


def _log_trouble(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors of background tasks, except for pages that were closed while receiving data."""
    if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
        loop.default_exception_handler(context)


def build_waiting_page(runner: BuildRunner) -> pmui.Page:
    """The page shown while products are built; it reloads automatically."""
    return framed_page([ProgressView(runner)])


def build_columns_page(opening: Opening, refusal: Callable[[], str], *, requested: bool) -> pmui.Page:
    """The columns page, while products are made of files and later on request."""
    room = ColumnsPage(opening, refusal, requested=requested)
    page = framed_page([room])
    page.param.watch(lambda _: in_turn(lambda: room.theme(dark=bool(page.dark_theme))), "dark_theme")
    page.dark_theme = room.dark = was_dark() or bool(page.dark_theme)
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
    sky: Sky | None = None,
) -> pmui.Page:
    """The explorer page of a library.

    Parameters
    ----------
    library : Library
        Shared, read-only products.
    links : LinkStore
        Where links and saved views are kept.
    arguments : dict, optional
        The query of the address; ``star`` shows only the star of an obsid, ``link`` restores a shared state,
        ``afresh`` continues none.
    visit : callable, optional
        Creates the visitor's access to vetting for a workspace; None without vetting.
    releases : Path
        Where frozen releases are written.
    samp : Path, optional
        Where tables for programs on this machine are kept; without it nothing is sent to any.
    opening : Opening, optional
        What makes the products, where they are made of files that were opened.
    served : Served, optional
        Follows the products on disk, where they are served from a directory.
    sky : Sky, optional
        Images of the sky and names; None where they are off.
    """
    products = library.products
    table = library.table
    workspace = Workspace(table, panels=default_panels(library, FIRST_VIEWS), colour_by=default_colour(table))
    workspace.dark = was_dark()
    restore(workspace, links, arguments or {}, library.products.manifest.created)

    by_link = not {"link", "star"}.isdisjoint(arguments or ())
    continues = not by_link and AFRESH_ADDRESS not in (arguments or ())
    if not by_link:
        workspace.focus = first_star(library)  # where nothing is continued
    here = visit(workspace)
    explore = ExploreRoom(
        *(workspace, library, links, samp, here, sky),
        opened=opening is not None,
        continues=continues,
        by_link=by_link,
    )
    rooms: Rooms = {"Explore": lambda: explore}
    if here is not None:
        rooms |= {"Vet": lambda: VetRoom(here), "Adjudicate": lambda: AdjudicateRoom(here)}
    rooms[ROOM] = lambda: validate_room(workspace, library)
    if here is not None:
        rooms["Campaigns"] = lambda: CampaignsRoom(here, releases)
    rooms["About"] = lambda: AboutView(library, columns_page=opening is not None)
    tabs, frames = room_tabs(rooms, workspace)
    strip: list[Any] = [OpeningStrip(opening, library, explore.reload)] if opening is not None else []
    if served is not None:
        strip.append(ServedStrip(served, library, explore.reload, explore.star.show))
    page = framed_page([*simulation_banner(products.manifest), *strip, *frames], [tabs])
    page.param.watch(lambda _: in_turn(lambda: workspace.param.update(dark=bool(page.dark_theme))), "dark_theme")
    workspace.param.watch(lambda event: page.param.update(dark_theme=event.new), "dark")
    page.dark_theme = workspace.dark or bool(page.dark_theme)
    workspace.dark = bool(page.dark_theme)
    return page


def warm_up(library: Library) -> None:
    """Compile the brush path, scan the columns and build a page before the first visit."""
    warm_up_views(library)
    with TemporaryDirectory() as folder:
        build_page(library, LinkStore(Path(folder) / "links.sqlite")).server_doc(Document())
