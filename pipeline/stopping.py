"""Termination of the program within two seconds of Ctrl-C, SIGTERM or SIGHUP.

The signals are blocked in all threads and received by a thread of its own with ``sigwait``: C code that installs
signal handlers (galpy's integrators do), or that keeps the main thread for minutes, changes nothing. That thread
interrupts the main thread, so that files are closed and locks released, and ends the process itself when this takes too
long: builds go on from checkpoints that are right at every instant.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:  # not at run time: the signals are received before anything slow is imported
    from concurrent.futures import ProcessPoolExecutor

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
END_WITH_INPUT = "--end-with-input"
"""First argument of a command that ends when its standard input closes, with the parent process."""

SENTENCE = "stopped: run the same command again to go on from the last checkpoint"
GRACE_SECONDS = 1.5
"""Time in which the main thread may stop its work."""

_SAME_SECONDS = 0.2
"""Interval in which signals count as one; ``timeout`` and terminals send theirs twice."""

_WAKE = signal.SIGURG
"""Signal that interrupts the main thread; programs ignore it by default."""


class Stopped(KeyboardInterrupt):
    """A signal requested the program to stop.

    Parameters
    ----------
    signal_number : int
        Number of the signal.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(SENTENCE)
        self.signal_number = signal_number


class Stopper:
    """Receiver of signals for the whole process, started in the main thread before any other thread.

    A signal that is ignored when the program starts (``nohup``) stays ignored.
    """

    def __init__(self) -> None:
        self._signals = {signum for signum in SIGNALS if signal.getsignal(signum) is not signal.SIG_IGN}
        self._asked: int | None = None
        self._asked_event = threading.Event()
        self._ending = threading.Lock()
        self._interruptible = True
        self._main = threading.get_ident()
        self._receiver = threading.Thread(target=self._receive, name="stopper", daemon=True)

    def start(self) -> None:
        """Receive signals, so that :class:`Stopped` may be raised in this thread, once."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        signal.signal(_WAKE, self._interrupt)
        for signum in self._signals:  # for code that unblocks them
            signal.signal(signum, self._pass_on)
        if self._signals:
            self._receiver.start()

    def finish(self) -> None:
        """Stop raising :class:`Stopped`, as the work is complete."""
        self._interruptible = False

    def end_with_standard_input(self) -> None:
        """End the program, as SIGTERM does, when standard input closes with the parent process."""
        threading.Thread(target=_wait_for_end_of_input, name="standard input", daemon=True).start()

    def asked(self, wait_seconds: float = 0.0) -> int | None:
        """Signal that requested the stop, or None; waits at most ``wait_seconds``."""
        self._asked_event.wait(wait_seconds)
        return self._asked

    def end(self, signal_number: int) -> NoReturn:
        """End worker processes and this one, with the sentence and exit status 128 + signal."""
        self.leave(SENTENCE, 128 + signal_number)

    def leave(self, sentence: str, status: int) -> NoReturn:
        """End worker processes and this one at once, from any thread, with a sentence and an exit status."""
        self._ending.acquire()  # never released: the first caller ends the process
        _end_workers()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # closed, or the terminal is gone: there is no reader
                stream.flush()
        start = "\n" if os.isatty(2) else ""  # below a progress bar
        with suppress(OSError):
            os.write(2, f"{start}{sentence}\n".encode())
        os._exit(status)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._receiver.ident is not None:
            signal.pthread_kill(self._receiver.ident, number)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked is not None and self._interruptible:
            self._interruptible = False
            raise Stopped(self._asked)

    def _receive(self) -> None:
        self._asked = number = signal.sigwait(self._signals)
        self._asked_event.set()
        started = time.monotonic()
        sys.unraisablehook = lambda _unraisable: None  # what the interruption breaks in passing is no error
        threading.excepthook = lambda _arguments: None
        signal.pthread_kill(self._main, _WAKE)
        while (left := started + GRACE_SECONDS - time.monotonic()) > 0:
            again = signal.sigtimedwait(self._signals, left)
            if again is not None and time.monotonic() - started > _SAME_SECONDS:
                break
        self.end(number)


@contextmanager
def worker_processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Create a pool of processes that end with this one, even if it is killed.

    Parameters
    ----------
    workers : int
        Number of processes.

    Yields
    ------
    ProcessPoolExecutor
        Of spawned processes.
    """
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - see above
    from multiprocessing import get_context, resource_tracker  # noqa: PLC0415

    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    sys.warnoptions.append("ignore:resource_tracker")  # of what it cleans up after a process that was stopped
    resource_tracker.ensure_running()  # it unblocks SIGINT and SIGTERM in this thread, once
    sys.warnoptions.remove("ignore:resource_tracker")
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare_worker) as pool:
        yield pool


def _prepare_worker() -> None:
    """Leave Ctrl-C and SIGHUP of a terminal to the parent process, and end when it ends."""
    from multiprocessing import parent_process  # noqa: PLC0415

    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="parent", daemon=True).start()


def _end_with(parent_sentinel: int) -> None:
    from multiprocessing.connection import wait  # noqa: PLC0415

    wait([parent_sentinel])
    os._exit(1)


def _wait_for_end_of_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _end_workers() -> None:
    """Kill the worker processes that this process started."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None:
        for worker in multiprocessing.active_children():
            worker.kill()
