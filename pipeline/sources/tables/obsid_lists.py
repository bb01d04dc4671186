"""Lists of LAMOST observations: the obsids of any table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.tables.identifiers import whole_numbers
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.table_file import TableError

_MAX_SHOWN = 8
"""Columns that a message names."""


def listed_obsids(path: Path) -> NDArray[np.int64]:
    """Obsids of a table, each once, in its order.

    Parameters
    ----------
    path : Path
        A table of any supported format with a column ``obsid``, or with one column.

    Returns
    -------
    ndarray of int64, shape (n,)
        Exact, above 0; at least one.

    Raises
    ------
    TableError
        If it is no table, or has no such column or no obsid in it.
    """
    table = open_table(path)
    recipe = recognise(table, keep=False).recipes.get("obsid")
    name = recipe.columns[0] if recipe else table.names[0] if len(table.names) == 1 else ""
    if not name:
        present = ", ".join(table.names[:_MAX_SHOWN]) + (", ..." if len(table.names) > _MAX_SHOWN else "")
        raise TableError(
            f"{path.name} has no column obsid; it has {present}. Name the column of LAMOST's observation identifiers "
            "obsid, or give a file with one number a line."
        )
    numbers = whole_numbers(table.read([name])[name], name, path.name)
    _, first = np.unique(numbers, return_index=True)
    listed: NDArray[np.int64] = numbers[np.sort(first)]
    listed = listed[listed > 0]
    if not listed.size:
        raise TableError(f"{path.name}: column {name!r} holds no obsid.")
    return listed
