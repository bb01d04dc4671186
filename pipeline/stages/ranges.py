"""Rejection of values outside the declared range of their column, which become missing.

This is done where values come in, so that no stage meets an infinite or an absurd one, and again where the catalogue is
written, for what the stages computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME, column, names_at
from pipeline.stages.state import BuildState

_POSITIONS = names_at("position")


def check_input(state: BuildState) -> None:
    """Set input values outside their ranges to missing; positions are checked by a later stage."""
    names = [name for name in state.table.columns if name in BY_NAME and name not in _POSITIONS]
    if changed := within_ranges(state, "read", names):
        state.give(changed)


def within_ranges(state: BuildState, stage: str, names: Iterable[str]) -> dict[str, NDArray[np.generic]]:
    """Columns with values set to missing, each of which is rejected with its reason.

    Parameters
    ----------
    state : BuildState
        The build.
    stage : str
        Name of the running stage.
    names : iterable of str
        Declared columns of the table.

    Returns
    -------
    dict of str to ndarray
        The changed columns in their declared type.
    """
    changed = {}
    for name in names:
        declared = column(name)
        if not declared.is_numeric or (not declared.is_float and declared.unknown is None):
            continue
        values = state.table[name].to_numpy()
        outside = declared.outside(values)
        missing = outside | np.isnan(values) if values.dtype.kind == "f" else outside
        if not outside.any() and (declared.is_float or not missing.any()):
            continue
        low, high = (declared.low, declared.high) if declared.is_float else declared.integer_limits
        state.reject_rows(
            *(stage, np.flatnonzero(outside), "value-out-of-range", f"{name} outside {low}..{high}"),
            partial(_reason, declared, values),
        )
        unknown: Any = np.nan if declared.is_float else declared.unknown
        changed[name] = np.where(missing, unknown, values).astype(declared.dtype)
    return changed


def _reason(declared: Column, values: NDArray[np.generic], row: int) -> str:
    low, high = (declared.low, declared.high) if declared.is_float else declared.integer_limits
    return f"{declared.name} = {values[row]:.6g} is outside {low}..{high}; it is published as missing."
