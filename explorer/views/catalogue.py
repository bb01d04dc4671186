"""Every view that can stand in the grid, by its key in links."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from explorer.model.library import Library
from explorer.plots.diagram import DiscPlane, Figure, Missing
from explorer.plots.disc import first_with_cells
from explorer.state.panels import PanelState
from explorer.views import (
    abundances,
    actions,
    colour_magnitude,
    custom,
    disc,
    energy,
    histogram,
    hr,
    sky,
    space,
    stream_distance,
    stream_sky,
)


class ViewKind(NamedTuple):
    """A view on the menu.

    Parameters
    ----------
    title : str
        Its name on the menu.
    build : callable
        The figure for a library and what was chosen.
    """

    title: str
    build: Callable[[Library, PanelState], Figure]


VIEWS: dict[str, ViewKind] = {
    "hr": ViewKind(hr.TITLE, hr.hr),
    "actions": ViewKind(actions.TITLE, actions.actions),
    "abundances": ViewKind(abundances.TITLE, abundances.abundances),
    "stream_sky": ViewKind(stream_sky.TITLE, stream_sky.stream_sky),
    "stream_distance": ViewKind(stream_distance.TITLE, stream_distance.stream_distance),
    "disc": ViewKind(disc.TITLE, disc.disc),
    "colour_magnitude": ViewKind(colour_magnitude.TITLE, colour_magnitude.colour_magnitude),
    "sky": ViewKind(sky.TITLE, sky.sky),
    "space_xy": ViewKind(space.TITLES["xy"], space.space_xy),
    "space_xz": ViewKind(space.TITLES["xz"], space.space_xz),
    "space_yz": ViewKind(space.TITLES["yz"], space.space_yz),
    "space_rz": ViewKind(space.TITLES["rz"], space.space_rz),
    "energy": ViewKind(energy.TITLE, energy.energy),
    "histogram": ViewKind(histogram.TITLE, histogram.histogram),
    "custom": ViewKind(custom.TITLE, custom.custom),
}


@lru_cache(maxsize=64)
def figure_of(library: Library, state: PanelState) -> Figure:
    """The figure of a place in the grid, shared by all visitors."""
    kind = VIEWS.get(state.view)
    if kind is None:
        return Missing(state.view, f"view called {state.view!r}", tuple(VIEWS))
    return kind.build(library, state)


def new_panel(library: Library, view: str) -> PanelState:
    """A view as it stands when it is chosen: of several slices, the first that has any cell."""
    figure = figure_of(library, PanelState(view))
    return PanelState(view, part=first_with_cells(figure.maps)) if isinstance(figure, DiscPlane) else PanelState(view)


def default_panels(library: Library, count: int) -> tuple[PanelState, ...]:
    """The first views that this catalogue has values for; histograms fill a larger grid."""
    order = [key for key in VIEWS if key not in ("histogram", "custom")]
    there = [key for key in order if not isinstance(figure_of(library, PanelState(key)), Missing)]
    chosen = [new_panel(library, key) for key in there[: min(count, 6)]]
    names = [name for name in ("m_h", "distance", "rv", "snr") if library.table.usable(name)]
    chosen += [PanelState("histogram", x=name) for name in names][: count - len(chosen)]
    return tuple(chosen + [PanelState(key) for key in order if key not in there][: count - len(chosen)])
