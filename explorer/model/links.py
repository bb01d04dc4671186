"""Short links to stored states, and saved views with names.

Links are kept for a year after they were last opened, within limits for each visitor and for the whole file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explorer.model.selection import SelectionError

MAX_BYTES = 32_000_000
"""Maximum size of one state, a list of two million stars."""

MAX_DAY_BYTES = 64_000_000
"""Maximum size of the links that one visitor creates within 24 hours."""

MAX_DAY_LINKS = 1_000
"""Maximum number of links that one visitor creates within 24 hours."""

MAX_ANONYMOUS_DAY_BYTES = 512_000_000
"""Maximum size of the links that all anonymous visitors create within 24 hours."""

MAX_STORE_BYTES = 4_000_000_000
"""Maximum size of all links."""

MAX_RESUME_BYTES = 1_000_000_000
"""Maximum size of the states of lost pages; the oldest are removed first."""

MAX_VIEWS = 1_000
"""Maximum number of saved views of a catalogue."""

KEPT_DAYS = 365
"""Days after which an unopened link is removed; those of saved views stay."""

RESUME_DAYS = 30
"""Days after which the state of a page that was left is removed."""

MAX_LEFT = 50
"""Maximum number of states of pages that are kept for one owner; the oldest are removed first."""

ANONYMOUS = "browser:"
"""Prefix of the owner key of anonymous visitors."""

_TABLES = """
create table if not exists link (
    token text primary key, state text not null, shared integer not null, changed text default current_timestamp
);
create table if not exists saved_view (
    catalog text not null, name text not null, token text not null, primary key (catalog, name)
);
"""
_COLUMNS = {
    "link": {
        "bytes": "integer not null default 0",
        "owner": "text not null default ''",
        "made": "text",
        "catalog": "text not null default ''",
    },
    "saved_view": {"owner": "text not null default ''"},
}
"""Columns that older files lack; their views have no owner. A page without changes has no ``catalog``."""

_LOG = logging.getLogger(__name__)
_INDEX = "create index if not exists link_sizes on link (shared, owner, made, changed, bytes)"


class LinkStore:
    """States by token, in one SQLite file that several servers may share.

    Every method raises :class:`~explorer.model.selection.SelectionError` where the file cannot be read or written.

    Parameters
    ----------
    path : Path
        The file; it is made when the first state is put.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def share(self, state: dict[str, Any], owner: str = "") -> str:
        """Store a state and return its token; equal states have one token.

        Parameters
        ----------
        state : dict
            Plain values.
        owner : str
            Owner of the link: a name, or :data:`ANONYMOUS` and the browser's name.

        Raises
        ------
        SelectionError
            If it is too large, or the owner has made too many, or no room is left.
        """
        text = _text(state)
        token = hashlib.sha256(text.encode()).hexdigest()[:12]
        with self._open() as database:
            known = database.execute("select shared from link where token = ?", (token,)).fetchone()
            if known is None:
                self._check_room(database, owner, len(text))
            database.execute(
                "insert into link (token, state, shared, bytes, owner, made) values (?, ?, 1, ?, ?, current_timestamp) "
                "on conflict (token) do update set shared = 1, changed = current_timestamp",
                (token, text, len(text), owner),
            )
        return token

    def _check_room(self, database: sqlite3.Connection, owner: str, size: int) -> None:
        database.execute(
            "delete from link where shared = 1 and changed < datetime('now', ?) "
            "and token not in (select token from saved_view)",
            (f"-{KEPT_DAYS} days",),
        )
        today = (
            "select count(*), coalesce(sum(bytes), 0) from link where shared = 1 and made > datetime('now', '-1 day')"
        )
        count, used = database.execute(f"{today} and owner = ?", (owner,)).fetchone()
        if count >= MAX_DAY_LINKS or used + size > MAX_DAY_BYTES:
            raise SelectionError(
                f"You have made {count:,} links of {used / 1e6:,.0f} MB within a day; at most {MAX_DAY_LINKS:,} and "
                f"{MAX_DAY_BYTES / 1e6:,.0f} MB are kept. Try again tomorrow, or use a selection without long lists."
            )
        if owner.startswith(ANONYMOUS):
            pattern = f"{ANONYMOUS}*"
            _, used = database.execute(f"{today} and owner glob ?", (pattern,)).fetchone()
            if used + size > MAX_ANONYMOUS_DAY_BYTES:
                raise SelectionError(
                    "Visitors who are not signed in have made too many links today. Try again tomorrow."
                )
        (total,) = database.execute("select coalesce(sum(bytes), 0) from link where shared = 1").fetchone()
        if total + size > MAX_STORE_BYTES:
            raise SelectionError(
                f"The server keeps {total / 1e9:,.1f} GB of links; at most {MAX_STORE_BYTES / 1e9:,.0f} are kept. Ask "
                "the keeper of the server to remove old ones."
            )

    def resume(self, token: str, state: dict[str, Any], owner: str = "", catalog: str = "") -> None:
        """Store the state of a page for some days, so that a page that was lost or left can be restored.

        Parameters
        ----------
        token : str
            Of the page.
        state : dict
            Plain values; ``catalog`` names their catalogue.
        owner : str
            Who may continue it, as of :meth:`share`.
        catalog : str
            Catalogue in which new pages may continue it; "" if nothing was changed.

        Raises
        ------
        SelectionError
            If the state is too large.
        """
        text = _text(state)
        with self._open() as database:
            database.execute(
                "insert into link (token, state, shared, bytes, owner, catalog, changed) "
                "values (?, ?, 0, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now')) "
                "on conflict (token) do update set state = excluded.state, bytes = excluded.bytes, "
                "owner = excluded.owner, catalog = excluded.catalog, changed = excluded.changed where shared = 0",
                (token, text, len(text), owner, catalog),
            )
            database.execute(
                "delete from link where shared = 0 and (changed < datetime('now', ?) or (owner = ? and owner <> '' and "
                "token not in (select token from link where shared = 0 and owner = ? order by changed desc limit ?)))",
                (f"-{RESUME_DAYS} days", owner, owner, MAX_LEFT),
            )
            (total,) = database.execute("select coalesce(sum(bytes), 0) from link where shared = 0").fetchone()
            if total > MAX_RESUME_BYTES:
                database.execute(
                    "delete from link where token in (select token from (select token, sum(bytes) over (order by "
                    "changed desc, rowid desc) as newer from link where shared = 0) where newer > ?)",
                    (MAX_RESUME_BYTES,),
                )

    def left(self, owner: str, catalog: str, token: str = "") -> dict[str, Any] | None:
        """State of a page that its owner left: of a token, or else the latest with changes; None without one.

        Parameters
        ----------
        owner : str
            The owner; states of others are never returned.
        catalog : str
            Name of the catalogue.
        token : str
            Of the page that was shown in the same tab before.
        """
        if not self.path.is_file():
            return None
        mine = "select state from link where shared = 0 and owner = ?"
        with self._open() as database:
            row = database.execute(f"{mine} and token = ?", (owner, token)).fetchone()
            state = None if row is None else dict(json.loads(row[0]))
            if state is not None and state.get("catalog") == catalog:
                return state
            row = database.execute(
                f"{mine} and catalog = ? order by changed desc, rowid desc limit 1", (owner, catalog)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def get(self, token: str) -> dict[str, Any] | None:
        """The state of a token; None if there is none."""
        if not self.path.is_file():
            return None
        with self._open() as database:
            row = database.execute("select state from link where token = ?", (token,)).fetchone()
            if row is not None:
                _opened(database, token)
        return None if row is None else dict(json.loads(row[0]))

    def save_view(
        self, catalog: str, name: str, state: dict[str, Any], owner: str = "", *, may_replace: bool = False
    ) -> None:
        """Save a state under a name for all visitors of a catalogue, replacing one of that name.

        Raises
        ------
        SelectionError
            If the old one has another owner and ``may_replace`` is not given, or a limit of :meth:`share` is reached.
        """
        token = self.share(state, owner)
        with self._open() as database:
            self._check_owner(database, catalog, name, owner, may_replace=may_replace)
            (count,) = database.execute(
                "select count(*) from saved_view where catalog = ? and name <> ?", (catalog, name)
            ).fetchone()
            if count >= MAX_VIEWS:
                raise SelectionError(
                    f"There are {count:,} saved views; at most {MAX_VIEWS:,} are allowed. Remove some."
                )
            database.execute(
                "insert or replace into saved_view (catalog, name, token, owner) values (?, ?, ?, ?)",
                (catalog, name, token, owner),
            )

    def forget_view(self, catalog: str, name: str, owner: str = "", *, may_replace: bool = False) -> None:
        """Remove a saved view; links to its state still work.

        Raises
        ------
        SelectionError
            If it has another owner and ``may_replace`` is not given.
        """
        with self._open() as database:
            self._check_owner(database, catalog, name, owner, may_replace=may_replace)
            database.execute("delete from saved_view where catalog = ? and name = ?", (catalog, name))

    @staticmethod
    def _check_owner(database: sqlite3.Connection, catalog: str, name: str, owner: str, *, may_replace: bool) -> None:
        """Refuse to change the view of another owner; views without an owner are shared."""
        row = database.execute(
            "select owner from saved_view where catalog = ? and name = ?", (catalog, name)
        ).fetchone()
        if row is None or row[0] in ("", owner) or may_replace:
            return
        whose = "another visitor's" if row[0].startswith(ANONYMOUS) else f"{row[0]}'s"
        raise SelectionError(
            f"The view {name!r} is {whose}: only the owner or an adjudicator can replace it. Choose another name."
        )

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
            database = sqlite3.connect(self.path, timeout=10.0)
            try:
                with database:
                    _prepare(database)
                    yield database
            finally:
                database.close()
        except (sqlite3.Error, OSError) as error:
            raise SelectionError(
                f"Links and saved views cannot be read or written now ({error}). Everything else works. Check that "
                f"{self.path.name} of the explorer's folder can be written and that its disk has room."
            ) from error


def _opened(database: sqlite3.Connection, token: str) -> None:
    """Record that a link was opened, at most once a day; errors of writing are ignored."""
    try:
        database.execute(
            "update link set changed = current_timestamp where token = ? and shared = 1 "
            "and changed < datetime('now', '-1 day')",
            (token,),
        )
    except sqlite3.OperationalError as error:
        _LOG.warning("The opening of a link could not be recorded: %s", error)


def _prepare(database: sqlite3.Connection) -> None:
    """Create the tables, and the columns that older files lack."""
    present = {row[1] for row in database.execute("pragma table_info(link)")}
    if present >= _COLUMNS["link"].keys():
        return
    for statement in _TABLES.split(";"):
        database.execute(statement)
    for table, columns in _COLUMNS.items():
        known = {row[1] for row in database.execute(f"pragma table_info({table})")}
        for name, kind in columns.items():
            if name not in known:
                database.execute(f"alter table {table} add column {name} {kind}")
    database.execute("update link set bytes = length(state) where bytes = 0")
    database.execute(_INDEX)


def new_token() -> str:
    """Create a random token."""
    return secrets.token_urlsafe(12)


def _text(state: dict[str, Any]) -> str:
    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    if len(text) > MAX_BYTES:
        raise SelectionError(
            f"The state of the page has {len(text):,} bytes; at most {MAX_BYTES:,} are stored. "
            "Select by an expression or by gestures in place of long lists of stars."
        )
    return text
