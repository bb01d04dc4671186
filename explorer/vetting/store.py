"""Connections to the database of the record: SQLite by path, PostgreSQL by URL, migrated when opened."""

from __future__ import annotations

import asyncio
import atexit
import logging
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock, RLock, Thread, Timer
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from explorer.vetting.backup import copy_before_migration
from explorer.vetting.engines import make_engine
from explorer.vetting.record_file import RecordFile

LOG = logging.getLogger("explorer.vetting")

IDLE_S = 3.0
"""Idle time after a write until the write-ahead log is merged, so that a plain copy is complete."""

RETRY_S = 2.0
"""Shortest time between attempts to open a record."""

_MIGRATION_LOCK = 620_307_001
"""Key of PostgreSQL's advisory lock during migrations, an arbitrary number."""


class StoreError(RuntimeError):
    """The database cannot be reached; the message never contains a password."""


class Store:
    """Connections to one record, opened when first needed and reopened after a failure.

    Parameters
    ----------
    where : str or Path
        A file for SQLite, or a URL such as ``postgresql+psycopg://user@host/name``.
    before : callable, optional
        Called before the record is opened; raises StoreError to prevent that.

    Attributes
    ----------
    opened : int
        Number of times it was opened: a new number means that the database may be another one.
    display_url : str
        Its address, without a password.

    Raises
    ------
    StoreError
        If ``where`` is not the address of such a database.
    """

    def __init__(self, where: str | Path, before_open: Callable[[], None] = lambda: None) -> None:
        self._url, self._before_open = _url_of(where), before_open
        self.display_url = self._url.render_as_string(hide_password=True)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        named = self._url.database if self.is_sqlite else None
        self.file = RecordFile(Path(named)) if named and named != ":memory:" else None
        self.opened = 0
        self._engine: Engine | None = None
        self._failure: StoreError | None = None
        self._tried_s = -RETRY_S
        self._open_lock, self._write_lock, self._claim_lock = RLock(), Lock(), Lock()
        self._connecting = False
        self._written_s = 0.0
        self._timer: Timer | None = None
        self._timer_lock = Lock()
        _OPEN.add(self)

    @classmethod
    def open(cls, where: str | Path, before_open: Callable[[], None] = lambda: None) -> Store:
        """Open a store now, and migrate it to the current schema.

        Raises
        ------
        StoreError
            If it cannot be reached, or was made by a newer version of this program.
        """
        store = cls(where, before_open)
        store._connect_now()
        return store

    @property
    def engine(self) -> Engine:
        """The engine of the opened record; raises StoreError if it cannot be reached."""
        if self._engine is None or self._failure is not None:
            self.connect()
        assert self._engine is not None
        return self._engine

    @property
    def failure(self) -> str:
        """Why the record cannot be reached, with the remedy; "" if no failure is known."""
        return str(self._failure or "")

    def connect(self) -> None:
        """Open the record, or test again whether it can be reached.

        A thread that runs an event loop does not wait: the record is opened in the background.

        Raises
        ------
        StoreError
            If it cannot be reached (yet), with the reason and the remedy.
        """
        if on_event_loop():
            self._connect_in_background()
            raise self._failure or StoreError("The vetting record is being opened.")
        self._connect_now()

    def _connect_now(self) -> None:
        with self._open_lock:
            if self._engine is not None and self._failure is None:
                return
            if self._failure is not None and time.monotonic() - self._tried_s < RETRY_S:
                raise self._failure
            try:
                self._engine = self._opened_engine()
            except StoreError as error:
                self._failure = error
                raise
            finally:
                self._tried_s = time.monotonic()
            self._failure = None

    def _connect_in_background(self) -> None:
        if self._connecting or time.monotonic() - self._tried_s < RETRY_S:
            return
        self._connecting = True

        def attempt() -> None:
            try:
                self._connect_now()
            except StoreError as error:
                LOG.warning("%s", error)
            finally:
                self._connecting = False

        Thread(target=attempt, name="record-opening", daemon=True).start()

    def _opened_engine(self) -> Engine:
        """Create an engine on a record of the current schema, or return the existing one if it answers again."""
        try:
            if self._engine is not None:
                with self._engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                return self._engine
            self._before_open()
            if self.file is not None:
                if self.opened and not self.file.path.exists():
                    raise self._failure or StoreError(f"The vetting record {self.file.path} does not exist any more.")
                self.file.path.parent.mkdir(parents=True, exist_ok=True)
            engine = make_engine(self._url, self.file)
            try:
                self._migrate(engine)
                if self.opened and self.is_sqlite:
                    _check(engine)
            except BaseException:
                engine.dispose()
                raise
        except CommandError as error:
            raise StoreError(
                f"The vetting record {self.display_url} was made by a newer version of this program ({error}). "
                "Update the program."
            ) from error
        except (DBAPIError, sqlite3.Error) as error:
            raise StoreError(f"The vetting record {self.display_url} cannot be opened: {reason_of(error)}.") from None
        except OSError as error:
            raise StoreError(
                f"The vetting record {self.display_url} cannot be opened: "
                f"{error.strerror or error} ({error.filename}). "
                "Make its folder writable, or name another place in MGIANT_RECORD."
            ) from None
        self.opened += 1
        return engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for single statements; on PostgreSQL in autocommit, which saves two round trips."""
        engine = self.engine
        reader = engine if self.is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._need_file(engine)
        with self._tracking_failures(), reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that is on disk, in the file at the path, when the block ends without an error.

        With ``durable=False`` a power failure may revert it completely, which is acceptable for claims, which can be
        repeated. Threads take turns; of these transactions only one at a time waits for its turn, so that verdicts go
        first.
        """
        engine = self.engine
        writer = engine.execution_options(writes=True, durable=durable)
        self._need_file(engine)
        with (
            nullcontext() if durable else self._claim_lock,
            self._write_lock,
            self._tracking_failures(),
            writer.begin() as connection,
        ):
            if not durable and not self.is_sqlite:
                connection.execute(text("SET LOCAL synchronous_commit TO off"))
            yield connection
        self._need_file(engine)
        self._expect_idle()

    def _need_file(self, engine: Engine) -> None:
        """Raise StoreError unless the open files of ``engine`` are those at the path."""
        breach = self.file.breach() if self.file is not None else ""
        if not breach:
            return
        with self._open_lock:
            if self._engine is engine:
                assert self.file is not None
                healed = self.file.recover_wal()
                copy = None if healed else self.file.detach()
                engine.dispose(close=healed)
                self._engine = None
                if healed:
                    remedy = "All verdicts that were saved before are in the record again: try again."
                else:
                    kept = f"The data of this server are in {copy}. " if copy is not None else ""
                    remedy = f"{kept}Restore the record file, or run python -m explorer restore FILE --replace."
                self._failure = StoreError(
                    f"The vetting record {self.file.path} {breach}, so verdicts cannot be saved now. {remedy}"
                )
                self._tried_s = time.monotonic() - RETRY_S
                LOG.error("%s", self._failure)
        raise self._failure or StoreError(f"The vetting record {self.display_url} was replaced, so nothing was saved.")

    @contextmanager
    def _tracking_failures(self) -> Iterator[None]:
        """Remember that a server does not answer, so that the event loop does not wait for it again."""
        try:
            yield
        except DBAPIError as error:
            if not self.is_sqlite and (error.connection_invalidated or error.statement is None):
                self._tried_s = time.monotonic()
                self._failure = StoreError(
                    f"The vetting record {self.display_url} does not answer ({reason_of(error)}). It is tried again "
                    "automatically once the database runs."
                )
            raise

    def migrate(self) -> None:
        """Apply the missing migrations."""
        self._migrate(self.engine)

    def _migrate(self, engine: Engine) -> None:
        """Apply the missing migrations after a backup; servers that open at the same time wait for each other."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        head = ScriptDirectory.from_config(config).get_current_head()
        with engine.connect() as connection, connection.begin():
            present = MigrationContext.configure(connection).get_current_revision()
        if present == head:
            return
        if present is not None:
            ScriptDirectory.from_config(config).get_revision(present)  # CommandError for a version of a newer program
            LOG.warning("The vetting record is migrated from %s to %s.", present, head)
            copied = copy_before_migration(engine, self.file.path if self.file is not None else None, str(head))
            LOG.warning("A copy of the record before the migration is %s.", copied)
        with engine.execution_options(writes=True, durable=True).begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _expect_idle(self) -> None:
        if self.file is None:
            return
        with self._timer_lock:
            self._written_s = time.monotonic()
            if self._timer is None:
                self._timer = _start_timer(IDLE_S, self._idle)

    def _idle(self) -> None:
        with self._timer_lock:
            left = self._written_s + IDLE_S - time.monotonic()
            self._timer = _start_timer(left, self._idle) if left > 0.001 else None
            if self._timer is not None:
                return
        if not self.checkpoint():
            self._expect_idle()

    def checkpoint(self) -> bool:
        """Merge SQLite's write-ahead log into the file; False if another connection prevents that now."""
        engine = self._engine
        if self.file is None or engine is None or self.file.breach():
            return True
        try:
            with self._write_lock:
                proxied = engine.raw_connection()
                try:
                    raw: Any = proxied.driver_connection
                    raw.execute("PRAGMA busy_timeout = 200").close()
                    busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                    raw.execute("PRAGMA busy_timeout = 30000").close()
                finally:
                    proxied.close()
        except (DBAPIError, sqlite3.Error) as error:
            LOG.warning("The write-ahead log of the vetting record could not be merged: %s.", reason_of(error))
            return False
        return not busy

    def close(self) -> None:
        """Merge the write-ahead log, and close all connections."""
        with self._timer_lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self.checkpoint()
        engine, self._engine = self._engine, None
        if engine is not None:
            lost = self.file is not None and self.file.breach()
            if lost and self.file is not None:
                self.file.detach()
            engine.dispose(close=not lost)


_OPEN: weakref.WeakSet[Store] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close all stores at the end of the process, also after SIGTERM."""
    for store in list(_OPEN):
        store.close()


def _start_timer(seconds: float, call: Callable[[], None]) -> Timer:
    timer = Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


def on_event_loop() -> bool:
    """Whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def reason_of(error: BaseException) -> str:
    """First line of a database error."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].rstrip(".") if lines else "no reason given"


def _check(engine: Engine) -> None:
    """Raise DatabaseError if a restored file is damaged."""
    with engine.connect() as connection:
        result = connection.execute(text("PRAGMA quick_check")).scalar_one()
    if result != "ok":
        raise sqlite3.DatabaseError(f"it is damaged ({result})")


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
