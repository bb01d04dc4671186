"""FITS tables, binary and ASCII, read in blocks of rows by name: a file of 3 GB needs the memory of a block."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from astropy.io import fits
from numpy.typing import NDArray

from pipeline.sources.tables.byte_texts import text_of_bytes
from pipeline.sources.tables.fits_headers import DAMAGE, damaged_fits, largest_table, skip
from pipeline.sources.tables.table_file import BLOCK_ROWS, Field, Kind, Origin, TableError, TableFile, plain_frame
from pipeline.sources.tables.text_tables import numbers_from_text

_BLOCK_BYTES = 1 << 26
_MAX_ROW_BYTES = 1 << 27
_ASCII_FORMAT = re.compile(r"\s*(?P<code>[AIFED])(?P<width>\d+)(\.\d+)?\s*")
_FORMAT = re.compile(r"\s*(?P<repeat>\d*)\s*(?P<code>[LXBIJKAEDCMPQ])(?P<rest>.*)")
_WIDTH = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_DTYPE = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_UNSIGNED_ZERO = 2.0**63
_KIND: dict[str, Kind] = {"L": "bool", "B": "int", "I": "int", "J": "int", "K": "int", "E": "float", "D": "float"}


@dataclass(frozen=True)
class _Packed:
    """How a column is packed into a row: byte offset, code of its format, values a cell, scaling, missing value."""

    offset: int
    code: str
    repeat: int
    scale: float
    zero: float
    null: int | None
    several_texts: bool = False
    number: Kind | None = None
    """What the text of an ASCII table stands for."""
    null_text: str = ""

    @property
    def width(self) -> int:
        return -(-self.repeat // 8) if self.code == "X" else self.repeat * _WIDTH[self.code]

    @property
    def dtype(self) -> str:
        return f"S{self.repeat}" if self.code == "A" else _DTYPE[self.code]


class FitsTable(TableFile):
    """One table of a FITS file, plain or gzipped: the one with the most rows."""

    def __init__(self, origin: Origin) -> None:
        header, start, simulated = largest_table(origin)
        self._origin, self._start = origin, start
        self._packed: dict[str, _Packed] = {}
        try:
            self._row_bytes, rows = int(header["NAXIS1"]), int(header["NAXIS2"])
            origin.limits.check_columns(origin.name, int(header["TFIELDS"]))
            ascii_table = str(header.get("XTENSION", "")).strip() == "TABLE"
            pack = _ascii_column if ascii_table else _binary_column
            fields = self._columns(header, origin.name, pack)
            filled = sum(packed.width for packed in self._packed.values())
        except DAMAGE as error:
            raise damaged_fits(origin.name, error) from None
        if filled != self._row_bytes and not ascii_table:
            raise TableError(f"{origin.name}: its columns fill {filled} bytes a row and NAXIS1 says {self._row_bytes}.")
        if self._row_bytes > _MAX_ROW_BYTES:
            raise TableError(
                f"{origin.name}: its rows have {self._row_bytes:,} bytes; at most {_MAX_ROW_BYTES:,} are read."
            )
        super().__init__(origin.name, "FITS", fields, rows, origin.limits, simulated=simulated)

    def _columns(self, header: fits.Header, name: str, pack: Callable[[fits.Header, int, int], _Packed]) -> list[Field]:
        fields: list[Field] = []
        offset = 0
        for number in range(1, int(header["TFIELDS"]) + 1):
            try:
                packed = pack(header, number, offset)
            except DAMAGE:
                raise TableError(f"{name}: the format of column {number} is not FITS (TFORM{number}).") from None
            if packed.offset < 0 or (packed.number and packed.offset + packed.width > self._row_bytes):
                raise TableError(f"{name}: column {number} is outside its row (TBCOL{number}).")
            offset += packed.width
            spelled = str(header.get(f"TTYPE{number}", "")).strip() or f"column{number}"
            while spelled in self._packed:
                spelled += "_2"
            self._packed[spelled] = packed
            words = [str(header.get(f"{key}{number}", "")).strip() for key in ("TUNIT", "TUCD", "TCOMM", "TDESC")]
            fields.append(Field(spelled, _kind(packed), words[0], words[1], words[2] or words[3], _length(packed)))
        return fields

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield blocks; each row's other columns are skipped."""
        for raw in self._raw(names, rows):
            yield plain_frame({name: _series(raw[f"c{n}"], self._packed[name]) for n, name in enumerate(names)})

    def arrays(self, name: str) -> Iterator[NDArray[np.float64]]:
        """Yield blocks of an array column of numbers."""
        packed = self._packed[name]
        if packed.code not in _DTYPE or packed.repeat < 1:
            raise TableError(f"{self.name}: column {name!r} holds no arrays of numbers.")
        for raw in self._raw([name], BLOCK_ROWS):
            values = raw["c0"].astype(np.float64).reshape(len(raw), packed.repeat)
            yield values * packed.scale + packed.zero

    def _raw(self, names: Sequence[str], rows: int) -> Iterator[NDArray[np.void]]:
        formats = [(p.dtype if p.repeat == 1 or p.code == "A" else (p.dtype, (p.repeat,))) for p in self._layout(names)]
        dtype = np.dtype(
            {
                "names": [f"c{n}" for n in range(len(names))],
                "formats": formats,
                "offsets": [p.offset for p in self._layout(names)],
                "itemsize": max(self._row_bytes, 1),
            }
        )
        rows = max(1, min(rows, _BLOCK_BYTES // max(self._row_bytes, 1)))
        left = self.n_rows or 0
        if self._origin.path is not None and not self._origin.zipped:
            yield from self._mapped(self._origin.path, dtype, rows)
            return
        with self._origin.open() as stream:
            skip(stream, self._start, self.name)
            while left:
                count = min(rows, left)
                data = _exactly(stream, count * self._row_bytes, self.name)
                left -= count
                yield np.frombuffer(data, dtype, count)

    def _mapped(self, path: Path, dtype: np.dtype[np.void], rows: int) -> Iterator[NDArray[np.void]]:
        """Blocks of a plain file, mapped one by one: only the pages that hold the named columns are looked at."""
        total = self.n_rows or 0
        for first in range(0, total, rows):
            place = self._start + first * self._row_bytes
            try:
                yield np.memmap(path, dtype, "r", place, (min(rows, total - first),))
            except (OSError, ValueError) as error:
                raise damaged_fits(self.name, error) from None

    def _layout(self, names: Sequence[str]) -> list[_Packed]:
        return [self._packed[name] for name in names]


def _binary_column(header: fits.Header, number: int, offset: int) -> _Packed:
    form = _FORMAT.fullmatch(str(header[f"TFORM{number}"]))
    if form is None:
        raise ValueError
    repeat, code = int(form["repeat"] or 1), form["code"]
    scale, zero = float(header.get(f"TSCAL{number}", 1.0)), float(header.get(f"TZERO{number}", 0.0))
    null = header.get(f"TNULL{number}") if code in "BIJK" else None
    several = code == "A" and (bool(form["rest"].strip()) or "," in str(header.get(f"TDIM{number}", "")))
    return _Packed(offset, code, repeat, scale, zero, None if null is None else int(null), several)


def _ascii_column(header: fits.Header, number: int, _: int) -> _Packed:
    form = _ASCII_FORMAT.fullmatch(str(header[f"TFORM{number}"]))
    if form is None:
        raise ValueError
    kind: Kind = "str" if form["code"] == "A" else "int" if form["code"] == "I" else "float"
    null = str(header.get(f"TNULL{number}", "")).strip()
    start = int(header[f"TBCOL{number}"]) - 1
    return _Packed(start, "A", int(form["width"]), 1.0, 0.0, None, number=kind, null_text=null)


def _kind(packed: _Packed) -> Kind:
    if packed.number:
        return packed.number
    if packed.code == "A":
        return "array" if packed.several_texts else "str"
    if packed.repeat != 1 or packed.code not in _KIND:
        return "array"
    scaled = packed.scale != 1.0 or packed.zero != int(packed.zero)
    return "float" if _KIND[packed.code] == "int" and scaled else _KIND[packed.code]


def _length(packed: _Packed) -> int:
    return 1 if packed.code == "A" else packed.repeat


def _series(values: NDArray[np.generic], packed: _Packed) -> pd.Series:
    """Native byte order, scaled, with the missing values that the header declares."""
    if packed.code == "A":
        texts = text_of_bytes(values) if packed.repeat else pd.Series([""] * values.size, dtype="str")
        return texts if packed.number in (None, "str") else _numbers(texts.str.strip(), packed)
    native = values.astype(values.dtype.newbyteorder("="))
    if packed.code == "L":
        return pd.Series(pd.array(native == ord("T"), "boolean")).mask((native != ord("T")) & (native != ord("F")))
    if packed.code in "ED":
        return pd.Series(native if packed.scale == 1.0 and not packed.zero else native * packed.scale + packed.zero)
    missing = native == packed.null if packed.null is not None else np.zeros(native.size, bool)
    if packed.scale == 1.0 and packed.zero == int(packed.zero):
        if packed.code == "K" and packed.zero == _UNSIGNED_ZERO:  # the sign bit is the highest bit of the number
            whole = native.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)
            missing |= whole > np.uint64(np.iinfo(np.int64).max)
            shifted = whole.view(np.int64)
        else:
            shifted = native.astype(np.int64) + int(packed.zero)
        return pd.Series(shifted, dtype="Int64").mask(missing)
    return pd.Series(native * packed.scale + packed.zero).mask(missing)


def damaged(name: str, error: Exception) -> TableError:
    """Error of a damaged file, which quotes nothing of its content."""
    if isinstance(error, TableError):
        return error
    return TableError(f"{name} is damaged FITS ({type(error).__name__}). Fetch it again.")


def _numbers(texts: pd.Series, packed: _Packed) -> pd.Series:
    """Numbers of an ASCII table."""
    known = texts.mask(texts == packed.null_text, "") if packed.null_text else texts
    numbers = numbers_from_text(known)
    if packed.number == "float" and pd.api.types.is_string_dtype(numbers.dtype):
        numbers = pd.to_numeric(known, errors="coerce")
    return numbers.astype("float64") if packed.number == "float" else numbers


def _exactly(stream: IO[bytes], count: int, name: str) -> bytes:
    try:
        data = stream.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{name} is damaged or cut short ({type(error).__name__}). Fetch it again.") from None
    if len(data) < count:
        raise TableError(f"{name} is cut short: {count - len(data):,} bytes of its table are missing. Fetch it again.")
    return data
