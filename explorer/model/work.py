"""Background work: one queue for each kind, fair turns, limits for each visitor, cancellation.

A queue has threads of its own, so that a verdict never waits for a table. Visitors take turns: each turn starts the
oldest work of the one who has waited longest. When a page goes, its waiting work is dropped and its running work is
asked to stop.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from explorer.model.selection import SelectionError

Result = TypeVar("Result")


class BusyError(SelectionError):
    """Too many requests of one visitor are waiting."""


class StoppedError(Exception):
    """The page that asked for this work was closed."""


@dataclass(eq=False)
class Job:
    """One background task.

    Parameters
    ----------
    owner : hashable
        The page that asked for it.
    work : callable
        Function to run.
    """

    owner: Hashable
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)
    stopped: threading.Event = field(default_factory=threading.Event)
    on_stop: list[Callable[[], None]] = field(default_factory=list)

    def stop(self) -> None:
        """Ask the running task to end."""
        self.stopped.set()
        for action in list(self.on_stop):
            action()


_JOB: ContextVar[Job | None] = ContextVar("_JOB", default=None)


def current_job() -> Job | None:
    """The task of this thread; None outside of one."""
    return _JOB.get()


def check_stopped() -> None:
    """End a task whose page was closed; called between the parts of long work."""
    job = _JOB.get()
    if job is not None and job.stopped.is_set():
        raise StoppedError


class Queue:
    """Queue of one kind of work.

    Parameters
    ----------
    name : str
        Name of the queue and its threads.
    workers : int
        Work that runs at once.
    running : int
        Work of one page that runs at once.
    waiting : int
        Work of one page that waits.
    refusal : str
        A sentence for a page that asks for more, with ``{waiting}``.
    """

    def __init__(self, name: str, *, workers: int, running: int, waiting: int, refusal: str) -> None:
        self.name, self.workers, self.running, self.waiting, self.refusal = name, workers, running, waiting, refusal
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"explorer-{name}")
        self._lock = threading.Lock()
        self._turns: OrderedDict[Hashable, deque[Job]] = OrderedDict()
        self._active: dict[Hashable, list[Job]] = {}

    def submit(self, owner: Hashable, work: Callable[[], Result]) -> Future[Result]:
        """Queue a task for a page.

        Raises
        ------
        BusyError
            If the page has too much of it waiting.
        """
        job = Job(owner, work)
        with self._lock:
            mine = self._turns.setdefault(owner, deque())
            if len(mine) >= self.waiting:
                raise BusyError(self.refusal.format(waiting=self.waiting))
            mine.append(job)
            self._start()
        return job.future

    def drop(self, owner: Hashable) -> None:
        """Drop the waiting tasks of a page, and ask its running tasks to end."""
        with self._lock:
            dropped = list(self._turns.pop(owner, ()))
            active = list(self._active.get(owner, ()))
        for job in dropped:
            job.future.cancel()
        for job in active:
            job.stop()

    def counts(self, owner: Hashable) -> tuple[int, int]:
        """Numbers of running and waiting tasks of a page."""
        with self._lock:
            return len(self._active.get(owner, ())), len(self._turns.get(owner, ()))

    def _start(self) -> None:
        """Start the tasks that can start; the lock is held."""
        busy = sum(map(len, self._active.values()))
        for owner in list(self._turns):
            if busy >= self.workers:
                return
            mine = self._turns[owner]
            while mine and busy < self.workers and len(self._active.get(owner, ())) < self.running:
                job = mine.popleft()
                self._turns.move_to_end(owner)
                if job.future.set_running_or_notify_cancel():
                    self._active.setdefault(owner, []).append(job)
                    busy += 1
                    self._pool.submit(self._run, job)
                    break  # the next one has its turn
            if not mine:
                self._turns.pop(owner, None)

    def _run(self, job: Job) -> None:
        token = _JOB.set(job)
        try:
            check_stopped()
            result = job.work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
        finally:
            _JOB.reset(token)
            with self._lock:
                mine = self._active[job.owner]
                mine.remove(job)
                if not mine:
                    del self._active[job.owner]
                self._start()


VERDICTS = Queue(
    "verdicts",
    workers=2,
    running=1,
    waiting=200,
    refusal="{waiting} verdicts of this page are not saved yet. Wait until they are.",
)
"""Queue of verdicts and other writes to the record, which wait for no other work."""

REFITS = Queue(
    "refits",
    workers=2,
    running=1,
    waiting=8,
    refusal="{waiting} fits of this page are waiting already. Wait until one is done.",
)
"""Queue of fits, posteriors and comparisons of single stars."""

UPLOADS = Queue(
    "uploads",
    workers=2,
    running=1,
    waiting=2,
    refusal="A list of this page is being read and {waiting} more are waiting. Upload again later.",
)
"""Queue of member lists and other files of visitors."""

COLUMNS = Queue(
    "columns",
    workers=1,
    running=1,
    waiting=4,
    refusal="{waiting} columns of this page are being computed already. Wait until one is done.",
)
"""Queue of the columns that visitors compute."""

EXPORTS = Queue(
    "exports",
    workers=2,
    running=1,
    waiting=4,
    refusal="A table or figure of this page is being made and {waiting} more are waiting. Ask again when one is done.",
)
"""Queue of tables, pictures and figures to download."""

ANSWERS = Queue(
    "answers",
    workers=2,
    running=1,
    waiting=2,
    refusal="{waiting} comparisons of this page are waiting already. Wait until one is done.",
)
"""Queue of statistics, comparisons and fits of samples of stars."""
SKY = Queue(
    "sky",
    workers=2,
    running=1,
    waiting=8,
    refusal="An image of this page is being fetched and {waiting} more requests are waiting. Ask again later.",
)
"""Queue of images of the sky and of names, which other services deliver."""

LINKS = Queue(
    "links",
    workers=1,
    running=1,
    waiting=20,
    refusal="{waiting} links of this page are not saved yet. Wait until they are.",
)
"""Queue of links, saved views and states of lost pages."""


def drop_all(owner: Hashable) -> None:
    """Drop the tasks of a closed page, except those that save its input."""
    for queue in (REFITS, UPLOADS, EXPORTS, ANSWERS, SKY):
        queue.drop(owner)
