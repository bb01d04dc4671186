"""Catalogues too large for memory: each column is written out once and mapped from disk from then on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.model.table import StarTable
from pipeline.domain.columns import REQUIRED, column
from pipeline.products.catalog import CATALOG_NAME
from pipeline.products.manifest import Manifest, ProductError

LARGE = 500_000
"""Stars from which columns are mapped and not held."""

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
        If the catalogue has a column that is not declared, or lacks one that every catalogue has.
    """
    parquet = pq.ParquetFile(directory / CATALOG_NAME)
    names = parquet.schema_arrow.names
    try:
        texts = [name for name in names if column(name).dtype == "str"]
    except KeyError as error:
        raise ProductError(f"{directory / CATALOG_NAME}: {error.args[0]}") from error
    absent = [name for name in REQUIRED if name not in names]
    if absent:
        raise ProductError(f"{directory / CATALOG_NAME} lacks {', '.join(absent)}. Build the products again.")
    stat = (directory / CATALOG_NAME).stat()
    folder = cache / (manifest.files.get(CATALOG_NAME) or f"{stat.st_size:x}-{stat.st_mtime_ns:x}")[:40]
    folder.mkdir(parents=True, exist_ok=True)
    arrays, words = {}, {}
    for name in names:
        path = folder / (f"{name}.arrow" if name in texts else f"{name}.npy")
        if not path.is_file():
            # Two servers may write a column at once: each has a draft of its own, and either is right.
            draft = path.with_suffix(f".{os.getpid()}.part")
            (_write_text if name in texts else _write_numbers)(parquet, name, draft)
            draft.rename(path)
        if name in texts:
            words[name] = pa.ipc.open_file(pa.memory_map(str(path))).read_all().column(0)
        else:
            arrays[name] = np.load(path, mmap_mode="r")
    return StarTable(arrays, words)


def _write_numbers(parquet: pq.ParquetFile, name: str, draft: Path) -> None:
    """Write one column in its declared type, batch by batch."""
    shape = (parquet.metadata.num_rows,)
    target = np.lib.format.open_memmap(draft, mode="w+", dtype=np.dtype(column(name).dtype), shape=shape)
    start = 0
    for batch in parquet.iter_batches(columns=[name], batch_size=_BATCH):
        target[start : start + batch.num_rows] = batch.column(0).to_numpy(zero_copy_only=False)
        start += batch.num_rows
    target.flush()


def _write_text(parquet: pq.ParquetFile, name: str, draft: Path) -> None:
    """Write one column as Arrow strings without gaps, batch by batch."""
    schema = pa.schema([pa.field(name, pa.string())])
    with pa.ipc.new_file(str(draft), schema) as writer:
        for batch in parquet.iter_batches(columns=[name], batch_size=_BATCH):
            filled = batch.column(0).cast(pa.string()).fill_null("")
            writer.write_batch(pa.record_batch([filled], schema=schema))
