"""Ctrl-C, SIGTERM and SIGHUP end the program within two seconds, with one sentence."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from galpy.orbit import Orbit
from galpy.potential import MWPotential2014

from pipeline.domain.frames import FRAMES
from pipeline.science.space.actions import compute_orbits
from pipeline.science.space.galpy_calls import galpy_calls, installed_handler
from pipeline.stopping import END_WITH_INPUT, SENTENCE, SIGNALS

ROOT = Path(__file__).parents[2]
READY = "import sys; print('ready', flush=True); "
PROGRAMS = {
    "python code": READY + "\nwhile True: pass",
    "a lock": READY + "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "sleep": READY + "import time; time.sleep(60)",
    "c code": READY + "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)",
    "another handler": (
        "import ctypes, signal; ctypes.pythonapi.PyOS_setsig(signal.SIGINT, ctypes.c_void_p(1)); "
        + READY
        + "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
    ),
    "swallowed": READY
    + """
import time
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass""",
    "worker processes": """
from pipeline.stopping import worker_processes
import time
with worker_processes(2) as pool:
    waiting = [pool.submit(time.sleep, 60) for _ in range(2)]
    pool.submit(abs, 1)
    time.sleep(0.7)
    print(*pool._processes, flush=True)
    waiting[0].result()""",
}
AS_COMMAND = """
import sys
import pipeline.__main__ as command
program = sys.argv.pop(1)
command.main = lambda _: exec(program, {})
command.run_until_stopped()
"""


def reset_signals():
    """Signals that this process ignores must not be ignored by the programs under test."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_DFL)


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=reset_signals,  # noqa: PLW1509 - no other thread of the tests holds a lock that it needs
        **options,
    )


def wait_until_received(process):
    """Wait until the process blocks SIGINT, to receive it by itself."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        if int(status.partition("SigBlk:")[2].split()[0], 16) & (1 << (signal.SIGINT - 1)):
            return
        time.sleep(0.005)


def running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("what", "number"), [*((one, signal.SIGINT) for one in PROGRAMS), ("a lock", signal.SIGTERM)])
def test_a_signal_ends_the_program(what, number):
    process = start("-c", AS_COMMAND, PROGRAMS[what])
    line = process.stdout.readline()
    started = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - started < 3.0, "2 s, on a machine with other work"
    assert process.returncode == 128 + number
    assert errors == f"{SENTENCE}\n"
    if what == "worker processes":
        workers = [int(word) for word in line.split()]
        assert len(workers) == 2
        time.sleep(0.1)
        assert not any(running(worker) for worker in workers)


def test_a_second_signal_ends_it_at_once():
    process = start("-c", AS_COMMAND, PROGRAMS["swallowed"])
    process.stdout.readline()
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - started < 1.3
    assert (process.returncode, errors) == (130, f"{SENTENCE}\n")


def test_a_signal_that_is_ignored_at_the_start_stays_ignored():
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + AS_COMMAND
    process = start("-c", ignoring, READY + "import time; time.sleep(1)")
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize("moment", [0.0, 0.5])
def test_a_signal_during_imports_is_no_traceback(moment):
    process = start("-m", "pipeline", "stages")
    wait_until_received(process)
    time.sleep(moment)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (143, f"{SENTENCE}\n")


def test_the_command_line_is_light_until_signals_are_received():
    heavy = {"numpy", "pandas", "galpy", "multiprocessing", "pipeline.commands"}
    code = f"import sys, pipeline.__main__; print(sorted({heavy!r} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "[]\n"


def test_workers_end_when_their_parent_is_killed():
    process = start("-c", AS_COMMAND, PROGRAMS["worker processes"])
    workers = [int(word) for word in process.stdout.readline().split()]
    process.kill()
    process.communicate()
    end = time.monotonic() + 5
    while any(running(worker) for worker in workers) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(running(worker) for worker in workers)


def test_a_command_ends_with_the_program_that_started_it():
    process = start("-m", "pipeline", END_WITH_INPUT, "stages", stdin=subprocess.PIPE)
    time.sleep(0.3)
    _, errors = process.communicate(timeout=20)  # closes its input
    assert (process.returncode, errors) == (143, f"{SENTENCE}\n")


def test_every_pool_of_processes_is_ours():
    """Other pools leave processes behind, and unblock the signals."""
    kinds = ("ProcessPoolExecutor(", "multiprocessing.Pool", "multiprocessing.Process", "get_context(")
    texts = {path.name: path.read_text("utf-8") for path in (ROOT / "pipeline").rglob("*.py")}
    assert [name for name, text in texts.items() if any(kind in text for kind in kinds)] == ["stopping.py"]


def test_galpy_leaves_the_handler_of_ctrl_c_as_it_was():
    before = installed_handler()
    times = np.linspace(0, 1, 11)
    with galpy_calls():
        Orbit([1.0, 0.1, 1.1, 0.0, 0.1, 0.0]).integrate(times, MWPotential2014, method="dop853_c")
    assert installed_handler() == before
    compute_orbits(
        np.array([[-8.0, 0.0, 0.1]]), np.array([[1.0, 220.0, 1.0]]), next(iter(FRAMES.values())), "MWPotential2014"
    )
    assert installed_handler() == before
    try:
        Orbit([1.0, 0.1, 1.1, 0.0, 0.1, 0.0]).integrate(times, MWPotential2014, method="dop853_c")
        assert installed_handler() != before, "galpy mends this itself now: galpy_calls is no longer needed"
    finally:
        ctypes.pythonapi.PyOS_setsig(signal.SIGINT, ctypes.c_void_p(before))


def test_galpy_is_called_in_its_block_only():
    """Each module that imports galpy's C users also imports the block."""
    for path in (ROOT / "pipeline").rglob("*.py"):
        text = path.read_text("utf-8")
        if "from galpy.orbit" in text or "from galpy.actionAngle" in text or "from galpy.df" in text:
            assert "with galpy_calls()" in text, path
