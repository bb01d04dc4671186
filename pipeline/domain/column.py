"""One column of the catalogue: what it holds, and how it is written, checked and shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

DType = Literal["int64", "int32", "int16", "float64", "float32", "bool", "str"]

LARGEST = 1e15
"""Absolute value of a float32 column without a range of its own: its square still fits into single precision."""

_EXACT_DECIMALS = 2.0**53
_SQUARED = re.compile(r"(?<=[A-Za-z])2(?!\d)")


@dataclass(frozen=True)
class Column:
    """One quantity of the catalogue.

    Parameters
    ----------
    name : str
        Machine name: lower case, letters, digits and underscores.
    dtype : str
        Storage type; floats hold NaN where a value is missing.
    unit : str
        Unit in the spelling that astropy reads, "" when the quantity has none.
    ucd : str
        IVOA UCD1+ word.
    label : str
        What stands on an axis.
    description : str
        One line for glossaries and file headers.
    group : str
        Chapter of the catalogue.
    low, high : float or None
        Valid range, inclusive; None means open (see :meth:`outside`).
    paper_name : str
        Name printed in Table A1 of the paper, "" for value-added columns.
    nullable : bool
        Whether a catalogue may lack the column. A missing float is NaN; integers say in their
        description which value means unknown.
    unknown : int or None
        That value; None where nothing or NaN means it.
    aliases : tuple of str
        Exact names under which archives and groups publish the quantity; the column's own name is always one.
    origin : str
        Table that brought the column, for a column of the user's own; "" for those that are declared here.
    """

    name: str
    dtype: DType
    unit: str
    ucd: str
    label: str
    description: str
    group: str
    low: float | None = None
    high: float | None = None
    paper_name: str = ""
    nullable: bool = True
    unknown: int | None = None
    aliases: tuple[str, ...] = ()
    origin: str = ""

    @property
    def unit_label(self) -> str:
        """Unit as people read it: the 2 of a square is raised."""
        return _SQUARED.sub("²", self.unit)

    @property
    def axis_label(self) -> str:
        """Label with its unit, for an axis."""
        return f"{self.label} [{self.unit_label}]" if self.unit else self.label

    @property
    def is_float(self) -> bool:
        """Whether NaN can mark a missing value."""
        return self.dtype.startswith("float")

    @property
    def is_numeric(self) -> bool:
        """Whether it can stand on an axis."""
        return self.dtype not in ("str", "bool")

    @property
    def integer_limits(self) -> tuple[int, int]:
        """Least and greatest whole number that the column may hold: the declared range, else that of its type.

        Raises
        ------
        ValueError
            If the column holds no whole numbers.
        """
        limits = np.iinfo(self.dtype)
        low = limits.min if self.low is None else int(self.low)
        return low, limits.max if self.high is None else int(self.high)

    def outside(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Values that the column cannot hold: beyond its range or its type, infinite, or fractions of whole numbers.

        Parameters
        ----------
        values : ndarray of numbers, shape (n,)
            Candidates; NaN is a missing value and never outside.

        Returns
        -------
        ndarray of bool, shape (n,)
            Where a value must not be stored.
        """
        low: float | None = self.low
        high: float | None = self.high
        if self.is_float:
            bound = LARGEST if self.dtype == "float32" else float(np.finfo(self.dtype).max)
            low, high = (-bound if low is None else low), (bound if high is None else high)
        else:
            low, high = self.integer_limits
        with np.errstate(invalid="ignore"):
            outside = np.asarray((values < low) | (values > high), np.bool_)
            if not self.is_float and values.dtype.kind == "f":
                outside |= (values != np.floor(values)) & ~np.isnan(values)
                outside |= np.abs(values) >= _EXACT_DECIMALS
        return outside

    @property
    def is_own(self) -> bool:
        """Whether a table of the user's brought it."""
        return self.origin != ""

    @property
    def meaning(self) -> str:
        """Description, and for a column of the user's own the table that brought it."""
        if not self.origin:
            return self.description
        source = f"column {self.label!r} of {self.origin}"
        return f"{self.description} ({source})" if self.description else source[0].upper() + source[1:]
