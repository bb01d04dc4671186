"""Overlays of a plane by its columns: isochrones, stream model, spiral arms, velocities, the Sun."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from explorer.charts.overlays import Arrows, Dots, Lines, MeanArrows, Overlay, SunMark
from explorer.model.library import Library, kept_by_library
from pipeline.domain.column import Column
from pipeline.figures.references import nearest_isochrones
from pipeline.figures.star_arrows import ARROW_KPC_PER_KMS, FAR_KPC, LONGEST_ARROW_KMS

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
            f"Arrows are velocities at |Z| > {FAR_KPC:g} kpc; 100 km/s are {100 * ARROW_KPC_PER_KMS:g} kpc, "
            f"and none is longer than {LONGEST_ARROW_KMS:g} km/s."
        )
        caption = ((f"→ |Z| > {FAR_KPC:g} kpc", ""),)
        yield Overlay("arrows", "Velocity arrows", Arrows(x.velocity, y.velocity), caption, about)


def mean_arrows() -> Overlay:
    """Mean velocities on a disc map."""
    return Overlay("arrows", "Arrows of the mean velocity", MeanArrows())


def _sun(library: Library, x: Column, y: Column) -> Iterator[Overlay]:
    """The Sun in the plane of two coordinates of space."""
    if x.sun is not None and y.sun is not None:
        yield Overlay("sun", "The Sun", SunMark(x.sun * library.r0_kpc, y.sun * library.r0_kpc))


def isochrones(tracks: pd.DataFrame, x: str, y: str) -> Overlay:
    """Isochrones of Figure 2 in the plane of two of their columns.

    The age nearest to 3 Gyr is drawn, at the published metallicities nearest to -0.6, -0.3, 0 and 0.3 dex.
    """
    age, shown = nearest_isochrones(tracks)
    xs, ys = (tuple(track.track[name].to_numpy(np.float32) for track in shown) for name in (x, y))
    words = tuple((f"{track.m_h:+.1f}".replace("+0.0", "0.0"), track.colour) for track in shown)
    about = f"Isochrones of {age:.2g} Gyr by [M/H] in dex."
    lines = Lines(xs, ys, tuple(track.colour for track in shown), cased=True)
    return Overlay("isochrones", "Isochrones", lines, words, about, "[M/H]", "line")


def stream_points(stream: pd.DataFrame, x: str, y: str) -> Dots:
    """Points of the stream model in the plane of two of its columns, grey, as in Figure 11."""
    points = stream[[x, y]].dropna()
    return Dots(points[x].to_numpy(np.float32), points[y].to_numpy(np.float32))


def arm_curves(arms: pd.DataFrame) -> Lines:
    """Spiral arms as dashed curves, as in Figure 9."""
    parts = [arm for _, arm in arms.groupby("arm", sort=False)]
    xs, ys = (tuple(part[name].to_numpy(np.float32) for part in parts) for name in ("x_gal", "y_gal"))
    return Lines(xs, ys, (_ARM_COLOUR,) * len(parts))
