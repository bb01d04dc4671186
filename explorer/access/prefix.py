"""Removal of a proxy's path prefix from requests, if the proxy has not removed it."""

from __future__ import annotations

from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine
from tornado.web import RequestHandler

from explorer.access.requests import Change

WITHOUT_SLASH = "/without-slash"
"""Path that requests of the bare prefix are mapped to; relative addresses need a trailing slash."""


def removal_of(prefix: str) -> Change:
    """Create the change that removes a prefix such as ``/mgiants`` from requests."""

    def remove(_: HTTPConnection, start_line: RequestStartLine, __: HTTPHeaders) -> RequestStartLine:
        path, mark, query = start_line.path.partition("?")
        return start_line._replace(path=without_prefix(path, prefix) + mark + query)

    return remove


def without_prefix(path: str, prefix: str) -> str:
    """A path without the prefix."""
    if path == prefix:
        return WITHOUT_SLASH
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else path


class AddSlash(RequestHandler):
    """Redirects from the bare prefix to the page below it.

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
