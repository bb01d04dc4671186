"""One star table from several: rows of each table find their stars by identifier or position, values fill the gaps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import ConfigError, SourceConfig
from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME, in_published_order
from pipeline.domain.own_columns import own_column, source_name
from pipeline.science.crossmatch import Match, Side, match
from pipeline.sources.tables.identifiers import derived_obsids
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.star_columns import StarColumns, read_stars

Reject = tuple[str, int, str, str]

SPECTRA_EPOCH_YR = 2000.0
"""LAMOST's headers hold positions of input catalogues at J2000, without proper motion."""

_AS_REFERENCE = {
    **{name: f"{name}_ref" for name in ("teff", "logg", "m_h", "alpha_m", "rv")},
    **{f"{name}_err": f"{name}_ref_err" for name in ("teff", "logg", "m_h", "alpha_m", "rv")},
    "snr": "snr_ref",
}
_AS_INPUT = {"rv": "rv_input", "m_h": "m_h_input", "distance": "distance_input"}
_POSITIONS = ("ra", "dec", "glon", "glat")
_NOT_MERGED = ("obsid", "source_file", "obsid_source", "star", "n_obs", "in_training")
"""Columns of the base that a joined table never changes."""


@dataclass
class StarTable:
    """Stars in the making.

    Parameters
    ----------
    frame : DataFrame
        Contract columns, then own columns; one row an observation.
    own : list of Column
        The own columns.
    epoch_yr : ndarray, shape (n,)
        Julian year of the positions, NaN where unknown.
    rejects : list of tuple
        (source, obsid, code, reason) of rows that cannot be used.
    tables : list of dict
        For the manifest: what was understood of each table, and how it was matched.
    rows_read : int
        Rows of all files.
    simulated : list of str
        Files that say they are simulated.
    """

    frame: pd.DataFrame
    own: list[Column] = field(default_factory=list)
    epoch_yr: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    rejects: list[Reject] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    rows_read: int = 0
    simulated: list[str] = field(default_factory=list)


def read_table(source: SourceConfig, path: Path, *, measured: Collection[str], has_spectra: bool) -> StarColumns:
    """Read one table of a configuration.

    Parameters
    ----------
    source : SourceConfig
        What the user says of it.
    path : Path
        The file.
    measured : collection of str
        Columns that the stages of this build measure.
    has_spectra : bool
        Whether there are spectra to measure them from: then a table's own values of them are carried along.

    Raises
    ------
    TableError
        If it cannot be read or understood.
    """
    table = open_table(path)
    keep = source.keep if isinstance(source.keep, bool) or source.keep else None
    found = recognise(table, source.recipes, keep=keep, refused=source.refused)
    stars = read_stars(table, found, origin=source.name or path.name, epoch_yr=source.epoch or None)
    use = source.labels or ("other" if has_spectra else "finished")
    if use == "finished":
        return stars
    configured = {ours for ours, recipe in found.recipes.items() if recipe.why == "configured"}
    renamed = _AS_REFERENCE if use == "reference" else _AS_INPUT
    return _demoted(stars, renamed, set(measured) - configured, source.labels == "")


def _demoted(stars: StarColumns, renamed: dict[str, str], measured: set[str], by_default: bool) -> StarColumns:
    """Measured columns under the names of reference or input values, others as own columns."""
    frame = stars.frame
    affected = [name for name in frame.columns if name in measured and name in BY_NAME and name not in _POSITIONS]
    if renamed is _AS_REFERENCE and "snr" in frame:
        affected.append("snr")
    if not affected:
        return stars
    own, columns, notes, taken = list(stars.own), {}, [], {column.name for column in stars.own}
    for name in affected:
        target = renamed.get(name, "")
        if target and target not in frame:
            columns[name] = target
            notes.append(f"{name} is taken as {target}")
            continue
        declared = BY_NAME[name]
        made = own_column(name, declared.dtype, declared.unit, declared.ucd, declared.description, stars.name, taken)
        taken.add(made.name)
        own.append(made)
        columns[name] = made.name
        notes.append(f"{name} is carried along as {made.name}")
    frame = frame.rename(columns=columns)
    told = f"{stars.name}: {', '.join(notes)}, since it is measured here"
    if by_default and "teff" in affected:
        told += '; to train on its labels write labels = "reference"'
    order = [*in_published_order(n for n in frame.columns if n in BY_NAME), *(column.name for column in own)]
    reports = tuple(replace(report, ours=columns.get(report.ours, report.ours)) for report in stars.reports)
    return replace(stars, frame=frame[order], own=tuple(own), notes=(*stars.notes, told), reports=reports)


