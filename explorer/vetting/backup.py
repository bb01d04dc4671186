"""Copies of a record: before migrations, as backups, and back again.

SQLite is copied by its online backup into one file; PostgreSQL's rows are written as lines of JSON, which can be
restored into an empty record of either database.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, func, select

from explorer.vetting.record_file import copy_database, sync
from explorer.vetting.schema import CAMPAIGN, CLAIM, EVENT, TASK
from pipeline.home import data_folder

_FORMAT = "mgiant-vetting-backup-1"
_TABLES = (CAMPAIGN, TASK, CLAIM, EVENT)
"""In the order in which rows can be put back."""

_TRIGGERS = {"0001": 2, "0002": 3, "0003": 3}
"""How many triggers guard the events of a SQLite record of each version."""


class BackupError(ValueError):
    """A copy cannot be made, or cannot be put back."""


def copy_before_migration(engine: Engine, path: Path | None, version: str) -> Path:
    """Copy a record that is about to be migrated to ``version``; beside the file of SQLite, else in the data folder."""
    folder = data_folder() if path is None else path.parent
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = ("vetting", ".jsonl") if path is None else (path.stem, path.suffix)
    target = folder / f"{stem}.before-{version}-{_stamp()}{suffix}"
    write_copy(engine, target)
    return target


def write_copy(engine: Engine, target: Path) -> None:
    """Copy a record that is open, while others may write to it.

    Parameters
    ----------
    engine : Engine
        Of the record.
    target : Path
        A new file: a database for SQLite, lines of JSON for PostgreSQL.

    Raises
    ------
    BackupError
        If there is such a file.
    """
    if target.exists():
        raise BackupError(f"{target} exists already: a backup is written to a new file.")
    if engine.dialect.name == "sqlite":
        proxied = engine.raw_connection()
        try:
            raw: Any = proxied.driver_connection
            copy_database(raw, target)
        finally:
            proxied.close()
        return
    draft = target.with_name(f".{target.name}.part")
    with (
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        draft.open("w", encoding="utf-8") as file,
    ):
        for line in _lines(connection):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    sync(draft)
    draft.replace(target)
    sync(target.parent)


def _lines(connection: Connection) -> Iterator[dict[str, Any]]:
    """A header, then every row of every table as the database has it, also of an older schema."""
    there = MetaData()
    there.reflect(connection, only=[table.name for table in _TABLES])
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    yield {"format": _FORMAT, "version": version}
    for declared in _TABLES:
        table = there.tables[declared.name]
        for row in connection.execute(select(table).order_by(*table.primary_key)).mappings():
            yield {"table": table.name, "row": dict(row)}


def restore_file(source: Path, target: Path, *, replace: bool) -> Path | None:
    """Put a copy of a SQLite record at the place of the record.

    Parameters
    ----------
    source : Path
        What :func:`write_copy` wrote.
    target : Path
        Where the record belongs.
    replace : bool
        Whether a record with campaigns or events may be there: it is kept beside.

    Returns
    -------
    Path or None
        The record that was there; None when there was none.

    Raises
    ------
    BackupError
        If the copy is damaged or of a newer program, the record is not empty, or a server has it open.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.restored")
    draft.unlink(missing_ok=True)
    try:
        with closing(_existing(source)) as copy:
            copy_database(copy, draft)
        with closing(_existing(draft)) as copy:
            check_copy(copy, source)
        if not target.exists():
            draft.replace(target)
            sync(target.parent)
            return None
        with only_user(target) as there:
            if not replace and _rows(there):
                raise BackupError(
                    f"The record {target} is not empty ({_rows(there):,} events and campaigns). With --replace it is "
                    "kept beside the one that is restored."
                )
            kept = target.with_name(f"{target.stem}.replaced-{_stamp()}{target.suffix}")
            copy_database(there, kept)  # to open the file otherwise would give up its locks
            draft.replace(target)
            sync(target.parent)
    except sqlite3.Error as error:
        raise BackupError(f"{source} is no copy of a vetting record: {error}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return kept


def check_copy(copy: sqlite3.Connection, source: Path) -> None:
    """BackupError unless a database is a whole record that this program can open."""
    found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise BackupError(f"{source} is damaged: {found}.")
    names = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    missing = sorted({"alembic_version", *(table.name for table in _TABLES)} - names)
    if missing:
        raise BackupError(f"{source} is no vetting record: it has no table {missing[0]}.")
    versions = [str(version) for (version,) in copy.execute("SELECT version_num FROM alembic_version")]
    if len(versions) != 1:
        raise BackupError(f"{source} is no vetting record: it has {len(versions)} numbers of a version, not 1.")
    version = versions[0]
    if version not in known_versions():
        raise BackupError(f"{source} was made by a newer version of this program ({version}). Update the program.")
    guards = copy.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event' AND sql LIKE '%append-only%'"
    ).fetchone()[0]
    if guards < _TRIGGERS[version]:
        raise BackupError(f"{source} lacks a guard against changes of events ({guards} of {_TRIGGERS[version]}).")
    if version == max(known_versions()):
        for table in _TABLES:
            found = {row[1] for row in copy.execute(f"PRAGMA table_info({table.name})")}
            absent = [column.name for column in table.columns if column.name not in found]
            if absent:
                raise BackupError(f"{source} is no vetting record: its table {table.name} has no column {absent[0]}.")
    strays = copy.execute("PRAGMA foreign_key_check").fetchall()
    if strays:
        raise BackupError(f"{source} has {len(strays)} rows of campaigns that it lacks.")


