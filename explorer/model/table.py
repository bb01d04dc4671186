"""The star table as contiguous arrays, created once a process and shared read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.model.column_summary import ColumnSummaries, ColumnSummary
from explorer.model.kept_axes import MAX_RANGES, Latest, kept_axes
from explorer.model.ordering import SortKey, StarOrders, stable_order
from explorer.model.planes import KeptPlanes, Points, ProjectedPlane
from explorer.model.scales import LINEAR, Scale, ScaleKind, symmetric_scale
from pipeline.domain.column import Column
from pipeline.domain.columns import QUANTILE_GROUP, column

_SAMPLE = 1_000_000
"""Maximum number of values for exact quantiles; longer columns are sampled."""

_FENCED, _FENCE = 0.05, 1.5
"""Values beyond these quantiles by more than this multiple of their distance are outliers."""

MAX_CATEGORIES = 12
"""Maximum number of different values of a column for colours or subsets."""

_FIRST = 10_000
"""Number of stars in which columns with too many categories are detected."""

_CHECKED = 200
"""Number of the user's text columns that are checked for the menu; further ones are offered unchecked."""

_EXACT = 2.0**53
_LARGEST_COUNT = 1e9
_LARGEST_AXIS = float(np.finfo(np.float32).max)


class ColumnSource(Protocol):
    """Source of columns that a table loads on demand."""

    def numbers(self, name: str) -> NDArray[Any]:
        """Values of a column of numbers or booleans, read-only."""

    def words(self, name: str) -> pa.ChunkedArray:
        """Values of a column of text without nulls."""

    def first_words(self, name: str, rows: int) -> pa.ChunkedArray:
        """The first values of a column of text."""

    def first_numbers(self, name: str, rows: int) -> NDArray[Any]:
        """The first values of a column of numbers."""

    def number_at(self, name: str, row: int) -> float | None:
        """One value of a column of numbers; None if the whole column must be read."""

    def extent(self, name: str) -> tuple[float, float] | None:
        """Smallest and largest finite value; None without any."""


