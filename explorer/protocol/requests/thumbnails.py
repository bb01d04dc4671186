"""Requests about the page of small spectra."""

from __future__ import annotations

from typing import Literal

from explorer.protocol.requests.base import Index, Name, Request


class Thumbnails(Request, frozen=True):
    """Show a page of the spectra of the selected stars; none closes it.

    ``order`` sorts the selection by a column, "" leaves its order.
    """

    page: Index | None
    stretch: Literal["all", "ca", "tio"]
    order: Name
    descending: bool
