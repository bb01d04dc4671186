"""The table of one visitor: the shared columns, and those that the visitor computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model.column_summary import ColumnSummary
from explorer.model.computed import ComputedColumn, computed_values, formulas
from explorer.model.formula import Formula
from explorer.model.ordering import SortKey, StarOrders
from explorer.model.planes import KeptPlanes, Points, ProjectedPlane
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.table import StarTable
from pipeline.domain.column import Column

MAX_KEPT_BYTES = 400_000_000
"""Maximum size of values that are kept for undone definitions, besides those of the present ones."""


class VisitTable(StarTable):
    """Columns of a shared table and those that one visitor computes, which are evaluated at first use.

    Parameters
    ----------
    base : StarTable
        The catalogue, shared by all visitors.
    computed : tuple of ComputedColumn
        Computed columns; each names only columns of the catalogue and those before it.

    Raises
    ------
    SelectionError
        If an expression cannot be read, or names a column that is not there.
    """

    def __init__(self, base: StarTable, computed: tuple[ComputedColumn, ...] = ()) -> None:
        self.base: StarTable = base.base if isinstance(base, VisitTable) else base
        self._values: dict[str, NDArray[np.float32]] = {}
        self._planes = KeptPlanes()
        self.define(computed)

    def define(self, computed: tuple[ComputedColumn, ...]) -> None:
        """Replace the computed columns; values of unchanged ones, and of recent ones, are kept.

        Raises
        ------
        SelectionError
            As the constructor; nothing is changed then.
        """
        made = formulas(computed, self.base.known)
        self.computed, self._formulas = computed, made
        described = {item.name: item.column for item in computed}
        self.known: Mapping[str, Column] = {**self.base.known, **described}
        self.own = (*described.values(), *self.base.own)
        self._added = StarTable({"obsid": self.base["obsid"]}, own=tuple(described.values()), source=_Computed(self))
        for name in ("text_names", "columns", "titles", "_on_axes", "_colourable", "_categorical", "_orders"):
            self.__dict__.pop(name, None)

    def ahead(self, computed: tuple[ComputedColumn, ...]) -> VisitTable:
        """A table with other computed columns, to be evaluated in another thread; see :meth:`keep`.

        Raises
        ------
        SelectionError
            As the constructor.
        """
        other = VisitTable(self.base, computed)
        other._values = dict(self._values)
        return other

    def keep(self, other: VisitTable) -> None:
        """Keep the values that another table of the same catalogue has computed."""
        self._values |= other._values

    def values(self, name: str) -> NDArray[np.float32]:  # type: ignore[override]
        """Values of a computed column."""
        key = self._key(name)
        if key not in self._values:
            self._values[key] = computed_values(self._formulas[name], self)
            self._forget()
        return self._values[key]

    def _key(self, name: str) -> str:
        """The definition of a column, with those that it is made of."""
        formula = self._formulas[name]
        inner = sorted(part for part in formula.names if part in self._formulas)
        return f"{formula.text} where {', '.join(f'{part} = ({self._key(part)})' for part in inner)}"

    def _forget(self) -> None:
        """Drop the oldest values of columns that are not defined any more."""
        present = {self._key(name) for name in self._formulas}
        past = [key for key in self._values if key not in present]
        size = sum(self._values[key].nbytes for key in past)
        for key in past:
            if size <= MAX_KEPT_BYTES:
                return
            size -= self._values.pop(key).nbytes

    def is_computed(self, name: str) -> bool:
        """Whether the visitor computes a column."""
        return name in self._formulas

    def formula(self, name: str) -> Formula:
        """The formula of a computed column."""
        return self._formulas[name]

    def users(self, name: str) -> tuple[str, ...]:
        """Computed columns that are made of a column, directly or by others."""
        result: list[str] = []
        for other, formula in self._formulas.items():  # each after those that it is made of
            if formula.names & {name, *result}:
                result.append(other)
        return tuple(result)

    def _of(self, name: str) -> StarTable:
        return self._added if name in self._formulas else self.base

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._of(name)[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.base
        yield from self._formulas

    def __len__(self) -> int:
        return len(self.base) + len(self._formulas)

    @cached_property
    def text_names(self) -> tuple[str, ...]:
        """Columns of text."""
        return self.base.text_names

    @property
    def n_stars(self) -> int:
        """Number of rows."""
        return self.base.n_stars

    @cached_property
    def every(self) -> NDArray[np.bool_]:
        """The mask of all stars."""
        return self.base.every

    def axis(self, name: str, scale: Scale = LINEAR) -> NDArray[np.float32]:
        """A column as float32 coordinates on a scale."""
        return self._of(name).axis(name, scale)

    def projected(self, plane: ProjectedPlane) -> Points:
        """Coordinates of every star on a plane, shared by all visitors unless it is of a computed column."""
        defined = tuple(self._key(name) for name in plane.names if name in self._formulas)
        return self._planes.get(plane, self, defined) if defined else self.base.projected(plane)

    def scale(self, name: str, kind: ScaleKind) -> Scale:
        """Scale of a kind for the values of a column."""
        return self._of(name).scale(name, kind)

    def limits(self, name: str, tail: float = 0.0, scale: Scale = LINEAR) -> tuple[float, float] | None:
        """Range of a column's finite values, see :meth:`StarTable.limits`."""
        return self._of(name).limits(name, tail, scale)

    @cached_property
    def _on_axes(self) -> tuple[Column, ...]:
        return (*self.base.axes(), *self._added.axes())

    @cached_property
    def _colourable(self) -> tuple[Column, ...]:
        return (*self.base.colourable(), *self._added.colourable())

    @cached_property
    def _categorical(self) -> tuple[Column, ...]:
        return self.base.categorical()

    def categories(self, name: str) -> tuple[tuple[str, ...], NDArray[np.uint8]] | None:
        """Different values of a column, see :meth:`StarTable.categories`."""
        return self._of(name).categories(name)

    def category_values(self, name: str) -> tuple[str, ...]:
        """Different values of a column as stored."""
        return self._of(name).category_values(name)

    def row_of(self, obsid: int) -> int | None:
        """Row of a star."""
        return self.base.row_of(obsid)

    def value(self, name: str, row: int) -> float:
        """One number; NaN if the column is absent."""
        return self._of(name).value(name, row)

    def texts(self, name: str) -> NDArray[Any]:
        """A column of text as objects."""
        return self.base.texts(name)

    def texts_of(self, name: str, stars: NDArray[np.intp]) -> NDArray[Any]:
        """A column of text of some stars, as objects."""
        return self.base.texts_of(name, stars)

    def rows_of_text(self, name: str, texts: Iterable[str]) -> NDArray[np.intp]:
        """Rows whose text is one of some."""
        return self.base.rows_of_text(name, texts)

    def text(self, name: str, row: int) -> str:
        """One text; "" if the column is absent."""
        return self.base.text(name, row)

    def taken(self, name: str, stars: NDArray[np.intp]) -> NDArray[Any]:
        """A column of some stars."""
        return self._of(name).taken(name, stars)

    def order_of(self, name: str, stars: NDArray[np.int64], *, descending: bool) -> NDArray[np.int64]:
        """Stable order of the stars by a column, those without a value last."""
        return self._of(name).order_of(name, stars, descending=descending)

    @cached_property
    def _orders(self) -> StarOrders:
        return StarOrders(self)

    def ordered(self, rows: NDArray[np.bool_], keys: tuple[SortKey, ...]) -> NDArray[np.int64]:
        """Sort some stars by columns; all visitors share the orders by those that are not computed."""
        own = any(name in self._formulas for name, _ in keys)
        return self._orders.ordered(rows, keys) if own else self.base.ordered(rows, keys)

    def summary(self, name: str) -> ColumnSummary:
        """Summary of a column's values, see :meth:`StarTable.summary`."""
        return self._of(name).summary(name)


class _Computed:
    """The computed columns as a source of a table, which loads columns on demand."""

    def __init__(self, table: VisitTable) -> None:
        self._table = table

    def numbers(self, name: str) -> NDArray[Any]:
        """Values of a column."""
        return self._table.values(name)

    def words(self, name: str) -> pa.ChunkedArray:
        """No column of text is computed."""
        raise KeyError(name)

    def first_words(self, name: str, rows: int) -> pa.ChunkedArray:  # noqa: ARG002 - none is computed
        """No column of text is computed."""
        raise KeyError(name)

    def first_numbers(self, name: str, rows: int) -> NDArray[Any]:
        """The first values of a column."""
        return self._table.values(name)[:rows]

    def number_at(self, name: str, row: int) -> float | None:
        """One value of a column."""
        return float(self._table.values(name)[row])

    def extent(self, name: str) -> tuple[float, float] | None:
        """Smallest and largest finite value; None without any."""
        values = self._table.values(name)
        values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if values.size else None
