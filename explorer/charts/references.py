"""What lies on the stars, found by the columns of a plane: isochrones, stream, spiral arms, velocities, the Sun."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from explorer.charts.diagram import Arrows, Axis, Dots, Lines, Overlay, Plane, SunMark
from explorer.charts.palettes import ISOCHRONE_COLOURS
from explorer.model.library import Library

ISOCHRONE_AGE_GYR = 3.0
"""Age of the isochrones in Figure 2."""

ARROW_HEIGHT_KPC = 5.0
"""Stars this far from the plane show their velocities, as in Figure 8."""

ARROW_KPC_PER_KMS = 0.02
LONGEST_ARROW_KMS = 500.0
"""Length of the arrows: 100 km/s are 2 kpc long."""

MAX_ARROWS = 500

_ARM_COLOUR = "#8b95a1"
_VELOCITY_OF = {"x_gal": "v_x", "x_helio": "v_x", "y_gal": "v_y", "z_gal": "v_z", "r_gal": "v_r"}
_STREAM_COLUMNS = ("sgr_lambda", "sgr_beta", "distance", "v_gsr", "x_gal", "y_gal", "z_gal")


def overlays_of(
    overlays: Mapping[str, pd.DataFrame], columns: tuple[str, ...], x: str, y: str, r0_kpc: float
) -> tuple[Overlay, ...]:
    """Everything that can lie on the plane of two columns.

    Parameters
    ----------
    overlays : mapping of str to pandas.DataFrame
        Published reference curves.
    columns : tuple of str
        Columns of the catalogue that hold values.
    x, y : str
        The plane.
    r0_kpc : float
        Distance of the Sun from the Galactic centre.
    """
    return tuple(_found(overlays, columns, x, y, r0_kpc))


def _found(
    overlays: Mapping[str, pd.DataFrame], columns: tuple[str, ...], x: str, y: str, r0_kpc: float
) -> Iterator[Overlay]:
    tracks = overlays.get("isochrones")
    if tracks is not None and not tracks.empty and {x, y} <= {"teff", "logg", "jk0", "k_abs"}:
        yield isochrones(tracks, x, y)
    stream = overlays.get("stream_model")
    if stream is not None and not stream.empty and {x, y} <= set(_STREAM_COLUMNS):
        yield stream_model(stream, x, y)
    arms = overlays.get("spiral_arms")
    if arms is not None and not arms.empty and (x, y) == ("x_gal", "y_gal"):
        yield spiral_arms(arms)
    if {x, y} <= set(_VELOCITY_OF) and {_VELOCITY_OF[x], _VELOCITY_OF[y], "z_gal"} <= set(columns):
        about = (
            f"Arrows are velocities at |Z| > {ARROW_HEIGHT_KPC:g} kpc; 100 km/s are {100 * ARROW_KPC_PER_KMS:g} kpc, "
            f"and none is longer than {LONGEST_ARROW_KMS:g} km/s."
        )
        yield Overlay(
            "arrows",
            "Velocity arrows",
            Arrows(_VELOCITY_OF[x], _VELOCITY_OF[y]),
            ((f"→ |Z| > {ARROW_HEIGHT_KPC:g} kpc", ""),),
            about,
        )
    place = {"x_gal": -r0_kpc, "x_helio": 0.0, "y_gal": 0.0, "z_gal": 0.0, "r_gal": r0_kpc}
    if {x, y} <= set(place):
        yield Overlay("sun", "The Sun", SunMark(place[x], place[y]))


def plane_of(library: Library, title: str, x: Axis, y: Axis, *, off: Iterable[str] = (), square: bool = False) -> Plane:
    """A plane with everything that can lie on it; ``off`` names overlays that are off at the start."""
    table = library.table
    columns = tuple(one.name for one in table.columns if not one.is_own and table.usable(one.name))
    found = overlays_of(library.products.overlays, columns, x.column.name, y.column.name, library.r0_kpc)
    return Plane(title, x, y, found, frozenset(off), square)


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
    words = tuple((f"━ {m_h:+.1f}".replace("+0.0", "0.0"), colour) for m_h, colour in drawn.items())
    about = f"Isochrones of {age:.2g} Gyr by [M/H] in dex."
    return Overlay("isochrones", "Isochrones", Lines(xs, ys, tuple(drawn.values())), words, about, "[M/H]")


def stream_model(stream: pd.DataFrame, x: str, y: str) -> Overlay:
    """Points of the stream model, grey, as in Figure 11."""
    points = stream[[x, y]].dropna()
    dots = Dots(points[x].to_numpy(np.float32), points[y].to_numpy(np.float32))
    about = "Grey points are the stream model of this catalogue."
    return Overlay("stream", "Stream model", dots, (("● model", "#9aa5b1"),), about)


def spiral_arms(arms: pd.DataFrame) -> Overlay:
    """Spiral arms as dashed curves, as in Figure 9."""
    parts = [arm for _, arm in arms.groupby("arm", sort=False)]
    xs, ys = (tuple(part[name].to_numpy(np.float32) for part in parts) for name in ("x_gal", "y_gal"))
    return Overlay("arms", "Spiral arms", Lines(xs, ys, (_ARM_COLOUR,) * len(parts)))


def arrow_ends(
    at: tuple[np.ndarray, np.ndarray], velocity: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Heads of velocity arrows that start at the stars, in kpc; an arrow ends at the longest that is told apart."""
    scale = ARROW_KPC_PER_KMS * np.minimum(1.0, LONGEST_ARROW_KMS / np.maximum(np.hypot(*velocity), 1e-9))
    return at[0] + scale * velocity[0], at[1] + scale * velocity[1]
