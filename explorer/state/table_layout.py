"""Columns and order of the table of the selection, as values that a link can store."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

MAX_COLUMNS = 80
"""Maximum number of columns of the table."""

MAX_SORTS = 4
"""Maximum number of columns that the table is sorted by."""


@dataclass(frozen=True)
class TableLayout:
    """Columns of the table, and the order of its rows.

    Parameters
    ----------
    columns : tuple of str, optional
        Columns in their order; None for those that the catalogue has values for.
    pinned : tuple of str
        Columns that stay at the left while the others are scrolled.
    sorts : tuple of (str, bool)
        Columns of the order, the first one first, and whether each descends.
    """

    columns: tuple[str, ...] | None = None
    pinned: tuple[str, ...] = ("obsid",)
    sorts: tuple[tuple[str, bool], ...] = ()

    def sorted_by(self, name: str, *, add: bool = False) -> TableLayout:
        """The next order of a column: ascending, descending, none.

        ``add`` keeps the other columns of the order.
        """
        known = dict(self.sorts)
        following = {None: False, False: True, True: None}[known.get(name)]
        kept = known if add else {}
        kept.pop(name, None) if following is None else kept.update({name: following})
        return replace(self, sorts=tuple(kept.items())[-MAX_SORTS:])

    def of(self, usual: tuple[str, ...], known: Container[str]) -> tuple[str, ...]:
        """Columns in the order on screen, pinned ones first.

        Parameters
        ----------
        usual : tuple of str
            Columns while none are chosen.
        known : container of str
            Columns of the catalogue; others are left out.
        """
        names = usual if self.columns is None else tuple(name for name in self.columns if name in known)
        pinned = [name for name in self.pinned if name in names]
        return (*pinned, *(name for name in names if name not in pinned))

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`read_layout` is the inverse."""
        return asdict(self)


def read_layout(stored: Mapping[str, Any], table: Container[str]) -> tuple[TableLayout, str]:
    """Read the layout of a stored state.

    Parameters
    ----------
    stored : mapping
        Output of ``Workspace.to_dict``; older ones have ``sorted_by``, a single column of the order.
    table : container of str
        Columns of the catalogue.

    Returns
    -------
    layout : TableLayout
        Without columns that the catalogue lacks.
    lost : str
        What was left out, in words; "" when nothing was.
    """
    older = stored.get("sorted_by")
    written = stored.get("table_layout", {"sorts": [] if older is None else [older]})
    try:
        columns, pinned, sorts = (written.get(name) for name in ("columns", "pinned", "sorts"))
        layout = TableLayout(
            None if columns is None else _names(columns)[:MAX_COLUMNS],
            TableLayout.pinned if pinned is None else _names(pinned),
            tuple((str(name), bool(descending)) for name, descending in dict(sorts or ()).items())[:MAX_SORTS],
        )
    except (AttributeError, TypeError, ValueError):
        return TableLayout(), "the columns and the order of the table"
    named = [name for name, _ in layout.sorts]
    lost = [word for word, names in (("columns", layout.columns or ()), ("order", named)) if not _all_in(names, table)]
    kept = layout.columns if layout.columns is None else tuple(name for name in layout.columns if name in table)
    layout = TableLayout(
        kept or None,
        tuple(name for name in layout.pinned if name in table),
        tuple(item for item in layout.sorts if item[0] in table),
    )
    return layout, f"the {' and '.join(lost)} of the table" if lost else ""


def _names(stored: Any) -> tuple[str, ...]:
    """Different names of a stored list; TypeError if it is none."""
    if not isinstance(stored, list | tuple) or not all(isinstance(name, str) for name in stored):
        raise TypeError("Names of columns are texts.")
    return tuple(dict.fromkeys(stored))


def _all_in(names: tuple[str, ...] | list[str], table: Container[str]) -> bool:
    return all(name in table for name in names)
