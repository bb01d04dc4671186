"""Files of tables that are laid over views: isochrones, tracks, member lists, other catalogues."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.model.overlay_tables import MAX_NAME_CHARACTERS, MAX_ROWS, MAX_VALUES, OverlayColumn, OverlayTable
from explorer.model.selection import SelectionError
from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME
from pipeline.domain.frames import equatorial_to_galactic, galactic_to_sagittarius
from pipeline.sources.isochrone_tables import Derived, derived_columns, group_columns
from pipeline.sources.tables.column_report import Making
from pipeline.sources.tables.column_values import make_values, refuse_hours
from pipeline.sources.tables.identity import Identity
from pipeline.sources.tables.profiles import Recipe
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import position_recipes, recognise
from pipeline.sources.tables.table_file import Limits, TableError, TableFile

MAX_BYTES = 16_000_000
"""Maximum size of a file."""

_LIMITS = Limits(max_bytes=4 * MAX_BYTES, max_rows=MAX_ROWS, max_columns=2000)
_MAX_COLUMNS = 60
_NO_MAGNITUDE = 50.0
"""Absolute value from which a magnitude is missing, as 99.999."""

_CURVE_GROUPS = frozenset({"arm", "track", "isochrone", "segment", "curve", "group", "line"})
"""Names of columns whose changes begin a new line, in lower case."""


@dataclass(frozen=True)
class ReadOverlay:
    """Content of a file.

    Parameters
    ----------
    table : OverlayTable
        The table, with a guess of what its columns are.
    sentence : str
        What was read, and what was left out.
    """

    table: OverlayTable
    sentence: str


def read_overlay(data: bytes, file_name: str, colour: str, axes: Sequence[Column]) -> ReadOverlay:
    """Read a table to lay over views.

    Parameters
    ----------
    data : bytes
        A table in any format that :func:`pipeline.sources.tables.reader.open_table` knows.
    file_name : str
        Name of the file, which becomes that of the table.
    colour : str
        Its colour.
    axes : sequence of Column
        Columns of the catalogue that views show. Columns of the table are recognised as in a catalogue of the user's
        own, isochrones by the names of the CMD form, and computed columns by their exact name.

    Raises
    ------
    SelectionError
        With the reason and the remedy; the content of the file is never quoted.
    """
    if len(data) > MAX_BYTES:
        raise SelectionError(f"The table has {len(data):,} bytes; at most {MAX_BYTES:,} are read. Leave rows out.")
    try:
        source = open_table(data, "The table", _LIMITS)
        plain = source.read([item.name for item in source.fields if item.kind != "array"][: _LIMITS.max_columns])
    except TableError as error:
        raise SelectionError(str(error)) from None
    if not len(plain):
        raise SelectionError("The table has no rows. Choose another file.")
    known, notes = _recognised(source, plain, axes)
    others = [
        OverlayColumn(_short(str(name)), source.by_name[str(name)].unit, _numbers(plain[name]))
        for name in plain
        if pd.api.types.is_numeric_dtype(plain[name].dtype) and not pd.api.types.is_bool_dtype(plain[name].dtype)
    ]
    if not known and len(others) < 2:
        raise SelectionError(
            f"The table has {len(others)} columns of numbers; a curve or points need two. Choose another file."
        )
    breaks = _breaks(source, plain)
    columns = _unique([*(column for _, column in known), *([breaks] if breaks else []), *others])
    kept = columns[: max(min(_MAX_COLUMNS, MAX_VALUES // len(plain)), 2)]
    names = {column.name for column in kept}
    uses = tuple((ours, column.name) for ours, column in known if column.name in names)
    style = "points" if _holds_objects(source) else "line"
    table = OverlayTable(
        _short(PurePath(file_name).stem or "table"),
        tuple(kept),
        uses,
        "points" if style == "points" else "line",
        colour,
        breaks.name if breaks and breaks.name in names and style == "line" else "",
    )
    return ReadOverlay(table, _sentence(table, source, len(columns) - len(kept), notes))


def _recognised(
    source: TableFile, plain: pd.DataFrame, axes: Sequence[Column]
) -> tuple[list[tuple[str, OverlayColumn]], list[str]]:
    """Columns of the catalogue that the table has, in their units, and what the user should know."""
    notes: list[str] = []
    wanted = {column.name: column for column in axes}
    derived = derived_columns(source.names)
    if derived:  # the form's own names are known better than by recognition
        result = {ours: _derived(item, plain, wanted[ours].unit) for ours, item in derived.items() if ours in wanted}
    else:
        result = _converted(source, plain, wanted, notes)
    result |= {ours: column for ours, column in _on_sky(result).items() if ours in wanted and ours not in result}
    for name, column in wanted.items():
        if name not in (*result, "ra", "dec") and name in plain and pd.api.types.is_numeric_dtype(plain[name].dtype):
            result[name] = OverlayColumn(_short(name), source.by_name[name].unit or column.unit, _numbers(plain[name]))
    return [(ours, column) for ours, column in result.items() if ours in wanted], notes


def _converted(
    source: TableFile, plain: pd.DataFrame, wanted: Mapping[str, Column], notes: list[str]
) -> dict[str, OverlayColumn]:
    """Columns that are recognised as in a catalogue of the user's own, and the position; adds to the notes."""
    recipes: Mapping[str, Recipe] = {}
    try:
        recipes = recognise(source).recipes
    except TableError as error:
        notes.append(_plainly(error))
        recipes = _positions(source)
    making = Making(source, plain, np.ones(len(plain), np.bool_))
    result: dict[str, OverlayColumn] = {}
    for ours, recipe in recipes.items():
        declared = BY_NAME[ours]
        if ours not in ("ra", "dec") and not (ours in wanted and declared.is_numeric):
            continue
        try:
            values = make_values(making, declared, recipe)
        except TableError as error:
            notes.append(_plainly(error))
            continue
        if values is not None:
            name = " - ".join(recipe.columns)
            result[ours] = OverlayColumn(_short(name), declared.unit, np.asarray(values, np.float32))
    try:
        refuse_hours(making, {ours: column.numbers for ours, column in result.items()}, dict(recipes))
    except TableError as error:
        notes.append(f"{_plainly(error)} Give degrees, or state the unit in the file")
        return {ours: column for ours, column in result.items() if ours not in ("ra", "dec")}
    return result


