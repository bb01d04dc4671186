"""The stars as contiguous arrays, made once a process and shared, read-only, by all visitors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.columns import QUANTILE_GROUP, Column, column
from pipeline.products.catalog import Catalog


class StarTable(Mapping[str, NDArray[Any]]):
    """Columns of a catalogue by name.

    Parameters
    ----------
    frame : pandas.DataFrame
        The catalogue's table; it is kept for showing rows, and must not be changed.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._arrays: dict[str, NDArray[Any]] = {}
        self._limits: dict[tuple[str, float], tuple[float, float] | None] = {}
        for name in frame.columns:
            if column(name).dtype == "str":
                continue
            values = np.ascontiguousarray(frame[name].to_numpy())
            values.setflags(write=False)
            self._arrays[name] = values
        obsid = self._arrays["obsid"]
        self._row = {int(star): row for row, star in enumerate(obsid)}

    @classmethod
    def from_catalog(cls, catalog: Catalog) -> StarTable:
        """Take the columns of a validated catalogue."""
        return cls(catalog.table)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def n_stars(self) -> int:
        """Number of rows."""
        return int(self._arrays["obsid"].shape[0])

    def usable(self, *names: str) -> bool:
        """Whether every one of the columns is there with at least one finite value."""
        return all(self.limits(name) is not None for name in names)

    def missing(self, *names: str) -> tuple[str, ...]:
        """Those of the columns that are absent or hold no finite value."""
        return tuple(name for name in names if self.limits(name) is None)

    def colourable(self) -> tuple[Column, ...]:
        """Columns of measured numbers with at least two different values, by which stars can be coloured.

        Quantiles are left out: three more entries for each quantity would bury the quantities.
        """
        found = []
        for name in self._arrays:
            declared = column(name)
            limits = self.limits(name)
            told = declared.is_float and declared.group != QUANTILE_GROUP
            if told and limits is not None and limits[0] < limits[1]:
                found.append(declared)
        return tuple(found)

    def limits(self, name: str, tail: float = 0.0) -> tuple[float, float] | None:
        """Range of a column's finite values without a fraction ``tail`` at either end; None when there are none."""
        key = (name, tail)
        if key not in self._limits:
            self._limits[key] = self._measure_limits(name, tail)
        return self._limits[key]

    def _measure_limits(self, name: str, tail: float) -> tuple[float, float] | None:
        values = self._arrays.get(name)
        if values is None or values.dtype == np.bool_:
            return None
        finite = values[np.isfinite(values)]
        if not finite.size:
            return None
        low, high = np.quantile(finite, (tail, 1.0 - tail))
        return float(low), float(high)

    def row_of(self, obsid: int) -> int | None:
        """Row of a star, None when the catalogue has no such obsid."""
        return self._row.get(int(obsid))

    def value(self, name: str, row: int) -> float:
        """One number, NaN when the column is absent."""
        values = self._arrays.get(name)
        return float(values[row]) if values is not None else float("nan")

    def text(self, name: str, row: int) -> str:
        """One text, "" when the column is absent."""
        return str(self.frame[name].iloc[row]) if name in self.frame.columns else ""
