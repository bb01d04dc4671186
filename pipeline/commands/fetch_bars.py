"""Progress bar of one step of a fetch: items with their counts, or bytes of large files."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from tqdm import tqdm

from pipeline.sources.archives.plan import Entry, Progress, State
from pipeline.sources.archives.steps import Step


class StepBar:
    """Bar of a step on a terminal; where standard error is none, only lines are written.

    Parameters
    ----------
    step : Step
        The step.
    progress : Progress
        Counts of its plan at the start.
    """

    def __init__(self, step: Step, progress: Progress) -> None:
        self._counts_bytes = step.unit == "bytes"
        self._lock = threading.Lock()
        self._bytes = 0
        self._counts = dict.fromkeys((State.ABSENT, State.FAILED), 0)
        total = progress.bytes_left or None if self._counts_bytes else sum(progress.items.values())
        self._bar = tqdm(
            total=total,
            initial=0 if self._counts_bytes else sum(progress.items.values()) - progress.left,
            desc=step.name,
            unit="B" if self._counts_bytes else "",
            unit_scale=self._counts_bytes,
            disable=None,
            dynamic_ncols=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def received(self, count: int) -> None:
        """Count bytes that arrived, from any thread."""
        with self._lock:
            self._bytes += count
            if self._counts_bytes:
                self._bar.update(count)

    def say(self, line: str) -> None:
        """Write a line above the bar, from any thread."""
        with self._lock:
            self._bar.write(line)

    def finished(self, entry: Entry) -> None:
        """Count a recorded item."""
        if entry.state in self._counts:
            self._counts[entry.state] += 1
        if self._counts_bytes:
            return
        with self._lock:
            counts = [f"{count:,} {state}" for state, count in self._counts.items() if count]
            self._bar.set_postfix_str(", ".join([*counts, f"{self._bytes / 1e6:,.1f} MB"]), refresh=False)
            self._bar.update(1)
