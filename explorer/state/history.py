"""Steps of undo and redo, and their storage with the state of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from explorer.model.computed import MAX_COMPUTED, ComputedColumn, computed_from_dict, formulas
from explorer.model.damaged import brief
from explorer.model.definitions import SharedParts, check_size, definition, inside, read_definitions
from explorer.model.selection import InIds, InPolygon, Selection, SelectionError
from explorer.model.subsets import MAX_SUBSETS, Subset, subset_from_dict
from explorer.model.table import StarTable
from explorer.model.used_columns import columns_of

MAX_STORED_STEPS = 60
"""Maximum number of steps of undo that are stored, and of redo."""

MAX_STORED_BYTES = 2_000_000
"""Approximate maximum size of stored steps; the oldest are left out."""

_PART_BYTES, _OBSID_BYTES, _VERTEX_BYTES = 100, 11, 45
"""Approximate sizes of a stored part of a selection, of a star in a list, and of a corner of an outline."""


class Moment(NamedTuple):
    """State that undo restores.

    ``arranged`` are views, colours and the like by name, where these were changed together with the selection; they are
    not stored, so that a step which was left restores the selection alone.
    """

    selection: Selection
    subsets: tuple[Subset, ...]
    computed: tuple[ComputedColumn, ...]
    arranged: Mapping[str, Any] | None = None


class History(NamedTuple):
    """Moments before the present and undone ones, each list with the nearest to the present at its end."""

    past: list[Moment]
    future: list[Moment]


def write_history(history: History) -> dict[str, Any]:
    """Convert the steps nearest to the present to plain values; :func:`read_history` reads them.

    Parts that moments have in common are written once.
    """
    parts = SharedParts()
    measured: set[int] = set()
    written: dict[str, list[Any]] = {name: [] for name in History._fields}
    size = 0
    for name, moments in zip(History._fields, history, strict=True):
        for moment in reversed(moments[-MAX_STORED_STEPS:]):
            size += _size_of(moment, measured)
            if size > MAX_STORED_BYTES:
                break
            written[name].insert(0, _written(moment, parts))
    return {**written, "definitions": parts.plain}


def _written(moment: Moment, parts: SharedParts) -> dict[str, Any]:
    return {
        "selection": parts.key(moment.selection),
        "subsets": [subset.written(parts) for subset in moment.subsets],
        "computed": [item.to_dict() for item in moment.computed],
    }


def _size_of(moment: Moment, measured: set[int]) -> int:
    """Approximate bytes of a moment, without parts that were measured before."""
    size = _PART_BYTES * (1 + len(moment.subsets) + 3 * len(moment.computed))
    waiting = [moment.selection, *(subset.selection for subset in moment.subsets)]
    while waiting:
        part = waiting.pop()
        size += 10
        if id(part) in measured:
            continue
        measured.add(id(part))
        waiting += inside(part)
        size += _PART_BYTES
        if isinstance(part, InIds):
            size += _OBSID_BYTES * len(part.obsids)
        elif isinstance(part, InPolygon):
            size += _VERTEX_BYTES * len(part.vertices)
    return size


def read_history(stored: Any, table: StarTable) -> History:
    """Read the output of :func:`write_history`; an empty history of an earlier version, which has none.

    Parameters
    ----------
    stored : mapping or None
        The stored steps.
    table : StarTable
        The stars, without computed columns.

    Raises
    ------
    SelectionError
        If the steps are damaged, or use a column that the catalogue lacks.
    """
    if stored is None:
        return History([], [])
    try:
        definitions = read_definitions(list(stored["definitions"]))
        lists = [[_read(item, definitions, table) for item in stored[name]] for name in History._fields]
    except (KeyError, TypeError, AttributeError) as error:
        raise SelectionError(f"The stored steps of undo are damaged (found {brief(stored)}).") from error
    return History(*(moments[-MAX_STORED_STEPS:] for moments in lists))


def _read(stored: Mapping[str, Any], definitions: Sequence[Selection | SelectionError], table: StarTable) -> Moment:
    moment = Moment(
        check_size(definition(stored["selection"], definitions)),
        tuple(subset_from_dict(item, definitions) for item in stored["subsets"][:MAX_SUBSETS]),
        tuple(computed_from_dict(item) for item in stored["computed"][:MAX_COMPUTED]),
    )
    formulas(moment.computed, table.known)
    own = {item.name for item in moment.computed}
    used = columns_of(moment.selection).union(*(columns_of(subset.selection) for subset in moment.subsets))
    missing = sorted(name for name in used - own if name not in table)
    if missing:
        raise SelectionError(f"Steps of undo use columns that this catalogue lacks: {', '.join(missing)}.")
    return moment
