"""Distance along the Sagittarius stream (Figure 11)."""

from __future__ import annotations

from explorer.charts.diagram import Axis, Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState
from pipeline.domain.columns import column

TITLE = "Stream distance"


def stream_distance(library: Library, _state: PanelState) -> Figure:
    """Distance against longitude along the stream."""
    table = library.table
    if not table.usable("sgr_lambda", "distance"):
        return Missing(TITLE, "distances or stream coordinates", table.missing("sgr_lambda", "distance"))
    return plane_of(library, TITLE, Axis(column("sgr_lambda"), 0.0, 360.0), axis_of(table, "distance", low=0.0))
