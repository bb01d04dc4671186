"""The selected stars as a table to take away: FITS, VOTable, ECSV, Parquet or CSV, with where they come from."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io.fits.verify import VerifyWarning
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import Table
from astropy.units import Unit

from explorer.model.library import Library
from explorer.model.selection import Mask, Selection, SelectionError
from explorer.model.subsets import describe
from pipeline import __version__

MOST_STARS = 1_000_000
"""Stars in one table; more are better read from the product directory itself."""


@dataclass(frozen=True)
class Exported:
    """A file to take away.

    Parameters
    ----------
    name : str
        What to call it.
    mime : str
        What browsers call its kind.
    data : bytes
        What is in it.
    """

    name: str
    mime: str
    data: bytes


def provenance(library: Library, selection: Selection, rows: Mask) -> dict[str, str]:
    """Where the rows come from, as words for a header."""
    manifest = library.products.manifest
    found = {
        "catalogue": manifest.name,
        "created": manifest.created,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "program": f"mgiant-explorer {__version__}",
        "stars": f"{int(rows.sum())} of {rows.size}",
        "selection": describe(selection),
        "selection_json": json.dumps(selection.to_dict(), separators=(",", ":")),
        "choices": json.dumps(dict(manifest.choices), sort_keys=True, ensure_ascii=False),
    }
    return {"SIMULATED": manifest.simulated_note, **found} if manifest.simulated else found


def export(library: Library, selection: Selection, rows: Mask, form: str) -> Exported:
    """Write the selected stars with every column.

    Parameters
    ----------
    library : Library
        The products.
    selection : Selection
        What was selected, for the header.
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
    if count > MOST_STARS:
        raise SelectionError(f"{count:,} stars are selected; a table takes {MOST_STARS:,}. Select fewer.")
    writer = FORMS[form]
    data = writer.write(_table(library, rows), provenance(library, selection, rows))
    return Exported(f"{library.products.manifest.name}_{count}.{writer.ending}", writer.mime, data)


def _table(library: Library, rows: Mask) -> Table:
    source = library.table
    stars = np.flatnonzero(rows)
    table = Table()
    for declared in source.columns:
        values = source.texts(declared.name) if declared.name in source.text_names else source[declared.name]
        picked = values[stars]
        table[declared.name] = picked.astype(str) if declared.dtype == "str" else np.asarray(picked)
        table[declared.name].description = declared.description
        if declared.unit:
            table[declared.name].unit = Unit(declared.unit)
        table[declared.name].meta["ucd"] = declared.ucd
    return table


def _fits(table: Table, words: Mapping[str, str]) -> bytes:
    for column in table.itercols():  # a FITS string is ASCII
        if column.dtype.kind == "U":
            table.replace_column(column.name, np.char.encode(column, "ascii", "backslashreplace"))
    table.meta["comments"] = [
        f"{name}: {text}".encode("ascii", "backslashreplace").decode() for name, text in words.items()
    ]
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        table.write(target, format="fits")
    return target.getvalue()


def _votable(table: Table, words: Mapping[str, str]) -> bytes:
    document = from_table(table)
    resource = document.resources[0]
    for field in resource.tables[0].fields:
        field.ucd = table[field.name].meta["ucd"]
    resource.infos.extend(Info(name=name, value=text) for name, text in words.items())
    target = io.BytesIO()
    document.to_xml(target, tabledata_format="binary2")
    return target.getvalue()


def _ecsv(table: Table, words: Mapping[str, str]) -> bytes:
    table.meta = dict(words)
    return _text(table, "ascii.ecsv")


def _csv(table: Table, words: Mapping[str, str]) -> bytes:
    comments = "".join(f"# {name}: {text}\n" for name, text in words.items())
    return comments.encode() + _text(table, "ascii.csv")


def _text(table: Table, form: str) -> bytes:
    target = io.StringIO()
    table.write(target, format=form)
    return target.getvalue().encode()


def _parquet(table: Table, words: Mapping[str, str]) -> bytes:
    fields, arrays = [], []
    for column in table.itercols():
        array = pa.array(column.data)
        about = {"unit": str(column.unit or ""), "ucd": column.meta["ucd"], "description": column.description}
        fields.append(pa.field(column.name, array.type, metadata=about))
        arrays.append(array)
    target = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=dict(words))), target)
    return target.getvalue()


@dataclass(frozen=True)
class Form:
    """A kind of file.

    Parameters
    ----------
    label : str
        What people call it.
    ending : str
        How the name ends.
    mime : str
        What browsers call it.
    write : callable
        Writes a table with words for its header.
    """

    label: str
    ending: str
    mime: str
    write: Callable[[Table, Mapping[str, str]], bytes]


FORMS: dict[str, Form] = {
    "fits": Form("FITS", "fits", "application/fits", _fits),
    "votable": Form("VOTable", "vot", "application/x-votable+xml", _votable),
    "ecsv": Form("ECSV", "ecsv", "text/csv", _ecsv),
    "parquet": Form("Parquet", "parquet", "application/vnd.apache.parquet", _parquet),
    "csv": Form("CSV", "csv", "text/csv", _csv),
}
"""Kinds of files by what a message calls them."""
