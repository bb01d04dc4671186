"""Tables to take away: FITS, VOTable, Parquet with units, UCDs, descriptions; the same table gives the same bytes."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import Table
from astropy.units import IrreducibleUnit, Unit
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.own_columns import OWN_GROUP
from pipeline.products.manifest import ProductError

TABLE_NAME = "STARS"
"""Name of the extension that holds a FITS table."""

MAX_FITS_COLUMNS = 999
"""Columns of a FITS table, by the standard."""

MAX_TEXT_BYTES = 2**30
"""Memory for a column of text of one width, four bytes a letter."""

_COMMENT_LETTERS = 72
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Letters that XML cannot hold; they are written as escapes."""

_LINE_END = re.compile("\r\n?")
_UNUSUAL = re.compile(f"\r|{_CONTROL.pattern}")
_UCD = re.compile(r"[A-Za-z0-9_.:;-]*")
"""The letters that the VOTable schema allows."""


class _Verbatim(IrreducibleUnit):  # type: ignore[misc]
    """A unit that no standard lists: its text is written as it is and without a warning."""

    def to_string(self, *_: Any, **__: Any) -> str:
        """Its text, in every format."""
        return str(self.name)


def annotated(columns: Mapping[Column, NDArray[Any]]) -> Table:
    """Columns as a table with units and descriptions.

    Parameters
    ----------
    columns : mapping of Column to ndarray, shape (n,)
        Values of each column.

    Raises
    ------
    ProductError
        If a column holds text too long for a table of fixed widths.
    """
    table = Table()
    for one, values in columns.items():
        table[one.name] = _texts(values, one.name) if one.dtype == "str" else np.asarray(values)
        table[one.name].description = one.description
        if one.unit:
            table[one.name].unit = Unit(one.unit, parse_strict="silent")
        table[one.name].meta["ucd"] = one.ucd
        if one.is_own:
            table[one.name].meta |= {"label": one.label, "origin": one.origin}
    return table


def _texts(values: NDArray[Any], name: str) -> NDArray[np.str_]:
    """Text of two letters or more: VOTable 1.3 deprecates the way in which one letter would be declared.

    Line breaks are line feeds: readers of CSV take a carriage return for the end of a row. Other control characters
    than line breaks and tabs become their number in hexadecimal after a backslash and an x (u for four digits).
    """
    longest = max(map(len, map(str, values)), default=0)
    if 4 * longest * len(values) > MAX_TEXT_BYTES:
        raise ProductError(
            f"Column {name} holds a text of {longest:,} letters, and so many for each of {len(values):,} stars are too "
            "many for a table. Take fewer stars, or read the column from the product's catalog.parquet."
        )
    if any(map(_UNUSUAL.search, map(str, values))):
        plain = [_CONTROL.sub(_escaped, _LINE_END.sub("\n", str(value))) for value in values]
        return np.array(plain, f"U{max(*map(len, plain), 2)}")
    return values.astype(f"U{max(longest, 2)}")


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def ascii_only(text: str) -> str:
    """Text for formats that know no other letters."""
    return text.encode("ascii", "backslashreplace").decode()


def fits_bytes(table: Table, words: Mapping[str, str]) -> bytes:
    """A FITS table; its strings are ASCII, ``words`` are comments of the header.

    Descriptions and UCDs are in the cards TCOMMn and TUCDn, as at the CDS; ``astropy.table.Table.read`` reads neither.
    More columns than FITS allows are in further extensions STARS2, STARS3, ..., each with the first column of all.
    """
    hdus = fits_tables(table, TABLE_NAME)
    for name, text in words.items():
        for line in textwrap.wrap(ascii_only(f"{name}: {text}"), _COMMENT_LETTERS, break_on_hyphens=False):
            hdus[0].header.add_comment(line)
    target = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(target)
    return target.getvalue()


def fits_tables(table: Table, name: str) -> list[fits.BinTableHDU]:
    """A table as FITS extensions: NAME, and NAME2, NAME3, ... where it has more columns than one can hold."""
    return [_fits_table(part, title) for title, part in _fits_parts(table, name)]


def _fits_parts(table: Table, name: str) -> Iterator[tuple[str, Table]]:
    names = table.colnames
    yield name, table[names[:MAX_FITS_COLUMNS]]
    rest, room = names[MAX_FITS_COLUMNS:], MAX_FITS_COLUMNS - 1
    for number, start in enumerate(range(0, len(rest), room), 2):
        yield f"{name}{number}", table[[names[0], *rest[start : start + room]]]


def _fits_table(table: Table, name: str) -> fits.BinTableHDU:
    plain = _without_units(table)
    for column in table.itercols():
        if column.dtype.kind == "U":
            plain.replace_column(column.name, np.char.encode(column, "ascii", "backslashreplace"))
    hdu = fits.table_to_hdu(plain)
    hdu.name = name
    for number, column in enumerate(table.itercols(), 1):
        for key, text in (("TUNIT", column.unit), ("TUCD", column.meta["ucd"]), ("TCOMM", column.description)):
            if text:
                hdu.header[f"{key}{number}"] = ascii_only(str(text))
    return hdu


def votable_bytes(table: Table, words: Mapping[str, str]) -> bytes:
    """A VOTable; ``words`` are INFO elements, whose IDs no column has: names of columns hold no hyphen."""
    document = from_table(_without_units(table))
    resource = document.resources[0]
    for field in resource.tables[0].fields:
        unit = table[field.name].unit
        if unit is not None:
            field.unit = _writable(unit)
        ucd = table[field.name].meta["ucd"]
        field.ucd = ucd if _UCD.fullmatch(ucd) else None
    resource.infos.extend(Info(ID=f"about-{name}", name=name, value=text) for name, text in words.items())
    target = io.BytesIO()
    document.to_xml(target, tabledata_format="tabledata")
    return target.getvalue()


def _writable(unit: Any) -> Any:
    """A unit that astropy writes into a VOTable without a warning: itself, else its text."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            unit.to_string("vounit")
            known = Unit(str(unit), format="vounit", parse_strict="raise") == unit
        except (ValueError, Warning):
            known = False
    return unit if known else _Verbatim([str(unit)])


def _without_units(table: Table) -> Table:
    """The same values, for writers that would warn of dex: units are written beside them."""
    plain = table.copy(copy_data=False)
    for column in plain.itercols():
        column.unit = None
    return plain


def parquet_bytes(table: Table, words: Mapping[str, str]) -> bytes:
    """Parquet; ``words`` are metadata of the schema, unit, UCD and description of each field."""
    fields, arrays = [], []
    for column in table.itercols():
        array = pa.array(column.data)
        about = {"unit": str(column.unit or ""), "ucd": column.meta["ucd"], "description": column.description}
        if "origin" in column.meta:
            about |= {"label": column.meta["label"], "group": OWN_GROUP, "origin": column.meta["origin"]}
        fields.append(pa.field(column.name, array.type, metadata=about))
        arrays.append(array)
    target = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=dict(words))), target)
    return target.getvalue()
