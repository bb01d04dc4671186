"""The Workspace: everything that one visitor looks at.

A gesture replaces ``selection`` (a frozen value); ``rows`` is computed once from it; views redraw from ``rows``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.model.selection import Everything, Selection, SelectionMode, combine
from explorer.model.table import StarTable

COLOUR_BY_COUNT = "count"
"""Value of ``colour_by`` that shows the density of stars instead of a column."""

_DEPTH = 200


class Workspace(param.Parameterized):
    """State of one visit.

    Parameters
    ----------
    table : StarTable
        The stars, shared by all visitors.
    """

    selection: Selection = param.ClassSelector(default=Everything(), class_=Selection, doc="Which stars are picked.")
    rows: np.ndarray = param.Array(doc="Mask of the selection over the table, computed once a gesture.")
    n_selected: int = param.Integer(default=0, doc="Number of selected stars.")
    focus: int | None = param.Integer(default=None, allow_None=True, doc="obsid of the star under the lens.")
    colour_by: str = param.String(default=COLOUR_BY_COUNT, doc="Column that colours the selected stars, or 'count'.")
    mode: SelectionMode = param.Selector(
        default=SelectionMode.REPLACE, objects=list(SelectionMode), doc="What the next gesture does."
    )
    dark: bool = param.Boolean(default=False, doc="Whether the page is dark.")
    message: str = param.String(default="", doc="A sentence for the visitor, such as an unknown obsid.")
    can_undo: bool = param.Boolean(default=False)
    can_redo: bool = param.Boolean(default=False)

    def __init__(self, table: StarTable, **params: Any) -> None:
        self.table = table
        self._past: list[Selection] = []
        self._future: list[Selection] = []
        self._travelling = False
        selection = params.pop("selection", Everything())
        rows = selection.mask(table)
        super().__init__(selection=selection, rows=rows, n_selected=int(rows.sum()), **params)
        self.param.watch(self._selection_changed, "selection")

    def _selection_changed(self, event: param.parameterized.Event) -> None:
        if not self._travelling:
            self._past = [*self._past[-_DEPTH:], event.old]
            self._future = []
        rows = event.new.mask(self.table)
        self.param.update(
            rows=rows,
            n_selected=int(rows.sum()),
            can_undo=bool(self._past),
            can_redo=bool(self._future),
        )

    def gesture(self, region: Selection, mode: SelectionMode | None = None) -> None:
        """Combine a drawn region with the selection, in ``mode`` or else the standing mode."""
        self.selection = combine(mode or self.mode, self.selection, region)

    def clear(self) -> None:
        """Pick no star in particular: every star counts as selected."""
        self.selection = Everything()

    def undo(self) -> None:
        """Go back to the selection before this one."""
        self._travel(self._past, self._future)

    def redo(self) -> None:
        """Take back an undo."""
        self._travel(self._future, self._past)

    def _travel(self, source: list[Selection], target: list[Selection]) -> None:
        if not source:
            return
        target.append(self.selection)
        destination = source.pop()
        self._travelling = True
        try:
            self.selection = destination
        finally:
            self._travelling = False
        self.param.update(can_undo=bool(self._past), can_redo=bool(self._future))

    def look_at(self, obsid: int) -> None:
        """Put a star under the lens; an unknown obsid leaves the focus and says so."""
        if self.table.row_of(obsid) is None:
            self.message = f"This catalogue has no star with obsid {obsid}."
            return
        self.param.update(focus=int(obsid), message="")

    def step(self, by: int) -> None:
        """Look at the next (``by=1``) or previous (``by=-1``) selected star, in table order, wrapping at the ends."""
        picked = np.flatnonzero(self.rows)
        if not picked.size:
            self.message = "No star is selected, so there is no next one."
            return
        row = self.table.row_of(self.focus) if self.focus is not None else None
        if row is None:
            position = 0 if by > 0 else picked.size - 1
        elif by > 0:
            position = int(np.searchsorted(picked, row, side="right")) % picked.size
        else:
            position = (int(np.searchsorted(picked, row, side="left")) - 1) % picked.size
        self.look_at(int(self.table["obsid"][picked[position]]))

    @property
    def focus_row(self) -> int | None:
        """Row of the star under the lens."""
        return None if self.focus is None else self.table.row_of(self.focus)

    def summary(self) -> str:
        """Selected and total, in words."""
        return f"{self.n_selected:,} of {self.table.n_stars:,} stars"
