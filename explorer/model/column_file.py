"""One column on disk with a checksum for each block, which is checked at each read.

A column file may be truncated, replaced or damaged by other programs at any time. It is read at positions; what is
mapped into memory is a copy that has no name (``O_TMPFILE``), so that it cannot be truncated: a truncated file under a
map ends the process (SIGBUS).
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.products.manifest import ProductError
from pipeline.products.opened_file import OpenedFile

BLOCK = 1 << 16
"""Block size in bytes."""

_COPIED = 1 << 24
_FOOTER = struct.Struct("<8sQI")
_MAGIC = b"mgcolumn"


def seal(path: Path, key: str) -> None:
    """Append the CRC-32 checksums of the blocks and a footer to a file.

    Parameters
    ----------
    path : Path
        A complete column; nothing may be written to it afterwards.
    key : str
        Names its content: the file of another column is not taken for it.
    """
    with path.open("r+b") as file:
        sums = []
        while block := file.read(BLOCK):
            sums.append(zlib.crc32(block))
        size, table = file.tell(), np.array(sums, "<u4").tobytes()
        file.write(table)
        file.write(_FOOTER.pack(_MAGIC, size, _table_sum(table, key)))


class ColumnFile:
    """A sealed column, open for reading.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        Key with which the file was sealed.

    Attributes
    ----------
    size : int
        Bytes of the column itself.

    Raises
    ------
    ProductError
        If it is missing, cut, or not sealed with this key.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._file = OpenedFile(path)
        magic, self.size, table_sum = _FOOTER.unpack(self._bytes(self._file.size - _FOOTER.size, _FOOTER.size))
        n_blocks = -(-self.size // BLOCK)
        if magic != _MAGIC or self._file.size != self.size + 4 * n_blocks + _FOOTER.size:
            raise self._damaged()
        table = self._bytes(self.size, 4 * n_blocks)
        if _table_sum(table, key) != table_sum:
            raise self._damaged()
        self._sums = np.frombuffer(table, "<u4").tolist()

    def read(self, start: int, count: int) -> bytes:
        """Read and check bytes of the column.

        Raises
        ------
        ProductError
            If the file was cut or their blocks are damaged.
        """
        first, last = start // BLOCK, -(-(start + count) // BLOCK)
        result = self._bytes(first * BLOCK, min(last * BLOCK, self.size) - first * BLOCK)
        self._check(memoryview(result), first)
        return result[start - first * BLOCK :][:count]

    def mapped(self) -> mmap.mmap:
        """The whole checked column, as a memory map of an unnamed copy, or in memory if the disk is full.

        Raises
        ------
        ProductError
            If the file was cut or is damaged.
        """
        try:
            copy = self._copied()
        except OSError:  # no space: the copy is made in memory
            copy = mmap.mmap(-1, max(self.size, 1))
            for start in range(0, self.size, _COPIED):
                copy[start : min(start + _COPIED, self.size)] = self._bytes(start, min(_COPIED, self.size - start))
        with memoryview(copy) as content:
            self._check(content[: self.size], 0)
        return copy

    def _copied(self) -> mmap.mmap:
        with tempfile.TemporaryFile(dir=self._file.path.parent, buffering=0) as copy:
            for start in range(0, self.size, _COPIED):
                left = memoryview(self._bytes(start, min(_COPIED, self.size - start)))
                while left:
                    left = left[os.write(copy.fileno(), left) :]
            return mmap.mmap(copy.fileno(), self.size, prot=mmap.PROT_READ)

    def _bytes(self, start: int, count: int) -> bytes:
        target: NDArray[np.uint8] = np.empty(max(count, 0), np.uint8)
        if start < 0:
            raise self._damaged()
        self._file.read_into(target, start)
        return target.tobytes()

    def _check(self, content: memoryview, first: int) -> None:
        for number in range(-(-len(content) // BLOCK)):
            if zlib.crc32(content[number * BLOCK : (number + 1) * BLOCK]) != self._sums[first + number]:
                raise self._damaged()

    def _damaged(self) -> ProductError:
        return ProductError(f"{self._file.path} is damaged. It is recreated when needed; no data are lost.")


def _table_sum(table: bytes, key: str) -> int:
    return zlib.crc32(key.encode(), zlib.crc32(table))
