"""The database of the record: SQLite in WAL mode by path, PostgreSQL by URL; migrated when it is opened."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

_BUSY_MS = 30_000
_PAUSE_S, _LONG_PAUSE_S = (0.0005, 0.002), (0.003, 0.009)
"""How long a verdict, and a note that can be made again, wait before they look whether SQLite can be written to."""

_PATIENCE_S, _SHORT_PATIENCE_S = 10.0, 2.0
"""How long they look at all before they give up: notes are made while the page's server waits."""

_MIGRATION_LOCK = 620_307_001
"""Key of PostgreSQL's advisory lock: any number that nobody else uses."""


class StoreError(RuntimeError):
    """The database cannot be opened; the message never holds a password."""


class Store:
    """Connections to one record.

    Parameters
    ----------
    engine : Engine
        As :meth:`open` makes it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = engine if self.is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writer = engine.execution_options(writes=True, durable=True)
        self._noter = engine.execution_options(writes=True, durable=False)
        self._turn, self._notes = Lock(), Lock()

    @classmethod
    def open(cls, where: str | Path) -> Store:
        """Open, and migrate to the present schema.

        Parameters
        ----------
        where : str or Path
            A file for SQLite, or a URL such as ``postgresql+psycopg://user@host/name``.

        Raises
        ------
        StoreError
            If it cannot be reached, or was made by a newer version of this program.
        """
        url = _url_of(where)
        shown = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        try:
            store = cls(_engine(url))
            store.migrate()
        except CommandError as error:
            raise StoreError(
                f"The vetting record {shown} was made by a newer version of this program ({error}). Update the program."
            ) from error
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no reason given"
            raise StoreError(f"The vetting record {shown} cannot be opened: {reason}.") from None
        return store

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """For single statements: on PostgreSQL each sees what is committed by then, which spares it two messages."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that is on disk when the block ends without an error.

        With ``durable=False`` a loss of power may take it back, whole: good enough for what can be done again. Threads
        take turns, so that none holds the database while it waits for another; of such notes only one at a time waits
        for its turn, so that verdicts go first.
        """
        engine = self._writer if durable else self._noter
        with nullcontext() if durable else self._notes, self._turn, engine.begin() as connection:
            if not durable and not self.is_sqlite:
                connection.execute(text("SET LOCAL synchronous_commit TO off"))
            yield connection

    def migrate(self) -> None:
        """Apply the migrations that are missing; servers that open at once wait for each other."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        head = ScriptDirectory.from_config(config).get_current_head()
        with self.reading() as connection:
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
        with self.writing() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _url_of(where: str | Path) -> URL:
    if isinstance(where, Path):
        return URL.create("sqlite+pysqlite", database=str(where))
    try:
        url = make_url(where)
        name = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise StoreError(
            "The vetting record's address is neither a path nor a URL such as postgresql+psycopg://user@host/name."
        ) from None
    if name == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if name == "sqlite":
        return url
    raise StoreError(f"The vetting record is kept in SQLite or PostgreSQL; {name} is neither.")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000.0})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",  # a verdict is on disk before anybody is told
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

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
    """Queue for SQLite's write lock. Its own waiting doubles up to 100 ms, so that some starve; short waits do not."""
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
