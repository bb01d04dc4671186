"""Joining of tables: rows are matched to stars by identifier or position, and values fill gaps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import ConfigError, SourceConfig
from pipeline.domain.column import Column, DType
from pipeline.domain.columns import BY_NAME, given_under, in_published_order, names_at
from pipeline.domain.own_columns import own_column, source_name
from pipeline.science.crossmatch import Match, Side, match
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.star_columns import StarColumns, read_stars
from pipeline.stages.star_table import StarTable, base_of_table
from pipeline.stages.taken_values import filled, take_declared, take_own

_AS_REFERENCE, _AS_INPUT = given_under("reference"), given_under("input")
_POSITIONS, _NOT_MERGED = names_at("position"), names_at("base")


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
    recognition = recognise(table, source.recipes, keep=keep, refused=source.refused)
    stars = read_stars(table, recognition, origin=source.name or path.name, epoch_yr=source.epoch or None)
    use = source.labels or ("other" if has_spectra else "finished")
    if use == "finished":
        return stars
    configured = {ours for ours, recipe in recognition.recipes.items() if recipe.why == "configured"}
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
    note = f"{stars.name}: {', '.join(notes)}, since it is measured here"
    if by_default and "teff" in affected:
        note += '; to train on its labels write labels = "reference"'
    order = [*in_published_order(n for n in frame.columns if n in BY_NAME), *(column.name for column in own)]
    reports = tuple(replace(report, ours=columns.get(report.ours, report.ours)) for report in stars.reports)
    return replace(stars, frame=frame[order], own=tuple(own), notes=(*stars.notes, note), reports=reports)


def side_of(frame: pd.DataFrame, epoch_yr: NDArray[np.float64] | None) -> Side:
    """Side of a cross-match with the rows of a frame."""

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
    """Add to each star the values of its rows in other tables.

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
        If a table cannot be matched as configured, or none of its rows matches a star.
    """
    left = list(range(len(others)))
    matches: dict[int, tuple[StarColumns, Match]] = {}
    for done in range(len(others)):
        number = min(left, key=lambda n: (_rank(base, *others[n]), n))
        left.remove(number)
        source, stars = others[number]
        progress(done / len(others), f"matching {stars.name}")
        matches[number] = stars, _matched(base, source, stars)
        base = _with_values(base, source, stars, matches[number][1], earlier=number)
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
    """Message about a table without a match, with the likely reason."""
    text = f"{stars.name}: none of its {len(there):,} rows matches one of the {len(here):,} stars"
    if here.ra is not None and there.ra is not None and here.placed.any() and there.placed.any():
        nearest = match(here, there, method="sky", radius_arcsec=60.0)
        apart = nearest.separation_arcsec[nearest.other >= 0]
        if not apart.size:
            return f"{text}, and none lies within 1 arcmin of one: it is of another part of the sky. Leave it out."
        return (
            f"{text} within {source.radius_arcsec:g} arcsec; the nearest are {np.min(apart):.1f} arcsec away. Is its "
            "epoch right, or radius_arcsec too small?"
        )
    return f"{text} by identifier, and it has no positions to match on the sky. Is it of another release?"


def _with_values(
    base: StarTable, source: SourceConfig, stars: StarColumns, matched: Match, *, earlier: int
) -> StarTable:
    frame, own = base.frame, list(base.own)
    rows = matched.other
    merged: dict[str, Any] = {}
    gaps: dict[str, int] = {}
    for name in stars.frame.columns:
        if name in _NOT_MERGED or name not in BY_NAME:
            continue
        values = take_declared(stars.frame[name], rows, BY_NAME[name])
        if name in frame:
            values, gaps[name] = filled(frame[name], values, BY_NAME[name])
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
    for column, values in _match_columns(source.name or stars.name, matched, taken):
        own.append(column)
        taken.add(column.name)
        merged[column.name] = values
    if "obsid" in stars.frame:
        merged |= _with_real_obsids(frame, take_declared(stars.frame["obsid"], rows, BY_NAME["obsid"]), stars.name)
    kept = [name for name in frame.columns if name not in merged]
    joined = pd.concat([frame[kept], pd.DataFrame(merged, index=frame.index)], axis=1)
    summary = stars.summary() | {"match": dict(matched.summary), "filled": gaps, "order": earlier}
    result = StarTable(
        _ordered(joined, own),
        own,
        base.epoch_yr,
        [*base.rejects, *stars.rejects],
        [*base.tables, summary],
        base.rows_read + stars.rows_read,
        [*base.simulated, *([stars.name] if stars.simulated else [])],
    )
    return _with_new_stars(result, stars, matched) if source.unmatched == "add" else result


def _with_real_obsids(frame: pd.DataFrame, obsid: pd.Series, name: str) -> dict[str, pd.Series]:
    """The observation's own number in place of a derived one, where a matched table has it and no other row does."""
    derived = frame["obsid_source"].astype("str").str.startswith("derived from Gaia") | frame["obsid_source"].astype(
        "str"
    ).str.startswith("derived from position")
    better = derived & (obsid > 0) & ~obsid.duplicated(keep=False) & ~obsid.isin(frame["obsid"])
    return {
        "obsid": frame["obsid"].where(~better, obsid),
        "obsid_source": frame["obsid_source"].astype("str").where(~better, f"table {name}"),
    }


def _ordered(frame: pd.DataFrame, own: Sequence[Column]) -> pd.DataFrame:
    """Contract columns in published order, then the own ones."""
    declared = in_published_order(name for name in frame.columns if name in BY_NAME)
    return frame[[*declared, *(column.name for column in own)]]


def _free_name(column: Column, origin: str, taken: Collection[str]) -> str:
    return own_column(column.label, column.dtype, "", "", "", origin, taken).name


def _match_columns(origin: str, matched: Match, taken: Collection[str]) -> list[tuple[Column, Any]]:
    """How each star was matched: method, separation, candidates."""
    word = source_name(origin)
    texts: tuple[tuple[str, DType, str, str, str, Any], ...] = (
        ("match", "str", "", "meta.note", "how its row was found: obsid, gaia, sky, or empty", matched.method),
        ("sep", "float32", "arcsec", "pos.angDistance", "separation", matched.separation_arcsec.astype(np.float32)),
        ("candidates", "int16", "", "meta.number", "rows that could have been chosen", matched.candidates),
    )
    made = []
    used = set(taken)
    for name, dtype, unit, ucd, description, values in texts:
        column = own_column(f"{word} {name}", dtype, unit, ucd, f"Match with {origin}: {description}", origin, used)
        used.add(column.name)
        series = pd.Series(values, dtype="str") if dtype == "str" else pd.Series(values)
        made.append((column, series))
    return made


def _with_new_stars(base: StarTable, stars: StarColumns, matched: Match) -> StarTable:
    """Rows that match no star become stars, where they have an identifier or a position of their own."""
    used = np.zeros(len(stars.frame), bool)
    used[matched.other[matched.other >= 0]] = True
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
