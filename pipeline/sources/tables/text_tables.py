"""Text tables: CSV, TSV, pipe- or semicolon-separated, white space, ECSV."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pipeline.sources.tables.parquet_tables import to_series
from pipeline.sources.tables.table_file import BLOCK_ROWS, Field, Kind, Origin, TableError, TableFile, plain_frame
from pipeline.sources.tables.text_layout import HEAD_BYTES, Layout, find_layout, split

MISSING = (
    "",
    "NaN",
    "nan",
    "NAN",
    "null",
    "NULL",
    "Null",
    "None",
    "none",
    "NA",
    "N/A",
    "n/a",
    "--",
    "-",
    "...",
    "<NA>",
)
"""Spellings of a missing value."""

_SAMPLE_ROWS = 1000
_BLOCK_BYTES = 1 << 23
_MOST_SKIPPED = 1000
_WRONG_SHARE = 0.2
"""A file where more rows than this do not fit its header is not the table that it seems to be."""

_INTEGER = r"^\s*[+-]?\d{1,18}\s*$|^\s*[+-]?[0-8]\d{18}\s*$|^\s*[+-]?9[01]\d{17}\s*$"
"""Whole numbers that surely fit into 64 bits; the few others up to 2^63 are found by trying."""


class TextTable(TableFile):
    """A text table with one row a line."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.layout: Layout = find_layout(origin.head(HEAD_BYTES), origin.name)
        layout = self.layout
        limit = origin.limits.max_columns
        if limit is not None and len(layout.names) > limit:
            raise TableError(
                f"{origin.name} has {len(layout.names):,} columns; at most {limit:,} are read. Leave columns out."
            )
        form = "ECSV" if layout.about and any("datatype" in a for a in layout.about.values()) else "text"
        sample = self._sample()
        fields = [self._field(name, sample[name]) for name in layout.names]
        mark = layout.metadata.get("simulated", "").lower() in ("true", "yes", "1")
        super().__init__(origin.name, form, fields, None, origin.limits, simulated=mark)

    def _field(self, name: str, sample: pd.Series) -> Field:
        about = self.layout.about.get(name, {})
        words = [str(about.get(key) or "") for key in ("unit", "ucd", "description")]
        kind: Kind = "array" if about.get("subtype") else _kind_of(sample)
        return Field(name, kind, *words)

    def _sample(self) -> pd.DataFrame:
        """The first rows as text, turned to what they hold."""
        stream = self._text()
        lines = [line.rstrip("\r\n") for line in itertools.islice(stream, _SAMPLE_ROWS)]
        stream.close()
        width = len(self.layout.names)
        rows = [cells for line in lines if line.strip() and len(cells := split(line, self.layout.delimiter)) == width]
        frame = pd.DataFrame(rows, columns=list(self.layout.names), dtype="str")
        return pd.DataFrame({name: numbers_from_text(frame[name], self.layout.decimal) for name in frame})

    def _text(self) -> IO[str]:
        stream = io.TextIOWrapper(self._origin.open(), self.layout.encoding, errors="replace")
        for _ in range(self.layout.skip_lines):
            stream.readline()
        return stream

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield the whole table once; types are found over all rows."""
        read = self._by_arrow if self.layout.delimiter else self._by_white_space
        frame = read(list(names))
        most = self.limits.max_rows
        if most is not None and len(frame) > most:
            raise TableError(f"{self.name} has more than {most:,} rows; no more are read. Leave rows out.")
        self.n_rows = len(frame)
        for start in range(0, len(frame), rows):
            yield frame.iloc[start : start + rows].reset_index(drop=True)

    def read(self, names: Sequence[str]) -> pd.DataFrame:
        """The named columns whole."""
        return next(iter(self.blocks(names, max(self.n_rows or 0, 1 << 40))), super_empty(names))

    def _by_white_space(self, names: list[str]) -> pd.DataFrame:
        width = len(self.layout.names)
        cells: list[list[str]] = []
        place = [self.layout.names.index(name) for name in names]
        with self._text() as stream:
            for number, line in enumerate(stream, self.layout.skip_lines + 1):
                if not line.strip() or line.startswith("#"):
                    continue
                found = line.split()
                if len(found) != width:
                    self._skip(number, len(found))
                    continue
                cells.append([found[n] for n in place])
        self._refuse_other_table(len(cells))
        frame = pd.DataFrame(cells, columns=names, dtype="str")
        return plain_frame({name: numbers_from_text(frame[name], self.layout.decimal) for name in names})

    def _by_arrow(self, names: list[str]) -> pd.DataFrame:
        layout = self.layout
        skipped: list[int] = []

        def invalid(row: csv.InvalidRow) -> str:
            text = row.text.strip()
            if text and not text.startswith("#"):
                skipped.append(row.actual_columns)
            return "skip"

        piped = layout.delimiter == "|" and self._framed()
        columns = ["", *layout.names, " "] if piped else list(layout.names)
        try:
            table = csv.read_csv(
                self._bytes(),
                csv.ReadOptions(
                    column_names=columns,
                    block_size=_BLOCK_BYTES,
                    encoding="utf8" if layout.encoding.startswith("utf-8") else layout.encoding,
                ),
                csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=False, invalid_row_handler=invalid),
                csv.ConvertOptions(
                    include_columns=names,
                    null_values=list(MISSING),
                    strings_can_be_null=True,
                    check_utf8=False,
                    decimal_point=layout.decimal,
                    timestamp_parsers=[],
                ),
            )
        except (pa.ArrowException, OSError, EOFError) as error:
            raise TableError(
                f"{self.name} is damaged text ({type(error).__name__}). Save it as CSV with a header."
            ) from None
        for count in skipped:
            self._skip(0, count)
        self._refuse_other_table(table.num_rows)
        series = {name: self._from_arrow(table.column(n)) for n, name in enumerate(names)}
        return plain_frame(series)

    def _from_arrow(self, values: pa.ChunkedArray) -> pd.Series:
        if pa.types.is_null(values.type):
            return pd.Series(np.full(len(values), np.nan))
        if pa.types.is_binary(values.type):
            values = pa.chunked_array(
                [pa.array([None if v is None else v.decode("utf-8", "replace") for v in values.to_pylist()])]
            )
        if pa.types.is_string(values.type):
            return numbers_from_text(values.to_pandas().astype("str"), self.layout.decimal)
        if pa.types.is_temporal(values.type):
            return pc.cast(values, pa.string()).to_pandas().astype("str")
        return to_series(values.combine_chunks() if values.num_chunks != 1 else values.chunk(0))

    def _framed(self) -> bool:
        """Whether every row begins and ends with a bar."""
        with self._text() as stream:
            line = next((line for line in stream if line.strip()), "").strip()
        return line.startswith("|") and line.endswith("|")

    def _bytes(self) -> Any:
        stream = self._origin.open()
        for _ in range(self.layout.skip_lines):
            stream.readline()
        if self.layout.encoding == "utf-16":
            with self._text() as text:
                return io.BytesIO(text.read().encode())
        return pa.PythonFile(stream, "r")

    def _skip(self, number: int, found: int) -> None:
        if len(self.skipped) < _MOST_SKIPPED:
            where = f"line {number}" if number else "a line"
            self.skipped.append(f"{where} has {found} cells; the header names {len(self.layout.names)} columns")

    def _refuse_other_table(self, rows: int) -> None:
        if len(self.skipped) > _WRONG_SHARE * max(rows + len(self.skipped), 1) and len(self.skipped) > 1:
            raise TableError(
                f"{self.name}: {len(self.skipped):,} rows or more have another number of cells than its "
                f"{len(self.layout.names)} columns (delimiter {self.layout.delimiter or 'white space'!r}). "
                "Check its delimiter and quotes."
            )


def super_empty(names: Sequence[str]) -> pd.DataFrame:
    """A table without rows."""
    return pd.DataFrame({name: pd.Series(dtype="float64") for name in names})


def numbers_from_text(values: pd.Series, decimal: str = ".") -> pd.Series:
    """Text as numbers where every value is one: whole numbers exact to 64 bits, others float64; else the same text."""
    text = values.astype("str")
    missing = text.isna() | text.str.strip().isin(MISSING)
    known = text[~missing].str.strip()
    if known.empty:
        return pd.Series(np.full(len(values), np.nan), index=values.index)
    if known.str.match(_INTEGER).all():
        try:
            whole = known.str.removeprefix("+").astype("int64")
        except (ValueError, OverflowError):
            return text
        return whole.reindex(values.index).astype("Int64") if missing.any() else whole
    if decimal != ".":
        known = known.str.replace(decimal, ".", regex=False)
    lowered = known.str.lower()
    if lowered.isin(["true", "false"]).all():
        return (lowered == "true").astype("boolean").reindex(values.index)
    numbers = pd.to_numeric(known, errors="coerce")
    if numbers.isna().any():
        return text.str.strip().mask(missing)
    return numbers.astype("float64").reindex(values.index)


def _kind_of(sample: pd.Series) -> Kind:
    if pd.api.types.is_bool_dtype(sample.dtype):
        return "bool"
    if pd.api.types.is_integer_dtype(sample.dtype):
        return "int"
    if pd.api.types.is_float_dtype(sample.dtype):
        return "float"
    return "str"
