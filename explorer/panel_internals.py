"""Private names of Panel and Bokeh, each with its reason; a test fails when one of them no longer exists."""

from __future__ import annotations

from typing import Any

from bokeh.application.application import Application
from panel.io.server import Server
from tornado.httpserver import HTTPServer


def http_server_of(server: Server) -> HTTPServer:
    """Bokeh's HTTP server: a path prefix has to be removed before Tornado routes a request."""
    http: HTTPServer = server._http  # noqa: SLF001 - Bokeh has no public way to it
    return http


def application_of(session_context: Any) -> Application:
    """The application of a session: under ``panel serve`` requests are checked by a handler that is added to it."""
    application: Application = session_context.server_context.application_context.application
    return application
