"""Events in and out of the store. Nothing here changes or removes one."""

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
"""Numbers below the highest known one among which late events are looked for first."""


class ReplayError(EventError):
    """An id that the record knows came again with another content."""


def insert(connection: Connection, event: VettingEvent) -> bool:
    """Add an event within a transaction.

    Parameters
    ----------
    connection : Connection
        Of :meth:`Store.writing`.
    event : VettingEvent
        What happened.

    Returns
    -------
    bool
        False when the record has the same event already: then nothing changed.

    Raises
    ------
    ReplayError
        If the record has another event of this id.
    """
    if insert_many(connection, [event]):
        return True
    known = find(connection, event.id)
    if known is None or known != event:
        raise ReplayError(f"Event {event.id} is in the record with another content; this one was not recorded.")
    return False


def insert_many(
    connection: Connection, events: Sequence[VettingEvent], imported_by: str = "", imported: str = ""
) -> int:
    """Add events within a transaction; ids that the record knows are left as they are.

    Parameters
    ----------
    connection : Connection
        Of :meth:`Store.writing`.
    events : sequence of VettingEvent
        What happened.
    imported_by : str
        User who imports them from a file; "" for events of this record.
    imported : str
        UTC of the import.

    Returns
    -------
    int
        How many were added.
    """
    if not events:
        return 0
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    rows = [_row(event) | {"imported_by": imported_by, "imported": imported} for event in events]
    put = build(EVENT).on_conflict_do_nothing(index_elements=["id"])
    return connection.execute(put, rows, execution_options={"preserve_rowcount": True}).rowcount


def find(connection: Connection, event_id: str) -> VettingEvent | None:
    """An event by its id."""
    return find_many(connection, [event_id]).get(event_id)


def find_many(connection: Connection, event_ids: Collection[str]) -> dict[str, VettingEvent]:
    """Events by their ids; those that the record lacks are left out."""
    found = connection.execute(select(EVENT).where(EVENT.c.id.in_(event_ids))).mappings()
    return {row["id"]: _event(row) for row in found}


def find_stars(
    connection: Connection, places: Collection[tuple[str, int]]
) -> dict[tuple[str, int], list[VettingEvent]]:
    """Events by their campaigns and stars; those without any are left out."""
    found: dict[tuple[str, int], list[VettingEvent]] = {}
    stars: dict[str, list[int]] = {}
    for campaign, star in places:
        stars.setdefault(campaign, []).append(star)
    for campaign, some in stars.items():
        rows = connection.execute(select(EVENT).where(EVENT.c.campaign == campaign, EVENT.c.star.in_(some)))
        for row in rows.mappings():
            found.setdefault((campaign, row["star"]), []).append(_event(row))
    return found


@dataclass(frozen=True)
class Import:
    """How an event came in from a file.

    Parameters
    ----------
    by : str
        User who imported it.
    utc : str
        When; "" where an older version of this program imported it.
    """

    by: str
    utc: str


class EventLog:
    """All events of a store, read once and followed; shared by the threads of a process.

    Parameters
    ----------
    store : Store
        The database.

    Attributes
    ----------
    events : list of VettingEvent
        Those known by now, in the order of their arrival; it only grows until ``epoch`` changes.
    imported : dict of str to Import
        How events came in from files, by their ids; events of this record are left out.
    epoch : int
        Grows when the database was exchanged for another one, and everything is read again.
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
        """Events as they are now; new ones follow those known before.

        Parameters
        ----------
        at_most : int, optional
            Where more events than this are new, or another thread reads them already, nothing is read.
        """
        self.follow(at_most)
        return tuple(self.events)

    def follow(self, at_most: int | None = None) -> None:
        """As :meth:`refresh`, without a copy of the events."""
        if not self._lock.acquire(blocking=at_most is None):
            return
        try:
            with self.store.reading() as connection:
                if self._opened != self.store.opened:
                    self._forget()
                self._read(connection, at_most)
        finally:
            self._lock.release()

    def _read(self, connection: Connection, at_most: int | None) -> None:
        after = self._last - (0 if self.store.is_sqlite else _LOOK_BACK)
        ids = select(EVENT.c.id).where(EVENT.c.seq > after).order_by(EVENT.c.seq)
        if at_most is not None:
            found = connection.execute(ids.limit(_LOOK_BACK + at_most + 1)).scalars().all()
            new = sum(event_id not in self._ids for event_id in found)
            self.behind = new > at_most
            if self.behind or not new:
                return
        else:
            count = connection.execute(select(func.count()).select_from(EVENT)).scalar_one()
            if count < len(self.events):
                self._forget()
                after = 0
            elif count == len(self.events):
                self.behind = False
                return
        # PostgreSQL hands out numbers before it commits: a lower one may come after a higher one.
        rows = self._strangers(connection, after)
        if at_most is None and len(self.events) + len(rows) < count:
            rows = self._strangers(connection, 0)
        self.behind = False
        self._take(rows)

    def _take(self, rows: Sequence[RowMapping]) -> None:
        if not rows:
            return
        self.imported |= {row["id"]: Import(row["imported_by"], row["imported"]) for row in rows if row["imported_by"]}
        self.events += [_event(row) for row in rows]
        self._ids.update(row["id"] for row in rows)
        self._last = max(self._last, rows[-1]["seq"])
        self.generation += 1

    def _forget(self) -> None:
        """Start anew: the database is another one than the one that was read."""
        self.events, self.imported, self._last, self._ids = [], {}, 0, set()
        self._opened = self.store.opened
        self.behind = True
        self.epoch += 1
        self.generation += 1

    def _strangers(self, connection: Connection, after: int) -> list[RowMapping]:
        """Rows with a number above ``after`` that are not known yet."""
        found = connection.execute(select(EVENT).where(EVENT.c.seq > after).order_by(EVENT.c.seq))
        return [row for row in found.mappings() if row["id"] not in self._ids]


def _row(event: VettingEvent) -> dict[str, Any]:
    values = event.to_dict()
    for name in ("flags", "proposal"):
        values[name] = json.dumps(values[name], ensure_ascii=False)
    return values


def _event(row: RowMapping) -> VettingEvent:
    """A row as an event. It was checked when it came in, so that a damaged row is an error of the database."""
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
