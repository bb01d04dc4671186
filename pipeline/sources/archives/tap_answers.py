"""Results of TAP queries: checked VOTables as Arrow tables, and a row of each identifier."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io.votable import parse
from astropy.io.votable.tree import Field as VOField
from astropy.io.votable.tree import Info, TableElement, VOTableFile
from astropy.units import UnitBase, UnrecognizedUnit
from numpy.typing import NDArray

from pipeline.sources.archives.profile import Query, QueryColumn
from pipeline.sources.tables.safe_xml import UnsafeXmlError, refuse_outside_references
from pipeline.sources.tables.table_file import says_simulated
from pipeline.sources.tables.units import conversion, parse_unit

_TYPES: Mapping[str, pa.DataType] = {
    **dict.fromkeys(("unsignedByte", "short", "int", "long"), pa.int64()),
    "float": pa.float32(),
    "double": pa.float64(),
    **dict.fromkeys(("boolean", "bit"), pa.bool_()),
    **dict.fromkeys(("char", "unicodeChar"), pa.string()),
}
_MAX_QUOTED = 200
SIMULATED_KEY = "simulated"


class AnswerError(ValueError):
    """A result cannot be used; the message says what came, without the name of the service."""


class CutAnswerError(AnswerError):
    """A result ends before its end: the same request may succeed."""


def read_answer(data: bytes, maxrec: int) -> pa.Table:
    """Parse the result of a query.

    Parameters
    ----------
    data : bytes
        A VOTable.
    maxrec : int
        Rows that were asked for at most, one more than can be right.

    Returns
    -------
    Table
        With exact 64-bit integers, null for missing values, and unit, UCD and description as metadata of each column,
        as our reader of Parquet understands them; ``simulated`` as metadata of the table if the result says so.

    Raises
    ------
    CutAnswerError
        If the document ends early.
    AnswerError
        If it is no VOTable, states an error, was cut at a number of rows, or holds columns of arrays.
    """
    document = _document(data)
    results = next((item for item in document.resources if str(item.type).lower() == "results"), None)
    results = results or next(iter(document.resources), None)
    tables = list(results.tables) if results is not None else []
    infos = [*document.infos, *(info for table in tables for info in table.infos)]
    infos = [*infos, *(results.infos if results is not None else ())]
    _check_status(infos)
    if not tables or not tables[0].fields:
        raise AnswerError("sent a VOTable without a table")
    table = _arrow(tables[0])
    if len(table) >= maxrec:
        raise AnswerError(f"sent {len(table):,} rows, where fewer than {maxrec:,} can be right")
    words = {str(info.name): str(info.value) for info in infos}
    return table.replace_schema_metadata({SIMULATED_KEY: "true"} if says_simulated(words) else None)


def _document(data: bytes) -> VOTableFile:
    text = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        raise CutAnswerError("sent nothing")
    if not text.startswith(b"<"):
        raise AnswerError(f"sent text in place of a VOTable: {quoted(text)}")
    if b"<html" in text.lower():
        raise AnswerError("sent a web page, perhaps of a sign-in, in place of a VOTable")
    if not data.rstrip().endswith(b">"):
        raise CutAnswerError("sent a VOTable that was cut short")
    try:
        refuse_outside_references(data, name="the result")
    except UnsafeXmlError as error:
        raise CutAnswerError(f"sent a VOTable that is damaged or unsafe: it {str(error).removeprefix('It ')}") from None
    try:
        return parse(io.BytesIO(data), verify="ignore")
    except Exception as error:  # noqa: BLE001 - astropy raises many kinds on damaged files
        raise CutAnswerError(f"sent a damaged VOTable ({type(error).__name__})") from None


def quoted(text: bytes | str) -> str:
    """Beginning of an archive's words on one line, in quotation marks."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    plain = " ".join(re.sub(r"[^\x20-\x7e]", " ", plain).split())
    return f'"{plain[:_MAX_QUOTED].rstrip()}{"..." if len(plain) > _MAX_QUOTED else ""}"'


def _check_status(infos: Sequence[Info]) -> None:
    """Refuse errors and cut results; the last status counts, as it may follow the rows."""
    for info in infos:
        if str(info.name).upper() != "QUERY_STATUS":
            continue
        status = str(info.value).upper()
        if status == "OVERFLOW":
            raise AnswerError("sent a result that it cut (QUERY_STATUS OVERFLOW)")
        if status != "OK":
            raise AnswerError(f"answered {status}: {quoted(str(info.content or '').strip())}")


def _arrow(table: TableElement) -> pa.Table:
    columns: list[pa.Array] = []
    fields: list[pa.Field] = []
    keys = table.array.dtype.names or ()
    for key, item in zip(keys, table.fields, strict=True):
        name, kind = str(item.name or item.ID).strip(), _TYPES.get(str(item.datatype))
        if kind is None or not (kind == pa.string() or item.arraysize in (None, "", "1")):
            raise AnswerError(f"sent column {name!r} of type {item.datatype}[{item.arraysize or 1}], which is not read")
        values = table.array[key]
        fields.append(pa.field(name, kind, metadata=_metadata(item)))
        columns.append(_array(np.ma.getdata(values), np.ma.getmaskarray(values), kind))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _metadata(item: VOField) -> dict[str, str]:
    described = " ".join(str(item.description or "").split())
    stated = {"unit": _unit(item.unit), "ucd": item.ucd or "", "description": described}
    return {key: text for key, text in stated.items() if text}


def _unit(unit: UnitBase | None) -> str:
    """Unit in the spelling of VOTables: ``mas/yr``; the archive's own text where it is none."""
    if unit is None:
        return ""
    return str(unit if isinstance(unit, UnrecognizedUnit) else unit.to_string("vounit", fraction=True))


