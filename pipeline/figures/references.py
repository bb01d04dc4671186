"""Isochrones that figures and views show, as in Figure 2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

ISOCHRONE_AGE_GYR = 3.0
"""Age of the isochrones in Figure 2."""

ISOCHRONE_COLOURS = {-0.6: "#e0a100", -0.3: "#009e73", 0.0: "#0072b2", 0.3: "#d55e00"}
"""Isochrones by [M/H] in dex: yellow, green, blue and red as the paper's, in a colour-blind safe set."""


@dataclass(frozen=True)
class Isochrone:
    """An isochrone of a catalogue.

    Parameters
    ----------
    m_h : float
        Its [M/H] in dex.
    colour : str
        Its colour.
    track : DataFrame
        Its points.
    """

    m_h: float
    colour: str
    track: pd.DataFrame


def nearest_isochrones(tracks: pd.DataFrame) -> tuple[float, tuple[Isochrone, ...]]:
    """Isochrones of the age nearest to 3 Gyr, at the published [M/H] nearest to -0.6, -0.3, 0 and 0.3 dex.

    Parameters
    ----------
    tracks : DataFrame
        Columns ``age_gyr``, ``m_h`` and coordinates.

    Returns
    -------
    age_gyr : float
        Their age.
    isochrones : tuple of Isochrone
        Each [M/H] once.
    """
    ages, metallicities = np.unique(tracks["age_gyr"]), np.unique(tracks["m_h"])
    age = float(ages[np.argmin(np.abs(ages - ISOCHRONE_AGE_GYR))])
    of_age = tracks[tracks["age_gyr"] == age]
    drawn: dict[float, str] = {}
    for wanted, colour in ISOCHRONE_COLOURS.items():
        drawn.setdefault(float(metallicities[np.argmin(np.abs(metallicities - wanted))]), colour)
    return age, tuple(Isochrone(m_h, colour, of_age[of_age["m_h"] == m_h]) for m_h, colour in drawn.items())
