"""Limits of incoming messages: size before decoding, and server time of each page.

Bokeh's handler of websockets is extended here, the only place that touches it. A message that is too large or has too
many values closes its connection, as no page of the explorer sends such a one: larger files come in parts (see
:mod:`explorer.rooms.uploads`). A page that has used more than its share of the time is read more slowly, so that
its messages wait in its own connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import re
import time
import weakref
from collections.abc import Iterable

from bokeh.server.views.ws import WSHandler

from explorer.panel_internals import begins_message, hide_tracebacks

MAX_MESSAGE_BYTES = 2_000_000
"""Maximum size of one message with its arrays; the largest regular one has 0.7 MB."""

MAX_VALUES = 60_000
"""Maximum number of values and containers in one message; an outline of 10,000 corners has 20,000."""

MAX_DEPTH = 100
"""Maximum nesting depth of a message; regular ones have 20 levels."""

MAX_MESSAGES_A_SECOND = 200.0
"""Maximum rate of messages of one page, after a burst of as many."""

SHARE = 0.3
"""Maximum fraction of server time for one page while others are active, after :data:`BURST_S`."""

BURST_S = 0.3
ACTIVE_S = 2.0
"""Time in seconds for which a page counts as active after a message."""

_FRAGMENTS = 3  # of a message: header, metadata, content
_CLOSED = 1009
"""WebSocket close code: message too big (RFC 6455, 7.4.1)."""

_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_LOG = logging.getLogger(__name__)


class Meter:
    """Recent use of the server by one connection.

    Parameters
    ----------
    now : float
        Time, in seconds.
    others : iterable of Meter
        Those of all connections.
    """

    def __init__(self, now: float, others: Iterable[Meter] = ()) -> None:
        self._at, self._messages, self._seconds = now, 0.0, 0.0
        self._others = others

    def active(self, now: float) -> bool:
        """Whether the page has sent a message recently."""
        return now - self._at < ACTIVE_S

    def used(self, seconds: float, now: float) -> float:
        """Count the duration of a fragment; return the pause in seconds before the next one is read."""
        passed, self._at = max(now - self._at, 0.0), now
        self._messages = max(self._messages - passed * MAX_MESSAGES_A_SECOND, 0.0) + 1.0 / _FRAGMENTS
        self._seconds = max(self._seconds - passed * SHARE, 0.0) + seconds
        late = max((self._messages - MAX_MESSAGES_A_SECOND) / MAX_MESSAGES_A_SECOND, 0.0)
        if not any(meter.active(now) for meter in self._others if meter is not self):
            self._seconds = min(self._seconds, BURST_S)  # nobody waits for it
        return max(late, (self._seconds - BURST_S) / SHARE, 0.0)


_FRAGMENT_BYTES = 100
"""Bytes counted for each fragment, as empty ones use memory too."""

_SIZES: weakref.WeakKeyDictionary[WSHandler, int] = weakref.WeakKeyDictionary()
"""Bytes of the current message of each connection, including its arrays."""

_METERS: weakref.WeakKeyDictionary[WSHandler, Meter] = weakref.WeakKeyDictionary()
_ALL: weakref.WeakSet[Meter] = weakref.WeakSet()


def too_much(fragment: str | bytes) -> str:
    """Why a fragment of a message is not decoded; "" if it is.

    Values are counted by the signs that begin them or part them, wherever those are: in C, a millisecond a megabyte.
    """
    if len(fragment) > MAX_MESSAGE_BYTES:
        return f"a message of {len(fragment):,} bytes; at most {MAX_MESSAGE_BYTES:,} are read"
    if isinstance(fragment, str):
        values = sum(map(fragment.count, ",[{"))
        if values > MAX_VALUES:
            return f"a message of {values:,} values; at most {MAX_VALUES:,} are read"
        if sum(map(fragment.count, "[{")) > MAX_DEPTH and _depth(fragment) > MAX_DEPTH:
            return f"values nested more than {MAX_DEPTH} deep"
    return ""


def _depth(text: str) -> int:
    """Nesting depth of brackets, including those in texts."""
    depth = deepest = 0
    for sign in _NO_BRACKETS.sub("", text):
        depth += 1 if sign in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def guard() -> None:
    """Apply the limits to all messages from now on; repeated calls have no effect."""
    hide_tracebacks()
    decode = WSHandler.on_message
    if hasattr(decode, "__wrapped__"):
        return

    @functools.wraps(decode)
    async def on_message(self: WSHandler, fragment: str | bytes) -> None:
        before = 0 if begins_message(self) else _SIZES.get(self, 0)
        _SIZES[self] = size = before + len(fragment) + _FRAGMENT_BYTES
        reason = too_much(fragment)
        if not reason and size > MAX_MESSAGE_BYTES:
            reason = f"a message of {size:,} bytes in parts; at most {MAX_MESSAGE_BYTES:,} are read"
        if reason:
            _LOG.warning("A page's connection is closed: it sent %s.", reason)
            self.close(_CLOSED, "message too big")
            return
        meter = _METERS.get(self)
        if meter is None:
            meter = _METERS[self] = Meter(time.monotonic(), _ALL)
            _ALL.add(meter)
        began = time.thread_time()
        await decode(self, fragment)
        wait = meter.used(time.thread_time() - began, time.monotonic())
        if wait > 0.0:
            with contextlib.suppress(asyncio.CancelledError):  # the server ends; Tornado would log it as an error
                await asyncio.sleep(wait)

    WSHandler.on_message = on_message  # type: ignore[method-assign]
