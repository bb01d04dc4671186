"""Parts of a message on the look of the stars."""

from __future__ import annotations

from explorer.model.appearance import Appearance
from explorer.protocol.requests.base import Ends
from explorer.protocol.updates.base import MessagePart
from explorer.protocol.updates.figures import ScaleKind


class LookState(MessagePart, frozen=True):
    """Look of the stars, kind of their colours, usual colour map, and ends of a scale of values."""

    look: Appearance
    scale: ScaleKind
    usual_map: str
    ends: Ends | None
