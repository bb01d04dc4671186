"""The abundance plane, [M/H] against [alpha/M]."""

from __future__ import annotations

from explorer.charts.diagram import Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState

TITLE = "Abundances"


def abundances(library: Library, _state: PanelState) -> Figure:
    """[M/H] against [alpha/M]; a sentence about missing columns if the catalogue lacks one of them."""
    table = library.table
    if not table.usable("m_h", "alpha_m"):
        return Missing(TITLE, "abundance pairs", table.missing("m_h", "alpha_m"))
    return plane_of(library, TITLE, axis_of(table, "m_h"), axis_of(table, "alpha_m"))
