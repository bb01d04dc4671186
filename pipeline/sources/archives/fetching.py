"""Run of a fetch: items left of a plan are requested, a few at once, and each result is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.sources.archives.plan import Entry, FetchPlan, State

MAX_REFUSALS = 5
"""Failures of a service in a row after which a step ends."""


class ItemAbsentError(Exception):
    """The archive answered that it has no such item; the message is its answer."""


class ItemError(Exception):
    """An item could not be fetched; the message names request, answer and, if there is one, remedy."""


class ServiceError(ItemError):
    """A service as a whole does not deliver: no connection, overload, a sign-in page."""


class Client(Protocol):
    """Requests the items of one step."""

    connections: int
    """Items that may be under way at once."""

    def fetch(self, entry: Entry, plan: FetchPlan) -> Entry:
        """Request an item, check the answer, write its file under ``plan.folder / entry.item.path``.

        Parameters
        ----------
        entry : Entry
            As the plan has it: with the address of its job where one was submitted.
        plan : FetchPlan
            For the folder, and to record an intermediate state (the address of a job) before going on.

        Returns
        -------
        Entry
            In state DONE, with size, checksum and, for a table, its rows.

        Raises
        ------
        ItemAbsentError
            If the archive has no such item.
        ItemError
            If it was given up; recorded as failed, and the run continues. :class:`ServiceError` where the reason is
            not the item's own: after several in a row the step ends, and its other items stay as they are.
        """

    def close(self) -> None:
        """End all waiting, also of other threads, and free the connections; called once."""


@dataclass(frozen=True)
class Summary:
    """Result of a run.

    Parameters
    ----------
    done, absent, failed : int
        Items that ended so in this run.
    stopped : str
        Why the service was not asked for the other items; "" if all were requested.
    """

    done: int = 0
    absent: int = 0
    failed: int = 0
    stopped: str = ""

    @classmethod
    def of(cls, parts: Iterable[Summary]) -> Summary:
        """Sum of the summaries of several steps."""
        every = list(parts)
        return cls(
            sum(part.done for part in every),
            sum(part.absent for part in every),
            sum(part.failed for part in every),
            " ".join(part.stopped for part in every if part.stopped),
        )


def fetch_left(
    plan: FetchPlan, step: str, client: Client, report: Callable[[Entry], None] = lambda _entry: None
) -> Summary:
    """Request all items of a step that are not done.

    Parameters
    ----------
    plan : FetchPlan
        Where they stand.
    step : str
        Step whose items are requested.
    client : Client
        Requests one item.
    report : callable
        Receives each recorded result, in this thread.

    Returns
    -------
    Summary
        What this run achieved.

    Raises
    ------
    BaseException
        What the client raises beyond its documented errors: a defect or a full disk ends the run.
    """
    left = iter(plan.entries(step, (State.SUBMITTED, State.TODO, State.FAILED)))
    counts: dict[State, int] = dict.fromkeys((State.DONE, State.ABSENT, State.FAILED), 0)
    running: dict[Future[Entry], Entry] = {}
    refusals = 0
    pool = ThreadPoolExecutor(client.connections, thread_name_prefix=step)
    try:
        while True:
            while (
                refusals < MAX_REFUSALS
                and len(running) < client.connections
                and (entry := next(left, None)) is not None
            ):
                running[pool.submit(client.fetch, entry, plan)] = entry
            if not running:
                rest = sum(1 for _ in left)
                return Summary(
                    counts[State.DONE], counts[State.ABSENT], counts[State.FAILED], _stopped(step, rest) if rest else ""
                )
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                result = _result(future, running.pop(future))
                plan.record(result)
                counts[result.state] += 1
                refusals = refusals + 1 if isinstance(future.exception(), ServiceError) else 0
                report(result)
    finally:
        client.close()
        pool.shutdown(wait=False, cancel_futures=True)


def _stopped(step: str, rest: int) -> str:
    return (
        f"{step}: after {MAX_REFUSALS} failures of the archive in a row, the other {rest:,} items were not requested."
    )


def _result(future: Future[Entry], entry: Entry) -> Entry:
    try:
        return future.result()
    except ItemAbsentError as answer:
        return replace(entry, state=State.ABSENT, reason=str(answer), attempts=entry.attempts + 1, job_url="")
    except ItemError as error:
        return replace(entry, state=State.FAILED, reason=str(error), attempts=entry.attempts + 1)
