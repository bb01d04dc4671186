"""Polite HTTP requests to one service: connections, spacing, timeouts, repeats, redirects, the token.

Status 200 is not believed: the receiver of an answer checks its content, and says whether another request may help.
"""

from __future__ import annotations

import http.client
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from pipeline.sources.archives.fetching import ItemError, ServiceError
from pipeline.sources.archives.polite_session import (
    InterruptedFetchError,
    Pace,
    PoliteAdapter,
    begun,
    polite_session,
)
from pipeline.sources.archives.profile import Service
from pipeline.sources.archives.redaction import Token
from pipeline.sources.archives.retrying import Reach, is_overload, retry_after_s
from pipeline.sources.archives.storing import plain_line

MAX_REDIRECTS = 5
CHUNK_BYTES = 1 << 16
_LONG_WAIT_S = 5.0
_LENGTH = re.compile("[0-9]{1,18}")
_SHORTEST_ANNOUNCED_S = 1.0
_NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)

Result = TypeVar("Result")


class UnfitAnswerError(Exception):
    """An answer cannot be right, and the next one may be: cut, damaged, empty; the message says what came."""


@dataclass(frozen=True)
class Answer:
    """The beginning of an answer.

    Parameters
    ----------
    address : str
        Address that answered, after redirects; without a token.
    status : int
        HTTP status.
    headers : mapping of str to str
        By lower-case name; without a token.
    chunks : iterator of bytes
        The body as it arrives; ends only where it is complete.
    """

    address: str
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes] = field(repr=False)

    def body(self, max_bytes: int) -> bytes:
        """The whole body.

        Raises
        ------
        ItemError
            If it has more than ``max_bytes``.
        """
        parts, size = [], 0
        for chunk in self.chunks:
            size += len(chunk)
            if size > max_bytes:
                raise ItemError(f"{self.address} sent more than {max_bytes:,} bytes; no more are read.")
            parts.append(chunk)
        return b"".join(parts)


