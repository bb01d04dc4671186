"""Equal-area projections of the sky.

Formulas are those of Calabretta & Greisen (2002, A&A 395, 1077) for AIT, MOL and ZEA. The last one is in its oblique
aspect: the centre of every projection is the direction of the first axis, and longitude grows along x. Planes are in
degrees: the area of a region is its solid angle.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

DEGREES = math.degrees(1.0)
_SQRT2 = math.sqrt(2.0)
_KNOTS = 4097
"""Points of the table of the Mollweide angle: its error is below 1e-5 degrees."""

_EDGE_POINTS = 361


class Projection(StrEnum):
    """Equal-area projections."""

    MOLLWEIDE = "mollweide"
    AITOFF = "aitoff"
    ZENITHAL = "zenithal"

    @property
    def words(self) -> str:
        """Name in words."""
        return {"mollweide": "Mollweide", "aitoff": "Hammer-Aitoff", "zenithal": "Zenithal"}[self.value]

    @property
    def has_latitude(self) -> bool:
        """Whether its centre can be at any latitude, not on the equator alone."""
        return self is Projection.ZENITHAL

    @property
    def reach_deg(self) -> tuple[float, float]:
        """Half width and half height of the whole sky on the plane, in degrees."""
        if self is Projection.ZENITHAL:
            return 2.0 * DEGREES, 2.0 * DEGREES
        return 2.0 * _SQRT2 * DEGREES, _SQRT2 * DEGREES


def _mollweide_table() -> tuple[FloatArray, FloatArray]:
    """Angle from the pole of Equation 55 over the cube root of pi (1 - sin latitude): it is smooth at the pole."""
    angle = np.linspace(0.0, 0.5 * math.pi, 8 * _KNOTS)
    small = angle < 0.02
    series = (4.0 / 3.0) * angle**3 * (1.0 - 0.2 * angle**2)  # of the difference below, without its cancellation
    root = np.cbrt(np.where(small, series, 2.0 * angle - np.sin(2.0 * angle)))
    knots = np.linspace(0.0, root[-1], _KNOTS)
    return knots, np.interp(knots, root, angle)


_ROOTS, _ANGLES = _mollweide_table()


def project(projection: Projection, vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project directions to the plane.

    Parameters
    ----------
    projection : Projection
        The projection; its centre is the direction (1, 0, 0), and its north (0, 0, 1).
    vectors : ndarray, shape (n, 3)
        Unit vectors.

    Returns
    -------
    x, y : ndarray, shape (n,)
        Degrees on the plane; NaN where a vector is.
    """
    ahead, left, up = vectors.T
    if projection is Projection.ZENITHAL:  # Equations 69 and 11-13: R = 2 sin(distance / 2)
        with np.errstate(divide="ignore"):
            scale = np.sqrt(2.0 / np.maximum(1.0 + ahead, np.finfo(float).tiny))
        behind = np.hypot(left, up) < 1e-12  # the antipode is a circle: any of its points
        edge = behind & (ahead < 0.0)
        return (
            np.where(edge, 2.0 * DEGREES, DEGREES * scale * left),
            np.where(edge, 0.0, DEGREES * scale * up),
        )
    level = np.hypot(ahead, left)
    if projection is Projection.AITOFF:  # Equations 30 and 31, by half-angle formulas
        larger = level + np.abs(ahead)
        smaller = left**2 / np.maximum(larger, np.finfo(float).tiny)  # level - |ahead|, without its cancellation
        summed, difference = np.where(ahead >= 0.0, (larger, smaller), (smaller, larger))
        half_cos, half_sin = np.sqrt(0.5 * level * summed), np.sqrt(0.5 * level * difference)
        scale = DEGREES * np.sqrt(2.0 / (1.0 + half_cos))
        return 2.0 * scale * np.copysign(half_sin, left), scale * up
    below = math.pi * level**2 / (1.0 + np.abs(up))  # pi (1 - |sin latitude|), exact near the poles
    from_pole = np.where(np.isfinite(below), np.interp(np.cbrt(below), _ROOTS, _ANGLES), np.nan)
    x = (2.0 * _SQRT2 / math.pi) * np.arctan2(left, ahead) * np.sin(from_pole)  # Equations 53-55
    return DEGREES * x, DEGREES * _SQRT2 * np.copysign(np.cos(from_pole), up)


