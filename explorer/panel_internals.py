"""Private names of Panel, Bokeh and Tornado, each with its reason; a test fails when one of them no longer exists."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bokeh.application.application import Application
from bokeh.core.types import ID
from bokeh.document import Document
from bokeh.io import doc as current_documents
from bokeh.protocol.messages.error import error
from bokeh.server.views.ws import WSHandler
from panel.io.server import Server
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPHeaders


def http_server_of(server: Server) -> HTTPServer:
    """Bokeh's HTTP server: a path prefix has to be removed before Tornado routes a request."""
    http: HTTPServer = server._http  # noqa: SLF001 - Bokeh has no public way to it
    return http


def believe_headers(connection: HTTPConnection, headers: HTTPHeaders) -> None:
    """Take address and protocol of a request from a proxy's headers anew, once some were removed."""
    of_tornado: Any = connection  # an HTTP1Connection
    context = of_tornado.context
    context._unapply_xheaders()  # noqa: SLF001 - Tornado has believed the headers by then
    context._apply_xheaders(headers)  # noqa: SLF001


def application_of(session_context: Any) -> Application:
    """The application of a session: under ``panel serve`` requests are checked by a handler that is added to it."""
    application: Application = session_context.server_context.application_context.application
    return application


def begins_message(handler: WSHandler) -> bool:
    """Whether the next fragment of a websocket is the first one of a message."""
    receiver: Any = handler.receiver
    return bool(receiver._current_consumer == receiver._HEADER)  # noqa: SLF001 - only the receiver knows


def hide_tracebacks() -> None:
    """Answer messages that fail without the traceback, which names folders of this machine; the log has it."""
    create = error.create
    if hasattr(create, "__wrapped__"):
        return

    @functools.wraps(create)
    def without_traceback(request_id: ID, text: str, **metadata: Any) -> error:
        made = create(request_id, text, **metadata)
        made.content["traceback"] = None
        return made

    kind: Any = error
    kind.create = without_traceback


@contextmanager
def current_document(document: Document) -> Iterator[None]:
    """Make a document the current one; unlike Bokeh's own, also when an error leaves the block."""
    stack = current_documents._PATCHED_CURDOCS  # noqa: SLF001 - where Bokeh looks for it
    stack.append(weakref.ref(document))
    try:
        yield
    finally:
        stack.pop()


def leave_documents_after_errors() -> None:
    """Use :func:`current_document` for Bokeh's: a message that fails leaves its document current for everybody else."""
    current_documents.patch_curdoc = current_document  # type: ignore[assignment]  # no unlocked documents here
