"""The action space (Figure 10)."""

from __future__ import annotations

from explorer.charts.diagram import Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState

TITLE = "Action space"


def actions(library: Library, _state: PanelState) -> Figure:
    """J_phi against J_tot."""
    table = library.table
    if not table.usable("j_phi", "j_tot"):
        return Missing(TITLE, "actions", table.missing("j_phi", "j_tot"))
    return plane_of(library, TITLE, axis_of(table, "j_phi", tail=0.002), axis_of(table, "j_tot", tail=0.002))
