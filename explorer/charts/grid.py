"""Default views of the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

import numpy as np

from explorer.charts.histogram import HISTOGRAM
from explorer.charts.plane import ANY_COLUMNS
from explorer.charts.view_specs import SPECS, VIEWS, lack_in
from explorer.model.library import Library
from explorer.model.table import StarTable
from explorer.state.panels import PanelState
from explorer.state.stored import COLOUR_BY_COUNT
from pipeline.domain.columns import names_at

FIRST_VIEWS = 6
"""Number of views of a new visit."""

_MOST_STARS = 0.5
"""Share of the stars that need a value of the column of the first colours."""

GRIDS = (8, 6, 4, 2, 1)
"""Numbers of views that a grid can have."""


def has_values(library: Library, view: str) -> bool:
    """Whether a catalogue has the values that a view shows."""
    return not lack_in(library, PanelState(view))


def new_state(library: Library, view: str) -> PanelState:
    """State of a view when it is chosen."""
    return VIEWS[view].chart.first_state(VIEWS[view], library) if has_values(library, view) else PanelState(view)


def default_panels(library: Library, count: int) -> tuple[PanelState, ...]:
    """The first views that this catalogue has values for.

    Histograms fill a larger grid; in a catalogue with few declared columns, so do the user's own columns, in pairs and
    alone. Fewer views than requested are returned for a catalogue that has no more to show.
    """
    order = [spec.key for spec in SPECS if not (spec.chosen or spec.repeats)]
    there = [key for key in order if has_values(library, key)]
    chosen = [new_state(library, key) for key in there[: min(count, FIRST_VIEWS)]]
    table = library.table
    first = [axes[0].column for axes in VIEWS[HISTOGRAM].columns]
    alone = [PanelState(HISTOGRAM, x=name) for name in first if table.usable(name)]
    wanted = (*alone, *_of_own(table), *_of_others(table, alone))
    chosen += islice(wanted, max(count - len(chosen), 0))
    if not chosen:
        return (PanelState(order[0]),)  # it names the missing columns
    return tuple(chosen[: count if len(chosen) >= count else next(size for size in GRIDS if size <= len(chosen))])


def default_colour(table: StarTable) -> str:
    """Column of the first colours: a metallicity that most stars have, else the density of stars."""
    usable = (name for name in names_at("first") if table.usable(name))
    return next((name for name in usable if np.isfinite(table.axis(name)).mean() >= _MOST_STARS), COLOUR_BY_COUNT)


def _of_own(table: StarTable) -> Iterator[PanelState]:
    """Planes of two own columns each, and their histograms."""
    names = [column.name for column in table.axes() if column.is_own]
    for x, y in zip_longest(names[::2], names[1::2]):
        if y is not None:
            yield PanelState(ANY_COLUMNS, x, y)
        yield from (PanelState(HISTOGRAM, x=name) for name in (x, y) if name is not None)


def _of_others(table: StarTable, alone: Sequence[PanelState]) -> Iterator[PanelState]:
    """Histograms of the declared columns that have none yet."""
    known = {state.x for state in alone}
    return (
        PanelState(HISTOGRAM, x=column.name)
        for column in table.axes()
        if not column.is_own and column.name not in known
    )
