"""Errors of plan files in sentences: no plan, damaged, in use, on a full disk."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

ANOTHER_FILE = "Name the plan of a fetch, or move the file away."
"""Remedy for a file that is no plan."""


class PlanError(ValueError):
    """A plan file cannot be used; the message names the file, what was found and the remedy."""


def damaged_plan(path: Path, reason: object) -> PlanError:
    """Error of a plan whose content cannot be used."""
    return PlanError(f"The plan file {path} is damaged ({reason}). Move it away and start the fetch again.")


def named_error(error: sqlite3.Error, path: Path) -> PlanError | OSError:
    """Error of a database as that of its plan; that of a full or protected disk as the system's."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return PlanError(f"{path} is used by another fetch. Wait for its end, stop it, or choose another folder.")
    if code in _OF_PLACE and not os.access(path.parent, os.W_OK):
        number = errno.EROFS if os.statvfs(path.parent).f_flag & os.ST_RDONLY else errno.EACCES
        return OSError(number, os.strerror(number), str(path))
    if code in _NUMBERS:
        return OSError(_NUMBERS[code], os.strerror(_NUMBERS[code]), str(path))
    if code == sqlite3.SQLITE_NOTADB:
        return PlanError(f"{path} is not a plan file ({error}). {ANOTHER_FILE}")
    if code == sqlite3.SQLITE_CANTOPEN:
        return PlanError(f"The plan file {path} cannot be opened. Check whether it is a file, and its permissions.")
    return damaged_plan(path, error)


_OF_PLACE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_NUMBERS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
}
