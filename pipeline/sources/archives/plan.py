"""The plan file of a fetch: request, state and result of each item; a second run does the rest."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.sources.archives.plan_errors import ANOTHER_FILE, PlanError, damaged_plan, named_error

SCHEMA_VERSION = "1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    number INTEGER PRIMARY KEY, step TEXT NOT NULL, name TEXT NOT NULL, request TEXT NOT NULL, path TEXT NOT NULL,
    expected_bytes INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'todo', bytes INTEGER NOT NULL DEFAULT 0,
    sha256 TEXT NOT NULL DEFAULT '', etag TEXT NOT NULL DEFAULT '', rows INTEGER, job_url TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', changed TEXT NOT NULL DEFAULT '',
    UNIQUE (step, name)
);
CREATE INDEX IF NOT EXISTS by_state ON items (step, state);
"""
_COLUMNS = "step, name, request, path, expected_bytes, state, bytes, sha256, etag, rows, job_url, attempts, reason"


class State(StrEnum):
    """State of an item."""

    TODO = "todo"
    """Not requested yet, or interrupted."""
    SUBMITTED = "submitted"
    """The archive works on it; ``job_url`` is its job."""
    DONE = "done"
    """Its file is complete and checked."""
    ABSENT = "absent"
    """The archive answered that it has no such item."""
    FAILED = "failed"
    """Given up after the allowed attempts, for ``reason``; tried again in the next run."""


@dataclass(frozen=True)
class Item:
    """One request of a fetch.

    Parameters
    ----------
    step : str
        Step of the fetch that it belongs to, which knows how to request it.
    name : str
        Name within the step.
    request : mapping of str to JSON values
        What is asked; never a token or a password.
    path : str
        File of its result, relative to the folder of the plan file.
    expected_bytes : int
        Estimated or known size; 0 if unknown.
    """

    step: str
    name: str
    request: Mapping[str, Any]
    path: str
    expected_bytes: int = 0


@dataclass(frozen=True)
class Entry:
    """An item with what became of it.

    Parameters
    ----------
    item : Item
        What was planned.
    state : State
        How far it is.
    bytes : int
        Size of the file.
    sha256 : str
        Checksum of the file.
    etag : str
        The archive's version of the file, also of a partial one.
    rows : int or None
        Rows of a table.
    job_url : str
        Address of the job at the archive, or of the source of a partial file.
    attempts : int
        Requests so far.
    reason : str
        Why it is absent or failed.
    """

    item: Item
    state: State = State.TODO
    bytes: int = 0
    sha256: str = ""
    etag: str = ""
    rows: int | None = None
    job_url: str = ""
    attempts: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Progress:
    """Counts of a plan.

    Parameters
    ----------
    items : mapping of State to int
        Items in each state.
    bytes_done : int
        Bytes on disk.
    bytes_left : int
        Expected bytes of what is left.
    """

    items: Mapping[State, int] = field(default_factory=dict)
    bytes_done: int = 0
    bytes_left: int = 0

    @property
    def left(self) -> int:
        """Items that a run would request."""
        return sum(self.items.get(state, 0) for state in (State.TODO, State.SUBMITTED, State.FAILED))


