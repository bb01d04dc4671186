"""Reading of stored states, of links, saved views or lost pages; damaged parts are skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from explorer.model.appearance import read_appearance
from explorer.model.computed import MAX_COMPUTED, ComputedColumn, computed_from_dict, formulas
from explorer.model.damaged import brief, shortened
from explorer.model.definitions import MAX_DEFINITIONS, check_size, read_definitions, read_selection
from explorer.model.line_lists import lists_from_plain
from explorer.model.overlay_tables import tables_from_plain
from explorer.model.screen import DragTool
from explorer.model.selection import Named, Selection, SelectionError, SelectionMode, evaluated_once
from explorer.model.subsets import MAX_SUBSETS, Subset, subset_from_dict
from explorer.model.table import StarTable
from explorer.model.visit_table import VisitTable
from explorer.state.answers import dock_from_dict
from explorer.state.panels import MAX_PANELS, PanelState, panel_from_dict
from explorer.state.table_layout import read_layout

COLOUR_BY_COUNT = "count"
"""Value of ``colour_by`` that shows the density of stars instead of a column."""

COLOUR_BY_SUBSETS = "subsets"
"""Value of ``colour_by`` that shows the named subsets."""


_MAX_LOST = 6
"""Maximum number of damaged parts that are named."""


def read_state(stored: Mapping[str, Any], table: StarTable) -> tuple[dict[str, Any], str]:
    """Read stored values for a Workspace on a catalogue.

    Parameters
    ----------
    stored : mapping
        Output of ``Workspace.to_dict``.
    table : StarTable
        The stars.

    Returns
    -------
    values : dict
        Values by name, without those that cannot be used.
    lost : str
        A sentence that names what was left out and why; "" when nothing was.

    Raises
    ------
    ValueError
        If it is no stored state.
    """
    parts = {name: stored.get(name) for name in ("subsets", "panels")} if isinstance(stored, Mapping) else {}
    if not parts or "selection" not in stored or not all(isinstance(part, list | tuple) for part in parts.values()):
        raise ValueError("The stored state is damaged: it holds no selection, subsets or views.")
    lost: list[str] = []
    written = stored.get("definitions", [])
    definitions = read_definitions(written[:MAX_DEFINITIONS] if isinstance(written, list) else [])
    result: dict[str, Any] = {"computed": _computed(stored.get("computed", ()), table, lost)}
    table = VisitTable(table, result["computed"])
    with evaluated_once():
        result["subsets"] = _subsets(list(parts["subsets"] or ()), definitions, table, lost)
        try:
            result["selection"] = check_size(read_selection(stored["selection"], definitions))
            result["selection"].mask(table)
        except SelectionError as error:
            lost.append(f"the selection ({_plain(error)})")
            result.pop("selection", None)
    panels = _panels(list(parts["panels"] or ()), lost)
    if panels:
        result["panels"] = panels
    return {**result, **_rest(stored, table, len(panels or ()), lost)}, _sentence(lost)


def _computed(stored: Any, table: StarTable, lost: list[str]) -> tuple[ComputedColumn, ...]:
    """Computed columns, each of which names only those before it; links of earlier versions have none."""
    base = table.base if isinstance(table, VisitTable) else table
    items = list(stored) if isinstance(stored, list | tuple) else [stored]
    if len(items) > MAX_COMPUTED:
        lost.append(f"{len(items) - MAX_COMPUTED} computed columns above the maximum of {MAX_COMPUTED}")
    result: tuple[ComputedColumn, ...] = ()
    for item in items[:MAX_COMPUTED]:
        name = str(item.get("name", "")) if isinstance(item, Mapping) else ""
        try:
            longer = (*result, computed_from_dict(item))
            formulas(longer, base.known)
        except SelectionError as error:
            lost.append(f"the computed column {name[:40]!r} ({_plain(error)})")
        else:
            result = longer
    return result


def _subsets(
    stored: list[Any], definitions: Sequence[Selection | SelectionError], table: StarTable, lost: list[str]
) -> tuple[Subset, ...]:
    result: dict[str, Subset] = {}
    if len(stored) > MAX_SUBSETS:
        lost.append(f"{len(stored) - MAX_SUBSETS} subsets above the maximum of {MAX_SUBSETS}")
    for item in stored[:MAX_SUBSETS]:
        name = str(item.get("name", "")) if isinstance(item, Mapping) else ""
        try:
            subset = subset_from_dict(item, definitions)
            Named(subset.name, subset.selection).mask(table)
        except SelectionError as error:
            lost.append(f"the subset {name[:40]!r} ({_plain(error)})")
            continue
        if subset.name in result:
            lost.append(f"a second subset {subset.name!r}")
        result.setdefault(subset.name, subset)
    return tuple(result.values())


def _panels(stored: list[Any], lost: list[str]) -> tuple[PanelState, ...]:
    result = []
    if len(stored) > MAX_PANELS:
        lost.append(f"{len(stored) - MAX_PANELS} views above the maximum of {MAX_PANELS}")
    for number, item in enumerate(stored[:MAX_PANELS]):
        try:
            result.append(panel_from_dict(item))
        except ValueError as error:
            lost.append(f"view {number + 1} ({_plain(error)})")
    return tuple(result)


def _rest(stored: Mapping[str, Any], table: StarTable, n_panels: int, lost: list[str]) -> dict[str, Any]:
    """Read the independent parts; missing ones have their defaults."""
    result: dict[str, Any] = {"star_alone": bool(stored.get("star_alone", False))}
    colour = stored.get("colour_by", COLOUR_BY_COUNT)
    if colour in (COLOUR_BY_COUNT, COLOUR_BY_SUBSETS) or (isinstance(colour, str) and colour in table):
        result["colour_by"] = colour
    else:
        lost.append(f"the colours (no column {brief(colour)})")
    try:
        result["appearance"] = read_appearance(stored.get("appearance", {}))
    except SelectionError as error:
        lost.append(f"the look of the stars ({_plain(error)})")
    result["table_layout"], unread = read_layout(stored, table)
    if unread:
        lost.append(unread)
    focus = stored.get("focus")
    if focus is None or (isinstance(focus, int) and table.row_of(focus) is not None):
        result["focus"] = focus
    else:
        lost.append(f"the focused star (no star {brief(focus)})")
    try:
        result["dock"] = dock_from_dict(stored.get("dock") or {})
    except ValueError as error:
        lost.append(f"the dock ({_plain(error)})")
    try:
        result["lines"] = lists_from_plain(stored.get("lines"))
    except SelectionError as error:
        lost.append(f"the lists of lines ({_plain(error)})")
    try:
        result["overlay_tables"] = tables_from_plain(stored.get("overlay_tables"))
    except SelectionError as error:
        lost.append(f"the tables over the views ({_plain(error)})")
    if stored.get("tool") in list(DragTool):
        result["tool"] = DragTool(stored["tool"])
    if stored.get("mode") in list(SelectionMode):
        result["mode"] = SelectionMode(stored["mode"])
    alone, whole = stored.get("enlarged"), n_panels == len(stored["panels"])
    result["enlarged"] = alone if whole and isinstance(alone, int) and 0 <= alone < n_panels else None
    return result


def _plain(error: Exception) -> str:
    return shortened(str(error)).rstrip(".")


def _sentence(lost: list[str]) -> str:
    if not lost:
        return ""
    more = len(lost) - _MAX_LOST
    words = lost if more <= 0 else [*lost[:_MAX_LOST], f"{more} more parts"]
    return f"Everything was restored except {'; '.join(words)}."
