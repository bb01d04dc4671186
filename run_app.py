"""Open the explorer: ``python run_app.py [PATH ...]`` or ``panel serve run_app.py --args PATH ...``.

A path is a product directory, a frozen release, tables of stars, or a folder of spectra. Without one the embedded
simulated survey opens, and is built first where it does not exist yet.
"""

from __future__ import annotations

import secrets
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from explorer.config import AppConfig
from explorer.listening import refuse_address
from explorer.model.opened_files import OpenError
from explorer.model.sky import SkyProfileError, sky_of
from explorer.opened import open_paths
from explorer.vetting.people import UserError, UserFile

if __name__ == "__main__":  # the user interface below takes seconds to import
    started = AppConfig.from_arguments(sys.argv[1:])
    try:
        if started.users != Path():
            UserFile(started.users).require()
        sky_of(started)
    except (UserError, SkyProfileError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    refuse_address(started.address, started.port)  # before anything is built
    with suppress(OpenError):  # reported by main
        open_paths(started)

import panel as pn
from panel.io.server import Server
from tornado.ioloop import PeriodicCallback

from explorer.access.forwarded import without_visitors_headers
from explorer.access.guards import Guard, OwnerGuard
from explorer.access.prefix import WITHOUT_SLASH, AddSlash, removal_of
from explorer.access.requests import ChangedRequests
from explorer.app import serve_session, served_at, warm_up
from explorer.logs import WITHIN_S, Repeats, configure_logs
from explorer.model.building import default_build
from explorer.model.memory import set_aside
from explorer.moving import move_files
from explorer.panel_internals import http_server_of
from explorer.rooms.health import ROUTES
from explorer.rooms.intake import MAX_MESSAGE_BYTES
from explorer.rooms.page import TITLE
from explorer.rooms.scripts import SCRIPT_ROUTES, serve_by_address
from explorer.rooms.vetting.signin import SESSIONS, guard_of, serving
from pipeline.products.manifest import ProductError

KEEP_ALIVE: dict[str, float] = {
    "keep_alive_milliseconds": 0,
    "websocket_ping_interval": 37,
    "websocket_ping_timeout": 0,
}
"""Interval of Tornado's websocket pings, without a timeout.

Bokeh's own ping detaches the session of a page that is just closing, so that its last messages would fail. A timeout
would break large uploads, which delay a page's answer.
"""


SWEEP_MS = 1000
"""Interval between checks for sessions whose visitors may not stay."""


def main(arguments: list[str]) -> int:
    """Serve until interrupted; return 1 if the paths cannot be opened, 2 if the server cannot start."""
    config = AppConfig.from_arguments(arguments)
    try:
        repeats = configure_logs(config.log_file)
        if config.users != Path():
            UserFile(config.users).require()
    except UserError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        remedy = "name a file in a folder of yours with --log-file"
        print(f"The log {config.log_file} cannot be written ({error.strerror}): {remedy}.", file=sys.stderr)  # noqa: T201
        return 2
    try:
        opening = open_paths(config)
    except OpenError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if opening is not None:
        print(f"Opening {opening.name}", flush=True)  # noqa: T201 - a command line speaks to its user
        library = opening.wait_for_library()
        if library is not None:
            warm_up(library)
        return serve(config, repeats)
    runner = default_build(config.build, config.directory) if config.build else None
    if runner is not None:
        runner.start()
    if runner is None or runner.ready:
        print(f"Opening {config.directory}", flush=True)  # noqa: T201 - a command line speaks to its user
        try:
            warm_up(served_at(config).library())
        except ProductError as error:
            remedy = f" Remove {config.directory} to have the default built again." if runner is not None else ""
            print(f"{error}{remedy}", file=sys.stderr)  # noqa: T201
            return 1
    return serve(config, repeats)


def serve(config: AppConfig, repeats: Repeats) -> int:
    """Serve until interrupted; return 2 if the server cannot listen on the address."""
    move_files(config.home, config.data)
    set_aside()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that builds started here end too
    guard = guard_of(config, SESSIONS)
    try:
        server = server_of(config, guard, lambda: serve_session(config))
    except OSError as error:
        where = f"{config.address}, port {config.port}"
        remedy = "give another one with --port, or 0 for a free one"
        print(f"The address {where} cannot be listened on ({error.strerror}): {remedy}.", file=sys.stderr)  # noqa: T201
        return 2
    announce(config, guard, server.port)
    PeriodicCallback(lambda: repeats.summarise(WITHIN_S), 1000.0 * WITHIN_S).start()
    server.start()
    server.io_loop.start()
    return 0


def server_of(config: AppConfig, guard: Guard, page: Callable[[], object]) -> Server:
    """Create a listening server that is not started yet.

    Parameters
    ----------
    config : AppConfig
        Where and for whom.
    guard : Guard
        Finds the visitor of each request.
    page : callable
        Makes the page of a session.

    Raises
    ------
    OSError
        If the address cannot be listened on.
    """
    routes = [*ROUTES, *SCRIPT_ROUTES]
    if config.prefix:
        routes.append((WITHOUT_SLASH, AddSlash, {"prefix": config.prefix}))
    below = {"root_path": f"{config.prefix}/"}
    server = pn.serve(
        {"/": page},
        port=config.port,
        address=config.address,
        show=False,
        start=False,
        verbose=False,
        title=TITLE,
        websocket_origin=list(config.origins) or None,
        extra_patterns=routes,
        sign_sessions=True,
        secret_key=secrets.token_bytes(32),
        websocket_max_message_size=MAX_MESSAGE_BYTES,
        **KEEP_ALIVE,
        **serving(config, guard),
        **(below if config.prefix else {}),
    )
    serve_by_address()
    http = http_server_of(server)
    if config.proxied:
        http.request_callback = ChangedRequests(http.request_callback, without_visitors_headers)
    if config.prefix:
        http.request_callback = ChangedRequests(http.request_callback, removal_of(config.prefix))
    PeriodicCallback(guard.sweep, SWEEP_MS).start()
    return server


def announce(config: AppConfig, guard: Guard, port: int) -> None:
    """Print the server's address, with the token if there is one, and open a browser if requested."""
    host = "localhost" if config.address in ("", "0.0.0.0", "::") else config.address  # noqa: S104 - is compared
    host = f"[{host}]" if ":" in host else host
    address = f"http://{host}:{port}{config.prefix}/"
    owner = guard if isinstance(guard, OwnerGuard) and guard.token else None
    print(f"The explorer is at {address}{f'?token={owner.token}' if owner else ''}", flush=True)  # noqa: T201
    if config.open_browser:
        threading.Thread(
            target=webbrowser.open, args=(f"{address}?token={owner.code()}" if owner else address,), daemon=True
        ).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
elif __name__.startswith("bokeh_app"):
    hosted = replace(AppConfig.from_arguments(sys.argv[1:]), hosted=True)
    move_files(hosted.home, hosted.data)
    serve_session(hosted).servable(title=TITLE)
