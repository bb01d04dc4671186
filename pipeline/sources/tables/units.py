"""Units in the spelling of files, and their conversion to catalogue units."""

from __future__ import annotations

import re
import warnings

import astropy.units as u
from astropy.units import UnitsWarning

_SPELLINGS = {
    "degrees": "deg",
    "degree": "deg",
    "angle[deg]": "deg",
    "hours": "hourangle",
    "hour": "hourangle",
    "hr": "hourangle",
    "h": "hourangle",
    "magnitude": "mag",
    "mags": "mag",
    "kelvin": "K",
    "days": "d",
    "years": "yr",
    "kms": "km/s",
    "km/sec": "km/s",
    "mas/year": "mas/yr",
    "parsec": "pc",
    "---": "",
    "none": "",
    "unitless": "",
    "-": "",
    "[-]": "",
    "counts": "",
}
_DEX = re.compile(r"(dex|log|\[)", re.IGNORECASE)

SEXAGESIMAL_UNITS = ('"h:m:s"', '"d:m:s"', "h:m:s", "d:m:s", "hms", "dms", "hh:mm:ss", "dd:mm:ss")

SUFFIX_UNITS = {
    "_pc": "pc",
    "_kpc": "kpc",
    "_kms": "km/s",
    "_km_s": "km/s",
    "_deg": "deg",
    "_rad": "rad",
    "_hours": "hourangle",
    "_mas": "mas",
    "_masyr": "mas/yr",
    "_mas_yr": "mas/yr",
    "_arcsec": "arcsec",
    "_mag": "mag",
    "_k": "K",
    "_dex": "dex",
}
"""Units that occur as suffixes of names."""


def parse_unit(text: str) -> u.UnitBase | None:
    """Parse a unit with astropy; None if invalid, dimensionless for "" and counts."""
    plain = _SPELLINGS.get(text.strip().lower(), text.strip())
    if _DEX.match(plain) and plain.lower() != "log":
        plain = "dex"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)
        for form in (None, "fits", "vounit", "cds", "ogip"):
            try:
                return u.Unit(plain, format=form)
            except (ValueError, TypeError, AttributeError):
                continue
    return None


def conversion(result: str, wanted: str) -> float | None:
    """Factor from one unit to another; None if they are incompatible or invalid.

    A dimensionless number and dex are the same here.
    """
    first, second = parse_unit(result), parse_unit(wanted)
    if first is None or second is None:
        return None
    plain = (u.dimensionless_unscaled, u.dex)
    if first in plain and second in plain:
        return 1.0
    try:
        return float(first.to(second))
    except (u.UnitConversionError, u.UnitTypeError, TypeError):
        return None


def standard_spelling(text: str) -> str:
    """The unit in astropy's spelling; the text itself if it is invalid."""
    unit = parse_unit(text)
    if unit is None:
        return text.strip()
    return "" if unit == u.dimensionless_unscaled else str(unit.to_string())
