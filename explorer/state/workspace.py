"""The Workspace: state of one visit.

A gesture replaces ``selection`` (a frozen value); ``rows`` is computed once from it; views redraw from ``rows``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import param
from msgspec import to_builtins

from explorer.model.appearance import Appearance
from explorer.model.computed import MAX_COMPUTED, ComputedColumn, ordered
from explorer.model.damaged import brief
from explorer.model.definitions import Definitions, check_size
from explorer.model.kept_rows import KeptRows
from explorer.model.line_lists import BUILT_IN, LineList, lists_to_plain
from explorer.model.overlay_tables import OverlayTable, tables_to_plain
from explorer.model.proposals import Proposal
from explorer.model.screen import DragTool
from explorer.model.selection import (
    Everything,
    Joined,
    Mask,
    Selection,
    SelectionError,
    SelectionMode,
    combine,
)
from explorer.model.subsets import Subset, define, moved, painted, remove, renamed, unnamed, with_new_name
from explorer.model.table import StarTable
from explorer.model.used_columns import columns_of
from explorer.model.visit_table import VisitTable
from explorer.state.answers import DockState
from explorer.state.history import History, Moment, read_history, write_history
from explorer.state.panels import PanelState
from explorer.state.stored import COLOUR_BY_COUNT, COLOUR_BY_SUBSETS, read_state
from explorer.state.table_layout import TableLayout

_DEPTH = 200

ARRANGED = ("panels", "enlarged", "colour_by", "appearance", "table_layout", "dock", "focus", "star_alone")
"""Parts of the state that :meth:`Workspace.arrange` changes together with the selection, and undo restores with it."""

STORED = (
    *("selection", "subsets", "computed", "focus", "colour_by", "appearance", "mode", "tool", "panels", "enlarged"),
    *("star_alone", "table_layout", "dock", "lines", "overlay_tables"),
)
"""Parameters that links, sessions and left pages store."""


class Workspace(param.Parameterized):
    """State of one visit.

    Parameters
    ----------
    table : StarTable
        The stars, shared by all visitors.

    Attributes
    ----------
    connected : bool
        Whether a page has shown the message that was set before it connected.
    came_from : str
        The room in which a page lost its server; "" when it came otherwise.
    """

    selection = param.ClassSelector(default=Everything(), class_=Selection, doc="The selection.")
    rows = param.Array(doc="Mask of the selection over the table, computed once a gesture.")
    n_selected = param.Integer(default=0, doc="Number of selected stars.")
    subsets: param.ClassSelector[tuple[Subset, ...]] = param.ClassSelector(
        default=(), class_=tuple, doc="Named subsets."
    )
    computed: param.ClassSelector[tuple[ComputedColumn, ...]] = param.ClassSelector(
        default=(), class_=tuple, doc="Computed columns, each after those that it is made of."
    )
    focus = param.Integer(default=None, allow_None=True, doc="obsid of the focused star.")
    colour_by = param.String(
        default=COLOUR_BY_COUNT, doc="Column that colours the selected stars, 'subsets' or 'count'."
    )
    appearance: param.ClassSelector[Appearance] = param.ClassSelector(
        default=Appearance(), class_=Appearance, doc="Colour scale, size and opacity of the stars."
    )
    mode: param.Selector[SelectionMode] = param.Selector(
        default=SelectionMode.REPLACE, objects=list(SelectionMode), doc="How the next gesture changes the selection."
    )
    tool: param.Selector[DragTool] = param.Selector(default=DragTool.BOX, objects=list(DragTool), doc="Drag tool.")
    panels: param.ClassSelector[tuple[PanelState, ...]] = param.ClassSelector(
        default=(), class_=tuple, doc="The grid of views."
    )
    enlarged = param.Integer(default=None, allow_None=True, doc="Index of the enlarged view, if any.")
    dark = param.Boolean(
        default=False, doc="Whether the page is dark, as the visitor chose; no part of a stored state."
    )
    room = param.String(default="Explore", doc="The room on screen.")
    campaign = param.String(default="", doc="Id of the campaign of the vetting rooms.")
    star_alone = param.Boolean(default=False, doc="Whether only the focused star is shown.")
    table_layout: param.ClassSelector[TableLayout] = param.ClassSelector(
        default=TableLayout(), class_=TableLayout, doc="Columns and order of the table of the selection."
    )
    dock = param.ClassSelector(default=DockState(), class_=DockState, doc="The dock below the views.")
    proposals: param.ClassSelector[dict[int, Proposal]] = param.ClassSelector(
        default={}, class_=dict, doc="Proposed labels by obsid, which vetting stores."
    )
    lines: param.ClassSelector[tuple[LineList, ...]] = param.ClassSelector(
        default=BUILT_IN, class_=tuple, doc="Lists of spectral lines, built in and the visitor's own."
    )
    overlay_tables: param.ClassSelector[tuple[OverlayTable, ...]] = param.ClassSelector(
        default=(), class_=tuple, doc="Tables of the visitor's own that are laid over views."
    )
    message = param.String(default="", doc="A sentence for the visitor, such as an unknown obsid.")
    can_undo = param.Boolean(default=False)
    can_redo = param.Boolean(default=False)

    def __init__(self, table: StarTable, **params: Any) -> None:
        self.table = VisitTable(table, params.get("computed", ()))
        self._kept = KeptRows(self.table)
        self._past: list[Moment] = []
        self._future: list[Moment] = []
        selection = params.pop("selection", Everything())
        rows = _frozen(selection.mask(self.table))
        super().__init__(selection=selection, rows=rows, n_selected=int(rows.sum()), **params)  # type: ignore[no-untyped-call]
        self._kept.follow(self.subsets)
        self._present = self._moment
        self._travelling = False
        self._edited: tuple[str, int] = ("", 0)
        self.connected = False
        self.came_from = ""
        self._of_star = ""
        self.param.watch(self._changed, ["selection", "subsets", "computed"])

    @property
    def _moment(self) -> Moment:
        """State that undo restores."""
        return Moment(self.selection, self.subsets, self.computed)

    def _changed(self, *events: param.parameterized.Event) -> None:
        if not self._travelling:
            self._past = [*self._past[-_DEPTH:], self._present]
            self._future = []
        before = self._present.selection
        self._present = self._moment
        changes: dict[str, Any] = {"can_undo": bool(self._past), "can_redo": bool(self._future)}
        changed = {event.name for event in events}
        if "computed" in changed:
            self._use(self.computed)
            self._kept.forget()
        self._kept.follow(self.subsets)
        if changed & {"selection", "computed"}:
            rows = _frozen(self.mask_of(self.selection) if "computed" in changed else self._rows_after(before))
            changes |= {"rows": rows, "n_selected": int(rows.sum())}
        self.param.update(**changes)

    def _use(self, computed: tuple[ComputedColumn, ...]) -> None:
        """Follow a change of the computed columns in the table, and in colours by one that is gone."""
        if self.table.computed != computed:
            self.table.define(computed)
        if self.colour_by not in (COLOUR_BY_COUNT, COLOUR_BY_SUBSETS) and self.colour_by not in self.table:
            self.colour_by = COLOUR_BY_COUNT

    def _rows_after(self, before: Selection) -> Mask:
        """Mask of the selection; an added gesture costs only the mask of that gesture."""
        selection = self.selection
        if isinstance(selection, Joined) and selection.follows(before):
            by, part = selection.then[-1]
            return by.of(self.rows, self.mask_of(part))
        if isinstance(selection, Joined) and isinstance(before, Joined):
            return self._kept.mask_after(selection, before)
        return self.mask_of(selection)

    def mask_of(self, selection: Selection) -> Mask:
        """Mask of a selection; masks of its subsets are cached until their definitions change."""
        return self._kept.mask(selection)

    def count_of(self, subset: Subset) -> int:
        """Number of stars of a subset."""
        return self._kept.count(subset)

    def gesture(self, region: Selection, mode: SelectionMode | None = None) -> None:
        """Combine a drawn region with the selection, in ``mode`` or else the current mode.

        Raises
        ------
        SelectionError
            If the selection would be made of too many parts.
        """
        self.selection = check_size(combine(mode or self.mode, self.selection, region))

    def edit(self, selection: Selection, gesture: str = "") -> None:
        """Replace the selection by one with an edited part.

        Parameters
        ----------
        selection : Selection
            The selection.
        gesture : str
            Name of the gesture; successive edits of one are one step of undo. "" is one of its own.
        """
        amends = bool(gesture) and self._edited == (gesture, id(self.selection))
        self._travelling = amends  # the step was stored by the first edit
        try:
            self.selection = selection
        finally:
            self._travelling = False
        self._edited = (gesture, id(selection))

    def clear(self) -> None:
        """Clear the selection; without one, every star counts as selected."""
        self.selection = Everything()

    def colour(self, name: str) -> None:
        """Colour the stars by another column, on its usual scale."""
        if name != self.colour_by:
            self.param.update(colour_by=name, appearance=self.appearance.for_another_column())

    def define_subset(self, name: str, selection: Selection, colour: str) -> None:
        """Save a selection as a named subset; SelectionError if the name is invalid."""
        self.define_subsets([Subset(name, selection, colour)])

    def define_subsets(self, added: Iterable[Subset]) -> None:
        """Save several named subsets at once; SelectionError if a name is invalid."""
        subsets = self.subsets
        for item in added:
            subsets = define(subsets, item)
        self.subsets = subsets

    def remove_subset(self, name: str) -> None:
        """Remove a named subset; stars that are selected by it stay selected."""
        self.param.update(subsets=remove(self.subsets, name), selection=unnamed(self.selection, name))

    def define_column(self, item: ComputedColumn, replaces: str = "", values: VisitTable | None = None) -> None:
        """Add a computed column, or change one.

        Parameters
        ----------
        item : ComputedColumn
            The column.
        replaces : str
            Name of the column that it takes the place of; "" for a new one.
        values : VisitTable, optional
            A table of :meth:`with_column`, with values that were computed before.

        Raises
        ------
        SelectionError
            As :meth:`with_column`.
        """
        other = self.with_column(item, replaces)  # of the columns as they are now
        if values is not None:
            self.table.keep(values)
        self.computed = other.computed

    def with_column(self, item: ComputedColumn, replaces: str = "") -> VisitTable:
        """The table with a computed column added or changed, for :meth:`define_column`.

        Raises
        ------
        SelectionError
            If the name is taken, there are too many columns, two would be made of each other, or the one that is
            renamed is in use.
        """
        if replaces and replaces != item.name:
            self.demand_unused(replaces)
        others = [known for known in self.computed if known.name not in (replaces, "")]
        if any(known.name == item.name for known in others):
            raise SelectionError(f"There is a column {item.name!r} already. Choose another name, or edit that one.")
        if len(others) >= MAX_COMPUTED:
            raise SelectionError(f"There are {len(others)} computed columns; at most {MAX_COMPUTED} are allowed.")
        base = self.table.base.known
        if item.name in base:
            raise SelectionError(f"This catalogue has a column {item.name!r}. Choose another name.")
        at = next((number for number, known in enumerate(self.computed) if known.name == replaces), len(others))
        return self.table.ahead(ordered((*others[:at], item, *others[at:]), base))

    def remove_column(self, name: str) -> None:
        """Remove a computed column; SelectionError if it is in use."""
        self.demand_unused(name)
        self.computed = tuple(item for item in self.computed if item.name != name)

    def demand_unused(self, name: str) -> None:
        """Refuse to remove a computed column that is in use.

        Raises
        ------
        SelectionError
            Naming the uses.
        """
        uses = [f"the column {other}" for other in self.table.users(name)]
        uses += [f"the subset {item.name!r}" for item in self.subsets if name in columns_of(item.selection)]
        uses += ["the selection"] if name in columns_of(self.selection) else []
        uses += ["a view"] if any(name in panel.chosen for panel in self.panels) else []
        uses += ["the colours"] if name == self.colour_by else []
        if uses:
            raise SelectionError(
                f"{name} is in use by {', '.join(uses)}. Change {'those' if uses[1:] else 'that'} first."
            )

    def rename_subset(self, name: str, new: str) -> None:
        """Rename a named subset wherever it is used; SelectionError if the name is invalid or taken."""
        if self.subset(name).name == new:
            return
        subsets = renamed(self.subsets, name, new)
        self.param.update(
            subsets=subsets,
            selection=with_new_name(self.selection, name, new),
            dock=self.dock.with_new_name(name, new),
        )

    def paint_subset(self, name: str, *, colour: str | None = None, visible: bool | None = None) -> None:
        """Change the colour or the visibility of a named subset; SelectionError for no colour."""
        before = self.subset(name)
        if (colour or before.colour, before.visible if visible is None else visible) != (before.colour, before.visible):
            self.subsets = painted(self.subsets, name, colour=colour, visible=visible)

    def move_subset(self, name: str, by: int) -> None:
        """Move a named subset by places in the order in which subsets colour their stars."""
        before = self.subset(name)
        subsets = moved(self.subsets, name, by)
        if subsets.index(before) != self.subsets.index(before):
            self.subsets = subsets

    def subset(self, name: str) -> Subset:
        """A named subset; SelectionError if there is none."""
        for item in self.subsets:
            if item.name == name:
                return item
        raise SelectionError(f"No subset is named {brief(name)}.")

    def undo(self) -> None:
        """Restore the previous selection and subsets."""
        self._travel(self._past, self._future)

    def redo(self) -> None:
        """Reverse an undo."""
        self._travel(self._future, self._past)

    def _travel(self, source: list[Moment], target: list[Moment]) -> None:
        if not source:
            return
        target.append(self._present)
        moment = source.pop()
        if moment.arranged is not None:
            target[-1] = target[-1]._replace(arranged=self._arranged)
        self._restore(moment)
        self.param.update(can_undo=bool(self._past), can_redo=bool(self._future))

    def _restore(self, moment: Moment) -> None:
        """Take the values of a moment without recording another one."""
        self._travelling = True
        try:
            self.param.update(
                selection=moment.selection,
                subsets=moment.subsets,
                computed=moment.computed,
                **(moment.arranged or {}),
            )
        finally:
            self._travelling = False

    @property
    def _arranged(self) -> dict[str, Any]:
        """Present values of :data:`ARRANGED`."""
        return {name: getattr(self, name) for name in ARRANGED}

    def arrange(self, selection: Selection, subsets: tuple[Subset, ...], **arranged: Any) -> None:
        """Change parts of :data:`ARRANGED`, such as views, with the selection, as one step of undo.

        Nothing is recorded where everything is so already.

        Parameters
        ----------
        selection : Selection
            The selection.
        subsets : tuple of Subset
            The named subsets.
        arranged
            New values of some of :data:`ARRANGED`; the others stay.

        Raises
        ------
        KeyError
            If a name is not one of them.
        """
        if unknown := arranged.keys() - set(ARRANGED):
            raise KeyError(f"{sorted(unknown)} cannot be arranged; expected some of {', '.join(ARRANGED)}.")
        before = self._present._replace(arranged=self._arranged)
        after = Moment(selection, subsets, self.computed, {**self._arranged, **arranged})
        if after == before:
            return
        self._restore(after)
        self._past, self._future = [*self._past[-_DEPTH:], before], []
        self.param.update(can_undo=True, can_redo=False)

    def history_to_dict(self) -> dict[str, Any]:
        """Convert the latest steps of undo and redo to plain values; :meth:`resume` reads them."""
        return write_history(History(self._past, self._future))

    def _use_history(self, history: History) -> None:
        """Replace the steps of undo and redo."""
        self._past, self._future = history
        self.param.update(can_undo=bool(self._past), can_redo=bool(self._future))

    def look_at(self, obsid: int) -> None:
        """Focus a star; for an unknown obsid, keep the focus and set a message.

        An earlier message, such as an unknown link, is kept until a page has shown it: see ``connected``.
        """
        before = "" if self.connected else self.message.removesuffix(self._of_star).rstrip()
        if self.table.row_of(obsid) is None:
            self._of_star = f"This catalogue has no star with obsid {obsid}."
            self.message = f"{before} {self._of_star}".lstrip()
            return
        self._of_star = ""
        self.param.update(focus=int(obsid), message=before)

    @property
    def focus_row(self) -> int | None:
        """Row of the focused star."""
        return None if self.focus is None else self.table.row_of(self.focus)

    @property
    def columns_on_screen(self) -> frozenset[str]:
        """Columns of the axes and colours of the views."""
        axes = (name for panel in self.panels for name in panel.chosen)
        return frozenset(name for name in (*axes, self.colour_by) if name in self.table)

    def summary(self) -> str:
        """Selected and total number of stars as text."""
        return f"{self.n_selected:,} of {self.table.n_stars:,} stars"

    def to_dict(self) -> dict[str, Any]:
        """Convert the state to plain values; :meth:`restore` reads them."""
        definitions = Definitions()
        return {
            "subsets": [subset.written(definitions) for subset in self.subsets],
            "selection": definitions.write(self.selection),
            "definitions": definitions.plain,
            "computed": [item.to_dict() for item in self.computed],
            "panels": [panel.to_dict() for panel in self.panels],
            **{name: getattr(self, name) for name in ("focus", "colour_by", "enlarged")},
            "appearance": to_builtins(self.appearance),
            "star_alone": self.star_alone,
            "table_layout": self.table_layout.to_dict(),
            "dock": self.dock.to_dict(),
            "lines": lists_to_plain(self.lines),
            "overlay_tables": tables_to_plain(self.overlay_tables),
            "tool": str(self.tool),
            "mode": str(self.mode),
        }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Restore a stored state; damaged or missing parts are skipped and reported in one sentence.

        Raises
        ------
        ValueError
            If nothing can be read of it; nothing is changed then.
        """
        self.use(read_state(stored, self.table), stored)

    def use(self, read: tuple[dict[str, Any], str], stored: Mapping[str, Any]) -> None:
        """Restore what :func:`~explorer.state.stored.read_state` has read, perhaps in another thread."""
        result, lost = read
        self.came_from = str(stored.get("room", ""))
        gone = {item.name for item in self.computed} - {item.name for item in result["computed"]}
        if "selection" not in result and gone & columns_of(self.selection):
            result["selection"] = Everything()
        self.message = ""  # so that an equal sentence is shown again
        self.param.update(**result, message=lost)

    def resume(self, stored: Mapping[str, Any], created: str = "") -> None:
        """Restore a stored state with its steps of undo, if the catalogue is the same build.

        Parameters
        ----------
        stored : mapping
            Output of :meth:`to_dict`; ``history`` are the steps, ``created`` is the build of the catalogue.
        created : str
            Build of the present catalogue; steps of another one are left out.

        Raises
        ------
        ValueError
            As :meth:`restore`.
        """
        self.restore(stored)
        steps = stored.get("history") if stored.get("created") == created else None
        try:
            self._use_history(read_history(steps, self.table.base))
        except SelectionError as error:
            self._use_history(History([], []))
            self.message = f"{self.message} {error}".lstrip()


def _frozen(rows: Mask) -> Mask:
    rows.setflags(write=False)
    return rows
