"""Refuse XML that would make its reader open another file or an address, or that is larger than it seems."""

from __future__ import annotations

import re
from typing import NoReturn
from xml.parsers import expat

from pipeline.sources.tables.table_file import Limits, TableError

_OUTSIDE = {
    "STREAM": "refers to data outside the file (STREAM with href)",
    "INCLUDE": "includes another document (XInclude)",
}
_FOREIGN_DATA = ("FITS", "PARQUET")
_MAX_DEPTH = 64
_BYTES = {
    **dict.fromkeys(("boolean", "bit", "unsignedByte", "char"), 1),
    **dict.fromkeys(("short", "unicodeChar"), 2),
    **dict.fromkeys(("int", "float"), 4),
    **dict.fromkeys(("long", "double", "floatComplex"), 8),
    "doubleComplex": 16,
}
_MAX_CELL_BYTES = 1 << 16
_FILL = 4
"""Cells of fixed width that are nearly empty may unpack to so many times the limit."""


class UnsafeXmlError(ValueError):
    """The document would reach outside itself or is not well-formed; the message never quotes its content."""


def refuse_outside_references(data: bytes, limits: Limits | None = None, name: str = "The VOTable") -> None:
    """Parse a document and refuse content that could reach the network, another file, or expand without bound.

    The parser is expat, the one that astropy reads VOTables with, so both see the same elements whatever the encoding.

    Parameters
    ----------
    data : bytes
        A whole XML document.
    limits : Limits, optional
        Of the rows and columns of its tables, which are counted as far as they go.
    name : str
        Of the file, for messages about limits.

    Raises
    ------
    UnsafeXmlError
        If it declares a document type or entities, holds an element with an ``href`` that data are read from, or data
        in another format, or is not well-formed or too deeply nested.
    TableError
        If a table has more rows or columns than the limits.
    """
    look = _Look(limits or Limits(max_columns=None), name)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = lambda *_: _refuse("declares a document type, and with it entities")
    parser.EntityDeclHandler = lambda *_: _refuse("declares entities")
    parser.ExternalEntityRefHandler = lambda *_: _refuse("refers to an external entity")
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    if look.limits.max_rows is not None:
        parser.CharacterDataHandler = look.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnsafeXmlError(f"The VOTable is not well-formed XML (line {error.lineno}).") from None


class _Look:
    """Elements as they pass."""

    def __init__(self, limits: Limits, name: str) -> None:
        self.limits, self.name = limits, name
        self.depth = self.columns = self.rows = self.row_bytes = self.letters = 0
        self.in_stream = self.variable = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        local = name.rpartition(":")[2].upper()
        if self.depth > _MAX_DEPTH:
            _refuse("is nested too deeply")
        if local in _OUTSIDE and any(key.rpartition(":")[2].lower() == "href" for key in attributes):
            _refuse(_OUTSIDE[local])
        if local in _FOREIGN_DATA:
            _refuse(f"holds its data as {local}")
        if local == "TR":
            self.rows += 1
            self.limits.check_rows(self.name, self.rows)
            self.limits.check_bytes(self.name, self.rows * self.row_bytes // _FILL)
        elif local == "FIELD":
            self.columns += 1
            self.limits.check_columns(self.name, self.columns)
            self._count_bytes(attributes)
        elif local == "TABLE":
            self.columns = self.rows = self.row_bytes = self.letters = 0
            self.variable = False
        elif local == "BINARY2":  # a bit a cell says what is missing
            self.row_bytes += -(-self.columns // 8)
        self.in_stream = local == "STREAM"

    def end(self, _: str) -> None:
        self.depth -= 1
        self.in_stream = False

    def text(self, text: str) -> None:
        """Rows of binary data, by their length."""
        if self.in_stream and not self.variable:
            self.letters += len(text) - text.count("\n") - text.count(" ")
            self.limits.check_rows(self.name, (3 * self.letters // 4 - 2) // max(self.row_bytes, 1))

    def _count_bytes(self, attributes: dict[str, str]) -> None:
        size = attributes.get("arraysize", "1")
        counts = [int(part) for part in re.findall(r"\d+", size, re.ASCII) if len(part) < 12] or [1]
        cells = 1
        for count in counts:
            cells *= count
        least = _BYTES.get(attributes.get("datatype", ""), 1)
        if self.limits.max_bytes is not None and cells * least > _MAX_CELL_BYTES:
            raise TableError(f"{self.name} has cells of more than {_MAX_CELL_BYTES:,} bytes. Leave such columns out.")
        self.variable |= "*" in size
        self.row_bytes += least * cells


def _refuse(what: str) -> NoReturn:
    raise UnsafeXmlError(f"The VOTable {what}, which is not read. Save it with its data inside (TABLEDATA or BINARY2).")
