"""The disc map: line integral convolution per slice in height, the selection over it (Figure 9)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from explorer.model.selection import Everything
from explorer.plots.colouring import bar_html
from explorer.plots.diagram import Axis
from explorer.plots.disc import (
    add_texture,
    mark_sun,
    rotation_colours,
    rotation_limits,
    texture_data,
    texture_palette,
)
from explorer.plots.references import spiral_arms
from explorer.plots.shading import Canvas
from explorer.state.workspace import Workspace
from explorer.views.base import View, card, together
from explorer.views.density import DensityView, MissingView
from pipeline.domain.columns import column
from pipeline.products.maps import DiscMap

_HALF_WIDTH_KPC = 15.0


def disc_view(
    workspace: Workspace, maps: tuple[DiscMap, ...], overlays: Mapping[str, pd.DataFrame], r0_kpc: float
) -> View:
    """The maps, or what is missing for them."""
    if maps and workspace.table.usable("x_gal", "y_gal", "z_gal"):
        return DiscView(workspace, maps, overlays, r0_kpc)
    return MissingView(workspace, "Disc map", "velocity maps", ("x_gal", "y_gal", "v_phi"))


class DiscView(DensityView):
    """Disc maps with the selected stars of the slice over them.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    maps : tuple of DiscMap
        Slices in height.
    overlays : mapping of str to pandas.DataFrame
        Reference curves.
    r0_kpc : float
        How far the Sun is from the centre in the build's frame.
    """

    def __init__(
        self, workspace: Workspace, maps: tuple[DiscMap, ...], overlays: Mapping[str, pd.DataFrame], r0_kpc: float
    ) -> None:
        self.maps = maps
        self.limits = rotation_limits(maps)
        self._texture = None
        x = Axis(column("x_gal"), -_HALF_WIDTH_KPC, _HALF_WIDTH_KPC)
        y = Axis(column("y_gal"), -_HALF_WIDTH_KPC, _HALF_WIDTH_KPC)
        super().__init__(workspace, "Disc map", (x, y), spiral_arms(overlays))
        self._texture = add_texture(self.diagram)
        mark_sun(self.diagram, r0_kpc)
        options = {_short(disc): number for number, disc in enumerate(maps)}
        self.slice = pmui.Select(
            label="",
            options=options,
            value=0,
            size="small",
            variant="standard",
            width=112,
            height=24,
            margin=(0, 6),
            sx={"fontSize": "12px"},
            styles={"flex": "none"},
        )
        self.slice.param.watch(together(self.change_slice), "value")
        self.recolour()
        self.change_slice()

    def change_slice(self) -> None:
        """Show another slice in height and its stars."""
        disc = self.maps[self.slice.value]
        table = self.workspace.table
        height = np.abs(table["z_gal"])
        inside = (height >= disc.z_low_kpc) & (height < disc.z_high_kpc)
        self.canvas = Canvas(table["x_gal"], table["y_gal"], inside)
        if self._texture is not None:
            self._texture.source.data = texture_data(disc, self.limits)
        self.redraw()

    def _settle(self) -> None:
        self._square()
        super()._settle()

    def _square(self) -> None:
        """Give X the scale of Y, so that circles about the Galactic centre are circles."""
        viewport, x_range = self.viewport, self.diagram.figure.x_range
        half = 0.5 * (viewport.y_high - viewport.y_low) * viewport.width / viewport.height
        centre = 0.5 * (viewport.x_low + viewport.x_high)
        if abs(viewport.x_high - viewport.x_low - 2.0 * half) > 0.01 * half:
            x_range.update(start=centre - half, end=centre + half)

    def redraw(self) -> None:
        """The texture stands for all stars: only the selection is drawn over it."""
        self.redraw_selected()
        self.mark_focus()

    def redraw_selected(self) -> None:
        """Draw the selected stars of the slice, or the bare map when no star in particular is selected."""
        if self.workspace.selection == Everything():
            viewport = self.viewport
            nothing = np.zeros(self.canvas.which.size, np.bool_)
            self.diagram.selected.data = viewport.source_data(self.canvas.shade(viewport, nothing))
            self.write_heading(0)
        else:
            super().redraw_selected()

    def write_heading(self, hidden: int) -> None:
        """Title, rotation colours, and how many selected stars lie outside this slice."""
        colours = rotation_colours(self.workspace.dark)
        gradient = f"linear-gradient(to right, {', '.join(colours)})"
        bar = bar_html(gradient, f"{self.limits[0]:.0f}", f"{self.limits[1]:.0f}", "V_φ [km/s]")
        note = f'<em title="Selected stars that do not lie in this slice">{hidden:,} outside</em>' if hidden else ""
        self.heading.object = f'<div class="heading"><strong>{self.title}</strong>{bar}{note}</div>'

    def recolour(self) -> None:
        """Follow colour-by and the page's darkness."""
        super().recolour()
        if self._texture is not None:
            self._texture.mapper.palette = list(texture_palette(self.workspace.dark))

    def body(self) -> Viewable:
        """Title and slice above the figure."""
        top = pn.Row(self.heading, self.slice, sizing_mode="stretch_width", margin=0)
        return card(top, pn.pane.Bokeh(self.diagram.figure, sizing_mode="stretch_both", margin=0))


def _short(disc: DiscMap) -> str:
    return f"|Z| {disc.z_low_kpc:g} to {disc.z_high_kpc:g} kpc"
