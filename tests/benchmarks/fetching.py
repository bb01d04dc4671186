"""``python -m tests.benchmarks fetching DIR``: spectra a second and memory of a fetch that is killed in the middle.

The archive is a server in this process on the loopback interface, without spacing of requests; spectra are copies of
a few simulated ones, each with an OBSID of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "archives"))

from fetches import DONE, entries, write_ids, write_profile
from http_archive import HttpArchive
from lamost_archive import Copies

from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.survey import simulate

FIRST = 1_000_000_000


def main(arguments: list[str]) -> None:
    """Fetch many spectra with kills, and compare every file."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks fetching", description=__doc__)
    parser.add_argument("directory", type=Path, help="folder for the files, which must not exist")
    parser.add_argument("--spectra", type=int, default=43_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    options.directory.mkdir(parents=True)
    originals = options.directory / "originals"
    originals.mkdir()
    write_lamost_fits(simulate(20, seed=options.seed, training=0), originals, "dr9")
    copies = Copies(sorted(originals.rglob("*.fits*")), FIRST, options.spectra)
    with HttpArchive() as archive:
        archive.add_lamost(originals, spectra=copies)
        print(json.dumps(measure(options, archive, copies)), flush=True)


def measure(options: argparse.Namespace, archive: HttpArchive, copies: Copies) -> dict[str, object]:
    """Run the command until it is done, killing it at random moments."""
    profile = write_profile(options.directory / "profile.toml", archive.url, timeout_s=60.0)
    ids, out = write_ids(options.directory / "ids.csv", copies), options.directory / "out"
    command = [sys.executable, "-m", "pipeline", "fetch", "spectra", "--ids", ids, "--into", out, "--profile", profile]
    choice, there, repeated, busy_s = random.Random(options.seed), set[str](), 0, 0.0
    for run in range(options.kills + 1):
        first = len(archive.log)
        with subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL) as process:
            if run < options.kills:
                share = options.spectra // (options.kills + 1)
                _wait(archive, first + choice.randint(share // 2, share))
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
        requests = list(archive.log)[first:]
        busy_s += requests[-1].ended - requests[0].started
        repeated += sum(request.query["obsid"] in there for request in requests)
        plan = entries(out / "spectra.plan")
        there = {name for name, entry in plan.items() if entry.state is DONE}
    damaged = sum(not _is_right(out, entry, copies) for entry in plan.values())
    return {
        "spectra": len(plan),
        "done": len(there),
        "kills": options.kills,
        "requests": len(archive.log),
        "requests_of_recorded": repeated,
        "wrong_files": damaged,
        "files": sum(path.is_file() for path in (out / "spectra").rglob("*")),
        "spectra_a_second": round(len(there) / busy_s, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "load": round(os.getloadavg()[0], 1),
    }


def _wait(archive: HttpArchive, requests: int) -> None:
    while len(archive.log) < requests:
        time.sleep(0.005)


def _is_right(out: Path, entry: object, copies: Copies) -> bool:
    content = (out / entry.item.path).read_bytes()
    return entry.sha256 == hashlib.sha256(content).hexdigest() and content == copies[int(entry.item.name)]
