"""The vetting record: killed writers, stopped databases, vanished files, full disks, forged files, 50,000 events."""

import asyncio
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

from large_record import Users, fill, judge_with_progress
from postgres import Postgres, find_postgres
from products_factory import make_products
from sqlalchemy.exc import SQLAlchemyError
from vetting_helpers import EVE, draft, person

from explorer.model.library import open_library
from explorer.rooms.vetting.campaigns import source_of
from explorer.vetting.commands import VettingCommands
from explorer.vetting.drafts import RefusedError
from explorer.vetting.exchange import export_record, import_record
from explorer.vetting.record import EventLog
from explorer.vetting.rules import VettingRules
from explorer.vetting.store import Store, StoreError

WRITERS = 8
RULES = VettingRules(reviews=WRITERS, control_fraction=0.0, repeat_fraction=0.0)
FORK = multiprocessing.get_context("fork")


def main(quick):
    """Yield each kind of fault with its counts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        each = 40 if quick else 500
        library = open_library(make_products(folder / "invented", each, spectra=False))
        yield storm_on_sqlite(folder / "storm.sqlite", library, each)
        programs = find_postgres()
        if programs is not None:
            yield restarts_of_postgres(programs, library, each)
        yield removals(folder, library, 3 if quick else 30)
        yield full_disks(library, 1 if quick else 5)
        yield forgeries(folder, library, 20 if quick else 300)
        yield large_record(folder, 5_000 if quick else 50_000, 5 if quick else 30)


def writer(where, library, name, each, saved):
    """Judge star after star as a server of its own; a verdict that failed is sent again, as by a page."""
    commands = VettingCommands(Store(where), library, Users())
    campaign = until_it_answers(lambda: commands.campaigns()[0])
    who = person(name)
    with Path(saved).open("a", encoding="ascii") as file:
        while until_it_answers(lambda: commands.own_counts(who, campaign))[0] < each:
            task = until_it_answers(lambda: commands.next_task(who, campaign))
            if task is None:
                time.sleep(0.01)
                continue
            with suppress(RefusedError):
                file.write(send(commands, campaign, name, draft(task.star, 3)).id + "\n")
                file.flush()
    commands.store.close()


def until_it_answers(ask):
    """Ask the record until it answers."""
    while True:
        try:
            return ask()
        except (SQLAlchemyError, StoreError):
            time.sleep(0.05)


def send(commands, campaign, name, sent):
    """Send a draft until the record answers."""
    return until_it_answers(lambda: commands.judge(person(name), campaign, sent))


def run_writers(where, library, each, disturb):
    """All writers at once beside what disturbs them; a writer that was killed is started again."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(where)
        commands = VettingCommands(store, library, Users())
        commands.create_campaign(EVE, "storm", [int(star) for star in library.table["obsid"]], RULES, seed=1)
        store.close()

        def start(number):
            process = FORK.Process(target=writer, args=(where, library, f"u{number}", each, f"{folder}/{number}"))
            process.start()
            return process

        processes = {number: start(number) for number in range(WRITERS)}
        ended = threading.Event()
        disturber = threading.Thread(target=disturb, args=(processes, ended))
        disturber.start()
        kills = 0
        while any(process.is_alive() or process.exitcode for process in processes.values()):
            for number, process in list(processes.items()):
                if process.exitcode:
                    kills += 1
                    processes[number] = start(number)
            time.sleep(0.02)
        ended.set()
        disturber.join()
        acknowledged = {line for file in Path(folder).iterdir() for line in file.read_text("ascii").split()}
    store = Store.open(where)
    events = EventLog(store).refresh()
    store.close()
    ids = {event.id for event in events}
    lost = len(acknowledged - ids)
    doubled = len(events) - len({(event.user, event.star) for event in events})
    missing = WRITERS * each - len({(event.user, event.star) for event in events})
    return {
        "tried": WRITERS * each,
        "survived": WRITERS * each - lost - doubled - missing,
        "lost": lost,
        "doubled": doubled,
        "killed": kills,
    }


