"""Decoding of requests: unknown and malformed ones are refused here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from explorer.protocol.requests import REQUESTS, Request


class UnknownRequestError(ValueError):
    """A message of a kind that no page sends."""


class MalformedRequestError(ValueError):
    """A message of a known kind with a field that is missing, unknown or of another type."""


def decode(data: object) -> Request:
    """Decode a message of the page.

    Parameters
    ----------
    data : object
        What came over the wire.

    Raises
    ------
    UnknownRequestError
        If it is no mapping with a known kind.
    MalformedRequestError
        If a field is missing, unknown, of another type, or a number that is not finite.
    """
    kind = data.get("kind") if isinstance(data, dict) else None
    request = REQUESTS.get(kind) if isinstance(kind, str) else None
    if request is None:
        raise UnknownRequestError(f"no page sends {data!r:.200}")
    try:
        decoded = msgspec.convert(data, request)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise MalformedRequestError(f"{kind}: {error!s:.300}") from error
    for number in _numbers(data):
        if not math.isfinite(number):
            raise MalformedRequestError(f"{kind}: a number is {number}")
    return decoded


def _numbers(value: Any) -> Iterator[float]:
    """Every number inside a decoded message, which is no deeper than its type."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
