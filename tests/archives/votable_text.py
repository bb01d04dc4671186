"""VOTables as bytes, fast: BINARY2 by whole columns, and documents of errors."""

from __future__ import annotations

import base64
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from archive_tables import unit_and_ucd
from astropy.table import Table

_TYPES = {"b": "boolean", "i2": "short", "i4": "int", "i8": "long", "f4": "float", "f8": "double"}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">\n'
)
_TAIL = "</RESOURCE></VOTABLE>\n"


def votable(table: Table, *, overflow: bool = False) -> bytes:
    """Result of a query; OVERFLOW follows the table, as services send it."""
    fields = "".join(_field(table, name) for name in table.colnames)
    data = base64.encodebytes(_binary2(table)).decode("ascii")
    after = '<INFO name="QUERY_STATUS" value="OVERFLOW">Cut at the limit of rows.</INFO>\n' if overflow else ""
    text = (
        f'{_HEAD}<INFO name="QUERY_STATUS" value="OK"/>\n<INFO name="simulated" value="true"/>\n'
        f'<TABLE name="result">\n{fields}<DATA><BINARY2><STREAM encoding="base64">\n{data}</STREAM></BINARY2></DATA>'
        f"</TABLE>\n{after}{_TAIL}"
    )
    return text.encode()


def error_votable(text: str) -> bytes:
    """Failed query, as the standard wants it."""
    return f'{_HEAD}<INFO name="QUERY_STATUS" value="ERROR">{escape(text)}</INFO>{_TAIL}'.encode()


def vo_type(dtype: np.dtype) -> tuple[str, str]:
    """Type and array size of a column: "long" and "", or "char" and the number of characters."""
    if dtype.kind == "S":
        return "char", str(max(1, dtype.itemsize))
    return _TYPES["b" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"], ""


def _field(table: Table, name: str) -> str:
    column = table[name]
    kind, size = vo_type(column.dtype)
    unit, ucd = unit_and_ucd(column)
    attributes = {"name": name, "datatype": kind, "arraysize": size, "unit": unit, "ucd": ucd}
    texts = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items() if value)
    return f"<FIELD {texts}><DESCRIPTION>{escape(column.description or name)}</DESCRIPTION></FIELD>\n"


def _binary2(table: Table) -> bytes:
    """Rows: one bit a column that is set where the value is missing, then the values, big-endian."""
    n, columns = len(table), [table[name] for name in table.colnames]
    missing = np.stack([np.broadcast_to(np.ma.getmaskarray(column), n) for column in columns], axis=1)
    flags = np.packbits(missing, axis=1)
    parts = [("flags", "u1", (flags.shape[1],))]
    values = []
    for number, column in enumerate(columns):
        plain = np.ma.getdata(column)
        if plain.dtype.kind == "b":
            plain = np.where(plain, b"T", b"F")
        if plain.dtype.itemsize == 0:
            plain = plain.astype("S1")
        values.append(plain)
        parts.append((f"c{number}", plain.dtype.newbyteorder(">"), ()))
    rows = np.zeros(n, np.dtype(parts))
    rows["flags"] = flags
    for number, plain in enumerate(values):
        rows[f"c{number}"] = plain
    return rows.tobytes()
