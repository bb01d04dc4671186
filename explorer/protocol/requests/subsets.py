"""Requests that change how named subsets are listed and painted."""

from __future__ import annotations

from typing import Literal

from explorer.protocol.requests.base import Name, Request


class ShowSubset(Request, frozen=True):
    """Paint a named subset, or do not."""

    name: Name
    visible: bool


class ColourSubset(Request, frozen=True):
    """Change the colour of a named subset."""

    name: Name
    colour: Name


class RenameSubset(Request, frozen=True):
    """Rename a named subset."""

    name: Name
    new: Name


class MoveSubset(Request, frozen=True):
    """Move a named subset up or down in the order in which subsets colour their stars."""

    name: Name
    by: Literal[-1, 1]
