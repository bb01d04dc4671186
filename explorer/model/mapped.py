"""Columns of catalogues too large for memory: written to disk once and memory-mapped."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model.column_file import ColumnFile, seal
from explorer.model.table import StarTable
from pipeline.domain.column import Column
from pipeline.domain.columns import REQUIRED
from pipeline.products.catalog_file import CatalogFile, numbers_of, words_of
from pipeline.products.manifest import Manifest, ProductError

LARGE = 500_000
"""Number of stars from which columns are memory-mapped."""

AT_ONCE = 60
"""Number of the user's own columns that are written with the declared ones; others follow on demand."""

_BATCH = 1 << 20
_SUFFIX = ".column"
_LOG = logging.getLogger("explorer.products")


def mapped_table(file: CatalogFile, manifest: Manifest, cache: Path) -> StarTable:
    """The star table of a catalogue with memory-mapped columns below ``cache``.

    Parameters
    ----------
    file : CatalogFile
        The catalogue.
    manifest : Manifest
        Manifest of its product.
    cache : Path
        Folder of the columns; an existing folder of the same name is used again.

    Raises
    ------
    ProductError
        If the catalogue is damaged, or lacks a column that every catalogue has.
    """
    names = {item.name for item in file.columns}
    absent = [name for name in REQUIRED if name not in names]
    if absent:
        raise ProductError(f"{file.path} lacks {', '.join(absent)}. Build the products again.")
    columns = MappedColumns(file, columns_folder(file, manifest, cache))
    declared = [item for item in file.columns if not item.is_own]
    for item in (*declared, *file.own[:AT_ONCE]):
        columns.prepare(item)
    arrays = {"obsid": columns.numbers("obsid")}
    words = {item.name: columns.words(item.name) for item in declared if item.dtype == "str"}
    return StarTable(arrays, words, file.own, columns, [item for item in declared if item.dtype != "str"])


def columns_folder(file: CatalogFile, manifest: Manifest, cache: Path) -> Path:
    """Folder of a catalogue's columns, named by its checksum, else by its size and time."""
    stamp = file.opened.stamp
    return cache / (manifest.files.get(file.path.name) or f"{stamp.size:x}-{stamp.modified_ns:x}")[:40]


def forget_columns(folder: Path) -> None:
    """Remove the written columns of a damaged catalogue."""
    shutil.rmtree(folder, ignore_errors=True)


class MappedColumns:
    """Memory-mapped columns of a catalogue, written at first use.

    A column file that is missing, cut or damaged is written again; where it cannot be, its values come from the
    catalogue itself and are held in memory.

    Parameters
    ----------
    file : CatalogFile
        The catalogue.
    folder : Path
        Folder of the columns.
    """

    def __init__(self, file: CatalogFile, folder: Path) -> None:
        self.file, self.folder = file, folder
        self._columns = {item.name: item for item in file.columns}
        self._open: dict[str, ColumnFile] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for outdated in (*folder.glob("*.npy"), *folder.glob("*.arrow")):  # of earlier versions, without checksums
                outdated.unlink()
        except OSError as error:
            self._note_unwritable(error)

    def prepare(self, item: Column) -> bool:
        """Write a column unless it exists; False if the folder is not writable."""
        path = self.folder / f"{item.name}{_SUFFIX}"
        if path.is_file():
            return True
        # Two servers or two visitors may write a column at once: each has a draft, and either is right.
        draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
        try:
            (_write_text if item.dtype == "str" else _write_numbers)(self.file, item, draft)
            seal(draft, self._key(item.name))
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            self._note_unwritable(error)
            return False
        return True

    def _key(self, name: str) -> str:
        return f"{self.folder.name}/{name}"

    def _note_unwritable(self, error: OSError) -> None:
        _LOG.warning("Columns cannot be stored in %s (%s): they are kept in memory.", self.folder, error.strerror)

    def _sealed(self, name: str, rows_bytes: int | None = None) -> ColumnFile | None:
        """A column's file, written again if it is damaged; None if that is not possible."""
        item = self._columns[name]
        for _ in range(2):
            if name not in self._open:
                if not self.prepare(item):
                    return None
                try:
                    self._open[name] = ColumnFile(self.folder / f"{name}{_SUFFIX}", self._key(name))
                except ProductError as error:
                    self._discard(name, error)
                    continue
            if rows_bytes in (None, self._open[name].size):
                return self._open[name]
            self._discard(name, None)
        return None

    def _discard(self, name: str, error: ProductError | None) -> None:
        """Remove a damaged column file; the next use writes it again."""
        _LOG.warning(
            "A damaged column is written again: %s", error or f"{self.folder / name}{_SUFFIX} has another size."
        )
        self._open.pop(name, None)
        (self.folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers or booleans, read-only."""
        dtype, rows = np.dtype(self._columns[name].dtype), len(self.file)
        for _ in range(2):
            sealed = self._sealed(name, rows * dtype.itemsize)
            if sealed is None:
                break
            try:
                values: NDArray[Any] = np.frombuffer(sealed.mapped(), dtype, rows)
            except ProductError as error:
                self._discard(name, error)
                continue
            values.setflags(write=False)
            return values
        return self.file.numbers(name)

    def number_at(self, name: str, row: int) -> float | None:
        """One value of a column of numbers; None if the whole column must be read."""
        dtype = np.dtype(self._columns[name].dtype)
        sealed = self._sealed(name, len(self.file) * dtype.itemsize)
        if sealed is None:
            return None
        try:
            return float(np.frombuffer(sealed.read(row * dtype.itemsize, dtype.itemsize), dtype)[0])
        except ProductError as error:
            self._discard(name, error)
            return None

    def words(self, name: str) -> pa.ChunkedArray:
        """A column of text."""
        for _ in range(2):
            sealed = self._sealed(name)
            if sealed is None:
                break
            try:
                content = pa.py_buffer(sealed.mapped()).slice(0, sealed.size)
                return pa.ipc.open_file(pa.BufferReader(content)).read_all().column(0)
            except ProductError as error:
                self._discard(name, error)
        return self.file.words(name)

    def first_words(self, name: str, rows: int) -> pa.ChunkedArray:
        """The first values of a column of text."""
        return self.file.first_words(name, rows)

    def first_numbers(self, name: str, rows: int) -> NDArray[Any]:
        """The first values of a column of numbers."""
        return self.file.first_numbers(name, rows)

    def extent(self, name: str) -> tuple[float, float] | None:
        """Smallest and largest finite value; None without any."""
        return self.file.extent(name)


def _write_numbers(file: CatalogFile, item: Column, draft: Path) -> None:
    """Write a column of numbers in batches."""
    with draft.open("wb") as target:  # not through a memory map: a full disk would end the process
        for batch in file.batches(item.name, _BATCH):
            target.write(numbers_of(batch, item).data)


def _write_text(file: CatalogFile, item: Column, draft: Path) -> None:
    """Write a column as Arrow strings without nulls, in batches."""
    schema = pa.schema([pa.field(item.name, pa.string())])
    with pa.ipc.new_file(str(draft), schema) as writer:
        for batch in file.batches(item.name, _BATCH):
            for chunk in words_of(batch).chunks:
                writer.write_batch(pa.record_batch([chunk], schema=schema))
