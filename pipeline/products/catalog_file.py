"""``catalog.parquet`` as a file: what its columns are, and their values, a column at a time.

A field that :mod:`pipeline.domain.columns` does not declare is a column of the user's own. Its metadata hold unit, UCD,
description, label, group and origin; of a field without them, what there is and its storage type describe it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.domain.column import Column, DType
from pipeline.domain.columns import BY_NAME, in_published_order
from pipeline.domain.own_columns import OWN_GROUP, own_breaches, own_column
from pipeline.products.manifest import ProductError
from pipeline.products.marked_parquet import PARQUET_ERRORS
from pipeline.products.opened_file import FileStamp, OpenedFile

CATALOG_NAME = "catalog.parquet"

EXACT = 2**53
"""Whole numbers up to this are exact in double precision."""

_WHOLE: tuple[tuple[pa.DataType, DType], ...] = (
    *((pa.int8(), "int16"), (pa.uint8(), "int16"), (pa.int16(), "int16"), (pa.uint16(), "int32")),
    *((pa.int32(), "int32"), (pa.uint32(), "int64"), (pa.int64(), "int64"), (pa.uint64(), "int64")),
)
_TRUTH = {True: "yes", False: "no"}


def field_of(column: Column) -> pa.Field:
    """The Parquet field of a column, with its description as metadata."""
    about = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    if column.is_own:
        about |= {"label": column.label, "group": column.group, "origin": column.origin}
    kind = pa.string() if column.dtype == "str" else pa.from_numpy_dtype(np.dtype(column.dtype))
    return pa.field(column.name, kind, metadata=about)


class CatalogFile:
    """An open ``catalog.parquet``; values are read when they are asked for and are not kept.

    The file stays open: it may be renamed or deleted. Pages with a checksum are checked when they are read.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    columns : tuple of Column
        The declared ones in published order, then the user's own in the order of the file.
    own : tuple of Column
        The user's own.
    opened : OpenedFile
        Its state; a file that is pinned and changes is refused.

    Raises
    ------
    ProductError
        If the file is missing, is no Parquet, is replaced meanwhile, has a name twice, or an undeclared column that
        holds several values a star.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with readable(path):
            path.stat()
            self.opened = OpenedFile(path)
            self.parquet = pq.ParquetFile(path, page_checksum_verification=True)
            if FileStamp.of(path.stat()) != self.opened.stamp:
                raise ProductError(f"{path} was replaced while it was opened. Open it again.")
            self._schema: pa.Schema = self.parquet.schema_arrow  # made anew each time that it is asked for
        names = self._schema.names
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise ProductError(f"{path} has more than one column named {', '.join(twice)}. Rename all but one.")
        self._fields: dict[str, str] = {name: name for name in in_published_order(n for n in names if n in BY_NAME)}
        self.own = tuple(self._own_columns([name for name in names if name not in BY_NAME]))
        self.columns = (*(BY_NAME[name] for name in self._fields if name in BY_NAME), *self.own)
        self._by_name = {column.name: column for column in self.columns}

    def __len__(self) -> int:
        return int(self.parquet.metadata.num_rows)

    def _own_columns(self, names: Sequence[str]) -> Iterator[Column]:
        """Columns of the undeclared fields; names that their metadata vouch for go before those that are made."""
        described = {name: found for name in names if (found := self._described(name)) is not None}
        taken = set(described)
        for name in names:
            found = described.get(name) or self._undescribed(name, taken)
            taken.add(found.name)
            self._fields[found.name] = name
            yield found

    def _described(self, name: str) -> Column | None:
        """The column that a field's metadata describe; None where they are no description of an own column."""
        about = self._metadata(name)
        if about.get("group") != OWN_GROUP or not about.get("origin"):
            return None
        unit, ucd, label, words = (about.get(key, "") for key in ("unit", "ucd", "label", "description"))
        found = Column(name, self._dtype(name), unit, ucd, label, words, OWN_GROUP, origin=about["origin"])
        return None if any(own_breaches(found)) else found

    def _undescribed(self, name: str, taken: Collection[str]) -> Column:
        about = self._metadata(name)
        unit, ucd, words = (about.get(key, "") for key in ("unit", "ucd", "description"))
        spelling, origin = about.get("label") or name, about.get("origin") or CATALOG_NAME
        return own_column(spelling, self._dtype(name), unit, ucd, words, origin, taken)

    def _metadata(self, name: str) -> dict[str, str]:
        found = self._schema.field(name).metadata or {}
        return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in found.items()}

    def _dtype(self, name: str) -> DType:
        kind = self._schema.field(name).type
        if is_nested(kind):
            raise ProductError(
                f"Column {name!r} of {self.path} holds {kind}: a column has one value a star. Write one column "
                "for each element, or leave it out."
            )
        return own_dtype(kind, *self._gaps(name, kind))

    def _gaps(self, name: str, kind: pa.DataType) -> tuple[bool, bool]:
        """Whether values are missing, and whether all are exact in double precision; of whole numbers and truths."""
        if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
            return False, True
        chunks = self._statistics.get(name)
        if chunks is None or any(not one.has_null_count for one in chunks):
            return gaps_of(self._read(name))
        gaps = any(one.null_count for one in chunks)
        if not gaps and not pa.types.is_uint64(kind):
            return False, True
        extent = self._stated_extent(chunks)
        if extent is not None and np.isnan(extent[0]):
            return gaps_of(self._read(name))
        return gaps, extent is None or max(abs(extent[0]), abs(extent[1])) <= EXACT

    @cached_property
    def _statistics(self) -> dict[str, list[Any] | None]:
        """Statistics of each field in every row group; None where one lacks them."""
        metadata, found = self.parquet.metadata, dict[str, list[Any] | None]()
        for group in (metadata.row_group(number) for number in range(metadata.num_row_groups)):
            for number in range(group.num_columns):
                chunk = group.column(number)
                told, name = chunk.statistics if chunk.is_stats_set else None, chunk.path_in_schema
                known = found.setdefault(name, [])
                found[name] = None if told is None or known is None else [*known, told]
        return found

    def _stated_extent(self, chunks: Sequence[Any]) -> tuple[float, float] | None:
        """Range by statistics: None where there is no value, NaN where the statistics do not give it.

        Arrow's writer leaves the range out of a row group without a number; others do so too where one is NaN.
        """
        known = [one for one in chunks if one.has_min_max]
        if len(known) < len(chunks) and not self.parquet.metadata.created_by.startswith("parquet-cpp-arrow"):
            return np.nan, np.nan
        return (float(min(one.min for one in known)), float(max(one.max for one in known))) if known else None

    def _read(self, field: str) -> pa.ChunkedArray:
        with self._lock, readable(self.path):
            values = self.parquet.read(columns=[field]).column(field)
        self.opened.demand_unchanged()
        return values

    def numbers(self, name: str) -> NDArray[Any]:
        """Values of a column of numbers or truths, in its type; read-only."""
        column = self._by_name[name]
        values = numbers_of(self._read(self._fields[name]), column)
        values.setflags(write=False)
        return values

    def words(self, name: str) -> pa.ChunkedArray:
        """Values of a column of text; "" where one is missing."""
        return words_of(self._read(self._fields[name]))

    def first_words(self, name: str, rows: int) -> pa.ChunkedArray:
        """The first values of a column of text, as :meth:`words` gives them."""
        first = self._first(name, rows)
        return pa.chunked_array([], pa.string()) if first is None else words_of(first)

    def first_numbers(self, name: str, rows: int) -> NDArray[Any]:
        """The first values of a column of numbers, as :meth:`numbers` gives them."""
        first, column = self._first(name, rows), self._by_name[name]
        return np.empty(0, column.dtype) if first is None else numbers_of(first, column)

    def number_at(self, name: str, row: int) -> float | None:  # noqa: ARG002 - a column is stored as a whole
        """None: one value costs as much as its column."""
        return None

    def _first(self, name: str, rows: int) -> pa.ChunkedArray | None:
        with closing(self.batches(name, rows)) as pieces:
            return next(pieces, None)

    def batches(self, name: str, rows: int) -> Generator[pa.ChunkedArray]:
        """Values as they are stored, in pieces of at most so many rows."""
        field = self._fields[name]
        with self._lock, readable(self.path):
            for batch in self.parquet.iter_batches(columns=[field], batch_size=rows):
                self.opened.demand_unchanged()
                yield pa.chunked_array([batch.column(batch.schema.get_field_index(field))])

    def extent(self, name: str) -> tuple[float, float] | None:
        """Smallest and largest finite value of a column of numbers; None without any.

        They come from the file's statistics where these are finite; else the column is read.
        """
        chunks = self._statistics.get(self._fields[name])
        if chunks is not None:
            extent = self._stated_extent(chunks)
            if extent is None or np.isfinite(extent).all():
                return extent
        values = self.numbers(name)
        known = values[np.isfinite(values)]
        return (float(known.min()), float(known.max())) if known.size else None

    def frame(self, columns: Sequence[Column] | None = None) -> pd.DataFrame:
        """Columns as a table; declared ones as they are stored, the user's own in their types."""
        wanted = self.columns if columns is None else columns
        found: dict[str, Any] = {}
        with self._lock, readable(self.path):
            arrow = self.parquet.read(columns=[self._fields[one.name] for one in wanted])
        self.opened.demand_unchanged()
        for one in wanted:
            values = arrow.column(self._fields[one.name])
            if not one.is_own:
                found[one.name] = values.to_pandas()
            else:
                found[one.name] = words_of(values).to_pandas() if one.dtype == "str" else numbers_of(values, one)
        return pd.DataFrame(found)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in a sentence that a file is missing or damaged."""
    try:
        yield
    except FileNotFoundError:
        raise ProductError(f"{path.parent} holds no {path.name}. Build the products again.") from None
    except ProductError:
        raise
    except PARQUET_ERRORS as error:
        raise ProductError(f"{path} is not readable Parquet ({error}). Build the products again.") from error


def is_nested(kind: pa.DataType) -> bool:
    """Whether a storage type holds several values a row."""
    return bool(pa.types.is_nested(kind) or pa.types.is_union(kind))


def own_dtype(kind: pa.DataType, gaps: bool, exact: bool) -> DType:
    """Type in which a column of the user's own is kept.

    Parameters
    ----------
    kind : pyarrow.DataType
        How the file stores it.
    gaps : bool
        Whether values are missing.
    exact : bool
        Whether whole numbers are exact in double precision: those that are not are kept as text where values are
        missing or beyond 64 bits.
    """
    if pa.types.is_integer(kind):
        if gaps:
            return "float64" if exact else "str"
        return "str" if pa.types.is_uint64(kind) and not exact else next(told for one, told in _WHOLE if one == kind)
    if pa.types.is_boolean(kind):
        return "str" if gaps else "bool"
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        return "float32"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return "float64"
    return "str"


def gaps_of(values: pa.ChunkedArray) -> tuple[bool, bool]:
    """Whether values are missing, and whether whole numbers are exact in double precision."""
    exact = True
    if pa.types.is_integer(values.type) and values.length() > values.null_count:
        ends = pc.min_max(values).as_py()
        exact = max(abs(ends["min"]), abs(ends["max"])) <= EXACT
    return values.null_count > 0, exact


def numbers_of(values: pa.ChunkedArray, column: Column) -> NDArray[Any]:
    """Stored values as numbers or truths of a column's type; missing ones are NaN."""
    if pa.types.is_null(values.type):
        return np.full(len(values), np.nan, column.dtype)
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    return np.ascontiguousarray(values.to_numpy(), column.dtype)


def words_of(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Stored values as text without gaps: truths as yes and no, everything else as Arrow writes it."""
    if pa.types.is_boolean(values.type):
        return pa.chunked_array([pa.array([_TRUTH.get(one, "") for one in values.to_pylist()], pa.string())])
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        texts = [(one or b"").decode("utf-8", "backslashreplace") for one in values.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    try:
        return values.cast(pa.string()).fill_null("")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # durations and fixed-size bytes have no text of Arrow's
        texts = ["" if one is None else str(one) for one in values.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
