"""Build of the products in a child process, so that the page opens at once and shows the progress.

The explorer never imports the pipeline's stages: it starts a command that writes JSON lines of progress into a file,
and reads that file. One build a directory, however many visitors and servers: a lock beside the progress file belongs
to the server that builds, and to its command. Other servers follow the progress, and take over when the builder ends. A
command ends with its server.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from explorer.model.build_lock import BuildLock
from pipeline.failures import failure_sentence
from pipeline.products.manifest import MANIFEST_NAME
from pipeline.stopping import END_WITH_INPUT

_POLL_SECONDS = 0.5
_LAST_BYTES = 8192
_STOP_SECONDS = 10.0
"""Grace period in seconds before a stopped command is killed."""

_ERROR_PREFIX = "error: "
"""Prefix of the last line of a failed pipeline command."""


class BusyError(RuntimeError):
    """Another process writes to the same output."""


class BuildStatus(StrEnum):
    """Status of a build."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class BuildProgress:
    """Progress of a build.

    Parameters
    ----------
    status : BuildStatus
        Status of the build.
    stage : str
        Name of the stage at work.
    index, count : int
        Which stage of how many, from 0.
    fraction : float
        Done share of the whole build, 0 to 1.
    seconds_left : float or None
        Estimate of the builder; None while there is none.
    message : str
        Message of the stage, or the reason of a failure.
    phase : str
        Which of several builds the fraction is of; "" where there is one.
    """

    status: BuildStatus
    stage: str = ""
    index: int = 0
    count: int = 0
    fraction: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    phase: str = ""


def build_command(configuration: str, output: Path, progress_file: Path) -> tuple[str, ...]:
    """Command that builds a configuration, shipped by name or a TOML path, into ``output``."""
    return (
        sys.executable,
        "-m",
        "pipeline",
        END_WITH_INPUT,
        "build",
        configuration,
        "--output",
        str(output),
        "--progress-file",
        str(progress_file),
    )


