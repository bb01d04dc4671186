"""Velocity fields of a selection, computed as the build computed those of all stars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.model.selection import Mask
from explorer.model.table import StarTable
from pipeline.domain.columns import names_at
from pipeline.domain.settings import KinematicsConfig
from pipeline.products.maps import DiscMap
from pipeline.science.space.velocity_field import velocity_field

NEEDED = names_at("map")
"""Columns that a map requires."""


def maps_of(table: StarTable, rows: Mask, like: Sequence[DiscMap], min_stars: int) -> tuple[DiscMap, ...]:
    """Disc maps of some stars.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    rows : ndarray of bool, shape (n,)
        Which stars.
    like : sequence of DiscMap
        The build's maps, whose slices and cells are used again.
    min_stars : int
        Cells with fewer stars stay empty.

    Returns
    -------
    tuple of DiscMap
        One a slice.
    """
    made = []
    for disc in like:
        height = np.abs(table.axis("z_gal"))
        inside = rows & (height >= disc.z_low_kpc) & (height < disc.z_high_kpc)
        edges = disc.edges_kpc
        settings = KinematicsConfig(
            map_half_width_kpc=float(edges[-1]), map_cell_kpc=float(edges[1] - edges[0]), map_min_stars=min_stars
        )
        texture_factor = max(disc.texture.shape[0] // disc.v_phi.shape[0], 1)
        x, y, v_x, v_y, v_phi = (
            table.axis(name)[inside].astype(np.float64) for name in ("x_gal", "y_gal", "v_x", "v_y", "v_phi")
        )
        field = velocity_field(x, y, v_x, v_y, v_phi, settings, texture_factor)
        made.append(
            DiscMap(
                disc.z_low_kpc,
                disc.z_high_kpc,
                field.edges_kpc,
                field.count,
                field.v_x,
                field.v_y,
                field.v_phi,
                field.residual,
                field.texture,
            )
        )
    return tuple(made)
