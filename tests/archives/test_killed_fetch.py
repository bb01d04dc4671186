"""A fetch that is killed or interrupted at any moment: nothing is lost, damaged or fetched twice."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from fetches import DONE, entries, fetch, write_ids, write_profile
from http_archive import Fault
from lamost_archive import spectra_by_obsid

from pipeline.stopping import SENTENCE, SIGNALS

ROOT = Path(__file__).parents[2]
KILLS = 20
CONNECTIONS = 3
FORKS = """
import os, sys
from pipeline.commands.fetching import run_fetch
from pipeline.sources.archives.declared import FETCHES
from pipeline.sources.archives.steps import FetchOptions
from pathlib import Path
ids, profile, plan = sys.argv[1:]
print("ready", flush=True)
for _ in sys.stdin:
    pid = os.fork()
    if not pid:
        os._exit(run_fetch(FETCHES["spectra"], FetchOptions(ids=ids, profiles=(profile,)), Path(plan)))
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
"""A process that starts the fetch in a child, without imports, for each line that it reads."""


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS],  # noqa: PLW1509
        **options,
    )


def answer(process):
    """The next number that the process writes; other lines are those of the fetch."""
    while True:
        line = process.stdout.readline().strip()
        assert line, "the process ended"
        if line.isdecimal():
            return int(line)


def test_twenty_kills_lose_nothing_and_fetch_nothing_twice(lamost, download, tmp_path):
    obsids = pd.read_parquet(download.truth)["obsid"].tolist()
    known = spectra_by_obsid(download.directory)
    profile = write_profile(tmp_path / "profile.toml", lamost.url, connections=CONNECTIONS)
    ids, plan = write_ids(tmp_path / "ids.csv", obsids), tmp_path / "out" / "spectra.plan"
    choice = random.Random(4)
    kills, again = 0, []
    with start("-c", FORKS, ids, profile, plan, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "ready\n"
        while True:
            process.stdin.write("\n")
            process.stdin.flush()
            child, first = answer(process), len(lamost.log)
            if kills < KILLS:
                wanted = first + choice.randint(1, 20)
                deadline = time.monotonic() + 60
                while len(lamost.log) < wanted and time.monotonic() < deadline:
                    time.sleep(0.001)
                time.sleep(choice.uniform(0.0, 0.02))
                os.kill(child, signal.SIGKILL)
                kills += 1
            status = answer(process)
            after = entries(plan)
            assert not again or not again & {request.query["obsid"] for request in lamost.log[first:]}, (
                "a spectrum that was there was requested again"
            )
            again = {name for name, entry in after.items() if entry.state is DONE}
            if os.waitstatus_to_exitcode(status) == 0:
                break
        process.stdin.close()
    assert kills == KILLS
    assert len(after) == len(obsids) == 300
    assert {entry.state for entry in after.values()} == {DONE}
    assert len(lamost.log) <= len(obsids) + KILLS * CONNECTIONS
    for obsid in obsids:
        entry = after[str(obsid)]
        content = (plan.parent / entry.item.path).read_bytes()
        assert content == known[obsid].read_bytes()
        assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert sum(path.is_file() for path in (plan.parent / "spectra").rglob("*")) == len(obsids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fetch_ends_at_once_and_continues(lamost, download, tmp_path, number):
    obsids = pd.read_parquet(download.truth)["obsid"].tolist()[:6]
    profile = write_profile(tmp_path / "profile.toml", lamost.url, max_wait_s=600.0)
    ids, out = write_ids(tmp_path / "ids.csv", obsids), tmp_path / "out"
    lamost.faults.append(Fault("unavailable", where=str(obsids[3]), times=None, seconds=300))
    arguments = ("-m", "pipeline", "fetch", "spectra", "--ids", ids, "--into", out, "--profile", profile)
    with start(*arguments, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while len(lamost.log) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        sent = time.monotonic()
        process.send_signal(number)
        _, error = process.communicate()
        assert time.monotonic() - sent < 4.0
    assert process.returncode == 128 + number
    assert error.strip().splitlines()[-1] == SENTENCE
    lamost.faults.clear()
    assert fetch("--plan", out / "spectra.plan") == 0
    assert {entry.state for entry in entries(out / "spectra.plan").values()} == {DONE}
    assert len(lamost.log) <= len(obsids) + 1 + CONNECTIONS


def test_a_second_process_is_refused(lamost, download, tmp_path, capsys):
    obsids = pd.read_parquet(download.truth)["obsid"].tolist()[:2]
    profile = write_profile(tmp_path / "profile.toml", lamost.url, timeout_s=30.0)
    ids, out = write_ids(tmp_path / "ids.csv", obsids), tmp_path / "out"
    lamost.faults.append(Fault("slow", where=str(obsids[0]), seconds=8))
    arguments = ("spectra", "--ids", ids, "--into", out, "--profile", profile)
    with start("-m", "pipeline", "fetch", *arguments, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not lamost.log and time.monotonic() < deadline:
            time.sleep(0.01)
        assert fetch(*arguments) == 2
        assert "is used by another fetch" in capsys.readouterr().err
        assert process.wait(60) == 0
        process.stdout.read()
