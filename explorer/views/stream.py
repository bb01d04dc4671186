"""The Sagittarius stream: on the sky (Lambda, B), and distance along it (Figure 11)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from explorer.plots.diagram import Axis, axis_of
from explorer.plots.references import stream_model
from explorer.state.workspace import Workspace
from explorer.views.base import View
from explorer.views.density import DensityView, MissingView
from pipeline.domain.columns import column

_CAPTION = '<i class="dot"></i> stream model'


def stream_sky_view(workspace: Workspace, overlays: Mapping[str, pd.DataFrame]) -> View:
    """Latitude against longitude along the stream, Lambda from 0 to 360 degrees."""
    return _along_stream(workspace, overlays, "Sagittarius sky", "sgr_beta", "stream coordinates")


def stream_distance_view(workspace: Workspace, overlays: Mapping[str, pd.DataFrame]) -> View:
    """Distance against longitude along the stream."""
    return _along_stream(
        workspace, overlays, "Distance along the stream", "distance", "distances or stream coordinates"
    )


def _along_stream(workspace: Workspace, overlays: Mapping[str, pd.DataFrame], title: str, name: str, what: str) -> View:
    table = workspace.table
    if not table.usable("sgr_lambda", name):
        return MissingView(workspace, title, what, table.missing("sgr_lambda", name))
    along = Axis(column("sgr_lambda"), 0.0, 360.0)
    model = stream_model(overlays, "sgr_lambda", name)
    across = axis_of(table, name, low=0.0 if name == "distance" else None)
    return DensityView(workspace, title, (along, across), model, _CAPTION if model else "")