class FetchPlan:
    """A plan file, open for one process.

    An SQLite database in WAL mode: the system has a record when a method returns, and SIGKILL at any moment loses at
    most the item under way. Methods may be called from any thread.

    Parameters
    ----------
    path : Path
        The plan file; created if it does not exist.
    folder : Path, optional
        Folder of the files; by default that of the plan file.
    create : bool
        Whether an empty file becomes a plan.

    Raises
    ------
    PlanError
        If the file is no plan, belongs to another version, is damaged, or another process uses it; it is then as it
        was. Methods raise it too, and OSError where the disk is full.
    """

    def __init__(self, path: Path, folder: Path | None = None, *, create: bool = True) -> None:
        self.path, self.folder = path, folder or path.parent
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors():
            self._connection = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
        try:
            with self._errors():
                self._open(create=create)
        except BaseException:
            self._connection.close()
            raise

    def _open(self, *, create: bool) -> None:
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # one process; WAL then works on network disks too
        self._check_kind(create=create)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._transaction() as cursor:
            for statement in _SCHEMA.split(";"):
                cursor.execute(statement)
            cursor.execute("INSERT OR IGNORE INTO about VALUES ('version', ?)", (SCHEMA_VERSION,))

    def _check_kind(self, *, create: bool) -> None:
        """Refuse a file that is no plan of this version, before anything is written to it."""
        rows = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = {name for (name,) in rows}
        if not tables and create:
            return
        if tables != {"about", "items"}:
            listed = f"has the tables {', '.join(sorted(tables))}" if tables else "is empty"
            raise PlanError(f"{self.path} is not a plan file: it {listed}. {ANOTHER_FILE}")
        version = self.about().get("version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise PlanError(
                f"{self.path} is a plan of version {version}; this program reads version {SCHEMA_VERSION}. Start a new "
                "plan in another folder."
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors of the database as those of a plan."""
        try:
            yield
        except sqlite3.Error as error:
            raise named_error(error, self.path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def copy_to(self, path: Path) -> None:
        """Copy the plan to another file, which must not exist."""
        copy = sqlite3.connect(path)
        try:
            with self._lock, self._errors():
                self._connection.backup(copy)
        finally:
            copy.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        with self._lock, self._errors():
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk ends it
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.close()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock, self._errors():
            return self._connection.execute(query, values).fetchall()

    def about(self) -> dict[str, str]:
        """Facts that the plan records about the fetch as a whole."""
        return dict(self._rows("SELECT name, value FROM about"))

    def describe(self, values: Mapping[str, str]) -> None:
        """Record facts about the fetch as a whole: its name, options, archives, releases."""
        with self._transaction() as cursor:
            cursor.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", sorted(values.items()))

    def fix(self, name: str, value: str) -> None:
        """Record a fact that all items of the plan share, such as a data release.

        Raises
        ------
        PlanError
            If another value is recorded and the plan has results.
        """
        recorded = self.about().get(name, value)
        if recorded != value and self.progress().items.get(State.DONE, 0):
            raise PlanError(
                f"{self.path} is a plan for {name} {recorded}, and files of it are there; asked for was {value}. "
                "Choose another folder (--into)."
            )
        self.describe({name: value})

    def add(self, items: Iterable[Item]) -> int:
        """Add items; those that are there with the same request stay as they are.

        An item whose request changed is planned anew.

        Returns
        -------
        int
            Items that are new or changed.
        """
        added = 0
        with self._transaction() as cursor:
            for item in items:
                cursor.execute(
                    "INSERT INTO items (step, name, request, path, expected_bytes) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (step, name) DO UPDATE SET request = excluded.request, path = excluded.path, "
                    "expected_bytes = excluded.expected_bytes, state = 'todo', bytes = 0, sha256 = '', etag = '', "
                    "rows = NULL, job_url = '', attempts = 0, reason = '' WHERE request != excluded.request",
                    (item.step, item.name, _text(item.request), item.path, item.expected_bytes),
                )
                added += cursor.rowcount
        return added

    def withdraw(self, step: str, wanted: Iterable[str]) -> int:
        """Remove the items of a step that are neither wanted any more nor done.

        Returns
        -------
        int
            Items that were removed.
        """
        names = set(wanted)
        gone = [entry.item.name for entry in self.entries(step) if entry.state != State.DONE]
        gone = [name for name in gone if name not in names]
        with self._transaction() as cursor:
            cursor.executemany("DELETE FROM items WHERE step = ? AND name = ?", [(step, name) for name in gone])
        return len(gone)

    def entries(self, step: str = "", states: Iterable[State] = State) -> list[Entry]:
        """Items of a step, or of all, in these states, in the order in which they were added."""
        wanted = [str(state) for state in states]
        marks = ", ".join("?" * len(wanted))
        condition, values = (" AND step = ?", [*wanted, step]) if step else ("", wanted)
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM items WHERE state IN ({marks}){condition} ORDER BY number",  # noqa: S608 - no values
            values,
        )
        try:
            return [_entry(row) for row in rows]
        except (ValueError, TypeError) as error:
            raise damaged_plan(self.path, error) from error

    def record(self, entry: Entry) -> None:
        """Record what became of an item; its path may be another one than planned."""
        with self._transaction() as cursor:
            cursor.execute(
                "UPDATE items SET path = ?, state = ?, bytes = ?, sha256 = ?, etag = ?, rows = ?, job_url = ?, "
                "attempts = ?, reason = ?, changed = ? WHERE step = ? AND name = ?",
                (
                    entry.item.path,
                    str(entry.state),
                    entry.bytes,
                    entry.sha256,
                    entry.etag,
                    entry.rows,
                    entry.job_url,
                    entry.attempts,
                    entry.reason,
                    datetime.now(UTC).isoformat(timespec="seconds"),
                    entry.item.step,
                    entry.item.name,
                ),
            )
            if cursor.rowcount != 1:
                raise PlanError(f"{self.path} holds no item {entry.item.name!r} of step {entry.item.step!r}.")

    def forget_lost_files(self) -> list[str]:
        """Plan anew the items whose files are gone or have another size than recorded.

        Returns
        -------
        list of str
            Their names.
        """
        lost = [entry for entry in self.entries(states=(State.DONE,)) if not self._holds(entry)]
        for entry in lost:
            self.record(Entry(entry.item))
        return [entry.item.name for entry in lost]

    def _holds(self, entry: Entry) -> bool:
        try:
            return (self.folder / entry.item.path).stat().st_size == entry.bytes
        except OSError:
            return False

    def period(self, step: str) -> tuple[str, str]:
        """First and last time at which an item of a step was done, ISO 8601 in UTC; "" for none."""
        ((first, last),) = self._rows(
            "SELECT MIN(changed), MAX(changed) FROM items WHERE step = ? AND state = ?", (step, str(State.DONE))
        )
        return first or "", last or ""

    def progress(self, step: str = "") -> Progress:
        """Counts of a step, or of the whole plan."""
        condition, values = (" WHERE step = ?", [step]) if step else ("", [])
        rows = self._rows(
            "SELECT state, COUNT(*), SUM(bytes), SUM(expected_bytes) FROM items"  # noqa: S608 - question marks only
            f"{condition} GROUP BY state",
            values,
        )
        if unknown := next((state for state, *_ in rows if state not in set(State)), None):
            raise damaged_plan(self.path, f"an item has the state {unknown!r}")
        finished = (State.DONE, State.ABSENT)
        return Progress(
            {State(state): count for state, count, _, _ in rows},
            sum(done for state, _, done, _ in rows if state == State.DONE),
            sum(expected for state, _, _, expected in rows if state not in finished),
        )


def _text(request: Mapping[str, Any]) -> str:
    return json.dumps(request, sort_keys=True, ensure_ascii=False)


def _entry(row: tuple[Any, ...]) -> Entry:
    step, name, request, path, expected, state, size, sha256, etag, rows, job_url, attempts, reason = row
    item = Item(step, name, json.loads(request), path, expected)
    return Entry(item, State(state), size, sha256, etag, rows, job_url, attempts, reason)
