"""Content of tables and possible stages, before any fit: ``python -m pipeline tables check``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config import ConfigError, SourceConfig
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.star_columns import StarColumns
from pipeline.sources.tables.table_file import TableError
from pipeline.stages.joining import read_table


@dataclass
class Understood:
    """Interpretation of some tables.

    Parameters
    ----------
    tables : list of dict
        One a table: :meth:`~pipeline.sources.tables.star_columns.StarColumns.summary` and the names of all its columns.
    columns : set of str
        Contract columns that some star has.
    error : str
        Why a table cannot be used; "" where all can.
    """

    tables: list[dict[str, Any]] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    error: str = ""


def understand(
    sources: Sequence[SourceConfig],
    resolve: Callable[[str], Path],
    *,
    measured: Iterable[str],
    has_spectra: bool,
    keep: Callable[[SourceConfig, StarColumns], None] = lambda *_: None,
) -> Understood:
    """Read and interpret the tables of a configuration, up to the first unusable one.

    Parameters
    ----------
    sources : sequence of SourceConfig
        Tables; spectra are passed over.
    resolve : callable
        From a name of the configuration to a path.
    measured : iterable of str
        Columns that the stages measure.
    has_spectra : bool
        Whether there are spectra to measure them from.
    keep : callable
        Takes each source and its stars.
    """
    result = Understood()
    wanted = set(measured)
    for source in sources:
        if not source.table:
            continue
        path = resolve(source.table)
        try:
            stars = read_table(source, path, measured=wanted, has_spectra=has_spectra)
        except (TableError, ConfigError) as error:
            result.tables.append(_unread(path))
            result.error = str(error)
            return result
        names = list(open_table(path).names)
        result.tables.append(stars.summary() | {"names": names})
        result.columns |= {report.ours for report in stars.reports if report.known > 0}
        keep(source, stars)
    return result


def _unread(path: Path) -> dict[str, Any]:
    """Description of an uninterpreted table."""
    empty: dict[str, Any] = {
        "file": path.name,
        "format": "",
        "rows": 0,
        "schema": "",
        "columns": [],
        "own": [],
        "notes": [],
    }
    try:
        table = open_table(path)
    except TableError:
        return empty
    return empty | {"format": table.form, "rows": table.n_rows or 0, "names": list(table.names)}


def rendered(table: dict[str, Any]) -> str:
    """Format one table of :class:`Understood` as text."""
    schema = table["schema"] or "unknown"
    lines = [f"{table['file']}: {table['format'] or 'not read'}, {table['rows']:,} rows, schema: {schema}"]
    if table["columns"]:
        head = ("ours", "theirs", "why", "unit", "known", "min", "median", "max", "missing", "outside", "note")
        rows = [head, *(_row(column, table["schema"]) for column in table["columns"])]
        widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
        lines += [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
    used = {part for column in table["columns"] for part in column["theirs"].split(" - ")}
    own = table["own"]
    if own:
        lines.append(f"  kept as own columns ({len(own)}): {_some(own)}")
    names = table.get("names", [])
    unused = [name for name in names if name not in used]
    if len(unused) > len(own):
        lines.append(f"  neither used nor kept: {len(unused) - len(own)} of {len(names)} columns")
    lines += [f"  note: {note}" for note in table["notes"]]
    return "\n".join(lines)


def _row(column: dict[str, Any], schema: str) -> tuple[str, ...]:
    unit = column["unit_from"] or column["unit_to"]
    if column["unit_from"] and column["unit_from"] != column["unit_to"]:
        unit = f"{column['unit_from']} -> {column['unit_to'] or '1'}"
    numbers = ["" if column[key] is None else f"{column[key]:.6g}" for key in ("low", "median", "high")]
    counts = [f"{column[key]:,}" if column[key] else "" for key in ("sentinels", "outside")]
    return (
        *(column["ours"], column["theirs"], "schema" if column["why"] == schema else column["why"]),
        *(unit, f"{100 * column['known']:.1f} %"),
        *numbers,
        *counts,
        column["note"],
    )


def _some(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def rendered_plan(planned: Iterable[tuple[str, str]]) -> str:
    """Format the stages that would run, and why others would not."""
    rows = list(planned)
    width = max((len(name) for name, _ in rows), default=0) + 2
    lines = [f"  {name:<{width}}{reason or 'can run'}" for name, reason in rows]
    return "\n".join(["stages on these inputs together:", *lines])
