"""Headers of a proxy: with ``--proxied`` two are believed; two more that Tornado knows come from visitors."""

from __future__ import annotations

from collections.abc import Awaitable

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from explorer.panel_internals import believe_headers

NOT_BELIEVED = ("X-Real-Ip", "X-Scheme")
"""Tornado prefers them to ``X-Forwarded-For`` and ``X-Forwarded-Proto``; proxies that do not set them pass them on."""


class ForwardedOnly(HTTPServerConnectionDelegate):
    """Hands requests on without the headers of :data:`NOT_BELIEVED`.

    Parameters
    ----------
    application : HTTPServerConnectionDelegate
        What answers.
    """

    def __init__(self, application: HTTPServerConnectionDelegate) -> None:
        self._application = application

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Watch a request's headers."""
        return _Message(self._application.start_request(server_conn, request_conn), request_conn)

    def on_close(self, server_conn: object) -> None:
        """Pass on that a connection was closed."""
        self._application.on_close(server_conn)


class _Message(HTTPMessageDelegate):
    def __init__(self, message: HTTPMessageDelegate, connection: HTTPConnection) -> None:
        self._message, self._connection = message, connection

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        given = [name for name in NOT_BELIEVED if name in headers]
        for name in given:
            del headers[name]
        if given:
            believe_headers(self._connection, headers)
        return self._message.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._message.data_received(chunk)

    def finish(self) -> None:
        self._message.finish()

    def on_connection_close(self) -> None:
        self._message.on_connection_close()
