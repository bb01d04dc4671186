"""Uploaded member lists: identifiers or positions of any table, as a selection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from explorer.model.selection import InIds, SelectionError
from explorer.model.table import StarTable
from pipeline.science.crossmatch.neighbours import placed, unit_vectors
from pipeline.sources.tables.identity import IdColumn, Identity, Positions
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import IDENTIFIERS
from pipeline.sources.tables.table_file import Limits, TableError, TableFile

MAX_BYTES = 16_000_000
LIMITS = Limits(max_bytes=MAX_BYTES, max_rows=MAX_BYTES // 8, max_columns=2000)
"""Limits of a list, also after unpacking."""

RADIUS_ARCSEC = 1.0
"""Match radius of positions in arcseconds."""

_TRUSTED_SHARE = 0.5
"""Minimum ratio of rows matched by identifiers to rows matched by positions."""

_BLOCK = 1_000_000
_NUMBERS_ALONE = re.compile(rb"[\d\s,;]+")
_SEPARATORS = bytes.maketrans(b" ,;\t", b"\n\n\n\n")


@dataclass(frozen=True)
class Members:
    """Content of a member list.

    Parameters
    ----------
    selection : InIds
        Observations of the catalogue that it names: all of each star.
    sentence : str
        Numbers of matched and given entries, and the column used.
    """

    selection: InIds
    sentence: str


@dataclass(frozen=True)
class _Matched:
    """Result of one way of matching.

    Parameters
    ----------
    stars : ndarray of int
        Rows of the catalogue.
    rows : int
        Rows of the list that match.
    sentence : str
        Sentence to show.
    """

    stars: NDArray[np.intp]
    rows: int
    sentence: str


def read_members(data: bytes, table: StarTable) -> Members:
    """Read a member list.

    Of several columns of identifiers the one that matches most rows decides; positions do where identifiers match
    fewer than half as many rows.

    Parameters
    ----------
    data : bytes
        A table in any format that :func:`pipeline.sources.tables.reader.open_table` knows, with a column of obsid or
        Gaia source id, or a pair of RA and Dec; or identifiers alone, in lines or in one line.
    table : StarTable
        The catalogue.

    Raises
    ------
    SelectionError
        With the reason and the remedy; the content of the list is never quoted.
    """
    if len(data) > MAX_BYTES:
        raise SelectionError(f"The list has {len(data):,} bytes; at most {MAX_BYTES:,} are read. Leave columns out.")
    try:
        source = open_table(_split_shared_lines(data), "The list", LIMITS)
        identity = Identity(source)
        raw = source.read(identity.names) if identity.names else pd.DataFrame()
        columns = identity.id_columns(raw, [name for name in IDENTIFIERS if name in table])
    except TableError as error:
        raise SelectionError(str(error)) from None
    result = [_by_id(column, table) for column in columns if (column.identifiers.numbers > 0).any()]
    best = max(result, key=lambda item: item.rows, default=None)
    if best is None or best.rows < _TRUSTED_SHARE * len(raw):
        on_sky = _on_sky(identity, raw, table, needed=not columns)
        if on_sky is not None and (best is None or best.rows < _TRUSTED_SHARE * on_sky.rows):
            tried = ", ".join(dict.fromkeys(_called(column) for column in columns))
            least = f" The identifiers ({tried}) match {best.rows if best else 0:,} rows." if tried else ""
            best = _Matched(on_sky.stars, on_sky.rows, on_sky.sentence + least)
    if best is None:
        raise SelectionError(_nothing(source, columns))
    return Members(InIds(tuple(int(obsid) for obsid in table["obsid"][best.stars])), best.sentence + _skipped(source))


def _split_shared_lines(data: bytes) -> bytes:
    """Put identifiers that share lines on lines of their own; other data are unchanged."""
    if _NUMBERS_ALONE.fullmatch(data) is None:
        return data
    lines = data[: 1 << 16].splitlines()[:100]
    shared = any(len(line.translate(_SEPARATORS).split()) > 1 for line in lines)
    return data.translate(_SEPARATORS) if shared else data


def _called(column: IdColumn) -> str:
    """Name of a column for messages; the catalogue's name if the list has no header."""
    return column.ours if re.fullmatch(r"column\d+", column.name) else column.name


