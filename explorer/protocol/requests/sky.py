"""Requests for images of the sky and names, which the server sends to other services."""

from __future__ import annotations

from explorer.protocol.requests.base import Name, Request


class SkyImage(Request, frozen=True):
    """Fetch an image of the sky around the focused star.

    ``number`` returns with the answer, so that the page knows outdated ones.
    """

    obsid: Name
    survey: Name
    field_arcmin: int
    number: int


class SkyNames(Request, frozen=True):
    """Fetch the names of the focused star."""

    obsid: Name
