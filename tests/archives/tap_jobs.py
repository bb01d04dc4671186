"""Jobs of a TAP service: the Universal Worker Service as far as clients use it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from adql import QueryError
from astropy.table import Table
from faults import Fault

ACTIVE = ("PENDING", "QUEUED", "EXECUTING")
KEPT = timedelta(days=3)
"""How long jobs are kept, as in the Gaia archive."""

Run = Callable[["Job"], bytes]


@dataclass
class Job:
    """A query that runs apart from the request that made it."""

    parameters: dict[str, str]
    uploads: dict[str, Table]
    address: str
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    phase: str = "PENDING"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    destruction: datetime = field(default_factory=lambda: datetime.now(UTC) + KEPT)
    duration: float = 0.0
    started: float = 0.0
    error: str = ""
    result: bytes = b""
    changed: threading.Condition = field(default_factory=threading.Condition)
    fault: Fault | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.address}/{self.name}"

    @property
    def query(self) -> str:
        """Its query."""
        return self.parameters.get("QUERY", "")

    @property
    def late(self) -> bool:
        """Whether its time is over."""
        return bool(self.duration and self.started and time.monotonic() - self.started > self.duration)

    def stopped(self) -> bool:
        """Whether the query must end."""
        return self.phase != "EXECUTING" or self.late

    def move(self, phase: str, *, only_from: tuple[str, ...] = ACTIVE) -> bool:
        """Change the phase, unless it has left those named; whether it did."""
        with self.changed:
            if self.phase not in only_from:
                return False
            self.phase = phase
            self.changed.notify_all()
            return True

    def wait(self, seconds: float) -> None:
        """Wait for another phase."""
        with self.changed:
            before = self.phase
            if before in ACTIVE:
                self.changed.wait_for(lambda: self.phase != before, seconds)

    def start(self, run: Run, running: threading.Semaphore) -> None:
        """Run in a thread, as soon as there is a place."""
        if self.move("QUEUED", only_from=("PENDING",)):
            threading.Thread(target=self._work, args=(run, running), daemon=True).start()

    def _held(self, kind: str) -> bool:
        """Stay in this phase for as long as a fault says; whether the job goes on after that."""
        if self.fault is not None and self.fault.kind == kind:
            with self.changed:
                phase = self.phase
                self.changed.wait_for(lambda: self.phase != phase, self.fault.seconds)
        return self.phase in ACTIVE

    def _work(self, run: Run, running: threading.Semaphore) -> None:
        if not self._held("stays_queued"):
            return
        with running:
            self.started = time.monotonic()
            if not self.move("EXECUTING", only_from=("QUEUED",)) or not self._held("stays_executing"):
                return
            try:
                self.result = run(self)
            except QueryError as error:
                self.error = "Query timed out" if self.late else str(error)
                self.move("ERROR", only_from=("EXECUTING",))
            except Exception as error:  # noqa: BLE001 - a service reports what its own mistakes are, too
                self.error = f"{type(error).__name__}: {error}"
                self.move("ERROR", only_from=("EXECUTING",))
            else:
                self.move("COMPLETED", only_from=("EXECUTING",))

    def document(self) -> str:
        """Its description."""
        parameters = "".join(
            f"<uws:parameter id={quoteattr(name)}>{escape(value)}</uws:parameter>"
            for name, value in self.parameters.items()
        )
        results = (
            f'<uws:result id="result" xlink:href={quoteattr(f"{self.url}/results/result")}/>'
            if self.phase == "COMPLETED"
            else ""
        )
        summary = (
            f'<uws:errorSummary type="fatal" hasDetail="true"><uws:message>{escape(self.error)}</uws:message>'
            "</uws:errorSummary>"
            if self.error
            else ""
        )
        return (
            f'{_ROOT.format("job")}<uws:jobId>{self.name}</uws:jobId><uws:ownerId xsi:nil="true"/>'
            f"<uws:phase>{self.phase}</uws:phase><uws:creationTime>{shown(self.created)}</uws:creationTime>"
            f"<uws:executionDuration>{self.duration:g}</uws:executionDuration>"
            f"<uws:destruction>{shown(self.destruction)}</uws:destruction>"
            f"<uws:parameters>{parameters}</uws:parameters><uws:results>{results}</uws:results>{summary}</uws:job>"
        )


_ROOT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<uws:{} version="1.1" xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
)


def shown(moment: datetime) -> str:
    """A time as the standard writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Jobs:
    """All jobs of a service.

    Parameters
    ----------
    run : callable
        Gives the result of a job's query.
    at_a_time : int
        Jobs that run side by side; others stay QUEUED.
    """

    def __init__(self, run: Run, at_a_time: int) -> None:
        self._run, self._running = run, threading.Semaphore(at_a_time)
        self._jobs: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        """Keep a job."""
        self._jobs[job.name] = job

    def find(self, name: str) -> Job | None:
        """A job by its name; None when it was deleted or its time has come."""
        job = self._jobs.get(name)
        if job is not None and datetime.now(UTC) >= job.destruction:
            self.remove(job)
            return None
        return job

    def start(self, job: Job) -> None:
        """Let it run."""
        job.start(self._run, self._running)

    def remove(self, job: Job) -> None:
        """Stop and forget a job."""
        job.move("ABORTED")
        self._jobs.pop(job.name, None)

    def clear(self) -> None:
        """Stop and forget all."""
        for job in list(self._jobs.values()):
            self.remove(job)

    def document(self) -> str:
        """List of jobs."""
        items = "".join(
            f'<uws:jobref id="{job.name}" xlink:href={quoteattr(job.url)}><uws:phase>{job.phase}</uws:phase>'
            f"<uws:creationTime>{shown(job.created)}</uws:creationTime></uws:jobref>"
            for job in list(self._jobs.values())
        )
        return f"{_ROOT.format('jobs')}{items}</uws:jobs>"

    def __len__(self) -> int:
        return len(self._jobs)
