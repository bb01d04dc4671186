"""Backup and restore of the vetting record, also before migrations.

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
"""Tables in an order in which their rows can be inserted."""

_TRIGGERS = {"0001": 2, "0002": 3, "0003": 3}
"""How many triggers guard the events of a SQLite record of each version."""


class BackupError(ValueError):
    """A backup cannot be made or restored."""


def copy_before_migration(engine: Engine, path: Path | None, version: str) -> Path:
    """Back up a record before its migration to ``version``.

    The backup is written beside the file of SQLite, else in the data folder.
    """
    folder = data_folder() if path is None else path.parent
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = ("vetting", ".jsonl") if path is None else (path.stem, path.suffix)
    target = folder / f"{stem}.before-{version}-{_stamp()}{suffix}"
    write_copy(engine, target)
    return target


def write_copy(engine: Engine, target: Path) -> None:
    """Back up an open record while others may write to it.

    Parameters
    ----------
    engine : Engine
        Engine of the record.
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
    """Yield a header, then all rows of all tables as stored, also of an older schema."""
    stored = MetaData()
    stored.reflect(connection, only=[table.name for table in _TABLES])
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    yield {"format": _FORMAT, "version": version}
    for declared in _TABLES:
        table = stored.tables[declared.name]
        for row in connection.execute(select(table).order_by(*table.primary_key)).mappings():
            yield {"table": table.name, "row": dict(row)}


def restore_file(source: Path, target: Path, *, replace: bool) -> Path | None:
    """Restore a SQLite record from a backup.

    Parameters
    ----------
    source : Path
        Output of :func:`write_copy`.
    target : Path
        Path of the record.
    replace : bool
        Whether an existing record may be replaced; it is kept beside under another name.

    Returns
    -------
    Path or None
        The replaced record; None when there was none.

    Raises
    ------
    BackupError
        If the copy is damaged or of a newer program, the record is not empty, or another process has it open.
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
        with exclusive_connection(target) as connection:
            if not replace and _rows(connection):
                raise BackupError(
                    f"The record {target} is not empty ({_rows(connection):,} events and campaigns). "
                    "With --replace it is kept beside the restored one."
                )
            kept = target.with_name(f"{target.stem}.replaced-{_stamp()}{target.suffix}")
            copy_database(connection, kept)  # to open the file otherwise would give up its locks
            draft.replace(target)
            sync(target.parent)
    except sqlite3.Error as error:
        raise BackupError(f"{source} is no copy of a vetting record: {error}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return kept


def check_copy(copy: sqlite3.Connection, source: Path) -> None:
    """Raise BackupError unless a database is a complete record that this program can open."""
    result = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if result != "ok":
        raise BackupError(f"{source} is damaged: {result}.")
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
    n_triggers = copy.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event' AND sql LIKE '%append-only%'"
    ).fetchone()[0]
    if n_triggers < _TRIGGERS[version]:
        raise BackupError(f"{source} lacks a trigger that protects events ({n_triggers} of {_TRIGGERS[version]}).")
    if version == max(known_versions()):
        for table in _TABLES:
            present = {row[1] for row in copy.execute(f"PRAGMA table_info({table.name})")}
            absent = [column.name for column in table.columns if column.name not in present]
            if absent:
                raise BackupError(f"{source} is no vetting record: its table {table.name} has no column {absent[0]}.")
    orphans = copy.execute("PRAGMA foreign_key_check").fetchall()
    if orphans:
        raise BackupError(f"{source} has {len(orphans)} rows of campaigns that it lacks.")


def known_versions() -> frozenset[str]:
    """Schema versions that this program can open."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return frozenset(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


def restore_lines(engine: Engine, source: Path) -> int:
    """Insert the rows of a JSON backup into an empty record.

    Returns
    -------
    int
        Number of events.

    Raises
    ------
    BackupError
        If the file is not such a backup, or the record is not empty: events cannot be removed from a database, so
        that a new one is needed.
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
                entry = json.loads(line)
                rows[entry["table"]].append(dict(entry["row"]))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, BackupError):
                raise
            raise BackupError(f"{source} is no backup of a vetting record ({error}).") from error
    return rows


@contextmanager
def exclusive_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite database exclusively and merge its write-ahead log into it.

    Raises
    ------
    BackupError
        If another process has the database open.
    """
    with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as connection:
        try:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").close()
            connection.execute("BEGIN EXCLUSIVE").close()
            connection.execute("COMMIT").close()  # the lock stays
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            mode = "wal"
        if mode != "delete":
            raise BackupError(f"{path} is open in another process: stop the server first.")
        yield connection


def _existing(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    return sqlite3.connect(path)


def _rows(connection: sqlite3.Connection) -> int:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    counts = {"campaign": "SELECT count(*) FROM campaign", "event": "SELECT count(*) FROM event"}
    return sum(int(connection.execute(sql).fetchone()[0]) for name, sql in counts.items() if name in names)


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
