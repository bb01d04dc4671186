"""The path below which a proxy shows the server: removed from requests, where the proxy has not done so itself."""

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
from tornado.web import RequestHandler

WITHOUT_SLASH = "/without-slash"
"""Where a request for the prefix itself is answered: relative addresses of a page need the slash at its end."""


class PrefixRemoved(HTTPServerConnectionDelegate):
    """Hands requests on, as if they were for the root of the host.

    Parameters
    ----------
    application : HTTPServerConnectionDelegate
        What answers.
    prefix : str
        Such as ``/mgiants``.
    """

    def __init__(self, application: HTTPServerConnectionDelegate, prefix: str) -> None:
        self._application, self._prefix = application, prefix

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Watch a request's first line."""
        return _Message(self._application.start_request(server_conn, request_conn), self._prefix)

    def on_close(self, server_conn: object) -> None:
        """Pass on that a connection was closed."""
        self._application.on_close(server_conn)


class _Message(HTTPMessageDelegate):
    def __init__(self, message: HTTPMessageDelegate, prefix: str) -> None:
        self._message, self._prefix = message, prefix

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if isinstance(start_line, RequestStartLine):
            path, mark, query = start_line.path.partition("?")
            start_line = start_line._replace(path=without_prefix(path, self._prefix) + mark + query)
        return self._message.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._message.data_received(chunk)

    def finish(self) -> None:
        self._message.finish()

    def on_connection_close(self) -> None:
        self._message.on_connection_close()


def without_prefix(path: str, prefix: str) -> str:
    """A path as the application knows it."""
    if path == prefix:
        return WITHOUT_SLASH
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else path


class AddSlash(RequestHandler):
    """Leads from the prefix itself to the page below it.

    Parameters
    ----------
    prefix : str
        Such as ``/mgiants``.
    """

    def initialize(self, prefix: str) -> None:  # noqa: D102 - Tornado's constructor
        self._prefix = prefix

    def get(self) -> None:
        """Redirect."""
        self.redirect(f"{self._prefix}/" + (f"?{self.request.query}" if self.request.query else ""))
