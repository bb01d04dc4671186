"""Energy against angular momentum, where accreted stars stand apart from the disc."""

from __future__ import annotations

from explorer.charts.diagram import Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState

TITLE = "Energy"


def energy(library: Library, _state: PanelState) -> Figure:
    """L_z, which is J_phi, against total energy."""
    table = library.table
    if not table.usable("j_phi", "energy"):
        return Missing(TITLE, "orbital energies", table.missing("j_phi", "energy"))
    return plane_of(library, TITLE, axis_of(table, "j_phi", tail=0.002), axis_of(table, "energy", tail=0.002))
