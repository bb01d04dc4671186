"""PARSEC red-giant branches, from the full grid or from files of the CMD web form.

The form (stev.oapd.inaf.it/cmd) writes text: lines that begin with ``#``, the last of them before the numbers with the
names of the columns; several ages and metallicities follow one another in a file. The same columns as CSV are read
too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import TableError
from pipeline.sources.tables.text_tables import TextTable

_RED_GIANT_BRANCH = 3
_FAINTEST_LOGG = 3.5
_AGES_LOG = (9.0, 9.24, 9.48, 9.6, 9.72, 9.84, 9.96, 10.08, 10.2)

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "z": ("Zini",),
    "m_h": ("MH", "[M/H]"),
    "log_age": ("logAge", "log(age/yr)"),
    "age": ("Age",),
    "m_ini": ("Mini", "M_ini"),
    "imf": ("int_IMF",),
    "mass": ("Mass", "M_act"),
    "log_teff": ("logTe",),
    "logg": ("logg", "logG"),
    "label": ("label",),
    "j": ("Jmag", "TMASS_Jmag"),
    "ks": ("Ksmag", "TMASS_Ksmag"),
    "g": ("Gmag", "GAIAEDR3_Gmag"),
    "bp": ("G_BPmag", "G_BPftmag", "G_BPbrmag", "GAIAEDR3_GBPmag"),
    "rp": ("G_RPmag", "GAIAEDR3_GRPmag"),
}
"""Spellings of each column, in order of preference; also in capitals.

