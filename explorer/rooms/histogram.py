"""A histogram of one column, which also selects."""

from __future__ import annotations

from explorer.charts.diagram import Bars, Figure, Missing, axis_of
from explorer.model.library import Library
from explorer.state.panels import PanelState

TITLE = "Histogram"

FIRST = ("m_h", "distance", "rv", "snr")
"""Columns whose histograms come first."""


def histogram(library: Library, state: PanelState) -> Figure:
    """Numbers of stars over the chosen column, or over the first that has values."""
    table = library.table
    first = (*FIRST, *(one.name for one in table.axes()))
    name = next((name for name in (state.x, *first) if name and table.usable(name)), None)
    if name is None:
        return Missing(TITLE, "such column", (state.x or FIRST[0],))
    axis = axis_of(table, name, tail=0.002)
    return Bars(f"{TITLE} of {axis.column.label}", axis)