def _positions(source: TableFile) -> Mapping[str, Recipe]:
    """Position of a table whose other columns are ambiguous."""
    try:
        return position_recipes(source) or {}
    except TableError:
        return {}  # the reason is among the notes already: the same two columns are ambiguous


def _derived(derived: Derived, plain: pd.DataFrame, unit: str) -> OverlayColumn:
    """A quantity of isochrones from the columns of the form."""
    parts = [_numbers(plain[name]) for name in derived.columns]
    if derived.magnitudes:
        parts = [np.where(np.abs(part) < _NO_MAGNITUDE, part, np.nan) for part in parts]
    values = parts[0] - parts[1] if len(parts) == 2 else parts[0]
    if derived.power:
        values = np.float32(10.0) ** values
    name = f"10^{derived.columns[0]}" if derived.power else " - ".join(derived.columns)
    return OverlayColumn(_short(name), unit, values.astype(np.float32))


def _on_sky(known: Mapping[str, OverlayColumn]) -> dict[str, OverlayColumn]:
    """Galactic and Sagittarius coordinates of RA and Dec."""
    if not {"ra", "dec"} <= known.keys():
        return {}
    ra, dec = (known[name].numbers.astype(np.float64) for name in ("ra", "dec"))
    there = np.isfinite(ra) & np.isfinite(dec)
    glon, glat = equatorial_to_galactic(ra[there], dec[there])
    along, beside = galactic_to_sagittarius(glon, glat)
    made = {"glon": glon, "glat": glat, "sgr_lambda": along, "sgr_beta": beside}
    return {name: OverlayColumn(f"{name} (of RA, Dec)", "deg", _spread(values, there)) for name, values in made.items()}


def _spread(values: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.float32]:
    whole = np.full(there.size, np.nan, np.float32)
    whole[there] = values
    return whole


def _breaks(source: TableFile, plain: pd.DataFrame) -> OverlayColumn | None:
    """The column whose changes begin a new line: the number of the run of equal names, or of an isochrone's phase."""
    named = [[str(name)] for name in plain if str(name).lower() in _CURVE_GROUPS]
    parts = group_columns(source.names)
    groups: list[list[str]] = [*named, *([parts] if parts else [])]
    for names in groups:
        changed = np.zeros(len(plain), np.bool_)
        for name in names:
            changed |= (plain[name] != plain[name].shift()).to_numpy(np.bool_, na_value=False)
        runs = int(changed.sum())
        if 1 < runs <= max(len(plain) // 2, 1):
            title = "isochrone and phase" if names is parts else _short(names[0])
            return OverlayColumn(title, "", np.cumsum(changed).astype(np.float32))
    return None


def _holds_objects(source: TableFile) -> bool:
    """Whether rows are objects with an identifier or a position, and not points of a curve."""
    try:
        return bool(Identity(source).names)
    except TableError:
        return True  # several columns may identify its rows


def _numbers(values: pd.Series) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        numbers = values.to_numpy(np.float64, na_value=np.nan).astype(np.float32)
    return np.where(np.isfinite(numbers), numbers, np.float32(np.nan))


def _unique(columns: Sequence[OverlayColumn]) -> list[OverlayColumn]:
    """The columns without later ones of the same name."""
    result: dict[str, OverlayColumn] = {}
    for column in columns:
        result.setdefault(column.name, column)
    return list(result.values())


def _short(name: str) -> str:
    plain = re.sub(r"\s+", " ", name).strip()
    return plain if len(plain) <= MAX_NAME_CHARACTERS else f"{plain[: MAX_NAME_CHARACTERS - 1]}…"


def _plainly(error: TableError) -> str:
    """The reason of an error, without the remedy of a configuration file."""
    return (
        str(error)
        .partition(" Say ")[0]
        .partition(" Then write")[0]
        .partition(" Write ")[0]
        .rstrip(".")
        .removeprefix("The table: ")
    )


def _sentence(table: OverlayTable, source: TableFile, left_out: int, notes: Sequence[str]) -> str:
    rows = f"{table.n_rows:,} row{'' if table.n_rows == 1 else 's'}"
    if table.uses:
        pairs = [f"{BY_NAME[ours].label if ours in BY_NAME else ours} from {theirs}" for ours, theirs in table.uses]
        more = f" and {len(pairs) - 6} more" if len(pairs) > 6 else ""
        text = f"{table.name}: {rows}; {', '.join(pairs[:6])}{more}."
    else:
        text = f"{table.name}: {rows}; no column was recognised. Choose below what its columns are."
    if left_out > 0:
        text += f" Of its columns {len(table.columns):,} are kept, those that were recognised first."
    if source.skipped:
        text += f" Left out: {len(source.skipped):,} rows that could not be read."
    return " ".join([text, *(f"{note[0].upper()}{note[1:]}." for note in notes[:2])])
