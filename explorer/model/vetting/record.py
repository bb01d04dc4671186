"""Events in and out of the store. Nothing here changes or removes one."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.dialects import postgresql, sqlite

from explorer.model.vetting.events import Authority, EventError, EventKind, VettingEvent
from explorer.model.vetting.schema import EVENT
from explorer.model.vetting.store import Store


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
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = _row(event) | {"imported_by": imported_by}
    done = connection.execute(
        build(EVENT).values(row).on_conflict_do_nothing(index_elements=["id"]).returning(EVENT.c.seq)
    )
    if done.first() is not None:
        return True
    known = find(connection, event.id)
    if known is None or known != event:
        raise ReplayError(f"Event {event.id} is in the record with another content; this one was not recorded.")
    return False


def find(connection: Connection, event_id: str) -> VettingEvent | None:
    """An event by its id."""
    found = connection.execute(select(EVENT).where(EVENT.c.id == event_id)).mappings().first()
    return None if found is None else _event(found)


class EventLog:
    """All events of a store, read once and followed; shared by the threads of a process.

    Parameters
    ----------
    store : Store
        The database.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.events: tuple[VettingEvent, ...] = ()
        self.generation = 0
        self._last = 0
        self._lock = Lock()

    def refresh(self) -> tuple[VettingEvent, ...]:
        """Events as they are now, in the order in which they came."""
        with self._lock:
            with self.store.reading() as connection:
                fresh = connection.execute(select(EVENT).where(EVENT.c.seq > self._last).order_by(EVENT.c.seq))
                rows = fresh.mappings().all()
                count = connection.execute(select(func.count()).select_from(EVENT)).scalar_one()
                known = self.events
                if count != len(known) + len(rows):
                    # PostgreSQL hands out numbers before it commits: a lower one came after a higher one.
                    rows = connection.execute(select(EVENT).order_by(EVENT.c.seq)).mappings().all()
                    known = ()
            if rows:
                self.events = known + tuple(_event(row) for row in rows)
                self._last = rows[-1]["seq"]
                self.generation += 1
            return self.events


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
