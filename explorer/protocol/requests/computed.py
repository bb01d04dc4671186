"""Requests about computed columns."""

from __future__ import annotations

from explorer.protocol.requests.base import Index, Name, Request, Text


class CheckColumn(Request, frozen=True):
    """Check the expression of a computed column while it is typed."""

    text: Text
    cursor: Index
    unit: Name = ""


class DefineColumn(Request, frozen=True):
    """Add a computed column, or change the one that it replaces."""

    name: Name
    text: Text
    unit: Name = ""
    label: Name = ""
    replaces: Name = ""


class RemoveColumn(Request, frozen=True):
    """Remove a computed column."""

    name: Name
