"""Queries in ADQL on tables in SQLite: the few shapes that clients of this project send.

SQLite speaks most of them as they are: schemas are attached databases, TAP_UPLOAD one in memory. TOP becomes LIMIT,
CONTAINS, POINT, CIRCLE and DISTANCE are functions. It is no validator: a real TAP server is beside it for that.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from archive_tables import ArchiveTable, unit_and_ucd
from astropy.table import MaskedColumn, Table
from votable_text import vo_type

_TOP = re.compile(r"^(\s*SELECT\s+(?:ALL\s+|DISTINCT\s+)?)TOP\s+(\d+)\s", re.IGNORECASE)
_NAME = r'(?:"[^"]+"|\w+)'
_SOURCE = re.compile(
    rf"(?:\bFROM|\bJOIN|,)\s+((?:{_NAME}\.)?{_NAME})(?:\s+AS)?(?:\s+(?!(?:FROM|ON|USING|WHERE|LEFT|RIGHT|INNER|JOIN|GROUP|"
    rf"ORDER|NATURAL|CROSS|FULL|LIMIT|HAVING)\b)({_NAME}))?",
    re.IGNORECASE,
)
_COLUMN = re.compile(rf"^(?:({_NAME})\.)?({_NAME})$")
_ALIAS = re.compile(rf"^(.*?)\s+(?:AS\s+)?({_NAME})$", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"([^\"]+)\"")
_SQLITE_TYPES = {"i": "INTEGER", "b": "INTEGER", "f": "REAL", "S": "TEXT"}
_STEPS = 20_000

TAP_SCHEMA_COLUMNS = (
    *("table_name", "column_name", "description", "unit", "ucd", "utype", "datatype", "arraysize", "principal"),
    *("indexed", "std"),
)


class QueryError(Exception):
    """A query that cannot be answered, with the reason."""


@dataclass(frozen=True)
class Result:
    """Rows of a query."""

    table: Table
    overflow: bool


class TableStore:
    """Tables of an archive in files of SQLite, queried by many threads.

    Parameters
    ----------
    tables : iterable of ArchiveTable
        What there is.
    folder : Path
        Where the files go.
    """

    def __init__(self, tables: Iterable[ArchiveTable], folder: Path) -> None:
        self.tables = {table.full_name: table for table in tables}
        self._folder = folder
        self._schemas = sorted({table.schema or "main" for table in self.tables.values()} | {"main", "tap_schema"})
        for schema in self._schemas:
            with sqlite3.connect(folder / f"{schema}.sqlite") as connection:
                connection.execute("PRAGMA synchronous = OFF")
                for table in self.tables.values():
                    if (table.schema or "main") == schema:
                        _write(connection, "main", table.name, table.table)
                        if table.key:
                            connection.execute(f'CREATE INDEX "by {table.name}" ON "{table.name}" ("{table.key}")')
                if schema == "tap_schema":
                    for name, content in self._described().items():
                        _write(connection, "main", name, content)
            connection.close()
        self._clashing = {
            name: _inside(name, table.table.colnames)
            for table in self.tables.values()
            for name in table.table.colnames
            if _inside(name, table.table.colnames) != name
        }

    def _described(self) -> dict[str, Table]:
        """Tables of TAP_SCHEMA."""
        schemas = sorted({table.schema or "vizier" for table in self.tables.values()})
        columns = [
            (name, column, table.table[column].description, *unit_and_ucd(table.table[column]))
            for name, table in self.tables.items()
            for column in table.table.colnames
        ]
        types = [
            vo_type(table.table[column].dtype) for table in self.tables.values() for column in table.table.colnames
        ]
        keys = [int(table.key == column) for table in self.tables.values() for column in table.table.colnames]
        nothing = [""] * len(columns)
        values = [*zip(*columns, strict=True), nothing, *zip(*types, strict=True), [1] * len(columns), keys]
        return {
            "schemas": _plain({"schema_name": schemas, "description": ["Simulated tables"] * len(schemas)}),
            "tables": _plain(
                {
                    "schema_name": [table.schema or "vizier" for table in self.tables.values()],
                    "table_name": list(self.tables),
                    "table_type": ["table"] * len(self.tables),
                    "description": ["Simulated"] * len(self.tables),
                    "utype": [""] * len(self.tables),
                }
            ),
            "columns": _plain(dict(zip(TAP_SCHEMA_COLUMNS, [*values, [0] * len(columns)], strict=True))),
        }

    def query(
        self,
        text: str,
        uploads: Mapping[str, Table],
        maxrec: int,
        watch: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Answer a query.

        Parameters
        ----------
        text : str
            The query.
        uploads : mapping of str to Table
            Tables of TAP_UPLOAD.
        maxrec : int
            Most rows.
        watch : callable
            Whether to stop; asked now and then.

        Raises
        ------
        QueryError
            If there is no such table or column, or if it was stopped.
        """
        connection = sqlite3.connect(f"file:{self._folder / 'main.sqlite'}?mode=ro", uri=True)
        try:
            for schema in self._schemas:
                if schema != "main":
                    connection.execute(f'ATTACH "file:{self._folder / schema}.sqlite?mode=ro" AS "{schema}"')
            connection.execute('ATTACH ":memory:" AS tap_upload')
            for name, table in uploads.items():
                _write(connection, "tap_upload", name, table)
            connection.execute("PRAGMA case_sensitive_like = ON")
            for name, parameters, function in _FUNCTIONS:
                connection.create_function(name, parameters, function, deterministic=True)
            connection.set_progress_handler(watch, _STEPS)
            self._check_quoted(text, uploads)
            try:
                cursor = connection.execute(self._translated(text))
                rows = cursor.fetchmany(maxrec + 1)
            except sqlite3.Error as error:
                raise QueryError(f"Field query: {error}") from None
            names = [str(item[0]) for item in cursor.description]
            overflow = len(rows) > maxrec
            return Result(self._table(text, names, rows[:maxrec], uploads), overflow)
        finally:
            connection.close()

    def _translated(self, text: str) -> str:
        """The query in SQLite's dialect."""

        def inner(match: re.Match[str]) -> str:
            name = match[1]
            return f'"{self._clashing[name]}"' if name in self._clashing else match[0]

        text = _QUOTED.sub(inner, text.strip().rstrip(";"))
        top = _TOP.match(text)
        return f"{top[1]}{text[top.end() :]} LIMIT {top[2]}" if top else text

    def _check_quoted(self, text: str, uploads: Mapping[str, Table]) -> None:
        """Refuse unknown names in double quotes, which SQLite would take for text."""
        known = {"tap_schema", "tap_upload", "TAP_SCHEMA", "TAP_UPLOAD", *TAP_SCHEMA_COLUMNS, "tables", "columns"}
        known |= set(uploads) | {name for table in uploads.values() for name in table.colnames}
        for table in self.tables.values():
            known |= {table.schema, table.name, *table.table.colnames}
        known |= {name.strip('"') for name in re.findall(rf"\bAS\s+({_NAME})", text, re.IGNORECASE)}
        for name in filter(None, (match[1] for match in _QUOTED.finditer(text))):
            if name not in known:
                raise QueryError(f"Field query: No such field known: {name!r}")

    def _table(self, text: str, names: list[str], rows: list[tuple], uploads: Mapping[str, Table]) -> Table:
        """Rows as a table, with the types, units and UCDs of the columns that they come from."""
        origin = self._origins(text, names, uploads)
        outside = {inside: name for name, inside in self._clashing.items()}
        result = Table(masked=True)
        for number, name in enumerate(names):
            values = [row[number] for row in rows]
            shown = outside.get(name, name)
            while shown in result.colnames:
                shown = f"{shown}_"
            result[shown] = _column(values, origin[number])
        return result

    def _origins(self, text: str, names: list[str], uploads: Mapping[str, Table]) -> list[MaskedColumn | None]:
        """Column of a table that each column of the result is; None for expressions."""
        sources: dict[str, Table] = {}
        for full, alias in _SOURCE.findall(text):
            table = self._named(full, uploads)
            if table is not None:
                sources[(alias or full.rpartition(".")[2]).strip('"').lower()] = table
        items = _selected(text)
        if len(items) != len(names) or any(item.endswith("*") for item in items):
            items = [f'"{name}"' for name in names]
        return [_origin(item, sources) for item in items]

    def _named(self, full: str, uploads: Mapping[str, Table]) -> Table | None:
        name = full.replace('"', "")
        if name.lower().startswith("tap_upload."):
            return uploads.get(name.partition(".")[2])
        return next((table.table for key, table in self.tables.items() if key.lower() == name.lower()), None)


