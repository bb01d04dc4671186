"""The grid of linked views: one message for a gesture, one message with its images."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import panel as pn
from msgspec.structs import replace as replace_fields

from explorer import protocol
from explorer.charts.chart import Brush, Chart, Curve, FitOverlay
from explorer.charts.grid import default_panels, has_values, new_state
from explorer.charts.overlays import PackedImage, WireLayer
from explorer.charts.view_specs import SPECS, VIEWS, chart_of
from explorer.model.computed import ComputedColumn
from explorer.model.library import Library
from explorer.model.overlay_tables import OverlayTable
from explorer.model.screen import Theme
from explorer.model.selection import Everything, InIds, Selection, SelectionMode
from explorer.rooms.channel import Channel
from explorer.rooms.colours import Colours
from explorer.rooms.columns_menu import column_choices
from explorer.state.panels import MAX_PANELS, PanelState
from explorer.state.stored import COLOUR_BY_SUBSETS
from explorer.state.workspace import Workspace

MAX_GLYPHS = 20_000
"""Maximum number of stars on screen, in all views, that are drawn as single glyphs."""

MAX_WIDTH, MAX_HEIGHT = 4096, 2304
"""Pixels of the largest supported screen."""

_LOOKING = 0.3
"""Maximum share of the time for redrawing the views of one page; earlier requests are drawn together."""

_MODES = {
    frozenset({"shift"}): SelectionMode.ADD,
    frozenset({"ctrl"}): SelectionMode.INTERSECT,
    frozenset({"shift", "ctrl"}): SelectionMode.SUBTRACT,
}


class Stage:
    """Connects the grid of views to a Workspace.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, library: Library, channel: Channel) -> None:
        self.workspace, self.library, self.channel = workspace, library, channel
        self._laid = workspace.overlay_tables
        self.colours = Colours(workspace, channel)
        self.charts: list[Chart] = [self._chart(state) for state in workspace.panels]
        self._own_change = False
        self._due_slots: set[int] = set()
        self._due_selected, self._due_members = False, False
        self.fit = FitOverlay()
        self._single = False
        self._shared: tuple[int, bool] = (0, True)
        self._had_members = False
        self._seen_slots: set[int] = set()
        self._next_look, self._waiting_look = 0.0, False
        channel.before_sending(self.paint)
        channel.on(protocol.Look, self._looked)
        channel.on(protocol.Region, self._drawn)
        channel.on(protocol.Tap, self._tapped)
        channel.on(protocol.Swap, self._swap)
        channel.on(protocol.Axis, self._choose_axis)
        channel.on(protocol.Switch, self._switch)
        channel.on(protocol.Part, self._choose_part)
        channel.on(protocol.Bins, self._choose_bins)
        channel.on(protocol.ChooseMap, self._choose_map)
        channel.on(protocol.Enlarge, self._enlarge)
        channel.on(protocol.Grid, lambda request: self._resize(request.value))
        channel.on(protocol.Home, lambda _: channel.send(home=True))
        watch = workspace.param.watch
        watch(lambda _: self.due(selected=True), "rows")
        watch(lambda *_: self._recoloured(), ["colour_by", "dark", "appearance"])
        watch(lambda _: self._renamed(), "subsets")
        watch(lambda _: self.mark_focus(), "focus")
        watch(lambda event: self._rearranged(event.old, event.new), "panels")
        watch(lambda event: self._recomputed(event.old, event.new), "computed")
        watch(lambda _: self._enlarged(), "enlarged")
        watch(lambda event: channel.send(tool=event.new), "tool")
        watch(lambda event: self.lay_over(event.new), "overlay_tables")

    def connect(self) -> None:
        """Send the whole state to a new page, which answers with its viewports."""
        table = self.library.table
        views = tuple(
            protocol.ViewChoice(spec.key, spec.title, not has_values(self.library, spec.key)) for spec in SPECS
        )
        self.send_colours()  # before the views, which use them
        self.channel.send(
            stage=replace_fields(
                self._arrangement([chart.spec(dark=self.workspace.dark) for chart in self.charts]),
                catalogue=views,
                columns=column_choices(table, table.axes()),
            ),
            tool=self.workspace.tool,
        )

    def _arrangement(self, specs: Sequence[protocol.AnyFigure | None]) -> protocol.GridState:
        """The grid; None leaves a view as it is, or as it is in the queued message."""
        queued = self.channel.queued("stage", protocol.GridState)
        if queued is not None and len(queued.panels) == len(specs):
            specs = [earlier if spec is None else spec for earlier, spec in zip(queued.panels, specs, strict=True)]
        return protocol.merged(queued, protocol.GridState(panels=tuple(specs), enlarged=self.workspace.enlarged))

    def send_colours(self) -> None:
        """Palettes, theme, legend and look."""
        dark = self.workspace.dark
        self.channel.send(
            theme=Theme.of(dark=dark),  # before the palettes, with which views are painted
            colours=self.colours.palettes(),
            legend=self.colours.legend(single=self._single),
            look=self.colours.look(),
        )

    def _brush(self) -> Brush:
        workspace = self.workspace
        everything = workspace.selection == Everything()
        return Brush(workspace.rows, workspace.n_selected, self.colours.present, everything)

    @property
    def on_screen(self) -> list[tuple[int, Chart]]:
        """Slots and charts of the views that the browser shows and has laid out."""
        alone = self.workspace.enlarged
        return [
            (slot, chart)
            for slot, chart in enumerate(self.charts)
            if chart.viewport is not None and alone in (None, slot)
        ]

    def due(self, slots: Iterable[int] = (), *, selected: bool = False, members: bool = False) -> None:
        """Request that views, or the selected stars or members in all views, are redrawn."""
        self._due_slots |= set(slots)
        self._due_selected |= selected
        self._due_members |= members and (self._had_members or self.colours.have_members)
        self.channel.flush()

    def paint(self) -> None:
        """Draw all due layers of the views on screen: the path of every brush."""
        slots, selected, members = self._due_slots, self._due_selected, self._due_members
        if not (slots or selected or members):
            return
        began = time.monotonic()
        self._due_slots, self._due_selected, self._due_members = set(), False, False
        glyphs, alike = self._glyphs()
        if slots and (glyphs, alike) != self._shared:
            slots = {slot for slot, _ in self.on_screen}
            self._shared = glyphs, alike
        brush = self._brush()
        self._had_members |= self.colours.have_members
        layers: list[tuple[int, WireLayer]] = []
        for slot, chart in self.on_screen:
            if slot in slots:
                layers += [(slot, layer) for layer in chart.background(glyphs if alike or chart.zoomed else 0)]
            if members or (slot in slots and self.colours.have_members):
                layers += [(slot, layer) for layer in chart.members(brush.colouring)]
            if slot in slots or selected:
                layers += [(slot, layer) for layer in chart.selected(brush)]
        self._send(layers)
        if slots:
            if self.fit.density is not None:  # bars have other widths in another window
                self._send_curves(slots)
            self.mark_focus()
            self._send_legend()
            took = time.monotonic() - began
            self._next_look = began + took / _LOOKING

    def _glyphs(self) -> tuple[int, bool]:
        """Number of single stars that each view may draw, and whether all views draw them unless zoomed."""
        charts = [chart for _, chart in self.on_screen]
        glyphs = MAX_GLYPHS // max(sum(chart.single for chart in charts), 1)
        return glyphs, all(chart.n_at_home <= glyphs for chart in charts)

    def _chart(self, state: PanelState) -> Chart:
        chart = chart_of(self.library, state)
        chart.dress(self.workspace.appearance)
        chart.lay(self.workspace.overlay_tables)
        return chart

    def _send_legend(self) -> None:
        """Send the legend when single stars replace densities, or the reverse."""
        shown = [single for _, chart in self.on_screen if (single := chart.shows_single) is not None]
        single = bool(shown) and all(shown)
        if single != self._single:
            self._single = single
            self.channel.send(legend=self.colours.legend(single=single))

    def _send(self, drawn: list[tuple[int, WireLayer]]) -> None:
        layers: list[protocol.AnyLayer] = []
        chunks, end = [], 0
        for slot, layer in drawn:
            if isinstance(layer, PackedImage):
                layers.append(layer.layer(slot, end))
                chunks.append(layer.pixels)
                end += len(layer.pixels)
            else:
                layers.append(replace_fields(layer, slot=slot))
        notes = tuple(protocol.SlotNote(slot, chart.note) for slot, chart in self.on_screen)
        self.channel.send(layers=tuple(layers), pixels=b"".join(chunks), notes=notes)

    def show_fit(self, fit: FitOverlay) -> None:
        """Draw a fit over each view of its columns; one without columns removes the curves."""
        if fit.names or self.fit.names:
            self.fit = fit
            self._send_curves(range(len(self.charts)))

    def _send_curves(self, slots: Iterable[int]) -> None:
        drawn = [(slot, self.curves_of(slot)) for slot in slots]
        self.channel.send(
            fit_curves=tuple(
                protocol.FittedCurves(
                    slot,
                    tuple(curve.x for curve in shown),
                    tuple(curve.y for curve in shown),
                    tuple(curve.colour for curve in shown),
                    tuple(curve.dash for curve in shown),
                )
                for slot, shown in drawn
            )
        )

    def curves_of(self, slot: int) -> tuple[Curve, ...]:
        """Curves of the fit over one view."""
        chart = self.charts[slot]
        return chart.curves_of(self.fit, chart.state)

    def mark_focus(self) -> None:
        """Mark the focused star in each plane that shows it."""
        row = self.workspace.focus_row
        positions = [(slot, chart.places_of(row)) for slot, chart in enumerate(self.charts)]
        self.channel.send(
            focus=tuple(
                protocol.FocusMark(slot, tuple(x for x, _ in points), tuple(y for _, y in points))
                for slot, points in positions
            )
        )

    def _recoloured(self) -> None:
        self.colours.refresh()
        look = self.workspace.appearance
        resized = {slot for slot, chart in enumerate(self.charts) if chart.appearance.size != look.size}
        for chart in self.charts:
            chart.dress(look)
        with self.channel.batch():
            self.send_colours()
            self.due(resized, selected=True, members=True)

    def _renamed(self) -> None:
        """Redraw where subsets colour the stars."""
        if self.workspace.colour_by == COLOUR_BY_SUBSETS:
            self._recoloured()

    def _swap(self, request: protocol.Swap) -> None:
        self.change(request.slot, new_state(self.library, self._known_view(request.view)))

    def _enlarge(self, request: protocol.Enlarge) -> None:
        alone = self._slot(request.slot)
        self.workspace.enlarged = None if self.workspace.enlarged is not None else alone

    def _looked(self, request: protocol.Look) -> None:
        present = len(self.charts)  # a page that is late may send views of a larger grid
        seen = {view.slot: (view.window, view.width, view.height) for view in request.views if view.slot < present}
        sizes = {
            slot: (chart.viewport.width, chart.viewport.height) for slot, chart in self.on_screen if chart.viewport
        }
        sizes |= {slot: (width, height) for slot, (_, width, height) in seen.items()}
        clipped = dict(zip(sizes, _clipped(list(sizes.values())), strict=True))
        for slot, (window, _, _) in seen.items():
            self.charts[slot].look(window, *clipped[slot])
            self._remember(slot, self.charts[slot].seen(window))
        self._look(seen)

    def _look(self, slots: Iterable[int]) -> None:
        """Redraw views with their viewports; with a delay if the page has used its share of the time."""
        self._seen_slots |= set(slots)
        wait, document = self._next_look - time.monotonic(), pn.state.curdoc
        if wait <= 0.0 or document is None or document.session_context is None:
            slots, self._seen_slots = self._seen_slots, set()
            self.due(slots)
        elif not self._waiting_look:
            self._waiting_look = True
            document.add_timeout_callback(self._look_again, int(1e3 * wait) + 1)

    def _look_again(self) -> None:
        self._waiting_look = False
        self._look(())

    def _remember(self, slot: int, state: PanelState) -> None:
        """Store the state that the browser already shows, for links, without redrawing."""
        self.charts[slot].state = state
        self._own_change = True
        try:
            self.workspace.panels = (*self.workspace.panels[:slot], state, *self.workspace.panels[slot + 1 :])
        finally:
            self._own_change = False

    def _drawn(self, request: protocol.Region) -> None:
        region = self.charts[self._slot(request.slot)].region(request.geometry)
        self.select(region, request.keys)

    def select(self, region: Selection | None, keys: protocol.Keys) -> None:
        """Combine a region with the selection as the held keys ask; None selects nothing."""
        if region is not None:
            self.workspace.gesture(region, _MODES.get(frozenset(keys)))

    def _tapped(self, request: protocol.Tap) -> None:
        row = self.charts[self._slot(request.slot)].star_at(request.x, request.y)
        if row is None:
            return
        obsid = int(self.workspace.table["obsid"][row])
        mode = _MODES.get(frozenset(request.keys))
        if mode is None:
            self.workspace.look_at(obsid)
        else:
            self.workspace.gesture(InIds((obsid,)), mode)

    def _choose_axis(self, request: protocol.Axis) -> None:
        slot, name = self._slot(request.slot), request.column
        if not any(column.name == name for column in self.library.table.axes()):
            raise ValueError(f"{name!r} cannot be a column of an axis.")
        self.change(slot, self.charts[slot].with_axis(request.axis, name))

    def _choose_part(self, request: protocol.Part) -> None:
        slot = self._slot(request.slot)
        self.change(slot, self.charts[slot].with_part(request.part))

    def _choose_bins(self, request: protocol.Bins) -> None:
        slot = self._slot(request.slot)
        self.change(slot, self.charts[slot].with_bins(request.value))

    def _choose_map(self, request: protocol.ChooseMap) -> None:
        slot = self._slot(request.slot)
        self._remember(slot, self.charts[slot].with_map(request.of))
        self.due({slot})

    def _switch(self, request: protocol.Switch) -> None:
        slot, name = self._slot(request.slot), request.name
        chart = self.charts[slot]
        if name not in chart.switches:
            raise ValueError(f"{chart.title} has no switch {name!r}.")
        if chart.switches[name] == request.on:  # a second click before the answer to the first one
            return
        state = chart.with_switch(name)
        if chart.rebuilt_by(name):
            self.change(slot, state)
            return
        self._remember(slot, state)
        self.channel.send(switched=protocol.SwitchedOverlay(slot, name, request.on))
        if chart.follows_selection(name):
            self.due(selected=True)

    def change(self, slot: int, state: PanelState) -> None:
        """Show a view in another state."""
        slot = self._slot(slot)
        self.workspace.panels = (*self.workspace.panels[:slot], state, *self.workspace.panels[slot + 1 :])

    def redraw(self, slot: int, state: PanelState) -> None:
        """Draw a view in a state that the page shows already: its specification is not sent again."""
        self._remember(self._slot(slot), state)
        self.due({slot})

    def _resize(self, count: int) -> None:
        count = min(max(count, 1), MAX_PANELS)
        present = self.workspace.panels
        shown = [(state.view, state.x) for state in present]
        more = [state for state in default_panels(self.library, MAX_PANELS) if (state.view, state.x) not in shown]
        self.workspace.param.update(panels=(*present, *more)[:count], enlarged=None)

    def _enlarged(self) -> None:
        """Show one view alone, or all again; views that were hidden need the present selection."""
        with self.channel.batch():
            self.channel.send(stage=self._arrangement([None] * len(self.charts)))
            self.due(selected=True, members=True)

    def _rearranged(self, old: tuple[PanelState, ...], new: tuple[PanelState, ...]) -> None:
        if self._own_change:
            return
        kept = len(old) == len(new)
        specs: list[protocol.AnyFigure | None] = []
        charts: list[Chart] = []
        for slot, state in enumerate(new):
            if kept and state == self.charts[slot].state:
                charts.append(self.charts[slot])
                specs.append(None)
            else:
                charts.append(self._chart(state))
                specs.append(charts[-1].spec(dark=self.workspace.dark))
        self.charts = charts
        self.channel.send(stage=self._arrangement(specs))

    def _recomputed(self, old: tuple[ComputedColumn, ...], new: tuple[ComputedColumn, ...]) -> None:
        """Send the columns on the menus, and rebuild views and colours of the computed columns that changed."""
        changed = {item.name for item in {*old} ^ {*new}}
        changed |= {user for name in changed for user in self.workspace.table.users(name)}
        specs: list[protocol.AnyFigure | None] = [None] * len(self.charts)
        for slot, chart in enumerate(self.charts):
            if changed & {*chart.state.chosen}:
                self.charts[slot] = self._chart(chart.state)
                specs[slot] = self.charts[slot].spec(dark=self.workspace.dark)
        table = self.library.table
        columns = column_choices(table, table.axes())
        self.channel.send(stage=replace_fields(self._arrangement(specs), columns=columns))
        if self.workspace.colour_by in changed:
            self._recoloured()

    def lay_over(self, tables: tuple[OverlayTable, ...]) -> None:
        """Rebuild the views over which other tables are laid now."""
        specs: list[protocol.AnyFigure | None] = [None] * len(self.charts)
        for slot, chart in enumerate(self.charts):
            if chart.shows_tables(tables) or chart.shows_tables(self._laid):
                self.charts[slot] = self._chart(chart.state)
                specs[slot] = self.charts[slot].spec(dark=self.workspace.dark)
        self._laid = tables
        if any(spec is not None for spec in specs):
            self.channel.send(stage=self._arrangement(specs))

    def chart(self, slot: int) -> Chart:
        """The chart of a view; ValueError if there is no such view."""
        return self.charts[self._slot(slot)]

    def _state(self, slot: int) -> PanelState:
        return self.chart(slot).state

    def _slot(self, slot: int) -> int:
        if not 0 <= slot < len(self.charts):
            raise ValueError(f"There is no view {slot} in a grid of {len(self.charts)}.")
        return slot

    def _known_view(self, view: str) -> str:
        if view not in VIEWS:
            raise ValueError(f"There is no view {view!r}.")
        return view


def _clipped(views: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Widths and heights in pixels, limited so that each view and all together fit on one screen."""
    inside = [(min(max(width, 1), MAX_WIDTH), min(max(height, 1), MAX_HEIGHT)) for width, height in views]
    share = MAX_WIDTH * MAX_HEIGHT / max(sum(width * height for width, height in inside), 1)
    if share >= 1.0:
        return inside
    return [(max(int(width * share**0.5), 1), max(int(height * share**0.5), 1)) for width, height in inside]
