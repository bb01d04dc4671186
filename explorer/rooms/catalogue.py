"""Every view that can stand in the grid, by its key in links."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import NamedTuple

from explorer.charts.diagram import DiscPlane, Figure, Missing
from explorer.charts.disc import first_with_cells
from explorer.model.library import Library, kept_by_library
from explorer.model.table import StarTable
from explorer.rooms import (
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
from explorer.state.panels import PanelState

FIRST_VIEWS = 6
"""How many views a new visit shows."""

GRIDS = (8, 6, 4, 2, 1)
"""Numbers of views that a grid can have."""


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


@kept_by_library(64)
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


def has_values(library: Library, view: str) -> bool:
    """Whether a catalogue has what a view shows."""
    return not isinstance(figure_of(library, PanelState(view)), Missing)


def default_panels(library: Library, count: int) -> tuple[PanelState, ...]:
    """The first views that this catalogue has values for.

    Histograms fill a larger grid; where few declared columns are there, so do the user's own columns, each two against
    each other and alone. Fewer views than asked for are those of a catalogue that has no more to show.
    """
    order = [key for key in VIEWS if key not in ("histogram", "custom")]
    there = [key for key in order if has_values(library, key)]
    chosen = [new_panel(library, key) for key in there[: min(count, 6)]]
    table = library.table
    alone = [PanelState("histogram", x=name) for name in histogram.FIRST if table.usable(name)]
    wanted = (*alone, *_of_own(table), *_of_others(table, alone))
    chosen += islice(wanted, max(count - len(chosen), 0))
    if not chosen:
        return (PanelState(order[0]),)  # it says what is missing
    return tuple(chosen[: count if len(chosen) >= count else next(size for size in GRIDS if size <= len(chosen))])


def _of_own(table: StarTable) -> Iterator[PanelState]:
    """Planes of two own columns each, and their histograms."""
    names = [one.name for one in table.axes() if one.is_own]
    for x, y in zip_longest(names[::2], names[1::2]):
        if y is not None:
            yield PanelState("custom", x, y)
        yield from (PanelState("histogram", x=name) for name in (x, y) if name is not None)


def _of_others(table: StarTable, alone: Sequence[PanelState]) -> Iterator[PanelState]:
    """Histograms of the declared columns that have none yet."""
    known = {state.x for state in alone}
    return (PanelState("histogram", x=one.name) for one in table.axes() if not one.is_own and one.name not in known)