def _array(values: NDArray[Any], missing: NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        decoded = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values.tolist()]
        texts = [text.strip() for text in decoded]
        return pa.array([text or None for text in texts], kind, mask=missing)
    if pa.types.is_floating(kind):
        native = np.asarray(values, kind.to_pandas_dtype())
        return pa.array(native, kind, mask=missing | np.isnan(native))
    return pa.array(np.asarray(values, kind.to_pandas_dtype()), kind, mask=missing)


def rows_of_identifiers(table: pa.Table, query: Query, asked: NDArray[np.int64]) -> tuple[pa.Table, dict[str, int]]:
    """Check a result against the identifiers that were asked for, and keep a row of each.

    Parameters
    ----------
    table : Table
        The result.
    query : Query
        Its columns, and which of several rows is right.
    asked : ndarray of int64, shape (n,)
        The identifiers, in ascending order.

    Returns
    -------
    table : Table
        At most one row an identifier, in ascending order; identifiers that the archive lacks have none.
    counts : dict of str to int
        ``absent``: identifiers without a row in the archive; ``several``: those with more than one row;
        ``undecided``: those among them whose rows the query does not rank.

    Raises
    ------
    AnswerError
        If a column is missing, has another unit than declared, or no numbers where it has a unit; if an identifier is
        not among those asked for, or one of those has no row at all.
    """
    table = _selected(table, query)
    column = table.column(query.identifier)
    if column.null_count:
        raise AnswerError(f"sent {column.null_count:,} rows without {query.identifier}")
    got = column.to_numpy()
    place = np.minimum(np.searchsorted(asked, got), max(asked.size - 1, 0))
    if foreign := int((asked[place] != got).sum()) if asked.size else got.size:
        raise AnswerError(f"sent {foreign:,} rows of identifiers that were not asked for")
    if lacking_rows := int(np.setdiff1d(asked, got).size):
        raise AnswerError(f"sent no row for {lacking_rows:,} of {asked.size:,} identifiers: its result is not whole")
    order, several, undecided = _ranked(table, query, got)
    table = table.take(order)
    present = pc.is_valid(table.column(query.present))
    absent = int(np.count_nonzero(~np.asarray(present)))
    return table.filter(present), {"absent": absent, "several": several, "undecided": undecided}


def _selected(table: pa.Table, query: Query) -> pa.Table:
    """The columns of a query, under its names and in its order, with the declared units."""
    places = [_place(table.column_names, name) for name, _ in query.columns]
    fields = [
        _checked(table.schema.field(place), name, declared)
        for place, (name, declared) in zip(places, query.columns, strict=True)
    ]
    if query.nearest and not _is_number(next(item.type for item in fields if item.name == query.nearest)):
        raise AnswerError(f"sent {query.nearest!r}, which is not a number")
    columns = [table.column(place) for place in places]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _place(names: Sequence[str], wanted: str) -> int:
    """Place of a column by its name, in any case of letters where none has the exact one."""
    for spelled in (lambda name: name, str.lower):
        places = [place for place, name in enumerate(names) if spelled(name) == spelled(wanted)]
        if len(places) == 1:
            return places[0]
        if places:
            raise AnswerError(f"sent {len(places)} columns {wanted!r}")
    raise AnswerError(f"sent a result without the column {wanted!r}")


def _checked(item: pa.Field, name: str, declared: QueryColumn) -> pa.Field:
    """Field of a column under its name with the declared unit; services that state a unit must state this one."""
    if declared.whole and not pa.types.is_integer(item.type):
        raise AnswerError(f"sent {name!r} as {item.type}, not as whole numbers")
    stated = {key.decode(): value.decode() for key, value in (item.metadata or {}).items()}
    if not declared.unit:
        return pa.field(name, item.type, metadata=stated)
    if not _is_number(item.type):
        raise AnswerError(f"sent {name!r} as {item.type}, not as numbers in {declared.unit}")
    unit = stated.setdefault("unit", declared.unit)
    if parse_unit(unit) is not None and conversion(unit, declared.unit) != 1.0:
        raise AnswerError(f"sent {name!r} in {unit}, where the profile has {declared.unit}")
    return pa.field(name, item.type, metadata=stated)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _ranked(table: pa.Table, query: Query, got: NDArray[np.int64]) -> tuple[NDArray[np.int64], int, int]:
    """Row of each identifier that goes before its others, and the numbers of repeated and of undecided ones."""
    keys: list[NDArray[Any]] = []
    if query.same:
        first, second = (table.column(name).cast(pa.string()) for name in query.same)
        keys.append(~np.asarray(pc.fill_null(pc.equal(first, second), False), bool))
    if query.nearest:
        distance = np.asarray(table.column(query.nearest).to_numpy(), float)
        keys.append(np.where(np.isnan(distance), np.inf, distance))
    order = np.lexsort((_order_of_texts(table, got), *reversed(keys), got))
    ordered = got[order]
    again = np.concatenate([[False], ordered[1:] == ordered[:-1]]) if ordered.size else np.zeros(0, bool)
    second = np.flatnonzero(again & ~np.concatenate([[False], again[:-1]])) if again.size else np.zeros(0, int)
    tied = np.ones(second.size, bool)
    for key in keys:
        tied &= key[order[second]] == key[order[second - 1]]
    return order[~again], int(second.size), int(tied.sum())


def _order_of_texts(table: pa.Table, got: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order of the rows of repeated identifiers by their content, so that the choice does not depend on the archive."""
    order = np.zeros(got.size, np.int64)
    _, place, counts = np.unique(got, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[place] > 1)
    texts = [json.dumps(row, sort_keys=True, default=str) for row in table.take(rows).to_pylist()]
    order[rows[np.argsort(np.array(texts, object), kind="stable")]] = np.arange(rows.size)
    return order
