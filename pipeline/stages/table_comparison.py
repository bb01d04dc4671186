"""Comparison of a finished catalogue with another table (Figures 3, 6 and 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.products.catalog import Catalog
from pipeline.products.comparison import Compared, Statistics, write_comparison
from pipeline.products.manifest import Manifest
from pipeline.products.versions import current_version
from pipeline.science.crossmatch.neighbours import IndexArray, pairs_by_id, pairs_within, placed
from pipeline.sources.tables.column_report import Making
from pipeline.sources.tables.column_values import make_values
from pipeline.sources.tables.identity import Identity, recipe_of
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import IDENTIFIERS, recognise, shown
from pipeline.sources.tables.table_file import TableError, TableFile

MATCH_ARCSEC = 1.0
"""Match radius without common identifiers, in arcseconds."""

_WITH_UNIT = re.compile(r"(?P<name>.+?)\s*\[(?P<unit>[^\]]+)\]\s*")
_TRUSTED_SHARE = 0.5
"""Minimum ratio of rows matched by identifiers to rows matched by positions."""


@dataclass(frozen=True)
class TableComparison:
    """Result of a comparison.

    Parameters
    ----------
    statistics : dict
        Of other minus ours, by column and sample.
    notes : tuple of str
        How the stars were matched, and which values were left out.
    """

    statistics: Statistics
    notes: tuple[str, ...]


@dataclass(frozen=True)
class MatchedTable:
    """Another table's values for stars of a catalogue.

    Parameters
    ----------
    name : str
        File name of the table.
    quantities : tuple of Compared
        Our and its values of each pair of rows.
    rows : ndarray of int, shape (k,)
        Row of the catalogue of each pair.
    other_rows : int
        Rows of the table that are in a pair.
    simulated : bool
        Whether the table says that it is simulated.
    notes : tuple of str
        How the stars were matched, and which values were left out.
    """

    name: str
    quantities: tuple[Compared, ...]
    rows: IndexArray
    other_rows: int
    simulated: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Pairs:
    """Rows of the same stars in both tables.

    Parameters
    ----------
    ours, theirs : ndarray of int, shape (k,)
        Rows of the catalogue and of the other table: all observations of a star.
    by : str
        What decided, for notes.
    """

    ours: IndexArray
    theirs: IndexArray
    by: str

    @property
    def rows(self) -> int:
        """Matched rows of the other table."""
        return int(np.unique(self.theirs).size)


def compare_with_table(directory: Path, path: Path, columns: Mapping[str, str], output: Path) -> TableComparison:
    """Compare catalogue columns with another table, for all observations of common stars.

    Values that mean missing (-9999 and the like, or as a known schema says) and values outside a column's valid range
    are left out and counted; units are converted.

    Parameters
    ----------
    directory : Path
        Product directory.
    path : Path
        A table in any format that :func:`pipeline.sources.tables.reader.open_table` knows.
    columns : mapping of str to str
        The other table's column for each of ours, with its unit in brackets where the file does not say it.
    output : Path
        Folder for the figure and its numbers.

    Returns
    -------
    TableComparison
        Statistics of other minus ours, by column; notes.

    Raises
    ------
    ValueError
        If a column is unknown, not numeric or of another dimension, or no star is in both.
    """
    directory = current_version(directory)
    manifest, catalog = Manifest.read(directory), Catalog.read(directory)
    matched = match_table(catalog, str(directory), path, columns)
    table, rows = catalog.table, matched.rows
    stars = np.unique(table["star"].to_numpy()[rows]).size if "star" in table else matched.other_rows
    statistics = write_comparison(
        output,
        f"{manifest.name} against {path.name}: {rows.size:,} pairs of rows of {stars:,} stars in both",
        ("catalogue", path.stem),
        table.iloc[rows][["obsid"]],
        matched.quantities,
        {"all": np.ones(rows.size, bool)},
        simulated=manifest.simulated or matched.simulated,
        notes=matched.notes,
    )
    return TableComparison(statistics, matched.notes)


def match_table(catalog: Catalog, called: str, path: Path, columns: Mapping[str, str]) -> MatchedTable:
    """Values of another table for the stars of a catalogue; see :func:`compare_with_table`.

    Parameters
    ----------
    catalog : Catalog
        Our stars.
    called : str
        What messages call it.
    path : Path
        The other table.
    columns : mapping of str to str
        The other table's column for each of ours.

    Raises
    ------
    ValueError
        If a column is unknown, not numeric or of another dimension, or no star is in both.
    """
    table, known = catalog.table, {item.name: item for item in catalog.columns}
    other = open_table(path)
    identity = Identity(other)
    for ours, theirs in columns.items():
        _need(ours, [name for name, item in known.items() if item.is_numeric], f"numeric column of {called}")
        name, _ = _spelled(other, theirs)
        _need(name, other.names, f"column of {path.name}")
        if other.by_name[name].kind in ("array", "bool"):
            raise TableError(f"{path.name}: column {name!r} holds no numbers, one a row.")
    needed = [*identity.names, *(_spelled(other, theirs)[0] for theirs in columns.values())]
    raw = other.read(list(dict.fromkeys(needed)))
    notes: list[str] = []
    if other.skipped:
        notes.append(f"{len(other.skipped):,} rows of {path.name} are left out: {other.skipped[0]}")
    pairs = _matched(table, identity, raw, path.name, notes)
    making = Making(other, raw, np.ones(len(raw), bool))
    quantities = [_compared(making, known[ours], theirs, table[ours], pairs, notes) for ours, theirs in columns.items()]
    notes += making.notes
    return MatchedTable(path.name, tuple(quantities), pairs.ours, pairs.rows, other.simulated, tuple(notes))


def recognised_columns(path: Path, wanted: Sequence[str]) -> dict[str, str]:
    """Columns of a table that are known to hold quantities of ours, by schema, UCD or exact name.

    Parameters
    ----------
    path : Path
        The table.
    wanted : sequence of str
        Names of ours.

    Returns
    -------
    dict of str to str
        The table's column for each of ours that it has.
    """
    recipes = recognise(open_table(path)).recipes
    return {name: recipes[name].columns[0] for name in wanted if name in recipes and len(recipes[name].columns) == 1}


def _spelled(other: TableFile, theirs: str) -> tuple[str, str]:
    """Parse name and unit of a column given as ``NAME [unit]``."""
    parts = _WITH_UNIT.fullmatch(theirs)
    return (theirs, "") if theirs in other.names or parts is None else (parts["name"], parts["unit"])


def _need(name: str, known: Sequence[str], what: str) -> None:
    if name not in known:
        longer = [item for item in known if item.startswith(f"{name}_") and not item.startswith(f"{name}_err")]
        near = (longer or get_close_matches(name, known, 1) or get_close_matches(name.upper(), known, 1))[:1]
        hint = f" Did you mean {near[0]!r}?" if near else f" There are {shown(known)}."
        raise ValueError(f"{name!r} is no {what}.{hint}")


def _compared(
    making: Making, declared: Column, theirs: str, ours: pd.Series, pairs: _Pairs, notes: list[str]
) -> Compared:
    """Both values of each pair; ignored ones are counted."""
    name, unit = _spelled(making.table, theirs)
    recipe = recipe_of(making.table, name, declared.name)
    if unit:
        recipe = replace(recipe, unit=unit, why="configured")
    try:
        made = make_values(making, declared, recipe)
    except TableError as error:
        words, sign, _ = str(error).partition(" columns = {")
        hint = f" --column '{declared.name}={name} [unit]'." if sign else ""
        raise TableError(f"{words}{hint}") from None
    if made is None:
        raise TableError(making.notes[-1])
    other = _numbers(made, declared)
    report = making.reports[-1]
    for count, what in ((report.sentinels, "mean missing"), (report.outside, "are outside the valid range")):
        if count:
            notes.append(f"{count:,} of {other.size:,} values of {theirs} {what} and are left out")
    if recipe.operation == "redshift":
        notes.append(f"{theirs} is a redshift: velocities are c z")
    return Compared(declared, _numbers(ours, declared)[pairs.ours], other[pairs.theirs])


def _numbers(values: pd.Series | NDArray[np.generic], declared: Column) -> NDArray[np.float64]:
    numbers = np.array(values, np.float64)
    if not declared.is_float and declared.unknown is not None:
        numbers[numbers == declared.unknown] = np.nan
    return numbers


def _matched(table: pd.DataFrame, identity: Identity, raw: pd.DataFrame, name: str, notes: list[str]) -> _Pairs:
    """Rows of the same stars, by the column of identifiers with most matches, else by position."""
    columns = identity.id_columns(raw, [ours for ours in IDENTIFIERS if ours in table])
    tried: list[_Pairs] = []
    for column in columns:
        lost = int(column.identifiers.lost.sum())
        if lost:
            notes.append(
                f"{lost:,} of {len(raw):,} identifiers in {column.name} have lost digits as decimal numbers and are "
                "not used; write the column as integers or as text"
            )
        tried.append(
            _Pairs(*pairs_by_id(table[column.ours].to_numpy(np.int64), column.identifiers.numbers), column.name)
        )
    best = max(tried, key=lambda pairs: pairs.rows, default=None)
    on_sky = None
    if best is None or best.rows < _TRUSTED_SHARE * len(raw):
        on_sky = _on_sky(table, identity, raw, needed=best is None or not best.rows)
        if on_sky is not None and (best is None or best.rows < _TRUSTED_SHARE * on_sky.rows):
            best = on_sky
    if best is None or not best.rows:
        words = _no_star(name, [column.name for column in columns], tried_sky=on_sky is not None)
        raise ValueError(" ".join([words, *(f"{note}." for note in notes)]))
    notes.append(f"{best.rows:,} of {len(raw):,} rows of {name} match {best.ours.size:,} observations by {best.by}")
    worse = [pairs for pairs in tried if pairs is not best and pairs.rows < best.rows]
    notes += [f"{pairs.by} matches {pairs.rows:,} rows and is not used" for pairs in worse]
    return best


def _on_sky(table: pd.DataFrame, identity: Identity, raw: pd.DataFrame, *, needed: bool) -> _Pairs | None:
    """Pairs by position; None if the other table has no positions."""
    try:
        at = identity.positions(raw)
    except TableError:
        if needed:
            raise
        return None
    if at is None or not placed(at.ra, at.dec).size:
        return None
    ra, dec = (table[name].to_numpy(np.float64) for name in ("ra", "dec"))
    by = f"{' and '.join(at.columns)} within {MATCH_ARCSEC:g} arcsec"
    return _Pairs(*pairs_within(ra, dec, at.ra, at.dec, MATCH_ARCSEC), by)


def _no_star(name: str, ids: Sequence[str], *, tried_sky: bool) -> str:
    if tried_sky:
        also = f", and no identifier ({shown(ids)}) is shared" if ids else ""
        return f"No star of {name} lies within {MATCH_ARCSEC:g} arcsec of one of the catalogue{also}."
    if ids:
        return f"{name}: no identifier ({shown(ids)}) is in the catalogue, and it has no ra and dec."
    return f"{name} shares no obsid or gaia_source_id with the catalogue, and has no ra and dec."
