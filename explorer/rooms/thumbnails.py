"""The page of small spectra of the selected stars, in the order of the table."""

from __future__ import annotations

import dataclasses

import numpy as np
import panel as pn
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.spectrum import ZOOMS
from explorer.charts.thumbnails import thumbnails
from explorer.model.library import Library
from explorer.model.star import number
from explorer.rooms.channel import Channel
from explorer.rooms.columns_menu import column_choices
from explorer.rooms.table import SelectionTable
from explorer.state.workspace import Workspace
from pipeline.products.manifest import ProductError

PAGE = 40
"""Number of spectra on a page."""

_AFTER_MS = 150
_CLOSED = protocol.Thumbnails(page=None, stretch="all", order="", descending=False)


class ThumbnailRoom:
    """Sends pages of small spectra.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    table : SelectionTable
        The table of the selection, whose order they have.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, library: Library, table: SelectionTable, channel: Channel) -> None:
        self.workspace, self.library, self.table, self.channel = workspace, library, table, channel
        self._shown = _CLOSED
        self._pending = False
        channel.on(protocol.Thumbnails, self._show)
        workspace.param.watch(lambda _: self._first_page(), "rows")
        workspace.param.watch(lambda _: self._first_page(), "table_layout")

    def _show(self, request: protocol.Thumbnails) -> None:
        """Keep what is shown, sort the selection if that is asked for, and send the page."""
        opened = self._shown.page is None
        if request.order and request.page is not None:
            if request.order not in self.workspace.table:
                raise ValueError(f"The catalogue has no column {request.order[:40]!r}.")
            self._shown = _CLOSED  # the page follows once, below
            sorts = ((request.order, request.descending),)
            self.workspace.table_layout = dataclasses.replace(self.workspace.table_layout, sorts=sorts)
        self._shown = request
        if request.page is not None:
            self._send(first=opened)

    def _first_page(self) -> None:
        """Show the first page of another selection or order, after the views are drawn."""
        if self._shown.page is None:
            return
        self._shown = replace(self._shown, page=0)
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._send()
        elif not self._pending:
            self._pending = True
            document.add_timeout_callback(self._send, _AFTER_MS)

    def _send(self, *, first: bool = False) -> None:
        self._pending = False
        if self._shown.page is None:  # closed meanwhile
            return
        page = self.page_of(self._shown.page, self._shown.stretch)
        if first:
            table = self.workspace.table
            known = (item for item in table.columns if not item.is_float or table.usable(item.name))
            page = replace(page, columns=column_choices(table, known))
        self.channel.send(thumbnails=page)

    def page_of(self, wanted: int, stretch: str) -> protocol.ThumbnailPage:
        """One page; beyond the last one it is the last one.

        Parameters
        ----------
        wanted : int
            Number of the page, from 0.
        stretch : str
            One of the zooms, or "all".
        """
        stars, spectra = self.table.stars, self.library.products.spectra
        pages = max(-(-stars.size // PAGE), 1)
        page = min(wanted, pages - 1)
        shown = stars[page * PAGE : (page + 1) * PAGE]
        counts = f"{page * PAGE + 1:,} to {page * PAGE + shown.size:,} of {stars.size:,}" if shown.size else ""
        order = protocol.TableOrder(*(self.table.sorts or (("", False),))[0])
        none = protocol.ThumbnailPage("", (), 0, b"", page, pages, counts, order)
        if spectra is None:
            return replace(none, sentence="This catalogue was made from tables only: it has no spectra.")
        if not shown.size:
            return replace(none, sentence="No star is selected.")
        obsids = self.workspace.table["obsid"][shown]
        rows = spectra.rows(obsids)
        try:
            heights = self._heights(rows[rows >= 0], stretch)
        except ProductError as error:
            return replace(none, sentence=str(error))
        if (rows >= 0).any() and not heights.shape[2]:
            return replace(none, sentence="The spectra of this catalogue have no pixel in this range.")
        texts = self._texts(shown, order.column)
        entries = zip(obsids.tolist(), texts, (rows >= 0).tolist(), strict=True)
        return replace(
            none,
            sentence="" if (rows >= 0).any() else "None of these stars has a spectrum in this release.",
            stars=tuple(protocol.Thumbnail(str(obsid), text, drawn) for obsid, text, drawn in entries),
            bins=heights.shape[2],
            heights=heights.tobytes(),
        )

    def _heights(self, rows: NDArray[np.int64], stretch: str) -> NDArray[np.uint8]:
        spectra = self.library.products.spectra
        assert spectra is not None
        flux, ivar, mask = spectra.pixels(rows)
        return thumbnails(spectra.wavelength, flux, ~mask & (ivar > 0), spectra.models(rows), ZOOMS.get(stretch))

    def _texts(self, stars: NDArray[np.int64], name: str) -> list[str]:
        """Values of the column of the order, with its label."""
        table = self.workspace.table
        if not name or name == "obsid":
            return [""] * stars.size
        item = table.column(name)
        if item.dtype == "str":
            return [str(text) for text in table.texts_of(name, stars)]
        values = table.taken(name, stars)
        if item.dtype == "bool":
            return [f"{item.label}: {'yes' if value else 'no'}" for value in values]
        return [f"{item.label} {number(item, float(value))}" for value in values]
