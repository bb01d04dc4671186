"""Marks over an image of the sky: cross-hair, scale bar, North and East, proper motion.

Places are fractions of the image's side, from its upper left corner; North is up and East to the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, isfinite, radians, sin

CENTRE = 0.5
BARS_ARCSEC = {1: 10, 3: 30, 10: 120}
"""Length of the scale bar by the width of the image in minutes of arc."""

_GAP, _ARM = 0.03, 0.08
_COMPASS, _POINTER = 0.93, 0.09
_EDGE = 0.05
_HEAD, _HEAD_DEG = 0.022, 28.0
_MIN_MOTION, _MAX_MOTION = 0.08, 0.4
_YEARS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_MIN_MASYR = 0.01
_MAS = 1000.0


@dataclass(frozen=True)
class Stroke:
    """A straight line; ``kind`` is "cross", "bar", "compass" or "motion"."""

    kind: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Label:
    """A text whose middle is at a place."""

    text: str
    x: float
    y: float


@dataclass(frozen=True)
class SkyMarks:
    """All marks of an image, and the proper motion in words; "" if unknown."""

    strokes: tuple[Stroke, ...]
    labels: tuple[Label, ...]
    motion: str


def marks_of(field_arcmin: int, pmra_masyr: float, pmdec_masyr: float) -> SkyMarks:
    """Marks of an image whose centre is the star.

    Parameters
    ----------
    field_arcmin : int
        Width of the image, one of :data:`BARS_ARCSEC`.
    pmra_masyr, pmdec_masyr : float
        Proper motion in mas/yr, that in right ascension with the factor cos(dec); NaN if unknown.
    """
    bar_arcsec = BARS_ARCSEC[field_arcmin]
    length = bar_arcsec / (field_arcmin * 60.0)
    bar = Stroke("bar", _EDGE, _COMPASS, _EDGE + length, _COMPASS)
    bar_text = f"{bar_arcsec}″" if bar_arcsec < 60 else f"{bar_arcsec // 60}′"
    motion, words = _motion(field_arcmin, pmra_masyr, pmdec_masyr)
    return SkyMarks(
        strokes=(*_cross(), bar, *_compass(), *motion),
        labels=(
            Label(bar_text, _EDGE + length / 2, _COMPASS - 0.035),
            Label("N", _COMPASS, _COMPASS - _POINTER - 0.035),
            Label("E", _COMPASS - _POINTER - 0.03, _COMPASS),
        ),
        motion=words,
    )


def _cross() -> tuple[Stroke, ...]:
    """Four arms around the star, which stays visible."""
    ways = ((1, 0), (-1, 0), (0, 1), (0, -1))
    return tuple(
        Stroke("cross", CENTRE + x * _GAP, CENTRE + y * _GAP, CENTRE + x * _ARM, CENTRE + y * _ARM) for x, y in ways
    )


def _compass() -> tuple[Stroke, ...]:
    north = Stroke("compass", _COMPASS, _COMPASS, _COMPASS, _COMPASS - _POINTER)
    east = Stroke("compass", _COMPASS, _COMPASS, _COMPASS - _POINTER, _COMPASS)
    return north, east


def _motion(field_arcmin: int, pmra: float, pmdec: float) -> tuple[tuple[Stroke, ...], str]:
    """Arrow from the star to its place after a round number of years, and its meaning."""
    total = hypot(pmra, pmdec)
    if not isfinite(total):
        return (), ""
    words = f"Proper motion {total:.2f} mas/yr"
    if total < _MIN_MASYR:
        return (), f"{words}."
    a_year = total / _MAS / (field_arcmin * 60.0)
    years = next((count for count in _YEARS if count * a_year >= _MIN_MOTION), _YEARS[-1])
    length = years * a_year
    if not _MIN_MOTION / 4 <= length <= _MAX_MOTION:
        return (), f"{words}."
    x, y = -pmra / total, -pmdec / total  # East is to the left, North up; y grows downwards
    tip_x, tip_y = CENTRE + x * length, CENTRE + y * length
    angle = atan2(y, x)
    sides = (angle + radians(180.0 - _HEAD_DEG), angle + radians(180.0 + _HEAD_DEG))
    head = tuple(Stroke("motion", tip_x, tip_y, tip_x + _HEAD * cos(side), tip_y + _HEAD * sin(side)) for side in sides)
    towards = degrees(atan2(pmra, pmdec)) % 360.0
    return (
        (Stroke("motion", CENTRE, CENTRE, tip_x, tip_y), *head),
        f"{words} at position angle {towards:.0f}°; arrow: {years:,} years.",
    )
