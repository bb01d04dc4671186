"""Ctrl-C, SIGTERM and SIGHUP in the middle of every stage, during imports, and beside worker processes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.products.manifest import Manifest
from pipeline.stopping import SENTENCE

ROOT = Path(__file__).parents[2]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LIMIT_SECONDS = 2.0
CONFIGURATION = """
name = "small"
[input]
kind = "mock"
n_stars = 100
n_training = 60
[labels]
min_snr = 20
folds = 3
out_of_fold_models = 3
c_grid = [1.0]
gamma_grid = [0.1]
[distance]
draws = 20
[kinematics]
draws = 5
stream_particles = 300
"""


def environment():
    """Environment of a command of this checkout."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def start(*command):
    """Start a Python program that has the default answers to signals, whatever this process ignores."""

    def reset():
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=reset,  # noqa: PLW1509 - this process has no other threads
        start_new_session=True,
    )


def wait_until_received(process):
    """Wait until the process receives signals by itself: Python takes about 0.1 s to come to the program's code."""
    bit = 1 << (signal.SIGINT - 1)
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        if int(status.partition("SigBlk:")[2].split()[0], 16) & bit:
            return
        time.sleep(0.005)


def descendants(group):
    """Processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        if int(fields[3]) == group and fields[0] != "Z":
            found.append(int(path.name))
    return found


def wait_for(path, process, seconds=300):
    """Wait until a file is written, or the process has ended."""
    end = time.monotonic() + seconds
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)


def ended_well(process, number, sent, limit=LIMIT_SECONDS):
    """Seconds until the process ended, and what was wrong with its end ("" when nothing)."""
    try:
        _, errors = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return 30.0, "did not end"
    seconds = time.time() - sent()
    trouble = []
    if process.returncode != 128 + number:
        trouble.append(f"status {process.returncode}")
    if not errors.endswith(f"{SENTENCE}\n") or "Traceback" in errors:  # after a progress bar, which ends in no newline
        trouble.append(f"said {errors.strip()[-300:]!r}")
    if not seconds <= limit:
        trouble.append(f"took {seconds:.1f} s")
    end = time.monotonic() + 1.0
    while descendants(process.pid) and time.monotonic() < end:
        time.sleep(0.05)
    if descendants(process.pid):
        trouble.append("left processes")
        os.killpg(process.pid, signal.SIGKILL)
    return seconds, "; ".join(trouble)


def sent_at(note):
    """Time at which the signal was sent, as the note says; not a number when it was not."""
    return float(note.read_text()) if note.exists() else float("nan")


def same_products(one, other):
    """Whether two products have the same catalogue and the same arrays."""
    if not pd.read_parquet(one / "catalog.parquet").equals(pd.read_parquet(other / "catalog.parquet")):
        return False
    names = {path.relative_to(one) for path in one.rglob("*.npy")}
    if names != {path.relative_to(other) for path in other.rglob("*.npy")}:
        return False
    return all(np.array_equal(np.load(one / name), np.load(other / name), equal_nan=True) for name in names)


def build(configuration, output):
    """Build without any disturbance."""
    command = [sys.executable, "-m", "pipeline", "build", str(configuration), "--output", str(output), "--quiet"]
    subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL)


def in_stages(folder, stages, signals):
    """One build stopped by each signal in the middle of each stage, then finished; a dictionary a signal."""
    configuration = folder / "small.toml"
    configuration.write_text(CONFIGURATION)
    build(configuration, folder / "whole")
    durations = {one["name"]: one["seconds"] for one in Manifest.read(folder / "whole").stages}
    note, output = folder / "sent", folder / "stopped"
    program = Path(__file__).with_name("_stage_signals.py")
    times = {number: {} for number in signals}
    troubles = {number: [] for number in signals}
    for stage in stages or durations:
        for number in signals:
            note.unlink(missing_ok=True)
            delay = durations[stage] / 2 if durations[stage] > 0.1 else 0
            command = ["build", configuration, "--output", output, "--quiet"]
            process = start(program, stage, int(number), delay, note, *command)
            wait_for(note, process)  # the build comes to the stage in a time of its own
            seconds, trouble = ended_well(process, number, lambda: sent_at(note))
            if not note.exists() and process.returncode == 0:  # the stage was skipped: no signal was sent
                continue
            times[number][stage] = round(seconds, 2)
            if trouble:
                troubles[number].append(f"{stage}: {trouble}")
    build(configuration, output)
    same = same_products(folder / "whole", output)
    for number in signals:
        slowest = max(times[number], key=times[number].get)
        yield {
            "fault": f"{number.name} in the middle of each stage",
            "tried": len(times[number]),
            "survived": len(times[number]) - len(troubles[number]) if same else 0,
            "slowest_seconds": times[number][slowest],
            "slowest_stage": slowest,
            "seconds_by_stage": times[number],
            "same_product_at_the_end": same,
            "troubles": troubles[number],
        }


def at_moments(fault, command, moments, signals=SIGNALS, twice=False):
    """A command, made of the number of the try, stopped at moments after it began to receive signals, seconds."""
    times, troubles = [], []
    for moment in moments:
        for number in signals:
            process = start(*command(len(times)))
            wait_until_received(process)
            time.sleep(moment)
            sent = time.time()
            os.kill(process.pid, number)
            if twice:
                time.sleep(0.3)
                if process.poll() is None:
                    os.kill(process.pid, number)
            seconds, trouble = ended_well(process, number, lambda: sent)  # noqa: B023 - called at once
            times.append(round(seconds, 2))
            if trouble:
                troubles.append(f"{number.name} after {moment} s: {trouble}")
    return {
        "fault": fault,
        "tried": len(times),
        "survived": len(times) - len(troubles),
        "slowest_seconds": max(times),
        "troubles": troubles,
    }


def main(quick):
    """Signals in every stage, during imports, beside worker processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from in_stages(folder, ("rv", "labels", "stream") if quick else None, SIGNALS[:1] if quick else SIGNALS)
        moments = (0.0, 0.6) if quick else (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.3)
        yield at_moments("signals during imports", lambda _: ("-m", "pipeline", "stages"), moments)

        def million(number):
            return ("-m", "pipeline", "mock", folder / f"million {number}", "--size", "million")

        yield at_moments("signals beside worker processes", million, (8.0,) if quick else (6.0, 12.0))
