"""Checks of each request before a page opens: its visitor, and the owner of the session it names."""

from __future__ import annotations

import hmac
import logging
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bokeh.application.handlers.handler import Handler
from bokeh.document import Document
from bokeh.server.auth_provider import AuthProvider
from tornado.httputil import HTTPServerRequest
from tornado.web import Finish, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

from explorer.access.answers import refuse
from explorer.access.cookies import Cookies, derived
from explorer.access.visitors import Sessions, Visitor, address_of, names_a_session
from explorer.audit import ACTOR, Actor, audit
from explorer.vetting.events import Authority

BROWSER_DAYS = 400.0
"""Lifetime in days of a cookie without a user name, the longest that browsers accept."""
TOKEN_DAYS = 30.0
CODE_S = 120.0
"""Lifetime in seconds of the single-use address that is passed to a browser."""

SESSION_NAMED = (
    "This address names a session, perhaps that of another user, so it is refused. Open the explorer's own address."
)
WITHOUT_ACCESS = (
    "This explorer belongs to one account of this machine: open the address with the token, which run_app.py printed "
    "in its terminal."
)
_ESTABLISHED = "01"
_LOG = logging.getLogger(__name__)


class Guard(AuthProvider):
    """Identifies the visitor of each request and binds sessions to visitors.

    Parameters
    ----------
    sessions : Sessions
        Living sessions of this server.
    """

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        super().__init__()

    @property
    def login_url(self) -> str:
        """Address of the sign-in form."""
        return "/login"

    @property
    def get_user(self) -> Callable[[RequestHandler], Visitor | None]:  # type: ignore[override]  # Bokeh passes the handler
        """Function that Bokeh calls for each page, websocket and script."""
        return self.admitted

    def admitted(self, handler: RequestHandler) -> Visitor | None:
        """The visitor of a request; None if it is redirected to the sign-in, or its websocket refused."""
        if names_a_session(handler.request):
            audit("refused", what="an address that names a session", address=address_of(handler))
            if isinstance(handler, WebSocketHandler):
                return None
            refuse(handler, 403, SESSION_NAMED)
        visitor = self.visitor_of(handler)
        if visitor is None:
            return None
        ACTOR.set(Actor(visitor.name))
        if isinstance(handler, WebSocketHandler) and not self.sessions.admit(handler, visitor):
            audit("refused", what="a websocket to a session of another visitor", address=address_of(handler))
            return None
        handler.request.visitor = visitor  # type: ignore[attr-defined]  # the session's request carries it
        return visitor

    def visitor_of(self, handler: RequestHandler) -> Visitor | None:
        """The visitor that the cookies of a request name."""
        raise NotImplementedError

    def is_welcome(self, visitor: Visitor) -> bool:
        """Whether the visitor of a session may stay."""
        raise NotImplementedError

    def sweep(self) -> None:
        """End the sessions of visitors who may not stay."""
        self.sessions.end("the sign-in is no longer valid", lambda visitor: not self.is_welcome(visitor))


class BrowserGuard(Guard):
    """Anonymous visitors; a session belongs to the browser that it was created for.

    Parameters
    ----------
    sessions : Sessions
        Living sessions.
    cookies : Cookies
        Attributes of cookies.
    """

    def __init__(self, sessions: Sessions, cookies: Cookies) -> None:
        self.cookies, self._name = cookies, f"mgiant-browser-{cookies.suffix}"
        super().__init__(sessions)

    def visitor_of(self, handler: RequestHandler) -> Visitor | None:
        """The browser, which gets a cookie with its first page."""
        browser = self.cookies.get(handler, self._name, BROWSER_DAYS)
        if not browser:
            if isinstance(handler, WebSocketHandler):
                return None
            browser = secrets.token_urlsafe(24)
            self.cookies.set(handler, self._name, browser, BROWSER_DAYS)
        return Visitor(f"browser:{browser}")

    def is_welcome(self, visitor: Visitor) -> bool:
        """True for all visitors."""
        return bool(visitor.key)


