"""Exported tables: FITS, VOTable, Parquet with units, UCDs, descriptions, reproducible in bytes."""

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
"""Name of the extension of a FITS table."""

MAX_FITS_COLUMNS = 999
"""Maximum number of columns of a FITS table, by the standard."""

MAX_TEXT_BYTES = 2**30
"""Maximum memory of a fixed-width text column, four bytes a character."""

_COMMENT_LETTERS = 72
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML cannot hold, which are escaped."""

_LINE_END = re.compile("\r\n?")
_UNUSUAL = re.compile(f"\r|{_CONTROL.pattern}")
_UCD = re.compile(r"[A-Za-z0-9_.:;-]*")
"""Characters that the VOTable schema allows."""


class _Verbatim(IrreducibleUnit):  # type: ignore[misc]
    """A unit of no standard, written verbatim without a warning."""

    def to_string(self, *_: Any, **__: Any) -> str:
        """The text of the unit in all formats."""
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
    for item, values in columns.items():
        table[item.name] = _texts(values, item.name) if item.dtype == "str" else np.asarray(values)
        table[item.name].description = item.description
        if item.unit:
            table[item.name].unit = Unit(item.unit, parse_strict="silent")
        table[item.name].meta["ucd"] = item.ucd
        if item.is_own:
            table[item.name].meta |= {"label": item.label, "origin": item.origin}
    return table


def _texts(values: NDArray[Any], name: str) -> NDArray[np.str_]:
    """Text with at least two characters, as VOTable 1.3 deprecates the declaration of one.

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


def _escaped(result: re.Match[str]) -> str:
    code = ord(result[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def ascii_only(text: str) -> str:
    """Convert text to ASCII."""
    return text.encode("ascii", "backslashreplace").decode()


def fits_bytes(table: Table, words: Mapping[str, str]) -> bytes:
    """Write a FITS table with ASCII strings; ``words`` are header comments.

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
    """Convert a table to FITS extensions: NAME, and NAME2, NAME3, ... for further columns."""
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
    """Write a VOTable; ``words`` are INFO elements, whose IDs differ from column names."""
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
    """A unit that astropy writes into a VOTable without a warning, else its text."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            unit.to_string("vounit")
            known = Unit(str(unit), format="vounit", parse_strict="raise") == unit
        except (ValueError, Warning):
            known = False
    return unit if known else _Verbatim([str(unit)])


def _without_units(table: Table) -> Table:
    """The same values without units, for writers that would warn of dex."""
    plain = table.copy(copy_data=False)
    for column in plain.itercols():
        column.unit = None
    return plain


def parquet_bytes(table: Table, words: Mapping[str, str]) -> bytes:
    """Write Parquet; ``words`` are schema metadata, fields have unit, UCD and description."""
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
