"""Overlays of a plane by its columns: isochrones, stream model, spiral arms, velocities, the Sun."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from explorer.charts.marks import ARROW_HEIGHT_KPC, ARROW_KPC_PER_KMS, LONGEST_ARROW_KMS
from explorer.charts.overlays import Arrows, Dots, Lines, Overlay, SunMark
from explorer.charts.palettes import ISOCHRONE_COLOURS
from explorer.model.library import Library, kept_by_library
from pipeline.domain.column import Column

ISOCHRONE_AGE_GYR = 3.0
"""Age of the isochrones in Figure 2."""

_ARM_COLOUR = "#8b95a1"
_TRACK_KEYS = frozenset({"age_gyr", "m_h"})
"""Columns of the isochrones that identify a track; the others are coordinates."""


@kept_by_library(64)
def overlays_of(library: Library, x: Column, y: Column) -> tuple[Overlay, ...]:
    """All overlays of the plane of two columns, shared by all visitors."""
    if x.is_own or y.is_own:
        return ()
    return (*_published(library, x.name, y.name), *_arrows(library, x, y), *_sun(library, x, y))


def _published(library: Library, x: str, y: str) -> Iterator[Overlay]:
    """Published reference curves that have both columns."""
    overlays = library.products.overlays
    tracks = overlays.get("isochrones")
    if tracks is not None and not tracks.empty and {x, y} <= set(tracks.columns) - _TRACK_KEYS:
        yield isochrones(tracks, x, y)
    stream = overlays.get("stream_model")
    if stream is not None and not stream.empty and {x, y} <= set(stream.columns):
        about = "Grey points are the stream model of this catalogue."
        yield Overlay("stream", "Stream model", stream_points(stream, x, y), (("model", "#9aa5b1"),), about, mark="dot")
    arms = overlays.get("spiral_arms")
    if arms is not None and not arms.empty and (x, y) == ("x_gal", "y_gal"):
        yield Overlay("arms", "Spiral arms", arm_curves(arms))


def _arrows(library: Library, x: Column, y: Column) -> Iterator[Overlay]:
    """Velocities along two coordinates that the catalogue has velocities for."""
    if x.velocity and y.velocity and library.table.usable(x.velocity, y.velocity, "z_gal"):
        about = (
            f"Arrows are velocities at |Z| > {ARROW_HEIGHT_KPC:g} kpc; 100 km/s are {100 * ARROW_KPC_PER_KMS:g} kpc, "
            f"and none is longer than {LONGEST_ARROW_KMS:g} km/s."
        )
        caption = ((f"→ |Z| > {ARROW_HEIGHT_KPC:g} kpc", ""),)
        yield Overlay("arrows", "Velocity arrows", Arrows(x.velocity, y.velocity), caption, about)


def _sun(library: Library, x: Column, y: Column) -> Iterator[Overlay]:
    """The Sun in the plane of two coordinates of space."""
    if x.sun is not None and y.sun is not None:
        yield Overlay("sun", "The Sun", SunMark(x.sun * library.r0_kpc, y.sun * library.r0_kpc))


def isochrones(tracks: pd.DataFrame, x: str, y: str) -> Overlay:
    """Isochrones of Figure 2 in the plane of two of their columns.

    The age nearest to 3 Gyr is drawn, at the published metallicities nearest to -0.6, -0.3, 0 and 0.3 dex.
    """
    ages = np.unique(tracks["age_gyr"])
    age = ages[np.argmin(np.abs(ages - ISOCHRONE_AGE_GYR))]
    tracks = tracks[tracks["age_gyr"] == age]
    metallicities = np.unique(tracks["m_h"])
    drawn: dict[float, str] = {}
    for wanted, colour in ISOCHRONE_COLOURS.items():
        drawn.setdefault(float(metallicities[np.argmin(np.abs(metallicities - wanted))]), colour)
    parts = [tracks[tracks["m_h"] == m_h] for m_h in drawn]
    xs, ys = (tuple(part[name].to_numpy(np.float32) for part in parts) for name in (x, y))
    words = tuple((f"{m_h:+.1f}".replace("+0.0", "0.0"), colour) for m_h, colour in drawn.items())
    about = f"Isochrones of {age:.2g} Gyr by [M/H] in dex."
    return Overlay(
        "isochrones", "Isochrones", Lines(xs, ys, tuple(drawn.values()), cased=True), words, about, "[M/H]", "line"
    )


def stream_points(stream: pd.DataFrame, x: str, y: str) -> Dots:
    """Points of the stream model in the plane of two of its columns, grey, as in Figure 11."""
    points = stream[[x, y]].dropna()
    return Dots(points[x].to_numpy(np.float32), points[y].to_numpy(np.float32))


def arm_curves(arms: pd.DataFrame) -> Lines:
    """Spiral arms as dashed curves, as in Figure 9."""
    parts = [arm for _, arm in arms.groupby("arm", sort=False)]
    xs, ys = (tuple(part[name].to_numpy(np.float32) for part in parts) for name in ("x_gal", "y_gal"))
    return Lines(xs, ys, (_ARM_COLOUR,) * len(parts))