class BuildRunner:
    """Runs one build command at a time, and reports the same progress to all visitors.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    output : Path
        Directory that the command fills.
    progress_file : Path
        File of the command's JSON lines.
    complete : callable, optional
        Whether everything that the command makes is there; by default, whether ``output`` holds a manifest.
    before, after : callable, optional
        Called under the lock: before the command starts, and when it ended well.
    """

    def __init__(
        self,
        command: Sequence[str],
        output: Path,
        progress_file: Path,
        *,
        complete: Callable[[], bool] | None = None,
        before: Callable[[], None] = lambda: None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.command = tuple(command)
        self.output = output
        self.progress_file = progress_file
        self.lock = BuildLock(progress_file.with_suffix(".lock"))
        self._complete = complete or (output / MANIFEST_NAME).is_file
        self._before, self._after = before, after
        self._failure = ""
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)

    @property
    def ready(self) -> bool:
        """Whether the output is complete and no process writes to it."""
        return self._complete() and not self.lock.held()

    def start(self) -> None:
        """Start the build unless it is complete or running, here or in another process."""
        with self._guard:
            if not self.ready and not self._running:
                self._launch()

    def restart(self, change: Callable[[], None]) -> None:
        """Stop the command, change its input, and start it again.

        Parameters
        ----------
        change : callable
            Called under the lock while no command runs; what it raises is raised here, and the command starts again.

        Raises
        ------
        BusyError
            If another process is at work on the output.
        """
        with self._guard:
            self._stopping = True
            try:
                self._end()
                self._change(change)
            finally:
                self._stopping = False
                if not self.ready:
                    self._launch()

    def _change(self, change: Callable[[], None]) -> None:
        while not self.lock.take():
            if self.lock.held():
                raise BusyError(
                    f"Another process is at work on {self.output} (its number is in {self.lock.path}). "
                    "Wait until it is done, or end it."
                )
        try:
            change()
        finally:
            self.lock.release()

    @property
    def _running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _launch(self) -> None:
        self._failure = ""
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
            self.progress_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._failure = _not_started(error)
            return
        self._thread = threading.Thread(target=self._run, name="build", daemon=True)
        self._thread.start()

    def progress(self) -> BuildProgress:
        """Current progress of the build."""
        if self._failure:
            return BuildProgress(BuildStatus.FAILED, message=self._failure)
        running = self._running
        if not running and self.ready:
            return BuildProgress(BuildStatus.DONE, fraction=1.0)
        status = BuildStatus.RUNNING if running else BuildStatus.WAITING
        return read_progress(self.progress_file, status)

    def wait(self, seconds: float) -> BuildProgress:
        """Wait for the end of the build, at most for a given time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self.progress()

    def stop(self) -> None:
        """Stop the build if this process started it; called when the server ends."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the process group of the command."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _end(self) -> None:
        """Stop the command and the thread that waits for it."""
        if self._thread is None:
            return
        end = time.monotonic() + _STOP_SECONDS
        while self._thread.is_alive():
            self._signal(signal.SIGTERM if time.monotonic() < end else signal.SIGKILL)
            self._thread.join(_POLL_SECONDS)

    def _run(self) -> None:
        try:
            while not self.lock.take():
                if self._stopping:
                    return
                time.sleep(_POLL_SECONDS)
                if self.ready:
                    return
            if not self._stopping and not self._complete():  # else another process built it meanwhile
                self._before()
                self._failure = self._finish(self._spawn())
        except OSError as error:
            self._failure = _not_started(error)
        except (ValueError, BusyError) as error:  # what it starts from cannot be used, or is being written
            self._failure = str(error)
        finally:
            self.lock.release()

    @property
    def _log(self) -> Path:
        return self.progress_file.with_suffix(".log")

    def _spawn(self) -> int:
        """Run the command and return its exit code."""
        self.progress_file.unlink(missing_ok=True)
        with self._log.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours, never a visitor's
                self.command,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                stdin=subprocess.PIPE,  # closes when this process ends, however it ends: the command then ends too
                pass_fds=(self.lock.handle,),
                start_new_session=True,
            )
        with self._process as process:
            self.lock.note(os.getpid(), process.pid)
            return process.wait()

    def _finish(self, code: int) -> str:
        """Why a command failed; "" if it succeeded or was stopped."""
        if code == 0:
            self._after()
        if self._stopping:
            return ""
        if code != 0:
            return _last_line(self._log) or f"The build ended with exit code {code} and no reason."
        if not self._complete():
            return f"The build ended without writing {MANIFEST_NAME} into {self.output}."
        return ""


def read_progress(path: Path, status: BuildStatus) -> BuildProgress:
    """Read the last complete line of a progress file; missing values have their defaults."""
    try:
        with path.open("rb") as handle:
            handle.seek(0, os.SEEK_END)
            handle.seek(max(handle.tell() - _LAST_BYTES, 0))
            lines = handle.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return BuildProgress(status)
    for line in reversed(lines):
        try:
            document = json.loads(line)
        except json.JSONDecodeError:  # a line that is still being written
            continue
        if not isinstance(document, dict):
            continue
        left = document.get("seconds_left")
        return BuildProgress(
            status,
            stage=str(document.get("stage", "")),
            index=int(document.get("index", 0)),
            count=int(document.get("count", 0)),
            fraction=min(max(float(document.get("fraction", 0.0)), 0.0), 1.0),
            seconds_left=None if left is None else float(left),
            message=str(document.get("message", "")),
            phase=str(document.get("phase", "")),
        )
    return BuildProgress(status)


@lru_cache(maxsize=4)
def default_build(configuration: str, output: Path) -> BuildRunner:
    """The shared runner of this process for a shipped configuration."""
    progress_file = output.parent / f"{output.name}.progress.jsonl"
    return BuildRunner(build_command(configuration, output, progress_file), output, progress_file)


def _not_started(error: OSError) -> str:
    return f"The build could not be started: {failure_sentence(error)}"


def _last_line(path: Path) -> str:
    text = path.read_bytes()[-_LAST_BYTES:].decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix(_ERROR_PREFIX) if lines else ""
