"""The base of all views of a room, and their frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import panel as pn
import param
from panel.viewable import Viewable, Viewer

from explorer.state.workspace import Workspace

_SCRIPTS = {
    "latin": "U+0000-00FF, U+2000-206F, U+2122, U+2212",
    "latin-ext": "U+0100-02FF",
    "greek": "U+0370-03FF",
    "math": "U+2070-209F, U+2190-2211, U+2213-22FF",
}
"""Characters of a page by the subset of Roboto that contains them."""


@cache
def stylesheet(name: str) -> str:
    """A style sheet of ``assets/css``."""
    return (files("assets") / "css" / f"{name}.css").read_text(encoding="utf-8")


@cache
def fonts() -> str:
    """Font faces of the family Explorer, from the subsets of Roboto that the page needs.

    With Panel's own Roboto a browser fetches twenty faces, one after the other, and lays the page out after each.
    """
    dist = files("panel_material_ui") / "dist"
    names = {file.name for file in dist.iterdir() if file.name.endswith(".woff2")}
    faces = []
    for script, letters in _SCRIPTS.items():
        for weight in (400, 700):
            for name in names:
                if name.startswith(f"roboto-{script}-{weight}-normal-"):
                    source = f'url("static/extensions/panel-material-ui/{name}") format("woff2")'
                    faces.append(
                        "@font-face { font-family: Explorer; font-display: swap; "
                        f"font-weight: {weight}; src: {source}; unicode-range: {letters}; }}"
                    )
    return "\n".join(faces)


class View(Viewer):
    """A part of the page that is bound to one visitor's Workspace."""

    workspace: param.ClassSelector[Workspace] = param.ClassSelector(  # type: ignore[assignment]  # always given
        class_=Workspace, constant=True, doc="State of the visit."
    )

    def __panel__(self) -> Viewable:
        return self.body()

    def body(self) -> Viewable:
        """Content of the view."""
        raise NotImplementedError


def in_turn(action: Callable[[], object]) -> None:
    """Call a function when the document is locked, and send all its changes in one message.

    Panel (1.9.4) may call watchers while the document is not locked: when a message arrives within 50 ms of a widget's
    change. Bokeh's own hold is used: ``panel.io.hold`` loses changes made in a document's timeout callbacks.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        action()
        return

    def locked() -> None:
        document.hold("combine")
        try:
            action()
        finally:
            document.unhold()

    document.add_next_tick_callback(locked)


def html(text: str = "", **params: Any) -> pn.pane.HTML:
    """A pane of HTML in the fonts of the project."""
    params.setdefault("margin", 0)
    return pn.pane.HTML(text, stylesheets=[stylesheet("text")], **params)


def sentence(text: str) -> pn.pane.HTML:
    """A centred sentence in place of a view."""
    return html(f'<p class="sentence">{escape(text)}</p>', sizing_mode="stretch_both")
