"""The page of columns: how the tables were understood, corrected there by whoever may, while products are made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import panel as pn
from panel.viewable import Viewable

from explorer.model.building import BusyError
from explorer.model.corrections import ROLES, Correction
from explorer.model.opened_files import OpenError
from explorer.model.opening import Opening
from explorer.model.understood import Understood, UnderstoodTable
from explorer.model.work import UPLOADS
from explorer.views.base import stylesheet
from explorer.views.channel import Channel, Message, asset
from explorer.views.opening_words import (
    column_words,
    match_words,
    status_words,
    table_heading,
    units_offered,
)
from pipeline.domain.columns import BY_NAME, COLUMNS

FOLLOW_MS = 1000
"""How often the page looks how far the products are."""

_LOG = logging.getLogger("explorer.opening")


class ColumnsChannel(Channel):
    """Carries the messages of the page of columns; what is refused is shown in its sentence."""

    _esm = "\n".join(asset("js", f"{name}.js") for name in ("dom", "connection", "picker", "columns"))
    _stylesheets = [stylesheet("explore"), stylesheet("columns")]  # noqa: RUF012 - so Panel wants it

    @contextmanager
    def _mishaps(self, data: Message) -> Iterator[None]:
        kind = str(data.get("kind"))
        try:
            yield
        except (OpenError, BusyError) as error:
            self.tell(say=str(error), refused=kind)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            _LOG.warning("A message could not be handled: %.200r", data, exc_info=True)
            self.tell(say="This could not be understood, and nothing was changed.", refused=kind)


class ColumnsPage:
    """Wires an opening to a page.

    Parameters
    ----------
    opening : Opening
        Shared by all visitors.
    refusal : callable
        Why this visitor may not correct; "" where that is allowed. Asked at each action.
    stays : bool
        Whether the page was asked for: else it leaves for the explorer as soon as that can be entered.
    """

    def __init__(self, opening: Opening, refusal: Callable[[], str] = lambda: "", *, stays: bool = False) -> None:
        self.opening, self.refusal, self.stays = opening, refusal, stays
        self.channel = ColumnsChannel(sizing_mode="stretch_both", margin=0)
        self._status: dict[str, Any] | None = None
        self._understood: Understood | None = None
        self._corrected: tuple[frozenset[str], ...] = ()
        self._followed = False
        self.dark = False
        for kind, handler in {
            "hello": self._hello,
            "apply": self._apply,
            "again": self._again,
            "configuration": self._configuration,
        }.items():
            self.channel.on(kind, handler)

    def _hello(self, _: Message) -> None:
        self._status = self._understood = None
        refusal = self.refusal()
        self.channel.tell(may=not refusal, refusal=refusal, stays=self.stays, name=self.opening.name, theme=self.dark)
        self.refresh(anew=True)
        document = pn.state.curdoc
        if document is not None and document.session_context is not None and not self._followed:
            self._followed = True
            document.add_periodic_callback(self.refresh, FOLLOW_MS)

    def refresh(self, *, anew: bool = False) -> None:
        """Send what changed."""
        state = self.opening.state()
        status = status_words(state, self.opening.name)
        with self.channel.together():
            if status != self._status:
                self._status = status
                self.channel.tell(status=status)
            if anew or state.understood is not self._understood:
                self._understood = state.understood
                if state.understood is not None:
                    self.channel.tell(columns=columns_message(state.understood, self.opening.corrected()))

    def theme(self, *, dark: bool) -> None:
        """Light or dark."""
        self.dark = dark
        self.channel.tell(theme=dark)

    def _allowed(self, action: str) -> None:
        refusal = self.refusal()
        if refusal:
            _LOG.warning("Refused: somebody wanted to %s. %s", action, ascii(refusal))
            raise OpenError(refusal)

    async def _apply(self, message: Message) -> None:
        """Keep corrections and make the products again."""
        self._allowed("correct how columns are understood")
        corrections = corrections_of(message)
        if not corrections:
            raise OpenError("Nothing was changed.")
        await self.channel.in_background(lambda: self.opening.correct(corrections), UPLOADS)
        self.channel.tell(applied=True)
        self.refresh()

    async def _again(self, _: Message) -> None:
        """Make the products again, as after a failure that was mended elsewhere."""
        self._allowed("make the products again")
        await self.channel.in_background(lambda: self.opening.correct(()), UPLOADS)
        self.refresh()

    def _configuration(self, message: Message) -> None:
        """Hand over the configuration, with what is chosen on the page."""
        text = self.opening.configuration(corrections_of(message))
        name = f"{self.opening.files[0].stem}.toml"
        self.channel.tell(download={"name": name, "mime": "application/toml", "data": text})

    def __panel__(self) -> Viewable:
        """The page's layout."""
        return self.channel


def corrections_of(message: Message) -> tuple[Correction, ...]:
    """Corrections that a page sends; TypeError or ValueError where something is of another kind than pages send."""
    found = []
    for one in message["corrections"]:
        theirs = one["theirs"]
        if theirs is not None and not isinstance(theirs, str):
            raise TypeError(f"A column is a text; found {theirs!r:.40}.")
        found.append(Correction(int(one["table"]), str(one["ours"]), theirs, str(one.get("unit") or "")))
    return tuple(found)


def columns_message(understood: Understood, corrected: tuple[frozenset[str], ...]) -> dict[str, Any]:
    """Everything about the tables, as the page shows it."""
    tables = [
        _table(table, corrected[number] if number < len(corrected) else frozenset())
        for number, table in enumerate(understood.tables)
    ]
    return {
        "tables": tables,
        "stages": [] if understood.error else [[stage.name, stage.reason] for stage in understood.stages],
        "roles": [[one.name, one.label, one.description, one.unit, units_offered(one.name)] for one in COLUMNS],
    }


def _table(table: UnderstoodTable, corrected: frozenset[str]) -> dict[str, Any]:
    fed = [
        column_words(column)
        | {"units": units_offered(column.ours, column.unit_from), "corrected": column.ours in corrected}
        for column in table.columns
    ]
    there = {column.ours for column in table.columns}
    absent = dict.fromkeys((*(ours for ours in sorted(corrected) if ours in BY_NAME), *ROLES))
    return {
        "file": table.file,
        "heading": table_heading(table),
        "schema": table.schema,
        "match": match_words(table),
        "notes": list(table.notes),
        "names": list(table.names),
        "own": list(table.own),
        "columns": fed,
        "absent": [[ours, ours in corrected] for ours in absent if ours not in there],
    }
