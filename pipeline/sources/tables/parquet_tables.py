"""Parquet tables, read by column and in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.sources.tables.parquet_footer import ParquetFooter
from pipeline.sources.tables.table_file import (
    BLOCK_ROWS,
    Field,
    Kind,
    Origin,
    TableError,
    TableFile,
    plain_frame,
    says_simulated,
)

_MAX_FIXED_BYTES = 1024
"""Maximum size of fixed-size cells; longer ones are images or similar."""

_LARGEST = 2**63 - 1


class ParquetTable(TableFile):
    """A Parquet file of which only the named columns are unpacked.

    Sizes of columns are never asked for: pyarrow ends the process where those of a damaged file disagree. Where bytes
    are limited (lists of visitors), they are looked up in :class:`ParquetFooter` before anything is unpacked.
    """

    def __init__(self, origin: Origin) -> None:
        if origin.zipped:
            raise TableError(f"{origin.name} is Parquet inside gzip, which is not read. Unpack it first.")
        self._origin = origin
        bounded = origin.limits.max_bytes is not None
        self._footer = ParquetFooter(origin.whole(), origin.name, origin.limits) if bounded else None
        try:
            with self._file() as file:
                schema, rows = file.schema_arrow, file.metadata.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged(error) from None
        if len(set(schema.names)) < len(schema.names):
            raise TableError(f"{origin.name} has several columns of one name. Rename them.")
        fields = [_field(item) for item in schema if not item.name.startswith("__index_level_")]
        words = {key.decode("utf-8", "replace"): text.decode("utf-8", "replace") for key, text in _items(schema)}
        mark = says_simulated(words)
        super().__init__(origin.name, "Parquet", fields, rows, origin.limits, simulated=mark)

    def _file(self, packed_text: Sequence[str] = ()) -> pq.ParquetFile:
        source = self._origin.path or self._origin.raw()
        return pq.ParquetFile(source, read_dictionary=list(packed_text) or None)

    def _damaged(self, error: Exception) -> TableError:
        return TableError(f"{self._origin.name} is damaged or cut-short Parquet ({type(error).__name__}).")

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield batches."""
        texts: list[str] = []
        if self._footer is not None:
            self._footer.check_pages(names)
            texts = [name for name in names if self.by_name[name].kind == "str"]
        try:
            with self._file(texts) as file:
                seen = size = 0
                for batch in file.iter_batches(rows, columns=list(names)):
                    seen += batch.num_rows
                    self.limits.check_rows(self.name, seen)
                    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
                    size += sum(_unpacked_bytes(columns[name]) for name in texts)
                    self.limits.check_bytes(self.name, size)
                    yield plain_frame({name: to_series(columns[name]) for name in names})
        except (pa.ArrowException, OSError, KeyError) as error:
            raise self._damaged(error) from None

    def read(self, names: Sequence[str]) -> pd.DataFrame:
        """Read the named columns completely."""
        if self._footer is not None or not names:
            return super().read(names)
        try:
            with self._file() as file:
                table = file.read(list(names))
                self.limits.check_rows(self.name, table.num_rows)
                columns = {name: table.column(name) for name in names}
                del table  # each column is let go of once it is turned
                return plain_frame({name: to_series(columns.pop(name)) for name in names})
        except (pa.ArrowException, OSError, KeyError) as error:
            raise self._damaged(error) from None

    def arrays(self, name: str) -> Iterator[NDArray[np.float64]]:
        """Yield blocks of a list column with lists of equal length."""
        if self._footer is not None:
            raise TableError(f"{self.name}: column {name!r} holds arrays, which are not read from uploads.")
        with self._file() as file:
            for batch in file.iter_batches(BLOCK_ROWS, columns=[name]):
                lists = batch.column(0)
                values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
                if len(lists) and values.size % len(lists):
                    raise TableError(f"{self.name}: arrays of column {name!r} differ in length.")
                yield values.reshape(len(lists), -1)


def _unpacked_bytes(values: pa.Array) -> int:
    """Unpacked size of the texts of a compressed column."""
    if not pa.types.is_dictionary(values.type):
        return 0
    lengths = pc.binary_length(values.dictionary)
    return int(pc.sum(lengths.take(values.indices)).as_py() or 0)


def _field(item: pa.Field) -> Field:
    metadata = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in _items(item)}
    unit, ucd, description = (metadata.get(key, "") for key in ("unit", "ucd", "description"))
    return Field(item.name, _kind(item.type), unit, ucd, description)


def _items(item: pa.Field | pa.Schema) -> list[tuple[bytes, bytes]]:
    return list((item.metadata or {}).items())


def _kind(kind: pa.DataType) -> Kind:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind):
        return "int"
    if pa.types.is_decimal(kind):
        return "int" if kind.scale == 0 else "float"
    if pa.types.is_floating(kind):
        return "float"
    if pa.types.is_nested(kind) or (pa.types.is_fixed_size_binary(kind) and kind.byte_width > _MAX_FIXED_BYTES):
        return "array"
    return "str"


def to_series(values: pa.Array | pa.ChunkedArray) -> pd.Series:
    """Convert an Arrow column to pandas, with exact integers."""
    values = _single_chunk(values)
    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_decimal(kind):
        values = _whole(values) if _kind(kind) == "int" else values.cast(pa.float64())
        kind = values.type
    if pa.types.is_uint64(kind):
        beyond = pc.greater(values, pa.scalar(_LARGEST, pa.uint64()))
        values = pc.if_else(beyond, pa.scalar(None, pa.uint64()), values)
    if pa.types.is_integer(kind):
        values = values.cast(pa.int64())
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
        flags: pd.Series = values.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
        return flags
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        texts = [None if value is None else value.decode("utf-8", "replace") for value in values.to_pylist()]
        return pd.Series(texts, dtype="str")
    texts_of_any: pd.Series = values.cast(pa.string()).to_pandas()
    return texts_of_any.astype("str")


def _single_chunk(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def _whole(values: pa.Array) -> pa.Array:
    """Integral decimals as 64-bit integers; larger ones are missing."""
    fits = pc.and_(pc.less_equal(values, _LARGEST), pc.greater_equal(values, -_LARGEST))
    return pc.if_else(fits, values, None).cast(pa.int64())
