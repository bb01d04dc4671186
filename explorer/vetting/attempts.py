"""Rate limits of failed sign-ins, counted by user name and origin so that nobody can lock out others."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

FREE_FAILURES = 5
"""Failures of one name from one origin without a pause; each further one doubles the pause."""
MAX_PAUSE_S = 60.0
FREE_FAILURES_OF_ADDRESS = 20
"""Failures of one address, for any names, that are answered without delay."""
MAX_DELAY_S = 5.0
FORGOTTEN_S = 900.0
MAX_COUNTERS = 10_000
"""Maximum number of counters of each kind; the least recently used are dropped first."""

Key = TypeVar("Key")


@dataclass
class _Failures:
    count: int
    last_s: float


class Attempts:
    """Counters of failed sign-ins at one server.

    Two counters slow guesses down, and neither refuses a right password of a user at another address or in a browser
    that the user has signed in with before: a *pause* for the same name from the same origin (an address, or a known
    browser), and a *delay* of the answers to an address that fails for many names.

    Parameters
    ----------
    clock : callable
        Monotonic clock in seconds; tests replace it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._pairs: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()

    def pause_s(self, name: str, origin: str) -> float:
        """Seconds until this origin may try this name again; 0 when it may now.

        Parameters
        ----------
        name : str
            User name as it was typed.
        origin : str
            Address, or what identifies a known browser.
        """
        failures = self._pairs.get((name, origin))
        if failures is None or failures.count < FREE_FAILURES:
            return 0.0
        pause = min(2.0 ** min(failures.count - FREE_FAILURES, 10), MAX_PAUSE_S)
        return max(0.0, failures.last_s + pause - self.clock())

    def delay_s(self, address: str) -> float:
        """Seconds by which an answer to an address is delayed."""
        failures = self._addresses.get(network_of(address))
        if failures is None or self.clock() - failures.last_s > FORGOTTEN_S:
            return 0.0
        return min(0.1 * max(0, failures.count - FREE_FAILURES_OF_ADDRESS), MAX_DELAY_S)

    def failed(self, name: str, origin: str, address: str) -> None:
        """Count a failure."""
        now = self.clock()
        _count(self._pairs, (name, origin), now)
        _count(self._addresses, network_of(address), now)

    def succeeded(self, name: str, origin: str) -> None:
        """Forget the failures of a name from an origin."""
        self._pairs.pop((name, origin), None)


def network_of(address: str) -> str:
    """The network that counts as one address: an IPv4 address, or the /64 prefix of an IPv6 address.

    Parameters
    ----------
    address : str
        Address of the connection; text that is not an address is returned as it is.
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((int(known), 64), strict=False))
    return str(known)


def _count(counters: OrderedDict[Key, _Failures], key: Key, now: float) -> None:
    """Add a failure to a counter, and drop counters that are old or too many."""
    failures = counters.pop(key, None)
    if failures is None or now - failures.last_s > FORGOTTEN_S:
        failures = _Failures(0, now)
    failures.count, failures.last_s = failures.count + 1, now
    counters[key] = failures
    while len(counters) > MAX_COUNTERS or now - next(iter(counters.values())).last_s > FORGOTTEN_S:
        counters.popitem(last=False)