def known_versions() -> frozenset[str]:
    """Schemas that this program can open."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return frozenset(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


def restore_lines(engine: Engine, source: Path) -> int:
    """Put the rows of a copy in lines of JSON into an empty record.

    Returns
    -------
    int
        Events.

    Raises
    ------
    BackupError
        If the file is no such copy, or the record is not empty: events cannot be removed from a database, so that a
        new one is needed.
    """
    rows = _read_lines(source)
    with engine.execution_options(writes=True, durable=True).begin() as connection:
        if any(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (CAMPAIGN, EVENT)):
            raise BackupError(
                "The record is not empty, and its events cannot be removed. Name an empty database in MGIANT_RECORD."
            )
        for table in _TABLES:
            known = set(table.c.keys()) - {"seq"}
            for row in rows[table.name]:
                connection.execute(table.insert(), {name: row[name] for name in known & set(row)})
    return len(rows["event"])


def _read_lines(source: Path) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in _TABLES}
    with source.open(encoding="utf-8") as file:
        try:
            header = json.loads(file.readline())
            if header["format"] != _FORMAT or header["version"] not in known_versions():
                raise BackupError(f"{source} is no backup of a record that this program can read ({header}).")
            for line in file:
                found = json.loads(line)
                rows[found["table"]].append(dict(found["row"]))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, BackupError):
                raise
            raise BackupError(f"{source} is no backup of a vetting record ({error}).") from error
    return rows


@contextmanager
def only_user(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that nobody can have beside; what a crash left in other files is in the one file then.

    Raises
    ------
    BackupError
        If another process has the database open.
    """
    with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as there:
        try:
            mode = there.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
            there.execute("PRAGMA locking_mode = EXCLUSIVE").close()
            there.execute("BEGIN EXCLUSIVE").close()
            there.execute("COMMIT").close()  # the lock stays
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            mode = "wal"
        if mode != "delete":
            raise BackupError(f"{path} is open in another process: stop the server first.")
        yield there


def _existing(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    return sqlite3.connect(path)


def _rows(there: sqlite3.Connection) -> int:
    names = {name for (name,) in there.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    counts = {"campaign": "SELECT count(*) FROM campaign", "event": "SELECT count(*) FROM event"}
    return sum(int(there.execute(sql).fetchone()[0]) for name, sql in counts.items() if name in names)


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