class OwnerGuard(Guard):
    """The single user of a computer, whose other accounts do not have the token.

    Parameters
    ----------
    sessions : Sessions
        Living sessions.
    cookies : Cookies
        Attributes of cookies.
    name : str
        The name that the record keeps.
    secret : str
        Secret from which the token is derived; "" disables the token.
    clock : callable
        Monotonic clock in seconds; tests replace it.
    """

    def __init__(
        self, sessions: Sessions, cookies: Cookies, name: str, secret: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.cookies, self.name = cookies, name
        self.token = derived(secret, b"token of the address")[:32] if secret else ""
        self._good_for_cookie = derived(self.token, b"cookie")[:32]
        self._clock = clock
        self._codes: dict[str, float] = {}
        super().__init__(sessions)

    def code(self) -> str:
        """Single-use code, valid for two minutes, as other accounts may see the command line with it."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = self._clock() + CODE_S
        return code

    def visitor_of(self, handler: RequestHandler) -> Visitor | None:
        """The owner; an address with the token sets a cookie and redirects to the address without it."""
        owner = Visitor("owner", self.name, Authority.SINGLE_USER)
        if not self.token:
            return owner
        # Cookies do not know ports: each server of this machine has its own by the port that the browser sees.
        name = f"mgiant-access-{handler.request.host.rpartition(':')[2] or '80'}"
        socket_asked = isinstance(handler, WebSocketHandler)
        given = "" if socket_asked else handler.get_query_argument("token", "")
        if given and self._opens(given, handler):
            self.cookies.set(handler, name, self._good_for_cookie, TOKEN_DAYS)
            handler.redirect(_without_token(handler.request))
            raise Finish
        if hmac.compare_digest(self.cookies.get(handler, name, TOKEN_DAYS), self._good_for_cookie):
            return owner
        if not socket_asked:
            audit("refused", what="a page without the token", address=address_of(handler))
            refuse(handler, 403, WITHOUT_ACCESS)
        return None

    def is_welcome(self, visitor: Visitor) -> bool:
        """True for the owner."""
        return visitor.key == "owner"

    def _opens(self, given: str, handler: RequestHandler) -> bool:
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return True
        until = self._codes.pop(given, 0.0)
        if self._clock() >= until:
            return False
        owner = account_of(handler)
        if owner is not None and owner != account_of_this_process():
            _LOG.warning("Refused: account %s of this machine used the address that was passed to the browser.", owner)
            return False
        return True


def account_of_this_process() -> int:
    """User id of the account that runs this server."""
    return Path("/proc/self").stat().st_uid


def account_of(handler: RequestHandler) -> int | None:
    """User id at the other end of a local connection; None if the system does not provide it.

    Linux lists in ``/proc/net/tcp`` and ``tcp6`` whose each socket is (proc(5)).
    """
    stream = getattr(handler.request.connection, "stream", None)
    if stream is None or stream.socket is None:
        return None
    peer, port = stream.socket.getpeername()[1], stream.socket.getsockname()[1]
    for table in ("tcp6" if stream.socket.family == socket.AF_INET6 else "tcp", "tcp6", "tcp"):
        try:
            lines = Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]
        except OSError:
            return None
        for line in lines:
            fields = line.split()
            if fields[3] == _ESTABLISHED and fields[1].endswith(f":{peer:04X}") and fields[2].endswith(f":{port:04X}"):
                return int(fields[7])
    return None


def _without_token(request: HTTPServerRequest) -> str:
    """A request's address without the token, relative to its page, as the path prefix is unknown."""
    _, _, query = (request.uri or "").partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("token=")]
    return "./" + (f"?{'&'.join(kept)}" if kept else "")


class HostedBinding(Handler):
    """Refuses requests that name a session of another user under ``panel serve``.

    Parameters
    ----------
    sessions : Sessions
        Living sessions.
    user_of : callable
        The visitor that a request's cookies name.
    """

    def __init__(self, sessions: Sessions, user_of: Callable[[HTTPServerRequest], Visitor]) -> None:
        super().__init__()
        self._sessions, self._user_of = sessions, user_of

    def modify_document(self, doc: Document) -> None:
        """Leave documents unchanged."""

    def process_request(self, request: HTTPServerRequest) -> dict[str, Any]:
        """Called by Bokeh for each page, and by Panel for each websocket before it joins a session."""
        if names_a_session(request):
            raise HTTPError(403, reason="This address names a session")
        if "Sec-WebSocket-Protocol" in request.headers and not self._sessions.may_join(request, self._user_of(request)):
            audit("refused", what="a websocket to a session of another visitor", address=request.remote_ip)
            raise HTTPError(403, reason="This session is of another visitor")
        return {}
