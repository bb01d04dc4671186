"""Notice above the explorer while the complete catalogue is being made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable, Viewer

from explorer.model.library import Library
from explorer.model.opening import Opening, OpeningState
from explorer.rooms.base import html
from explorer.rooms.opening_words import failed_words, ready_words, slow_parts, slow_words

_FOLLOW_MS = 1000


class OpeningStrip(Viewer):
    """Shows the progress of orbits and stream membership, and loads them when complete.

    Parameters
    ----------
    opening : Opening
        Shared by all visitors.
    library : Library
        Library of this page.
    reload : callable
        Loads the page again with everything that is on screen.
    """

    def __init__(self, opening: Opening, library: Library, reload: Callable[[], Awaitable[None]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.opening, self.library, self.reload = opening, library, reload
        self._closed = ""
        self.text = html(sizing_mode="stretch_width")
        small = {"size": "small", "margin": (0, 8), "align": "center", "visible": False, "sx": _SLIM}
        self.bring = pmui.Button(label="Show them", disable_elevation=True, **small)
        self.bring.on_click(lambda _: self._bring())
        self.close = pmui.Button(label="Close", variant="text", **small)
        self.close.on_click(lambda _: self._close())
        self.row = pn.Row(self.text, self.bring, self.close, sizing_mode="stretch_width", margin=0, styles=_STYLES)
        self.refresh()

    def refresh(self) -> None:
        """Update the notice; only changes are sent."""
        words, ready, final = strip_words(self.opening.state(), self.opening.library(), self.library)
        visible = bool(words) and words != self._closed
        shown = f'<div class="strip" role="status">{escape(words)}</div>' if visible else ""
        for part, name, value in (
            (self.text, "object", shown),
            (self.bring, "visible", visible and ready),
            (self.close, "visible", visible and final),
            (self.row, "visible", visible),
        ):
            if getattr(part, name) != value:
                part.param.update(**{name: value})

    def _bring(self) -> None:
        """Reload the page when the document is locked."""
        document = pn.state.curdoc
        if document is not None:
            document.add_next_tick_callback(self.reload)  # type: ignore[arg-type]  # Bokeh awaits it

    def _close(self) -> None:
        self._closed = strip_words(self.opening.state(), self.opening.library(), self.library)[0]
        self.refresh()

    def __panel__(self) -> Viewable:
        pn.state.add_periodic_callback(self.refresh, period=_FOLLOW_MS)
        return self.row


_STYLES = {"background": "rgba(0, 114, 181, 0.13)", "align-items": "center"}
_SLIM = {"height": "20px", "minHeight": "20px", "padding": "0 12px", "boxShadow": "none", "textTransform": "none"}


def strip_words(state: OpeningState, newest: Library | None, shown: Library) -> tuple[str, bool, bool]:
    """Text of the notice.

    Parameters
    ----------
    state : OpeningState
        Progress of the opening.
    newest : Library or None
        The newest product that is open.
    shown : Library
        Library of the page.

    Returns
    -------
    words : str
        A sentence; "" if there is nothing to report.
    ready : bool
        Whether something newer than the page can be shown.
    final : bool
        Whether nothing more will come, so that the strip can be closed.
    """
    if newest is None:
        if state.failure:
            return f"The corrected catalogue could not be computed: {state.failure}", False, True
        return "The columns were corrected: the catalogue is being recomputed.", False, False
    more = bool(slow_parts(state.understood))  # else the whole product holds what the quick one does
    if newest is not shown:
        complete = state.whole and shown.products.directory != newest.products.directory
        words = ready_words(state) if complete else "The catalogue was recomputed."
        return words if more or not complete else "", True, False
    trouble = failed_words(state) if state.failure else state.left_out
    if state.whole or trouble:
        return "" if state.whole else trouble, False, True
    return slow_words(state) if more else "", False, False
