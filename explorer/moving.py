"""Migration of files of older versions from the cache folder to the data folder."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import sqlite3
from pathlib import Path

from explorer.vetting.backup import BackupError, exclusive_connection
from explorer.vetting.record_file import copy_database, sync
from explorer.vetting.store import StoreError

LOG = logging.getLogger("explorer.home")

RECORD = "vetting.sqlite"
LINKS = "links.sqlite"
_FILES = ("users.json", "cookie_secret.2")
_RELEASES = "releases"


def move_record(cache: Path, data: Path) -> None:
    """Move the vetting record.

    Raises
    ------
    StoreError
        If another process has it open, or it cannot be copied: a new record beside it would hide what it holds.
    """
    try:
        _report(_move_database(cache / RECORD, data / RECORD))
    except (BackupError, sqlite3.Error, OSError) as error:
        raise StoreError(
            f"The vetting record {cache / RECORD} must be moved to {data / RECORD} first, which failed: {error} "
            "No record is opened until then."
        ) from error


def move_files(cache: Path, data: Path) -> None:
    """Move links, users, secrets and releases; failures are logged and leave the file in place."""
    moves = [(_move_database, LINKS), *((_move_file, name) for name in _FILES), (_move_folders, _RELEASES)]
    for move, name in moves:
        try:
            _report(move(cache / name, data / name))
        except (BackupError, sqlite3.Error, OSError) as error:
            LOG.warning("A file of the cache folder could not be moved to %s: %s", data, error)


def _report(sentence: str) -> None:
    if sentence:
        LOG.warning("%s", sentence)


def _wanted(old: Path, new: Path) -> str | None:
    """Reason why a file is not moved, "" if it does not exist, None if it is to be moved."""
    if old == new or not old.exists():
        return ""
    if new.exists():
        return f"{old} is of an older version and was not moved, as there is a {new} already."
    return None


def _move_database(old: Path, new: Path) -> str:
    sentence = _wanted(old, new)
    if sentence is not None:
        return sentence
    new.parent.mkdir(parents=True, exist_ok=True)
    draft = new.with_name(f".{new.name}.moved")
    draft.unlink(missing_ok=True)
    try:
        with exclusive_connection(old) as database:
            copy_database(database, draft)
            _put(draft, new)
            old.unlink()
            for side in ("-wal", "-shm", "-journal"):
                old.with_name(old.name + side).unlink(missing_ok=True)
    finally:
        draft.unlink(missing_ok=True)
    return f"{old} was moved to {new}."


def _move_file(old: Path, new: Path) -> str:
    sentence = _wanted(old, new)
    if sentence is not None:
        return sentence
    new.parent.mkdir(parents=True, exist_ok=True)
    draft = new.with_name(f".{new.name}.moved")
    draft.unlink(missing_ok=True)
    content = old.read_bytes()
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        shutil.copystat(old, draft)
        sync(draft)
        _put(draft, new)
    finally:
        draft.unlink(missing_ok=True)
    old.unlink()
    return f"{old} was moved to {new}."


def _put(draft: Path, new: Path) -> None:
    """Rename a complete file; FileExistsError if the target exists."""
    try:
        os.link(draft, new)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        if new.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new)) from None
        draft.rename(new)  # a file system without hard links
    sync(new.parent)


def _move_folders(old: Path, new: Path) -> str:
    """Move the releases that the new folder lacks."""
    if old == new or not old.is_dir():
        return ""
    new.mkdir(parents=True, exist_ok=True)
    left = []
    for release in sorted(old.iterdir()):
        target = new / release.name
        if target.exists():
            left.append(release.name)
            continue
        try:
            release.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_folder(release, target)
    if left:
        return f"{old} keeps {', '.join(left)}, which {new} has already."
    old.rmdir()
    return f"{old} was moved to {new}."


def _copy_folder(old: Path, new: Path) -> None:
    """Move a folder between file systems: copy, compare, rename, then delete."""
    draft = new.with_name(f".{new.name}.moved")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(old, draft, symlinks=True)
    if _digests(old) != _digests(draft):
        shutil.rmtree(draft)
        raise OSError(errno.EIO, "the copy differs", str(old))
    draft.rename(new)
    sync(new.parent)
    shutil.rmtree(old)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