class Transport:
    """Requests to one service, with repeats; used by several threads.

    Parameters
    ----------
    service : Service
        The service.
    received : callable
        Takes the number of bytes of each chunk, in the thread that received it.
    say : callable
        Takes a line for the user when an overloaded service is left alone for longer, or one does not answer.

    Raises
    ------
    TokenError
        If the environment's token cannot be one.
    """

    def __init__(
        self,
        service: Service,
        received: Callable[[int], None] = lambda _count: None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.service, self.token = service, Token(service.token_variable)
        self._received, self._say, self._closed = received, say, threading.Event()
        self._adapter = PoliteAdapter(service, self._closed)
        self._session = polite_session(service, adapter=self._adapter)
        self._random = random.Random()  # noqa: S311 - jitter of waits
        self._lock, self._announced_until = threading.Lock(), 0.0

    @property
    def session(self) -> requests.Session:
        """Session for a library that takes one: spaced and with timeouts; repeats are the library's affair."""
        return self._session

    @property
    def reach(self) -> Reach:
        """Whether the service has answered, also to a library."""
        return self._adapter.reach

    def words_for(self, error: BaseException) -> str:
        """Part of a sentence for an error of the network, without addresses."""
        return self._cause(error)

    def announce(self, problem: str, seconds: float) -> None:
        """Write a line on a wait for a service that does not answer, once for all threads that wait."""
        with self._lock:
            now = time.monotonic()
            if seconds < _SHORTEST_ANNOUNCED_S or now < self._announced_until:
                return
            self._announced_until = now + seconds
        self._say(f"{urlsplit(self.service.address).netloc}: {problem}; asked again in {seconds:,.0f} s.")

    def close(self) -> None:
        """End all waiting; threads that receive end with their next chunk."""
        self._closed.set()
        self._session.close()

    def address(self, path: str) -> str:
        """Address of a path below the service's; a whole address stays."""
        return path if "://" in path else f"{self.service.address.rstrip('/')}/{path.lstrip('/')}"

    def get(
        self,
        path: str,
        receive: Callable[[Answer], Result],
        headers: Callable[[], Mapping[str, str]] = lambda: MappingProxyType({}),
    ) -> Result:
        """Request an address until its answer is received, at most ``Service.attempts`` times.

        Parameters
        ----------
        path : str
            Below the service's address, or a whole address.
        receive : callable
            Takes an answer of any status but 408, 429 and 5xx, and reads its body.
        headers : callable
            Headers of each request; asked again before each repeat.

        Raises
        ------
        ServiceError
            If the service did not answer, or was overloaded each time.
        ItemError
            If it answered each time with an error or a damaged body, redirects to where it must not, or as ``receive``
            does.
        """
        address, waited, problem = self.address(path), 0.0, _Problem("")
        for attempt in range(1, self.service.attempts + 1):
            result = self._attempt(address, receive, headers())
            if not isinstance(result, _Problem):
                return result.value
            problem = result
            if self._closed.is_set():
                raise InterruptedFetchError
            seconds = self._pause_after(problem, attempt)
            attempts = self.reach.attempts if problem.is_unreached else self.service.attempts
            if problem.is_final or attempt >= attempts or seconds > self.service.max_wait_s:
                break
            waited += seconds
            if problem.is_of_service and not problem.is_overload:
                self.announce(problem.text, seconds)
            if self._closed.wait(seconds):
                raise InterruptedFetchError
        if problem.is_unreached:
            self.reach.given_up()
        raise self._given_up(address, problem, attempt, waited)

    def _given_up(self, address: str, problem: _Problem, attempts: int, waited: float) -> ItemError:
        kind = ServiceError if problem.is_of_service else ItemError
        if problem.is_final:
            return kind(problem.text)
        if problem.retry_after_s is not None and problem.retry_after_s > self.service.max_wait_s:
            times = (
                f"and asks to wait {problem.retry_after_s:,.0f} s; at most {self.service.max_wait_s:,.0f} are waited"
            )
        elif attempts == 1:
            times = "at the only attempt"
        else:
            times = f"at the last of {attempts} attempts" + (
                f", after {waited:,.0f} s of waiting" if waited >= 1 else ""
            )
        return kind(f"{self.token.hidden_in(address)}: {problem.text} {times}.")

    def _pause_after(self, problem: _Problem, attempt: int) -> float:
        """Seconds to wait; an overloaded service is left alone by all threads."""
        doubled = self.service.wait_s * 2.0 ** (attempt - 1) * self._random.uniform(0.75, 1.25)
        seconds = min(doubled, self.service.max_wait_s)
        if problem.retry_after_s is not None:
            seconds = problem.retry_after_s + self._random.uniform(0.0, 0.1) * min(1.0, problem.retry_after_s)
        if problem.is_overload and attempt < self.service.attempts:
            self._leave_alone(min(seconds, self.service.max_wait_s), problem)
        return seconds

    def _leave_alone(self, seconds: float, problem: _Problem) -> None:
        if self._adapter.pause(seconds) and seconds >= _LONG_WAIT_S:
            self._say(
                f"{urlsplit(self.service.address).netloc}: {problem.text}; the next request starts in {seconds:,.0f} s."
            )

    def _attempt(
        self, address: str, receive: Callable[[Answer], Result], headers: Mapping[str, str]
    ) -> _Received[Result] | _Problem:
        """One request. Errors of libraries hold addresses: they become text here, and are not chained."""
        try:
            with closing(self._followed(address, headers)) as response:
                if is_overload(response.status_code) or response.status_code >= 500:
                    return self._refusal(response)
                return _Received(receive(self._answer(response)))
        except _AttemptError as error:
            return error.problem
        except UnfitAnswerError as error:
            return _Problem(self.token.hidden_in(str(error)))

    def _network_problem(self, error: BaseException) -> _Problem:
        if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            text = f"The certificate of {self.service.address} is not valid: {self._cause(error)}."
            return _Problem(text, is_final=True, is_of_service=True)
        is_cut = isinstance(error, urllib3.exceptions.ProtocolError)  # after the answer began
        return _Problem(self._cause(error), is_of_service=not is_cut, is_unreached=is_unreached(error))

    def _refusal(self, response: requests.Response) -> _Problem:
        after = retry_after_s(response.headers.get("Retry-After", ""), response.headers.get("Date", ""))
        overload = is_overload(response.status_code)
        reason = f" {plain_line(response.reason)}" if response.reason else ""
        text = self.token.hidden_in(f"the archive answered HTTP {response.status_code}{reason}")
        return _Problem(text, after if overload else None, is_overload=overload, is_of_service=overload)

    def _cause(self, error: BaseException) -> str:
        """A sentence's part for an error of the network, without addresses."""
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return "no connection within the time allowed"
        if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
            return f"nothing arrived for {self.service.timeout_s:g} s"
        *_, innermost = _causes(error)
        if isinstance(innermost, http.client.IncompleteRead | urllib3.exceptions.InvalidChunkLength):
            expected = getattr(innermost, "expected", None)
            if isinstance(expected, int) and isinstance(innermost.partial, int):
                return f"the connection ended after {innermost.partial:,} bytes; {expected:,} more were announced"
            return "the connection ended in the middle of the answer"
        text = getattr(innermost, "strerror", None) or str(innermost).partition(": ")[2] or str(innermost)
        words = plain_line(self.token.hidden_in(text)) or type(innermost).__name__
        return f"the connection failed: {words}".rstrip(".")

    def _followed(self, address: str, headers: Mapping[str, str]) -> requests.Response:
        """Response after redirects; the token goes to the service's own site only."""
        for _ in range(MAX_REDIRECTS + 1):
            own = urlsplit(address).netloc == urlsplit(self.service.address).netloc
            response = self._sent(self.token.added_to(address) if own else address, headers)
            if not response.is_redirect:
                return response
            location = response.headers["Location"]
            response.close()
            address = self._redirected(address, location)
        raise _AttemptError(_refused(f"{self.token.hidden_in(address)} redirects in a circle."))

    def _sent(self, target: str, headers: Mapping[str, str]) -> requests.Response:
        try:
            return begun(self._session, target, {"Accept-Encoding": "identity", **headers})
        except _NETWORK_ERRORS as error:
            problem = self._network_problem(error)
        raise _AttemptError(problem)

    def _chunk(self, response: requests.Response) -> bytes:
        try:
            chunk: bytes = response.raw.read1(CHUNK_BYTES, decode_content=False)
        except _NETWORK_ERRORS as error:
            problem = self._network_problem(error)
        else:
            return chunk
        raise _AttemptError(problem)

    def _redirected(self, address: str, target: str) -> str:
        """Address that a redirect leads to."""
        here = urlsplit(address)
        try:
            location = urljoin(address, target.encode("latin-1").decode("utf-8"))
            there = urlsplit(location)
        except ValueError:
            problem = _refused(f"{here.netloc} redirects to something that is no address; not followed.")
        else:
            self._check_redirect(here, there)
            return location
        raise _AttemptError(problem)

    def _check_redirect(self, here: SplitResult, there: SplitResult) -> None:
        if there.scheme not in ("https", here.scheme):
            text = f"{here.netloc} redirects to {there.scheme}://{there.netloc}, which is not encrypted; not followed."
            raise _AttemptError(_refused(text))
        if there.netloc != here.netloc and self.service.own_host:
            raise _AttemptError(_refused(f"{here.netloc} redirects to {there.netloc}; not followed."))
        if there.netloc != here.netloc and self.token and self.token.is_in(there.geturl()):
            raise _AttemptError(_refused(f"{here.netloc} redirects to {there.netloc} with the token; not followed."))

    def _answer(self, response: requests.Response) -> Answer:
        hide = self.token.hidden_in
        headers = {name.lower(): hide(value) for name, value in response.headers.items()}
        return Answer(hide(response.url), response.status_code, headers, self._chunks(response))

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        """The body as it arrives; a stream below the smallest rate is cut."""
        length, size, pace = announced_bytes(response.headers.get("Content-Length", "")), 0, Pace(self.service)
        while chunk := self._chunk(response):
            if self._closed.is_set():
                raise InterruptedFetchError
            size += len(chunk)
            self._received(len(chunk))
            yield chunk
            if problem := pace.problem_after(len(chunk)):
                raise UnfitAnswerError(f"the archive {problem}")
        if length is not None and size != length:
            raise UnfitAnswerError(f"the connection ended after {size:,} of {length:,} bytes")


def announced_bytes(length: str) -> int | None:
    """Length of a body by its header ``Content-Length``; None where it states none."""
    return int(length) if _LENGTH.fullmatch(length) else None


def is_unreached(error: BaseException) -> bool:
    """Whether an error of the network means that no connection was made: no such name, refused, no answer."""
    return any(
        isinstance(cause, requests.exceptions.ConnectTimeout | urllib3.exceptions.NewConnectionError)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[Any]:
    """Nested errors of the network from the outermost to the innermost."""
    cause: Any = error
    for _ in range(8):
        yield cause
        inner = getattr(cause, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((part for part in getattr(cause, "args", ()) if isinstance(part, BaseException)), None)
        if inner is None:
            return
        cause = inner


@dataclass(frozen=True)
class _Received(Generic[Result]):
    value: Result


@dataclass(frozen=True)
class _Problem:
    """Why an attempt failed, as the middle of a sentence; a whole one where no other attempt helps."""

    text: str
    retry_after_s: float | None = None
    is_overload: bool = False
    is_of_service: bool = False
    is_final: bool = False
    is_unreached: bool = False


class _AttemptError(Exception):
    """An attempt failed; the problem says why, without the library's error, which quotes addresses."""

    def __init__(self, problem: _Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def _refused(text: str) -> _Problem:
    return _Problem(text, is_final=True, is_of_service=True)
