"""The disc map: line integral convolution per slice in height, the selection over it (Figure 9)."""

from __future__ import annotations

from explorer.charts.diagram import Axis, DiscPlane, Figure, Missing
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState
from pipeline.domain.columns import column

TITLE = "Disc map"

_HALF_WIDTH_KPC = 15.0


def disc(library: Library, _state: PanelState) -> Figure:
    """The maps, or what is missing for them."""
    maps = library.products.maps
    if not (maps and library.table.usable("x_gal", "y_gal", "z_gal")):
        return Missing(TITLE, "velocity maps", ("x_gal", "y_gal", "v_phi"))
    axes = (Axis(column(name), -_HALF_WIDTH_KPC, _HALF_WIDTH_KPC) for name in ("x_gal", "y_gal"))
    plane = plane_of(library, TITLE, *axes, off=("arrows", "stream"), square=True)
    return DiscPlane(plane.title, plane.x, plane.y, plane.overlays, plane.off, plane.square, maps)