def _selected(text: str) -> list[str]:
    """Items between SELECT and FROM."""
    head = re.match(r"\s*SELECT\s+(?:ALL\s+|DISTINCT\s+)?(?:TOP\s+\d+\s+)?", text, re.IGNORECASE)
    items, depth, start = [], 0, head.end() if head else 0
    for match in re.finditer(r"'[^']*'|\"[^\"]*\"|[(),]|\bFROM\b", text[start:], re.IGNORECASE):
        token = match[0].upper()
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 and token in (",", "FROM"):
            items.append((match.start(), match.end()))
            if token == "FROM":
                break
    ends = [0, *(end for _, end in items)]
    return [text[start:][first:last].strip() for first, (last, _) in zip(ends, items, strict=False)]


def _origin(item: str, sources: Mapping[str, Table]) -> MaskedColumn | None:
    plain = _COLUMN.match(item)
    if plain is None:
        alias = _ALIAS.match(item)
        plain = _COLUMN.match(alias[1].strip()) if alias else None
    if plain is None:
        return None
    table, name = (plain[1] or "").strip('"').lower(), plain[2].strip('"')
    for source, content in sources.items():
        if table in ("", source):
            for column in content.colnames:
                if column == name or (column.lower() == name.lower() and '"' not in plain[2]):
                    return content[column]
    return None


