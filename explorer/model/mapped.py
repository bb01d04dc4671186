"""Catalogues too large for memory: each column is written out once and mapped from disk from then on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.model.table import StarTable
from pipeline.domain.columns import REQUIRED, column
from pipeline.products.catalog import CATALOG_NAME
from pipeline.products.manifest import Manifest, ProductError

LARGE = 500_000
"""Stars from which columns are mapped and not held."""


def mapped_table(directory: Path, manifest: Manifest, cache: Path) -> StarTable:
    """The stars of a product directory, their numbers mapped from ``cache``.

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
    numbers = [name for name in names if name not in texts]
    for name in numbers:
        if not (folder / f"{name}.npy").is_file():
            _write_column(parquet, name, folder)

    def read_text(name: str) -> NDArray[Any]:
        return parquet.read([name]).column(0).fill_null("").to_pandas().astype(object).to_numpy()  # type: ignore[no-any-return]

    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in numbers}
    return StarTable(arrays, texts, read_text)


def _write_column(parquet: pq.ParquetFile, name: str, folder: Path) -> None:
    """Write one column in its declared type, group by group, and give it its name when it is whole.

    Two servers may do so at once: each has a draft of its own, and either is right.
    """
    draft = folder / f"{name}.{os.getpid()}.part"
    shape = (parquet.metadata.num_rows,)
    target = np.lib.format.open_memmap(draft, mode="w+", dtype=np.dtype(column(name).dtype), shape=shape)
    start = 0
    for batch in parquet.iter_batches(columns=[name], batch_size=1 << 20):
        target[start : start + batch.num_rows] = batch.column(0).to_numpy(zero_copy_only=False)
        start += batch.num_rows
    target.flush()
    draft.rename(folder / f"{name}.npy")
