"""``/health``: JSON on product and record, with status 503 if the product is damaged or missing.

``run_app.py`` serves it. Panel's own server takes it as a plugin: ``panel serve run_app.py --plugins
explorer.rooms.health --args PATH``.
"""

from __future__ import annotations

from typing import Any

from tornado.web import RequestHandler

from explorer.model.health import health


class HealthHandler(RequestHandler):
    """Answers from memory, without access to files or databases."""

    def get(self) -> None:
        """Report the state."""
        good, document = health()
        self.set_status(200 if good else 503)
        self.set_header("Cache-Control", "no-store")
        self.write(document)


ROUTES: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [(r"/health", HealthHandler, {})]
"""Routes for ``panel.serve(extra_patterns=...)`` and for ``panel serve --plugins``."""
