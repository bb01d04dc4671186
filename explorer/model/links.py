"""Short links: what was on screen, kept on the server under a token, and views that were given a name."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from explorer.model.selection import SelectionError

MOST_BYTES = 32_000_000
"""Of one state: a list of two million stars."""

RESUME_DAYS = 7

_TABLES = """
create table if not exists link (
    token text primary key, state text not null, shared integer not null, changed text default current_timestamp
);
create table if not exists saved_view (
    catalog text not null, name text not null, token text not null, primary key (catalog, name)
);
"""


class LinkStore:
    """States by token, in one SQLite file that several servers may share.

    Parameters
    ----------
    path : Path
        The file; it is made when the first state is put.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def share(self, state: dict[str, Any]) -> str:
        """Keep a state for good; equal states have one token. SelectionError when it is too large."""
        text = _text(state)
        token = hashlib.sha256(text.encode()).hexdigest()[:12]
        with self._open() as database:
            database.execute(
                "insert into link (token, state, shared) values (?, ?, 1) on conflict (token) do update set shared = 1",
                (token, text),
            )
        return token

    def resume(self, token: str, state: dict[str, Any]) -> None:
        """Remember what a visitor looks at, so that a lost page comes back; forgotten after some days.

        Raises
        ------
        SelectionError
            If the state is too large.
        """
        with self._open() as database:
            database.execute(
                "insert into link (token, state, shared) values (?, ?, 0) on conflict (token) do update set "
                "state = excluded.state, changed = current_timestamp where shared = 0",
                (token, _text(state)),
            )
            database.execute(
                "delete from link where shared = 0 and changed < datetime('now', ?)", (f"-{RESUME_DAYS} days",)
            )

    def get(self, token: str) -> dict[str, Any] | None:
        """The state of a token, None when there is none."""
        with self._open() as database:
            row = database.execute("select state from link where token = ?", (token,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def save_view(self, catalog: str, name: str, state: dict[str, Any]) -> None:
        """Give a state a name, for all visitors of a catalogue; an old one of that name is replaced."""
        token = self.share(state)
        with self._open() as database:
            database.execute("insert or replace into saved_view values (?, ?, ?)", (catalog, name, token))

    def forget_view(self, catalog: str, name: str) -> None:
        """Take a name away; links to the state still work."""
        with self._open() as database:
            database.execute("delete from saved_view where catalog = ? and name = ?", (catalog, name))

    def views(self, catalog: str) -> dict[str, str]:
        """Tokens of a catalogue's saved views, by name."""
        if not self.path.is_file():
            return {}
        with self._open() as database:
            rows = database.execute("select name, token from saved_view where catalog = ? order by name", (catalog,))
            return dict(rows.fetchall())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=10.0)) as database:
                database.executescript(_TABLES)
                with database:
                    yield database
        except (sqlite3.Error, OSError) as error:
            raise SelectionError(
                f"Links and saved views cannot be kept or read now ({error}): {self.path}. Everything else works; the "
                "person who runs the server makes that file writable."
            ) from error


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(12)


def _text(state: dict[str, Any]) -> str:
    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    if len(text) > MOST_BYTES:
        raise SelectionError(
            f"What is on screen takes {len(text):,} bytes to describe; at most {MOST_BYTES:,} are kept. "
            "Select by an expression or by gestures in place of long lists of stars."
        )
    return text
