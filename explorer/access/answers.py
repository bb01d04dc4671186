"""Short pages with one sentence, for refused requests."""

from __future__ import annotations

from importlib.resources import files
from typing import NoReturn

from tornado.template import Template
from tornado.web import Finish, RequestHandler

_FRAME = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def refuse(handler: RequestHandler, status: int, sentence: str) -> NoReturn:
    """Answer with one sentence.

    Parameters
    ----------
    handler : RequestHandler
        Handler of the request.
    status : int
        HTTP status code.
    sentence : str
        Plain text: what was found, and the remedy.

    Raises
    ------
    Finish
        Always, so that Tornado does no more.
    """
    handler.clear()
    handler.set_status(status)
    write_page(handler, "refused.html", sentence=sentence)
    handler.finish()
    raise Finish


def write_page(handler: RequestHandler, name: str, **values: object) -> None:
    """Write a page of ``assets/help`` without external resources, which cannot be framed.

    Parameters
    ----------
    handler : RequestHandler
        Handler of the request.
    name : str
        The template's file name.
    values : object
        Values of the template; Tornado escapes them.
    """
    text = (files("assets") / "help" / name).read_text("utf-8")
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.set_header("Cache-Control", "no-store")
    handler.set_header("Content-Security-Policy", _FRAME)
    handler.set_header("X-Frame-Options", "DENY")
    handler.write(Template(text).generate(**values))
