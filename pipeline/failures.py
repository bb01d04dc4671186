"""Errors of the system (disk, permissions, memory) as one sentence with reason and remedy."""

from __future__ import annotations

import errno
import os
import re
import warnings
from concurrent.futures import BrokenExecutor
from pathlib import Path

AGAIN = "run the same command again: a build continues from its last checkpoint"

_SPACE = f"Free space there, then {AGAIN}."
_PLACE = "Choose another place, or have its permissions changed."
_REASONS = {
    errno.ENOSPC: ("the disk is full, or a quota on it", _SPACE),
    errno.EDQUOT: ("the quota of disk space is used up", _SPACE),
    errno.EFBIG: ("it would be larger than the limit on the size of files (ulimit -f)", f"Raise it, then {AGAIN}."),
    errno.EROFS: ("the file system is read-only", "Choose another place."),
    errno.EACCES: ("permission is denied", _PLACE),
    errno.EPERM: ("the system does not permit it", _PLACE),
    errno.ENOTDIR: ("a part of this path is a file, not a folder", "Choose another place."),
    errno.EISDIR: ("it is a folder, not a file", "Name a file."),
    errno.ENOENT: ("it does not exist", "Check the path."),
    errno.EEXIST: ("a file of this name exists already", "Choose another place, or remove it."),
    errno.ENOTEMPTY: ("another program put files there", f"Remove them, then {AGAIN}."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter one."),
    errno.ELOOP: ("its symbolic links form a circle", "Check the path."),
    errno.EMFILE: ("too many files are open (ulimit -n)", f"Raise the limit, then {AGAIN}."),
    errno.ENFILE: ("too many files are open on this machine", f"Later, {AGAIN}."),
    errno.EIO: ("the device reports an error", f"Check the disk, then {AGAIN}."),
    errno.ESTALE: ("the network file system has lost it", f"Check the mount, then {AGAIN}."),
    errno.ENOLCK: ("the file system cannot lock files", "Choose a place on another one."),
}
_MEMORY = f"Close other programs or raise the limit (ulimit -v), then {AGAIN}."
_PROGRAM = str(Path(__file__).parent) + os.sep
_default_format = warnings.formatwarning
_IN_TEXT = re.compile(r"\[errno (\d+)\]", re.IGNORECASE)
_SHORT_WRITE = re.compile(r"(\d+) requested and (\d+) written")


def failure_sentence(error: OSError | MemoryError | RuntimeError, where: Path | None = None) -> str:
    """Describe an error of the system in one sentence.

    Parameters
    ----------
    error : OSError, MemoryError or RuntimeError
        Any library's: pyarrow and astropy put the system's error number into the text, numpy only says how much it
        wrote.
    where : Path, optional
        Where the command writes, for an error that names no file.

    Returns
    -------
    str
        "" for an error that is none of the system's: a traceback serves better.
    """
    if isinstance(error, MemoryError):
        return f"There is not enough memory{_detail(error)}. {_MEMORY}"
    if isinstance(error, BrokenExecutor):
        return f"A worker process was killed, as the system does when memory is short{_detail(error)}. {_MEMORY}"
    if isinstance(error, RuntimeError):
        return f"No further thread can be started. {_MEMORY}" if "can't start new thread" in str(error) else ""
    number = _number(error)
    if number is None:
        return f"{_place(error, where)}: {error}" if error.filename is not None else str(error)
    if number == errno.ENOMEM:
        return f"There is not enough memory{_detail(error)}. {_MEMORY}"
    reason, remedy = _REASONS.get(number, (os.strerror(number).lower(), "Check the place."))
    return f"{_place(error, where)}: {reason}. {remedy}"


def _number(error: OSError) -> int | None:
    """Number of the system's error, also if a library gives it as text only."""
    if error.errno is not None:
        return error.errno
    if match := _IN_TEXT.search(str(error)):
        return int(match[1])
    return errno.ENOSPC if _SHORT_WRITE.search(str(error)) else None  # numpy, of a write that was cut short


def _place(error: OSError, where: Path | None) -> str:
    """File that the error names, else the output path, as libraries do not always name it."""
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    if names:
        return " -> ".join(names)
    return f"A file of {where}" if where is not None else f"A file{_detail(error)}"


def _detail(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return f" ({text})" if text else ""


def warn_in_sentences() -> None:
    """Show this program's own warnings as sentences, without the line of code."""
    warnings.formatwarning = _format_warning


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    own = issubclass(category, UserWarning) and category.__module__.split(".")[0] in ("builtins", "pipeline")
    if own and filename.startswith(_PROGRAM):
        return f"warning: {message}\n"
    return _default_format(message, category, filename, lineno, line)
