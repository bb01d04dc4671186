"""Files of a folder of limited size, of which the one that was not used for longest is removed first."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 200 << 20
"""Size of a folder, which a few thousand images fill."""

_LOG = logging.getLogger(__name__)
_DRAFT = ".part"
_DRAFT_S = 3600.0


class SkyCache:
    """Answers of services on disk; several servers may share the folder.

    Parameters
    ----------
    folder : Path
        The folder; made with the first file.
    max_bytes : int
        Size that all files may have together.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._warned = False

    def get(self, key: str) -> bytes | None:
        """The content of a key, which is now the one used last; None if there is none."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(error)
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Store a content whole or not at all, and remove the oldest ones beyond the size of the folder."""
        path = self._path(key)
        draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}{_DRAFT}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(path)
            self._trim()
        except OSError as error:
            self._warn(error)
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def drop(self, key: str) -> None:
        """Remove a content that is damaged."""
        with suppress(OSError):  # it is replaced by the next answer
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.sky"

    def _trim(self) -> None:
        """Remove forgotten drafts, then the files used longest ago; another server may remove some of them too."""
        files: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                state = path.stat()
                if path.suffix == _DRAFT and time.time() - state.st_mtime > _DRAFT_S:
                    path.unlink(missing_ok=True)
                elif path.suffix != _DRAFT:
                    files.append((state.st_mtime, state.st_size, path))
        size = sum(item[1] for item in files)
        for _, this, path in sorted(files)[:-1]:  # the last one was just requested
            if size <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            size -= this

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            _LOG.warning("Images of the sky cannot be kept in %s: %s", self.folder, error.strerror)
        self._warned = True
