"""Any column against any other."""

from __future__ import annotations

from explorer.charts.diagram import Figure, Missing, axis_of
from explorer.charts.references import plane_of
from explorer.model.library import Library
from explorer.state.panels import PanelState

TITLE = "Any columns"


def custom(library: Library, state: PanelState) -> Figure:
    """The two chosen columns, each in its declared reading direction."""
    table = library.table
    first = [declared.name for declared in table.axes()][:2]
    if len(first) < 2:
        return Missing(TITLE, "two columns", ())
    x, y = state.x or first[0], state.y or first[1]
    if not table.usable(x, y):
        return Missing(TITLE, "such columns", table.missing(x, y))
    axes = axis_of(table, x, along="x"), axis_of(table, y, along="y")
    title = f"{axes[1].column.label} against {axes[0].column.label}"
    return plane_of(library, title, *axes, off=("arrows",))
