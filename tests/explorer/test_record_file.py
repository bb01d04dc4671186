"""The file of the record: loss, recovery, copy, restore, migration."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from test_vetting_rooms import Screen
from vetting_helpers import ANN, EVE, PLAIN, draft, make_commands

from explorer import moving
from explorer.__main__ import main
from explorer.config import AppConfig, where_now
from explorer.model.links import LinkStore
from explorer.model.selection import SelectionError
from explorer.moving import move_files, move_record
from explorer.rooms.vetting.room import BACK
from explorer.vetting import store as stores
from explorer.vetting.backup import BackupError, _lines, restore_file, restore_lines, write_copy
from explorer.vetting.store import Store, StoreError
from pipeline.products.vetting import read_verdicts

SIDES = ("", "-wal", "-shm")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(stores, "RETRY_S", 0.0)
    monkeypatch.setattr(stores, "IDLE_S", 0.05)


@pytest.fixture
def where(tmp_path):
    return tmp_path / "data" / "vetting.sqlite"


@pytest.fixture
def commands(where, library):
    store = Store.open(where)
    yield make_commands(store, library)
    store.close()


def follow(screen):
    """Let a room read the record as it does every 1.5 s; returns the fields that it sends."""
    before = len(screen.sent)

    async def everything():
        screen.room._follow()
        while screen.room.channel._tasks:
            await asyncio.gather(*screen.room.channel._tasks)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(everything())).result()
    return {name: value for message in screen.sent[before:] for name, value in message.items()}


def come_back(screen, seconds=10):
    """Follow until the record is back."""
    answer, until = {}, time.monotonic() + seconds
    while screen.room._failure and time.monotonic() < until:
        answer |= follow(screen)
        time.sleep(0.02)
    return answer


def start(commands, count=9):
    return commands.create_campaign(
        EVE, "first", [int(star) for star in commands.library.table["obsid"][:count]], PLAIN, 5
    )


def judge(commands, campaign):
    return commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star)).id


def events_in(path):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return {row[0] for row in database.execute("SELECT id FROM event")}


def remove(where, sides=SIDES):
    for side in sides:
        Path(f"{where}{side}").unlink(missing_ok=True)


def test_a_removed_file_is_noticed_before_a_verdict_is_called_saved(commands, where):
    campaign = start(commands)
    saved = {judge(commands, campaign), judge(commands, campaign)}
    remove(where)
    for _ in range(2):
        with pytest.raises(StoreError, match="was removed while this server had it open, so verdicts cannot be saved"):
            judge(commands, campaign)
    (rescued,) = where.parent.glob("vetting.rescued-*.sqlite")
    assert events_in(rescued) == saved
    assert not where.exists(), "no empty record takes its place"
    shutil.copy(rescued, where)
    again = judge(commands, campaign)
    assert events_in(where) == saved | {again}
    assert commands.own_counts(ANN, campaign) == (3, 6)


def test_a_removal_between_the_check_and_the_end_of_a_transaction_is_noticed(commands, where):
    start(commands)
    with pytest.raises(StoreError, match="was removed"), commands.store.writing():
        remove(where)


def test_a_replaced_file_is_noticed_and_then_used(commands, where, tmp_path):
    campaign = start(commands)
    first = judge(commands, campaign)
    write_copy(commands.store.engine, tmp_path / "copy.sqlite")
    second = judge(commands, campaign)
    (tmp_path / "copy.sqlite").replace(where)
    with pytest.raises(StoreError, match="was replaced by another file"):
        judge(commands, campaign)
    (rescued,) = where.parent.glob("vetting.rescued-*.sqlite")
    assert events_in(rescued) == {first, second}
    remove(where, ("-wal", "-shm"))  # as README has it for a copied file
    third = judge(commands, campaign)
    assert [event.id for event in commands.log.refresh()] == [first, third]


@pytest.mark.parametrize("sides", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_what_was_in_a_removed_wal_is_put_into_the_file(commands, where, sides, monkeypatch):
    monkeypatch.setattr(stores, "IDLE_S", 60.0)
    campaign = start(commands)
    saved = judge(commands, campaign)
    remove(where, sides)
    with pytest.raises(
        StoreError, match=r"lost its -wal or -shm file.*All verdicts that were saved before are in the record"
    ):
        judge(commands, campaign)
    again = judge(commands, campaign)
    commands.store.close()
    assert events_in(where) == {saved, again}


def test_an_idle_record_is_whole_in_one_file(commands, where, tmp_path):
    saved = judge(commands, start(commands))
    until = time.monotonic() + 10
    while Path(f"{where}-wal").stat().st_size and time.monotonic() < until:
        time.sleep(0.02)
    shutil.copy(where, tmp_path / "copy.sqlite")
    assert events_in(tmp_path / "copy.sqlite") == {saved}


@pytest.mark.parametrize("end", ["pass", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"])
def test_a_process_that_ends_leaves_one_file(where, end):
    script = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "from explorer.vetting.store import Store\nfrom sqlalchemy import text\nfrom pathlib import Path\n"
        f"store = Store.open(Path({str(where)!r}))\n"
        "with store.writing() as connection: connection.execute(text('CREATE TABLE kept (x int)'))\n"
        f"{end}\n"
    )
    subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert [path.name for path in where.parent.iterdir()] == ["vetting.sqlite"]
    with closing(sqlite3.connect(where)) as database:
        assert database.execute("SELECT name FROM sqlite_master WHERE name = 'kept'").fetchone() == ("kept",)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_a_backup_of_a_running_server_is_restored_when_it_has_stopped(commands, where, tmp_path, capsys):
    campaign, copy = start(commands), tmp_path / "copy.sqlite"
    first = judge(commands, campaign)
    assert run("backup", copy, "--record", where) == 0
    assert run("backup", copy, "--record", where) == 2
    assert "exists already" in capsys.readouterr().err
    second = judge(commands, campaign)
    assert run("restore", copy, "--record", where, "--replace") == 2
    assert "open in another process" in capsys.readouterr().err
    commands.store.close()
    assert run("restore", copy, "--record", where) == 2
    assert "is not empty (3 events and campaigns)" in capsys.readouterr().err
    assert run("restore", copy, "--record", where, "--replace") == 0
    (kept,) = where.parent.glob("vetting.replaced-*.sqlite")
    assert (events_in(where), events_in(kept)) == ({first}, {first, second})
    assert run("backup", tmp_path / "no.sqlite", "--record", tmp_path / "nowhere.sqlite") == 2
    assert not (tmp_path / "nowhere.sqlite").exists()


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("DROP TRIGGER event_no_delete", "lacks a trigger"),
        ("UPDATE alembic_version SET version_num = '9999'", "newer version"),
        ("DROP TABLE claim", "no table claim"),
        ("DELETE FROM alembic_version", "has 0 numbers of a version"),
        ("INSERT INTO alembic_version VALUES ('0001')", "has 2 numbers of a version"),
        ("ALTER TABLE campaign RENAME COLUMN rules TO rulez", "campaign has no column rules"),
        (None, "is no copy of a vetting record"),
    ],
)
def test_a_damaged_backup_is_refused(commands, where, tmp_path, damage, word):
    copy = tmp_path / "copy.sqlite"
    write_copy(commands.store.engine, copy)
    commands.store.close()
    before = where.read_bytes()
    if damage is None:
        copy.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    else:
        with closing(sqlite3.connect(copy)) as database:
            database.execute(damage)
            database.commit()
    with pytest.raises(BackupError, match=word):
        restore_file(copy, where, replace=True)
    assert where.read_bytes() == before
    assert [path.name for path in where.parent.iterdir()] == ["vetting.sqlite"]


@pytest.mark.parametrize("side", ["", "-wal", "-shm"])
def test_an_export_never_takes_the_place_of_the_record(commands, where, tmp_path, capsys, side):
    campaign = start(commands)
    said = {judge(commands, campaign)}
    (tmp_path / "link").symlink_to(f"{where}{side}")
    for target in (Path(f"{where}{side}"), where.parent / ".." / "data" / f"vetting.sqlite{side}", tmp_path / "link"):
        assert run("export-record", target, "--record", where) == 2
        assert "is a file of the vetting record itself" in capsys.readouterr().err
    said.add(judge(commands, campaign))
    assert events_in(where) == said


def test_an_export_that_fails_leaves_the_one_before(commands, where, tmp_path, capsys):
    judge(commands, start(commands))
    commands.store.close()
    target = tmp_path / "record.jsonl"
    assert run("export-record", target, "--record", where) == 0
    before = target.read_bytes()
    with closing(sqlite3.connect(where)) as database:
        database.execute("ALTER TABLE event RENAME COLUMN note TO remark")
    assert run("export-record", target, "--record", where) == 2
    assert capsys.readouterr().err.startswith("error: The vetting record cannot be used: no such column")
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["record.jsonl"]
    assert not list(tmp_path.glob(".part-*"))


def test_verdicts_are_exported_and_never_over_the_record(commands, where, library, tmp_path, capsys):
    judge(commands, start(commands))
    product = library.products.directory
    assert run("export-verdicts", product, where, "--record", where) == 2
    assert "is a file of the vetting record itself" in capsys.readouterr().err
    target = tmp_path / "verdicts.csv"
    assert run("export-verdicts", product, target, "--record", where) == 0
    assert len(read_verdicts(target)) == 1
    assert not list(tmp_path.glob(".part-*"))


def test_rows_go_from_one_database_into_another(commands, tmp_path):
    campaign = start(commands)
    saved = judge(commands, campaign)
    with commands.store.engine.connect() as connection:
        lines = [json.dumps(line) for line in _lines(connection)]
    (tmp_path / "copy.jsonl").write_text("\n".join(lines), encoding="utf-8")
    other = Store.open(tmp_path / "other.sqlite")
    assert restore_lines(other.engine, tmp_path / "copy.jsonl") == 1
    twin = make_commands(other, commands.library)
    assert [event.id for event in twin.log.refresh()] == [saved]
    assert twin.tasks(twin.campaigns()[0]) == commands.tasks(campaign)
    with pytest.raises(BackupError, match="is not empty"):
        restore_lines(other.engine, tmp_path / "copy.jsonl")
    other.close()


def test_a_migration_leaves_a_copy_of_the_record_as_it_was(commands, where):
    saved = judge(commands, start(commands))
    commands.store.close()
    with closing(sqlite3.connect(where)) as database:
        database.execute("UPDATE alembic_version SET version_num = '0002'")
        database.execute("ALTER TABLE event DROP COLUMN imported")
        database.commit()
    Store.open(where).close()
    (copy,) = where.parent.glob("vetting.before-0003-*.sqlite")
    assert (events_in(copy), events_in(where)) == ({saved}, {saved})


# --- from the cache folder to the data folder ----------------


@pytest.fixture
def folders(tmp_path):
    for name in ("cache", "share"):
        (tmp_path / name).mkdir()
    return tmp_path / "cache", tmp_path / "share" / "mgiant-explorer"


def test_data_of_an_older_version_is_moved_once(folders, commands, where, caplog):
    cache, data = folders
    saved = judge(commands, start(commands))
    for side in SIDES:  # as after SIGKILL: all is in the -wal file
        if Path(f"{where}{side}").exists():
            shutil.copy(f"{where}{side}", cache / f"vetting.sqlite{side}")
    token = LinkStore(cache / "links.sqlite").share({"a": 1})
    (cache / "users.json").write_text("{}")
    (cache / "cookie_secret.2").write_text("secret")
    (cache / "cookie_secret.2").chmod(0o600)
    (cache / "releases" / "my.v1").mkdir(parents=True)
    (cache / "releases" / "my.v1" / "x").write_text("x")
    move_record(cache, data)
    move_files(cache, data)
    assert events_in(data / "vetting.sqlite") == {saved}
    assert LinkStore(data / "links.sqlite").get(token) == {"a": 1}
    assert (data / "releases" / "my.v1" / "x").read_text() == "x"
    assert (data / "cookie_secret.2").stat().st_mode & 0o777 == 0o600
    assert list(cache.iterdir()) == []
    assert f"{cache / 'vetting.sqlite'} was moved to {data / 'vetting.sqlite'}." in caplog.text
    assert where_now(cache / "users.json", cache, data) == data / "users.json"
    caplog.clear()
    move_record(cache, data)
    move_files(cache, data)
    assert caplog.text == ""


def test_nothing_is_moved_while_it_is_open_or_over_another_file(folders):
    cache, data = folders
    store = Store.open(cache / "vetting.sqlite")
    with pytest.raises(StoreError, match="open in another process"):
        move_record(cache, data)
    assert not data.exists() or not list(data.iterdir())
    store.close()
    Store.open(data / "vetting.sqlite").close()
    before = (data / "vetting.sqlite").read_bytes()
    move_record(cache, data)
    assert (cache / "vetting.sqlite").exists()
    assert (data / "vetting.sqlite").read_bytes() == before


def test_releases_go_to_another_file_system(folders):
    cache, data = folders
    (cache / "releases" / "my.v1").mkdir(parents=True)
    (cache / "releases" / "my.v1" / "x").write_text("x")
    moving._copy_folder(cache / "releases" / "my.v1", data.parent / "my.v1")
    assert (data.parent / "my.v1" / "x").read_text() == "x"
    assert list((cache / "releases").iterdir()) == []


def test_data_and_cache_have_folders_of_their_own(tmp_path):
    apart = {"XDG_CACHE_HOME": str(tmp_path / "c"), "XDG_DATA_HOME": str(tmp_path / "d")}
    config = AppConfig.from_arguments([], apart)
    data = tmp_path / "d" / "mgiant-explorer"
    assert config.vetting == data / "vetting.sqlite"
    assert (config.links, config.releases) == (data / "links.sqlite", data / "releases")
    assert config.columns == tmp_path / "c" / "mgiant-explorer" / "columns"
    one = AppConfig.from_arguments([], {"MGIANT_HOME": str(tmp_path / "one")})
    assert one.vetting.parent == one.columns.parent == tmp_path / "one"


# --- without a record ----------------------------------------


@pytest.mark.parametrize("obstacle", ["file", "garbage", "newer"])
def test_a_room_says_what_is_wrong_and_comes_back_by_itself(where, library, obstacle):
    if obstacle == "file":
        where.parent.write_text("in the way")
    else:
        Store.open(where).close()
        content = where.read_bytes()
        if obstacle == "garbage":
            where.write_bytes(b"garbage" * 1000)
        else:
            with closing(sqlite3.connect(where)) as database:
                database.execute("UPDATE alembic_version SET version_num = '9999'")
                database.commit()
    store = Store(where)
    commands = make_commands(store, library)
    screen = Screen(commands, ANN)
    said = [message["closed"] for message in screen.sent if "closed" in message]
    assert "vetting record" in said[-1]
    assert "cannot be opened" in said[-1] or "newer version" in said[-1]
    visit = screen.room.visit
    assert "vetting record" in visit.remarks(int(library.table["obsid"][0]))[0].text
    assert (visit.verdict_lists(), visit.judged()) == ({}, frozenset())
    if obstacle == "file":
        where.parent.unlink()
    else:
        where.write_bytes(content)
    start(commands)
    message = come_back(screen)
    assert message["closed"] == ""
    assert message["vet"]["star"]
    store.close()


def test_a_verdict_into_a_lost_file_stays_in_the_page(commands, where):
    campaign = start(commands)
    screen = Screen(commands, ANN)
    given = {"id": draft(1).id, "star": str(screen.room.task.star), "flags": [], "note": "kept", "proposal": {}}
    remove(where)
    answer = screen.send("judge", verdict=3, **given)
    assert answer["unreachable"] == "judge"
    assert answer["message"].startswith("Not saved: The vetting record")
    assert "saved" not in answer
    assert "was removed" in follow(screen)["message"]
    shutil.copy(next(where.parent.glob("vetting.rescued-*")), where)
    assert come_back(screen)["message"] == BACK
    assert screen.send("judge", verdict=3, **given)["saved"] == given["id"]
    assert len(commands.log.refresh()) == 1
    assert commands.own_counts(ANN, campaign)[0] == 1


def test_links_that_cannot_be_stored_are_reported(page, tmp_path):
    (tmp_path / "in_the_way").write_text("")
    page.links.path = tmp_path / "in_the_way" / "links.sqlite"
    page.open()
    assert "cannot be read or written now" in page.ask("share")["message"]
    with pytest.raises(SelectionError, match="Everything else works"):
        page.links.save_view("c", "n", {})
