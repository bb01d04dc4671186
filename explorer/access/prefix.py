"""The path below which a proxy shows the server: removed from requests, where the proxy has not done so itself."""

from __future__ import annotations

from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine
from tornado.web import RequestHandler

from explorer.access.requests import Change

WITHOUT_SLASH = "/without-slash"
"""Where a request for the prefix itself is answered: relative addresses of a page need the slash at its end."""


def removal_of(prefix: str) -> Change:
    """What makes requests as if they were for the root of the host, of a prefix such as ``/mgiants``."""

    def remove(_: HTTPConnection, start_line: RequestStartLine, __: HTTPHeaders) -> RequestStartLine:
        path, mark, query = start_line.path.partition("?")
        return start_line._replace(path=without_prefix(path, prefix) + mark + query)

    return remove


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
