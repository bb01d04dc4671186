"""Helper processes for work that would hold Python's lock: text tables and drawings for journals.

A helper starts when it is first needed, runs at a lower priority, does one piece of work at a time, and ends when it
has been idle for a minute, which gives its memory back. When the page that asked has gone, its helper is ended.
Requests and answers are pickles of this program to itself, over pipes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, TypeVar

from explorer.model.selection import SelectionError
from explorer.model.work import StoppedError, check_stopped, current_job

Result = TypeVar("Result")

IDLE_S = 60.0
"""Idle time in seconds after which a helper ends."""

_LOG = logging.getLogger(__name__)
_NICENESS = 10
_LENGTH = struct.Struct("<Q")


class Helper:
    """One helper process."""

    def __init__(self) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # so that an interrupted server ends it in its own way
        )

    def ask(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function of a module in the helper, and return its result or raise its error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        _send(self._process.stdin, (function, arguments))
        answer = _receive(self._process.stdout)
        if answer is None:
            raise EOFError
        done, value = answer
        if not done:
            raise value
        result: Result = value
        return result

    @property
    def alive(self) -> bool:
        """Whether the helper can accept work."""
        return self._process.poll() is None

    def end(self) -> None:
        """Stop the helper."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Helpers:
    """Pool of idle helpers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[Helper, threading.Timer]] = []

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in a helper.

        Raises
        ------
        StoppedError
            If the page that asked for it has gone.
        SelectionError
            If the helper ended before its answer.
        """
        check_stopped()
        helper, job = self._take(), current_job()
        if job is not None:
            job.on_stop.append(helper.end)
        try:
            return helper.ask(function, *arguments)
        except (EOFError, OSError):
            helper.end()
            if job is not None and job.stopped.is_set():
                raise StoppedError from None
            raise SelectionError(
                "The helper process ended early, most likely for lack of memory. Select "
                "fewer stars, or choose FITS or Parquet."
            ) from None
        finally:
            if job is not None:
                job.on_stop.remove(helper.end)
            self._give(helper)

    def close(self) -> None:
        """Stop the idle helpers."""
        with self._lock:
            idle, self._idle = self._idle, []
        for helper, timer in idle:
            timer.cancel()
            helper.end()

    def _take(self) -> Helper:
        with self._lock:
            while self._idle:
                helper, timer = self._idle.pop()
                timer.cancel()
                if helper.alive:
                    return helper
        return Helper()

    def _give(self, helper: Helper) -> None:
        if not helper.alive:
            helper.end()
            return
        timer = threading.Timer(IDLE_S, lambda: self._retire(helper))
        timer.daemon = True
        with self._lock:
            self._idle.append((helper, timer))
        timer.start()

    def _retire(self, helper: Helper) -> None:
        with self._lock:
            kept = [item for item in self._idle if item[0] is not helper]
            result, self._idle = len(kept) < len(self._idle), kept
        if result:
            helper.end()


HELPERS = Helpers()


def _send(pipe: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    """The next message, or None when the other side has ended."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    return pickle.loads(data) if len(data) == length else None  # noqa: S301 - from this program itself


def serve() -> None:
    """Process requests until the server closes the pipe."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    while (request := _receive(requests)) is not None:
        function, arguments = request
        try:
            answer = (True, function(*arguments))
        except SelectionError as error:
            answer = (False, SelectionError(str(error)))  # subclasses need more than their text to be made again
        except Exception as error:  # noqa: BLE001 - raised again where the work was asked for
            _LOG.exception("Work of %s failed.", function)
            answer = (False, RuntimeError(f"{type(error).__name__} in a helper: {error}"))
        _send(answers, answer)


if __name__ == "__main__":
    serve()
