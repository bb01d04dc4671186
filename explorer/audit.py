"""Audit log: one line for each security-relevant act, with its user."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from dataclasses import dataclass

_LOG = logging.getLogger(__name__)
_MAX_VALUE_CHARACTERS = 200


@dataclass(frozen=True)
class Actor:
    """Visitor and page of a log line.

    Parameters
    ----------
    name : str
        User name, "" where none is known.
    session : str
        First characters of the session's id, "" outside of a page.
    """

    name: str = ""
    session: str = ""


ACTOR: ContextVar[Actor] = ContextVar("actor", default=Actor())  # noqa: B039 - it is frozen
"""Current visitor and page, set for each request and inherited by its tasks."""


def audit(event: str, **facts: object) -> None:
    """Log an event with its facts as ``name=value``.

    Parameters
    ----------
    event : str
        What was done, such as ``export`` or ``freeze``: a constant, never a visitor's text.
    facts : object
        Facts about the event. Values are written as JSON, so that none can imitate another fact or line.
    """
    _LOG.info("%s", " ".join([event, *(f"{name}={_written(value)}" for name, value in facts.items())]))


def _written(value: object) -> str:
    written = json.dumps(value, default=str)
    return written if len(written) <= _MAX_VALUE_CHARACTERS else json.dumps(f"{value!s:.{_MAX_VALUE_CHARACTERS}}...")
