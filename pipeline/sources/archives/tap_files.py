"""Files of TAP results: Parquet with units, UCDs and provenance, renamed when complete."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.sources.archives.tap_answers import SIMULATED_KEY

PROVENANCE_KEY = "fetched"
"""Metadata key of a result: service, address, query, date, counts as JSON; of a joined table, those of its parts."""


def digest(ids: NDArray[np.int64]) -> str:
    """SHA-256 of identifiers in order."""
    return hashlib.sha256(np.ascontiguousarray(ids, "<i8").tobytes()).hexdigest()


def packed(ids: NDArray[np.int64]) -> str:
    """Identifiers in ascending order as a short text, for the request of an item."""
    steps = np.diff(ids, prepend=np.int64(0)).astype("<i8")
    return base64.b85encode(zlib.compress(steps.tobytes(), 9)).decode("ascii")


def unpacked(text: str) -> NDArray[np.int64]:
    """Read the output of :func:`packed`."""
    return np.cumsum(np.frombuffer(zlib.decompress(base64.b85decode(text)), "<i8"), dtype=np.int64)


def write_result(path: Path, table: pa.Table, provenance: Mapping[str, Any]) -> tuple[int, str]:
    """Write a result with its provenance.

    Returns
    -------
    size : int
        Bytes of the file.
    sha256 : str
        Checksum of the file.
    """
    stated = {**(table.schema.metadata or {}), PROVENANCE_KEY: json.dumps(provenance, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    with draft.open("wb") as file:
        pq.write_table(table.replace_schema_metadata(stated), file, compression="zstd")
        _to_disk(file.fileno())
    draft.replace(path)
    return path.stat().st_size, file_digest(path)


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance_of(path: Path) -> Any:
    """Provenance of a result, {} where it has none; of a joined table a list of those of its parts."""
    return json.loads((pq.read_schema(path).metadata or {}).get(PROVENANCE_KEY.encode(), b"{}"))


def join_results(parts: Sequence[Path], target: Path, more: Iterable[pa.Array | None] = (), name: str = "") -> int:
    """Join results with the same columns to one table, with one part in memory at a time.

    Parameters
    ----------
    parts : sequence of Path
        The results, in order.
    target : Path
        The table; replaced when it exists.
    more : iterable of Array or None
        Values of a further column, for each part.
    name : str
        Its name; "" for none.

    Returns
    -------
    int
        Rows of the table.

    Raises
    ------
    ValueError
        If a column of a part cannot be joined to that of the others.
    """
    schema = _common_schema([pq.read_schema(path) for path in parts])
    sources = [provenance_of(path) for path in parts]
    simulated = any(SIMULATED_KEY.encode() in (pq.read_schema(path).metadata or {}) for path in parts)
    stated = {PROVENANCE_KEY: json.dumps(sources, sort_keys=True), **({SIMULATED_KEY: "true"} if simulated else {})}
    full = schema.append(pa.field(name, pa.int64())) if name else schema
    full = full.with_metadata(stated)
    further = iter(more)
    draft, rows = target.with_name(target.name + ".part"), 0
    with draft.open("wb") as file:
        with pq.ParquetWriter(file, full, compression="zstd") as writer:
            for path in parts:
                table = _as_schema(path, schema)
                if name:
                    table = table.append_column(full.field(name), next(further))
                writer.write_table(table.replace_schema_metadata(stated))
                rows += len(table)
        _to_disk(file.fileno())
    draft.replace(target)
    return rows


def _common_schema(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Schema that holds the values of all: services may state a flag as number, truth value or text."""
    names = schemas[0].names
    kinds = {name: {schema.field(name).type for schema in schemas} for name in names}
    return pa.schema([schemas[0].field(name).with_type(_common_type(kinds[name])) for name in names])


def _common_type(kinds: set[pa.DataType]) -> pa.DataType:
    if len(kinds) == 1:
        return next(iter(kinds))
    if any(pa.types.is_string(kind) for kind in kinds):
        return pa.string()
    return pa.float64() if any(pa.types.is_floating(kind) for kind in kinds) else pa.int64()


def _as_schema(path: Path, schema: pa.Schema) -> pa.Table:
    table = pq.read_table(path, columns=schema.names)
    try:
        return table.cast(schema)
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path} has columns of another type than the other parts ({error}). Remove it and repeat the command: it "
            "is fetched again."
        ) from None


def _to_disk(descriptor: int) -> None:
    os.fsync(descriptor)
