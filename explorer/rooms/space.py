"""The stars in space, with velocities of those far from the disc (Figure 8)."""

from __future__ import annotations

from functools import partial

from explorer.charts.diagram import Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState


def _space(title: str, x: str, y: str, library: Library, _state: PanelState) -> Figure:
    table = library.table
    if not table.usable(x, y):
        return Missing(title, "positions", table.missing(x, y))
    off = ("stream", "arms")
    return plane_of(library, title, axis_of(table, x, tail=0.002), axis_of(table, y, tail=0.002), off=off, square=True)


TITLES = {"xy": "Space X-Y", "xz": "Space X-Z", "yz": "Space Y-Z", "rz": "Space R-Z"}

space_xy = partial(_space, TITLES["xy"], "x_gal", "y_gal")
space_xz = partial(_space, TITLES["xz"], "x_gal", "z_gal")
space_yz = partial(_space, TITLES["yz"], "y_gal", "z_gal")
space_rz = partial(_space, TITLES["rz"], "r_gal", "z_gal")
