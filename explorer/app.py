"""The only wiring: products in, page out."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.util import edit_readonly
from panel.viewable import Viewable

from explorer.config import AppConfig
from explorer.model.building import BuildRunner, default_build
from explorer.model.library import Library, open_library
from explorer.state.workspace import Workspace
from explorer.views.about import AboutView
from explorer.views.abundances import abundance_view
from explorer.views.actions import action_view
from explorer.views.base import html, one_message, sentence, stylesheet
from explorer.views.disc import disc_view
from explorer.views.hr import hr_view
from explorer.views.progress import ProgressView
from explorer.views.spectrum import SpectrumView
from explorer.views.star_card import StarCard
from explorer.views.stream import stream_distance_view, stream_sky_view
from explorer.views.table import SelectionTable
from explorer.views.toolbar import Toolbar
from pipeline.domain.frames import configured_frame
from pipeline.products.manifest import Manifest, ProductError

TITLE = "M-giant explorer"

pn.extension("tabulator", notifications=False)

_GRID = {
    "display": "grid",
    "grid-template-columns": "repeat(3, minmax(0, 1fr))",
    "grid-template-rows": "repeat(2, minmax(0, 1fr))",
    "gap": "6px",
    "flex": "3 1 0",
    "min-height": "0",
}
_DENSE = {
    "& .MuiToolbar-root": {"minHeight": "46px !important", "height": "46px", "margin": "0 !important"},
    "& .MuiAppBar-root .MuiLinearProgress-root": {"display": "none"},
    "& .MuiAppBar-root h3": {"fontSize": "17px"},
    "& .MuiAppBar-root img": {"height": "30px"},
}
_THEME = {
    "chart_style": "standard",
    "typography": {"fontSize": 13},
    "shape": {"borderRadius": 4},
}


def serve_session(config: AppConfig) -> pmui.Page:
    """The page of one visit: the explorer, the progress of the build it waits for, or why it cannot open."""
    runner = default_build(config.build, config.directory) if config.build else None
    if runner is not None and not runner.ready:
        return build_waiting_page(runner)
    try:
        library = open_library(config.directory)
    except ProductError as error:
        return _page([sentence(str(error))])
    return build_page(library, pn.state.session_args)


def build_waiting_page(runner: BuildRunner) -> pmui.Page:
    """The page while products are built; it reloads by itself."""
    return _page([ProgressView(runner)])


def build_page(library: Library, arguments: dict[str, list[bytes]] | None = None) -> pmui.Page:
    """The explorer on a library.

    Parameters
    ----------
    library : Library
        Shared, read-only products.
    arguments : dict, optional
        The query of the address; ``star`` focuses an obsid.
    """
    products, workspace = library.products, Workspace(library.table)
    explore, about = _explore(library, workspace), AboutView(products)
    rooms = {"Explore": explore, "About": pn.Column(about, sizing_mode="stretch_both", margin=0, visible=False)}
    page = _page([*_banner(products.manifest), *rooms.values()], [_tabs(rooms)])
    page.param.watch(partial(_follow_darkness, workspace), "dark_theme")
    workspace.dark = bool(page.dark_theme)
    _focus_from(workspace, arguments or {})
    return page


def _solar_radius(manifest: Manifest) -> float:
    """R0 of the build's frame in kpc; the paper's where the manifest does not say."""
    kinematics = manifest.configuration.get("kinematics", {"frame": "paper"})
    return configured_frame(kinematics["frame"], kinematics.get("custom_frame", {})).r0_kpc


def _explore(library: Library, workspace: Workspace) -> Viewable:
    """Six linked views and the table on the left, the star on the right."""
    products = library.products
    views: list[Any] = [
        hr_view(workspace, products.overlays),
        action_view(workspace),
        abundance_view(workspace),
        stream_sky_view(workspace, products.overlays),
        stream_distance_view(workspace, products.overlays),
        disc_view(workspace, products.maps, products.overlays, _solar_radius(products.manifest)),
    ]
    grid = pn.Column(*views, styles=_GRID, sizing_mode="stretch_both", margin=0)
    table = pn.Column(SelectionTable(workspace), sizing_mode="stretch_both", margin=0, styles={"flex": "1.15 1 0"})
    left = pn.Column(grid, table, sizing_mode="stretch_both", margin=0, styles={"gap": "6px", "flex": "7 1 0"})
    spectrum = pn.Column(
        SpectrumView(workspace, products.spectra), sizing_mode="stretch_both", margin=0, styles={"flex": "3 1 0"}
    )
    star = pn.Column(StarCard(workspace), sizing_mode="stretch_both", margin=0, styles={"flex": "2 1 0"})
    right = pn.Column(spectrum, star, sizing_mode="stretch_both", margin=0, styles={"gap": "6px", "flex": "3.2 1 0"})
    body = pn.Row(
        left,
        right,
        sizing_mode="stretch_both",
        margin=0,
        styles={"gap": "6px", "padding": "0 6px 6px", "min-height": "0"},
    )
    return pn.Column(Toolbar(workspace, views), body, sizing_mode="stretch_both", margin=0)


def _tabs(rooms: dict[str, Viewable]) -> pmui.Tabs:
    """Tabs in the header, which leave the height of a row to the views."""
    tabs = pmui.Tabs(
        *((name, pn.Spacer(height=0)) for name in rooms),
        color="default",
        margin=(0, 24),
        height=44,
        sx={
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

    def turn(event: Any) -> None:
        with one_message():
            for number, room in enumerate(rooms.values()):
                room.visible = number == event.new

    tabs.param.watch(turn, "active")
    return tabs


def _banner(manifest: Manifest) -> list[Viewable]:
    """A strip over every tab when anything is simulated."""
    if not manifest.simulated:
        return []
    text = f'<div class="banner" role="alert"><b>SIMULATED DATA</b> - {manifest.simulated_note}</div>'
    return [html(text, sizing_mode="stretch_width", height=24)]


def _page(main: list[Any], header: list[Any] | None = None) -> pmui.Page:
    page = pmui.Page(
        title=TITLE,
        main=main,
        header=header or [],
        logo=files("assets") / "logo.svg",
        favicon=files("assets") / "logo.svg",
        theme_config=_THEME,
        raw_css=[stylesheet("page")],
        busy_indicator=None,
        sx=_DENSE,
    )
    with edit_readonly(page):
        page.busy = False  # a value in place of Panel's reference: no messages to pages that have gone
    return page


def _follow_darkness(workspace: Workspace, event: Any) -> None:
    with one_message():
        workspace.dark = bool(event.new)


def _focus_from(workspace: Workspace, arguments: dict[str, list[bytes]]) -> None:
    """Put the star of a deep link ``?star=OBSID`` under the lens."""
    for raw in arguments.get("star", [])[:1]:
        text = raw.decode("utf-8", "replace").strip()
        if text.isdigit():
            workspace.look_at(int(text))
        else:
            workspace.message = f"The link asks for star {text!r}, which is not an obsid."
