"""The Hertzsprung-Russell diagram (Figure 2), or the colour-magnitude diagram where there are no labels."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from explorer.plots.diagram import axis_of
from explorer.plots.references import isochrones
from explorer.state.workspace import Workspace
from explorer.views.base import View
from explorer.views.density import DensityView, MissingView


def hr_view(workspace: Workspace, overlays: Mapping[str, pd.DataFrame]) -> View:
    """Teff against log g, hot stars left and giants up; (J - Ks)0 against M_K where the catalogue has no Teff."""
    table = workspace.table
    if table.usable("teff", "logg"):
        axes = axis_of(table, "teff", inverted=True), axis_of(table, "logg", inverted=True)
        curves, caption = isochrones(overlays, "teff", "logg")
        return DensityView(workspace, "HR diagram", axes, curves, caption)
    if table.usable("jk0", "k_abs"):
        axes = axis_of(table, "jk0"), axis_of(table, "k_abs", inverted=True)
        curves, caption = isochrones(overlays, "jk0", "k_abs")
        return DensityView(workspace, "Colour-magnitude", axes, curves, caption)
    missing = table.missing("teff", "logg", "jk0", "k_abs")
    return MissingView(workspace, "HR diagram", "labels and no absolute magnitudes", missing)
