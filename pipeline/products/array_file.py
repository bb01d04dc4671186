"""Arrays of a known shape written to disk row by row, in any order, without a writable memory map.

A page of a writable map that finds no room on the disk ends the program with SIGBUS, which nothing can answer. Here the
room is allocated first, and what cannot be written raises an ``OSError`` that names the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_FILL_BYTES = 1 << 22


class ArrayFile:
    """Writer of a ``.npy`` file; a context manager. An earlier file is replaced.

    Parameters
    ----------
    path : Path
        Of the file.
    dtype : dtype
        Of the values.
    shape : tuple of int
        Of the array.
    fill : scalar, optional
        Value of what is not assigned; by default zero.

    Raises
    ------
    OSError
        If the file cannot be made or the disk has no room for it; it names the file.
    """

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...], fill: ArrayLike | None = None) -> None:
        self.path, self.dtype, self.shape = path, np.dtype(dtype), shape
        path.unlink(missing_ok=True)  # a program that maps the earlier file keeps it whole
        self._file = path.open("xb", buffering=0)
        try:
            self._allocate()
            if fill is not None:
                self._fill(fill)
        except BaseException:
            self._file.close()
            path.unlink(missing_ok=True)
            raise

    def _allocate(self) -> None:
        described = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }
        size = prod(self.shape) * self.dtype.itemsize
        with _naming(self.path):
            np.lib.format.write_array_header_1_0(self._file, described)
            self._start = self._file.tell()
            self._file.truncate(self._start + size)
            if size and hasattr(os, "posix_fallocate"):  # not on macOS: there, writing finds out
                os.posix_fallocate(self._file.fileno(), 0, self._start + size)

    def _fill(self, value: ArrayLike) -> None:
        step = max(1, _FILL_BYTES // max(1, self._row_bytes))
        for first in range(0, self.shape[0], step):
            self[first : first + step] = value

    @property
    def _row_bytes(self) -> int:
        return prod(self.shape[1:]) * self.dtype.itemsize

    def __setitem__(self, rows: slice | NDArray[np.integer], values: ArrayLike) -> None:
        """Write rows; values are broadcast as in numpy."""
        places = np.arange(self.shape[0])[rows]
        block = np.asarray(values)
        if block.dtype != self.dtype:
            block = block.astype(self.dtype)
        block = np.ascontiguousarray(np.broadcast_to(block, (places.size, *self.shape[1:])))
        breaks = np.flatnonzero(np.diff(places) != 1) + 1
        ends = [*breaks.tolist(), places.size]
        with _naming(self.path):
            for first, end in zip([0, *breaks.tolist()], ends, strict=True):
                if end > first:
                    self._write(block[first:end], self._start + int(places[first]) * self._row_bytes)

    def _write(self, block: NDArray[Any], offset: int) -> None:
        left = block.reshape(-1).view(np.uint8)
        while left.size:
            written = os.pwrite(self._file.fileno(), left.data, offset)
            left, offset = left[written:], offset + written

    def flush(self) -> None:
        """Flush to disk, as network file systems report a full disk only then."""
        with _naming(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush and close the file."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Add the file name to errors of calls that know only its descriptor."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
