"""Proxy headers: ``--proxied`` trusts two of them; others that Tornado reads may come from visitors."""

from __future__ import annotations

from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine

from explorer.panel_internals import believe_headers

NOT_BELIEVED = ("X-Real-Ip", "X-Scheme")
"""Untrusted headers that Tornado prefers to ``X-Forwarded-For`` and ``X-Forwarded-Proto``."""


def without_visitors_headers(
    connection: HTTPConnection, start_line: RequestStartLine, headers: HTTPHeaders
) -> RequestStartLine:
    """Remove :data:`NOT_BELIEVED` and determine address and protocol from the rest."""
    given = [name for name in NOT_BELIEVED if name in headers]
    for name in given:
        del headers[name]
    if given:
        believe_headers(connection, headers)
    return start_line
