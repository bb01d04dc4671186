"""HTTP sessions: requests start one after another, with timeouts, without cookies and passwords."""

from __future__ import annotations

import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from pipeline import __version__
from pipeline.sources.archives.profile import Service

USER_AGENT = f"mgiant-explorer/{__version__} ({requests.utils.default_user_agent()})"
_CONNECT_TIMEOUT_S = 30.0


class InterruptedFetchError(Exception):
    """The run ends: the transport was closed while a thread waited or received."""


class PoliteAdapter(HTTPAdapter):
    """Connections of a session that start requests one after another, with a timeout each.

    Parameters
    ----------
    service : Service
        Its connections, spacing and timeout.
    closed : Event
        Ends all waiting.
    """

    def __init__(self, service: Service, closed: threading.Event) -> None:
        self._service, self._closed = service, closed
        self._lock = threading.Lock()
        self._next_start = 0.0
        super().__init__(pool_connections=2, pool_maxsize=service.connections, max_retries=0)

    def pause(self, seconds: float) -> bool:
        """Start no request within this time; return whether that is later than so far by a second or more."""
        with self._lock:
            until = time.monotonic() + seconds
            is_later = until > self._next_start + 1.0
            self._next_start = max(self._next_start, until)
            return is_later

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request when it is its turn."""
        while (seconds := self._turn()) > 0.0:
            if self._closed.wait(seconds):
                raise InterruptedFetchError
        options["timeout"] = options.get("timeout") or (_CONNECT_TIMEOUT_S, self._service.timeout_s)
        return super().send(request, *arguments, **options)

    def _turn(self) -> float:
        """Take a turn and return 0, or return the seconds until the next one."""
        with self._lock:
            now = time.monotonic()
            if now < self._next_start:
                return self._next_start - now
            self._next_start = now + self._service.spacing_s
            return 0.0


def polite_session(service: Service, closed: threading.Event | None = None) -> requests.Session:
    """Session for a service, also for libraries that take one: spaced, verified, with timeouts.

    Parameters
    ----------
    service : Service
        The service.
    closed : Event, optional
        Ends all waiting for a turn once it is set.

    Returns
    -------
    Session
        Without cookies, without passwords of ``.netrc``; proxies of the environment are used.
    """
    session = requests.Session()
    adapter = PoliteAdapter(service, closed or threading.Event())
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = USER_AGENT
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _without_password
    return session


def _without_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from looking for a password in ``.netrc``."""
    return request
