"""The columns page: interpretation of the columns of tables, and corrections of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import panel as pn
from panel.viewable import Viewable

from explorer import protocol
from explorer.model.building import BusyError
from explorer.model.corrections import ROLES, Correction
from explorer.model.opened_files import OpenError
from explorer.model.opening import Opening
from explorer.model.screen import Theme
from explorer.model.understood import Understood, UnderstoodTable
from explorer.model.work import UPLOADS
from explorer.rooms.base import stylesheet
from explorer.rooms.channel import Channel
from explorer.rooms.opening_words import (
    column_report,
    match_words,
    status_of,
    table_heading,
    units_offered,
)
from explorer.rooms.scripts import page_script
from explorer.vetting.people import Role
from pipeline.domain.columns import BY_NAME, COLUMNS

FOLLOW_MS = 1000
"""Interval in milliseconds between updates of the progress."""

_LOG = logging.getLogger("explorer.opening")


class ColumnsChannel(Channel):
    """Message channel of the columns page; refusals are shown as sentences."""

    _esm = page_script("explore/columns.js")
    _stylesheets = [stylesheet("explore"), stylesheet("columns")]  # noqa: RUF012 - so Panel wants it

    @contextmanager
    def _mishaps(self, kind: str) -> Iterator[None]:
        with super()._mishaps(kind):
            try:
                yield
            except (OpenError, BusyError) as error:
                self.refuse(str(error), kind)


class ColumnsPage:
    """Connects an opening to its page.

    Parameters
    ----------
    opening : Opening
        Shared by all visitors.
    refusal : callable
        Why this visitor may not correct; "" where that is allowed. Asked at each action.
    requested : bool
        Whether the page was asked for: else it leaves for the explorer as soon as that can be entered.
    """

    def __init__(self, opening: Opening, refusal: Callable[[], str] = lambda: "", *, requested: bool = False) -> None:
        self.opening, self.refusal, self.requested = opening, refusal, requested
        self.channel = ColumnsChannel(sizing_mode="stretch_both", margin=0)
        self._status: protocol.OpeningStatus | None = None
        self._understood: Understood | None = None
        self._corrected: tuple[frozenset[str], ...] = ()
        self._followed = False
        self.dark = False
        self.channel.permit = lambda request: self.refusal() if request.role > Role.VIEWER else ""
        self.channel.on(protocol.Connect, self._connect)
        self.channel.on(protocol.Apply, self._apply)
        self.channel.on(protocol.Rebuild, self._rebuild)
        self.channel.on(protocol.Configuration, self._configuration)

    def _connect(self, _: protocol.Connect) -> None:
        self._status = self._understood = None
        refusal = self.refusal()
        self.channel.send(
            permitted=not refusal, refusal=refusal, requested=self.requested, theme=Theme.of(dark=self.dark)
        )
        self.refresh(anew=True)
        document = pn.state.curdoc
        if document is not None and document.session_context is not None and not self._followed:
            self._followed = True
            document.add_periodic_callback(self.refresh, FOLLOW_MS)

    def refresh(self, *, anew: bool = False) -> None:
        """Send changes."""
        state = self.opening.state()
        status = status_of(state, self.opening.name)
        with self.channel.batch():
            if status != self._status:
                self._status = status
                self.channel.send(status=status)
            if anew or state.understood is not self._understood:
                self._understood = state.understood
                if state.understood is not None:
                    self.channel.send(columns=columns_report(state.understood, self.opening.corrected()))

    def theme(self, *, dark: bool) -> None:
        """Send the light or dark theme."""
        self.dark = dark
        self.channel.send(theme=Theme.of(dark=dark))

    async def _apply(self, request: protocol.Apply) -> None:
        """Store corrections and make the products again."""
        corrections = corrections_of(request)
        if not corrections:
            raise OpenError("Nothing was changed.")
        await self.channel.in_background(lambda: self.opening.correct(corrections), UPLOADS)
        self.channel.send(applied=True)
        self.refresh()

    async def _rebuild(self, _: protocol.Rebuild) -> None:
        """Make the products again, as after a failure with an external cause."""
        await self.channel.in_background(lambda: self.opening.correct(()), UPLOADS)
        self.refresh()

    def _configuration(self, request: protocol.Configuration) -> None:
        """Send the configuration with the choices of the page."""
        text = self.opening.configuration(corrections_of(request))
        name = f"{self.opening.files[0].stem}.toml"
        self.channel.send(download=protocol.Download(name, "application/toml", text.encode()))

    def __panel__(self) -> Viewable:
        """The page's layout."""
        return self.channel


def corrections_of(request: protocol.Apply | protocol.Configuration) -> tuple[Correction, ...]:
    """Corrections that a page sends."""
    return tuple(
        Correction(correction.table, correction.ours, correction.theirs, correction.unit or "")
        for correction in request.corrections
    )


def columns_report(understood: Understood, corrected: tuple[frozenset[str], ...]) -> protocol.ColumnsReport:
    """All tables with their columns, as sent to the page."""
    stages = () if understood.error else understood.stages
    return protocol.ColumnsReport(
        tables=tuple(
            _table(table, corrected[number] if number < len(corrected) else frozenset())
            for number, table in enumerate(understood.tables)
        ),
        stages=tuple(protocol.StagePlan(stage.name, stage.reason) for stage in stages),
        roles=tuple(
            protocol.RoleChoice(column.name, column.label, column.description, column.unit, units_offered(column.name))
            for column in COLUMNS
        ),
    )


def _table(table: UnderstoodTable, corrected: frozenset[str]) -> protocol.TableReport:
    there = {column.ours for column in table.columns}
    absent = dict.fromkeys((*(ours for ours in sorted(corrected) if ours in BY_NAME), *ROLES))
    return protocol.TableReport(
        file=table.file,
        heading=table_heading(table),
        schema=table.schema,
        match=match_words(table),
        notes=table.notes,
        names=table.names,
        own=table.own,
        columns=tuple(column_report(column, corrected=column.ours in corrected) for column in table.columns),
        absent=tuple(protocol.AbsentColumn(ours, ours in corrected) for ours in absent if ours not in there),
    )
