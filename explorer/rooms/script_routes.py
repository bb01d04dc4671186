"""Plugin that serves the scripts by address under ``panel serve``.

``run_app.py`` has these routes without it. A plugin is imported before the first page, which is told that they exist.
"""

from __future__ import annotations

from explorer.rooms.scripts import SCRIPT_ROUTES, serve_by_address

ROUTES = SCRIPT_ROUTES
"""Where Panel looks for them."""

serve_by_address()
