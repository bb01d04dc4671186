"""Opening of any table, with the format recognised by content."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.sources.tables.described_tables import IpacTable, MachineReadableTable, describes_itself, readme_of
from pipeline.sources.tables.fits_tables import FitsTable
from pipeline.sources.tables.parquet_tables import ParquetTable
from pipeline.sources.tables.table_file import GZIP_MAGIC, Limits, Origin, TableError, TableFile
from pipeline.sources.tables.text_encoding import decode_head
from pipeline.sources.tables.text_layout import HEAD_BYTES
from pipeline.sources.tables.text_tables import TextTable
from pipeline.sources.tables.votables import VOTableFile

_FOREIGN = {
    b"PK\x03\x04": "a zip file or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\x89HDF": "HDF5, which is not read; save it as FITS or Parquet",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "compressed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it first",
    b"%PDF": "a PDF",
    b"\x93NUMPY": "a numpy array without names; save it as FITS or CSV",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
}


_VOTABLE = re.compile(r"^<\?xml|<(\w+:)?VOTABLE\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Peek:
    """Beginning of a file.

    Parameters
    ----------
    origin : Origin
        The file.
    head : bytes
        Its first unpacked bytes.
    text : str
        The same as text without leading space, "" where it is none.
    readme : Path or None
        The ``ReadMe`` beside it that describes it.
    """

    origin: Origin
    head: bytes
    text: str
    readme: Path | None


@dataclass(frozen=True)
class _Format:
    """A format: a function that recognises it, and its reader."""

    claims: Callable[[_Peek], bool]
    open: Callable[[_Peek], TableFile]


def _refuse(what: str) -> Callable[[_Peek], TableFile]:
    def refuse(peek: _Peek) -> TableFile:
        raise TableError(f"{peek.origin.name} is {what}.")

    return refuse


def _magic(letters: bytes) -> Callable[[_Peek], bool]:
    return lambda peek: peek.head.startswith(letters)


def _is_web_page(peek: _Peek) -> bool:
    text = peek.text[:2000].lower()
    return text.startswith(("<!doctype html", "<html")) or (text.startswith("<") and "<html" in text)


def _is_votable(peek: _Peek) -> bool:
    return peek.text.startswith("<") and _VOTABLE.search(peek.text[:4000]) is not None


def _is_ipac(peek: _Peek) -> bool:
    lines = peek.text.splitlines()[:2]
    return bool(lines) and (lines[0].startswith("\\") or (lines[0].startswith("|") and _typed(lines)))


FORMATS = (
    *(_Format(_magic(letters), _refuse(what)) for letters, what in _FOREIGN.items()),
    _Format(_magic(GZIP_MAGIC), _refuse("compressed twice; unpack it once")),
    _Format(_magic(b"SIMPLE  ="), lambda peek: FitsTable(peek.origin)),
    _Format(_magic(b"PAR1"), lambda peek: ParquetTable(peek.origin)),
    _Format(
        _is_web_page,
        _refuse("a web page, not a table: a sign-in or error page of the archive, perhaps; download the table itself"),
    ),
    _Format(_is_votable, lambda peek: VOTableFile(peek.origin)),
    _Format(
        lambda peek: peek.text.startswith(("{", "[{")),
        _refuse("JSON, perhaps an error message of the archive; ask for CSV or FITS"),
    ),
    _Format(lambda peek: peek.readme is not None, lambda peek: MachineReadableTable(peek.origin, peek.readme)),
    _Format(lambda peek: describes_itself(peek.text), lambda peek: MachineReadableTable(peek.origin, None)),
    _Format(_is_ipac, lambda peek: IpacTable(peek.origin)),
    _Format(lambda _: True, lambda peek: TextTable(peek.origin)),
)
"""Formats in order; the first that recognises a file by content reads it."""

_BINARY = (b"SIMPLE  =", b"PAR1", GZIP_MAGIC, *_FOREIGN)


def open_table(source: Path | bytes, name: str = "", limits: Limits | None = None) -> TableFile:
    """Open a table.

    Parameters
    ----------
    source : Path or bytes
        A file, or its content. FITS, VOTable, Parquet, ECSV, CSV, TSV, pipe- or semicolon-separated or white-space
        separated text, CDS and AAS machine-readable tables, IPAC tables; each but Parquet plain or gzipped.
    name : str
        For messages, where there is no path.
    limits : Limits, optional
        Bounds of what is unpacked and parsed.

    Returns
    -------
    TableFile
        Its columns with units and descriptions; rows are read when asked for.

    Raises
    ------
    TableError
        If it is no table that can be read; nothing but the file is ever opened, and no content is quoted.
    """
    path = source if isinstance(source, Path) else None
    data = b"" if isinstance(source, Path) else source
    origin = Origin(name or (path.name if path else "the table"), path, data, limits or Limits())
    head = origin.head(HEAD_BYTES)
    if not head.strip():
        raise TableError(f"{origin.name} is empty. Choose another file.")
    text, readme = "", None
    if not head.startswith(_BINARY):
        text = decode_head(head, origin.name, whole=len(head) < HEAD_BYTES)[1].lstrip("\ufeff \t\r\n")
        readme = readme_of(path)
    peek = _Peek(origin, head, text, readme)
    return next(form.open(peek) for form in FORMATS if form.claims(peek))


def _typed(lines: list[str]) -> bool:
    """Whether the second line has IPAC's names of types."""
    kinds = {"int", "i", "long", "l", "float", "f", "double", "d", "real", "r", "char", "c", "date", "t"}
    second = lines[1].strip().strip("|").split("|") if len(lines) > 1 else []
    return len(second) > 0 and all(cell.strip().lower() in kinds for cell in second)
