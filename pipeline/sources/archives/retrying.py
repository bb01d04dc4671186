"""Answers of an overloaded service: which they are, and how long it asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def is_overload(status: int) -> bool:
    """Whether an HTTP status means that the service, not the request, is the problem."""
    return status in (408, 429, 502, 503, 504)


def retry_after_s(value: str) -> float | None:
    """Seconds of a header ``Retry-After``, a number or an HTTP date (RFC 9110, 10.2.3).

    Parameters
    ----------
    value : str
        The header; "" where there is none.

    Returns
    -------
    float or None
        0 or more; None without a valid header.
    """
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