def storm_on_sqlite(where, library, each):
    """Writers are killed, and another program keeps the database locked now and then."""

    def disturb(processes, ended):
        rng = random.Random(1)
        while not ended.wait(rng.uniform(0.5, 1.5)):
            if rng.random() < 0.5:
                victim = processes[rng.randrange(WRITERS)]
                if victim.is_alive():
                    os.kill(victim.pid, signal.SIGKILL)
            else:
                with closing(sqlite3.connect(where, isolation_level=None)) as other, suppress(sqlite3.OperationalError):
                    other.execute("BEGIN IMMEDIATE")
                    time.sleep(rng.uniform(0.05, 0.5))
                    other.execute("ROLLBACK")

    found = run_writers(where, library, each, disturb)
    with closing(sqlite3.connect(where)) as database:
        whole = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    return {"fault": "sqlite: kills and locks", **found, "survived": found["survived"] if whole else 0}


def restarts_of_postgres(programs, library, each):
    """The database server is stopped hard twice."""
    server = Postgres(programs)
    restarts = []

    def disturb(_processes, ended):
        for _ in range(2):
            if ended.wait(each / 100 + 0.5):
                return
            server._run("pg_ctl", "-D", str(server.folder / "data"), "-m", "immediate", "-w", "stop")
            time.sleep(1.0)
            options = f"-c listen_addresses='' -c unix_socket_directories={server.folder}"
            data, log = str(server.folder / "data"), str(server.folder / "log")
            server._run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
            restarts.append(time.monotonic())

    try:
        found = run_writers(server.new_database("storm"), library, each, disturb)
    finally:
        server.stop()
    return {"fault": "postgresql: stopped hard", **found, "restarts": len(restarts)}


def removals(folder, library, times):
    """The file, or one beside it, vanishes while the record is open: what was acknowledged is in a file."""
    survived, rng = 0, random.Random(2)
    for number in range(times):
        where = folder / f"removed{number}" / "vetting.sqlite"
        store = Store.open(where)
        commands = VettingCommands(store, library, Users())
        stars = [int(star) for star in library.table["obsid"][:20]]
        campaign = commands.create_campaign(EVE, "c", stars, RULES, seed=1)
        saved = set()
        for _ in range(rng.randrange(1, 5)):
            saved.add(send(commands, campaign, "u1", draft(commands.next_task(person("u1"), campaign).star)).id)
        star = commands.next_task(person("u1"), campaign).star
        for side in rng.choice([("", "-wal", "-shm"), ("",), ("-wal",), ("-shm",), ("-wal", "-shm")]):
            Path(f"{where}{side}").unlink()
        refused = False
        try:
            commands.judge(person("u1"), campaign, draft(star))
        except StoreError:
            refused = True
        store.close()
        kept = set()
        for file in where.parent.glob("*.sqlite"):
            with closing(sqlite3.connect(file)) as database:
                kept |= {row[0] for row in database.execute("SELECT id FROM event")}
        survived += refused and saved <= kept
    return {"fault": "files removed while open", "tried": times, "survived": survived}


def full_disks(library, times):
    """A file system of 3 MB is filled: refused, then saved once there is room; skipped without the right to mount."""
    survived = 0
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]
            if subprocess.run(mount, check=False, capture_output=True).returncode:
                return {"fault": "disk full", "tried": 0, "survived": 0, "skipped": "no right to mount a file system"}
            try:
                survived += _fill_disk(Path(folder), library)
            finally:
                subprocess.run(["umount", "-l", folder], check=False)
    return {"fault": "disk full", "tried": times, "survived": survived}


