"""Plain tables as Parquet, each marked as simulated or not in its own metadata."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def write_marked(frame: pd.DataFrame, path: Path, *, simulated: bool) -> None:
    """Write a frame with the metadata key ``simulated`` = "true" or "false"."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    mark = {b"simulated": b"true" if simulated else b"false"}
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **mark}), path, compression="zstd")


def is_simulated(path: Path) -> bool:
    """Whether a Parquet file says of itself that it is simulated."""
    metadata = pq.read_schema(path).metadata or {}
    return bool(metadata.get(b"simulated") == b"true")
