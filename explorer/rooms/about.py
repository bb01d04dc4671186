"""The About room: provenance of the catalogue, rejects, and meanings of all columns and bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import panel as pn
from panel.viewable import Viewable, Viewer

from explorer.model.aggregates import AGGREGATES
from explorer.model.catalogue_words import catalogue_words
from explorer.model.checked_files import CheckedFiles, CheckState
from explorer.model.expression import CONDITIONS, WORDS
from explorer.model.formula import FUNCTIONS
from explorer.model.library import Library
from explorer.model.understood import UnderstoodTable, tables_from
from explorer.rooms.base import html
from explorer.rooms.help import GESTURES, SHORTCUTS
from explorer.rooms.markup import cell, flat, pairs_table, table
from explorer.rooms.opening_words import COLUMNS_HEAD, columns_rows, match_words, table_heading
from pipeline.domain.columns import COLUMNS
from pipeline.domain.flags import FLAG_TEXTS

_MAX_REJECTS = 500
_COLUMNS_LINK = '<a href="?columns" target="_blank">Open the columns page</a> to correct them.'


class AboutView(Viewer):
    """Provenance and glossaries of one release.

    Parameters
    ----------
    library : Library
        The release.
    columns_page : bool
        Whether how its columns were understood has a page of its own.
    """

    def __init__(self, library: Library, *, columns_page: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.library, self.columns_page = library, columns_page
        self.products, self.table, self.files = library.products, library.table, library.files

    def text(self) -> str:
        """The whole room as HTML."""
        manifest, rejects = self.products.manifest, self.products.rejects
        words = catalogue_words(self.library)
        facts = {
            "built": manifest.created,
            "stars": f"{self.table.n_stars:,}",
            "spectra": f"{len(self.products.spectra):,}" if self.products.spectra is not None else "none",
            "rejected": f"{len(rejects):,}",
            "simulated": manifest.simulated_note or "nothing",
            "files": _checked(self.files),
            "name of the build": manifest.name,
        }
        shown = rejects.head(_MAX_REJECTS)
        more = f"<p>The first {_MAX_REJECTS} of {len(rejects):,}.</p>" if len(rejects) > _MAX_REJECTS else ""
        reasons = [(code, f"{count:,}") for code, count in rejects["code"].value_counts().items()]
        sections = (
            (escape(words.title), f"<p>{escape(words.sentence)}</p>{pairs_table(facts)}"),
            *self._understood(),
            ("Scientific choices", pairs_table(manifest.choices)),
            ("Stages", _stages(manifest.stages)),
            ("Rejected input, by reason", table(("code", "rows"), reasons)),
            ("Rejected input", more + table(tuple(shown.columns), shown.itertuples(index=False))),
            ("Columns", self._glossary()),
            ("Quality bits", _bits()),
            ("Inputs", pairs_table(manifest.inputs)),
            *_fetched(manifest.archives),
            ("Software", pairs_table(manifest.versions)),
        )
        parts = "".join(f"<section><h2>{title}</h2>{body}</section>" for title, body in sections)
        return f'<article class="about" tabindex="0" aria-label="About">{parts}{_help()}</article>'

    def _understood(self) -> list[tuple[str, str]]:
        """Interpretation of the columns of the tables; empty if no table was read."""
        parts = [_table(understood) for understood in tables_from(self.products.manifest.tables)]
        if self.columns_page:
            parts.insert(0, f"<p>{_COLUMNS_LINK}</p>")
        return [("Interpretation of the columns", "".join(parts))] if parts else []

    def _glossary(self) -> str:
        order = {column.name: place for place, column in enumerate(COLUMNS)}
        columns = sorted(self.table.columns, key=lambda column: order.get(column.name, len(order)))
        rows = ((c.name, c.paper_name, c.label, c.unit, c.description, c.group, c.origin) for c in columns)
        return table(("name", "in the paper", "label", "unit", "meaning", "chapter", "from"), rows)

    def __panel__(self) -> Viewable:
        return pn.Column(html(self.text(), sizing_mode="stretch_width"), sizing_mode="stretch_both", scroll="y-auto")


def _fetched(parts: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Inputs that were fetched from archives; no section where none was."""
    rows = [_fetched_row(part) for part in parts if isinstance(part, Mapping)]
    head = ("input", "archive", "request", "fetched", "SHA-256")
    return [("Inputs from archives", table(head, rows))] if rows else []


def _fetched_row(part: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    if "problem" in part:
        return "", "", str(part["problem"]), "", ""
    services = [service.get("address", "") for service in part.get("services", []) if isinstance(service, Mapping)]
    request = part.get("request", {})
    asked = dict(flat(request)) if isinstance(request, Mapping) else {}
    return (
        str(part.get("file", part.get("contents", ""))),
        ", ".join(map(str, services)),
        "; ".join(f"{name}: {value}" for name, value in asked.items()),
        " to ".join(dict.fromkeys(map(str, part.get("fetched", [])))),
        str(part.get("sha256", "")),
    )


def _checked(files: CheckedFiles | None) -> str:
    """Progress of the comparison of the files with the manifest's checksums."""
    if files is None or files.state is CheckState.UNLISTED:
        return "not checked: the manifest lists no checksums"
    if files.state is CheckState.DAMAGED:
        return " ".join(files.damage.values())
    share = "" if files.state is CheckState.CHECKED else f" ({100 * files.share:.0f} % of the large ones)"
    return f"{files.state}{share}, against the checksums of the manifest"


def _table(understood: UnderstoodTable) -> str:
    """One table that was read."""
    joined = f"<p>Joined to the stars: {escape(match_words(understood))}</p>" if understood.match else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in understood.notes)
    own = f"<p>The user's own columns: {escape(', '.join(understood.own))}</p>" if understood.own else ""
    return (
        f"<h3>{escape(understood.file)}</h3><p>{escape(table_heading(understood))}</p>{joined}"
        f"{f'<ul>{notes}</ul>' if notes else ''}{table(COLUMNS_HEAD, columns_rows(understood.columns))}{own}"
    )


def _help() -> str:
    gestures = "".join(f"<li>{escape(text)}</li>" for text in GESTURES)
    functions = {name: function.help for name, function in FUNCTIONS.items()}
    aggregates = {name: aggregate.help for name, aggregate in AGGREGATES.items()}
    words = (*WORDS.items(), *CONDITIONS.items(), *functions.items(), *aggregates.items())
    return (
        f"<section><h2>How to explore</h2><ul>{gestures}</ul></section>"
        f"<section><h2>Keys</h2>{table((), SHORTCUTS)}</section>"
        f"<section><h2>Words of expressions</h2>{table((), words)}</section>"
    )


def _stages(stages: Iterable[Mapping[str, Any]]) -> str:
    names = ("name", "status", "rows_in", "rows_out", "seconds", "reason")
    rows = [[cell(stage.get(name, "")) for name in names] for stage in stages]
    return table(("stage", "status", "rows in", "rows out", "seconds", "remark"), rows)


def _bits() -> str:
    rows = [(int(flag).bit_length() - 1, int(flag), text.short, text.meaning) for flag, text in FLAG_TEXTS.items()]
    return table(("bit", "value", "name", "set when"), rows)
