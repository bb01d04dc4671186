"""File-system operations of products: synchronise, link, exchange, remove."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_SUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV)


def sync_file(path: Path) -> None:
    """Write a file's content to the disk before returning (fsync)."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to disk (fsync), if the file system supports it."""
    try:
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, a link (not its target), or a folder with its contents, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Create a hard link, or a copy if the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)  # reports a full disk or a missing source itself


def exchange(item: Path, other: Path) -> bool:
    """Exchange two existing names of one file system atomically.

    Parameters
    ----------
    one, other : Path
        Files, folders or links.

    Returns
    -------
    bool
        False where the system or the file system cannot do that; nothing has changed then.

    Raises
    ------
    OSError
        If it can and fails.
    """
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(item), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_SUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(item), None, str(other))
