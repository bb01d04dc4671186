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
