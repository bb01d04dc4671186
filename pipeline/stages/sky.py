"""Stage "sky": positions of the stars, and groups of observations of one star."""

from __future__ import annotations

import numpy as np

from pipeline.domain.columns import column
from pipeline.domain.frames import equatorial_to_galactic, galactic_to_equatorial
from pipeline.science.velocity.repeats import star_numbers
from pipeline.stages.declared import Stage
from pipeline.stages.items import AnyOf, Columns, When
from pipeline.stages.state import BuildState, Progress

POSITION = AnyOf(Columns("ra", "dec"), called="a position")
GIVEN_POSITION = AnyOf(Columns("ra", "dec"), Columns("glon", "glat"), called="a position")


def place_on_sky(state: BuildState, progress: Progress) -> int:
    """Complete equatorial and Galactic positions, each from the other, and number the stars."""
    placed = 0
    if not GIVEN_POSITION.missing(state):
        placed = _positions(state)
    progress(0.5, "positions")
    star = star_numbers(state.column("ra"), state.column("dec"), state.integers("gaia_source_id"))
    most = column("n_obs").integer_limits[1]
    state.give(star=star, n_obs=np.minimum(np.bincount(star), most)[star].astype(np.int16))
    return placed


def _positions(state: BuildState) -> int:
    """Complete the positions; one beyond a pole is rejected with its reason."""
    ra, dec = state.column("ra"), state.column("dec")
    impossible = np.flatnonzero((np.abs(dec) > 90.0) | (np.abs(ra) > 360.0))
    state.reject_rows(
        *("sky", impossible, "value-out-of-range", "no position on the sky"),
        lambda row: f"RA {ra[row]:.6g}, Dec {dec[row]:.6g} is no position on the sky; it is published as missing.",
    )
    known = (np.abs(ra) <= 360.0) & (np.abs(dec) <= 90.0)
    own_lon, own_lat = state.column("glon"), state.column("glat")
    derived = ~known & (np.abs(own_lon) <= 360.0) & (np.abs(own_lat) <= 90.0)
    ra, dec = (np.where(known, values, np.nan) for values in (ra, dec))
    if derived.any():
        ra[derived], dec[derived] = galactic_to_equatorial(own_lon[derived], own_lat[derived])
    if derived.any() or impossible.size:
        state.give(ra=ra, dec=dec)
    galactic_coordinates(state)
    if derived.any():  # as given, not there and back again
        glon, glat = state.column("glon"), state.column("glat")
        state.give(glon=np.where(derived, own_lon, glon), glat=np.where(derived, own_lat, glat))
    return int((known | derived).sum())


def galactic_coordinates(state: BuildState) -> None:
    """Galactic longitude and latitude of all equatorial positions."""
    glon, glat = equatorial_to_galactic(state.column("ra"), state.column("dec"))
    state.give(glon=glon, glat=glat)


SKY = Stage(
    *("sky", place_on_sky, 1, ()),
    optional=(GIVEN_POSITION, Columns("gaia_source_id")),
    gives=(Columns("star", "n_obs"), When((GIVEN_POSITION,), Columns("ra", "dec", "glon", "glat"))),
)
