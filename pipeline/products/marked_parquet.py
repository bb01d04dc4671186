"""Plain tables as Parquet with page checksums, each marked as simulated or not in its own metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.products.manifest import ProductError, damaged

PARQUET_ERRORS = (OSError, ValueError, KeyError, TypeError, pa.ArrowException)
"""What readers of damaged Parquet files raise."""


def write_marked(frame: pd.DataFrame, path: Path, *, simulated: bool) -> None:
    """Write a frame with the metadata key ``simulated`` = "true" or "false"."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    mark = {b"simulated": b"true" if simulated else b"false"}
    marked = table.replace_schema_metadata({**(table.schema.metadata or {}), **mark})
    pq.write_table(marked, path, compression="zstd", write_page_checksum=True)


def read_marked(path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a frame; its page checksums are verified.

    Parameters
    ----------
    path : Path
        Of the file.
    columns : sequence of str
        Columns that it must have.

    Raises
    ------
    ProductError
        If the file is missing, damaged, or lacks a column.
    """
    try:
        frame: pd.DataFrame = pq.read_table(path, page_checksum_verification=True).to_pandas()
    except PARQUET_ERRORS as error:
        raise damaged(path, error) from error
    if lacking := [name for name in columns if name not in frame]:
        raise ProductError(f"{path} lacks the column {', '.join(lacking)}. Build the products again.")
    return frame


def is_simulated(path: Path) -> bool:
    """Whether a Parquet file is marked as simulated; ProductError when it cannot be read."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except PARQUET_ERRORS as error:
        raise damaged(path, error) from error
    return bool(metadata.get(b"simulated") == b"true")
