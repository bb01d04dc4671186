"""Scripts of the pages, each one module that browsers get by address and keep.

The address holds the hash of the text, so a changed script has another address and no browser shows a stale one.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tornado.web import HTTPError, RequestHandler

from explorer.rooms.script_modules import joined

FOLDER = "scripts"
"""Where scripts are served, below the page."""

KEEP_S = 365 * 24 * 3600
_HASH_DIGITS = 32

_texts: dict[str, str] = {}
_by_address = False


def page_script(entry: str) -> str:
    """Join a module of ``assets/js`` with all that it imports, and keep the text for :class:`ScriptHandler`."""
    text = joined(entry)
    _texts[hash_of(text)] = text
    return text


def hash_of(text: str) -> str:
    """Return the name under which a script is served."""
    return sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def serve_by_address() -> None:
    """Let pages ask for their scripts: the server of this process has the routes of :data:`SCRIPT_ROUTES`."""
    global _by_address  # noqa: PLW0603 - a process has one server
    _by_address = True


def script_properties(text: str) -> dict[str, str]:
    """Return the properties with which Panel's model loads a script of :func:`page_script`.

    Without the routes (``panel serve``) the text travels in the document, marked as a ready bundle: else each browser
    compiles it as TypeScript first.
    """
    if _by_address:
        return {"bundle": "url", "esm": f"./{FOLDER}/{hash_of(text)}.js"}
    return {"bundle": hash_of(text)}


class ScriptHandler(RequestHandler):
    """Serves a script of the pages. Scripts hold no data, so that they are the same for every visitor."""

    def get(self, name: str) -> None:
        """Send the script; Tornado adds its ETag and answers 304 to a browser that has it."""
        text = _texts.get(name)
        if text is None:
            raise HTTPError(404, "No such script")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", f"public, max-age={KEEP_S}, immutable")
        self.write(text)


SCRIPT_ROUTES: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
    (rf"/{FOLDER}/([0-9a-f]{{{_HASH_DIGITS}}})\.js", ScriptHandler, {})
]