def _column(values: list, origin: MaskedColumn | None) -> MaskedColumn:
    """Column of a result; without an origin its type follows from its values."""
    mask = [value is None for value in values]
    kind = origin.dtype if origin is not None else None
    if kind is None:
        present = [value for value in values if value is not None]
        kind = np.dtype("i8" if present and all(isinstance(value, int) for value in present) else "f8")
        if any(isinstance(value, str) for value in present):
            kind = np.dtype("S1")
    if kind.kind == "S":
        encoded = [b"" if value is None else str(value).encode() for value in values]
        column = MaskedColumn(np.array(encoded, "S") if encoded else np.zeros(0, kind), mask=mask)
    else:
        column = MaskedColumn(np.array([0 if value is None else value for value in values], kind), mask=mask)
    if origin is not None:
        column.unit, column.description = origin.unit, origin.description
        column.meta["ucd"] = origin.meta.get("ucd", "")
    return column


def _write(connection: sqlite3.Connection, schema: str, name: str, table: Table) -> None:
    """Create a table with its rows; names that differ in case only get others inside."""
    names = [_inside(column, table.colnames) for column in table.colnames]
    types = [_SQLITE_TYPES["i" if column.dtype.kind == "u" else column.dtype.kind] for column in table.columns.values()]
    columns = ", ".join(f'"{column}" {kind}' for column, kind in zip(names, types, strict=True))
    connection.execute(f'CREATE TABLE "{schema}"."{name}" ({columns})')
    lists = [_values(column) for column in table.columns.values()]
    places = ", ".join("?" * len(names))
    connection.executemany(f'INSERT INTO "{schema}"."{name}" VALUES ({places})', zip(*lists, strict=True))


def _values(column: MaskedColumn) -> list:
    """Values as Python's own, None where masked."""
    data = np.ma.getdata(column)
    values = np.char.decode(data, "ascii").tolist() if data.dtype.kind == "S" else data.tolist()
    return [None if masked else value for value, masked in zip(values, np.ma.getmaskarray(column), strict=True)]


def _inside(name: str, names: Iterable[str]) -> str:
    """Name of a column in SQLite, which ignores case."""
    before = [other for other in names if other.lower() == name.lower()]
    number = before.index(name)
    return f"{name}#{number}" if number else name


def _plain(columns: Mapping[str, Iterable]) -> Table:
    return Table({name: np.array(list(values), "S" if _is_text(values) else "i4") for name, values in columns.items()})


def _is_text(values: Iterable) -> bool:
    return any(isinstance(value, str) for value in values)


def _separation_deg(first: str, second: str) -> float:
    """Angle between two points, deg."""
    lon, lat, other_lon, other_lat = (math.radians(float(value)) for value in (*first.split()[:2], *second.split()[:2]))
    half = math.sin((lat - other_lat) / 2) ** 2
    half += math.cos(lat) * math.cos(other_lat) * math.sin((lon - other_lon) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))


def _point(*arguments: object) -> str:
    """A point as text, with or without the name of a frame before."""
    return " ".join(repr(float(value)) for value in arguments[-2:])


def _circle(*arguments: object) -> str:
    return " ".join(repr(float(value)) for value in arguments[-3:])


def _contains(point: str, circle: str) -> int:
    return int(_separation_deg(point, circle) <= float(circle.split()[2]))


_FUNCTIONS: tuple[tuple[str, int, Callable], ...] = (
    ("POINT", -1, _point),
    ("CIRCLE", -1, _circle),
    ("CONTAINS", 2, _contains),
    ("DISTANCE", 2, _separation_deg),
)
