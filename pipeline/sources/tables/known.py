"""Known survey tables, each turned into contract names and units, sentinels into NaN."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.units import UnitsWarning

GARBAGE_VELOCITY_KMS = 600.0
"""Velocities beyond this in the DR4 table are failures of its pipeline (the largest is -150,322 km/s)."""

DUPLICATE_ARCSEC = 2.0
"""Rows of different tables closer than this are one star."""

DR4_IDENTIFIER_START = 2_000_000_000_000_000
"""The DR4 table has no obsid; a row's identifier is this plus its line."""

Reject = tuple[str, int, str, str]


@dataclass(frozen=True)
class StarTable:
    """Stars of one table, and what could not be used.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a star under contract names.
    rejects : list of tuple
        (source, obsid, code, reason).
    rows_read : int
        Rows of the file.
    """

    table: pd.DataFrame
    rejects: list[Reject]
    rows_read: int


def read_lamost_dr4(path: Path) -> StarTable:
    """The LAMOST DR4 M giants. Columns ``ej``, ``eh``, ``ek`` are extinctions of no standard law: they are not used."""
    raw = pd.read_csv(path)
    table = _dr4_columns(raw, path)
    table["obsid"] = DR4_IDENTIFIER_START + np.arange(len(raw))
    table["obsid_source"] = "row of the table"
    return _without_unusable(table, path, len(raw))


def read_dr4_gaia(path: Path) -> StarTable:
    """The 745 of them with Gaia DR3 proper motions (G < 10): the same rows, matched back by position."""
    raw = pd.read_csv(path, dtype={"gaia_source_id": "int64"})
    table = _dr4_columns(raw, path)
    table["obsid"] = 0
    table["obsid_source"] = "row of the table"
    for name in ("gaia_source_id", "g_mag", "pmra", "pmdec"):
        table[name] = raw[name]
    return StarTable(table, [], len(raw))


