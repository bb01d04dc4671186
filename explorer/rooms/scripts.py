"""Scripts of the pages: one module each, served by address and cached by browsers.

The address holds the hash of the text, so a changed script has another address and no browser shows a stale one.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tornado.web import HTTPError, RequestHandler

from explorer.rooms.script_modules import joined

FOLDER = "scripts"
"""Path of the scripts, relative to the page."""

KEEP_S = 365 * 24 * 3600
_HASH_DIGITS = 32

_texts: dict[str, str] = {}
_by_address = False


def page_script(entry: str) -> str:
    """Bundle a module of ``assets/js``, and store the text for :class:`ScriptHandler`."""
    text = joined(entry)
    _texts[hash_of(text)] = text
    return text


def hash_of(text: str) -> str:
    """Return the served name of a script."""
    return sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def serve_by_address() -> None:
    """Let pages request scripts by address, as this server has :data:`SCRIPT_ROUTES`."""
    global _by_address  # noqa: PLW0603 - a process has one server
    _by_address = True


def script_properties(text: str) -> dict[str, str]:
    """Return the properties of Panel's model for a script of :func:`page_script`.

    Without the routes (``panel serve`` without its plugin) the text travels in the document, marked as a ready bundle:
    else each browser compiles it as TypeScript first.
    """
    if _by_address:
        return {"bundle": "url", "esm": f"./{FOLDER}/{hash_of(text)}.js"}
    return {"bundle": hash_of(text)}


class ScriptHandler(RequestHandler):
    """Serves the scripts, which contain no data and are equal for all visitors."""

    def get(self, name: str) -> None:
        """Send the script; Tornado adds the ETag and answers 304 to cached requests."""
        text = _texts.get(name)
        if text is None:
            raise HTTPError(404, "No such script")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", f"public, max-age={KEEP_S}, immutable")
        self.write(text)


SCRIPT_ROUTES: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
    (rf"/{FOLDER}/([0-9a-f]{{{_HASH_DIGITS}}})\.js", ScriptHandler, {})
]
