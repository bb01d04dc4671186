"""Parquet tables, by column and in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.sources.tables.table_file import BLOCK_ROWS, Field, Kind, Origin, TableError, TableFile, plain_frame

_DIGITS_OF_INT64 = 19


class ParquetTable(TableFile):
    """A Parquet file of which only the named columns are unpacked.

    Sizes of columns are never asked for: pyarrow ends the process where those of a damaged file disagree.
    """

    def __init__(self, origin: Origin) -> None:
        if origin.zipped:
            raise TableError(f"{origin.name} is Parquet inside gzip, which is not read. Unpack it first.")
        self._origin = origin
        try:
            schema = pq.ParquetFile(origin.raw()).schema_arrow
            rows = pq.ParquetFile(origin.raw()).metadata.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            raise TableError(f"{origin.name} is damaged or cut-short Parquet ({type(error).__name__}).") from None
        if len(set(schema.names)) < len(schema.names):
            raise TableError(f"{origin.name} has several columns of one name. Rename them.")
        fields = [_field(item) for item in schema if not item.name.startswith("__index_level_")]
        mark = (schema.metadata or {}).get(b"simulated") == b"true"
        super().__init__(origin.name, "Parquet", fields, rows, origin.limits, simulated=mark)

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield batches."""
        try:
            file = pq.ParquetFile(self._origin.raw())
            seen = 0
            for batch in file.iter_batches(rows, columns=list(names)):
                seen += batch.num_rows
                if self.limits.max_rows is not None and seen > self.limits.max_rows:
                    raise TableError(f"{self.name} has more than {self.limits.max_rows:,} rows; no more are read.")
                yield plain_frame({name: to_series(batch.column(n)) for n, name in enumerate(batch.schema.names)})[
                    list(names)
                ]
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"{self.name} is damaged or cut-short Parquet ({type(error).__name__}).") from None

    def arrays(self, name: str) -> Iterator[NDArray[np.float64]]:
        """Yield blocks of a list column whose lists are of one length."""
        for batch in pq.ParquetFile(self._origin.raw()).iter_batches(BLOCK_ROWS, columns=[name]):
            lists = batch.column(0)
            values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
            if len(lists) and values.size % len(lists):
                raise TableError(f"{self.name}: arrays of column {name!r} differ in length.")
            yield values.reshape(len(lists), -1)


def _field(item: pa.Field) -> Field:
    metadata = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in _meta(item)}
    words = [metadata.get(key, "") for key in ("unit", "ucd", "description")]
    return Field(item.name, _kind(item.type), *words)


def _meta(item: pa.Field) -> list[tuple[bytes, bytes]]:
    return list((item.metadata or {}).items())


def _kind(kind: pa.DataType) -> Kind:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind):
        return "int"
    if pa.types.is_decimal(kind):
        return "int" if kind.scale == 0 and kind.precision <= _DIGITS_OF_INT64 else "float"
    if pa.types.is_floating(kind):
        return "float"
    if pa.types.is_nested(kind):
        return "array"
    return "str"


def to_series(values: pa.Array | pa.ChunkedArray) -> pd.Series:
    """An Arrow column as pandas holds it: integers exact, text as text."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_decimal(kind):
        values = values.cast(pa.int64() if _kind(kind) == "int" else pa.float64())
        kind = values.type
    if pa.types.is_unsigned_integer(kind) or (pa.types.is_integer(kind) and kind != pa.int64()):
        values = values.cast(pa.int64())
        kind = values.type
    if pa.types.is_integer(kind):
        filled = values.fill_null(0).to_numpy(zero_copy_only=False) if values.null_count else values.to_numpy()
        series = pd.Series(np.asarray(filled, np.int64))
        if values.null_count:
            return series.astype("Int64").mask(np.asarray(values.is_null().to_numpy(zero_copy_only=False)))
        return series
    if pa.types.is_floating(kind):
        if kind == pa.float16():
            values = values.cast(pa.float32())
        return pd.Series(np.asarray(values.to_numpy(zero_copy_only=False)))
    if pa.types.is_boolean(kind):
        return values.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return values.cast(pa.string()).to_pandas().astype("str")
