"""Decoding of requests: unknown and malformed ones are refused here."""

from __future__ import annotations

import math
import re
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
        If a field is missing, unknown, or of another type, a number is not finite, or a text has half of a character.
    """
    kind = data.get("kind") if isinstance(data, dict) else None
    request = REQUESTS.get(kind) if isinstance(kind, str) else None
    if request is None:
        raise UnknownRequestError(f"no page sends {data!r:.200}")
    try:
        decoded = msgspec.convert(data, request)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise MalformedRequestError(f"{kind}: {error!s:.300}") from error
    for value in _values(data):
        if isinstance(value, float):
            if not math.isfinite(value):
                raise MalformedRequestError(f"{kind}: a number is {value}")
        elif not value.isascii() and _HALF.search(value):
            raise MalformedRequestError(f"{kind}: a text has half of a character, which cannot be stored")
    return decoded


_HALF = re.compile("[\ud800-\udfff]")
"""Surrogates: JSON can escape them, and no encoding can write them."""


def _values(value: Any) -> Iterator[float | str]:
    """Every number and text inside a decoded message, which is no deeper than its type."""
    if isinstance(value, float | str):
        yield value
    elif isinstance(value, dict):
        for item in (*value, *value.values()):
            yield from _values(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _values(item)
