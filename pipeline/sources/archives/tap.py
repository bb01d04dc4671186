"""Client of TAP services (Table Access Protocol): jobs that survive this process, checked results."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
import requests
from astropy.table import Table
from numpy.typing import NDArray
from pyvo.dal import TAPService
from pyvo.dal.exceptions import DALAccessError, DALQueryError, DALServiceError
from pyvo.dal.tap import AsyncTAPJob

from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.polite_session import AnswerLimitError, InterruptedFetchError
from pipeline.sources.archives.profile import Query, Service
from pipeline.sources.archives.queries import UPLOAD, columns_query, is_any_of, plain_name
from pipeline.sources.archives.retrying import is_overload, retry_after_s
from pipeline.sources.archives.tap_answers import AnswerError, CutAnswerError, quoted, read_answer
from pipeline.sources.archives.transport import Answer, Transport, UnfitAnswerError, is_unreached

MAX_RESULT_BYTES = 1 << 30
MAX_SUBMISSIONS = 3
"""Times that a query is submitted to a service whose jobs disappear."""

_SCHEMA_ROWS = 20_000
_POLL_GROWTH, _LAST_POLL_S = 1.5, 60.0
_ENDED = ("COMPLETED", "ERROR", "ABORTED", "ARCHIVED")
_GONE = (404, 410)

Result = TypeVar("Result")


class TapError(Exception):
    """A service did not deliver; the message continues the sentence that begins with its name."""


class UnreachableError(TapError):
    """A service did not answer, or is overloaded: other queries will fare no better now."""


class _JobGoneError(Exception):
    """The service knows the job no more."""


@dataclass(frozen=True)
class ListedColumn:
    """A column as TAP_SCHEMA lists it.

    Parameters
    ----------
    table, name : str
        As TAP_SCHEMA spells them.
    datatype, unit, ucd, description : str
        "" where it states none.
    """

    table: str
    name: str
    datatype: str = ""
    unit: str = ""
    ucd: str = ""
    description: str = ""


@dataclass(frozen=True)
class Request:
    """A query with what it needs.

    Parameters
    ----------
    adql : str
        The query.
    maxrec : int
        One row more than can be right.
    identifier : str
        Column of the uploaded table; "" without one.
    ids : ndarray of int64 or None
        Identifiers that are uploaded.
    """

    adql: str
    maxrec: int
    identifier: str = ""
    ids: NDArray[Any] | None = field(default=None, repr=False)

    @property
    def uploads(self) -> Mapping[str, Table] | None:
        """Uploaded tables as pyvo takes them."""
        return None if self.ids is None else {UPLOAD: Table({self.identifier: self.ids})}


class TapAccess:
    """A TAP service, politely used by several threads.

    Parameters
    ----------
    key : str
        Key of the service in the profiles.
    service : Service
        Address, limits and politeness.
    received : callable
        Takes the number of bytes of each part of a result.
    say : callable
        Takes a line for the user when the service does not answer and is asked again.
    """

    def __init__(
        self,
        key: str,
        service: Service,
        received: Callable[[int], None] = lambda _count: None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.key, self.service = key, service
        self._transport = Transport(service, received, say)
        self._closed = threading.Event()
        self._pyvo = TAPService(service.address, session=self._transport.session)
        self._random = random.Random()  # noqa: S311 - jitter of waits
        self._lock = threading.Lock()
        self._listed: dict[tuple[str, ...], tuple[ListedColumn, ...]] = {}

    @property
    def capabilities(self) -> Any:
        """The TAP capability of the service, with the limits that it announces."""
        return self._answered(self._pyvo.get_tap_capability)

    def close(self) -> None:
        """End all waiting."""
        self._closed.set()
        self._transport.close()

    def has_job(self, address: str) -> bool:
        """Whether a job is of this service."""
        return urlsplit(address).hostname == urlsplit(self.service.address).hostname

    def listed_columns(self, condition: str) -> tuple[ListedColumn, ...]:
        """Columns that TAP_SCHEMA lists under a condition.

        Raises
        ------
        TapError
            If the service does not answer with a list.
        """
        table = self.synchronous(Request(columns_query(condition), _SCHEMA_ROWS))
        rows = [{str(k).lower(): v for k, v in row.items()} for row in table.to_pylist()]
        names = ("table_name", "column_name", "datatype", "unit", "ucd", "description")
        if rows and "column_name" not in rows[0]:
            raise TapError("sent a list of columns without their names")
        return tuple(ListedColumn(*(str(row.get(name) or "").strip() for name in names)) for row in rows)

    def columns_of(self, tables: tuple[str, ...]) -> tuple[ListedColumn, ...]:
        """Columns of tables, by their names at this service; asked once."""
        with self._lock:
            if tables not in self._listed:
                self._listed[tables] = self.listed_columns(is_any_of(tables))
            return self._listed[tables]

    def lacking(self, query: Query) -> str:
        """Table of a query that the service does not list, or column; "" if it has all."""
        tables = tuple(self.service.tables.get(table.name, table.name) for table in query.tables)
        there = {(plain_name(item.table), plain_name(item.name)) for item in self.columns_of(tables)}
        for table, name in zip(query.tables, tables, strict=True):
            if not any(listed == plain_name(name) for listed, _ in there):
                return f"table {name}"
            for column in table.columns:
                if (plain_name(name), plain_name(column)) not in there:
                    return f"column {column} of {name}"
        return ""

    def synchronous(self, request: Request) -> pa.Table:
        """Result of a query for which the connection waits.

        Raises
        ------
        TapError
            If the service did not deliver it whole.
        """

        def ask() -> pa.Table:
            query = self._pyvo.create_query(request.adql, mode="sync", maxrec=request.maxrec, uploads=request.uploads)
            response = query.submit()
            with response:
                if is_overload(response.status_code) or response.status_code in _GONE:
                    response.raise_for_status()
                return read_answer(response.content, request.maxrec)

        return self._answered(ask)

    def asynchronous(
        self, request: Request, submitted: Callable[[str], None], job_url: str = ""
    ) -> tuple[pa.Table, AsyncTAPJob]:
        """Result of a query as a job of the service.

        Parameters
        ----------
        request : Request
            The query.
        submitted : callable
            Records the address of the job, before it is started.
        job_url : str
            Job of an earlier run, which is taken up; a job that is gone is submitted again.

        Returns
        -------
        table : Table
            The result.
        job : AsyncTAPJob
            The job, to be deleted once the result is kept.

        Raises
        ------
        TapError
            If the job failed, did not end in time, or its result is not whole.
        """
        for _ in range(MAX_SUBMISSIONS):
            try:
                job = self._resumed(job_url) if job_url else self._submitted(request, submitted)
                self._wait(job)
                return self._result(job, request.maxrec), job
            except _JobGoneError:
                job_url = ""
        raise TapError(f"lost the job of the query {MAX_SUBMISSIONS} times")

    def delete(self, job: AsyncTAPJob) -> str:
        """Delete a job; return why it could not be, "" otherwise. The service deletes it some day by itself."""
        try:
            self._repeated(job.delete)
        except (TapError, _JobGoneError) as error:
            return str(error)
        return ""

    def _resumed(self, url: str) -> AsyncTAPJob:
        return self._repeated(lambda: AsyncTAPJob(url, session=self._transport.session))

    def _submitted(self, request: Request, submitted: Callable[[str], None]) -> AsyncTAPJob:
        job = self._answered(
            lambda: self._pyvo.submit_job(request.adql, maxrec=request.maxrec, uploads=request.uploads)
        )
        submitted(job.url)
        return job

    def _wait(self, job: AsyncTAPJob) -> None:
        """Start a job that waits for it, and wait until it has ended."""
        deadline = time.monotonic() + self.service.job_s
        interval = self.service.poll_s

        def start_if_pending() -> str:
            phase = str(job.phase)
            if phase == "PENDING":
                job.run()
                phase = str(job.phase)
            return phase

        while (phase := self._repeated(start_if_pending)) not in _ENDED:
            if time.monotonic() + interval > deadline:
                self.delete(job)
                raise TapError(f"left the job {phase} for {self.service.job_s:,.0f} s; it was given up")
            self._pause(interval)
            interval = min(interval * _POLL_GROWTH, _LAST_POLL_S)
        if phase == "ARCHIVED":
            raise _JobGoneError
        if phase != "COMPLETED":
            summary = self._repeated(lambda: job.job).errorsummary
            message = summary.message.content if summary is not None and summary.message is not None else ""
            self.delete(job)
            raise TapError(f"ended the job as {phase}" + (f": {quoted(message)}" if message else " without a reason"))

    def _result(self, job: AsyncTAPJob, maxrec: int) -> pa.Table:
        address = job.result_uri or f"{job.url}/results/result"

        def receive(answer: Answer) -> pa.Table:
            if answer.status in _GONE:
                raise _JobGoneError
            try:
                return read_answer(answer.body(MAX_RESULT_BYTES), maxrec)
            except CutAnswerError as error:
                raise UnfitAnswerError(str(error)) from None

        try:
            return self._transport.get(address, receive)
        except AnswerError as error:
            self.delete(job)
            raise TapError(str(error)) from None
        except ItemError as error:
            raise TapError(f"did not deliver the result: {str(error).rstrip('.')}") from None

    def _answered(self, call: Callable[[], Result]) -> Result:
        """Call for an address that every service must have."""
        try:
            return self._repeated(call)
        except _JobGoneError:
            raise TapError("answered HTTP 404 where a TAP service must answer: its address may have changed") from None

    def _repeated(self, call: Callable[[], Result]) -> Result:
        """Call until the service answers, at most ``Service.attempts`` times."""
        problem = _Problem("")
        for attempt in range(1, self.service.attempts + 1):
            result = self._attempt(call)
            if not isinstance(result, _Problem):
                return result
            problem = result
            if attempt >= (self._transport.reach.attempts if problem.is_unreached else self.service.attempts):
                break
            self._pause(self._seconds_after(problem, attempt))
        if problem.is_unreached:
            self._transport.reach.given_up()
        times = f", at the last of {attempt} attempts" if attempt > 1 else ""
        raise UnreachableError(problem.text + times)

    def _attempt(self, call: Callable[[], Result]) -> Result | _Problem:
        """Call once; what another call may mend is returned as a problem."""
        try:
            return call()
        except CutAnswerError as error:
            return _Problem(str(error))
        except AnswerError as error:
            raise TapError(str(error)) from None
        except DALQueryError as error:
            raise TapError(f"refused the query: {quoted(str(error))}") from None
        except (DALAccessError, requests.RequestException) as error:
            return self._problem(error)
        except (TapError, _JobGoneError, InterruptedFetchError):
            raise
        except Exception as error:  # noqa: BLE001 - pyvo lets errors of its parsers pass
            return _Problem(f"sent something that is no answer of TAP ({type(error).__name__})")

    def _seconds_after(self, problem: _Problem, attempt: int) -> float:
        """Seconds until the next attempt, of which the user learns where the service is out of reach."""
        doubled = self.service.wait_s * 2.0 ** (attempt - 1) * self._random.uniform(0.75, 1.25)
        seconds = min(doubled, self.service.max_wait_s) if problem.retry_after_s is None else problem.retry_after_s
        if seconds > self.service.max_wait_s:
            raise UnreachableError(f"{problem.text} and asks to wait {seconds:,.0f} s")
        self._transport.announce(problem.text, seconds)
        return seconds

    def _problem(self, error: Exception) -> _Problem:
        """Words for a failure that may pass, and the wait that the service asks for."""
        cause = (error.cause if isinstance(error, DALServiceError) else error) or error
        if isinstance(cause, AnswerLimitError):
            return _Problem(str(cause))
        response = getattr(cause, "response", None)
        if response is None:
            words = self._transport.words_for(cause)
            return _Problem(f"cannot be reached: {words}", is_unreached=is_unreached(cause))
        status = response.status_code
        if status in _GONE:
            raise _JobGoneError from None
        if 400 <= status < 500 and not is_overload(status):
            raise TapError(f"answered HTTP {status}: {quoted(_words(response))}") from None
        seconds = retry_after_s(response.headers.get("Retry-After", ""), response.headers.get("Date", ""))
        return _Problem(f"answered HTTP {status}", seconds)

    def _pause(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise InterruptedFetchError


@dataclass(frozen=True)
class _Problem:
    """Why an attempt failed, as the rest of a sentence that begins with the service."""

    text: str
    retry_after_s: float | None = None
    is_unreached: bool = False


def _words(response: requests.Response) -> str:
    """Text of an error's body: the message of a VOTable, or the beginning."""
    try:
        body = response.content
    except requests.RequestException:
        return "no text"
    try:
        read_answer(body, 1)
    except AnswerError as error:
        return str(error).partition(": ")[2].strip('"') or str(error)
    return response.reason or "no text"
