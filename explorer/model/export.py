"""Export of the selected stars as FITS, VOTable, ECSV, Parquet or CSV, with their provenance."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from astropy.table import Column, Table

from explorer.model.elsewhere import in_helper
from explorer.model.library import Library
from explorer.model.selection import Mask, Selection, SelectionError
from explorer.model.subsets import describe
from explorer.model.visit_table import VisitTable
from pipeline import __version__
from pipeline.domain.names import file_name
from pipeline.products.manifest import ProductError
from pipeline.products.spreadsheet import shielded
from pipeline.products.tables import annotated, fits_bytes, parquet_bytes, votable_bytes

MAX_STARS = 1_000_000
"""Maximum number of stars in one table; the product directory itself serves larger needs."""

MAX_VALUES = 250_000_000
"""Maximum number of values in one table, about two gigabytes."""

MAX_VALUES_HERE = 30_000
"""Maximum number of values that slow formats write in the server process, about 0.1 s."""

SIMULATED_COLUMN = "simulated"
"""Last column of a plain CSV of simulated stars, as the format has no header for notes."""


@dataclass(frozen=True)
class Exported:
    """An exported file.

    Parameters
    ----------
    name : str
        File name.
    mime : str
        MIME type.
    data : bytes
        Content of the file.
    """

    name: str
    mime: str
    data: bytes


def provenance(library: Library, selection: Selection, rows: Mask) -> dict[str, str]:
    """Provenance of the rows, as one-line header texts."""
    manifest = library.products.manifest
    result = {
        "catalogue": manifest.name,
        "created": manifest.created,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "program": f"mgiant-explorer {__version__}",
        "stars": f"{int(rows.sum())} of {rows.size}",
        "selection": describe(selection, library.table.known),
        "selection_json": json.dumps(selection.to_dict(), separators=(",", ":")),
        "choices": json.dumps(dict(manifest.choices), sort_keys=True, ensure_ascii=False),
    }
    if isinstance(library.table, VisitTable) and library.table.computed:
        result["computed_columns"] = "; ".join(
            f"{item.name} = {item.definition}{f' [{item.unit}]' if item.unit else ''}"
            for item in library.table.computed
        )
    report = {"SIMULATED": manifest.simulated_note, **result} if manifest.simulated else result
    return {name: " ".join(text.split()) for name, text in report.items()}


def export(library: Library, selection: Selection, rows: Mask, form: str) -> Exported:
    """Write the selected stars with all columns.

    Parameters
    ----------
    library : Library
        The products.
    selection : Selection
        Description of the selection, for the header.
    rows : ndarray of bool, shape (n,)
        Its mask.
    form : str
        A key of :data:`FORMS`.

    Raises
    ------
    SelectionError
        If no star, or too many, are selected.
    """
    count = int(rows.sum())
    if not count:
        raise SelectionError("No star is selected, so there is no table to write.")
    if count > MAX_STARS:
        raise SelectionError(f"{count:,} stars are selected; a table takes {MAX_STARS:,}. Select fewer.")
    columns = len(library.table.columns)
    if count * columns > MAX_VALUES:
        raise SelectionError(
            f"{count:,} stars with {columns:,} columns are too many for a table. Select fewer than "
            f"{MAX_VALUES // columns:,}, or read catalog.parquet of the product."
        )
    if FORMS[form].slow and count * columns > MAX_VALUES_HERE:
        return in_helper(_write, library, rows, selection, form)
    return _write(library, rows, selection, form)


def _write(library: Library, rows: Mask, selection: Selection, form: str) -> Exported:
    writer, count = FORMS[form], int(rows.sum())
    try:
        data = writer.write(_table(library, rows), provenance(library, selection, rows))
    except ProductError as error:
        raise SelectionError(str(error)) from error
    return Exported(f"{file_name(library.products.manifest.name)}_{count}.{writer.ending}", writer.mime, data)


def _table(library: Library, rows: Mask) -> Table:
    source = library.table
    stars = np.flatnonzero(rows)
    return annotated({item: source.taken(item.name, stars) for item in source.columns})


def _ecsv(table: Table, words: Mapping[str, str]) -> bytes:
    table.meta = dict(words)
    return _text(table, "ascii.ecsv")


def _csv(table: Table, words: Mapping[str, str]) -> bytes:
    """Write names and rows, as TOPCAT and spreadsheets expect; simulated stars are marked in a column."""
    if "SIMULATED" in words and SIMULATED_COLUMN not in table.colnames:
        table[SIMULATED_COLUMN] = np.ones(len(table), bool)
    _shield(table)
    return _text(table, "ascii.csv")


def _csv_with_notes(table: Table, words: Mapping[str, str]) -> bytes:
    """Write a CSV with ``#`` lines of provenance and column descriptions first."""
    lines = [f"{name}: {text}" for name, text in words.items()]
    changed = _shield(table)
    if changed:
        lines.append(
            f"Texts that a spreadsheet would read as formulas are prefixed with an apostrophe: {', '.join(changed)}."
        )
    for column in table.itercols():
        unit = f" [{column.unit}]" if column.unit is not None else ""
        ucd = f", UCD {column.meta['ucd']}" if column.meta["ucd"] and "origin" in column.meta else ""
        source = (
            f" (column {column.meta['label']!r} of {column.meta['origin']}{ucd})" if "origin" in column.meta else ""
        )
        lines.append(f"column {column.name}{unit}: {column.description}{source}")
    return "".join(f"# {line}\n" for line in lines).encode() + _text(table, "ascii.csv")


def _shield(table: Table) -> list[str]:
    """Escape texts that spreadsheets would read as formulas; return the names of the columns with them."""
    changed = []
    for column in table.itercols():
        if column.dtype.kind != "U":
            continue
        texts = column.tolist()
        safe = [shielded(text) for text in texts]
        if safe != texts:
            changed.append(column.name)
            about = {"name": column.name, "description": column.description, "meta": column.meta}
            table[column.name] = Column(safe, **about)
    return changed


def _text(table: Table, form: str) -> bytes:
    target = io.StringIO()
    table.write(target, format=form)
    return target.getvalue().encode()


@dataclass(frozen=True)
class Form:
    """A file format.

    Parameters
    ----------
    label : str
        Name in the menu.
    ending : str
        File extension.
    mime : str
        MIME type.
    write : callable
        Writes a table with words for its header.
    slow : bool
        Whether it is written value by value in Python, which would hold up every page of the server.
    """

    label: str
    ending: str
    mime: str
    write: Callable[[Table, Mapping[str, str]], bytes]
    slow: bool = False


FORMS: dict[str, Form] = {
    "fits": Form("FITS", "fits", "application/fits", fits_bytes),
    "votable": Form("VOTable", "vot", "application/x-votable+xml", votable_bytes, slow=True),
    "ecsv": Form("ECSV", "ecsv", "text/csv", _ecsv, slow=True),
    "parquet": Form("Parquet", "parquet", "application/vnd.apache.parquet", parquet_bytes),
    "csv": Form("CSV", "csv", "text/csv", _csv, slow=True),
    "csv_notes": Form("CSV with notes", "csv", "text/csv", _csv_with_notes, slow=True),
}
"""File formats by their keys in messages."""
