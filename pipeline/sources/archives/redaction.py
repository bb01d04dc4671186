"""Access tokens: taken from the environment, sent to their archive, and removed from every text.

This is the only place where a token becomes text. It is never part of a request of the plan, and loggers of the HTTP
libraries, which write addresses at level DEBUG, pass through a filter.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "[token]"
"""Text in the place of a token."""

_LOGGERS = ("urllib3", "requests", "http")
_MIN_LENGTH = 4
_ESCAPE = re.compile("%[0-9A-F]{2}")
_MAX_QUOTINGS = 4


class TokenError(ValueError):
    """A token of the environment cannot be used; the message names the variable, never the token."""


class Token:
    """A token of a service.

    Parameters
    ----------
    variable : str
        Environment variable that holds it; "" for a service that takes none.
    environment : mapping of str to str
        Environment variables.

    Raises
    ------
    TokenError
        If it has less than 4 characters or one that no token has.
    """

    __slots__ = ("__text", "variable")

    def __init__(self, variable: str, environment: Mapping[str, str] = os.environ) -> None:
        self.variable = variable
        self.__text = environment.get(variable, "").strip() if variable else ""
        if not self.__text:
            return
        if len(self.__text) < _MIN_LENGTH or not self.__text.isascii() or not self.__text.isprintable():
            raise TokenError(
                f"{variable} holds no token, which has {_MIN_LENGTH} plain characters or more. Set or unset it."
            )
        _filter_loggers(self)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __repr__(self) -> str:
        return f"Token({self.variable!r})"

    def __reduce__(self) -> tuple[Any, ...]:  # a copy in another process reads its own environment
        return Token, (self.variable,)

    def added_to(self, address: str) -> str:
        """Address with the token as a parameter, for sending only."""
        if not self.__text:
            return address
        return f"{address}{'&' if '?' in address else '?'}token={quote(self.__text, safe='')}"

    def hidden_in(self, text: str) -> str:
        """Text without the token, in plain form and as addresses write it."""
        if not self.__text:
            return text
        forms = {self.__text, quote(self.__text, safe=""), quote(self.__text), quote_plus(self.__text)}
        forms |= {_ESCAPE.sub(lambda escape: escape[0].lower(), form) for form in forms}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        return text

    def is_in(self, text: str) -> bool:
        """Whether a text contains the token, in plain form or as addresses write it, also more than once."""
        for _ in range(_MAX_QUOTINGS):
            if self.hidden_in(text) != text:
                return True
            text = unquote(text)
        return False


class _TokenFilter(logging.Filter):
    """Remove a token from records of a logger."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token = token

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.token.hidden_in(record.getMessage()), ()
        record.exc_info, record.exc_text = None, None
        return True


def _filter_loggers(token: Token) -> None:
    """Filter all loggers of the HTTP libraries; a filter on a parent does not see the records of its children."""
    for name in [*_LOGGERS, *logging.root.manager.loggerDict]:
        logger = logging.getLogger(name)
        if name.partition(".")[0] not in _LOGGERS:
            continue
        present = [item for item in logger.filters if isinstance(item, _TokenFilter)]
        for item in present:
            if item.token.variable == token.variable:
                logger.removeFilter(item)
        logger.addFilter(_TokenFilter(token))
