"""Requests about tables of the user's own that are laid over views."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from explorer.model.overlay_tables import Style
from explorer.protocol.requests.base import Base64, Index, Name, Request


class OverlayFile(Request, frozen=True):
    """Lay a table over the views: a file in base64, or one that was uploaded in parts."""

    name: Name
    size: Index
    data: Base64 | None = None
    upload: str | None = None


class OverlayChange(Request, frozen=True):
    """Change a table over the views: its name, look, or the column at whose changes a new line begins."""

    name: Name
    label: Name | None = None
    style: Style | None = None
    colour: Annotated[str, Meta(max_length=20)] | None = None
    breaks: Name | None = None
    on: bool | None = None


class OverlayUse(Request, frozen=True):
    """Draw a column of a table for a column of the catalogue; "" draws none."""

    name: Name
    ours: Name
    theirs: Name


class OverlayForget(Request, frozen=True):
    """Remove a table from the views."""

    name: Name
