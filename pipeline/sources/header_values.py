"""Values of a FITS header, checked against the ranges of the catalogue's columns."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any

from astropy.io import fits

from pipeline.domain.columns import BY_NAME

MAX_TEXT = 68
"""Maximum length of a header text; a longer one (CONTINUE) is not a name, plate or class."""

_SENTINELS = ("", "--", "null", "nan", "none", "-9999", "-999", "-9999.0")
_MAX_DIGITS = 25
_EXACT_DECIMALS = 2**53
_SHOWN = 30


class HeaderValues:
    """Typed access to a header.

    Parameters
    ----------
    header : Header
        Of one HDU.

    Attributes
    ----------
    problems : list of str
        A sentence for each value that cannot be used.
    """

    def __init__(self, header: fits.Header) -> None:
        self._header = header
        self._unparsed: set[str] = set()
        self.problems: list[str] = []

    def raw(self, key: str) -> Any:
        """The value of a card; None if it is absent, invalid, or means missing."""
        value = self._header_value(key)
        return None if str(value).strip().lower() in _SENTINELS else value

    def _header_value(self, key: str) -> Any:
        if key in self._unparsed:
            return None
        try:
            value = self._header.get(key)
        except (fits.VerifyError, ValueError) as error:
            self._unparsed.add(key)
            self.problems.append(f"{key} cannot be read ({type(error).__name__}); it is taken as missing.")
            return None
        return None if isinstance(value, fits.card.Undefined) else value

    def text(self, key: str) -> str:
        """A text of at most :data:`MAX_TEXT` characters; "" if missing."""
        value = self._header_value(key)
        words = "" if value is None else str(value).strip()
        if len(words) > MAX_TEXT:
            self.problems.append(f"{key} has {len(words):,} characters; the first {MAX_TEXT} are kept.")
        return words[:MAX_TEXT]

    def whole(self, key: str, name: str) -> int:
        """An integer of a declared column; the column's missing value if absent or out of range.

        Parameters
        ----------
        key : str
            Of the card; the number may be text or a decimal such as 101001.0, if no digit is lost.
        name : str
            Of the column.
        """
        declared = BY_NAME[name]
        unknown = declared.unknown or 0
        value = self.raw(key)
        if value is None:
            return unknown
        number = exact_whole(value)
        low, high = declared.integer_limits
        if number is None:
            self.problems.append(f"{key} = {_short(value)} is no whole number; it is taken as missing.")
            return unknown
        if not low <= number <= high:
            if number != unknown:
                result = f"{key} = {_short(value)} is outside {low}..{high}"
                self.problems.append(f"{result}; it is taken as missing.")
            return unknown
        return number

    def number(self, key: str) -> float:
        """A finite number; NaN if missing."""
        value = self.raw(key)
        if value is None:
            return math.nan
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            self.problems.append(f"{key} = {_short(value)} is no number; it is taken as missing.")
            return math.nan
        return number

    def position(self) -> tuple[float, float]:
        """RA and Dec in degrees, RA within 0 to 360; both NaN if invalid."""
        ra, dec = self.number("RA"), self.number("DEC")
        if not (math.isfinite(ra) and math.isfinite(dec)):
            return math.nan, math.nan
        if not (-180.0 <= ra <= 360.0 and -90.0 <= dec <= 90.0):
            self.problems.append(f"RA {ra:.6g}, Dec {dec:.6g} is no position on the sky; it is taken as missing.")
            return math.nan, math.nan
        return (ra % 360.0 if ra < 0.0 else ra), dec


def exact_whole(value: Any) -> int | None:
    """Integer of a header value; None if it is not one or has lost digits as a float."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT_DECIMALS else None
    text = str(value).strip()
    try:
        decimal = Decimal(text)
    except InvalidOperation:
        return None
    if not decimal.is_finite() or decimal.adjusted() > _MAX_DIGITS or decimal != decimal.to_integral_value():
        return None
    plain = text.lstrip("+-").isdecimal()
    return int(decimal) if plain or abs(decimal) < _EXACT_DECIMALS else None


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
