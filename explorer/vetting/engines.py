"""SQLAlchemy engines: SQLite in WAL mode with short waits for its write lock, and PostgreSQL."""

from __future__ import annotations

import random
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from explorer.vetting.record_file import RecordFile

_BUSY_MS = 30_000
_PAUSE_S, _LONG_PAUSE_S = (0.0005, 0.002), (0.003, 0.009)
"""Pauses between attempts to get SQLite's write lock: of verdicts, and of claims."""

_PATIENCE_S, _SHORT_PATIENCE_S = 10.0, 2.0
"""Timeouts of these attempts; claims are written on the event loop and give up sooner."""

_CONNECT_S = 5
"""Timeout of a new connection to a PostgreSQL server."""


def make_engine(url: URL, file: RecordFile | None) -> Engine:
    """Create the engine of a record; connections to a ``file`` of SQLite are registered with it."""
    if url.get_backend_name() != "sqlite":
        waits = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_S}
        return create_engine(url, pool_pre_ping=True, connect_args=waits)
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000.0})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",  # a verdict is on disk before it is confirmed
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        if file is not None:
            connection.execute("SELECT count(*) FROM sqlite_master").close()  # opens the -wal and -shm files
            file.connected(connection)

    if file is not None:
        event.listen(engine, "close", lambda connection, _: file.closing(connection))

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("writes", False):
            connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options['durable'] else 'NORMAL'}")
            waits = (_PAUSE_S, _PATIENCE_S) if options["durable"] else (_LONG_PAUSE_S, _SHORT_PATIENCE_S)
            _begin_to_write(connection, *waits)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _begin_to_write(connection: Connection, pause: tuple[float, float], patience_s: float) -> None:
    """Wait for SQLite's write lock in short pauses; its own doubling waits starve some writers."""
    deadline = time.monotonic() + patience_s
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(*pause))  # noqa: S311 - spreads the waiting, guards nothing
            else:
                return
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_MS}")
