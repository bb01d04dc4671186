"""Any column against any other."""

from __future__ import annotations

from explorer.model.library import Library
from explorer.plots.diagram import Figure, Missing, axis_of
from explorer.plots.references import plane_of
from explorer.state.panels import PanelState

TITLE = "Any columns"


def custom(library: Library, state: PanelState) -> Figure:
    """The two chosen columns; magnitudes of absolute brightness stand upside down, as astronomers have them."""
    table = library.table
    first = [declared.name for declared in table.axes()][:2]
    if len(first) < 2:
        return Missing(TITLE, "two columns", ())
    x, y = state.x or first[0], state.y or first[1]
    if not table.usable(x, y):
        return Missing(TITLE, "such columns", table.missing(x, y))
    down = {"k_abs", "logg", "k_mag", "k0_mag", "g_mag", "j_mag", "h_mag", "w1_mag", "w2_mag"}
    axes = axis_of(table, x, inverted=x == "teff"), axis_of(table, y, inverted=y in down)
    title = f"{axes[1].column.label} against {axes[0].column.label}"
    return plane_of(library, title, *axes, off=("arrows",))
