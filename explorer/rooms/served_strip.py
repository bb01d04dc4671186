"""Notices above the explorer about changes of the product since the page was opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable, Viewer

from explorer.model.library import Library
from explorer.model.served import Served, ServedState, is_newer
from explorer.rooms.base import html
from pipeline.products.catalog_file import CATALOG_NAME

_FOLLOW_MS = 1500
_NEWER = {"background": "rgba(0, 114, 181, 0.13)", "align-items": "center"}
_TROUBLE = {"background": "rgba(213, 94, 0, 0.20)", "align-items": "center"}
_SLIM = {"height": "20px", "minHeight": "20px", "padding": "0 12px", "boxShadow": "none", "textTransform": "none"}


class ServedStrip(Viewer):
    """Offers a newer build by a button, and names damaged files.

    Parameters
    ----------
    served : Served
        The path, shared by all visitors.
    library : Library
        Library of this page.
    reload : callable
        Loads the page again with everything that is on screen.
    withheld : callable
        Called when files that were shown are shown no more, or again.
    """

    def __init__(
        self, served: Served, library: Library, reload: Callable[[], Awaitable[None]], withheld: Callable[[], None]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.served, self.library, self.reload, self._withheld = served, library, reload, withheld
        self._withheld_files = self._names()
        self.newer = html(sizing_mode="stretch_width")
        self.open_newer = pmui.Button(
            label="Open the newer build", size="small", margin=(0, 8), align="center", sx=_SLIM, disable_elevation=True
        )
        self.open_newer.on_click(lambda _: self._open())
        self.newer_row = pn.Row(self.newer, self.open_newer, sizing_mode="stretch_width", margin=0, styles=_NEWER)
        self.trouble = html(sizing_mode="stretch_width", styles=_TROUBLE)
        self.body = pn.Column(self.trouble, self.newer_row, sizing_mode="stretch_width", margin=0)
        self.refresh()

    def refresh(self) -> None:
        """Update the notices; only changes are sent."""
        state = self.served.state
        trouble, newer = trouble_sentence(state, self.library), newer_sentence(state, self.library)
        for part, name, value in (
            (self.trouble, "object", _line(trouble, "alert")),
            (self.trouble, "visible", bool(trouble)),
            (self.newer, "object", _line(newer, "status")),
            (self.newer_row, "visible", bool(newer)),
            (self.body, "visible", bool(trouble or newer)),
        ):
            if getattr(part, name) != value:
                part.param.update(**{name: value})
        names = self._names()
        if names != self._withheld_files:
            self._withheld_files = names
            self._withheld()

    def _names(self) -> tuple[str, ...]:
        return tuple(self.library.files.withheld) if self.library.files is not None else ()

    def _open(self) -> None:
        """Reload the page when the document is locked."""
        document = pn.state.curdoc
        if document is not None:
            document.add_next_tick_callback(self.reload)  # type: ignore[arg-type]  # Bokeh awaits it

    def __panel__(self) -> Viewable:
        pn.state.add_periodic_callback(self.refresh, period=_FOLLOW_MS)
        return self.body


def _line(text: str, role: str) -> str:
    return f'<div class="strip" role="{role}" title="{escape(text)}">{escape(text)}</div>' if text else ""


def newer_sentence(state: ServedState, shown: Library) -> str:
    """Notice of a newer build; "" if the page shows the newest one."""
    if state.newest is None or not is_newer(shown, state.newest):
        return ""
    new, old = state.newest.products.manifest, shown.products.manifest
    if new.created == old.created:
        changed = sorted(name for name in {*new.files, *old.files} if new.files.get(name) != old.files.get(name))
        return f"The files of this catalogue were replaced: {', '.join(changed[:3]) or 'restored ones'}."
    made, before = (manifest.created[:16].replace("T", " ") for manifest in (new, old))
    return f"A newer build of this catalogue is available, made on {made} UTC. This page shows the one of {before}."


def trouble_sentence(state: ServedState, shown: Library) -> str:
    """Problem of the library's files or of the product on disk; "" if there is none."""
    files = shown.files
    if files is not None and files.fatal:
        return f"The catalogue on this page is damaged: do not use its values. {files.fatal}"
    if files is not None and files.withheld:
        spectra = [text for name, text in files.withheld.items() if name != CATALOG_NAME]
        what = "Spectra of this page are" if spectra else "Own columns that this page has not read yet are"
        return f"{what} no longer shown. {_joined(spectra or list(files.withheld.values()))}"
    if state.newest is not shown or state.good:
        return ""
    problem = state.gone or state.trouble or _joined(list(state.damage))
    return f"This page shows the catalogue as it was opened. {problem}"


def _joined(sentences: list[str]) -> str:
    """The first sentence and the number of further ones."""
    more = len(sentences) - 1
    if not more:
        return sentences[0]
    return f"{sentences[0]} {f'{more} more files are' if more > 1 else 'One further file is'} damaged."