SDSS's ``gmag`` is not Gaia's ``Gmag``. Gaia DR2 has two BP bands: most M giants are fainter than G = 10.87, so theirs
comes first.
"""

_KNOWN = {spelled for names in _SPELLINGS.values() for name in names for spelled in (name, name.upper())}
_NEEDED = ("m_ini", "mass", "log_teff", "logg", "label", "j", "ks")
_NO_MAGNITUDE = 50.0
"""Missing magnitudes of CMD, 99.999 or -99."""


@dataclass(frozen=True)
class Derived:
    """A quantity of stars as the columns of isochrones have it.

    Parameters
    ----------
    columns : tuple of str
        One column, or two for their difference.
    power : bool
        Whether it is 10 to the power of the column.
    magnitudes : bool
        Whether the columns are magnitudes.
    """

    columns: tuple[str, ...]
    power: bool = False
    magnitudes: bool = False


def derived_columns(names: Sequence[str]) -> dict[str, Derived]:
    """Columns of the catalogue that a table of isochrones has; none where it is no such table.

    Parameters
    ----------
    names : sequence of str
        Columns of the table.
    """
    there = _spelled(names)
    if not (there["log_teff"] and there["logg"]):
        return {}
    result = {"teff": Derived((there["log_teff"],), power=True), "logg": Derived((there["logg"],))}
    if there["m_h"]:
        result["m_h"] = Derived((there["m_h"],))
    if there["ks"]:
        result["k_abs"] = Derived((there["ks"],), magnitudes=True)
        if there["j"]:
            result["jk0"] = Derived((there["j"], there["ks"]), magnitudes=True)
    return result


def group_columns(names: Sequence[str]) -> list[str]:
    """Columns whose changes begin another isochrone or phase; none in another kind of table."""
    there = _spelled(names)
    return [there[ours] for ours in ("m_h", "z", "log_age", "label") if there[ours]] if there["log_teff"] else []


def _spelled(names: Sequence[str]) -> dict[str, str]:
    """The column of a table for each of ours, "" where it has none."""
    return {
        ours: next((name for spelled in spellings for name in names if name in (spelled, spelled.upper())), "")
        for ours, spellings in _SPELLINGS.items()
    }


class IsochroneError(ValueError):
    """A file of isochrones cannot be used; the message names it, the problem and the remedy."""


def compact_branches(path: Path) -> dict[str, NDArray[Any]]:
    """Cut the red-giant branches (label 3, log g < 3.5) of nine ages and all metallicities.

    Parameters
    ----------
    path : Path
        The grid of :data:`pipeline.sources.wheels.PARSEC_GRID`.

    Returns
    -------
    dict of ndarray
        As of :func:`read_isochrones`.
    """
    columns = _known_columns(_read(path), path.name)
    kept = np.any([np.abs(columns["log_age"] - age) < 0.01 for age in _AGES_LOG], axis=0)
    return _branches(columns[kept & _on_branch(columns)])


def read_isochrones(paths: Sequence[Path]) -> dict[str, NDArray[Any]]:
    """Read the red-giant branches (label 3, log g < 3.5) of files from the CMD web form.

    Parameters
    ----------
    paths : sequence of Path
        Text as the form writes it, or any table with the same columns; packed or not. 2MASS J and Ks are needed;
        Gaia's bands are NaN where a file lacks them. [M/H] is the column ``MH``, or else log10((Z/X) / 0.0207) with
        Y = 0.2485 + 1.78 Z, as the form states it.

    Returns
    -------
    dict of ndarray
        Float32 columns ``age_gyr``, ``m_h``, ``teff`` [K], ``logg``, ``jk0`` [mag], ``k_abs`` [mag], ``j_abs``,
        ``g_abs``, ``bp_rp0`` [mag], ``mass`` [solar], ``imf`` (integral of the initial mass function); rows ordered by
        age, metallicity and initial mass.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    IsochroneError
        If a file is no such table, lacks a column or a number, is reddened, or holds no red giant; if an isochrone
        comes twice, or there is one metallicity only.
    """
    parts: list[pd.DataFrame] = []
    origin: dict[tuple[float, float], str] = {}
    for path in paths:
        part = _known_columns(_read(path), path.name)
        giants = part[_on_branch(part)]
        if giants.empty:
            labels = ", ".join(f"{label:g}" for label in np.unique(part["label"]))
            raise IsochroneError(
                f"{path.name} has no red giant (label {_RED_GIANT_BRANCH}, log g < {_FAINTEST_LOGG}, with J and Ks); "
                f"its labels are {labels}. Ask for ages above 1 Gyr."
            )
        for age, m_h in set(zip(giants["log_age"], giants["m_h"], strict=True)):
            if (age, m_h) in origin:
                raise IsochroneError(
                    f"The isochrone of log age {age:g}, [M/H] = {m_h:g} is in both {origin[age, m_h]} and {path.name}; "
                    "name one of the files."
                )
            origin[age, m_h] = path.name
        parts.append(giants)
    metallicities = {m_h for _, m_h in origin}
    if len(metallicities) < 2:
        raise IsochroneError(
            f"{', '.join(path.name for path in paths) or 'No file'}: {len(metallicities)} metallicity; distances "
            "interpolate between at least two. Ask the form for a range of [M/H]."
        )
    return _branches(pd.concat(parts, ignore_index=True))


def _read(path: Path) -> pd.DataFrame:
    """Read the table of the form; its comments state reddening and, at the end, column names."""
    if not path.is_file():
        raise FileNotFoundError(f"The isochrones {path} do not exist. Set MGIANT_DATA to the folder that holds them.")
    try:
        table = open_table(path)
        names = list(table.names)
        if isinstance(table, TextTable):
            _refuse_other_text(table, path.name)
        wanted = [name for name in names if name in _KNOWN]
        frame = table.read(wanted)
    except TableError as error:
        raise IsochroneError(f"{path.name} is no table of the CMD form: {error}") from None
    if table.skipped:
        raise IsochroneError(f"{path.name} is damaged or cut off: {table.skipped[0]}.")
    text = [str(name) for name in frame if pd.api.types.is_string_dtype(frame[name].dtype)]
    if text:
        raise IsochroneError(f"{path.name} is damaged: {', '.join(text)} hold text where numbers are expected.")
    return frame


def _refuse_other_text(table: TextTable, name: str) -> None:
    layout = table.layout
    reddened = re.search(r"extinction of Av\s*=\s*([\d.eE+-]*\d)", " ".join(layout.comments))
    if reddened and float(reddened[1]) != 0.0:
        raise IsochroneError(f"{name} is reddened by Av = {reddened[1]}; ask the form for Av = 0.")
    if not layout.named:
        raise IsochroneError(
            f"{name} is no table of the CMD form: its numbers have no line of as many names above them. Save the "
            "form's output as it is."
        )
    repeated = {item.rpartition("_")[0] for item in table.names if re.fullmatch(r".+_\d+", item)} & set(table.names)
    if repeated & _KNOWN:
        raise IsochroneError(
            f"{name} has several columns {', '.join(sorted(repeated))}; ask the form for 2MASS and Gaia only."
        )


def _known_columns(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns under catalogue names, with ``log_age`` and ``m_h`` in any form."""
    result: dict[str, Any] = {}
    for ours, spellings in _SPELLINGS.items():
        theirs = [column for spelling in spellings for column in table if column in (spelling, spelling.upper())]
        if theirs:
            result[ours] = table[theirs[0]].astype("Float64").to_numpy(float, na_value=np.nan)
    if "log_age" not in result and "age" in result:
        result["log_age"] = np.log10(result["age"])
    if "m_h" not in result and "z" in result:
        result["m_h"] = np.log10(result["z"] / (1.0 - 0.2485 - 2.78 * result["z"]) / 0.0207)
    missing = [" or ".join(_SPELLINGS[item]) for item in _NEEDED if item not in result]
    missing += ["logAge"] * ("log_age" not in result) + ["MH or Zini"] * ("m_h" not in result)
    if missing:
        raise IsochroneError(
            f"{name} lacks {', '.join(missing)}; it has {', '.join(map(str, table.columns))}. Ask the form for "
            "isochrone tables with 2MASS (and Gaia) magnitudes."
        )
    known = pd.DataFrame(result).assign(**dict.fromkeys(set(_SPELLINGS) - set(result), np.nan))
    holes = np.flatnonzero(~np.isfinite(known[[*_NEEDED, "log_age", "m_h"]]).all(axis=1))
    if holes.size:
        raise IsochroneError(f"{name} is damaged or cut off: row {holes[0] + 1} lacks a number of a needed column.")
    return known


def _on_branch(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows of red giants with the magnitudes that a distance needs."""
    bright = (table[["j", "ks"]].abs() < _NO_MAGNITUDE).all(axis=1)
    return np.asarray((table["label"] == _RED_GIANT_BRANCH) & (table["logg"] < _FAINTEST_LOGG) & bright)


def _branches(table: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Arrays of the branches, in order of age, metallicity and initial mass."""
    table = table.sort_values(["log_age", "m_h", "m_ini"], kind="stable")
    gaia = table[["g", "bp", "rp"]].where(lambda magnitude: magnitude.abs() < _NO_MAGNITUDE)
    columns = {
        "age_gyr": 10.0 ** (table["log_age"] - 9.0),
        "m_h": table["m_h"],
        "teff": 10.0 ** table["log_teff"],
        "logg": table["logg"],
        "jk0": table["j"] - table["ks"],
        "k_abs": table["ks"],
        "j_abs": table["j"],
        "g_abs": gaia["g"],
        "bp_rp0": gaia["bp"] - gaia["rp"],
        "mass": table["mass"],
        "imf": table["imf"],
    }
    return {name: values.to_numpy(np.float32) for name, values in columns.items()}
