"""The bar over the views: counts, tools, selection mode, undo and redo, colour-by with its legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from explorer.model.selection import SelectionMode
from explorer.plots.colouring import legend_html, scale_of
from explorer.state.workspace import COLOUR_BY_COUNT, Workspace
from explorer.views.base import View, html, together
from explorer.views.density import DensityView, MissingView

_TOOLS = {"Box": "box", "Lasso": "lasso", "Pan": "pan"}
_MODES = {
    "New": SelectionMode.REPLACE,
    "Add": SelectionMode.ADD,
    "And": SelectionMode.INTERSECT,
    "Minus": SelectionMode.SUBTRACT,
    "Xor": SelectionMode.XOR,
}


class Toolbar(View):
    """Controls of the Explore tab.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    views : sequence of DensityView or MissingView
        The views that the tools act on.
    """

    def __init__(self, workspace: Workspace, views: Sequence[DensityView | MissingView]) -> None:
        super().__init__(workspace=workspace)
        self.views = views
        self.count = html(width=168, align="center")
        self.legend = html(align="center")
        self.tool = _group(_TOOLS, "box")
        self.mode = _group(_MODES, SelectionMode.REPLACE)
        self.undo = _icon("undo", "Undo the last selection", together(workspace.undo))
        self.redo = _icon("redo", "Redo the selection", together(workspace.redo))
        self.clear = _icon("deselect", "Clear the selection", together(workspace.clear))
        self.zoom = _icon("zoom_out_map", "Reset every zoom", together(self._reset_zoom))
        colours = {"Density of stars": COLOUR_BY_COUNT} | {
            declared.axis_label: declared.name for declared in workspace.table.colourable()
        }
        self.colour_by = pmui.Select(
            label="",
            options=colours,
            value=workspace.colour_by,
            size="small",
            variant="standard",
            width=150,
            margin=(0, 8, 0, 4),
            align="center",
        )
        self._connect()
        self.refresh()

    def _connect(self) -> None:
        workspace = self.workspace
        self.tool.param.watch(together(self._use_tool), "value")
        self.mode.param.watch(together(lambda: workspace.param.update(mode=self.mode.value)), "value")
        self.colour_by.param.watch(together(lambda: workspace.param.update(colour_by=self.colour_by.value)), "value")
        workspace.param.watch(
            lambda *_: self.refresh(), ["n_selected", "can_undo", "can_redo", "colour_by", "dark", "selection"]
        )

    def _use_tool(self) -> None:
        for view in self.views:
            view.use_tool(self.tool.value)

    def _reset_zoom(self) -> None:
        for view in self.views:
            if isinstance(view, DensityView):
                view.diagram.reset_ranges()

    def refresh(self) -> None:
        """Follow the workspace."""
        workspace = self.workspace
        share = 100.0 * workspace.n_selected / max(workspace.table.n_stars, 1)
        self.count.object = (
            f'<div class="count" role="status" title="{workspace.summary()} ({share:.1f} %)">'
            f"<b>{workspace.n_selected:,}</b> of {workspace.table.n_stars:,} selected</div>"
        )
        self.undo.disabled, self.redo.disabled = not workspace.can_undo, not workspace.can_redo
        self.colour_by.value = workspace.colour_by
        self.legend.object = legend_html(scale_of(workspace.table, workspace.colour_by), workspace.dark)

    def body(self) -> Viewable:
        """One row."""
        return pn.Row(
            self.count,
            _caption("Drag", "What a drag does. Shift adds, Ctrl intersects, both together subtract."),
            self.tool,
            _caption("Selection", "How a gesture changes the selection"),
            self.mode,
            self.undo,
            self.redo,
            self.clear,
            self.zoom,
            pn.HSpacer(),
            _caption("Colour", "Colours the selected stars by the mean of a column in each pixel"),
            self.colour_by,
            self.legend,
            sizing_mode="stretch_width",
            height=40,
            margin=0,
            styles={"align-items": "center", "overflow": "hidden"},
        )


def _group(options: Mapping[str, str], value: str) -> pmui.RadioButtonGroup:
    return pmui.RadioButtonGroup(
        label="",
        options=dict(options),
        value=value,
        size="small",
        margin=(2, 8, 2, 4),
        align="center",
        sx={"& .MuiToggleButton-root": {"padding": "2px 9px", "textTransform": "none"}},
    )


def _caption(text: str, tooltip: str) -> pn.pane.HTML:
    return html(f'<span class="caption" title="{tooltip}">{text}</span>', align="center")


def _icon(icon: str, description: str, action: object) -> pmui.IconButton:
    return pmui.IconButton(icon=icon, description=description, on_click=action, size="small", margin=0, align="center")
