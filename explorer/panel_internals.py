"""Private names of Panel, Bokeh and Tornado, with reasons; tests fail if one disappears."""

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
    """Bokeh's HTTP server, whose requests are changed before Tornado routes them."""
    http: HTTPServer = server._http  # noqa: SLF001 - Bokeh has no public way to it
    return http


def believe_headers(connection: HTTPConnection, headers: HTTPHeaders) -> None:
    """Update address and protocol of a request from the remaining proxy headers."""
    of_tornado: Any = connection  # an HTTP1Connection
    context = of_tornado.context
    context._unapply_xheaders()  # noqa: SLF001 - Tornado has believed the headers by then
    context._apply_xheaders(headers)  # noqa: SLF001


def application_of(session_context: Any) -> Application:
    """The application of a session, to which a handler is added under ``panel serve``."""
    application: Application = session_context.server_context.application_context.application
    return application


def begins_message(handler: WSHandler) -> bool:
    """Whether the next fragment of a websocket is the first one of a message."""
    receiver: Any = handler.receiver
    return bool(receiver._current_consumer == receiver._HEADER)  # noqa: SLF001 - only the receiver knows


def hide_tracebacks() -> None:
    """Answer failed messages without the traceback, which names local folders; it is logged."""
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
    """Make a document current inside the block, and restore the previous one also after an error."""
    stack = current_documents._PATCHED_CURDOCS  # noqa: SLF001 - where Bokeh looks for it
    stack.append(weakref.ref(document))
    try:
        yield
    finally:
        stack.pop()


def leave_documents_after_errors() -> None:
    """Use :func:`current_document` in Bokeh, which keeps a document current after an error."""
    current_documents.patch_curdoc = current_document  # type: ignore[assignment]  # no unlocked documents here
