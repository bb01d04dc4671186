"""Open the explorer: ``python run_app.py [PATH ...]`` or ``panel serve run_app.py --args PATH ...``.

A path is a product directory, a frozen release, tables of stars, or a folder of spectra. Without one the embedded
simulated survey opens, and is built first where it does not exist yet.
"""

from __future__ import annotations

import secrets
import signal
import sys
from contextlib import suppress
from dataclasses import replace

from explorer.config import AppConfig
from explorer.model.opened_files import OpenError
from explorer.opened import open_paths

if __name__ == "__main__":
    with suppress(OpenError):  # said by main; the user interface below takes seconds to import
        open_paths(AppConfig.from_arguments(sys.argv[1:]))

import panel as pn

from explorer.app import TITLE, serve_session, warm_up
from explorer.model.building import default_build
from explorer.model.library import open_library
from explorer.model.memory import set_aside
from explorer.model.moving import move_files
from explorer.views.vetting.signin import serving
from pipeline.products.manifest import ProductError

MOST_MESSAGE_BYTES = 80_000_000
"""Of one message of a page: a record to merge has at most 50 MB."""

KEEP_ALIVE: dict[str, float] = {
    "keep_alive_milliseconds": 0,
    "websocket_ping_interval": 37,
    "websocket_ping_timeout": 0,
}
"""Tornado pings the pages, Bokeh does not: its ping detaches the session of a page that is just closing, and what the
page had still sent then fails. Without a time limit, as a large upload delays a page's answer."""


def main(arguments: list[str]) -> int:
    """Serve until interrupted; the exit code is non-zero when the paths cannot be opened."""
    config = AppConfig.from_arguments(arguments)
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
        return serve(config)
    runner = default_build(config.build, config.directory) if config.build else None
    if runner is not None:
        runner.start()
    if runner is None or runner.ready:
        print(f"Opening {config.directory}", flush=True)  # noqa: T201 - a command line speaks to its user
        try:
            warm_up(open_library(config.directory, config.columns))
        except ProductError as error:
            remedy = f" Remove {config.directory} to have the default built again." if runner is not None else ""
            print(f"{error}{remedy}", file=sys.stderr)  # noqa: T201
            return 1
    return serve(config)


def serve(config: AppConfig) -> int:
    """Serve until interrupted."""
    move_files(config.home, config.data)
    set_aside()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that builds started here end too
    pn.serve(
        {"/": lambda: serve_session(config)},
        port=config.port,
        address=config.address,
        show=config.open_browser,
        title=TITLE,
        websocket_origin=list(config.origins) or None,
        liveness="health",
        sign_sessions=True,
        secret_key=secrets.token_bytes(32),
        websocket_max_message_size=MOST_MESSAGE_BYTES,
        **KEEP_ALIVE,
        **serving(config),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
elif __name__.startswith("bokeh_app"):
    hosted = replace(AppConfig.from_arguments(sys.argv[1:]), hosted=True)
    move_files(hosted.home, hosted.data)
    serve_session(hosted).servable(title=TITLE)