def _fill_disk(folder, library):
    store = Store.open(folder / "vetting.sqlite")
    commands = VettingCommands(store, library, Users())
    campaign = commands.create_campaign(EVE, "c", [int(star) for star in library.table["obsid"]], RULES, seed=1)
    saved = {send(commands, campaign, "u1", draft(commands.next_task(person("u1"), campaign).star)).id}
    sent = draft(commands.next_task(person("u1"), campaign).star, note="n" * 9000)
    with suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 1000)
    refused = False
    try:
        commands.judge(person("u1"), campaign, sent)
    except (SQLAlchemyError, StoreError):
        refused = True
    (folder / "ballast").unlink()
    saved.add(commands.judge(person("u1"), campaign, sent).id)
    ids = {event.id for event in EventLog(store).refresh()}
    store.close()
    return refused and ids == saved


def forgeries(folder, library, times):
    """Random changes of an exported record: what is taken breaks no rule of the pages."""
    rng, survived = random.Random(3), 0
    here = VettingCommands(Store.open(folder / "here.sqlite"), library, Users())
    rules = VettingRules(reviews=2, control_fraction=0.0, repeat_fraction=0.0)
    campaign = here.create_campaign(EVE, "c", [int(star) for star in library.table["obsid"][:10]], rules, seed=1)
    for name in ("u1", "u2"):
        while (task := here.next_task(person(name), campaign)) is not None:
            here.judge(person(name), campaign, draft(task.star, rng.choice([0, 4])))
    lines = list(export_record(here.store))
    events = EventLog(here.store).refresh()
    changes = (
        lambda one: one | {"kind": "adjudication"},
        lambda one: one | {"user": f"u{rng.randrange(5)}"},
        lambda one: one | {"utc": f"{rng.choice(['0001', '2999'])}-01-01T00:00:00.000000Z"},
        lambda one: one | {"catalogue": "other 2020"},
        lambda one: one | {"user": "vic"},
        lambda one: one | {"supersedes": rng.choice(events).id},
        lambda one: one | {"verdict": rng.choice([-1, 7, True, None, 1e400])},
        lambda one: one | {"star": rng.choice([0, 3, 2**63])},
    )
    for number in range(times):
        forged = rng.choice(changes)(rng.choice(events).to_dict() | {"id": str(uuid4())})
        there = VettingCommands(Store.open(folder / f"there{number}.sqlite"), library, Users())
        import_record(there.store, "".join(lines), source_of(there, "eve"))  # of three reviews the earliest count
        import_record(there.store, lines[0] + json.dumps(forged) + "\n", source_of(there, "eve"))
        found = {one.id: one for one in there.log.refresh()}
        taken = found.get(forged["id"])
        right = len(found) >= len(events)
        if taken is not None:  # a person's other verdict on the same star is no breach
            twin = any((one.user, one.star) == (taken.user, taken.star) for one in events)
            right = right and twin and taken.kind == "verdict" and taken.verdict in rules.verdicts
        survived += right
        there.store.close()
    here.store.close()
    return {"fault": "forged events imported", "tried": times, "survived": survived}


def large_record(folder, events, verdicts):
    """Verdicts while a Campaigns page is open: the event loop stops for at most 100 ms."""
    library = open_library(make_products(folder / "large", 6000 if events > 10_000 else 1000))
    store = Store.open(folder / "large.sqlite")
    fill(store, library, events)
    commands = VettingCommands(store, library, Users())
    started = time.monotonic()
    commands.prepare()
    reading = time.monotonic() - started
    found = asyncio.run(judge_with_progress(commands, verdicts))
    store.close()
    answers = sorted(found["answers"])
    return {
        "fault": f"{events:,} events and an open Campaigns page",
        "tried": verdicts,
        "survived": verdicts if found["longest_stop"] <= 0.1 else 0,
        "longest_stop_ms": round(1e3 * found["longest_stop"], 1),
        "answer_ms": [round(1e3 * answers[len(answers) // 2], 1), round(1e3 * answers[-1], 1)],
        "reading_s": round(reading, 1),
    }
