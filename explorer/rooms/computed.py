"""Computed columns in the side panel: checked while typed, computed in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace as replace_fields

from explorer import protocol
from explorer.model.aggregates import values_of
from explorer.model.completion import completions
from explorer.model.computed import ComputedColumn, defined, formula_of
from explorer.model.selection import SelectionError
from explorer.model.star import own_number
from explorer.model.tokens import ExpressionError
from explorer.model.visit_table import VisitTable
from explorer.model.vocabulary import Vocabulary
from explorer.model.work import COLUMNS
from explorer.rooms.channel import Channel
from explorer.state.workspace import Workspace

CHECKED_STARS = 100_000
"""Number of stars of which the values of a typed expression are computed."""

_DRAFT = "x"


class ComputedColumns:
    """Connects the section of computed columns to a Workspace.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    channel : Channel
        The way to the browser.
    vocabulary : callable
        Returns the names that expressions may use.
    send : callable
        Sends a change of the side panel.
    """

    def __init__(
        self,
        workspace: Workspace,
        channel: Channel,
        vocabulary: Callable[[], Vocabulary],
        send: Callable[[protocol.SideState], None],
    ) -> None:
        self.workspace, self.channel = workspace, channel
        self._vocabulary, self._send = vocabulary, send
        channel.on(protocol.CheckColumn, self._check)
        channel.on(protocol.DefineColumn, self._define)
        channel.on(protocol.RemoveColumn, self._remove)

    def listed(self) -> tuple[protocol.ComputedState, ...]:
        """The computed columns, with the number of stars that have a value."""
        table = self.workspace.table
        return tuple(
            protocol.ComputedState(
                name=item.name,
                label=item.label,
                unit=item.unit,
                text=item.text,
                definition=item.definition,
                count=f"{int(np.isfinite(table[item.name]).sum()):,} of {table.n_stars:,}",
            )
            for item in self.workspace.computed
        )

    def _check(self, request: protocol.CheckColumn) -> None:
        """Answer a keystroke: validity, unit, range of the values, completions."""
        text, cursor, vocabulary = request.text, request.cursor, self._vocabulary()
        start, completed = completions(text, cursor, vocabulary.names, vocabulary.subsets)
        suggestions = tuple(protocol.Suggestion(item.word, item.help) for item in completed)
        state = protocol.CheckResult(text=text, cursor=cursor, start=start, suggestions=suggestions)
        try:
            if text.strip():
                item, notes = defined(_DRAFT, text, request.unit.strip(), "", vocabulary)
                state = replace_fields(state, count=self._values(item), notes=notes or UNSET)
        except ExpressionError as error:
            state = replace_fields(state, error=protocol.ExpressionFault(str(error), error.start, error.end))
        except SelectionError as error:  # of the unit
            state = replace_fields(state, error=protocol.ExpressionFault(str(error), 0, len(text)))
        self._send(protocol.SideState(column_check=state))

    def _values(self, item: ComputedColumn) -> str:
        """Range and number of the values of the first stars, in words."""
        table = self.workspace.table
        types = tuple((name, known.dtype) for name, known in table.known.items() if name in item.recorded)
        formula = formula_of(item.recorded, types)
        first = slice(0, CHECKED_STARS)
        values = values_of(formula, {name: table[name][first] for name in (*formula.names, "obsid")})
        known = values[np.isfinite(values)]
        of = f"{known.size:,} of {'the first ' if table.n_stars > CHECKED_STARS else ''}{values.size:,} stars"
        unit = f" {item.unit}" if item.unit else ""
        if not known.size:
            return f"no value for {of.partition(' of ')[2]}"
        low, high = (own_number(float(f"{end:.4g}"), "float32") for end in (known.min(), known.max()))
        return f"{low} to {high}{unit}, for {of}"

    async def _define(self, request: protocol.DefineColumn) -> None:
        """Compute a column in the background, and add it."""
        vocabulary = replace(self._vocabulary(), mask_of=None, kept={})  # what is kept belongs to the page's thread

        def work() -> tuple[ComputedColumn, VisitTable]:
            item, _ = defined(request.name.strip(), request.text, request.unit.strip(), request.label, vocabulary)
            table = self.workspace.with_column(item, request.replaces)
            for name in (item.name, *table.users(item.name)):
                table.values(name)
            return item, table

        try:
            item, table = await self.channel.in_background(work, COLUMNS)
            with self.channel.batch():
                self.workspace.define_column(item, request.replaces, table)
                self._send(protocol.SideState(column_report="", column_done=True))
        except SelectionError as error:
            self._send(protocol.SideState(column_report=str(error)))

    def _remove(self, request: protocol.RemoveColumn) -> None:
        try:
            self.workspace.remove_column(request.name)
            self._send(protocol.SideState(column_report=""))
        except SelectionError as error:
            self._send(protocol.SideState(column_report=str(error)))
