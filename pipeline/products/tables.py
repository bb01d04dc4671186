"""Tables to take away: FITS, VOTable, Parquet with units, UCDs, descriptions; the same table gives the same bytes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
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

TABLE_NAME = "STARS"
"""Name of the extension that holds a FITS table."""

_COMMENT_LETTERS = 72


class _Dex(IrreducibleUnit):  # type: ignore[misc]
    """The unit dex, which no standard lists and every reader knows: it is written without a warning."""

    def to_string(self, *_: Any, **__: Any) -> str:
        """Its name, in every format."""
        return "dex"


_DEX = _Dex(["dex"])


def annotated(columns: Mapping[Column, NDArray[Any]]) -> Table:
    """Columns as a table that says what they are.

    Parameters
    ----------
    columns : mapping of Column to ndarray, shape (n,)
        Values of each declared column.
    """
    table = Table()
    for declared, values in columns.items():
        table[declared.name] = _texts(values) if declared.dtype == "str" else np.asarray(values)
        table[declared.name].description = declared.description
        if declared.unit:
            table[declared.name].unit = Unit(declared.unit)
        table[declared.name].meta["ucd"] = declared.ucd
    return table


def _texts(values: NDArray[Any]) -> NDArray[np.str_]:
    """Text of two letters or more: VOTable 1.3 deprecates the way in which one letter would be declared."""
    texts = values.astype(str)
    return texts.astype(f"U{max(texts.dtype.itemsize // 4, 2)}")


def ascii_only(text: str) -> str:
    """Text for formats that know no other letters."""
    return text.encode("ascii", "backslashreplace").decode()


def fits_bytes(table: Table, words: Mapping[str, str]) -> bytes:
    """A FITS table; its strings are ASCII, ``words`` are comments of the header.

    Descriptions and UCDs are in the cards TCOMMn and TUCDn, as at the CDS; ``astropy.table.Table.read`` reads neither.
    """
    plain = _without_units(table)
    for column in table.itercols():
        if column.dtype.kind == "U":
            plain.replace_column(column.name, np.char.encode(column, "ascii", "backslashreplace"))
    hdu = fits.table_to_hdu(plain)
    hdu.name = TABLE_NAME
    for number, column in enumerate(table.itercols(), 1):
        for key, text in (("TUNIT", column.unit), ("TUCD", column.meta["ucd"]), ("TCOMM", column.description)):
            if text:
                hdu.header[f"{key}{number}"] = ascii_only(str(text))
    for name, text in words.items():
        for line in textwrap.wrap(ascii_only(f"{name}: {text}"), _COMMENT_LETTERS, break_on_hyphens=False):
            hdu.header.add_comment(line)
    target = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(target)
    return target.getvalue()


def votable_bytes(table: Table, words: Mapping[str, str]) -> bytes:
    """A VOTable; ``words`` are INFO elements."""
    document = from_table(_without_units(table))
    resource = document.resources[0]
    for field in resource.tables[0].fields:
        unit = table[field.name].unit
        if unit is not None:
            field.unit = _DEX if unit == Unit("dex") else unit
        field.ucd = table[field.name].meta["ucd"]
    resource.infos.extend(Info(name=name, value=text) for name, text in words.items())
    target = io.BytesIO()
    document.to_xml(target, tabledata_format="tabledata")
    return target.getvalue()


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
        fields.append(pa.field(column.name, array.type, metadata=about))
        arrays.append(array)
    target = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=dict(words))), target)
    return target.getvalue()
