"""Reading of files in child processes, so that a crash becomes an error of one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from pipeline.domain.spectrum import SpectrumError
from pipeline.science.blocks import in_order
from pipeline.sources.folders import shown_name
from pipeline.stages.inputs import InputRecord
from pipeline.stopping import worker_processes

ReadResult: TypeAlias = tuple[InputRecord, Any]
"""The record of a file and its content, or its SpectrumError."""

Read: TypeAlias = Callable[[list[Path]], list[ReadResult]]
"""Function that reads some files in order, importable by a new process."""


class IsolatedReader:
    """Reads files in one child process, which is replaced after a crash; a context manager.

    Parameters
    ----------
    read : callable
        What reads the files.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._stack = ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, path: Path) -> ReadResult:
        """Read one file.

        Raises
        ------
        BrokenProcessPool
            If a new process ends before it reads anything: the cause is no file.
        """
        if self._pool is None:
            self._pool = self._stack.enter_context(worker_processes(1))
            self._pool.submit(self._read, []).result()
        try:
            return self._pool.submit(self._read, [path]).result()[0]
        except BrokenProcessPool:
            self._end()
            reason = f"{shown_name(path.name)} ended the process that read it, so it is damaged. Get it again."
            return InputRecord.of_file(path), SpectrumError("unreadable", reason)

    def _end(self) -> None:
        self._pool = None
        self._stack.close()


def read_side_by_side(read: Read, chunks: Sequence[list[Path]], workers: int) -> Iterator[ReadResult]:
    """Read all files in order in parallel processes.

    When a process ends, the files that were under way are read one by one, each in a process that it may end.

    Parameters
    ----------
    read : callable
        Reads a chunk.
    chunks : sequence of list of Path
        Files.
    workers : int
        Number of processes.
    """
    done, ahead = 0, 2 * workers
    while done < len(chunks):
        try:
            with worker_processes(workers) as pool:
                for result in in_order(pool, read, chunks[done:], ahead):
                    yield from result
                    done += 1
        except BrokenProcessPool:
            with IsolatedReader(read) as isolated:
                for chunk in chunks[done : done + ahead + 1]:
                    yield from map(isolated.read, chunk)
                    done += 1
