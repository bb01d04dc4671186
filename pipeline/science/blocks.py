"""Parallel work in blocks: bounded memory, one BLAS thread a worker, progress, a check of memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[float], None]
"""Called with the fraction done."""


class Meter:
    """Counts what all workers have done and passes the fraction on.

    Parameters
    ----------
    total : int
        Units of work.
    progress : callable, optional
        Called with the fraction done.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._done, self._lock = max(total, 1), progress, 0, Lock()

    def add(self, units: int) -> None:
        """Add completed units of work and report progress."""
        with self._lock:
            self._done += units
            if self._progress is not None:
                self._progress(self._done / self._total)


def available_threads(threads: int | None) -> int:
    """The requested number, else the cores that this process may use."""
    if threads is not None:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def physical_memory_gb() -> float:
    """Memory of this machine, or of the control group that this process is confined to."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file():
        text = limit.read_text().strip()
        total = min(total, int(text)) if text.isdigit() else total
    return total / 1e9


def in_order(pool: Executor, work: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """Results of ``work`` in the items' order; no more than ``ahead`` of them are under way or waiting.

    Parameters
    ----------
    pool : Executor
        Where the work is done.
    work : callable
        Takes an item; must be importable where the pool has processes.
    items : iterable
        Read as results are taken.
    ahead : int
        How far the work runs ahead of who takes the results: what bounds memory.
    """
    running: deque[Future[R]] = deque()
    for item in items:
        running.append(pool.submit(work, item))
        if len(running) > ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def for_each_block(
    work: Callable[[NDArray[np.intp]], None], items: NDArray[np.intp], size: int, threads: int | None
) -> None:
    """Call ``work`` on blocks of items in parallel threads.

    Each thread has one BLAS thread, so that element-wise steps scale as matrix products do.

    Parameters
    ----------
    work : callable
        Takes a block of items.
    items : ndarray of int
        All items.
    size : int
        Items a block, at most.
    threads : int or None
        Workers; the cores of this process by default.
    """
    workers = available_threads(threads)
    size = max(1, min(size, -(-items.size // workers)))
    blocks = [items[start : start + size] for start in range(0, items.size, size)]
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, blocks):
            pass
