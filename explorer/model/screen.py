"""Drag tools and themes, shared by state, messages and pages."""

from __future__ import annotations

from enum import StrEnum


class DragTool(StrEnum):
    """Meaning of a drag in a view."""

    BOX = "box"
    LASSO = "lasso"
    POLYGON = "polygon"
    PAN = "pan"


class Theme(StrEnum):
    """Colours of a page."""

    LIGHT = "light"
    DARK = "dark"

    @classmethod
    def of(cls, *, dark: bool) -> Theme:
        """Theme of a light or a dark page."""
        return cls.DARK if dark else cls.LIGHT
