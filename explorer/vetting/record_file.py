"""The SQLite files of a record: detection of replaced or removed files, and rescue of their data."""

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
"""Suffixes of SQLite's files in WAL mode; committed data can be lost with any of them."""


class RecordFile:
    """Comparison of the files that this process has open with those at the path.

    Parameters
    ----------
    path : Path
        Path of the database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[tuple[int, int] | None, ...] = ()
        self._live: list[sqlite3.Connection] = []
        self._lock = Lock()

    def connected(self, connection: sqlite3.Connection) -> None:
        """Register a new connection; the first one also stores the identity of the files."""
        with self._lock:
            if not self._live:
                self._opened = self._at_path()
            self._live.append(connection)

    def closing(self, connection: sqlite3.Connection) -> None:
        """Unregister a connection that is being closed."""
        with self._lock:
            self._live = [live for live in self._live if live is not connection]

    def breach(self) -> str:
        """How the files changed since they were opened, as part of a sentence; "" if they did not."""
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

    def recover_wal(self) -> bool:
        """Write the data of a removed -wal file into the database, if that is still at the path.

        Returns
        -------
        bool
            Whether that succeeded; then the connections can be closed.
        """
        with self._lock:
            now, opened, live = self._at_path(), self._opened, list(self._live)
        if not live or now[0] != opened[0] or any(new not in (None, old) for new, old in zip(now, opened, strict=True)):
            return False
        try:
            busy = live[-1].execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0]
        except sqlite3.Error:
            LOG.exception("The data of the removed files of %s could not be written into it.", self.path)
            return False
        return not busy

    def detach(self) -> Path | None:
        """Leave all connections open for ever, and copy their data to a new file.

        To close the last connection, SQLite removes the files beside the database by name, which now belong to whatever
        is at the path. So these connections are never closed.

        Returns
        -------
        Path or None
            The copy, beside the record; None when it could not be written.
        """
        with self._lock:
            live, self._live, self._opened = self._live, [], ()
        for connection in live:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        return self._copy_lost(live[-1]) if live else None

    def _copy_lost(self, connection: sqlite3.Connection) -> Path | None:
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
    """Device and inode of a file; None if it does not exist."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database with SQLite's online backup into one file, which is on disk afterwards.

    Parameters
    ----------
    source : sqlite3.Connection
        The database, to which others may write meanwhile.
    target : Path
        A new file; the folder has to exist.

    Raises
    ------
    sqlite3.Error
        If the copy is damaged, or cannot be written.
    OSError
        If it cannot be written to disk.
    """
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").close()
        status = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if status != "ok":
            raise sqlite3.DatabaseError(f"the copy {target} is damaged: {status}")
    finally:
        copy.close()
    for path in (target, target.parent):
        sync(path)


def sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
