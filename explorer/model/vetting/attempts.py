"""Failed sign-ins are counted, so that nobody guesses passwords or keeps the server busy with hashing them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

MOST_FAILURES, WITHIN_S = 5, 300.0
"""Failures for one name, within this time, that lock it."""
LOCKED_S = 60.0
MOST_FAILURES_A_MINUTE = 30
"""Over all names; more lock every name that is none of a user."""


class Attempts:
    """Failed sign-ins at one server.

    Parameters
    ----------
    clock : callable
        Gives seconds that never run backwards; tests set it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._by_name: dict[str, deque[float]] = {}
        self._all: deque[float] = deque(maxlen=MOST_FAILURES_A_MINUTE + 1)

    def locked(self, name: str, *, known: bool) -> bool:
        """Whether a name may not try now; ``known`` tells whether it is a user's."""
        now = self.clock()
        failures = self._by_name.get(name, deque())
        often = len(failures) == MOST_FAILURES and failures[-1] - failures[0] <= WITHIN_S
        if often and now - failures[-1] < LOCKED_S:
            return True
        return not known and len(self._all) > MOST_FAILURES_A_MINUTE and now - self._all[0] < 60.0

    def failed(self, name: str) -> None:
        """Count a failure; names without one of late are forgotten."""
        now = self.clock()
        self._by_name = {one: times for one, times in self._by_name.items() if now - times[-1] <= WITHIN_S}
        self._by_name.setdefault(name, deque(maxlen=MOST_FAILURES)).append(now)
        self._all.append(now)

    def succeeded(self, name: str) -> None:
        """Forget a name's failures."""
        self._by_name.pop(name, None)
