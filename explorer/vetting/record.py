"""Insertion and reading of events; the store is append-only."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.dialects import postgresql, sqlite

from explorer.vetting.events import Authority, EventError, EventKind, VettingEvent
from explorer.vetting.schema import EVENT
from explorer.vetting.store import Store

_LOOK_BACK = 64
"""Sequence numbers below the highest known one that are searched first for late events."""


class ReplayError(EventError):
    """A stored id was sent again with a different content."""


def insert(connection: Connection, event: VettingEvent) -> bool:
    """Insert an event within a transaction.

    Parameters
    ----------
    connection : Connection
        Connection of :meth:`Store.writing`.
    event : VettingEvent
        New event.

    Returns
    -------
    bool
        False when the record has the same event already.

    Raises
    ------
    ReplayError
        If the record has another event of this id.
    """
    if insert_many(connection, [event]):
        return True
    known = find(connection, event.id)
    if known is None or known != event:
        raise ReplayError(f"Event {event.id} is in the record with a different content; this one was not recorded.")
    return False


def insert_many(
    connection: Connection, events: Sequence[VettingEvent], imported_by: str = "", imported: str = ""
) -> int:
    """Insert events within a transaction; stored ids are skipped.

    Parameters
    ----------
    connection : Connection
        Connection of :meth:`Store.writing`.
    events : sequence of VettingEvent
        New event.
    imported_by : str
        User who imports them from a file; "" for events of this record.
    imported : str
        UTC of the import.

    Returns
    -------
    int
        Number of inserted events.
    """
    if not events:
        return 0
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    rows = [_row(event) | {"imported_by": imported_by, "imported": imported} for event in events]
    statement = build(EVENT).on_conflict_do_nothing(index_elements=["id"])
    return connection.execute(statement, rows, execution_options={"preserve_rowcount": True}).rowcount


def find(connection: Connection, event_id: str) -> VettingEvent | None:
    """An event by its id."""
    return find_many(connection, [event_id]).get(event_id)


def find_many(connection: Connection, event_ids: Collection[str]) -> dict[str, VettingEvent]:
    """Events by their ids; missing ones are left out."""
    result = connection.execute(select(EVENT).where(EVENT.c.id.in_(event_ids))).mappings()
    return {row["id"]: _event(row) for row in result}


def find_stars(
    connection: Connection, places: Collection[tuple[str, int]]
) -> dict[tuple[str, int], list[VettingEvent]]:
    """Events by campaign and star; stars without events are left out."""
    result: dict[tuple[str, int], list[VettingEvent]] = {}
    stars: dict[str, list[int]] = {}
    for campaign, star in places:
        stars.setdefault(campaign, []).append(star)
    for campaign, stars_of_campaign in stars.items():
        rows = connection.execute(
            select(EVENT).where(EVENT.c.campaign == campaign, EVENT.c.star.in_(stars_of_campaign))
        )
        for row in rows.mappings():
            result.setdefault((campaign, row["star"]), []).append(_event(row))
    return result


@dataclass(frozen=True)
class Import:
    """Import of an event from a file.

    Parameters
    ----------
    by : str
        User who imported it.
    utc : str
        Time; "" for imports by older versions of this program.
    """

    by: str
    utc: str


class EventLog:
    """All events of a store, read once and then followed; shared by the threads of a process.

    Parameters
    ----------
    store : Store
        The database.

    Attributes
    ----------
    events : list of VettingEvent
        Events in the order of their arrival; the list only grows until ``epoch`` changes.
    imported : dict of str to Import
        Imports by event id; events of this record are left out.
    epoch : int
        Number that grows when the database was replaced and everything is read again.
    behind : bool
        Whether events wait for a call of :meth:`refresh` without ``at_most``.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.events: list[VettingEvent] = []
        self.imported: dict[str, Import] = {}
        self.generation = self.epoch = 0
        self.behind = True
        self._opened = store.opened
        self._last = 0
        self._ids: set[str] = set()
        self._lock = Lock()

    def refresh(self, at_most: int | None = None) -> tuple[VettingEvent, ...]:
        """Return all events; new ones follow those known before.

        Parameters
        ----------
        at_most : int, optional
            Nothing is read if more events than this are new, or if another thread is reading.
        """
        self.follow(at_most)
        return tuple(self.events)

    def follow(self, at_most: int | None = None) -> None:
        """Read new events, as :meth:`refresh`, without copying the list."""
        if not self._lock.acquire(blocking=at_most is None):
            return
        try:
            with self.store.reading() as connection:
                if self._opened != self.store.opened:
                    self._reset()
                self._read(connection, at_most)
        finally:
            self._lock.release()

    def _read(self, connection: Connection, at_most: int | None) -> None:
        after = self._last - (0 if self.store.is_sqlite else _LOOK_BACK)
        ids = select(EVENT.c.id).where(EVENT.c.seq > after).order_by(EVENT.c.seq)
        if at_most is not None:
            result = connection.execute(ids.limit(_LOOK_BACK + at_most + 1)).scalars().all()
            new = sum(event_id not in self._ids for event_id in result)
            self.behind = new > at_most
            if self.behind or not new:
                return
        else:
            count = connection.execute(select(func.count()).select_from(EVENT)).scalar_one()
            if count < len(self.events):
                self._reset()
                after = 0
            elif count == len(self.events):
                self.behind = False
                return
        # PostgreSQL assigns numbers before it commits: a lower one may arrive after a higher one.
        rows = self._unknown_rows(connection, after)
        if at_most is None and len(self.events) + len(rows) < count:
            rows = self._unknown_rows(connection, 0)
        self.behind = False
        self._append(rows)

    def _append(self, rows: Sequence[RowMapping]) -> None:
        if not rows:
            return
        self.imported |= {row["id"]: Import(row["imported_by"], row["imported"]) for row in rows if row["imported_by"]}
        self.events += [_event(row) for row in rows]
        self._ids.update(row["id"] for row in rows)
        self._last = max(self._last, rows[-1]["seq"])
        self.generation += 1

    def _reset(self) -> None:
        """Discard the events of a database that was replaced by another one."""
        self.events, self.imported, self._last, self._ids = [], {}, 0, set()
        self._opened = self.store.opened
        self.behind = True
        self.epoch += 1
        self.generation += 1

    def _unknown_rows(self, connection: Connection, after: int) -> list[RowMapping]:
        """Rows with a number above ``after`` that are not known yet."""
        result = connection.execute(select(EVENT).where(EVENT.c.seq > after).order_by(EVENT.c.seq))
        return [row for row in result.mappings() if row["id"] not in self._ids]


def _row(event: VettingEvent) -> dict[str, Any]:
    values = event.to_dict()
    for name in ("flags", "proposal"):
        values[name] = json.dumps(values[name], ensure_ascii=False)
    return values


def _event(row: RowMapping) -> VettingEvent:
    """Convert a row to an event; it was validated before, so that an error means a damaged database."""
    values = {name: value for name, value in row.items() if name not in ("seq", "imported_by", "imported")}
    return VettingEvent(
        **{
            **values,
            "kind": EventKind(values["kind"]),
            "authority": Authority(values["authority"]),
            "flags": tuple(json.loads(values["flags"])),
            "proposal": json.loads(values["proposal"]),
        }
    )
