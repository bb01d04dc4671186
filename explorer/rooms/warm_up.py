"""Compilation before the first visit."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from explorer.charts.grid import FIRST_VIEWS, default_panels
from explorer.model.first_star import first_star
from explorer.model.label_model import warm_up as warm_up_refit
from explorer.model.library import Library
from explorer.model.polygons import LOOKUP_FROM, points_in_polygon
from explorer.model.selection import InBox
from explorer.rooms.channel import Channel
from explorer.rooms.stage import Stage
from explorer.state.workspace import Workspace


def warm_up_views(library: Library) -> None:
    """Compile the brush path and scan the columns, also while pages are served.

    No page is written: Panel would take the style sheets of a page that is written at the same time from its own host.
    """
    if library.products.spectra is not None:
        with suppress(ValueError):  # a damaged label model, which the star panel reports
            warm_up_refit(library.label_model, library.products.spectra)
    first_star(library)
    workspace = Workspace(library.table, panels=default_panels(library, FIRST_VIEWS))
    stage = Stage(workspace, library, Channel())
    for number, chart in enumerate(stage.charts):
        chart.look((0.0, 1.0, 0.0, 1.0), 64, 64)
        stage.due([number])
    for colour in ("count", *(declared.name for declared in library.table.colourable()[:1]), "in_training"):
        workspace.colour_by = colour
        workspace.gesture(InBox("obsid", "obsid", 0, 1, 0, 1))
    x, y = np.zeros((2, LOOKUP_FROM), np.float32)
    points_in_polygon(x, y, np.eye(3, 2))
