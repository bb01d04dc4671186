"""A Tornado application with a hook that changes request headers before they are processed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

Change: TypeAlias = Callable[[HTTPConnection, RequestStartLine, HTTPHeaders], RequestStartLine]
"""Function that returns the changed start line and changes the headers in place."""


class ChangedRequests(HTTPServerConnectionDelegate):
    """Pass changed requests on to an application.

    Parameters
    ----------
    application : HTTPServerConnectionDelegate
        Application that answers.
    change : callable
        Change of the start line and the headers of each request.
    """

    def __init__(self, application: HTTPServerConnectionDelegate, change: Change) -> None:
        self._application, self._change = application, change

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Start a request of a connection."""
        return _Message(self._application.start_request(server_conn, request_conn), request_conn, self._change)

    def on_close(self, server_conn: object) -> None:
        """Report that a connection was closed."""
        self._application.on_close(server_conn)


class _Message(HTTPMessageDelegate):
    def __init__(self, message: HTTPMessageDelegate, connection: HTTPConnection, change: Change) -> None:
        self._message, self._connection, self._change = message, connection, change

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if isinstance(start_line, RequestStartLine):
            start_line = self._change(self._connection, start_line, headers)
        return self._message.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._message.data_received(chunk)

    def finish(self) -> None:
        self._message.finish()

    def on_connection_close(self) -> None:
        self._message.on_connection_close()
