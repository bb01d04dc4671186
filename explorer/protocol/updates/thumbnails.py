"""Parts of a message about the page of small spectra."""

from __future__ import annotations

from typing import TypedDict

from msgspec import UNSET, UnsetType

from explorer.protocol.updates.base import ColumnChoice, MessagePart, Row
from explorer.protocol.updates.table import TableOrder


class Thumbnail(Row, frozen=True):
    """A star with the value by which the page is sorted; ``drawn`` if it has a spectrum."""

    obsid: str
    text: str
    drawn: bool


class ThumbnailPage(MessagePart, frozen=True):
    """Small spectra of some stars; a sentence without any.

    ``heights`` has one byte a bin, of flux and then of model, for each star that is drawn: 0 to 254 upwards, 255 where
    unknown. ``columns`` are those to sort by.
    """

    sentence: str
    stars: tuple[Thumbnail, ...]
    bins: int
    heights: bytes
    page: int
    pages: int
    counts: str
    order: TableOrder
    columns: tuple[ColumnChoice, ...] | UnsetType = UNSET


class ThumbnailUpdate(TypedDict, total=False):
    """Parts of the page of small spectra."""

    thumbnails: ThumbnailPage
