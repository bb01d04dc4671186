"""FITS binary tables, read in blocks of rows by name: a file of 3 GB needs the memory of a block."""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from pipeline.sources.tables.table_file import BLOCK_ROWS, Field, Kind, Origin, TableError, TableFile, plain_frame

_BLOCK = 2880
_SKIP_BYTES = 1 << 24
_BLOCK_BYTES = 1 << 26
_MOST_HDUS = 1000
_MOST_HEADER_BYTES = 20_000_000
_FORMAT = re.compile(r"\s*(?P<repeat>\d*)\s*(?P<code>[LXBIJKAEDCMPQ])(?P<rest>.*)")
_WIDTH = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_DTYPE = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_KIND: dict[str, Kind] = {"L": "bool", "B": "int", "I": "int", "J": "int", "K": "int", "E": "float", "D": "float"}


@dataclass(frozen=True)
class _Packed:
    """How a column is packed into a row: byte offset, code of its format, values a cell, scaling."""

    offset: int
    code: str
    repeat: int
    scale: float
    zero: float
    null: int | None

    @property
    def width(self) -> int:
        return -(-self.repeat // 8) if self.code == "X" else self.repeat * _WIDTH[self.code]

    @property
    def dtype(self) -> str:
        return f"S{self.repeat}" if self.code == "A" else _DTYPE[self.code]


class FitsTable(TableFile):
    """One binary table of a FITS file, plain or gzipped: the one with the most rows."""

    def __init__(self, origin: Origin) -> None:
        header, start, simulated = _largest_table(origin)
        self._origin, self._start = origin, start
        self._row_bytes = int(header["NAXIS1"])
        self._packed: dict[str, _Packed] = {}
        fields = self._columns(header, origin.name)
        super().__init__(origin.name, "FITS", fields, int(header["NAXIS2"]), origin.limits, simulated=simulated)

    def _columns(self, header: fits.Header, name: str) -> list[Field]:
        fields: list[Field] = []
        offset = 0
        taken: set[str] = set()
        for number in range(1, int(header["TFIELDS"]) + 1):
            form = _FORMAT.match(str(header.get(f"TFORM{number}", "")))
            if form is None:
                raise TableError(f"{name}: the format of column {number} is not FITS (TFORM{number}).")
            repeat, code = int(form["repeat"] or 1), form["code"]
            scale, zero = float(header.get(f"TSCAL{number}", 1.0)), float(header.get(f"TZERO{number}", 0.0))
            null = header.get(f"TNULL{number}")
            packed = _Packed(offset, code, repeat, scale, zero, None if null is None else int(null))
            offset += packed.width
            spelled = str(header.get(f"TTYPE{number}", f"column{number}")).strip() or f"column{number}"
            while spelled in taken:
                spelled += "_2"
            taken.add(spelled)
            self._packed[spelled] = packed
            words = [str(header.get(f"{key}{number}", "")).strip() for key in ("TUNIT", "TUCD", "TCOMM", "TDESC")]
            fields.append(Field(spelled, _kind(packed), words[0], words[1], words[2] or words[3], _length(packed)))
        if offset != self._row_bytes:
            raise TableError(f"{name}: its columns fill {offset} bytes a row and NAXIS1 says {self._row_bytes}.")
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
        with self._origin.open() as stream:
            _skip(stream, self._start, self.name)
            while left:
                count = min(rows, left)
                data = _exactly(stream, count * self._row_bytes, self.name)
                left -= count
                yield np.frombuffer(data, dtype, count)

    def _layout(self, names: Sequence[str]) -> list[_Packed]:
        return [self._packed[name] for name in names]


def _kind(packed: _Packed) -> Kind:
    if packed.code == "A":
        return "str"
    if packed.repeat != 1 or packed.code not in _KIND:
        return "array"
    scaled = packed.scale != 1.0 or packed.zero != int(packed.zero)
    return "float" if _KIND[packed.code] == "int" and scaled else _KIND[packed.code]


def _length(packed: _Packed) -> int:
    return 1 if packed.code == "A" else packed.repeat


def _series(values: NDArray[np.generic], packed: _Packed) -> pd.Series:
    """Native byte order, scaled, with the missing values that the header declares."""
    if packed.code == "A":
        texts = pd.Series(np.char.decode(np.char.rstrip(values), "utf-8", "replace").astype(object), dtype="str")
        return texts.str.partition("\0")[0].str.rstrip() if texts.str.contains("\0", regex=False).any() else texts
    native = values.astype(values.dtype.newbyteorder("="))
    if packed.code == "L":
        return pd.Series(pd.array(native == ord("T"), "boolean")).mask((native != ord("T")) & (native != ord("F")))
    if packed.code in "ED":
        return pd.Series(native if packed.scale == 1.0 and not packed.zero else native * packed.scale + packed.zero)
    missing = native == packed.null if packed.null is not None else np.zeros(native.size, bool)
    if packed.scale == 1.0 and packed.zero == int(packed.zero):
        if packed.code == "K" and packed.zero:  # unsigned 64 bit: 2^63 is added
            whole = (native.astype(np.int64).view(np.uint64) + np.uint64(int(packed.zero))).astype(np.uint64)
            missing |= whole > np.uint64(np.iinfo(np.int64).max)
            shifted = whole.astype(np.int64)
        else:
            shifted = native.astype(np.int64) + int(packed.zero)
        return pd.Series(shifted, dtype="Int64").mask(missing)
    return pd.Series(native * packed.scale + packed.zero).mask(missing)


def _largest_table(origin: Origin) -> tuple[fits.Header, int, bool]:
    """Header and first data byte of the binary table with the most rows, and whether the file says it is simulated."""
    best: tuple[fits.Header, int] | None = None
    position, simulated, ascii_tables = 0, False, 0
    try:
        with origin.open() as stream:
            size = stream.seek(0, 2) if not origin.zipped else None
            stream.seek(0)
            for _ in range(_MOST_HDUS):
                header = _next_header(stream)
                if header is None:
                    break
                position += len(header.tostring(padding=True))
                simulated |= bool(header.get("SIMULATD", False))
                data = _data_bytes(header)
                kind = str(header.get("XTENSION", "")).strip()
                ascii_tables += kind == "TABLE"
                if kind in ("BINTABLE", "A3DTABLE"):
                    table = int(header["NAXIS1"]) * int(header["NAXIS2"])
                    if size is not None and position + table > size:
                        raise TableError(
                            f"{origin.name} is cut short: its table needs {position + table:,} bytes and the file has "
                            f"{size:,}. Fetch it again."
                        )
                    if best is None or int(header["NAXIS2"]) > int(best[0]["NAXIS2"]):
                        best = header, position
                padded = -(-data // _BLOCK) * _BLOCK
                if size is None:
                    _skip(stream, padded, origin.name)
                else:
                    stream.seek(padded, 1)
                position += padded
    except (OSError, EOFError, zlib.error, KeyError, ValueError, TypeError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(f"{origin.name} is damaged FITS ({type(error).__name__}). Fetch it again.") from None
    if best is None:
        found = "only ASCII tables; save it as a binary table or CSV" if ascii_tables else "no table, perhaps an image"
        raise TableError(f"{origin.name} is FITS and holds no binary table: {found}.")
    return best[0], best[1], simulated


def _next_header(stream: IO[bytes]) -> fits.Header | None:
    """The next header; None at the end of the file."""
    blocks: list[bytes] = []
    while len(blocks) * _BLOCK < _MOST_HEADER_BYTES:
        block = stream.read(_BLOCK)
        if not blocks and not block.strip(b"\0 "):
            return None
        if len(block) < _BLOCK:
            raise EOFError
        blocks.append(block)
        if any(block[start : start + 80].rstrip() == b"END" for start in range(0, _BLOCK, 80)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", AstropyWarning)
                return fits.Header.fromstring(b"".join(blocks).decode("ascii", "replace"))
    raise EOFError


def _data_bytes(header: fits.Header) -> int:
    axes = [int(header[f"NAXIS{n}"]) for n in range(1, int(header.get("NAXIS", 0)) + 1)]
    if any(axis < 0 for axis in axes):
        raise ValueError
    pixels = int(np.prod(axes, dtype=object)) if axes else 0
    return abs(int(header["BITPIX"])) // 8 * int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + pixels)


def _skip(stream: IO[bytes], count: int, name: str) -> None:
    if stream.seekable() and not hasattr(stream, "fileobj"):
        stream.seek(count, 1)
        return
    while count:
        part = len(stream.read(min(count, _SKIP_BYTES)))
        if not part:
            raise TableError(f"{name} is cut short. Fetch it again.")
        count -= part


def _exactly(stream: IO[bytes], count: int, name: str) -> bytes:
    try:
        data = stream.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{name} is damaged or cut short ({type(error).__name__}). Fetch it again.") from None
    if len(data) < count:
        raise TableError(f"{name} is cut short: {count - len(data):,} bytes of its table are missing. Fetch it again.")
    return data
