"""Refuse XML that would make its reader open another file or an address."""

from __future__ import annotations

from xml.parsers import expat

_OUTSIDE = {
    "STREAM": "refers to data outside the file (STREAM with href)",
    "INCLUDE": "includes another document (XInclude)",
}
_FOREIGN_DATA = ("FITS", "PARQUET")


class UnsafeXmlError(ValueError):
    """The document would reach outside itself or is not well-formed; the message never quotes its content."""


def refuse_outside_references(data: bytes) -> None:
    """Parse a document and refuse whatever could reach the network, another file, or expand without bound.

    The parser is expat, the one that astropy reads VOTables with, so both see the same elements whatever the encoding.

    Parameters
    ----------
    data : bytes
        A whole XML document.

    Raises
    ------
    UnsafeXmlError
        If it declares a document type or entities, holds an element with an ``href`` that data are read from, or data
        in another format, or is not well-formed.
    """
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: _refuse("declares a document type, and with it entities")
    parser.EntityDeclHandler = lambda *_: _refuse("declares entities")
    parser.ExternalEntityRefHandler = lambda *_: _refuse("refers to an external entity")
    parser.StartElementHandler = _check_element
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnsafeXmlError(f"The VOTable is not well-formed XML (line {error.lineno}).") from None


def _check_element(name: str, attributes: dict[str, str]) -> None:
    local = name.rpartition(":")[2].upper()
    if local in _OUTSIDE and any(key.rpartition(":")[2].lower() == "href" for key in attributes):
        _refuse(_OUTSIDE[local])
    if local in _FOREIGN_DATA:
        _refuse(f"holds its data as {local}")


def _refuse(what: str) -> None:
    raise UnsafeXmlError(f"The VOTable {what}, which is not read. Save it with its data inside (TABLEDATA or BINARY2).")
