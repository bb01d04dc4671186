"""The abundance plane, [M/H] against [alpha/M]."""

from __future__ import annotations

from explorer.plots.diagram import axis_of
from explorer.state.workspace import Workspace
from explorer.views.base import View
from explorer.views.density import DensityView, MissingView


def abundance_view(workspace: Workspace) -> View:
    """[M/H] against [alpha/M]; log g against [M/H] is no substitute, so without both it says what is missing."""
    table = workspace.table
    if table.usable("m_h", "alpha_m"):
        return DensityView(workspace, "Abundances", (axis_of(table, "m_h"), axis_of(table, "alpha_m")))
    return MissingView(workspace, "Abundances", "abundance pairs", table.missing("m_h", "alpha_m"))
