"""The action space (Figure 10)."""

from __future__ import annotations

from explorer.plots.diagram import axis_of
from explorer.state.workspace import Workspace
from explorer.views.base import View
from explorer.views.density import DensityView, MissingView


def action_view(workspace: Workspace) -> View:
    """J_phi against J_tot."""
    table = workspace.table
    if table.usable("j_phi", "j_tot"):
        axes = axis_of(table, "j_phi", tail=0.002), axis_of(table, "j_tot", tail=0.002)
        return DensityView(workspace, "Action space", axes)
    return MissingView(workspace, "Action space", "actions", table.missing("j_phi", "j_tot"))