def unproject(projection: Projection, x: FloatArray, y: FloatArray) -> FloatArray:
    """Directions of points of the plane, the inverse of :func:`project`.

    Parameters
    ----------
    projection : Projection
        The projection.
    x, y : ndarray, shape (n,)
        Degrees on the plane.

    Returns
    -------
    ndarray, shape (n, 3)
        Unit vectors; NaN beyond the edge of the sky.
    """
    across, up = np.asarray(x) / DEGREES, np.asarray(y) / DEGREES
    with np.errstate(invalid="ignore", divide="ignore"):
        if projection is Projection.ZENITHAL:
            square = across**2 + up**2
            shrink = np.sqrt(1.0 - 0.25 * square)
            return np.stack([1.0 - 0.5 * square + 0.0 * shrink, across * shrink, up * shrink], axis=-1)
        if projection is Projection.AITOFF:
            inside = across**2 / 8.0 + up**2 / 2.0 <= 1.0
            z = np.sqrt(np.where(inside, 1.0 - (across / 4.0) ** 2 - (up / 2.0) ** 2, np.nan))
            longitude = 2.0 * np.arctan2(0.5 * z * across, 2.0 * z**2 - 1.0)
            sine = up * z
        else:
            angle = np.arcsin(up / _SQRT2)
            longitude = math.pi * across / (2.0 * _SQRT2 * np.cos(angle))
            longitude = np.where(np.abs(longitude) <= math.pi, longitude, np.nan)
            sine = (2.0 * angle + np.sin(2.0 * angle)) / math.pi
        level = np.sqrt(np.maximum(1.0 - sine**2, 0.0))
        return np.stack([level * np.cos(longitude), level * np.sin(longitude), sine + 0.0 * longitude], axis=-1)


def centred(lon_deg: float, lat_deg: float) -> FloatArray:
    """Matrix that turns a direction to the first axis, north to the third; for ``vectors @ matrix.T``."""
    lon, lat = math.radians(lon_deg), math.radians(lat_deg)
    first = np.array([[math.cos(lon), math.sin(lon), 0.0], [-math.sin(lon), math.cos(lon), 0.0], [0.0, 0.0, 1.0]])
    second = np.array([[math.cos(lat), 0.0, math.sin(lat)], [0.0, 1.0, 0.0], [-math.sin(lat), 0.0, math.cos(lat)]])
    return np.asarray(second @ first)


def projected_curve(projection: Projection, vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project a curve, with NaN where it leaves the plane at one edge and enters at another.

    Parameters
    ----------
    projection : Projection
        The projection.
    vectors : ndarray, shape (n, 3)
        Unit vectors along the curve, near to each other.
    """
    x, y = project(projection, vectors)
    if x.size < 2:
        return x, y
    is_cut = np.hypot(np.diff(x), np.diff(y)) > 0.5 * projection.reach_deg[1]
    if projection is not Projection.ZENITHAL:
        is_behind = (vectors[1:, 0] < 0.0) & (np.sign(vectors[1:, 1]) != np.sign(vectors[:-1, 1]))
        is_cut |= is_behind & (np.abs(np.diff(x)) > 1.0)
    cut = np.flatnonzero(is_cut) + 1
    return np.insert(x, cut, np.nan), np.insert(y, cut, np.nan)


def edge_of(projection: Projection) -> tuple[FloatArray, FloatArray]:
    """Outline of the whole sky on the plane, in degrees."""
    angle = np.linspace(0.0, 2.0 * math.pi, _EDGE_POINTS)
    width, height = projection.reach_deg
    return width * np.cos(angle), height * np.sin(angle)
