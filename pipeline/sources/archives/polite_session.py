"""HTTP sessions: spaced requests, with timeouts and limits, without cookies and passwords."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pipeline import __version__
from pipeline.sources.archives.profile import Service
from pipeline.sources.archives.retrying import Reach

USER_AGENT = f"mgiant-explorer/{__version__} ({requests.utils.default_user_agent()})"
MAX_LIBRARY_BYTES = 256 << 20
"""Largest answer that a library receives by the session, unpacked."""

_CONNECT_TIMEOUT_S = 10.0
_BLOCK = 1 << 16
_OF_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that do not describe a body which was received and unpacked."""


class InterruptedFetchError(Exception):
    """The run ends: the transport was closed while a thread waited or received."""


class AnswerLimitError(requests.RequestException):
    """An answer is too large or too slow; the message continues a sentence that begins with the service."""


class Pace:
    """Rate of a transfer; one that falls below the smallest rate of its service is stuck.

    Parameters
    ----------
    service : Service
        Its ``min_bytes_s`` and ``timeout_s``.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._start, self._bytes = time.monotonic(), 0

    def problem_after(self, count: int) -> str:
        """Count bytes; return why the transfer is stuck, "" if it is not."""
        self._bytes += count
        seconds = time.monotonic() - self._start
        if seconds <= self._service.timeout_s:
            return ""
        size, self._start, self._bytes = self._bytes, time.monotonic(), 0
        if size >= self._service.min_bytes_s * seconds:
            return ""
        return f"sent {size:,} bytes in {seconds:,.0f} s, fewer than {self._service.min_bytes_s:g} a second"


class PoliteAdapter(HTTPAdapter):
    """Connections of a session that start requests one after another, with a timeout each.

    Parameters
    ----------
    service : Service
        Its connections, spacing and timeout.
    closed : Event
        Ends all waiting.

    Attributes
    ----------
    reach : Reach
        Whether the service has answered.
    """

    def __init__(self, service: Service, closed: threading.Event) -> None:
        self._service, self._closed = service, closed
        self._lock = threading.Lock()
        self._next_start = 0.0
        self.reach = Reach(service.attempts)
        super().__init__(pool_connections=2, pool_maxsize=service.connections, max_retries=0)

    def pause(self, seconds: float) -> bool:
        """Start no request within this time; return whether that is later than so far by a second or more."""
        with self._lock:
            until = time.monotonic() + seconds
            is_later = until > self._next_start + 1.0
            self._next_start = max(self._next_start, until)
            return is_later

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request of a library when it is its turn, and receive its answer up to the limits."""
        response = self.begin(request, *arguments, **options)
        try:
            body = b"".join(self._received(response.raw))
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ChunkedEncodingError(error) from error
        finally:
            response.close()
        response.raw = urllib3.HTTPResponse(
            io.BytesIO(body),
            {name: value for name, value in response.headers.items() if name.lower() not in _OF_TRANSFER},
            response.status_code,
            reason=response.reason,
            preload_content=False,
            decode_content=False,
        )
        return response

    def begin(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request when it is its turn; its body is left to the caller, who limits it."""
        while (seconds := self._turn()) > 0.0:
            if self._closed.wait(seconds):
                raise InterruptedFetchError
        options["timeout"] = options.get("timeout") or (_CONNECT_TIMEOUT_S, self._service.timeout_s)
        response = super().send(request, *arguments, **options)
        self.reach.answered()
        return response

    def _received(self, raw: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Body in parts, unpacked.

        Raises
        ------
        AnswerLimitError
            If it is too large or too slow.
        """
        pace, size = Pace(self._service), 0
        while block := raw.read1(_BLOCK, decode_content=True):
            if self._closed.is_set():
                raise InterruptedFetchError
            size += len(block)
            if size > MAX_LIBRARY_BYTES:
                raise AnswerLimitError(f"sent more than {MAX_LIBRARY_BYTES:,} bytes; no more are read")
            if problem := pace.problem_after(len(block)):
                raise AnswerLimitError(problem)
            yield block

    def _turn(self) -> float:
        """Take a turn and return 0, or return the seconds until the next one."""
        with self._lock:
            now = time.monotonic()
            if now < self._next_start:
                return self._next_start - now
            self._next_start = now + self._service.spacing_s
            return 0.0


def polite_session(
    service: Service, closed: threading.Event | None = None, adapter: PoliteAdapter | None = None
) -> requests.Session:
    """Session for a service, also for libraries that take one: spaced, verified, with timeouts and limits.

    Parameters
    ----------
    service : Service
        The service.
    closed : Event, optional
        Ends all waiting for a turn once it is set.
    adapter : PoliteAdapter, optional
        Its connections; made by default.

    Returns
    -------
    Session
        Without cookies, without passwords of ``.netrc``; proxies of the environment are used.
    """
    session = requests.Session()
    adapter = adapter or PoliteAdapter(service, closed or threading.Event())
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = USER_AGENT
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _without_password
    return session


def begun(session: requests.Session, address: str, headers: dict[str, str]) -> requests.Response:
    """Begin a GET; unlike a session's own, it neither follows nor reads a redirect.

    Raises
    ------
    RequestException
        Of the network, or if the address is none.
    """
    request = session.prepare_request(requests.Request("GET", address, headers=headers))
    target = request.url or address
    settings = session.merge_environment_settings(target, {}, True, None, None)
    adapter = session.get_adapter(target)
    start = adapter.begin if isinstance(adapter, PoliteAdapter) else adapter.send
    return start(request, **settings)


def _without_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from looking for a password in ``.netrc``."""
    return request
