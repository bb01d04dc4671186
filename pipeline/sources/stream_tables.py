"""Models of the Sagittarius stream: the file of Law & Majewski (2010), and tables of particles.

What is read is what an observer at the Sun sees: position, distance, proper motion, heliocentric velocity. Models were
fitted to that, each with its own place and motion of the Sun, so that it is what carries over to another frame.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME
from pipeline.domain.frames import (
    CARTESIAN,
    SPEED,
    SolarFrame,
    equatorial_to_galactic,
    galactic_to_equatorial,
    line_of_sight_gsr,
    sky_from_galactocentric,
)
from pipeline.domain.settings import StreamColumnsConfig
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import shown
from pipeline.sources.tables.sentinels import missing_numbers
from pipeline.sources.tables.table_file import TableError, TableFile
from pipeline.sources.tables.text_tables import TextTable
from pipeline.sources.tables.units import conversion

FloatArray = NDArray[np.float64]

STREAM_UNITS: dict[str, str] = {
    item.name: BY_NAME[item.name].unit if item.name in BY_NAME else "Gyr" for item in fields(StreamColumnsConfig)
}
"""Possible columns of a simple table, with default units."""

_POSITIONS = (("ra", "dec", "distance"), ("glon", "glat", "distance"), CARTESIAN)
_COLUMN = re.compile(r"(?P<sign>-?)\s*(?P<name>.+?)\s*(?:\[(?P<unit>[^\]]+)\])?\s*")

_LM10_COLUMNS = (
    *("lambda", "beta", "ra", "dec", "l", "b", "xgc", "ygc", "zgc", "xsun", "ysun", "zsun", "x4", "y4", "z4"),
    *("u", "v", "w", "dist", "vgsr", "mul", "mub", "mua", "mud", "pcol", "lmflag"),
)
_LM10_NEEDED = ("l", "b", "dist", "xgc", "ygc", "zgc", "u", "v", "w", "vgsr", "mul", "mub", "lmflag")
_LARGEST_MISFIT_KPC = 0.1
_LARGEST_MISFIT_KMS = 5.0
_KMS_PER_MASYR_KPC = (u.kpc * u.mas / u.yr).to(u.km / u.s, equivalencies=u.dimensionless_angles())


class StreamError(ValueError):
    """The file of a stream model cannot be used; the message names it, the problem and the remedy."""


@dataclass(frozen=True)
class StreamParticles:
    """Particles as seen from the Sun, arrays of shape (n,); NaN if the file lacks a quantity.

    Parameters
    ----------
    sky : dict of ndarray
        ``ra``, ``dec`` in deg (ICRS), ``distance`` in kpc, ``pmra``, ``pmdec`` in mas/yr, heliocentric ``rv`` in km/s.
    stripped_gyr : ndarray
        How long ago the particle was stripped, Gyr.
    leading : ndarray of bool
        Whether it belongs to the leading arm; False where the file does not say.
    name : str
        What stands in captions and the manifest.
    """

    sky: dict[str, FloatArray]
    stripped_gyr: FloatArray
    leading: NDArray[np.bool_]
    name: str


def read_stream_model(path: Path, columns: Mapping[str, str], frame: SolarFrame) -> StreamParticles:
    """Read a stream model.

    Parameters
    ----------
    path : Path
        ``SgrTriax_DYN.dat`` of Law & Majewski (2010): text (``.dat``, ``.txt``, also ``.gz``) without ``columns``.
        Anything else is a simple table, in any format that :func:`pipeline.sources.tables.reader.open_table` knows.
    columns : mapping of str to str
        The table's column for each of ours (:data:`STREAM_UNITS`): ``NAME``, ``-NAME`` for the other sign, ``NAME
        [unit]``. Empty: the columns that are called as ours.
    frame : SolarFrame
        Turns Galactocentric columns (right-handed, Sun at X = -R0) and ``v_gsr`` of simple tables into what the Sun
        sees. Law & Majewski's file is turned with its own Sun instead.

    Returns
    -------
    StreamParticles
        The particles with a position.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    StreamError
        If it cannot be read, its columns do not make a position, or contradict each other.
    """
    if not path.is_file():
        raise FileNotFoundError(f"The stream model {path} does not exist. Set MGIANT_DATA to the folder that holds it.")
    if not columns and path.name.removesuffix(".gz").endswith((".dat", ".txt")):
        return _law_majewski(path)
    return _simple_table(path, columns, frame)


def _law_majewski(path: Path) -> StreamParticles:
    """Read the file of Law & Majewski (2010, ApJ 714, 229).

    As astro.virginia.edu/~srm4n/Sgr/data.html describes it.

    Its Galactocentric axes are left-handed (the Sun at X = +R0), and its velocities are relative to the Galactic
    standard of rest, but its proper motions are heliocentric. Where its Sun is and how it moves follows from these
    columns themselves (they say R0 = 8 kpc and V_LSR = 220 km/s plus the Sun's own motion) and is solved for, so that
    nothing need be assumed; a file that does not fit one Sun is refused.
    """
    raw = _lm10_columns(path)
    glon, glat, distance = raw["l"], raw["b"], raw["dist"]
    cos_l, sin_l, cos_b, sin_b = *_cos_sin(glon), *_cos_sin(glat)
    zero = np.zeros_like(cos_l)
    sight = np.stack([cos_b * cos_l, cos_b * sin_l, sin_b], axis=1)
    along_l, along_b = np.stack([-sin_l, cos_l, zero], 1), np.stack([-sin_b * cos_l, -sin_b * sin_l, cos_b], 1)
    position = np.stack([-raw["xgc"], raw["ygc"], raw["zgc"]], axis=1)
    velocity = np.stack([-raw["u"], raw["v"], raw["w"]], axis=1)
    places = position - distance[:, None] * sight
    sun = np.median(places, axis=0)
    directions = np.concatenate([along_l, along_b])
    moved = _KMS_PER_MASYR_KPC * np.concatenate([distance * raw["mul"], distance * raw["mub"]])
    expected = np.sum(directions * np.tile(velocity, (2, 1)), axis=1)
    motion = np.linalg.lstsq(directions, expected - moved, rcond=None)[0]
    misfits = (
        ("positions", np.abs(places - sun).max(axis=1), _LARGEST_MISFIT_KPC, "kpc"),
        ("proper motions", np.abs(expected - moved - directions @ motion), _LARGEST_MISFIT_KMS, "km/s"),
        ("vgsr", np.abs(raw["vgsr"] - np.sum(sight * velocity, axis=1)), _LARGEST_MISFIT_KMS, "km/s"),
    )
    for what, misfit, limit, unit in misfits:
        if np.median(misfit) > limit:
            raise StreamError(
                f"{path.name}: its {what} do not fit its Galactocentric columns (median misfit {np.median(misfit):.3g} "
                f"{unit}), as those of Law & Majewski's file do. Name the columns of another table in "
                "[kinematics.stream_columns]."
            )
    moving = SkyCoord(
        *(glon * u.deg, glat * u.deg),
        pm_l_cosb=raw["mul"] * u.mas / u.yr,
        pm_b=raw["mub"] * u.mas / u.yr,
        frame="galactic",
    ).icrs
    sky = {
        "ra": moving.ra.deg,
        "dec": moving.dec.deg,
        "distance": distance,
        "pmra": moving.pm_ra_cosdec.to_value(u.mas / u.yr),
        "pmdec": moving.pm_dec.to_value(u.mas / u.yr),
        "rv": raw["vgsr"] - sight @ motion,
    }
    text = ", ".join(f"{part:.1f}" for part in motion)
    return StreamParticles(
        {name: np.asarray(values, float) for name, values in sky.items()},
        np.full(distance.size, np.nan),
        raw["lmflag"] > 0,
        f"Law & Majewski (2010), {distance.size} particles of an N-body model (simulated), whose Sun is at "
        f"X = {sun[0]:.2f} kpc and moves with ({text}) km/s",
    )


def _lm10_columns(path: Path) -> dict[str, FloatArray]:
    """The needed columns by name if the file has a header, else in the documented order."""
    table = _open(path)
    folded = {name.lower(): name for name in table.names}
    if not set(_LM10_NEEDED) <= set(folded):
        unnamed = isinstance(table, TextTable) and not table.layout.named
        if not unnamed or len(table.names) != len(_LM10_COLUMNS):
            raise StreamError(
                f"{path.name} is not Law & Majewski's file: {len(table.names)} columns, {len(_LM10_COLUMNS)} expected. "
                "Name the columns of another table in [kinematics.stream_columns]."
            )
        folded = dict(zip(_LM10_COLUMNS, table.names, strict=True))
    raw = _read(table, [folded[name] for name in _LM10_NEEDED])
    if table.skipped or any(pd.api.types.is_string_dtype(raw[name].dtype) for name in raw):
        where = table.skipped[0] if table.skipped else "text where numbers are expected"
        raise StreamError(f"{path.name} is damaged: {where}.")
    columns = {name: _floats(raw[folded[name]]) for name in _LM10_NEEDED}
    usable = np.isfinite(np.stack(list(columns.values()))).all(axis=0) & (columns["dist"] > 0)
    if not usable.any():
        raise StreamError(f"{path.name} has no row with a number in each needed column.")
    return {name: values[usable] for name, values in columns.items()}


def _open(path: Path) -> TableFile:
    try:
        return open_table(path)
    except TableError as error:
        raise StreamError(str(error)) from None


def _read(table: TableFile, names: Sequence[str]) -> pd.DataFrame:
    try:
        return table.read(list(dict.fromkeys(names)))
    except TableError as error:
        raise StreamError(str(error)) from None


def _floats(values: pd.Series) -> FloatArray:
    return np.asarray(values.astype("Float64").to_numpy(np.float64, na_value=np.nan))


def _cos_sin(angle_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))


def _simple_table(path: Path, columns: Mapping[str, str], frame: SolarFrame) -> StreamParticles:
    table = _open(path)
    given = dict(columns) or {name: name for name in STREAM_UNITS if name in table.names}
    spelled_as = {ours: _spelled(table, spelled, ours) for ours, spelled in given.items()}
    raw = _read(table, [quantity.column for quantity in spelled_as.values()])
    values = {ours: _values(table, raw, ours, quantity) for ours, quantity in spelled_as.items()}
    positions = [names for names in _POSITIONS if set(names) <= set(values)]
    if columns:
        _refuse_contradictions(path.name, set(values), positions)
    if not positions:
        raise StreamError(
            f"{path.name}: no position among {', '.join(given) or 'its columns'}; name ra, dec, distance, or glon, "
            "glat, distance, or x_gal, y_gal, z_gal in [kinematics.stream_columns]. The table has "
            f"{shown(table.names)}."
        )
    position = np.stack([values[name] for name in positions[0]], axis=1)
    usable = np.isfinite(position).all(axis=1)
    if positions[0] != CARTESIAN:
        usable &= (np.abs(position[:, 1]) <= 90.0) & (position[:, 2] > 0.0)
    if not usable.any():
        raise StreamError(f"{path.name}: none of its {len(raw)} rows has a position.")
    position, count = position[usable], int(usable.sum())
    values = {name: column[usable] for name, column in values.items()}
    unknown = np.full(count, np.nan)
    sky = dict.fromkeys(("pmra", "pmdec", "rv"), unknown)
    if positions[0] == CARTESIAN:
        velocity = np.stack([values.get(name, unknown) for name in SPEED], axis=1)
        sky |= sky_from_galactocentric(position, velocity, frame)
    else:
        to_icrs = galactic_to_equatorial if positions[0][0] == "glon" else _as_they_are
        sky["ra"], sky["dec"] = to_icrs(position[:, 0], position[:, 1])
        sky["distance"] = position[:, 2]
    sky |= {name: values[name] for name in ("pmra", "pmdec", "rv") if name in values}
    if "v_gsr" in values and "rv" not in values:
        reflex = line_of_sight_gsr(np.zeros(count), *equatorial_to_galactic(sky["ra"], sky["dec"]), frame)
        sky["rv"] = values["v_gsr"] - reflex
    stripped = values.get("stripped_gyr", unknown)
    if (stripped < 0.0).any():
        spelled = given["stripped_gyr"]
        turned = spelled[1:] if spelled.startswith("-") else f"-{spelled}"
        raise StreamError(
            f"{path.name}: stripped_gyr is how long ago and cannot be negative; found {np.nanmin(stripped):.3g}. "
            f'Turn the sign: stripped_gyr = "{turned}".'
        )
    left_out = f", {len(raw) - count} rows without a position left out" if count < len(raw) else ""
    left_out += f", {len(table.skipped)} rows with another number of cells left out" if table.skipped else ""
    return StreamParticles(
        sky, stripped, np.zeros(count, bool), f"{path.name}, {count} particles of a model (simulated){left_out}"
    )


def _refuse_contradictions(name: str, given: set[str], positions: Sequence[tuple[str, ...]]) -> None:
    """Refuse configured columns with more than one meaning."""
    velocities = given & set(SPEED)
    for wrong, what in (
        (len(positions) > 1, "several positions"),
        ({"rv", "v_gsr"} <= given, "both rv and v_gsr"),
        (
            velocities and (len(velocities) < 3 or CARTESIAN not in positions),
            "v_x, v_y, v_z without one another or x_gal",
        ),
        (len(given & {"pmra", "pmdec"}) == 1, "half a proper motion"),
    ):
        if wrong:
            raise StreamError(f"{name}: [kinematics.stream_columns] names {what}.")


def _as_they_are(ra_deg: FloatArray, dec_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    return ra_deg % 360.0, dec_deg


@dataclass(frozen=True)
class _Quantity:
    """A configured column: its name, sign and unit ("" for that of the file)."""

    spelled: str
    column: str
    sign: float
    unit: str


def _spelled(table: TableFile, spelled: str, ours: str) -> _Quantity:
    parts = _COLUMN.fullmatch(spelled)
    if spelled in table.names:
        return _Quantity(spelled, spelled, 1.0, "")
    if parts is None or parts["name"] not in table.names:
        near = get_close_matches(parts["name"] if parts else spelled, table.names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"It has {shown(table.names)}."
        raise StreamError(f"{table.name} has no column {spelled!r} (kinematics.stream_columns.{ours}). {hint}")
    return _Quantity(spelled, parts["name"], -1.0 if parts["sign"] else 1.0, parts["unit"] or "")


def _values(table: TableFile, raw: pd.DataFrame, ours: str, quantity: _Quantity) -> FloatArray:
    """One column in the catalogue's unit; NaN if missing."""
    wanted = STREAM_UNITS[ours]
    result = quantity.unit or table.by_name[quantity.column].unit or wanted
    factor = conversion(result, wanted)
    if factor is None:
        raise StreamError(f"{table.name}: column {quantity.spelled!r} cannot be {ours} [{wanted}]: it is in {result}.")
    if pd.api.types.is_string_dtype(raw[quantity.column].dtype):
        raise StreamError(f"{table.name}: column {quantity.spelled!r} cannot be {ours} [{wanted}]: it holds text.")
    values = _floats(raw[quantity.column])
    declared = BY_NAME.get(ours)
    low, high = (None, None) if declared is None else (declared.low, declared.high)
    missing = missing_numbers(values, low, high, factor)
    return np.where(missing, np.nan, quantity.sign * factor * values)
