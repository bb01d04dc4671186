"""A view of one column against another: gestures in, two uint8 images out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.events import DoubleTap, PanStart, SelectionGeometry, Tap
from panel.viewable import Viewable

from explorer.model.selection import InBox, InPolygon, Selection, SelectionMode
from explorer.plots.colouring import ramp_of, scale_of
from explorer.plots.diagram import Axis, build_diagram
from explorer.plots.shading import Canvas, Viewport
from explorer.state.workspace import Workspace
from explorer.views.base import View, card, html, one_message, sentence

_REDRAW_AFTER_MS = 40
_TAP_PIXELS = 10.0
_MODIFIER_MODES = {
    (True, False): SelectionMode.ADD,
    (False, True): SelectionMode.INTERSECT,
    (True, True): SelectionMode.SUBTRACT,
}


class DensityView(View):
    """Stars in the plane of two columns.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    title : str
        Name of the view.
    axes : tuple of Axis
        The plane.
    reference : sequence of hv.Element
        Curves under the stars.
    caption : str
        HTML beside the title, such as the legend of the curves.
    """

    def __init__(
        self,
        workspace: Workspace,
        title: str,
        axes: tuple[Axis, Axis],
        reference: Sequence[hv.Element] = (),
        caption: str = "",
    ) -> None:
        super().__init__(workspace=workspace)
        self.x, self.y = axes
        self.title, self.caption = title, caption
        self.diagram = build_diagram(*axes, reference)
        self.diagram.figure.name = title
        table = workspace.table
        self.canvas = Canvas(table[self.x.column.name], table[self.y.column.name])
        self._modifiers: SelectionMode | None = None
        self._pending = False
        self.heading = html(sizing_mode="stretch_width", min_height=22)
        self._connect()
        self.recolour()
        self.redraw()

    def _connect(self) -> None:
        figure, watch = self.diagram.figure, self.workspace.param.watch
        figure.on_event(PanStart, self._remember_modifiers)
        figure.on_event(SelectionGeometry, self._drawn)
        figure.on_event(Tap, self._tapped)
        figure.on_event(DoubleTap, lambda _: self.diagram.reset_ranges())
        for span in (figure.x_range, figure.y_range):
            span.on_change("start", self._moved)
            span.on_change("end", self._moved)
        figure.on_change("inner_width", self._moved)
        figure.on_change("inner_height", self._moved)
        watch(lambda _: self.redraw_selected(), "rows")
        watch(lambda _: (self.recolour(), self.redraw_selected()), "colour_by")
        watch(lambda _: self.recolour(), "dark")
        watch(lambda _: self.mark_focus(), "focus")

    @property
    def viewport(self) -> Viewport:
        """What is on screen now."""
        figure = self.diagram.figure
        xs = sorted((figure.x_range.start, figure.x_range.end))
        ys = sorted((figure.y_range.start, figure.y_range.end))
        return Viewport(xs[0], xs[1], ys[0], ys[1], *self.diagram.size())

    def _moved(self, _attr: str, _old: Any, _new: Any) -> None:
        document = self.diagram.figure.document
        if document is None or self._pending:
            return
        self._pending = True
        document.add_timeout_callback(self._settle, _REDRAW_AFTER_MS)

    def _settle(self) -> None:
        self._pending = False
        with one_message():
            self.redraw()

    def redraw(self) -> None:
        """Aggregate both layers at the present viewport."""
        viewport = self.viewport
        self.diagram.everything.data = viewport.source_data(self.canvas.shade_all(viewport))
        self.redraw_selected()
        self.mark_focus()

    def redraw_selected(self) -> None:
        """The hot path: aggregate the selected stars and patch their image."""
        workspace, viewport = self.workspace, self.viewport
        picked = self.canvas.picked(workspace.rows)
        scale = scale_of(workspace.table, workspace.colour_by)
        if scale is None:
            image = self.canvas.shade(viewport, picked)
        else:
            image = self.canvas.shade_mean(viewport, picked, workspace.table[scale.name], scale)
        self.diagram.selected.data = viewport.source_data(image)
        self.write_heading(workspace.n_selected - int(picked.sum()))

    def write_heading(self, hidden: int) -> None:
        """Title, caption, and how many selected stars this view cannot show."""
        note = f'<em title="No finite value in this plane">{hidden:,} selected stars cannot be shown here</em>'
        self.heading.object = (
            f'<div class="heading"><strong>{escape(self.title)}</strong>'
            f"<span>{self.caption}</span>{note if hidden else ''}</div>"
        )

    def recolour(self) -> None:
        """Follow colour-by and the page's darkness."""
        scale = scale_of(self.workspace.table, self.workspace.colour_by)
        self.diagram.recolour(ramp_of(scale, self.workspace.dark), self.workspace.dark)

    def mark_focus(self) -> None:
        """Ring the star under the lens, where this plane shows it."""
        row, table = self.workspace.focus_row, self.workspace.table
        x, y = (table.value(axis.column.name, row) if row is not None else np.nan for axis in (self.x, self.y))
        there = np.isfinite(x) and np.isfinite(y)
        self.diagram.focus.data = {"x": [x], "y": [y]} if there else {"x": [], "y": []}

    def _remember_modifiers(self, event: PanStart) -> None:
        pressed = event.modifiers or {}
        self._modifiers = _MODIFIER_MODES.get((bool(pressed.get("shift")), bool(pressed.get("ctrl"))))

    def _drawn(self, event: SelectionGeometry) -> None:
        region = self.region(event.geometry) if event.final else None
        if region is not None:
            with one_message():
                self.workspace.gesture(region, self._modifiers)
            self._modifiers = None

    def region(self, geometry: dict[str, Any]) -> Selection | None:
        """A drawn shape as a selection; None when it encloses nothing."""
        x, y = self.x.column.name, self.y.column.name
        if geometry["type"] == "rect":
            xs, ys = sorted((geometry["x0"], geometry["x1"])), sorted((geometry["y0"], geometry["y1"]))
            return InBox(x, y, xs[0], xs[1], ys[0], ys[1]) if xs[0] < xs[1] and ys[0] < ys[1] else None
        if geometry["type"] == "poly" and len(geometry["x"]) >= 3:
            return InPolygon(x, y, tuple(zip(map(float, geometry["x"]), map(float, geometry["y"]), strict=True)))
        return None

    def _tapped(self, event: Tap) -> None:
        viewport = self.viewport
        row = self.canvas.nearest(
            event.x,
            event.y,
            (viewport.x_high - viewport.x_low) / viewport.width,
            (viewport.y_high - viewport.y_low) / viewport.height,
            _TAP_PIXELS,
        )
        if row is not None:
            with one_message():
                self.workspace.look_at(int(self.workspace.table["obsid"][row]))

    def use_tool(self, name: str) -> None:
        """Drag with ``box``, ``lasso`` or ``pan``."""
        self.diagram.figure.toolbar.active_drag = self.diagram.tools[name]

    def body(self) -> Viewable:
        """Title above the figure."""
        return card(self.heading, pn.pane.Bokeh(self.diagram.figure, sizing_mode="stretch_both", margin=0))


class MissingView(View):
    """Stands in for a view whose columns this catalogue lacks.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    title : str
        Name of the view.
    what : str
        What is missing, for people: "actions".
    names : tuple of str
        The missing columns.
    """

    def __init__(self, workspace: Workspace, title: str, what: str, names: tuple[str, ...]) -> None:
        super().__init__(workspace=workspace)
        self.title = title
        self.text = f"No {what} in this catalogue: it has no values of {', '.join(names)}."

    def use_tool(self, name: str) -> None:
        """Nothing to draw on."""

    def body(self) -> Viewable:
        """The sentence."""
        title = html(f'<div class="heading"><strong>{escape(self.title)}</strong></div>', sizing_mode="stretch_width")
        return card(title, sentence(escape(self.text)))
