"""Corrections of the interpretation of columns, stored in the configuration of the products."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.model.opened_files import OpenError
from explorer.model.toml_text import toml_text
from explorer.model.understood import UnderstoodTable
from pipeline.domain.columns import BY_NAME, placed

ROLES = tuple(item.name for item in placed("role"))
"""Columns that are offered if a table has none of them; all other declared columns can be chosen too."""

UNITS = {
    "kpc": ("kpc", "pc", "Mpc"),
    "deg": ("deg", "rad", "hourangle", "arcmin", "arcsec"),
    "mag": ("mag", "mmag"),
    "km/s": ("km/s", "m/s"),
    "mas": ("mas", "arcsec", "uas"),
    "mas/yr": ("mas/yr", "arcsec/yr"),
}
"""Common file units of a quantity, by the catalogue's unit; others can be set in the configuration."""

HEADER = (
    "# How {files} is opened. Build it with: python -m pipeline build {name}.toml\n"
    '# columns = {{ours = "theirs"}} names a table\'s column for one of the catalogue\'s; "" means: not used.\n'
)


@dataclass(frozen=True)
class Correction:
    """Source column and unit of one catalogue column in one table.

    Parameters
    ----------
    table : int
        Which table, from 0.
    ours : str
        Column of the contract.
    theirs : str or None
        The file's column; "" to use none, None for the automatic recognition.
    unit : str
        Unit of the file's column; "" for the one that the file declares.
    """

    table: int
    ours: str
    theirs: str | None
    unit: str = ""


def check(corrections: Iterable[Correction], tables: Sequence[UnderstoodTable]) -> None:
    """Refuse invalid corrections.

    Raises
    ------
    OpenError
        If a table, a column or a unit is unknown.
    """
    for item in corrections:
        if not 0 <= item.table < len(tables):
            raise OpenError(f"There is no table number {item.table + 1}; {len(tables)} were opened.")
        table, declared = tables[item.table], BY_NAME.get(item.ours)
        if declared is None:
            raise OpenError(f"{item.ours!r:.60} is no column of the catalogue.")
        if item.theirs and item.theirs not in table.names:
            raise OpenError(f"{table.file} has no column {item.theirs!r:.80}.")
        present = {column.unit_from for column in table.columns if column.ours == item.ours}
        if item.unit and item.unit not in {*UNITS.get(declared.unit, (declared.unit,)), *present}:
            raise OpenError(
                f"{item.unit!r:.40} is not offered for {item.ours} [{declared.unit or 'no unit'}]. Write it into the "
                f"configuration: columns = {{{item.ours} = {{column = NAME, unit = UNIT}}}}."
            )


def corrected(document: Mapping[str, Any], corrections: Iterable[Correction]) -> dict[str, Any]:
    """Return a configuration with corrections; all else is unchanged.

    Parameters
    ----------
    document : mapping
        The configuration, as TOML reads it.
    corrections : iterable of Correction
        A later one of the same column replaces an earlier one.

    Raises
    ------
    OpenError
        If the configuration has no such table.
    """
    changed = deepcopy(dict(document))
    entries = _tables_of(changed)
    for item in corrections:
        if item.table >= len(entries):
            raise OpenError(f"The configuration lists {len(entries)} tables: there is no number {item.table + 1}.")
        columns = entries[item.table].setdefault("columns", {})
        if item.theirs is None:
            columns.pop(item.ours, None)
        else:
            columns[item.ours] = _recipe(item, columns.get(item.ours))
        if not columns:
            del entries[item.table]["columns"]
    # Whether distances are photometric was decided from the columns before: it is decided again.
    distance = changed.get("distance")
    if isinstance(distance, dict):
        distance.pop("photometric", None)
        if not distance:
            del changed["distance"]
    return changed


def _recipe(item: Correction, before: Any) -> str | dict[str, Any]:
    """The TOML value of a correction; manual settings of the column, such as missing values, are kept."""
    assert item.theirs is not None
    kept = dict(before) if isinstance(before, dict) and item.theirs and before.get("column") == item.theirs else {}
    kept.pop("column", None)
    if item.unit:
        kept["unit"] = item.unit
    return {"column": item.theirs, **kept} if kept and item.theirs else item.theirs


def corrections_in(document: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    """Catalogue columns that the configuration sets, by table."""
    return tuple(frozenset(entry.get("columns", {})) for entry in _tables_of(document))


def relocated(document: Mapping[str, Any], files: Sequence[Path]) -> dict[str, Any]:
    """Return a configuration with the current paths of its sources, which may have been moved."""
    changed = deepcopy(dict(document))
    places = {path.name: str(path) for path in files}
    for entry in _sources_of(changed):
        for key in ("table", "spectra"):
            name = Path(str(entry.get(key, ""))).name
            if name in places:
                entry[key] = places[name]
    return changed


def read_configuration(path: Path) -> dict[str, Any]:
    """Read a configuration.

    Raises
    ------
    OpenError
        If it is not there or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise OpenError("The files have not been read yet: there is no configuration to correct.") from None
    except ValueError as error:
        raise OpenError(f"{path} is not valid TOML ({error}). Correct it, or remove it to start again.") from error


def configuration_text(document: Mapping[str, Any], files: Sequence[Path]) -> str:
    """The configuration as TOML text, for storage and download."""
    names = ", ".join(path.name for path in files).replace("\n", " ")
    name = Path(files[0].name).stem if files else "open"
    return HEADER.format(files=names, name=name.replace("\n", " ")) + "\n" + toml_text(document)


def _sources_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    section = document.get("input")
    listed = section.get("source") if isinstance(section, dict) else None
    return [entry for entry in listed or [] if isinstance(entry, dict)]


def _tables_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in _sources_of(document) if entry.get("table")]
