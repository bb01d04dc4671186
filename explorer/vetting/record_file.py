"""The file of a record in SQLite: whether it is still the one at its path, and a copy of what is no longer there."""

from __future__ import annotations

import ctypes
import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

LOG = logging.getLogger("explorer.vetting")

SIDES = ("", "-wal", "-shm")
"""SQLite in WAL mode writes to three files; with any of them gone, what is committed is not in the file at the path."""


class RecordFile:
    """What the connections of this process have open, against what is at the path.

    Parameters
    ----------
    path : Path
        Of the database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[tuple[int, int] | None, ...] = ()
        self._live: list[sqlite3.Connection] = []
        self._lock = Lock()

    def connected(self, connection: sqlite3.Connection) -> None:
        """Keep a connection that was just opened, with the identity of its files where it is the only one."""
        with self._lock:
            if not self._live:
                self._opened = self._at_path()
            self._live.append(connection)

    def closing(self, connection: sqlite3.Connection) -> None:
        """Forget a connection that is closed now."""
        with self._lock:
            self._live = [one for one in self._live if one is not connection]

    def breach(self) -> str:
        """What became of the files since they were opened, as part of a sentence; "" when they are at the path."""
        with self._lock:
            opened, live = self._opened, bool(self._live)
        if not live or self._at_path() == opened:
            return ""
        now = _identity(str(self.path))
        if now is None:
            return "was removed while this server had it open"
        if now != opened[0]:
            return "was replaced by another file while this server had it open"
        return "lost its -wal or -shm file, in which SQLite keeps the last verdicts, while this server had it open"

    def heal(self) -> bool:
        """Put what is in a -wal file that was removed into the database, which is still at the path.

        Returns
        -------
        bool
            Whether that was possible; then the connections can be closed.
        """
        with self._lock:
            now, opened, live = self._at_path(), self._opened, list(self._live)
        if not live or now[0] != opened[0] or any(new not in (None, old) for new, old in zip(now, opened, strict=True)):
            return False
        try:
            busy = live[-1].execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0]
        except sqlite3.Error:
            LOG.exception("What was in the removed files of %s could not be put into it.", self.path)
            return False
        return not busy

    def abandon(self) -> Path | None:
        """Let go of every connection without closing it, after a copy of all that they hold.

        To close the last connection, SQLite removes the files beside the database by their names: those of whatever is
        at the path by then. So these connections are never closed.

        Returns
        -------
        Path or None
            The copy, beside the record; None when it could not be written.
        """
        with self._lock:
            live, self._live, self._opened = self._live, [], ()
        for connection in live:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        return self._rescue(live[-1]) if live else None

    def _rescue(self, connection: sqlite3.Connection) -> Path | None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        copy = self.path.with_name(f"{self.path.stem}.rescued-{stamp}{self.path.suffix}")
        try:
            copy_database(connection, copy)
        except (sqlite3.Error, OSError):
            LOG.exception("No copy of the lost record could be written to %s.", copy)
            copy.unlink(missing_ok=True)
            return None
        return copy

    def _at_path(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_identity(f"{self.path}{side}") for side in SIDES)


def _identity(path: str) -> tuple[int, int] | None:
    """Device and number of a file; None when there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database with SQLite's online backup into one file, which is on disk when this returns.

    Parameters
    ----------
    source : sqlite3.Connection
        Others may write to the database meanwhile.
    target : Path
        A new file; the folder has to exist.

    Raises
    ------
    sqlite3.Error
        If the copy is damaged, or cannot be written.
    OSError
        If it cannot be put on disk.
    """
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").close()
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy {target} is damaged: {found}")
    finally:
        copy.close()
    for path in (target, target.parent):
        sync(path)


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
