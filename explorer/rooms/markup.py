"""HTML tables with escaped text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any


def scores_table(what: str, scores: Mapping[str, Mapping[str, Any]]) -> str:
    """A table with one row an entry, and a column for each number of any row."""
    names = list(dict.fromkeys(name for scored in scores.values() for name in scored))
    rows = ([name, *(cell(scored.get(key, "")) for key in names)] for name, scored in scores.items())
    return table((what, *(name.replace("_", " ") for name in names)), rows)


def percent(share: float | None) -> str:
    """Format a fraction; "" if missing."""
    return "" if share is None else f"{100.0 * share:.0f} %"


def pairs_table(values: Mapping[str, Any]) -> str:
    """A table of names and values."""
    return table((), values.items()) if values else "<p>None.</p>"


def flat(report: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Flatten a nested report to dotted names and formatted values."""
    for name, value in report.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", cell(value)


def named(report: Mapping[str, Any]) -> dict[str, str]:
    """Flatten a nested report to names in words and formatted values."""
    return {name.replace(".", ": ").replace("_", " "): value for name, value in flat(report)}


def cell(value: Any) -> str:
    """Format a value."""
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')} {cell(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ("; " if any(isinstance(item, Mapping) for item in value) else ", ").join(map(cell, value))
    return str(value)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with head and rows."""
    head = "<tr>" + "".join(f"<th>{escape(str(name))}</th>" for name in header) + "</tr>" if header else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table>{head}{body}</table>" if body else "<p>None.</p>"
