"""Search for one star by obsid, Gaia source id, designation or position."""

from __future__ import annotations

import re
from typing import NamedTuple

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from explorer.model.table import StarTable
from pipeline.science.crossmatch.neighbours import unit_vectors

RADIUS_ARCSEC = 3.0
"""Radius within which the nearest star to a position is shown."""

MAX_CHARACTERS = 120

_EXAMPLES = (
    "Type an obsid, a Gaia source id, a designation such as J051229.34+341201.2, or a position such as "
    "78.1222 +34.2003 (degrees) or 05:12:29.3 +34:12:01."
)
_IDS = ("gaia_source_id", "gaia_dr2_source_id")
_NAMES = ("designation", "tmass_id", "allwise_id", "apogee_id", "uid")
_SEXAGESIMAL = r"(\d{2})(\d{2})(\d{2})\.?(\d*)"
_DESIGNATION = re.compile(rf"(?:[A-Za-z]\w*\s+)?J?{_SEXAGESIMAL}([+\-−]){_SEXAGESIMAL}")
_DEGREES = re.compile(r"([+\-−]?\d+(?:\.\d*)?)[\s,;°d]+([+\-−]?\d+(?:\.\d*)?)[°d]?")
_NEAR_DEG = 0.1
"""Stars within this difference of declination are looked at first."""


class SearchResult(NamedTuple):
    """The star of a search, by obsid, and what is reported; None and the reason without one."""

    obsid: int | None
    sentence: str


def find_star(text: str, table: StarTable) -> SearchResult:
    """Find a star.

    Parameters
    ----------
    text : str
        An obsid, a Gaia source id, a designation, or a position (ICRS): degrees or sexagesimal, of which the nearest
        star within :data:`RADIUS_ARCSEC` is taken.
    table : StarTable
        The catalogue.
    """
    text = " ".join(text.split())[:MAX_CHARACTERS]
    if text.isascii() and text.isdigit():
        return _by_number(text, table)
    named = _by_name(text, table)
    if named is not None:
        return named
    try:
        position = _position(text)
    except ValueError:
        return SearchResult(None, f"{text!r} is no position on the sky. {_EXAMPLES}")
    if position is None:
        return SearchResult(None, f"{text!r} is not an obsid, an identifier or a position. {_EXAMPLES}")
    return _nearest(position, table)


def _by_number(text: str, table: StarTable) -> SearchResult:
    number = int(text)
    if number >= 2**63:
        return SearchResult(None, f"{text} is larger than any obsid or Gaia source id. {_EXAMPLES}")
    if table.row_of(number) is not None:
        return SearchResult(number, "")
    for name in _IDS:
        if name in table and number > 0:
            rows = np.flatnonzero(table[name] == number)
            if rows.size:
                return _observations(rows, table, f"{table.column(name).label} {text}")
    others = [table.column(name).label for name in _IDS if name in table]
    also = f", and none with it as {' or '.join(others)}" if others else ""
    return SearchResult(None, f"This catalogue has no star with obsid {text}{also}.")


def _by_name(text: str, table: StarTable) -> SearchResult | None:
    """A star by one of its names; None if no star has it."""
    plain = text.removeprefix("LAMOST ").removeprefix("2MASS ").removeprefix("2M")
    spellings = {text, plain, plain.removeprefix("J"), f"J{plain.removeprefix('J')}", f"2M{plain.removeprefix('J')}"}
    for name in _NAMES:
        if name in table:
            rows = table.rows_of_text(name, spellings)
            if rows.size:
                return _observations(rows, table, f"{table.column(name).label} {text}")
    return None


def _observations(rows: NDArray[np.intp], table: StarTable, what: str) -> SearchResult:
    obsid = int(table["obsid"][rows[0]])
    if rows.size == 1:
        return SearchResult(obsid, "")
    return SearchResult(obsid, f"{what} has {rows.size} observations; the first of them is shown.")


def _position(text: str) -> SkyCoord | None:
    """Position (ICRS) that a text writes; None if it writes none, ValueError if there is no such place."""
    degrees = _DEGREES.fullmatch(text)
    if degrees:
        ra, dec = (float(part.replace("−", "-")) for part in degrees.groups())
        return SkyCoord(ra * u.deg, dec * u.deg)
    name = _DESIGNATION.fullmatch(text)
    if name:
        hours, minutes, seconds, tenths, sign, *north = name.groups()
        text = f"{hours}:{minutes}:{seconds}.{tenths}0 {sign}{north[0]}:{north[1]}:{north[2]}.{north[3]}0"
    if not re.search(r"\d", text) or re.search(r"[^\dhmsd°'\"′″:+\-−.,;\s]", text):
        return None
    return SkyCoord(re.sub(r"[,;]", " ", text).replace("−", "-"), unit=(u.hourangle, u.deg))


def _nearest(position: SkyCoord, table: StarTable) -> SearchResult:
    if "ra" not in table or "dec" not in table:
        return SearchResult(None, "This catalogue has no positions: search by obsid or identifier.")
    ra, dec = float(position.ra.deg), float(position.dec.deg)
    near = np.flatnonzero(np.abs(table["dec"] - dec) <= _NEAR_DEG)
    best, arcsec = _closest(ra, dec, table, near)
    if arcsec > 3600.0 * _NEAR_DEG:
        best, arcsec = _closest(ra, dec, table, np.flatnonzero(np.isfinite(table["ra"]) & np.isfinite(table["dec"])))
    where = f"RA {ra:.5f}, Dec {dec:+.5f} deg"
    if arcsec <= RADIUS_ARCSEC:
        return SearchResult(int(table["obsid"][best]), f"The star nearest to {where} is {arcsec:.2f} arcsec away.")
    if not np.isfinite(arcsec):
        return SearchResult(None, f"No star of this catalogue has a position near {where}.")
    distance = f"{arcsec:.1f} arcsec" if arcsec < 3600.0 else f"{arcsec / 3600.0:.2f} deg"
    return SearchResult(
        None, f"No star is within {RADIUS_ARCSEC:g} arcsec of {where}; the nearest one is {distance} away."
    )


def _closest(ra: float, dec: float, table: StarTable, rows: NDArray[np.intp]) -> tuple[int, float]:
    """The row nearest to a position, and its distance in arcseconds; -1 and infinity without rows."""
    if not rows.size:
        return -1, float("inf")
    columns = (np.asarray(table[name][rows], np.float64) for name in ("ra", "dec"))
    target = unit_vectors(np.array([ra]), np.array([dec]))
    chord = np.sqrt(((unit_vectors(*columns) - target) ** 2).sum(axis=1))
    chord[np.isnan(chord)] = np.inf
    at = int(np.argmin(chord))
    if not np.isfinite(chord[at]):
        return -1, float("inf")
    return int(rows[at]), float(np.degrees(2.0 * np.arcsin(min(0.5 * chord[at], 1.0))) * 3600.0)