class StarTable(Mapping[str, NDArray[Any]]):
    """Columns of a catalogue by name; only numerical columns are scanned.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Columns of numbers; they are not copied, and may be mapped from disk.
    words : mapping of str to pyarrow.ChunkedArray
        Columns of text without gaps, kept likewise.
    own : iterable of Column
        Descriptions of the user's own columns, which are among those or in the source.
    source : ColumnSource, optional
        Source of columns loaded on demand, so that opening thousands of them is fast.
    further : iterable of Column
        Declared columns of numbers that are in the source.
    """

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        words: Mapping[str, pa.ChunkedArray] | None = None,
        own: Iterable[Column] = (),
        source: ColumnSource | None = None,
        further: Iterable[Column] = (),
    ) -> None:
        self._arrays = dict(arrays)
        self._words = dict(words or {})
        self._source = source
        self.own = tuple(own)
        own_by_name = {item.name: item for item in self.own}
        numbers = dict.fromkeys((*(item.name for item in further), *self._arrays))
        declared = [column(name) for name in (*numbers, *self._words) if name not in own_by_name]
        self.known: Mapping[str, Column] = {item.name: item for item in (*declared, *self.own)}
        self._numbers = {name: None for name, item in self.known.items() if item.dtype != "str"}
        self._texts: dict[str, NDArray[Any]] = {}
        self._axes: dict[str, NDArray[np.float32]] = {}
        self._limits: Latest[tuple[str, float, Scale], tuple[float, float] | None] = Latest(MAX_RANGES)
        self._symmetric: dict[str, Scale] = {}
        self._planes = KeptPlanes()
        self._categories: dict[str, tuple[tuple[str, ...], NDArray[np.uint8]] | None] = {}
        for values in self._arrays.values():
            values.setflags(write=False)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, own: Iterable[Column] = (), source: ColumnSource | None = None
    ) -> StarTable:
        """Create from a catalogue's data frame; the user's own columns that it lacks are in the source."""
        own = tuple(own)
        known = {item.name: item for item in own}
        texts = [name for name in frame.columns if (known.get(name) or column(name)).dtype == "str"]
        arrays = {name: np.ascontiguousarray(frame[name].to_numpy()) for name in frame.columns if name not in texts}
        words = {name: pa.chunked_array([pa.array(frame[name].astype(str), pa.string())]) for name in texts}
        return cls(arrays, words, own, source)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.texts(name) if name in self and name not in self._numbers else self._column_of_numbers(name)

    def __contains__(self, name: object) -> bool:
        return name in self.known

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def _column_of_numbers(self, name: str) -> NDArray[Any]:
        if name not in self._arrays and name in self._numbers and self._source is not None:
            self._arrays[name] = self._source.numbers(name)
        return self._arrays[name]

    def _column_of_words(self, name: str) -> pa.ChunkedArray:
        if name not in self._words and self._is_text(name) and self._source is not None:
            self._words[name] = self._source.words(name)
        return self._words[name]

    def _is_text(self, name: str) -> bool:
        return name in self.known and name not in self._numbers

    @cached_property
    def every(self) -> NDArray[np.bool_]:
        """The mask of all stars."""
        rows = np.ones(self.n_stars, np.bool_)
        rows.setflags(write=False)
        return rows

    @cached_property
    def text_names(self) -> tuple[str, ...]:
        """Columns of text."""
        return tuple(name for name in self.known if name not in self._numbers)

    @property
    def n_stars(self) -> int:
        """Number of rows."""
        return int(self._arrays["obsid"].shape[0])

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Available columns: declared numbers, declared texts, then the user's own."""
        return tuple(self.known.values())

    def column(self, name: str) -> Column:
        """Description of a column of this catalogue or of a declared one; KeyError for others."""
        return self.known.get(name) or column(name)

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """Labels of the columns with units, for menus; ambiguous ones include the name."""
        seen = Counter(item.axis_label for item in self.columns)
        return {
            item.name: f"{item.axis_label} ({item.name})"
            if item.is_own and seen[item.axis_label] > 1
            else item.axis_label
            for item in self.columns
        }

    @cached_property
    def _orders(self) -> StarOrders:
        return StarOrders(self)

    def ordered(self, rows: NDArray[np.bool_], keys: tuple[SortKey, ...]) -> NDArray[np.int64]:
        """Sort some stars by columns, see :meth:`StarOrders.ordered`."""
        return self._orders.ordered(rows, keys)

    @cached_property
    def _summaries(self) -> ColumnSummaries:
        return ColumnSummaries(self)

    def summary(self, name: str) -> ColumnSummary:
        """Summary of a column's values; KeyError if there is none of that name."""
        return self._summaries.of(name)

    def error_of(self, name: str) -> str | None:
        """Error column of a column, from the same table; None without one."""
        return self._from_its_table(name, self.column(name).error or f"{name}_err")

    def interval_of(self, name: str) -> tuple[str | None, str | None]:
        """Columns of the 16th and 84th percentile of a column, from the same table; None without them."""
        low, high = self.column(name).interval or (f"{name}_16", f"{name}_84")
        return self._from_its_table(name, low), self._from_its_table(name, high)

    def correlation_of(self, first: str, second: str) -> str | None:
        """Column of the correlation of the errors of two columns, from the same table; None without one."""
        names = (
            self._from_its_table(first, f"{pair[0]}_{pair[1]}_corr") for pair in ((first, second), (second, first))
        )
        return next((name for name in names if name is not None), None)

    def _from_its_table(self, name: str, other: str) -> str | None:
        result = self.known.get(other)
        return result.name if result is not None and result.origin == self.column(name).origin else None

    def axis(self, name: str, scale: Scale = LINEAR) -> NDArray[np.float32]:
        """A column as float32 coordinates on a scale; larger ones are infinite and not drawn.

        A column is converted once, and those on the latest scales are kept.
        """
        if not scale.is_linear:
            return self._scaled.get((name, scale), lambda: self._coordinates(name, scale))
        if name not in self._axes:
            self._axes[name] = self._coordinates(name, scale)
        return self._axes[name]

    @cached_property
    def _scaled(self) -> Latest[tuple[str, Scale], NDArray[np.float32]]:
        return kept_axes(self.n_stars)

    def _coordinates(self, name: str, scale: Scale) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(scale.forward(self._column_of_numbers(name)), np.float32)
        values.setflags(write=False)
        return values

    def projected(self, plane: ProjectedPlane) -> Points:
        """Coordinates of every star on a plane, computed once; those of the last planes are kept."""
        return self._planes.get(plane, self)

    def scale(self, name: str, kind: ScaleKind) -> Scale:
        """Scale of a kind for the values of a column; the width of a symmetric one is measured once."""
        if kind is not ScaleKind.SYMLOG:
            return Scale(kind)
        if name not in self._symmetric:
            values = self._column_of_numbers(name)
            self._symmetric[name] = symmetric_scale(values[:: max(values.size // _SAMPLE, 1)])
        return self._symmetric[name]

    def usable(self, *names: str) -> bool:
        """Whether all columns exist and have a finite value."""
        return all(self.limits(name) is not None for name in names)

    def missing(self, *names: str) -> tuple[str, ...]:
        """Columns that are absent or have no finite value."""
        return tuple(name for name in names if self.limits(name) is None)

    def axes(self) -> tuple[Column, ...]:
        """Columns of numbers with at least two different values in single precision; the user's own come last.

        Quantiles are left out: three more entries for each quantity would bury the quantities. So are identifiers.
        """
        return self._on_axes

    @cached_property
    def _on_axes(self) -> tuple[Column, ...]:
        return tuple(item for item in self.columns if item.is_numeric and self._fits_axis(item))

    def _fits_axis(self, item: Column) -> bool:
        if item.group == QUANTILE_GROUP or (item.dtype == "int64" and not item.is_own):
            return False
        limits = self.limits(item.name)
        if limits is None or not limits[0] < limits[1]:
            return False
        if not item.is_own:
            return True
        if max(map(abs, limits)) >= _LARGEST_AXIS or self._identifies(item, limits):
            return False
        return bool(np.float32(limits[0]) < np.float32(limits[1]))

    def _identifies(self, item: Column, limits: tuple[float, float]) -> bool:
        """Whether a column of the user contains identifiers: integers beyond double precision.

        So are large ones that are all different among the first stars.
        """
        if item.dtype == "float32" or limits[1] <= _LARGEST_COUNT:
            return False
        if not item.is_float and max(map(abs, limits)) > _EXACT:
            return True
        if item.name in self._arrays or self._source is None:
            values = self._arrays[item.name][:_FIRST]
        else:
            values = self._source.first_numbers(item.name, _FIRST)
        values = values[np.isfinite(values)]
        return bool((values == np.floor(values)).all()) and np.unique(values).size == values.size

    @cached_property
    def _colourable(self) -> tuple[Column, ...]:
        return tuple(item for item in self.axes() if item.is_float or item.is_own)

    def colourable(self) -> tuple[Column, ...]:
        """Columns of measured numbers for colours."""
        return self._colourable

    def categorical(self) -> tuple[Column, ...]:
        """Columns with few different values, boolean or text.

        The user's text columns are judged by their first values, and only a limited number of them is checked.
        """
        return self._categorical

    @cached_property
    def _categorical(self) -> tuple[Column, ...]:
        truths = [item for item in self.columns if item.dtype == "bool"]
        texts = [item for item in self.columns if item.dtype == "str"]
        declared = [item for item in texts if not item.is_own and self.categories(item.name) is not None]
        own = [item for item in texts if item.is_own]
        few = [item for item in own[:_CHECKED] if self._may_be_categories(item.name)]
        return tuple(sorted((*truths, *declared, *few, *own[_CHECKED:]), key=lambda item: item.is_own))

    def _may_be_categories(self, name: str) -> bool:
        """Whether the first values of a text column are few; others are read on demand."""
        if name in self._words or self._source is None:
            return self.categories(name) is not None
        different = pc.count_distinct(self._source.first_words(name, _FIRST)).as_py()
        return different <= MAX_CATEGORIES and (different > 1 or self.n_stars > _FIRST)

    def categories(self, name: str) -> tuple[tuple[str, ...], NDArray[np.uint8]] | None:
        """Sorted different values of a column and the index of each star; None for one or too many."""
        result = self._kept_categories(name)
        return None if result is None else (tuple(value or "(none)" for value in result[0]), result[1])

    def category_values(self, name: str) -> tuple[str, ...]:
        """Different values of a column as stored, or no and yes; empty for one or too many."""
        result = self._kept_categories(name)
        return () if result is None else result[0]

    def _kept_categories(self, name: str) -> tuple[tuple[str, ...], NDArray[np.uint8]] | None:
        if name not in self._categories:
            self._categories[name] = self._find_categories(name)
        return self._categories[name]

    def _find_categories(self, name: str) -> tuple[tuple[str, ...], NDArray[np.uint8]] | None:
        if name in self._numbers:
            values = self._column_of_numbers(name)
            return (("no", "yes"), values.astype(np.uint8)) if values.dtype == np.bool_ else None
        words = self._column_of_words(name)
        if pc.count_distinct(words.slice(0, _FIRST)).as_py() > MAX_CATEGORIES:
            return None
        labels, codes = _encoded(words)
        if not 1 < len(labels) <= MAX_CATEGORIES:
            return None
        order = np.argsort(labels)
        ranks = np.empty(len(labels), np.uint8)
        ranks[order] = np.arange(len(labels))
        return tuple(map(str, labels[order])), ranks[codes]

    def limits(self, name: str, tail: float = 0.0, scale: Scale = LINEAR) -> tuple[float, float] | None:
        """Range of a column's finite values, as coordinates on a scale; None if there are none.

        With a ``tail``, without that fraction at either end, and never far beyond what nine tenths of the stars span: a
        few wild values do not squeeze all others together.
        """
        return self._limits.get((name, tail, scale), lambda: self._measure_limits(name, tail, scale))

    def _measure_limits(self, name: str, tail: float, scale: Scale) -> tuple[float, float] | None:
        if name not in self._numbers or self.known[name].dtype == "bool":
            return None
        if not tail and scale.is_linear and name not in self._arrays and self._source is not None:
            return self._source.extent(name)
        values = self._column_of_numbers(name)
        if tail:
            values = values[:: max(values.size // _SAMPLE, 1)]
        values = scale.forward(values)
        finite = values[np.isfinite(values)]
        if not finite.size:
            return None
        if not tail:
            return float(finite.min()), float(finite.max())
        low, left, right, high = np.quantile(finite, (tail, _FENCED, 1.0 - _FENCED, 1.0 - tail))
        fence = _FENCE * (right - left)
        if not fence or not scale.is_linear:  # wild values are near the others on a logarithmic scale
            return float(low), float(high)
        return float(max(low, left - fence)), float(min(high, right + fence))

    @cached_property
    def _by_obsid(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self._arrays["obsid"], kind="stable")
        return self._arrays["obsid"][order], order

    def row_of(self, obsid: int) -> int | None:
        """Row of a star; None if the catalogue does not contain the obsid."""
        known, order = self._by_obsid
        at = int(np.searchsorted(known, obsid))
        return int(order[at]) if at < known.size and known[at] == obsid else None

    def value(self, name: str, row: int) -> float:
        """One number; NaN if the column is absent."""
        if name in self._numbers and name not in self._arrays and self._source is not None:
            alone = self._source.number_at(name, row)
            if alone is not None:
                return alone
        return float(self._column_of_numbers(name)[row]) if name in self._numbers else float("nan")

    def texts(self, name: str) -> NDArray[Any]:
        """A column of text as objects; equal texts are one object."""
        if name not in self._texts:
            different, codes = _encoded(self._column_of_words(name))
            self._texts[name] = different[codes]
        return self._texts[name]

    def texts_of(self, name: str, stars: NDArray[np.intp]) -> NDArray[Any]:
        """A column of text of some stars, as objects."""
        return np.asarray(self._column_of_words(name).take(stars).to_numpy(), object)

    def rows_of_text(self, name: str, texts: Iterable[str]) -> NDArray[np.intp]:
        """Rows whose text is one of some."""
        wanted = pa.array(sorted(texts), pa.string())
        return np.flatnonzero(pc.is_in(self._column_of_words(name), value_set=wanted).to_numpy())

    def text(self, name: str, row: int) -> str:
        """One text; "" if the column is absent."""
        return str(self._column_of_words(name)[row]) if self._is_text(name) else ""

    def taken(self, name: str, stars: NDArray[np.intp]) -> NDArray[Any]:
        """A column of some stars; if only the source has it, it is read and not cached."""
        if self._source is None or name in self._arrays or name in self._words:
            return self.texts_of(name, stars) if self._is_text(name) else self._column_of_numbers(name)[stars]
        if self._is_text(name):
            return np.asarray(self._source.words(name).take(stars).to_numpy(), object)
        return self._source.numbers(name)[stars]

    def order_of(self, name: str, stars: NDArray[np.int64], *, descending: bool) -> NDArray[np.int64]:
        """Stable order of the stars by a column, those without a value last."""
        if self._is_text(name):
            words = self._column_of_words(name).take(stars).combine_chunks()
            words = pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)
            direction = "descending" if descending else "ascending"
            order = pc.array_sort_indices(words, order=direction, null_placement="at_end")
            return np.asarray(stars[order.to_numpy()])
        values = self._column_of_numbers(name)[stars]
        if descending:
            values = ~values if values.dtype.kind in "bi" else -values
        return stars[stable_order(values)]


def counted(stars: int) -> str:
    """Format a number of stars for a title."""
    return f"{stars:,} {'star' if stars == 1 else 'stars'}"


def _encoded(words: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Different texts as objects, and the index of each star."""
    chunks = words.dictionary_encode().unify_dictionaries().chunks
    return chunks[0].dictionary.to_numpy(zero_copy_only=False), np.concatenate([item.indices for item in chunks])
