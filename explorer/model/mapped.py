"""Catalogues too large for memory: each column is written out once and mapped from disk from then on."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model.table import StarTable
from pipeline.domain.column import Column
from pipeline.domain.columns import REQUIRED
from pipeline.products.catalog_file import CATALOG_NAME, CatalogFile, numbers_of, words_of
from pipeline.products.manifest import Manifest, ProductError

LARGE = 500_000
"""Stars from which columns are mapped and not held."""

AT_ONCE = 60
"""The user's own columns that are written out with the declared ones, for a star's card; others follow on demand."""

_BATCH = 1 << 20


def mapped_table(directory: Path, manifest: Manifest, cache: Path) -> StarTable:
    """The stars of a product directory, their columns mapped from ``cache``.

    Parameters
    ----------
    directory : Path
        Product directory.
    manifest : Manifest
        Its manifest; the catalogue's checksum, else its size and time, names the folder of its columns.
    cache : Path
        Where columns are kept; a folder of the same name is used again.

    Raises
    ------
    ProductError
        If the catalogue is damaged, or lacks a column that every catalogue has.
    """
    file = CatalogFile(directory / CATALOG_NAME)
    names = {one.name for one in file.columns}
    absent = [name for name in REQUIRED if name not in names]
    if absent:
        raise ProductError(f"{file.path} lacks {', '.join(absent)}. Build the products again.")
    stat = file.path.stat()
    folder = cache / (manifest.files.get(CATALOG_NAME) or f"{stat.st_size:x}-{stat.st_mtime_ns:x}")[:40]
    folder.mkdir(parents=True, exist_ok=True)
    mapped = MappedColumns(file, folder)
    declared = [one for one in file.columns if not one.is_own]
    arrays = {one.name: mapped.numbers(one.name) for one in declared if one.dtype != "str"}
    words = {one.name: mapped.words(one.name) for one in declared if one.dtype == "str"}
    for one in file.own[:AT_ONCE]:
        mapped.prepare(one)
    return StarTable(arrays, words, file.own, mapped)


class MappedColumns:
    """Columns of a catalogue on disk, each written out when it is first asked for and mapped from then on.

    Parameters
    ----------
    file : CatalogFile
        The catalogue.
    folder : Path
        Where they are written.
    """

    def __init__(self, file: CatalogFile, folder: Path) -> None:
        self.file, self.folder = file, folder
        self._columns = {one.name: one for one in file.columns}

    def prepare(self, one: Column) -> Path:
        """The file of a column, written unless it is there."""
        text = one.dtype == "str"
        path = self.folder / (f"{one.name}.arrow" if text else f"{one.name}.npy")
        if not path.is_file():
            # Two servers or two visitors may write a column at once: each has a draft, and either is right.
            draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
            (_write_text if text else _write_numbers)(self.file, one, draft)
            draft.rename(path)
        return path

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers or truths, mapped read-only."""
        values: NDArray[Any] = np.load(self.prepare(self._columns[name]), mmap_mode="r")
        return values

    def words(self, name: str) -> pa.ChunkedArray:
        """A column of text, mapped."""
        return pa.ipc.open_file(pa.memory_map(str(self.prepare(self._columns[name])))).read_all().column(0)

    def first_words(self, name: str, rows: int) -> pa.ChunkedArray:
        """The first values of a column of text."""
        return self.file.first_words(name, rows)

    def first_numbers(self, name: str, rows: int) -> NDArray[Any]:
        """The first values of a column of numbers."""
        return self.file.first_numbers(name, rows)

    def extent(self, name: str) -> tuple[float, float] | None:
        """Smallest and largest finite value; None without any."""
        return self.file.extent(name)


def _write_numbers(file: CatalogFile, one: Column, draft: Path) -> None:
    """Write one column in its type, batch by batch."""
    target = np.lib.format.open_memmap(draft, mode="w+", dtype=np.dtype(one.dtype), shape=(len(file),))
    start = 0
    for batch in file.batches(one.name, _BATCH):
        target[start : start + len(batch)] = numbers_of(batch, one)
        start += len(batch)
    target.flush()


def _write_text(file: CatalogFile, one: Column, draft: Path) -> None:
    """Write one column as Arrow strings without gaps, batch by batch."""
    schema = pa.schema([pa.field(one.name, pa.string())])
    with pa.ipc.new_file(str(draft), schema) as writer:
        for batch in file.batches(one.name, _BATCH):
            for chunk in words_of(batch).chunks:
                writer.write_batch(pa.record_batch([chunk], schema=schema))
