"""The vetting record under load: eight writers at once, a hundred SIGKILLs, a second server.

The eight are visitors of one server (threads of one process), then eight servers (processes with a connection each, of
which two have a core at a time here), and never pause. On SQLite, and on PostgreSQL where it is
installed; where it is not, the result says so.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import numpy as np
from postgres import Postgres, find_postgres
from products_factory import make_products

from explorer.model.library import open_library
from explorer.rooms.vetting.room import FOLLOW_MS
from explorer.vetting.commands import VettingCommands
from explorer.vetting.drafts import Draft
from explorer.vetting.events import Authority
from explorer.vetting.people import Person, Role
from explorer.vetting.record import EventLog
from explorer.vetting.rules import VettingRules
from explorer.vetting.store import Store

WRITERS, EACH, KILLS = 8, 500, 100
RULES = VettingRules(reviews=WRITERS, control_fraction=0.0, repeat_fraction=0.0)
FORK = multiprocessing.get_context("fork")


class Everybody:
    """All are adjudicators."""

    def role_of(self, _: str) -> Role:
        return Role.ADJUDICATOR

    def knows(self, _: str) -> bool:
        return True


def main(arguments: list[str]) -> None:
    """Measure each database and print one JSON line; takes no arguments."""
    if arguments:
        sys.exit(f"vetting takes no arguments; found {arguments}.")
    measured = {"benchmark": "vetting", "unit": "ms", "cores": os.cpu_count(), "writers": WRITERS, "verdicts": EACH}
    with tempfile.TemporaryDirectory() as folder:
        library = open_library(make_products(Path(folder) / "invented", EACH, spectra=False))
        measured["sqlite"] = measure(library, lambda name: Path(folder) / f"{name}.sqlite")
        programs = find_postgres()
        if programs is None:
            measured["postgresql"] = "not installed, so not measured"
        else:
            server = Postgres(programs)
            try:
                measured["postgresql"] = measure(library, server.new_database)
            finally:
                server.stop()
    measured["load"] = round(os.getloadavg()[0], 2)
    print(json.dumps(measured))


def measure(library, place) -> dict[str, object]:
    """All three measurements on one kind of database."""
    return {
        "writers": write_at_one_server(library, place("visitors")),
        "servers": write_at_once(library, place("servers")),
        "kills": kill(library, place("kills")),
        "second_server": follow(library, place("follow")),
    }


def open_vetting(where, library) -> VettingCommands:
    return VettingCommands(Store.open(where), library, Everybody())


def start(where, library):
    commands = open_vetting(where, library)
    person = Person("eve", Authority.PASSWORD)
    campaign = commands.create_campaign(person, "all", [int(star) for star in library.table["obsid"]], RULES, seed=1)
    commands.store.close()
    return campaign


def verdicts(commands, person, campaign, count):
    """Judge star after star; yields the id of each acknowledged event and how long the save took."""
    done = 0
    while done < count:
        task = commands.next_task(person, campaign)
        if task is None:  # the rest is claimed by others
            time.sleep(0.005)
            continue
        draft = Draft(str(uuid4()), task.star, random.choice((1, 2, 3, 4)), note="δ" * 40)
        begun = time.perf_counter()
        event = commands.judge(person, campaign, draft)
        yield event.id, 1e3 * (time.perf_counter() - begun)
        done += 1


def write_at_one_server(library, where) -> dict[str, object]:
    campaign = start(where, library)
    commands, barrier = open_vetting(where, library), threading.Barrier(WRITERS)

    def write(number):
        barrier.wait()
        return list(verdicts(commands, Person(f"writer{number}", Authority.PASSWORD), campaign, EACH))

    begun = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        said = [one for some in pool.map(write, range(WRITERS)) for one in some]
    return judged(said, where, time.perf_counter() - begun)


def write_at_once(library, where) -> dict[str, object]:
    campaign = start(where, library)
    results, barrier = FORK.Queue(), FORK.Barrier(WRITERS)

    def write(name):
        commands = open_vetting(where, library)
        barrier.wait()
        results.put(list(verdicts(commands, Person(name, Authority.PASSWORD), campaign, EACH)))

    begun = time.perf_counter()
    processes = [FORK.Process(target=write, args=(f"writer{number}",)) for number in range(WRITERS)]
    for process in processes:
        process.start()
    said = [one for _ in processes for one in results.get()]
    seconds = time.perf_counter() - begun
    for process in processes:
        process.join()
    return judged(said, where, seconds)


def judged(said, where, seconds) -> dict[str, object]:
    """What was acknowledged against what is stored, and how long saves took."""
    stored = [event.id for event in EventLog(Store.open(where)).refresh()]
    times = [took for _, took in said]
    return {
        "acknowledged": len(said),
        "lost": len({one for one, _ in said} - set(stored)),
        "doubled": len(stored) - len({*stored}),
        "unknown": len(set(stored) - {one for one, _ in said}),
        "median": round(float(np.median(times)), 1),
        "p95": round(float(np.quantile(times, 0.95)), 1),
        "worst": round(max(times), 1),
        "seconds": round(seconds, 1),
    }


def kill(library, where) -> dict[str, int]:
    """Kill a writer at a random moment while it saves, open the record again, count what was acknowledged."""
    campaign = start(where, library)
    acknowledged, missing = set(), 0
    for number in range(KILLS):
        reader, writer = os.pipe()
        person = Person(f"user{number}", Authority.PASSWORD)
        child = os.fork()
        if child == 0:
            os.close(reader)
            for event, _ in verdicts(open_vetting(where, library), person, campaign, 10**6):
                os.write(writer, f"{event}\n".encode())
            os._exit(0)
        os.close(writer)
        first = os.read(reader, 37).decode()
        time.sleep(random.uniform(0.0, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reader, "rb") as pipe:
            lines = (first + pipe.read().decode()).split("\n")
        acknowledged |= {line for line in lines if len(line) == 36}
        store = Store.open(where)
        missing += len(acknowledged - {event.id for event in EventLog(store).refresh()})
        store.close()
    return {"kills": KILLS, "acknowledged": len(acknowledged), "missing": missing}


def follow(library, where) -> dict[str, object]:
    """How long until another server, which looks as often as a page does, knows of a verdict."""
    campaign = start(where, library)
    seen, told, ready, count = FORK.Queue(), {}, FORK.Event(), 20

    def watch():
        log = EventLog(Store.open(where))
        known: set[str] = set()
        while len(known) < count:
            fresh = {event.id for event in log.refresh()} - known
            known |= fresh
            for event in fresh:
                seen.put((event, time.monotonic()))
            ready.set()
            time.sleep(FOLLOW_MS / 1e3)

    watcher = FORK.Process(target=watch)
    watcher.start()
    ready.wait()
    for event, _ in verdicts(open_vetting(where, library), Person("ann", Authority.PASSWORD), campaign, count):
        told[event] = time.monotonic()
        time.sleep(random.uniform(0.1, 0.6))
    delays = [when - told[event] for event, when in (seen.get() for _ in range(count))]
    watcher.join()
    return {"verdicts": count, "median_s": round(float(np.median(delays)), 2), "worst_s": round(max(delays), 2)}