def base_of_table(stars: StarColumns) -> StarTable:
    """The stars of a table as they are, each with an identifier that does not depend on the order of the file.

    Raises
    ------
    ConfigError
        If no row has an identifier or a position.
    """
    frame = stars.frame.copy(deep=False)
    rejects = list(stars.rejects)
    epoch = np.full(len(frame), np.nan) if stars.epoch_yr is None else stars.epoch_yr
    usable = _usable(frame)
    if not usable.any():
        raise ConfigError(
            f"{stars.name} holds no star: no column was recognised as an identifier (obsid, Gaia source id) or a "
            "position (ra and dec, or Galactic longitude and latitude) with values. Name them: "
            'columns = {ra = "...", dec = "..."}.'
        )
    if not usable.all():
        n = int((~usable).sum())
        rejects.append((stars.name, 0, "no-position", f"{n:,} rows have neither an identifier nor a position."))
        frame, epoch = frame[usable].reset_index(drop=True), epoch[usable]
    given = frame["obsid"].to_numpy(np.int64) if "obsid" in frame else np.zeros(len(frame), np.int64)
    numbered = given > 0
    repeats = pd.Series(given).where(numbered).duplicated().to_numpy(bool) & numbered
    keys, how = _star_keys(frame)
    rest = pd.util.hash_pandas_object(frame, index=False).to_numpy(np.uint64)
    repeats |= _repeated_stars(frame, keys, rest, ~numbered)
    if repeats.any():
        rejects += _repeat_rejects(stars.name, given, repeats)
        keep = ~repeats
        frame, epoch = frame[keep].reset_index(drop=True), epoch[keep]
        given, numbered, keys, how, rest = given[keep], numbered[keep], keys[keep], how[keep], rest[keep]
    obsid = np.where(numbered, given, 0)
    if not numbered.all():
        obsid[~numbered] = derived_obsids(keys[~numbered], rest[~numbered])
    order = [n for n in frame.columns if n not in ("obsid", "obsid_source", "source_file")]
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "obsid": obsid,
                    "obsid_source": np.where(numbered, "table", how),
                    "source_file": pd.Series([stars.name], dtype="str").repeat(len(frame)).reset_index(drop=True),
                }
            ),
            frame[order],
        ],
        axis=1,
    )
    return StarTable(
        frame,
        list(stars.own),
        epoch,
        rejects,
        [stars.summary()],
        stars.rows_read,
        [stars.name] if stars.simulated else [],
    )


def _repeat_rejects(name: str, given: NDArray[np.int64], repeats: NDArray[np.bool_]) -> list[Reject]:
    most = 1000
    rows = np.flatnonzero(repeats)
    reason = "Another row of the table has the same identifier or position; the one of the best S/N is kept."
    rejects = [(name, int(given[row]), "duplicate-row", reason) for row in rows[:most]]
    if rows.size > most:
        rejects.append((name, 0, "duplicate-row", f"{rows.size - most:,} more rows repeat an identifier or position."))
    return rejects


def _usable(frame: pd.DataFrame) -> NDArray[np.bool_]:
    usable = np.zeros(len(frame), bool)
    for pair in (("ra", "dec"), ("glon", "glat")):
        if set(pair) <= set(frame.columns):
            usable |= np.isfinite(frame[list(pair)].to_numpy(np.float64)).all(axis=1)
    for name in ("obsid", "gaia_source_id", "gaia_dr2_source_id"):
        if name in frame:
            usable |= frame[name].to_numpy(np.int64) > 0
    return usable


def _star_keys(frame: pd.DataFrame) -> tuple[NDArray[np.uint64], NDArray[np.str_]]:
    """Hash of what identifies each star, the best that there is, and its name."""
    keys = np.zeros(len(frame), np.uint64)
    how = np.full(len(frame), "derived from position", dtype="U24")
    open_rows = np.ones(len(frame), bool)
    for name, words in (
        ("gaia_source_id", "derived from Gaia DR3 id"),
        ("gaia_dr2_source_id", "derived from Gaia DR2 id"),
    ):
        if name in frame:
            ids = frame[name].to_numpy(np.int64)
            rows = open_rows & (ids > 0)
            keys[rows] = pd.util.hash_array(ids[rows].astype(np.uint64))
            how[rows] = words
            open_rows &= ~rows
    for first, second in (("ra", "dec"), ("glon", "glat")):
        if first in frame and second in frame and open_rows.any():
            place = frame[[first, second]].to_numpy(np.float64)
            rows = open_rows & np.isfinite(place).all(axis=1)
            lon = np.round((place[rows, 0] % 360.0) * 1e6).astype(np.uint64)
            lat = np.round((place[rows, 1] + 90.0) * 1e6).astype(np.uint64)
            keys[rows] = pd.util.hash_array(lon * np.uint64(200_000_000) + lat)
            open_rows &= ~rows
    return keys, how


