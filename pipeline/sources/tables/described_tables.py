"""Fixed-width text tables that describe themselves: the machine-readable form of CDS and AAS, and IPAC tables."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import ascii as astropy_ascii
from astropy.table import Table

from pipeline.sources.tables.table_file import BLOCK_ROWS, Field, Origin, TableError, TableFile, plain_frame
from pipeline.sources.tables.text_layout import decode_head
from pipeline.sources.tables.text_tables import numbers_from_text

_BYTE_BY_BYTE = re.compile(r"Byte-by-byte Description of file\s*:?\s*(?P<files>.*)", re.IGNORECASE)


class MachineReadableTable(TableFile):
    """A table of fixed columns, described by a ``ReadMe`` in its folder or by its own head.

    The positions of the columns are astropy's reading of the description; rows are cut by them as arrays.
    """

    def __init__(self, origin: Origin, readme: Path | None) -> None:
        text = decode_whole(origin)
        lines = text.splitlines()
        reader = astropy_ascii.get_reader(astropy_ascii.Cds if readme else astropy_ascii.Mrt)
        header = reader.header
        if readme is not None:
            header.readme = str(readme)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header.data.table_name = origin.path.name.removesuffix(".gz") if origin.path else origin.name
                header.get_cols(lines)
        except Exception as error:  # noqa: BLE001 - astropy raises many kinds on damaged descriptions
            raise TableError(
                f"{origin.name}: its byte-by-byte description cannot be read ({type(error).__name__})."
            ) from None
        self._columns = {column.name: column for column in header.cols}
        start = 0 if readme is not None else _first_row(lines)
        self._lines = np.array([line.encode("utf-8", "replace") for line in lines[start:] if line.strip()], "S")
        fields = []
        for column in header.cols:
            kind = {"A": "str", "I": "int"}.get(str(column.raw_type)[:1].upper(), "float")
            unit = "" if column.unit is None else str(column.unit)
            fields.append(Field(column.name, kind, unit, "", " ".join(str(column.description or "").split())))  # type: ignore[arg-type]
        simulated = "simulated: true" in (readme.read_text("utf-8", "replace") if readme else text[:20000]).lower()
        super().__init__(origin.name, "CDS table", fields, len(self._lines), origin.limits, simulated=simulated)
        self._null = {column.name: _null_of(header.data.fill_values, column.name) for column in header.cols}

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield blocks of rows."""
        width = self._lines.dtype.itemsize
        for start in range(0, len(self._lines), rows):
            part = self._lines[start : start + rows]
            letters = part.view("S1").reshape(len(part), width)
            yield plain_frame({name: self._cut(letters, name) for name in names})

    def _cut(self, letters: np.ndarray, name: str) -> pd.Series:
        column = self._columns[name]
        cells = np.ascontiguousarray(letters[:, column.start : column.end])
        if not cells.shape[1]:
            return pd.Series(np.full(len(letters), np.nan))
        cells[cells == b""] = b" "
        text = pd.Series(
            np.char.strip(np.char.decode(cells.view(f"S{cells.shape[1]}").ravel(), "utf-8", "replace")), dtype="str"
        )
        if self.by_name[name].kind == "str":
            return text
        numbers = numbers_from_text(text.mask(text.isin(self._null[name])))
        return numbers if not pd.api.types.is_string_dtype(numbers.dtype) else pd.to_numeric(numbers, errors="coerce")


class IpacTable(TableFile):
    """An IPAC table (IRSA), read by astropy."""

    def __init__(self, origin: Origin) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._table = Table.read(io.StringIO(decode_whole(origin)), format="ascii.ipac")
        except Exception as error:  # noqa: BLE001 - astropy raises many kinds on damaged tables
            raise TableError(f"{origin.name} is a damaged IPAC table ({type(error).__name__}).") from None
        fields = [
            Field(
                column.name,
                {"i": "int", "f": "float"}.get(column.dtype.kind, "str"),  # type: ignore[arg-type]
                str(column.unit or ""),
            )
            for column in self._table.itercols()
        ]
        super().__init__(origin.name, "IPAC table", fields, len(self._table), origin.limits)

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield the table."""
        for start in range(0, len(self._table), rows):
            part = self._table[start : start + rows]
            frame = {}
            for name in names:
                column = part[name]
                missing = np.ma.getmaskarray(np.ma.asarray(column))
                data = np.asarray(np.ma.getdata(column))
                series = pd.Series(data.astype("int64"), dtype="Int64") if data.dtype.kind == "i" else pd.Series(data)
                frame[name] = series.mask(missing)
            yield plain_frame(frame)


def decode_whole(origin: Origin) -> str:
    """The whole text."""
    data = origin.whole()
    encoding, _ = decode_head(data[: 1 << 18], origin.name)
    return data.decode(encoding, "replace")


def describes_itself(text: str) -> bool:
    """Whether a head is that of a machine-readable table."""
    return text.lstrip().startswith("Title:") and _BYTE_BY_BYTE.search(text) is not None


def readme_of(path: Path | None) -> Path | None:
    """The ``ReadMe`` beside a table that describes it; no other file is ever looked at."""
    if path is None:
        return None
    name = path.name.removesuffix(".gz")
    for candidate in sorted(path.parent.glob("[Rr][Ee][Aa][Dd][Mm][Ee]*")):
        if candidate.name.lower() not in ("readme", "readme.txt") or not candidate.is_file() or candidate == path:
            continue
        text = candidate.read_text("utf-8", "replace")
        for match in _BYTE_BY_BYTE.finditer(text):
            wanted = re.split(r"[\s,]+", match["files"].strip())
            if any(re.fullmatch(re.escape(item).replace(r"\*", ".*").replace(r"\?", "."), name) for item in wanted):
                return candidate
    return None


def _first_row(lines: Sequence[str]) -> int:
    rules = [number for number, line in enumerate(lines) if line.startswith(("------", "======="))]
    return rules[-1] + 1 if rules else len(lines)


def _null_of(fills: object, name: str) -> list[str]:
    return [str(fill[0]) for fill in (fills if isinstance(fills, list) else []) if len(fill) > 2 and name in fill[2:]]
