"""The Hertzsprung-Russell diagram (Figure 2)."""

from __future__ import annotations

from explorer.charts.diagram import Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState

TITLE = "HR diagram"


def hr(library: Library, _state: PanelState) -> Figure:
    """Teff against log g, hot stars left and giants up."""
    table = library.table
    if not table.usable("teff", "logg"):
        return Missing(TITLE, "labels", table.missing("teff", "logg"))
    return plane_of(library, TITLE, axis_of(table, "teff", along="x"), axis_of(table, "logg", along="y"))
