"""The build behind the progress page: progress, single process, failures."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer.config import AppConfig
from explorer.model.build_lock import BuildLock
from explorer.model.building import BuildRunner, BuildStatus, build_command, read_progress
from explorer.rooms.progress import ProgressView, progress_html, time_words
from pipeline.stopping import END_WITH_INPUT

SLOW = """
import json, pathlib, sys, time
out, progress, starts = map(pathlib.Path, sys.argv[1:4])
with starts.open("a") as log:
    log.write("started\\n")
out.mkdir(parents=True, exist_ok=True)
with progress.open("w") as lines:
    for k in range(3):
        print(json.dumps({"stage": f"stage {k}", "index": k, "count": 3, "fraction": k / 3,
                          "seconds_left": 3 - k, "message": "at work"}), file=lines, flush=True)
        time.sleep(0.3)
    print('{"stage": "cut', file=lines, flush=True)
(out / "manifest.json").write_text("{}")
"""
FAILING = (
    "import sys; print('first line', file=sys.stderr); print('The dust map is missing.', file=sys.stderr); sys.exit(3)"
)


def runner_of(tmp_path, program):
    output, progress = tmp_path / "out", tmp_path / "out.jsonl"
    command = (sys.executable, "-c", program, str(output), str(progress), str(tmp_path / "starts"))
    return BuildRunner(command, output, progress)


def test_a_slow_build_is_followed_and_runs_once(tmp_path):
    one, two = runner_of(tmp_path, SLOW), runner_of(tmp_path, SLOW)
    assert one.progress().status is BuildStatus.WAITING
    for runner in (one, one, two):
        runner.start()
    seen = set()
    while one.progress().status in (BuildStatus.WAITING, BuildStatus.RUNNING):
        seen.add(one.progress().stage)
        threading.Event().wait(0.05)
    assert one.progress() == two.wait(10)
    assert one.progress().status is BuildStatus.DONE
    assert {"stage 1", "stage 2"} <= seen
    assert (tmp_path / "starts").read_text() == "started\n"
    assert not one.lock.held()


def test_a_failure_gives_its_reason_and_can_be_tried_again(tmp_path):
    runner = runner_of(tmp_path, FAILING)
    runner.start()
    assert runner.wait(20).status is BuildStatus.FAILED
    assert runner.progress().message == "The dust map is missing."
    runner.command = runner_of(tmp_path, SLOW).command
    runner.start()
    assert runner.wait(20).status is BuildStatus.DONE


def test_a_command_that_is_not_there_and_one_that_writes_nothing(tmp_path):
    missing = BuildRunner((str(tmp_path / "nowhere"),), tmp_path / "out", tmp_path / "a.jsonl")
    missing.start()
    assert "could not be started" in missing.wait(20).message
    silent = BuildRunner((sys.executable, "-c", "pass"), tmp_path / "out", tmp_path / "b.jsonl")
    silent.start()
    assert "without writing manifest.json" in silent.wait(20).message


def test_the_number_of_a_living_process_in_the_lock_does_not_block(tmp_path):
    runner = runner_of(tmp_path, SLOW)
    runner.lock.path.write_text(f"{os.getpid()} 1")
    runner.start()
    assert runner.wait(20).status is BuildStatus.DONE
    runner.lock.path.write_text(f"{os.getpid()} 1")
    assert runner.progress().status is BuildStatus.DONE


def test_a_lock_is_held_by_the_child_that_inherited_it(tmp_path):
    one, two = BuildLock(tmp_path / "a.lock"), BuildLock(tmp_path / "a.lock")
    assert one.take()
    assert not two.take()
    assert one.held()
    assert two.held()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(one.handle,))
    one.release()
    assert not two.take()
    child.communicate(b"\n")
    assert two.take()
    two.release()
    with pytest.raises(ValueError, match="not locked"):
        _ = two.handle


SERVER = """
import sys, pathlib
from explorer.model.building import BuildRunner
output, progress, *command = sys.argv[1:]
runner = BuildRunner(command, pathlib.Path(output), pathlib.Path(progress))
runner.start()
runner.wait(60)
"""
UNTIL_ALLOWED = """
import json, os, pathlib, sys, time
from pipeline.stopping import Stopper
out, progress, starts = map(pathlib.Path, sys.argv[1:4])
stopper = Stopper()
stopper.start()
stopper.end_with_standard_input()
with starts.open("a") as log:
    log.write(f"{os.getpid()}\\n")
progress.write_text(json.dumps({"stage": "waiting", "fraction": 0.5}) + "\\n")
while not starts.with_name("go").exists():
    time.sleep(0.02)
out.mkdir()
(out / "manifest.json").write_text("{}")
"""


def test_a_server_follows_another_ones_build_and_takes_over_when_it_is_killed(tmp_path):
    runner = runner_of(tmp_path, UNTIL_ALLOWED)
    paths = (str(runner.output), str(runner.progress_file))
    server = subprocess.Popen([sys.executable, "-c", SERVER, *paths, *runner.command])
    starts = tmp_path / "starts"
    assert until(lambda: starts.exists() and starts.read_text())
    builder = int(starts.read_text())
    runner.start()
    assert until(lambda: runner.progress().stage == "waiting")
    assert runner.progress().status is BuildStatus.RUNNING
    assert runner._process is None, "it follows"
    server.kill()
    server.wait()
    assert until(lambda: len(starts.read_text().split()) == 2), "it takes over"
    assert ended(builder), "the other one's command has ended with its server"
    (tmp_path / "go").touch()
    assert runner.wait(20).status is BuildStatus.DONE


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for output, progress in (("file/out", "p.jsonl"), ("out", "file/p.jsonl")):
        runner = BuildRunner((sys.executable, "-c", "pass"), tmp_path / output, tmp_path / progress)
        runner.start()
        found = runner.wait(20)
        assert found.status is BuildStatus.FAILED
        assert f"{tmp_path}/file: a file of this name exists already." in found.message


def ended(process):
    """Whether a process has ended, perhaps without having been waited for."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def until(condition, seconds=20):
    """Wait until a condition holds; whether it did."""
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return met


def test_the_page_shows_stage_bar_and_time(tmp_path):
    progress = tmp_path / "p.jsonl"
    progress.write_text('{"stage": "labels", "index": 3, "count": 9, "fraction": 0.4, "seconds_left": 70}\n{"sta')
    shown = progress_html(read_progress(progress, BuildStatus.RUNNING))
    for words in ("Stage 4 of 9: labels", "width:40.0%", "about 70 s left"):
        assert words in shown
    assert "Starting" in progress_html(read_progress(tmp_path / "none", BuildStatus.WAITING))
    assert time_words(600) == "10 min"


def test_progress_view_shows_failure_and_offers_another_try(tmp_path):
    runner = runner_of(tmp_path, FAILING)
    view = ProgressView(runner)
    runner.wait(20)
    view.refresh()
    assert "The dust map is missing." in view.pane.object
    assert view.retry.visible


def test_configuration_from_arguments(tmp_path):
    named = AppConfig.from_arguments([str(tmp_path), "--port", "0", "--no-browser"])
    assert (named.directory, named.build, named.port, named.open_browser) == (tmp_path.resolve(), "", 0, False)
    default = AppConfig.from_arguments([], {"MGIANT_HOME": str(tmp_path)})
    assert (default.directory, default.build) == (tmp_path.resolve() / "demo", "demo")
    assert build_command("demo", tmp_path, tmp_path)[1:6] == ("-m", "pipeline", END_WITH_INPUT, "build", "demo")
