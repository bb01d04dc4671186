"""Repeats of requests: overloaded services and their Retry-After, and services out of reach."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_S = 10 * 365.25 * 86_400.0
_FIRST_ATTEMPTS = 2


class Reach:
    """Whether a service has answered in this run, and attempts of a request without a connection.

    A service that has answered has all attempts: the network may flap. Until then, the first request that finds it out
    of reach has one more attempt and the later ones have none, so that a wrong address or a missing network is reported
    within seconds.

    Parameters
    ----------
    attempts : int
        Attempts of a request to a service that has answered.
    """

    def __init__(self, attempts: int) -> None:
        self._all, self._first = attempts, min(attempts, _FIRST_ATTEMPTS)
        self._has_answered = False

    @property
    def attempts(self) -> int:
        """Attempts of a request that gets no connection."""
        return self._all if self._has_answered else self._first

    def answered(self) -> None:
        """Record that the service has answered."""
        self._has_answered = True

    def given_up(self) -> None:
        """Record that a request has been given up without a connection."""
        self._first = 1


def is_overload(status: int) -> bool:
    """Whether an HTTP status means that the service, not the request, is the problem."""
    return status in (408, 429, 502, 503, 504)


def retry_after_s(value: str, sent: str = "") -> float | None:
    """Seconds of a header ``Retry-After``, a number or an HTTP date (RFC 9110, 10.2.3).

    Parameters
    ----------
    value : str
        The header; "" where there is none.
    sent : str
        The header ``Date`` of the same answer, so that a wrong clock on either side does not count; "" for none.

    Returns
    -------
    float or None
        0 to ten years; None without a valid header.
    """
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_S)
    when = _date(text)
    if when is None:
        return None
    return min(max(0.0, (when - (_date(sent) or datetime.now(UTC))).total_seconds()), _LONGEST_S)


def _date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for offsets and years that no date has
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
