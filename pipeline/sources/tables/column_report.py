"""Columns being made from a foreign table, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.tables.table_file import TableFile


@dataclass(frozen=True)
class ColumnReport:
    """Interpretation of one column.

    Parameters
    ----------
    ours, theirs : str
        Names.
    why : str
        How it was recognised.
    unit_from, unit_to : str
        The file's unit and ours.
    known : float
        Share of the rows that have a value.
    low, median, high : float or None
        Of the values, in our unit; None for text and identifiers.
    sentinels, outside : int
        Values that mean missing; values outside the valid range, which became missing.
    note : str
        What else the user should know.
    """

    ours: str
    theirs: str
    why: str
    unit_from: str
    unit_to: str
    known: float
    low: float | None = None
    median: float | None = None
    high: float | None = None
    sentinels: int = 0
    outside: int = 0
    note: str = ""


@dataclass
class Making:
    """Columns being made from a table that was read."""

    table: TableFile
    raw: pd.DataFrame
    star: NDArray[np.bool_]
    """Rows that the table calls stars; all where it does not say."""
    reports: list[ColumnReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def share(flags: Any) -> float:
    """Share of rows, 0 where there are none."""
    return float(np.mean(flags)) if len(flags) else 0.0
