"""Requests of the table of the selection, and of the menu of columns."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from explorer.protocol.requests.base import Name, Request

MAX_ROWS = 200
"""Maximum number of rows of a page of the table."""

MAX_MARKED = 10_000
"""Maximum number of rows that can be marked in the table."""

MAX_ASKED = 400
"""Maximum number of columns whose values are summarised at once."""


class Page(Request, frozen=True):
    """Turn the table to another page: the first, the last, that of the focused star, or so many further."""

    by: Literal["first", "last", "focus"] | int


class GoToPage(Request, frozen=True):
    """Show a page of the table by its number, from 1."""

    page: int


class PageRows(Request, frozen=True):
    """Show so many rows on a page of the table, as fit into its height."""

    rows: Annotated[int, Meta(ge=1, le=MAX_ROWS)]


class Sort(Request, frozen=True):
    """Sort the table by a column: ascending, descending, not at all.

    ``add`` keeps the other columns of the order.
    """

    column: Name
    add: bool = False


class TableColumns(Request, frozen=True):
    """Show columns in the table, in their order, and pin some at the left; None shows the usual ones."""

    columns: tuple[Name, ...] | None
    pinned: tuple[Name, ...]


class MarkedRows(Request, frozen=True):
    """Select only the stars of some rows, or remove them from the selection."""

    action: Literal["keep", "remove"]
    obsids: Annotated[tuple[Name, ...], Meta(max_length=MAX_MARKED)]


class CopyRows(Request, frozen=True):
    """Return the rows of some stars as tab-separated text, or those of the page if none is named."""

    obsids: Annotated[tuple[Name, ...], Meta(max_length=MAX_MARKED)] = ()


class ListColumns(Request, frozen=True):
    """List the columns of the catalogue for menus."""


class SummariseColumns(Request, frozen=True):
    """Return the share of known values and the histogram of columns."""

    columns: Annotated[tuple[Name, ...], Meta(max_length=MAX_ASKED)]