def _by_id(column: IdColumn, table: StarTable) -> _Matched:
    numbers = column.identifiers.numbers
    different = np.unique(numbers[numbers > 0])
    known = np.isin(different, table[column.ours])
    stars = np.flatnonzero(np.isin(table[column.ours], different[known]))
    matched = int(known.sum())
    sentence = f"{matched:,} of {different.size:,} identifiers ({_called(column)}) are in the catalogue."
    if stars.size != matched:
        sentence += f" They have {stars.size:,} observations."
    rounded = int(column.identifiers.lost.sum())
    others = int((numbers <= 0).sum()) - rounded
    if others:
        sentence += f" Left out as no identifiers: {others:,}."
    if rounded:
        sentence += f" Left out as decimal numbers that have lost their last digits: {rounded:,}; "
        sentence += "save the column as integers or as text."
    return _Matched(stars, int(np.isin(numbers, different[known]).sum()), sentence)


def _on_sky(identity: Identity, raw: pd.DataFrame, table: StarTable, *, needed: bool) -> _Matched | None:
    """The match by position; None if the list or the catalogue has no positions."""
    if "ra" not in table or "dec" not in table:
        return None
    try:
        at = identity.positions(raw)
    except TableError:  # its message quotes columns of the list
        if not needed:
            return None
        raise SelectionError(
            "The positions of the list cannot be used. Write RA and Dec in degrees, in one pair of columns ra and dec."
        ) from None
    if at is None or not placed(at.ra, at.dec).size:
        return None
    return _by_position(at, table)


def _by_position(at: Positions, table: StarTable) -> _Matched:
    here = placed(at.ra, at.dec)
    vectors = unit_vectors(at.ra[here], at.dec[here])
    radius = np.radians(RADIUS_ARCSEC / 3600.0)
    different = ~pd.DataFrame({"ra": at.ra[here], "dec": at.dec[here]}).duplicated().to_numpy(bool)
    tree = cKDTree(vectors[different])  # a tree of one position a million times would be slow
    near = [np.empty(0, np.intp)]
    for start in range(0, table.n_stars, _BLOCK):
        ra, dec = (np.asarray(table[name][start : start + _BLOCK], np.float64) for name in ("ra", "dec"))
        rows = placed(ra, dec)
        away, _ = tree.query(unit_vectors(ra[rows], dec[rows]), distance_upper_bound=radius)
        near.append(start + rows[np.isfinite(away)])
    stars = np.concatenate(near)
    matched = 0
    if stars.size:
        result = unit_vectors(np.asarray(table["ra"][stars], np.float64), np.asarray(table["dec"][stars], np.float64))
        away, _ = cKDTree(result).query(vectors, distance_upper_bound=radius)
        matched = int(np.isfinite(away).sum())
    sentence = f"{matched:,} of {here.size:,} positions lie within {RADIUS_ARCSEC:g} arcsec of a star."
    if stars.size != matched:
        sentence += f" They have {stars.size:,} observations."
    if at.ra.size > here.size:
        sentence += f" Left out without a position: {at.ra.size - here.size:,}."
    return _Matched(stars, matched, sentence)


def _nothing(source: TableFile, columns: Sequence[IdColumn]) -> str:
    """Why nothing of a list can be matched."""
    if not columns:
        return (
            f"The list has no column obsid, source_id, or ra and dec with values among its {len(source.fields):,} "
            "columns. Name one so."
        )
    worst = max(columns, key=lambda column: int(column.identifiers.lost.sum()))
    lost, rows = int(worst.identifiers.lost.sum()), worst.identifiers.numbers.size
    if lost:
        return (
            f"The column {_called(worst)} holds decimal numbers that have lost their last digits ({lost:,} of {rows:,} "
            "values). Save it as integers or as text."
        )
    result = "" if rows else " because it is empty"
    return f"The column {_called(worst)} holds no whole number{result}. Write one identifier a row."


def _skipped(source: TableFile) -> str:
    count = len(source.skipped)
    return f" Left out as rows with another number of cells: {count:,}." if count else ""
