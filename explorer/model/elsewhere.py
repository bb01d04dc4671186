"""Work on a library in a helper process that opens the same products."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer.model.computed import ComputedColumn
from explorer.model.helper import HELPERS
from explorer.model.library import Library, open_library
from explorer.model.selection import Mask, SelectionError
from explorer.model.visit_table import VisitTable
from pipeline.products.manifest import Manifest, ProductError

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


def in_helper(
    work: Callable[Concatenate[Library, Mask, Arguments], Result],
    library: Library,
    rows: Mask,
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Result:
    """Call ``work(library, rows, *arguments)`` in a helper process.

    A library that was not opened from a directory is processed in this process.

    Raises
    ------
    SelectionError
        If the directory holds other products by now, or the helper ended.
    """
    if library.place is None:
        return work(library, rows, *arguments, **named)
    manifest = library.products.manifest
    computed = library.table.computed if isinstance(library.table, VisitTable) else ()
    made: Result = HELPERS.call(
        _work_there, work, library.place, manifest, computed, np.packbits(rows), rows.size, arguments, named
    )
    return made


def _work_there(
    work: Callable[..., Result],
    place: tuple[Path, Path | None],
    manifest: Manifest,
    computed: tuple[ComputedColumn, ...],
    packed: NDArray[np.uint8],
    n_rows: int,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> Result:
    try:
        library = open_library(*place)
    except ProductError as error:
        raise SelectionError(str(error)) from error
    if library.products.manifest != manifest or library.table.n_stars != n_rows:
        raise SelectionError(f"{place[0].name} was rebuilt since this page was opened. Reload the page.")
    if computed:
        library = library.with_table(VisitTable(library.table, computed))
    return work(library, np.unpackbits(packed, count=n_rows).view(np.bool_), *arguments, **named)
