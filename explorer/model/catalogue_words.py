"""A catalogue in words: what it is, of which survey or file, and of how many stars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.model.library import Library
from explorer.model.table import counted
from explorer.model.understood import UnderstoodTable, tables_from
from pipeline.domain.columns import BY_NAME
from pipeline.products.manifest import Manifest

PAPER = "Qiu et al. (2023)"
_PAPER_FETCH = "qiu2023"
"""Name of the fetch of the paper's own input, see ``pipeline.input_config``."""

_NAMED = 5
"""Maximum number of columns, or of files, that a sentence names."""


@dataclass(frozen=True)
class CatalogueWords:
    """A catalogue in words.

    Parameters
    ----------
    title : str
        Its name, for a heading.
    sentence : str
        What it is, of which survey or file, and of how many stars.
    """

    title: str
    sentence: str


def catalogue_words(library: Library) -> CatalogueWords:
    """Describe a catalogue by its manifest: a simulated survey, the paper's, tables, or other input."""
    manifest, stars = library.products.manifest, library.table.n_stars
    spectra = library.products.spectra
    shown = _spectra_words(len(spectra), stars) if spectra is not None else ""
    source = _input(manifest)
    if source.get("kind") == "mock":
        return CatalogueWords(
            "A simulated survey of M giants",
            f"This is a simulated survey: {stars:,} observations of M giants{shown}, made in the likeness of the "
            f"catalogue of LAMOST DR9 M giants by {PAPER}; none of its stars is real.",
        )
    if manifest.simulated:
        return CatalogueWords(
            "A simulated catalogue",
            f"This catalogue of {counted(stars)}{shown} is simulated, wholly or in part: "
            f"{manifest.simulated_note.rstrip('.')}.",
        )
    if source.get("fetch") == _PAPER_FETCH:
        return CatalogueWords(
            f"The M giants of {PAPER}",
            f"This is the catalogue of LAMOST DR9 M giants by {PAPER}, made again from the archives: "
            f"{counted(stars)}{shown}.",
        )
    tables = [table for table in tables_from(manifest.tables) if table.rows]
    if tables and spectra is None:
        return _of_tables(tables, stars)
    names = _listed([table.file for table in tables] or [_file_name(path) for path in manifest.inputs])
    return CatalogueWords(
        f"Catalogue {manifest.name}",
        f"This catalogue has {counted(stars)}{shown}, measured from {names or 'input without a name'}.",
    )


def _spectra_words(spectra: int, stars: int) -> str:
    return ", each with a spectrum" if spectra == stars else f" with {spectra:,} spectra"


def understood_words(table: UnderstoodTable) -> str:
    """Number of recognised columns of a table, and the labels of the first measured ones."""
    labels = [
        declared.label
        for column in table.columns
        if (declared := BY_NAME.get(column.ours)) is not None and declared.is_float and not _is_error(column.ours)
    ]
    among = f", among them {', '.join(labels[:_NAMED])}" if labels else ""
    own = f"; {len(table.own):,} more are kept as columns of your own" if table.own else ""
    return f"{len(table.columns):,} of its columns were recognised{among}{own}"


def _of_tables(tables: list[UnderstoodTable], stars: int) -> CatalogueWords:
    """Words for a catalogue of tables alone."""
    first, others = tables[0], tables[1:]
    schema = f" ({first.schema})" if first.schema else ""
    joined = f", joined with {_listed([table.file for table in others])}" if others else ""
    return CatalogueWords(
        f"The stars of {first.file}",
        f"This is the table {first.file}{schema}{joined}: {counted(stars)}; {understood_words(first)}.",
    )


def _is_error(name: str) -> bool:
    return name.endswith("_err")


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _listed(names: list[str]) -> str:
    """Names as an enumeration; further ones are counted."""
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1:,} more files"]
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _input(manifest: Manifest) -> Mapping[str, Any]:
    """The section "input" of the configuration; empty where a product has none."""
    section = manifest.configuration.get("input", {})
    return section if isinstance(section, Mapping) else {}
