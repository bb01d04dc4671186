"""Interpretation of the columns of foreign tables, read from ``understood.json`` or a manifest."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.columns import BY_NAME


@dataclass(frozen=True)
class UnderstoodColumn:
    """One catalogue column that a table supplies.

    Parameters
    ----------
    ours, theirs : str
        Names.
    why : str
        How the column was recognised.
    unit_from, unit_to : str
        The file's unit and ours.
    known : float
        Share of the rows that have a value, 0 to 1.
    low, median, high : float or None
        Minimum, median and maximum, in the catalogue's unit; None for text and identifiers.
    sentinels, outside : int
        Values that mean missing; values outside the valid range, which became missing.
    note : str
        Further notes for the user.
    """

    ours: str
    theirs: str
    why: str = ""
    unit_from: str = ""
    unit_to: str = ""
    known: float = 0.0
    low: float | None = None
    median: float | None = None
    high: float | None = None
    sentinels: int = 0
    outside: int = 0
    note: str = ""


@dataclass(frozen=True)
class UnderstoodTable:
    """Interpretation of one table.

    Parameters
    ----------
    file, format : str
        Name of the file, and what it is.
    rows : int
        Rows that were read; 0 where the table could not be read.
    schema : str
        Known kind of table, "" for an unknown one.
    columns : tuple of UnderstoodColumn
        Catalogue columns that the table supplies.
    own : tuple of str
        Machine names of the columns of the user that are kept.
    names : tuple of str
        All columns of the file, in its spelling.
    notes : tuple of str
        Notes for the user.
    match : mapping of str to str
        Numbers of rows by way of matching; empty for the first table.
    """

    file: str
    format: str = ""
    rows: int = 0
    schema: str = ""
    columns: tuple[UnderstoodColumn, ...] = ()
    own: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    match: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedStage:
    """A stage of the build.

    Parameters
    ----------
    name : str
        Name of the stage.
    reason : str
        Why it will not run; "" where it will.
    """

    name: str
    reason: str = ""


@dataclass(frozen=True)
class Understood:
    """Interpretation of all input before the computation.

    Parameters
    ----------
    tables : tuple of UnderstoodTable
        In the order in which they were given.
    stages : tuple of PlannedStage
        Stages of a build of all tables, with the reasons of those that cannot run.
    error : str
        Why the tables cannot be understood; "" where they can.
    """

    tables: tuple[UnderstoodTable, ...] = ()
    stages: tuple[PlannedStage, ...] = ()
    error: str = ""


def understood_from(text: str) -> Understood:
    """Read ``understood.json``.

    Raises
    ------
    ValueError, TypeError, KeyError
        If it is not such a document.
    """
    raw = dict(json.loads(text))
    stages = tuple(
        PlannedStage(str(item["name"]), str(item.get("reason", ""))) for item in _mappings(raw.get("stages"))
    )
    return Understood(tables_from(raw.get("tables")), stages, str(raw.get("error") or ""))


def tables_from(raw: Any) -> tuple[UnderstoodTable, ...]:
    """The tables of such a document or of a manifest."""
    return tuple(
        UnderstoodTable(
            file=str(item.get("file", "")),
            format=str(item.get("format", "")),
            rows=int(item.get("rows") or 0),
            schema=str(item.get("schema") or ""),
            columns=tuple(_column(column) for column in _mappings(item.get("columns"))),
            own=_texts(item.get("own")),
            names=_texts(item.get("names")),
            notes=_texts(item.get("notes")),
            match={str(key): str(value) for key, value in dict(item.get("match") or {}).items()},
        )
        for item in _mappings(raw)
    )


def _column(raw: Mapping[str, Any]) -> UnderstoodColumn:
    ours = str(raw["ours"])
    declared = BY_NAME.get(ours)
    return UnderstoodColumn(
        ours=ours,
        theirs=str(raw.get("theirs", "")),
        why=str(raw.get("why", "")),
        unit_from=str(raw.get("unit_from") or ""),
        unit_to=str(raw.get("unit_to") or (declared.unit if declared else "")),
        known=_number(raw.get("known")) or 0.0,
        low=_number(raw.get("low")),
        median=_number(raw.get("median")),
        high=_number(raw.get("high")),
        sentinels=int(raw.get("sentinels") or 0),
        outside=int(raw.get("outside") or 0),
        note=str(raw.get("note") or ""),
    )


def _number(value: Any) -> float | None:
    """A finite number; None otherwise."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _mappings(values: Any) -> Iterable[Mapping[str, Any]]:
    return [item for item in values or () if isinstance(item, Mapping)]


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in values or ())
