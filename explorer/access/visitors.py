"""Visitors and their sessions: a session serves its visitor only, and ends with the sign-in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from bokeh.util.token import get_session_id
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler

from explorer.audit import ACTOR, Actor, audit
from explorer.vetting.events import Authority

ENDED_CODE = 4401
"""Close code of a websocket whose visitor was signed out, in the range for applications (RFC 6455)."""

SHORT = 6
"""Number of characters of a session's id in the log."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Visitor:
    """The sender of a request.

    Parameters
    ----------
    key : str
        Key to which sessions are bound: ``user:NAME``, ``browser:RANDOM`` or ``owner``.
    name : str
        User name; "" where visitors have none.
    authority : Authority or None
        How the name was verified.
    sign_in : str
        Identifier of the sign-in that the cookie comes from.
    stamp : str
        The user's stamp when the cookie was made.
    until : float
        Unix time at which the sign-in ends, in seconds.
    """

    key: str
    name: str = ""
    authority: Authority | None = None
    sign_in: str = ""
    stamp: str = ""
    until: float = float("inf")


@dataclass(eq=False)
class _Session:
    visitor: Visitor
    expire: Callable[[], None]
    sockets: WeakSet[WebSocketHandler] = field(default_factory=WeakSet)
    ended: bool = False


class Sessions:
    """Active sessions of one server, each with its visitor."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def __len__(self) -> int:
        return sum(not item.ended for item in self._sessions.values())

    def begin(self, session_context: Any, visitor: Visitor) -> None:
        """Bind a new session to a visitor; call ``forget`` when it is destroyed.

        Parameters
        ----------
        session_context : SessionContext
            Bokeh's; its session exists only later.
        visitor : Visitor
            Owner of the session.
        """

        def expire() -> None:
            if session_context.session is not None:
                session_context.session.request_expiration()

        self._sessions[session_context.id] = _Session(visitor, expire)
        ACTOR.set(Actor(visitor.name, session_context.id[:SHORT]))

    def forget(self, session_id: str) -> None:
        """Drop a destroyed session."""
        self._sessions.pop(session_id, None)

    def admit(self, socket: WebSocketHandler, visitor: Visitor) -> bool:
        """Whether a websocket may join the session that its token names.

        A token whose session is gone makes a new one, for this visitor.

        Parameters
        ----------
        socket : WebSocketHandler
            At its handshake.
        visitor : Visitor
            Visitor of its cookies.
        """
        session_id = session_named_by(socket.request)
        if not session_id or not self.may_join(socket.request, visitor):
            return False
        if session_id in self._sessions:
            self._sessions[session_id].sockets.add(socket)
        ACTOR.set(Actor(visitor.name, session_id[:SHORT]))
        return True

    def may_join(self, request: HTTPServerRequest, visitor: Visitor) -> bool:
        """Whether the session that a handshake names is new or belongs to this visitor."""
        session = self._sessions.get(session_named_by(request))
        return session is None or (session.visitor.key == visitor.key and not session.ended)

    def end(self, why: str, ends: Callable[[Visitor], bool]) -> int:
        """End all sessions of some visitors: close their websockets and ignore further messages.

        Parameters
        ----------
        why : str
            For the log.
        ends : callable
            Which visitors may not stay.

        Returns
        -------
        int
            Number of ended sessions.
        """
        ended = {key: item for key, item in self._sessions.items() if not item.ended and ends(item.visitor)}
        for session_id, session in ended.items():
            audit("session ended", user=session.visitor.name, session=session_id[:SHORT], why=why)
            for socket in list(session.sockets):
                socket.on_message = _ignore  # type: ignore[method-assign,assignment]  # a page may go on sending for 5 s
                socket.close(ENDED_CODE, "signed out")
            session.expire()
            session.ended = True  # Bokeh destroys it some seconds later, and until then nobody may join it
        return len(ended)


def _ignore(_: str | bytes) -> None:
    """Ignore further messages."""


def session_named_by(request: HTTPServerRequest) -> str:
    """Session id in a websocket's token, before its signature is checked; "" without one.

    Parameters
    ----------
    request : HTTPServerRequest
        A handshake: ``Sec-WebSocket-Protocol: bokeh, TOKEN``.
    """
    protocols = [item.strip() for item in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if len(protocols) != 2:
        return ""
    try:
        return str(get_session_id(protocols[1]))
    except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
        _LOG.warning("Refused: a websocket whose token cannot be read.")
        return ""


def names_a_session(request: HTTPServerRequest) -> bool:
    """Whether an address or a header chooses its session, as a link of an attacker could."""
    asked = [name for name in ("bokeh-session-id", "bokeh-token") if name in request.arguments]
    return bool(asked) or "Bokeh-Session-Id" in request.headers


def is_current(visitor: Visitor) -> bool:
    """Whether a sign-in has not expired."""
    return time.time() < visitor.until


def address_of(handler: RequestHandler) -> str:
    """Address of the sender: that of the proxy's header with ``--proxied``, else of the connection."""
    return handler.request.remote_ip or ""
