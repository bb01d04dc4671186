"""Open files with positioned reads instead of memory maps, refused after a change of content.

A memory map of a file that somebody cuts ends the process (SIGBUS); a positioned read of it ends in an exception. A
file that is renamed or deleted stays readable through its descriptor.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.products.manifest import ProductError

_BLOCK = 1 << 22
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

REMEDY = "Restore the file or build the products again."


class FileStamp(NamedTuple):
    """State of a file that a write changes.

    Parameters
    ----------
    inode : int
        Number of the file on its file system.
    size : int
        Bytes.
    modified_ns : int
        Time of the last write in ns.
    """

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Stamp of a ``stat`` result."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class OpenedFile:
    """A regular file that is open for reading during the life of this object.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    refusal : str
        Why the content may not be used; "" while it may.

    Raises
    ------
    ProductError
        If it is missing, no regular file, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO would wait for a writer
        except OSError as error:
            raise ProductError(f"{path} cannot be opened ({error.strerror}). {REMEDY}") from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise ProductError(f"{path} is not a regular file. {REMEDY}")
        self.file = os.fdopen(descriptor, "rb", buffering=0)  # closed with this object
        self.size = status.st_size
        self.refusal = ""
        self._pinned: FileStamp | None = None

    @property
    def _descriptor(self) -> int:
        return self.file.fileno()

    @property
    def stamp(self) -> FileStamp:
        """State of the file now."""
        return FileStamp.of(os.fstat(self._descriptor))

    def pin(self, stamp: FileStamp | None = None) -> None:
        """Accept the content of a state, by default the current one; later content is refused."""
        self.refusal, self._pinned = "", stamp or self.stamp

    def demand_unchanged(self) -> None:
        """Refuse changed content.

        Call it after each read: a write changes the time of the file before its bytes.

        Raises
        ------
        ProductError
            If the file was refused, or was written to since :meth:`pin`.
        """
        if self.refusal:
            raise ProductError(self.refusal)
        if self._pinned is not None and self.stamp != self._pinned:
            raise ProductError(f"{self.path} was changed while it was open, so nothing of it is shown. {REMEDY}")

    def read_into(self, target: NDArray[Any], position: int) -> None:
        """Fill a contiguous array from a position of the file.

        Raises
        ------
        ProductError
            If the file ends before, cannot be read, or was refused or changed.
        """
        left = target.data.cast("B") if target.size else memoryview(b"")
        while left:
            try:
                count = os.preadv(self._descriptor, [left], position)
            except OSError as error:
                raise ProductError(f"{self.path} cannot be read ({error.strerror}). {REMEDY}") from error
            if not count:
                raise ProductError(
                    f"{self.path} is shorter than the {self.size} bytes it had when it was opened. {REMEDY}"
                )
            left, position = left[count:], position + count
        self.demand_unchanged()

    def sha256(self, follow: Callable[[int], None] = lambda _: None) -> str:
        """SHA-256 of the current content.

        Parameters
        ----------
        follow : callable
            Called with the number of bytes of each block that was read.

        Raises
        ------
        ProductError
            If it cannot be read.
        """
        digest, position = hashlib.sha256(), 0
        try:
            while block := os.pread(self._descriptor, _BLOCK, position):
                digest.update(block)
                position += len(block)
                follow(len(block))
        except OSError as error:
            raise ProductError(f"{self.path} cannot be read ({error.strerror}). {REMEDY}") from error
        return digest.hexdigest()


class StoredRows:
    """Rows of a two-dimensional ``.npy`` file, read on demand.

    Parameters
    ----------
    path : Path
        The file.
    dtype : str
        Type that its values must have.

    Raises
    ------
    ProductError
        If the file cannot be read, holds something else, or has another size than its header announces.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        self.file = OpenedFile(path)
        try:
            version = np.lib.format.read_magic(self.file.file)
            shape, by_columns, result = _HEADERS[version](self.file.file)
        except (ValueError, KeyError, EOFError, OSError) as error:
            raise ProductError(f"{path} is no NumPy array ({error}). {REMEDY}") from error
        self._start, self.dtype = self.file.file.tell(), np.dtype(dtype)
        if len(shape) != 2 or by_columns or result != self.dtype:
            raise ProductError(f"{path} holds {result} of shape {shape}, expected rows of {self.dtype}. {REMEDY}")
        self.shape: tuple[int, int] = (int(shape[0]), int(shape[1]))
        wanted = self._start + self.shape[0] * self._stride
        if self.file.size != wanted:
            raise ProductError(f"{path} has {self.file.size} bytes, its header announces {wanted}. {REMEDY}")

    @property
    def _stride(self) -> int:
        return self.shape[1] * self.dtype.itemsize

    def row(self, number: int) -> NDArray[Any]:
        """One row, shape (n_columns,)."""
        values: NDArray[Any] = np.empty(self.shape[1], self.dtype)
        self.file.read_into(values, self._start + number * self._stride)
        return values

    def rows(self, wanted: slice | NDArray[np.integer]) -> NDArray[Any]:
        """Some rows, shape (n, n_columns); adjacent ones are read together.

        Raises
        ------
        IndexError
            If the file has no such row.
        """
        numbers = np.arange(*wanted.indices(self.shape[0])) if isinstance(wanted, slice) else np.asarray(wanted)
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < self.shape[0]):
            raise IndexError(
                f"{self.file.path} has rows 0 to {self.shape[0] - 1}, not {numbers.min()} to {numbers.max()}."
            )
        values: NDArray[Any] = np.empty((numbers.size, self.shape[1]), self.dtype)
        ends = np.flatnonzero(np.diff(numbers) != 1) + 1
        for first, last in zip((0, *ends), (*ends, numbers.size), strict=True):
            if last > first:
                self.file.read_into(values[first:last], self._start + int(numbers[first]) * self._stride)
        return values