def _repeated_stars(
    frame: pd.DataFrame, keys: NDArray[np.uint64], rest: NDArray[np.uint64], rows: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Rows without an obsid whose star an equally identified row has too: the best S/N stays, whatever their order."""
    index = np.flatnonzero(rows)
    snr = frame["snr"].to_numpy(np.float64)[index] if "snr" in frame else np.zeros(index.size)
    order = np.lexsort((rest[index], -np.nan_to_num(snr, nan=-np.inf), keys[index]))
    sorted_keys = keys[index][order]
    again = np.concatenate([[False], sorted_keys[1:] == sorted_keys[:-1]])
    repeats = np.zeros(len(frame), bool)
    repeats[index[order[again]]] = True
    return repeats


def base_of_spectra(rows: Sequence[dict[str, Any]]) -> StarTable:
    """The stars of FITS spectra, from their headers."""
    frame = pd.DataFrame(rows)
    return StarTable(frame, epoch_yr=np.full(len(frame), SPECTRA_EPOCH_YR))


def side_of(frame: pd.DataFrame, epoch_yr: NDArray[np.float64] | None) -> Side:
    """What a cross-match knows of the rows of a frame."""

    def column(name: str, kind: type) -> NDArray[Any] | None:
        return frame[name].to_numpy(kind) if name in frame else None

    ra, dec = column("ra", np.float64), column("dec", np.float64)
    pmra, pmdec = column("pmra", np.float64), column("pmdec", np.float64)
    placed = ra is not None and dec is not None
    moves = placed and pmra is not None and pmdec is not None
    own = frame["obsid"].to_numpy(np.int64) if "obsid" in frame else None
    if own is not None and "obsid_source" in frame:
        own = np.where(frame["obsid_source"].str.startswith("derived from").to_numpy(bool), 0, own)
    return Side(
        obsid=own,
        gaia_dr3=column("gaia_source_id", np.int64),
        gaia_dr2=column("gaia_dr2_source_id", np.int64),
        ra=ra if placed else None,
        dec=dec if placed else None,
        pmra=pmra if moves else None,
        pmdec=pmdec if moves else None,
        epoch_yr=np.nan if epoch_yr is None else epoch_yr,
    )


def join(
    base: StarTable,
    others: Sequence[tuple[SourceConfig, StarColumns]],
    progress: Callable[[float, str], None] = lambda *_: None,
) -> StarTable:
    """Give each star the values of its rows in other tables.

    Of the tables that are left, the one with the best match (obsid, then Gaia's identifier, then the sky) comes next: a
    table joined by obsid may bring the Gaia identifiers by which the next one is joined. A value that an earlier source
    of the configuration has is kept; gaps are filled.

    Parameters
    ----------
    base : StarTable
        The stars.
    others : sequence of (SourceConfig, StarColumns)
        The tables, in the order of the configuration.
    progress : callable
        Takes the fraction done and a few words.

    Returns
    -------
    StarTable
        The same stars in the same order, then those that a source with ``unmatched = "add"`` adds.

    Raises
    ------
    ConfigError
        If a table cannot be matched as asked, or none of its rows matches a star.
    """
    left = list(range(len(others)))
    found: dict[int, tuple[StarColumns, Match]] = {}
    for done in range(len(others)):
        number = min(left, key=lambda n: (_rank(base, *others[n]), n))
        left.remove(number)
        source, stars = others[number]
        progress(done / len(others), f"matching {stars.name}")
        found[number] = stars, _matched(base, source, stars)
        base = _with_values(base, source, stars, found[number][1], earlier=number)
    return base


def _rank(base: StarTable, source: SourceConfig, stars: StarColumns) -> int:
    """0 for a match by obsid, 1 by Gaia's identifier, 2 on the sky, 3 for none yet."""
    asked = {"obsid": ("obsid",), "gaia": ("gaia_source_id", "gaia_dr2_source_id"), "sky": ("ra",)}
    names = ("obsid", "gaia_source_id", "gaia_dr2_source_id", "ra") if source.match == "best" else asked[source.match]
    ranks = {"obsid": 0, "gaia_source_id": 1, "gaia_dr2_source_id": 1, "ra": 2}
    here = [ranks[name] for name in names if name in base.frame and name in stars.frame and _has(base.frame, name)]
    return min(here, default=3)


def _has(frame: pd.DataFrame, name: str) -> bool:
    values = frame[name].to_numpy(np.float64)
    return bool((np.isfinite(values) if name == "ra" else values > 0).any())


def _matched(base: StarTable, source: SourceConfig, stars: StarColumns) -> Match:
    here, there = side_of(base.frame, base.epoch_yr), side_of(stars.frame, stars.epoch_yr)
    try:
        result = match(here, there, method=source.match, radius_arcsec=source.radius_arcsec, preferred=stars.preferred)
    except ValueError as error:
        raise ConfigError(f"{stars.name} cannot be joined: {error}") from error
    if not (result.other >= 0).any() and source.unmatched == "drop":
        raise ConfigError(_no_match(stars, here, there, source))
    return result


def _no_match(stars: StarColumns, here: Side, there: Side, source: SourceConfig) -> str:
    """Why nothing may have matched."""
    told = f"{stars.name}: none of its {len(there):,} rows matches one of the {len(here):,} stars"
    if here.ra is not None and there.ra is not None and here.placed.any() and there.placed.any():
        nearest = match(here, there, method="sky", radius_arcsec=60.0)
        apart = nearest.separation_arcsec[nearest.other >= 0]
        if not apart.size:
            return f"{told}, and none lies within 1 arcmin of one: it is a table of another part of the sky."
        return (
            f"{told} within {source.radius_arcsec:g} arcsec; the nearest are {np.min(apart):.1f} arcsec away. Is its "
            "epoch right, or radius_arcsec too small?"
        )
    return f"{told} by identifier, and it has no positions to match on the sky. Is it of another release?"


def _with_values(base: StarTable, source: SourceConfig, stars: StarColumns, found: Match, *, earlier: int) -> StarTable:
    frame, own = base.frame, list(base.own)
    rows = found.other
    merged: dict[str, Any] = {}
    filled: dict[str, int] = {}
    for name in stars.frame.columns:
        if name in _NOT_MERGED or name not in BY_NAME:
            continue
        values = take_declared(stars.frame[name], rows, BY_NAME[name])
        if name in frame:
            values, filled[name] = _filled(frame[name], values, BY_NAME[name])
        merged[name] = values
    taken = {column.name for column in own}
    for column in stars.own:
        values, dtype = take_own(stars.frame[column.name], rows)
        named = column
        if column.name in taken or dtype != column.dtype:
            free = column.name if column.name not in taken else ""
            named = replace(column, dtype=dtype, name=free or _free_name(column, source.name or stars.name, taken))
        taken.add(named.name)
        own.append(named)
        merged[named.name] = values
    for column, values in _match_columns(source.name or stars.name, found, taken):
        own.append(column)
        taken.add(column.name)
        merged[column.name] = values
    kept = [name for name in frame.columns if name not in merged]
    joined = pd.concat([frame[kept], pd.DataFrame(merged, index=frame.index)], axis=1)
    summary = stars.summary() | {"match": dict(found.summary), "filled": filled, "order": earlier}
    result = StarTable(
        _ordered(joined, own),
        own,
        base.epoch_yr,
        [*base.rejects, *stars.rejects],
        [*base.tables, summary],
        base.rows_read + stars.rows_read,
        [*base.simulated, *([stars.name] if stars.simulated else [])],
    )
    return _with_new_stars(result, stars, found) if source.unmatched == "add" else result


def _ordered(frame: pd.DataFrame, own: Sequence[Column]) -> pd.DataFrame:
    """Contract columns in published order, then the own ones."""
    declared = in_published_order(name for name in frame.columns if name in BY_NAME)
    return frame[[*declared, *(column.name for column in own)]]


def _free_name(column: Column, origin: str, taken: Collection[str]) -> str:
    return own_column(column.label, column.dtype, "", "", "", origin, taken).name


def take_declared(values: pd.Series, rows: NDArray[np.int64], declared: Column) -> pd.Series:
    """Values of matched rows, what means missing for others."""
    if not len(values):
        raise ValueError("a table without rows is refused before")
    taken = values.take(np.maximum(rows, 0)).reset_index(drop=True)
    missing = rows < 0
    if declared.is_float:
        return taken.astype(declared.dtype).mask(missing)
    if declared.dtype == "str":
        return taken.astype("str").mask(missing, "")
    if declared.dtype == "bool":
        return taken.astype("bool") & ~missing
    return taken.mask(missing, 0 if declared.unknown is None else declared.unknown).astype(declared.dtype)


def take_own(values: pd.Series, rows: NDArray[np.int64]) -> tuple[pd.Series, str]:
    """Values of an own column of matched rows, and their type: whole numbers with gaps become decimals, or text."""
    taken = values.take(np.maximum(rows, 0)).reset_index(drop=True)
    missing = rows < 0
    if pd.api.types.is_float_dtype(taken.dtype):
        return taken.mask(missing), str(taken.dtype)
    if pd.api.types.is_string_dtype(taken.dtype):
        return taken.astype("str").mask(missing, ""), "str"
    if not missing.any():
        return taken, str(taken.dtype)
    if pd.api.types.is_bool_dtype(taken.dtype):
        return taken.map({True: "true", False: "false"}).astype("str").mask(missing, ""), "str"
    if taken.abs().max() < 2**53:
        return taken.astype("float64").mask(missing), "float64"
    return taken.astype("str").mask(missing, ""), "str"


def _filled(here: pd.Series, there: pd.Series, declared: Column) -> tuple[pd.Series, int]:
    """Values that are there, gaps filled from another source; how many were."""
    if declared.dtype == "bool":
        return here.astype("bool") | there.astype("bool").to_numpy(), 0
    if declared.is_float:
        gap = here.isna() & there.notna()
    elif declared.dtype == "str":
        gap = (here.fillna("") == "") & (there != "")
    else:
        unknown = 0 if declared.unknown is None else declared.unknown
        gap = (here == unknown) & (there != unknown)
    gap_rows = gap.to_numpy(bool)
    return here.where(~gap_rows, there), int(gap_rows.sum())


def _match_columns(origin: str, found: Match, taken: Collection[str]) -> list[tuple[Column, Any]]:
    """How each star was matched: method, separation, candidates."""
    word = source_name(origin)
    texts = (
        ("match", "str", "", "meta.note", "how its row was found: obsid, gaia, sky, or empty", found.method),
        ("sep", "float32", "arcsec", "pos.angDistance", "separation", found.separation_arcsec.astype(np.float32)),
        ("candidates", "int16", "", "meta.number", "rows that could have been chosen", found.candidates),
    )
    made = []
    used = set(taken)
    for name, dtype, unit, ucd, description, values in texts:
        column = own_column(f"{word} {name}", dtype, unit, ucd, f"Match with {origin}: {description}", origin, used)
        used.add(column.name)
        series = pd.Series(values, dtype="str") if dtype == "str" else pd.Series(values)
        made.append((column, series))
    return made


def _with_new_stars(base: StarTable, stars: StarColumns, found: Match) -> StarTable:
    """Rows that match no star become stars, where they have an identifier or a position of their own."""
    used = np.zeros(len(stars.frame), bool)
    used[found.other[found.other >= 0]] = True
    if used.all():
        return base
    keep = np.flatnonzero(~used)
    left = replace(
        stars,
        frame=stars.frame.take(keep).reset_index(drop=True),
        epoch_yr=None if stars.epoch_yr is None else stars.epoch_yr[keep],
        rejects=[],
        rows_read=0,
    )
    new = base_of_table(left)
    known = set(base.frame["obsid"].tolist())
    fresh = ~new.frame["obsid"].isin(known).to_numpy(bool)
    frame = new.frame[fresh].reset_index(drop=True)
    parts = {}
    for name in base.frame.columns:
        parts[name] = _appended(base, name, frame)
    return replace(
        base,
        frame=_ordered(
            pd.DataFrame(
                parts | {n: _prepended(base, n, frame) for n in frame.columns if n not in parts and n in BY_NAME}
            ),
            base.own,
        ),
        epoch_yr=np.concatenate([base.epoch_yr, new.epoch_yr[fresh]]),
        rejects=[*base.rejects, *new.rejects],
    )


def _appended(base: StarTable, name: str, new: pd.DataFrame) -> pd.Series:
    here = base.frame[name]
    if name in new:
        if str(new[name].dtype) == str(here.dtype):
            return pd.concat([here, new[name]], ignore_index=True)
        there = new[name].astype("str" if pd.api.types.is_string_dtype(here.dtype) else here.dtype)
        return pd.concat([here, there], ignore_index=True)
    gap: Any = np.nan
    if pd.api.types.is_string_dtype(here.dtype):
        gap = ""
    elif pd.api.types.is_bool_dtype(here.dtype):
        gap = False
    elif pd.api.types.is_integer_dtype(here.dtype):
        gap = BY_NAME[name].unknown or 0 if name in BY_NAME else 0
    return pd.concat([here, pd.Series([gap] * len(new), dtype=here.dtype)], ignore_index=True)


def _prepended(base: StarTable, name: str, new: pd.DataFrame) -> pd.Series:
    values = take_declared(new[name], np.full(len(base.frame), -1), BY_NAME[name])
    return pd.concat([values, new[name]], ignore_index=True)