def read_sagittarius_giants(path: Path) -> StarTable:
    """The 195 Sagittarius-stream M giants of LAMOST DR5 with Gaia DR2."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)
        raw = Table.read(path)

    def numbers(name: str) -> np.ndarray:
        values = np.asarray(np.ma.filled(np.ma.asarray(raw[name]).astype(float), np.nan), float)
        return np.where(np.abs(values) >= 999.0, np.nan, values) if name.startswith("sgr") else values

    def words(name: str) -> list[str]:
        return [str(value).strip() for value in np.ma.filled(np.ma.asarray(raw[name]).astype(str), "")]

    table = pd.DataFrame(
        {
            "obsid": np.asarray(raw["obsid"]).astype(np.int64),
            "gaia_source_id": np.asarray(raw["source_id_1"]).astype(np.int64),
            "ra": numbers("ra"),
            "dec": numbers("dec"),
            "designation": ["LAMOST " + name for name in words("designation")],
            "obsid_source": "table",
            "source_file": path.name,
            "plan_id": words("planid"),
            "spectrograph_id": np.asarray(raw["spid"]).astype(np.int16),
            "fiber_id": np.asarray(raw["fiberid"]).astype(np.int16),
            "lmjd": np.asarray(raw["lmjd"]).astype(np.int32),
            "subclass": words("subclass"),
            "snr": numbers("sgr_dr4.sn"),
            "rv_input": numbers("rv_2"),
            "m_h_input": numbers("sgr_dr4.feh"),
            "distance_input": numbers("sgr_dr4.dist"),
            "j_mag": numbers("Jmag_2mass"),
            "h_mag": numbers("Hmag_2mass"),
            "k_mag": numbers("Kmag_2mass"),
            "j_mag_err": numbers("e_Jmag_2mass"),
            "h_mag_err": numbers("e_Hmag_2mass"),
            "k_mag_err": numbers("e_Kmag_2mass"),
            "w1_mag": numbers("W1mag_wise"),
            "w2_mag": numbers("W2mag_wise"),
            "g_mag": numbers("phot_g_mean_mag"),
            "bp_rp": numbers("bp_rp"),
            "parallax": numbers("parallax"),
            "parallax_err": numbers("parallax_error"),
            "pmra": numbers("pmra"),
            "pmra_err": numbers("pmra_error"),
            "pmdec": numbers("pmdec"),
            "pmdec_err": numbers("pmdec_error"),
        }
    )
    return _without_unusable(table, path, len(raw))


READERS: dict[str, Callable[[Path], StarTable]] = {
    "lamost_dr4_mgiants.csv": read_lamost_dr4,
    "lamost_dr4_mgiants_x_gaia_dr3_bright.csv": read_dr4_gaia,
    "sgr_mgiants_lamost_dr5_gaia_dr2.fits": read_sagittarius_giants,
}
"""Reader of each known table, by file name."""


def read_tables(paths: list[Path]) -> StarTable:
    """Read known tables and join rows of one star.

    A later table's row within 2 arcsec of an earlier one's is the same star: its values override the earlier row's.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file has no reader.
    """
    joined: pd.DataFrame | None = None
    rejects: list[Reject] = []
    rows_read = 0
    for path in paths:
        if path.name not in READERS:
            raise ValueError(f"No reader for the table {path.name}; known are {', '.join(READERS)}.")
        if not path.is_file():
            raise FileNotFoundError(f"The table {path} does not exist. Set MGIANT_DATA to the folder that holds it.")
        read = READERS[path.name](path)
        rejects += read.rejects
        rows_read += read.rows_read
        joined = read.table if joined is None else _join(joined, read.table, path.name, rejects)
    if joined is None:
        raise ValueError("input.tables names no table.")
    return StarTable(joined.reset_index(drop=True), rejects, rows_read)


def _join(first: pd.DataFrame, second: pd.DataFrame, name: str, rejects: list[Reject]) -> pd.DataFrame:
    here, there = (SkyCoord(t["ra"].to_numpy() * u.deg, t["dec"].to_numpy() * u.deg) for t in (second, first))
    nearest, separation, _ = here.match_to_catalog_sky(there)
    same = separation.to_value(u.arcsec) < DUPLICATE_ARCSEC
    merged = first.copy()
    for column in second.columns:
        if column not in merged:
            merged[column] = pd.Series(0, merged.index, "int64") if second[column].dtype.kind == "i" else None
            if second[column].dtype.kind == "f":
                merged[column] = np.nan
    for row in np.flatnonzero(same):
        values = second.iloc[row].dropna()
        values = values[[key for key in values.index if not (key == "obsid" and values[key] == 0)]]
        merged.loc[merged.index[nearest[row]], values.index] = values
    lone = second[~same]
    unnamed = lone["obsid"] == 0
    rejects += [
        (
            name,
            0,
            "no-counterpart",
            f"Row at RA {star.ra:.5f}, Dec {star.dec:.5f} has no counterpart in the main table.",
        )
        for star in lone[unnamed].itertuples()
    ]
    return pd.concat([merged, lone[~unnamed]], ignore_index=True) if (~unnamed).any() else merged


def _dr4_columns(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "gaia_source_id": np.zeros(len(raw), np.int64),
            "ra": raw["ra"],
            "dec": raw["dec"],
            "source_file": path.name,
            "snr": raw["sn"],
            "rv_input": raw["rv"].where(raw["rv"].abs() <= GARBAGE_VELOCITY_KMS),
            "m_h_input": raw["feh"].where(raw["feh"] < 900.0),
            "distance_input": raw["dist"].where(raw["dist"] > 0.0),
            "j_mag": raw["j"],
            "h_mag": raw["h"],
            "k_mag": raw["k"],
        }
    )
    table["designation"] = ""
    return table


def _without_unusable(table: pd.DataFrame, path: Path, rows_read: int) -> StarTable:
    """Set apart rows without a position or without J and Ks, and exact repeats of a position."""
    no_position = ~np.isfinite(table["ra"]) | ~np.isfinite(table["dec"])
    no_photometry = ~np.isfinite(table["j_mag"]) | ~np.isfinite(table["k_mag"])
    repeated = table.duplicated(["ra", "dec"], keep="first")
    rejects: list[Reject] = []
    dropped = pd.Series(False, table.index)
    for where, code, reason in (
        (no_position, "no-position", "The row has no finite RA and Dec."),
        (no_photometry, "no-photometry", "The row has no finite J and Ks, so it can have no distance."),
        (repeated, "duplicate-row", "Another row of the table has the same position."),
    ):
        new = where & ~dropped
        rejects += [(path.name, int(obsid), code, reason) for obsid in table.loc[new, "obsid"]]
        dropped |= where
    return StarTable(table[~dropped].reset_index(drop=True), rejects, rows_read)
