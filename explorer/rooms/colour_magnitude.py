"""The colour-magnitude diagram: 2MASS colour against absolute magnitude."""

from __future__ import annotations

from explorer.charts.diagram import Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState

TITLE = "Colour-magnitude"


def colour_magnitude(library: Library, _state: PanelState) -> Figure:
    """(J - Ks)0 against M_K, bright stars up."""
    table = library.table
    if not table.usable("jk0", "k_abs"):
        return Missing(TITLE, "absolute magnitudes", table.missing("jk0", "k_abs"))
    return plane_of(library, TITLE, axis_of(table, "jk0"), axis_of(table, "k_abs", along="y"))
