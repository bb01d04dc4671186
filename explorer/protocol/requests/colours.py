"""The request that changes the look of the stars."""

from __future__ import annotations

from explorer.model.appearance import Appearance
from explorer.protocol.requests.base import Request


class Restyle(Request, frozen=True):
    """Change the colour scale, size and opacity of the stars."""

    look: Appearance
