"""Whole chain on test servers: fetch of a simulated survey by the user's command, killed now and then, and both builds.

``--kills N`` sends SIGKILL at random moments and starts the command again; what was requested twice is counted.
``--real`` asks a GAVO DaCHS server for Gaia. 5,200 simulated observations have about 3,000 M stars, which are fetched.
"""

import argparse
import hashlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "archives"))

from archive_tables import DownloadTables
from dachs import TapServer
from http_archive import HttpArchive
from served_survey import differing_columns, serve, write_configurations

from pipeline.config import load_config
from pipeline.mock.archives import write_archives
from pipeline.mock.survey import simulate
from pipeline.products.catalog import Catalog
from pipeline.sources.archives.plan import FetchPlan, State
from pipeline.stages.runner import build

_SPECTRUM = re.compile(r"obsid=(\d+)|/spectrum/fits/(\d+)")


def fetched(command, kills, expected_requests, log, rng):
    """Run a command to its end, after killing it in the middle of its requests; seconds of all runs, and the kills."""
    start, killed = time.perf_counter(), 0
    for _ in range(kills):
        enough = len(log) + rng.randint(1, max(1, 2 * expected_requests // (kills + 1)))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(log) < enough:
            time.sleep(0.002)
        killed += process.poll() is None
        process.kill()
        process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, killed


def damaged(plan_path):
    """Files that are done and have another checksum than recorded, and the numbers of items by state."""
    with FetchPlan(plan_path) as plan:
        entries = plan.entries()
        wrong = [
            entry.item.path
            for entry in entries
            if entry.state is State.DONE
            and hashlib.sha256((plan.folder / entry.item.path).read_bytes()).hexdigest() != entry.sha256
        ]
    return wrong, dict(Counter(f"{entry.item.step} {entry.state}" for entry in entries))


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks archive_chain", description=__doc__)
    parser.add_argument("--stars", type=int, default=5200, help="simulated observations")
    parser.add_argument("--kills", type=int, default=0, help="times that the fetch is killed")
    parser.add_argument("--real", action="store_true", help="GAVO DaCHS for Gaia")
    parser.add_argument("--no-build", action="store_true", help="fetch only")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, HttpArchive() as archive:
        folder = Path(name)
        training = options.stars // 5
        files = write_archives(simulate(options.stars, seed=11, training=training), folder / "download", training)
        server = TapServer(DownloadTables(files).gaia_archive()) if options.real else None
        try:
            serve(archive, files, folder / "served", folder / "own.toml", gaia=server.url if server else "")
            command = [sys.executable, "-m", "pipeline", "fetch", "qiu2023"]
            command += ["--into", str(folder / "qiu2023"), "--profile", str(folder / "own.toml")]
            seconds, killed = fetched(command, options.kills, options.stars // 2, archive.log, random.Random(1))
        finally:
            if server is not None:
                server.stop()
        obsids = Counter(
            match[1] or match[2] for request in list(archive.log) if (match := _SPECTRUM.search(request.target))
        )
        wrong, states = damaged(folder / "qiu2023" / "qiu2023.plan")
        result = {
            "benchmark": "archive_chain",
            "stars": options.stars,
            "killed": killed,
            "tap": "DaCHS" if options.real else "in process",
            "seconds": round(seconds, 1),
            "spectra": len(obsids),
            "requested_twice": sum(count > 1 for count in obsids.values()),
            "requests": len(archive.log),
            "damaged": len(wrong),
            "items": states,
            "peak_mb_of_fetch": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3),
        }
        if not options.no_build:
            os.environ["MGIANT_DATA"] = str(folder)
            tables = {}
            for key, path in write_configurations(files, folder).items():
                build(load_config(str(path)), folder / f"product-{key}", quiet=True)
                tables[key] = Catalog.read(folder / f"product-{key}").table.set_index("obsid")
            result["rows"] = len(tables["fetched"])
            result["same_observations"] = bool(tables["direct"].index.equals(tables["fetched"].index))
            result["differing_columns"] = differing_columns(tables["direct"], tables["fetched"])
        print(json.dumps(result), flush=True)
