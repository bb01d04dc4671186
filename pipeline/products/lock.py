"""Lock of an output for one writer, released with the process that holds it."""

from __future__ import annotations

import errno
import fcntl
import getpass
import json
import os
import shlex
import socket
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.products.manifest import ProductError

_BUSY = (errno.EWOULDBLOCK, errno.EACCES)


class OutputBusyError(ProductError):
    """Another process writes the same output; the message names it."""


class OutputLock:
    """Exclusive lock of an output in a ``with`` block.

    The lock is ``flock`` on a file, which the system releases when the holder ends, however it ends: a file that is
    left behind never blocks, also where process numbers repeat (containers, after a restart). It holds between
    processes of one machine, and between machines on NFS where both have Linux 2.6.12 or newer and the mount has no
    ``nolock`` or ``local_lock=flock``. On a file system without locks a warning replaces it.

    Parameters
    ----------
    output : Path
        What is written; for the message.
    path : Path
        The lock file; it describes its holder and is removed at the end.

    Raises
    ------
    OutputBusyError
        If another process holds it.
    """

    def __init__(self, output: Path, path: Path) -> None:
        self.output, self.path = output, path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        while self._descriptor is None:
            self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            if self._is_named(descriptor):
                self.path.unlink()  # still locked: a process that opens the name now makes a new file
        except OSError as problem:
            warnings.warn(f"The lock file {self.path} cannot be removed ({problem}); it does no harm.", stacklevel=2)
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Check that the lock is still held.

        Raises
        ------
        ProductError
            If its file was removed or replaced since: another process may write the same output.
        """
        if self._descriptor is None or not self._is_named(self._descriptor):
            raise ProductError(
                f"The lock file {self.path} was removed during this build, so that another one may write "
                f"{self.output}; nothing is published. Give the same command again when no other build runs."
            )

    def _take(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except (PermissionError, IsADirectoryError) as error:
            raise ProductError(
                f"The lock file {self.path} cannot be written ({error.strerror}). Remove it if nobody builds "
                f"{self.output}, or choose another output."
            ) from error
        kept = False
        try:
            _lock(descriptor, self)
            kept = self._is_named(descriptor)  # else a holder that ended has just removed it: the next try makes it
            if kept:
                _describe(descriptor)
        finally:
            if not kept:
                os.close(descriptor)
        if kept:
            self._descriptor = descriptor

    def _is_named(self, descriptor: int) -> bool:
        """Whether the lock file still has its name."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False


def _lock(descriptor: int, lock: OutputLock) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            raise OutputBusyError(
                f"{lock.output} is being written{_holder(lock.path)}. Wait for its end, stop it, or choose another "
                "output."
            ) from None
        warnings.warn(
            f"{lock.path} cannot be locked ({error.strerror}): take care that nothing else writes {lock.output}.",
            stacklevel=4,
        )


def _describe(descriptor: int) -> None:
    holder = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "user": _user(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(sys.orig_argv),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, (json.dumps(holder, indent=1) + "\n").encode(), 0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        return str(os.getuid())


def _holder(path: Path) -> str:
    """Description of the holder; "" if its file has none (yet)."""
    try:
        holder: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return (
            f" by process {holder['pid']} of {holder['user']} on {holder['host']}, started {holder['started']}: "
            f"{holder['command']!s:.200}"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"
