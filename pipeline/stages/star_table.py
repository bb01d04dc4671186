"""The stars of a build in the making: one row an observation, each with an identifier that is its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import ConfigError
from pipeline.domain.column import Column
from pipeline.sources.tables.identifiers import derived_obsids
from pipeline.sources.tables.star_columns import StarColumns

Reject = tuple[str, int, str, str]

SPECTRA_EPOCH_YR = 2000.0
"""LAMOST's headers hold positions of input catalogues at J2000, without proper motion."""


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
    rest: NDArray[np.uint64] = np.asarray(pd.util.hash_pandas_object(frame, index=False), np.uint64)
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
    """Rows without an obsid whose star an equally identified row has too: the best S/N stays, in any order."""
    index = np.flatnonzero(rows)
    snr = frame["snr"].to_numpy(np.float64)[index] if "snr" in frame else np.zeros(index.size)
    order = np.lexsort((rest[index], -np.nan_to_num(snr, nan=-np.inf), keys[index]))
    sorted_keys = keys[index][order]
    again = np.zeros(index.size, bool)
    again[1:] = sorted_keys[1:] == sorted_keys[:-1]
    repeats = np.zeros(len(frame), bool)
    repeats[index[order[again]]] = True
    return repeats


def base_of_spectra(rows: Sequence[dict[str, Any]]) -> StarTable:
    """The stars of FITS spectra, from their headers."""
    frame = pd.DataFrame(rows)
    return StarTable(frame, epoch_yr=np.full(len(frame), SPECTRA_EPOCH_YR))
