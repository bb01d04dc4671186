"""The headers of a FITS file: which of its tables is read, and whether it is whole."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import IO

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from pipeline.sources.tables.table_file import Limits, Origin, TableError

_BLOCK = 2880
_SKIP_BYTES = 1 << 24
_MAX_HDUS = 1000
_MAX_HEADER_BYTES = 20_000_000
_HEADER_BYTES_A_COLUMN = 4000
_OTHER_HEADER_BYTES = 1_000_000

DAMAGE = (
    *(OSError, EOFError, zlib.error, KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError),
    fits.VerifyError,
)
"""What astropy and gzip raise on damaged files."""


def damaged_fits(name: str, error: Exception) -> TableError:
    """Error of a damaged file, which quotes nothing of its content."""
    if isinstance(error, TableError):
        return error
    return TableError(f"{name} is damaged FITS ({type(error).__name__}). Fetch it again.")


def largest_table(origin: Origin) -> tuple[fits.Header, int, bool]:
    """Find the table with the most rows, the first of several.

    Returns
    -------
    header : Header
        Of the table.
    start : int
        Its first data byte.
    simulated : bool
        Whether any header says that the file is simulated.

    Raises
    ------
    TableError
        If there is none, or the file is damaged or cut short.
    """
    best: tuple[fits.Header, int] | None = None
    simulated = compressed = False
    try:
        with origin.open() as stream:
            size = None if origin.zipped else stream.seek(0, 2)
            if size is not None:
                stream.seek(0)
            for header, start in _headers(stream, size is not None, origin):
                simulated |= _says_simulated(header)
                if header.get("ZIMAGE") or header.get("ZTABLE"):
                    compressed = True
                elif str(header.get("XTENSION", "")).strip() in ("BINTABLE", "A3DTABLE", "TABLE"):
                    _refuse_short(header, start, size, origin.name)
                    if best is None or int(header["NAXIS2"]) > int(best[0]["NAXIS2"]):
                        best = header, start
    except DAMAGE as error:
        raise damaged_fits(origin.name, error) from None
    if best is None:
        found = "it is tile-compressed; unpack it with funpack or astropy first" if compressed else "perhaps an image"
        raise TableError(f"{origin.name} is FITS and holds no table: {found}.")
    return *best, simulated


def _headers(stream: IO[bytes], seekable: bool, origin: Origin) -> Iterator[tuple[fits.Header, int]]:
    """Each header, and the first byte of its data."""
    position = 0
    for _ in range(_MAX_HDUS):
        header, length = _next_header(stream, origin.limits)
        if header is None:
            return
        position += length
        yield header, position
        data = _data_bytes(header)
        padding = -data % _BLOCK
        if seekable:
            stream.seek(data + padding, 1)
        else:
            skip(stream, data, origin.name)
            stream.read(padding)
        position += data + padding


def _refuse_short(header: fits.Header, start: int, size: int | None, name: str) -> None:
    end = start + int(header["NAXIS1"]) * int(header["NAXIS2"])
    if size is not None and end > size:
        raise TableError(
            f"{name} is cut short: its table needs {end:,} bytes and the file has {size:,}. Fetch it again."
        )


def _says_simulated(header: fits.Header) -> bool:
    comments = [str(line) for line in header["COMMENT"]] if "COMMENT" in header else []
    return bool(header.get("SIMULATD", False)) or any(line.startswith("SIMULATED:") for line in comments)


def _next_header(stream: IO[bytes], limits: Limits) -> tuple[fits.Header | None, int]:
    """The next header and its length in bytes; None at the end of the file."""
    most = _MAX_HEADER_BYTES
    if limits.max_columns is not None:
        most = min(most, _OTHER_HEADER_BYTES + _HEADER_BYTES_A_COLUMN * limits.max_columns)
    blocks: list[bytes] = []
    while len(blocks) * _BLOCK < most:
        block = stream.read(_BLOCK)
        if not blocks and not block.strip(b"\0 "):
            return None, 0
        if len(block) < _BLOCK:
            raise EOFError
        blocks.append(block)
        if any(block[start : start + 80].rstrip() == b"END" for start in range(0, _BLOCK, 80)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", AstropyWarning)
                header = fits.Header.fromstring(b"".join(blocks).decode("ascii", "replace"))
            return header, len(blocks) * _BLOCK
    raise EOFError


def _data_bytes(header: fits.Header) -> int:
    axes = [int(header[f"NAXIS{n}"]) for n in range(1, int(header.get("NAXIS", 0)) + 1)]
    if any(axis < 0 for axis in axes) or int(header.get("PCOUNT", 0)) < 0:
        raise ValueError
    pixels = int(np.prod(axes, dtype=object)) if axes else 0
    return abs(int(header["BITPIX"])) // 8 * int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + pixels)


def skip(stream: IO[bytes], count: int, name: str) -> None:
    """Go on by so many bytes, also where the stream cannot seek.

    Raises
    ------
    TableError
        If the file ends before.
    """
    if stream.seekable():
        stream.seek(count, 1)
        return
    while count:
        part = len(stream.read(min(count, _SKIP_BYTES)))
        if not part:
            raise TableError(f"{name} is cut short. Fetch it again.")
        count -= part
