"""Mean velocity fields of selections, one function for the screen, pictures and Figure 9."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.model.library import Library, kept_by_library
from explorer.model.selection import Mask
from pipeline.domain.columns import names_at
from pipeline.figures.disc_map import MapOf
from pipeline.science.space.mean_field import DiscStars, MeanField, disc_stars, mean_fields

NEEDED = names_at("map")
"""Columns that a map requires."""


@kept_by_library(1)
def stars_of(library: Library) -> DiscStars:
    """The stars of a catalogue on its map, computed once."""
    x, y, z, v_x, v_y, v_phi = (library.table.axis(name) for name in ("x_gal", "y_gal", "z_gal", "v_x", "v_y", "v_phi"))
    return disc_stars(x, y, z, v_x, v_y, v_phi)


@kept_by_library(16)
def every_field(library: Library, part: int) -> MeanField:
    """Field of all stars of a slice, computed once."""
    (field,) = mean_fields(stars_of(library), library.table.every, (part,))
    return field


def fields_of(library: Library, rows: Mask, parts: Sequence[int], of: MapOf) -> tuple[MeanField, ...]:
    """Fields of all stars, of some, or of some minus all.

    Parameters
    ----------
    library : Library
        The catalogue.
    rows : ndarray of bool, shape (n,)
        The selection.
    parts : sequence of int
        Numbers of the slices in height.
    of : MapOf
        Which stars.

    Returns
    -------
    tuple of MeanField
        One a slice.
    """
    every = tuple(every_field(library, part) for part in parts)
    if of is MapOf.ALL or (of is MapOf.SELECTED and rows is library.table.every):
        return every
    minus = every if of is MapOf.DIFFERENCE else None
    return mean_fields(stars_of(library), rows, parts, minus)
