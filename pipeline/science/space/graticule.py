"""Graticule of a part of a projected sky: labelled lines of longitude and latitude."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.frames import sky_angles, unit_vectors
from pipeline.science.space.sky_projection import FloatArray, Projection, edge_of, projected_curve, unproject

Window = tuple[float, float, float, float]

STEPS_DEG = (30.0, 15.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Distances of lines, each a part of a full turn."""

_LINES = 4.0
"""Lines over the height of the window, at least."""

_PROBES = 41
_SAMPLES = 181
_CIRCLE = 721
_NARROWEST = 0.2
"""Least cosine of the latitude by which meridians are thinned out near a pole."""

_INSET = 0.03
"""Distance of labels from the edges, as a fraction of the window."""

_MARGIN = 0.1
_OFF_CUT_DEG = 1e-6


class Graticule(NamedTuple):
    """Lines, with NaN between two, and places and texts of their labels.

    ``x`` and ``y`` have the shape (n,); ``label_x``, ``label_y`` and ``labels`` the length k.
    """

    x: FloatArray
    y: FloatArray
    label_x: FloatArray
    label_y: FloatArray
    labels: tuple[str, ...]


class _Line(NamedTuple):
    """One line: its text, the longitudes and latitudes of its points, and whether it is a parallel."""

    text: str
    lon: FloatArray
    lat: FloatArray
    is_parallel: bool


def graticule(projection: Projection, matrix: FloatArray, window: Window, *, left_is_low: bool = False) -> Graticule:
    """Graticule of a part of the plane.

    Parameters
    ----------
    projection : Projection
        The projection.
    matrix : ndarray, shape (3, 3)
        Takes unit vectors of the frame to those of the projection.
    window : tuple of float
        Lower and upper end of x, then of y, in degrees on the plane.
    left_is_low : bool
        Whether x grows to the right; labels of parallels are at the left.
    """
    parts = [edge_of(projection)]
    labels: list[tuple[float, float, str]] = []
    seen = _seen(projection, matrix, window)
    if seen is not None:
        reference = 0.0 if seen[1].min() <= 0.0 <= seen[1].max() else float(np.median(seen[1]))
        for line in _lines(projection, matrix, seen, window[3] - window[2]):
            x, y = projected_curve(projection, unit_vectors(line.lon, line.lat) @ matrix.T)
            parts.append((x, y))
            inside = np.flatnonzero(_within(x, y, window, -_INSET))
            if not inside.size:
                continue
            if line.is_parallel:
                at = inside[np.argmin(x[inside]) if left_is_low else np.argmax(x[inside])]
            else:
                away = np.abs(sky_angles(unproject(projection, x[inside], y[inside]) @ matrix)[1] - reference)
                at = inside[np.argmin(np.nan_to_num(away, nan=180.0))]  # a pole may be rounded off the plane
            place = float(x[at]), float(y[at])
            if not any(_covers(place, other, window) for *other, _ in labels):
                labels.append((*place, line.text))
    x, y = _joined(parts, window)
    at_x, at_y = (np.array([label[axis] for label in labels], np.float64) for axis in (0, 1))
    return Graticule(x, y, at_x, at_y, tuple(text for _, _, text in labels))


def _seen(projection: Projection, matrix: FloatArray, window: Window) -> tuple[FloatArray, FloatArray] | None:
    """Longitudes and latitudes of points all over a window; None beyond the edge of the sky."""
    x, y = np.meshgrid(np.linspace(*window[:2], _PROBES), np.linspace(*window[2:], _PROBES))
    vectors = unproject(projection, x.ravel(), y.ravel())
    vectors = vectors[np.isfinite(vectors).all(axis=1)]
    return sky_angles(vectors @ matrix) if len(vectors) else None


