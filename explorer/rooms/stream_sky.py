"""The Sagittarius stream on the sky."""

from __future__ import annotations

from explorer.charts.diagram import Axis, Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState
from pipeline.domain.columns import column

TITLE = "Sagittarius sky"


def stream_sky(library: Library, _state: PanelState) -> Figure:
    """Latitude against longitude along the stream, Lambda from 0 to 360 degrees."""
    table = library.table
    if not table.usable("sgr_lambda", "sgr_beta"):
        return Missing(TITLE, "stream coordinates", table.missing("sgr_lambda", "sgr_beta"))
    return plane_of(library, TITLE, Axis(column("sgr_lambda"), 0.0, 360.0), axis_of(table, "sgr_beta"))
