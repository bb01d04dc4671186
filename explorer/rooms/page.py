"""The frame of a page: theme, header, tabs, banner of simulated data."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from importlib.resources import files
from typing import Any, TypeAlias

import panel as pn
import panel_material_ui as pmui
from panel.util import edit_readonly
from panel.viewable import Viewable

from explorer.access.headers import THEME_HINT
from explorer.rooms.base import fonts, html, in_turn, stylesheet
from explorer.state.workspace import Workspace
from pipeline.products.manifest import Manifest

TITLE = "M-giant explorer"
DARK_COOKIE = "mgiant-dark"
"""Cookie of the theme, set by the scripts: "0" or "1" if it was chosen, "system-0" or "system-1" until then."""

Rooms: TypeAlias = dict[str, Callable[[], Any]]

_DENSE = {
    "& .MuiToolbar-root": {"minHeight": "46px !important", "height": "46px", "margin": "0 !important"},
    "& .MuiAppBar-root .MuiLinearProgress-root": {"display": "none"},
    "& .MuiAppBar-root h3": {"fontSize": "17px"},
    "& .MuiAppBar-root img": {"height": "30px"},
    "& .MuiAppBar-root": {"backgroundColor": "#005ea8 !important", "color": "#ffffff !important"},
    "& .MuiAppBar-root h5": {"display": "none"},  # an empty one
    "@media (max-width: 700px)": {"& .MuiAppBar-root h3": {"display": "none"}},
    "@media (min-width: 2600px)": {"& .MuiToolbar-root": {"zoom": 1.25}},
    "@media (min-width: 3400px)": {"& .MuiToolbar-root": {"zoom": 1.5}},
}
_COMMON = {
    "chart_style": "standard",
    "typography": {"fontSize": 13, "fontFamily": "Explorer, Helvetica Neue, Arial, sans-serif"},
    "shape": {"borderRadius": 4},
}
_THEME = {
    "light": {**_COMMON, "palette": {"primary": {"main": "#005ea8"}}},  # --strong of page.css
    "dark": {**_COMMON, "palette": {"primary": {"main": "#7cc0ff"}}},
}


_HEAD = (
    f'<h1 class="unseen">{TITLE}</h1><div class="too-narrow" role="alert"><p>This window is too narrow for the '
    "explorer, which needs 600 pixels: widen the window, turn the device, or zoom out.</p><label><input "
    'type="checkbox"> Show it anyway</label></div>'
)
"""Heading for assistive technology, and the sentence of a window that is too narrow (see ``text.css``)."""


def was_dark() -> bool:
    """Whether this browser used the dark theme last, or its system is known to be dark."""
    kept = pn.state.cookies.get(DARK_COOKIE)
    if kept is None:
        return str(pn.state.headers.get(THEME_HINT.title(), "")).strip('"') == "dark"
    return kept.endswith("1")


def ground() -> str:
    """Style of a page before its scripts run, where the theme is that of a system which has not named it.

    Panel's template takes its ground from a variable that the scripts set, white until then.
    """
    if DARK_COOKIE in pn.state.cookies or was_dark():
        return ""
    return "@media (prefers-color-scheme: dark) { :where(:root) { --mui-palette-background-default: #121212; } }"


def room_tabs(rooms: Rooms, workspace: Workspace) -> tuple[pmui.Tabs, list[pn.Column]]:
    """Return the tabs of the header and a frame for each room; a room is built when it is first entered."""
    tabs = pmui.Tabs(
        *((name, pn.Spacer(height=0)) for name in rooms),
        color="default",
        margin=(0, 24),
        height=44,
        sx={
            "&.MuiTabs-root, & .MuiTabs-root": {"minHeight": "44px"},  # else the mark of the tab hangs below the header
            "& .MuiTab-root": {
                "color": "inherit",
                "minHeight": "44px",
                "padding": "0 16px",
                "textTransform": "none",
                "fontSize": "14px",
            },
            "& .Mui-selected": {"color": "inherit !important", "fontWeight": 600},
            "& .MuiTabs-indicator": {"backgroundColor": "currentColor"},
        },
    )
    frames = [pn.Column(sizing_mode="stretch_both", margin=0, visible=number == 0) for number in range(len(rooms))]
    builders = list(rooms.values())
    frames[0].append(builders[0]())

    names = list(rooms)

    def turn() -> None:
        if not len(frames[tabs.active]):
            frames[tabs.active].append(builders[tabs.active]())
        for number, frame in enumerate(frames):
            frame.visible = number == tabs.active
        workspace.room = names[tabs.active]

    def go(room: str) -> None:
        if room in names:
            tabs.active = names.index(room)

    tabs.param.watch(lambda _: in_turn(turn), "active")
    workspace.param.watch(lambda event: go(event.new), "room")
    return tabs, frames


def simulation_banner(manifest: Manifest) -> list[Viewable]:
    """Return the banner of a product with simulated data."""
    if not manifest.simulated:
        return []
    text = f'<div class="banner" role="alert"><b>SIMULATED DATA</b> - {escape(manifest.simulated_note)}</div>'
    return [html(text, sizing_mode="stretch_width")]


def framed_page(main: list[Any], header: list[Any] | None = None) -> pmui.Page:
    """A page with header and parts."""
    page = pmui.Page(
        title=TITLE,
        main=[html(_HEAD), *main],
        header=header or [],
        logo=files("assets") / "logo.svg",
        favicon=files("assets") / "logo.svg",
        theme_config=_THEME,
        raw_css=[fonts(), stylesheet("page"), ground()],
        busy_indicator=None,
        sx=_DENSE,
    )
    with edit_readonly(page):  # in place of a reference to Panel's state, which would hold the page for ever
        page.busy = page.param.loading
    return page