def _lines(
    projection: Projection, matrix: FloatArray, seen: tuple[FloatArray, FloatArray], height: float
) -> list[_Line]:
    """Lines at round degrees through the part of the sky that is seen."""
    lon, lat = seen
    step = _step(min(height, 2.0 * projection.reach_deg[1]) / _LINES)
    thinned = step / max(math.cos(math.radians(float(np.abs(lat).min()))), _NARROWEST)
    lon_step = min((size for size in STEPS_DEG if size >= thinned * (1.0 - 1e-9)), default=STEPS_DEG[0])
    south, north = max(float(lat.min()) - step, -90.0), min(float(lat.max()) + step, 90.0)
    sectors = np.unique(np.floor(lon / lon_step).astype(int))
    meridians = np.unique(np.concatenate([sectors, sectors + 1]) % round(360.0 / lon_step))
    upwards = np.linspace(south, north, _SAMPLES)
    lines = [
        _Line(_text(number * lon_step), np.full(_SAMPLES, number * lon_step), upwards, is_parallel=False)
        for number in meridians
    ]
    cut = float(sky_angles(np.array([-1.0, 0.0, 0.0]) @ matrix)[0])
    around = _around(lon, lon_step, cut)
    parallels = step * np.arange(math.ceil(south / step), math.floor(north / step) + 1)
    lines += [
        _Line(_text(value, signed=True), around, np.full(around.size, value), is_parallel=True)
        for value in parallels
        if abs(value) < 90.0
    ]
    return lines


def _step(largest: float) -> float:
    """The largest of the steps that is not larger than a distance."""
    return next((step for step in STEPS_DEG if step <= largest), STEPS_DEG[-1])


def _around(lon: FloatArray, margin: float, cut: float) -> FloatArray:
    """Longitudes of the points of a parallel: over what is seen, or once around from the cut of the plane."""
    order = np.sort(lon)
    gaps = np.diff(order, append=order[0] + 360.0)
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 2.0 * margin:
        return np.linspace(cut + _OFF_CUT_DEG, cut + 360.0 - _OFF_CUT_DEG, _CIRCLE)
    first = order[(widest + 1) % order.size] - margin
    return np.linspace(first, first + 360.0 - gaps[widest] + 2.0 * margin, _CIRCLE)


def _within(x: FloatArray, y: FloatArray, window: Window, margin: float) -> NDArray[np.bool_]:
    """Whether points are in a window that is larger by a fraction on each side."""
    across, up = margin * (window[1] - window[0]), margin * (window[3] - window[2])
    inside = (x >= window[0] - across) & (x <= window[1] + across)
    return np.asarray(inside & (y >= window[2] - up) & (y <= window[3] + up))


def _joined(parts: list[tuple[FloatArray, FloatArray]], window: Window) -> tuple[FloatArray, FloatArray]:
    """Curves as one, with NaN between two and for what is far outside of the window; never two NaN in a row."""
    x, y = (np.concatenate([piece for part in parts for piece in (part[axis], [np.nan])]) for axis in (0, 1))
    near = _within(x, y, window, _MARGIN)
    near[1:] |= near[:-1] & np.isfinite(x[1:])  # a step beyond, so that lines reach the edge
    near[:-1] |= near[1:] & np.isfinite(x[:-1])
    x, y = np.where(near, x, np.nan), np.where(near, y, np.nan)
    kept = near.copy()
    kept[1:] |= near[:-1]
    return x[kept], y[kept]


def _covers(place: tuple[float, float], other: Sequence[float], window: Window) -> bool:
    """Whether two labels would be at one place."""
    across, up = (abs(here - there) for here, there in zip(place, other, strict=True))
    return across < _INSET * (window[1] - window[0]) and up < _INSET * (window[3] - window[2])


def _text(degrees: float, *, signed: bool = False) -> str:
    """A label in degrees."""
    value = round(float(degrees), 6) + 0.0
    text = f"{value:+g}" if signed and value else f"{value:g}"
    return f"{text}°".replace("-", "\N{MINUS SIGN}")
