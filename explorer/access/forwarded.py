"""Headers of a proxy: with ``--proxied`` two are believed; two more that Tornado knows come from visitors."""

from __future__ import annotations

from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine

from explorer.panel_internals import believe_headers

NOT_BELIEVED = ("X-Real-Ip", "X-Scheme")
"""Tornado prefers them to ``X-Forwarded-For`` and ``X-Forwarded-Proto``; proxies that do not set them pass them on."""


def without_visitors_headers(
    connection: HTTPConnection, start_line: RequestStartLine, headers: HTTPHeaders
) -> RequestStartLine:
    """Remove the headers of :data:`NOT_BELIEVED`; address and protocol are taken anew from those that are left."""
    given = [name for name in NOT_BELIEVED if name in headers]
    for name in given:
        del headers[name]
    if given:
        believe_headers(connection, headers)
    return start_line
