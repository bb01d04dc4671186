"""The sky in Galactic coordinates."""

from __future__ import annotations

from explorer.charts.diagram import Axis, Figure, Missing
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState
from pipeline.domain.columns import column

TITLE = "Sky"


def sky(library: Library, _state: PanelState) -> Figure:
    """Galactic coordinates with longitude to the left; equatorial ones if the catalogue has no others."""
    table = library.table
    x, y = ("glon", "glat") if table.usable("glon", "glat") else ("ra", "dec")
    if not table.usable(x, y):
        return Missing(TITLE, "positions on the sky", table.missing(x, y))
    return plane_of(library, TITLE, Axis(column(x), 0.0, 360.0, inverted=True), Axis(column(y), -90.0, 90.0))
