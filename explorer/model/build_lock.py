"""File lock on a build's output, which the system releases when the processes that hold it end.

A number of a process in a file does not do: numbers are used again, in a container always.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class BuildLock:
    """Advisory lock (``flock``) on a permanent file.

    Parameters
    ----------
    path : Path
        Path of the file; its text has the process ids of the workers.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Acquire the lock; False when another runner, in this process or another one, holds it.

        Raises
        ------
        OSError
            If the file cannot be made, or its file system knows no locks.
        """
        handle = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        except OSError:
            os.close(handle)
            raise
        self._handle = handle
        self.note(os.getpid())
        return True

    @property
    def handle(self) -> int:
        """File descriptor for a child process, which then holds the lock until it ends.

        Raises
        ------
        ValueError
            If the lock is not held.
        """
        if self._handle is None:
            raise ValueError(f"{self.path} is not locked by this runner.")
        return self._handle

    def note(self, *processes: int) -> None:
        """Write the process ids of the workers into the file."""
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, " ".join(map(str, processes)).encode(), 0)

    def release(self) -> None:
        """Release the lock; a child that has inherited it keeps it."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def held(self) -> bool:
        """Whether any runner holds the lock, this one included."""
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False
