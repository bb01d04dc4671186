"""Text tables: CSV, TSV, pipe- or semicolon-separated, white space, ECSV."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pipeline.sources.tables.parquet_tables import to_series
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
from pipeline.sources.tables.text_encoding import text_lines
from pipeline.sources.tables.text_layout import Layout, find_layout, is_rule, split
from pipeline.sources.tables.text_rows import RowStream

MISSING = (
    *("", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none"),
    *("NA", "N/A", "n/a", "--", "-", "...", "<NA>"),
)
"""Spellings of a missing value."""

_SAMPLE_ROWS = 1000
_SAMPLE_CELLS = 200_000
_BLOCK_BYTES = 1 << 23
_MAX_SKIPPED = 1000
_WRONG_SHARE = 0.2
"""A file where more rows than this do not fit its header is not the table that it seems to be."""

_EXACT = 2.0**53
"""Decimal numbers hold every whole number below this."""

_LONG = r"[+-]?\d{16,}"
_INTEGER = r"[+-]?\d{1,19}"
"""Whole numbers that fit into 64 bits, but for a few beyond 2^63, which are found by trying."""

_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"[+-]?\d{1,19}"), "int"),
    (re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE), "float"),
    (re.compile(r"true|false", re.IGNORECASE), "bool"),
)


class TextTable(TableFile):
    """A text table with one row a line."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.layout: Layout = find_layout(origin)
        layout = self.layout
        origin.limits.check_columns(origin.name, len(layout.names))
        cells = dict(zip(layout.names, self._sample(), strict=True))
        mark = cells.get("simulated", [])
        simulated = says_simulated(layout.metadata) or (bool(mark) and all(cell.lower() == "true" for cell in mark))
        fields = [self._field(name, column) for name, column in cells.items()]
        form = "ECSV" if layout.described else "text"
        super().__init__(origin.name, form, fields, None, origin.limits, simulated=simulated)

    def _field(self, name: str, cells: Sequence[str]) -> Field:
        about = self.layout.about.get(name, {})
        unit, ucd, description = (str(about.get(key) or "") for key in ("unit", "ucd", "description"))
        declared: Kind | None = "array" if about.get("subtype") else "str" if self._is_text(name) else None
        return Field(name, declared or _kind_of(cells, self.layout.decimal), unit, ucd, description)

    def _is_text(self, name: str) -> bool:
        """Whether the file declares a column as text."""
        return bool(self.layout.about.get(name, {}).get("datatype") == "string")

    def _sample(self) -> list[list[str]]:
        """The cells of each column in the first rows."""
        width = len(self.layout.names)
        most = min(_SAMPLE_ROWS, max(_SAMPLE_CELLS // width, 20))
        lines = itertools.islice(self._lines(), most)
        content = (line for line in lines if line.strip() and not line.startswith("#") and not is_rule(line))
        rows = [cells for line in content if len(cells := split(line, self.layout.delimiter)) == width]
        return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]

    def _lines(self) -> Iterator[str]:
        """The lines from the first row on."""
        with self._origin.open() as stream:
            lines = text_lines(stream, self.layout.encoding, self._origin)
            yield from itertools.islice(lines, self.layout.skip_lines, None)

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield the whole table once; types are inferred from all rows."""
        frame = self.read(names)
        for start in range(0, len(frame), rows):
            yield frame.iloc[start : start + rows].reset_index(drop=True)

    def read(self, names: Sequence[str]) -> pd.DataFrame:
        """The named columns whole."""
        self.skipped.clear()
        framed = self._framed()
        if framed is None:
            self.n_rows = 0
            return pd.DataFrame({name: pd.Series(dtype="float64") for name in names})
        table = self._by_arrow(list(names), framed=framed)
        self.limits.check_rows(self.name, table.num_rows)
        self.n_rows = table.num_rows
        again = [name for name in names if _lost(table.column(name)) or self._is_text(name)]
        if again:  # as text, to the last digit
            exact = self._by_arrow(again, framed=framed, as_text=True)
            for name in again:
                table = table.set_column(table.schema.get_field_index(name), name, exact.column(name))
        frame = plain_frame({name: self._series(table.column(name), name) for name in names})
        single = [name for name in names if self.layout.about.get(name, {}).get("datatype") == "float32"]
        return frame.astype(dict.fromkeys([name for name in single if frame[name].dtype == "float64"], "float32"))

    def read_exact(self, name: str) -> pd.Series:
        """A column as the text that is written."""
        framed = self._framed()
        if framed is None:
            return pd.Series(dtype="str")
        text: pd.Series = self._by_arrow([name], framed=framed, as_text=True).column(name).to_pandas()
        return text.astype("str").fillna("").str.strip()

    def _framed(self) -> bool | None:
        """Whether rows begin and end with a bar; None where there is no row."""
        first = next((line.strip() for line in self._lines() if line.strip() and not line.startswith("#")), None)
        if first is None:
            return None
        return self.layout.delimiter == "|" and first.startswith("|") and first.endswith("|")

    def _by_arrow(self, names: list[str], *, framed: bool, as_text: bool = False) -> pa.Table:
        skipped: list[int] = []
        table, stream = self._parsed(names, skipped, framed=framed, as_text=as_text, newlines=False)
        inside = False
        if skipped and stream.has_quotes:
            fewer: list[int] = []
            other, _ = self._parsed(names, fewer, framed=framed, as_text=as_text, newlines=True)
            inside = len(fewer) < len(skipped)
            if inside:
                table, skipped = other, fewer
        if skipped and not as_text:
            self._refuse_other_table(table.num_rows, len(skipped))
            self.skipped[:] = self._sentences(skipped, lines=not inside)
        return table

    def _parsed(
        self, names: list[str], skipped: list[int], *, framed: bool, as_text: bool, newlines: bool
    ) -> tuple[pa.Table, RowStream]:
        layout = self.layout

        def invalid(row: csv.InvalidRow) -> str:
            if row.text.strip():
                skipped.append(row.actual_columns)
            return "skip"

        stream = RowStream(self._origin, layout)
        try:
            table = csv.read_csv(
                pa.PythonFile(stream, "r"),
                csv.ReadOptions(
                    column_names=["", *layout.names, " "] if framed else list(layout.names), block_size=_BLOCK_BYTES
                ),
                csv.ParseOptions(
                    delimiter=layout.delimiter or " ", newlines_in_values=newlines, invalid_row_handler=invalid
                ),
                csv.ConvertOptions(
                    include_columns=names,
                    column_types=dict.fromkeys(names, pa.string()) if as_text else None,
                    null_values=[""] if layout.described else list(MISSING),
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
        finally:
            stream.close()
        return table, stream

    def _series(self, values: pa.ChunkedArray, name: str) -> pd.Series:
        if pa.types.is_null(values.type):
            return pd.Series(np.full(len(values), np.nan))
        if pa.types.is_binary(values.type):
            values = values.cast(pa.string())
        if pa.types.is_string(values.type):
            text = values.to_pandas().astype("str")
            return text if self._is_text(name) else numbers_from_text(text, self.layout.decimal)
        return to_series(values)

    def _sentences(self, skipped: Sequence[int], *, lines: bool) -> list[str]:
        """What each row that does not fit looks like: its line where rows are lines."""
        width = len(self.layout.names)
        found = [(f"a row has {count} cells", count) for count in skipped[:_MAX_SKIPPED]]
        if lines:
            numbered = enumerate(self._lines(), self.layout.skip_lines + 1)
            counted = (
                (number, len(split(line, self.layout.delimiter)))
                for number, line in numbered
                if line.strip() and not line.startswith("#")
            )
            wrong = ((f"line {number} has {count} cells", count) for number, count in counted if count != width)
            found = list(itertools.islice(wrong, min(len(skipped), _MAX_SKIPPED))) or found
        told = [f"{words}; the header names {width} columns" for words, _ in found]
        more = len(skipped) - len(told)
        return told if more <= 0 else [*told, *[f"{more:,} more rows have another number of cells"]]

    def _refuse_other_table(self, rows: int, skipped: int) -> None:
        if skipped > 1 and skipped > _WRONG_SHARE * (rows + skipped):
            raise TableError(
                f"{self.name}: {skipped:,} of {rows + skipped:,} rows have another number of cells than its "
                f"{len(self.layout.names)} columns (delimiter {self.layout.delimiter or 'white space'!r}). "
                "Check its delimiter and quotes."
            )


def _kind_of(cells: Sequence[str], decimal: str) -> Kind:
    """What a sample of cells holds."""
    known = [cell if decimal == "." else cell.replace(decimal, ".") for cell in cells if cell not in MISSING]
    if not known:
        return "unknown"
    return next((kind for test, kind in _KINDS if all(map(test.fullmatch, known))), "str")


def _lost(values: pa.ChunkedArray) -> bool:
    """Whether a column was taken for decimal numbers or times, so that its text may say more."""
    if pa.types.is_temporal(values.type):
        return True
    if not pa.types.is_floating(values.type) or len(values) == values.null_count:
        return False
    largest = pc.max(pc.if_else(pc.is_finite(values), pc.abs(values), 0.0)).as_py()
    return largest is not None and largest >= _EXACT


def numbers_from_text(values: pd.Series, decimal: str = ".") -> pd.Series:
    """Text as numbers where every value is one, and else the same text.

    Whole numbers are exact to 64 bits. Numbers of which some are whole and too long for a decimal number, and others
    are not whole, stay text: no digit is lost.
    """
    text = values.astype("str").str.strip()
    missing = text.isna() | text.isin(MISSING)
    known = text[~missing]
    if known.empty:
        return pd.Series(np.full(len(values), np.nan), index=values.index)
    if any(_kind_of([cell], decimal) == "str" for cell in known.head(_SAMPLE_ROWS)):
        return text.mask(missing)
    if known.str.fullmatch(_INTEGER).all():
        try:
            whole = known.str.removeprefix("+").astype("int64")
        except (ValueError, OverflowError):
            return text.mask(missing)
        return whole.astype("Int64").reindex(values.index) if missing.any() else whole
    return _booleans_or_decimals(known, decimal, text, missing)


def _booleans_or_decimals(known: pd.Series, decimal: str, text: pd.Series, missing: pd.Series) -> pd.Series:
    lowered = known.str.lower()
    if lowered.isin(["true", "false"]).all():
        return (lowered == "true").astype("boolean").reindex(text.index)
    pointed = known if decimal == "." else known.str.replace(decimal, ".", regex=False)
    pointed = pointed.str.replace(r"(?<=[\d.])[dD](?=[+-]?\d)", "e", regex=True)
    numbers = pd.to_numeric(pointed, errors="coerce")
    if numbers.isna().any() or known.str.fullmatch(_LONG).any():
        return text.mask(missing)
    return numbers.astype("float64").reindex(text.index)
