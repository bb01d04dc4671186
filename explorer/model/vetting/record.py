"""Events in and out of the store. Nothing here changes or removes one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.dialects import postgresql, sqlite

from explorer.model.vetting.events import Authority, EventError, EventKind, VettingEvent
from explorer.model.vetting.schema import EVENT
from explorer.model.vetting.store import Store

_LOOK_BACK = 64
"""Numbers below the highest known one among which late events are looked for first."""


class ReplayError(EventError):
    """An id that the record knows came again with another content."""


def insert(connection: Connection, event: VettingEvent, imported_by: str = "") -> bool:
    """Add an event within a transaction.

    Parameters
    ----------
    connection : Connection
        Of :meth:`Store.writing`.
    event : VettingEvent
        What happened.
    imported_by : str
        Who brought it in from a file; "" for an event of this record.

    Returns
    -------
    bool
        False when the record has the same event already: then nothing changed.

    Raises
    ------
    ReplayError
        If the record has another event of this id.
    """
    if insert_many(connection, [event], imported_by):
        return True
    known = find(connection, event.id)
    if known is None or known != event:
        raise ReplayError(f"Event {event.id} is in the record with another content; this one was not recorded.")
    return False


def insert_many(connection: Connection, events: Sequence[VettingEvent], imported_by: str) -> int:
    """Add events within a transaction; ids that the record knows are left as they are.

    Returns
    -------
    int
        How many were added.
    """
    if not events:
        return 0
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    rows = [_row(event) | {"imported_by": imported_by} for event in events]
    put = build(EVENT).on_conflict_do_nothing(index_elements=["id"])
    return connection.execute(put, rows, execution_options={"preserve_rowcount": True}).rowcount


def find(connection: Connection, event_id: str) -> VettingEvent | None:
    """An event by its id."""
    return find_many(connection, [event_id]).get(event_id)


def find_many(connection: Connection, event_ids: Collection[str]) -> dict[str, VettingEvent]:
    """Events by their ids; those that the record lacks are left out."""
    found = connection.execute(select(EVENT).where(EVENT.c.id.in_(event_ids))).mappings()
    return {row["id"]: _event(row) for row in found}


class EventLog:
    """All events of a store, read once and followed; shared by the threads of a process.

    Parameters
    ----------
    store : Store
        The database.

    Attributes
    ----------
    events : tuple of VettingEvent
        Those known by now.
    imported : mapping of str to str
        Who brought an event in from a file, by its id; events of this record are left out.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.events: tuple[VettingEvent, ...] = ()
        self.imported: Mapping[str, str] = MappingProxyType({})
        self.generation = 0
        self._last = 0
        self._ids: set[str] = set()
        self._lock = Lock()

    def refresh(self) -> tuple[VettingEvent, ...]:
        """Events as they are now; new ones stand after those known before."""
        with self._lock:
            with self.store.reading() as connection:
                count = connection.execute(select(func.count()).select_from(EVENT)).scalar_one()
                if count == len(self.events):
                    return self.events
                # PostgreSQL hands out numbers before it commits: a lower one may come after a higher one.
                rows = self._strangers(connection, self._last - _LOOK_BACK)
                if len(self.events) + len(rows) < count:
                    rows = self._strangers(connection, 0)
            if rows:
                brought = {row["id"]: row["imported_by"] for row in rows if row["imported_by"]}
                if brought:
                    self.imported = MappingProxyType({**self.imported, **brought})
                self.events += tuple(_event(row) for row in rows)
                self._ids.update(row["id"] for row in rows)
                self._last = max(self._last, rows[-1]["seq"])
                self.generation += 1
            return self.events

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
    values = {name: value for name, value in row.items() if name not in ("seq", "imported_by")}
    return VettingEvent(
        **{
            **values,
            "kind": EventKind(values["kind"]),
            "authority": Authority(values["authority"]),
            "flags": tuple(json.loads(values["flags"])),
            "proposal": json.loads(values["proposal"]),
        }
    )
