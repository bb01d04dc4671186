"""Tables of the user's own that are laid over views, as values that a link can store."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.model.selection import SelectionError
from pipeline.domain.column import Column
from pipeline.sources.tables.units import conversion

Style: TypeAlias = Literal["line", "points"]

MAX_TABLES = 8
"""Maximum number of tables."""

MAX_ROWS = 50_000
"""Maximum number of rows of a table."""

MAX_VALUES = 500_000
"""Maximum number of values of all tables together: a link has all of them."""

MAX_NAME_CHARACTERS = 40
"""Maximum length of the name of a table or of a column."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, eq=False)
class OverlayColumn:
    """A column of a table.

    Parameters
    ----------
    name : str
        As its file spells it, or how it was made: "Jmag - Ksmag".
    unit : str
        Unit of the values; "" where the file states none.
    numbers : ndarray of float32, shape (n,)
        NaN where missing.
    """

    name: str
    unit: str
    numbers: NDArray[np.float32]

    @cached_property
    def packed(self) -> str:
        """The values in base64, as little-endian single precision."""
        return base64.b64encode(self.numbers.astype("<f4").tobytes()).decode("ascii")


@dataclass(frozen=True)
class OverlayTable:
    """A table that is laid over each plane of two of its columns.

    Parameters
    ----------
    name : str
        Different for each table; the label in the key.
    columns : tuple of OverlayColumn
        All that were kept of the file.
    uses : tuple of (str, str)
        Columns of the catalogue, and the column of the table that is drawn for each.
    style : str
        Whether rows are joined by a line.
    colour : str
        As CSS, ``#rrggbb``.
    breaks : str
        Column at whose changes a new line begins; "" for one line.
    on : bool
        Whether it is shown.
    """

    name: str
    columns: tuple[OverlayColumn, ...]
    uses: tuple[tuple[str, str], ...]
    style: Style
    colour: str
    breaks: str = ""
    on: bool = True

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.columns[0].numbers.size

    def column(self, name: str) -> OverlayColumn:
        """A column; SelectionError if there is none of that name."""
        for item in self.columns:
            if item.name == name:
                return item
        raise SelectionError(f"{self.name!r} has no column {name[:MAX_NAME_CHARACTERS]!r}.")

    def values_of(self, ours: Column) -> NDArray[np.float32] | None:
        """Values for a column of the catalogue, in its unit; None where the table has none for it."""
        theirs = dict(self.uses).get(ours.name)
        if theirs is None:
            return None
        column = self.column(theirs)
        return column.numbers * np.float32(factor_to(column, ours))

    def using(self, ours: Column, theirs: str) -> OverlayTable:
        """The table with another column for one of the catalogue; "" for none.

        Raises
        ------
        SelectionError
            If the table has no such column, or its unit does not fit.
        """
        uses = {name: column for name, column in self.uses if name != ours.name}
        if theirs:
            factor_to(self.column(theirs), ours)
            uses[ours.name] = theirs
        return replace(self, uses=tuple(uses.items()))

    def segments(self) -> list[slice]:
        """Rows that are joined by one line each."""
        if not self.breaks:
            return [slice(0, self.n_rows)]
        values = self.column(self.breaks).numbers
        known = ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
        starts = [0, *(np.flatnonzero((values[1:] != values[:-1]) & known) + 1).tolist(), self.n_rows]
        return [slice(start, end) for start, end in pairwise(starts)]

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`tables_from_plain` is the inverse for all tables together."""
        columns = [{"name": item.name, "unit": item.unit, "values": item.packed} for item in self.columns]
        state = {name: getattr(self, name) for name in ("name", "style", "colour", "breaks", "on")}
        return {**state, "columns": columns, "uses": [list(pair) for pair in self.uses]}


def factor_to(theirs: OverlayColumn, ours: Column) -> float:
    """Factor from the unit of a table's column to that of the catalogue; 1 where a unit is missing.

    Raises
    ------
    SelectionError
        If they are units of different quantities.
    """
    if not theirs.unit or not ours.unit:
        return 1.0
    factor = conversion(theirs.unit, ours.unit)
    if factor is None:
        raise SelectionError(
            f"{theirs.name} is in {theirs.unit}, which is no unit of {ours.label} [{ours.unit_label}]. "
            "Choose another column."
        )
    return factor


def with_table(tables: Sequence[OverlayTable], added: OverlayTable) -> tuple[OverlayTable, ...]:
    """Add a table, or replace the one of that name.

    Raises
    ------
    SelectionError
        If its name is empty or too long, or there are too many tables or values.
    """
    if not added.name or len(added.name) > MAX_NAME_CHARACTERS:
        raise SelectionError(f"A table that is laid over needs a name of at most {MAX_NAME_CHARACTERS} characters.")
    others = [item for item in tables if item.name != added.name]
    if len(others) >= MAX_TABLES:
        raise SelectionError(f"There are {len(others)} tables over the views, the maximum. Remove one first.")
    total = sum(len(item.columns) * item.n_rows for item in (*others, added))
    if total > MAX_VALUES:
        raise SelectionError(
            f"With {added.name!r} the tables over the views have {total:,} values; at most {MAX_VALUES:,} are kept. "
            "Remove another table, or leave rows and columns out."
        )
    if len(others) == len(tables):
        return (*tables, added)
    return tuple(added if item.name == added.name else item for item in tables)


def without_table(tables: Sequence[OverlayTable], name: str) -> tuple[OverlayTable, ...]:
    """Remove a table; SelectionError if there is none of that name."""
    table_named(tables, name)
    return tuple(item for item in tables if item.name != name)


def table_named(tables: Iterable[OverlayTable], name: str) -> OverlayTable:
    """A table by its name; SelectionError if there is none."""
    for item in tables:
        if item.name == name:
            return item
    raise SelectionError(f"There is no table {name[:MAX_NAME_CHARACTERS]!r} over the views.")


def changed_table(tables: Sequence[OverlayTable], name: str, changes: Mapping[str, Any]) -> tuple[OverlayTable, ...]:
    """Change fields of a table: ``name``, ``style``, ``colour``, ``breaks`` or ``on``.

    Raises
    ------
    SelectionError
        If there is no such table, the new name is taken or empty, or a value is invalid.
    """
    before = table_named(tables, name)
    after = replace(before, **changes)
    if after.name != name and any(item.name == after.name for item in tables):
        raise SelectionError(f"Another table is named {after.name!r}. Choose another name.")
    if not after.name or len(after.name) > MAX_NAME_CHARACTERS:
        raise SelectionError(f"A table that is laid over needs a name of at most {MAX_NAME_CHARACTERS} characters.")
    _check(after)
    return tuple(after if item.name == name else item for item in tables)


def tables_to_plain(tables: Iterable[OverlayTable]) -> list[dict[str, Any]]:
    """Convert tables to plain values."""
    return [item.to_dict() for item in tables]


def tables_from_plain(stored: Any) -> tuple[OverlayTable, ...]:
    """Read what :func:`tables_to_plain` returns; None gives no tables.

    Raises
    ------
    SelectionError
        If it is damaged or exceeds a limit.
    """
    result: tuple[OverlayTable, ...] = ()
    try:
        for item in stored or ():
            table = OverlayTable(
                str(item["name"]),
                tuple(_column(column) for column in item["columns"]),
                tuple((str(ours), str(theirs)) for ours, theirs in item["uses"]),
                item["style"],
                str(item["colour"]),
                str(item["breaks"]),
                bool(item["on"]),
            )
            _check(table)
            result = with_table(result, table)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, binascii.Error) as error:
        if isinstance(error, SelectionError):
            raise
        raise SelectionError(f"The stored tables over the views are damaged ({type(error).__name__}).") from error
    return result


def _column(stored: Mapping[str, Any]) -> OverlayColumn:
    values = np.frombuffer(base64.b64decode(stored["values"], validate=True), "<f4")
    return OverlayColumn(str(stored["name"]), str(stored["unit"]), values.astype(np.float32))


def _check(table: OverlayTable) -> None:
    """Refuse a table that cannot be drawn."""
    if table.style not in get_args(Style):
        raise SelectionError(f"A table is laid over as {' or '.join(get_args(Style))}; found {table.style!r:.20}.")
    if not _COLOUR.fullmatch(table.colour):
        raise SelectionError(f"A colour is written #rrggbb; found {table.colour!r:.20}.")
    if not table.columns or len({column.numbers.size for column in table.columns}) != 1:
        raise SelectionError(f"The columns of {table.name!r:.60} have different lengths, or there are none.")
    if table.n_rows > MAX_ROWS:
        raise SelectionError(f"{table.name!r:.60} has {table.n_rows:,} rows; at most {MAX_ROWS:,} are drawn.")
    for name in (table.breaks, *(theirs for _, theirs in table.uses)):
        if name:
            table.column(name)
