"""The stars as contiguous arrays, made once a process and shared, read-only, by all visitors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.columns import QUANTILE_GROUP, column

_SAMPLE = 1_000_000
"""Quantiles of longer columns are read off every k-th star."""

_FENCED, _FENCE = 0.05, 1.5
"""Wild is what is farther beyond these quantiles than so many times their distance."""

_MOST_CATEGORIES = 12

_FIRST = 10_000
"""Columns with more categories among so many stars are not looked at further."""


class StarTable(Mapping[str, NDArray[Any]]):
    """Columns of a catalogue by name; only those of numbers are gone through.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Columns of numbers; they are kept, not copied, and may be mapped from disk.
    words : mapping of str to pyarrow.ChunkedArray
        Columns of text without gaps, kept likewise.
    """

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        words: Mapping[str, pa.ChunkedArray] | None = None,
    ) -> None:
        self._arrays = dict(arrays)
        self._words = dict(words or {})
        self._texts: dict[str, NDArray[Any]] = {}
        self._axes: dict[str, NDArray[np.float32]] = {}
        self._limits: dict[tuple[str, float], tuple[float, float] | None] = {}
        self._categories: dict[str, tuple[tuple[str, ...], NDArray[np.uint8]] | None] = {}
        self.every: NDArray[np.bool_] = np.ones(self.n_stars, np.bool_)
        for values in (*self._arrays.values(), self.every):
            values.setflags(write=False)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> StarTable:
        """Take the columns of a catalogue's table."""
        texts = [name for name in frame.columns if column(name).dtype == "str"]
        arrays = {name: np.ascontiguousarray(frame[name].to_numpy()) for name in frame.columns if name not in texts}
        return cls(arrays, {name: pa.chunked_array([pa.array(frame[name].astype(str), pa.string())]) for name in texts})

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.texts(name) if name in self._words else self._arrays[name]

    def __contains__(self, name: object) -> bool:
        return name in self._arrays or name in self._words

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def text_names(self) -> tuple[str, ...]:
        """Columns of text."""
        return tuple(self._words)

    @property
    def n_stars(self) -> int:
        """Number of rows."""
        return int(self._arrays["obsid"].shape[0])

    @property
    def columns(self) -> tuple[Column, ...]:
        """The declared columns that are here, numbers before text."""
        return tuple(column(name) for name in (*self._arrays, *self._words))

    def axis(self, name: str) -> NDArray[np.float32]:
        """A column as coordinates, converted once."""
        if name not in self._axes:
            values = np.ascontiguousarray(self._arrays[name], np.float32)
            values.setflags(write=False)
            self._axes[name] = values
        return self._axes[name]

    def usable(self, *names: str) -> bool:
        """Whether every one of the columns is there with at least one finite value."""
        return all(self.limits(name) is not None for name in names)

    def missing(self, *names: str) -> tuple[str, ...]:
        """Those of the columns that are absent or hold no finite value."""
        return tuple(name for name in names if self.limits(name) is None)

    def axes(self) -> tuple[Column, ...]:
        """Columns of numbers with at least two different values, which can stand on an axis.

        Quantiles are left out: three more entries for each quantity would bury the quantities. So are identifiers.
        """
        found = []
        for name, values in self._arrays.items():
            declared = column(name)
            limits = self.limits(name)
            told = declared.group != QUANTILE_GROUP and values.dtype != np.int64
            if told and limits is not None and limits[0] < limits[1]:
                found.append(declared)
        return tuple(found)

    def colourable(self) -> tuple[Column, ...]:
        """Columns of measured numbers by which stars can be coloured."""
        return tuple(declared for declared in self.axes() if declared.is_float)

    def categorical(self) -> tuple[Column, ...]:
        """Columns with few different values: yes and no, or words."""
        names = [name for name, values in self._arrays.items() if values.dtype == np.bool_]
        return tuple(column(name) for name in (*names, *self._words) if self.categories(name) is not None)

    def categories(self, name: str) -> tuple[tuple[str, ...], NDArray[np.uint8]] | None:
        """Different values of a column, in order, and each star's; None when there are one or too many."""
        if name not in self._categories:
            self._categories[name] = self._find_categories(name)
        return self._categories[name]

    def _find_categories(self, name: str) -> tuple[tuple[str, ...], NDArray[np.uint8]] | None:
        if name in self._arrays:
            return ("no", "yes"), self._arrays[name].astype(np.uint8)
        words = self._words[name]
        if pc.count_distinct(words.slice(0, _FIRST)).as_py() > _MOST_CATEGORIES:
            return None
        labels, codes = _encoded(words)
        if not 1 < len(labels) <= _MOST_CATEGORIES:
            return None
        order = np.argsort(labels)
        ranks = np.empty(len(labels), np.uint8)
        ranks[order] = np.arange(len(labels))
        return tuple(label or "(none)" for label in labels[order]), ranks[codes]

    def limits(self, name: str, tail: float = 0.0) -> tuple[float, float] | None:
        """Range of a column's finite values; None when there are none.

        With a ``tail``, without that fraction at either end, and never far beyond what nine tenths of the stars span: a
        few wild values do not squeeze all others together.
        """
        key = (name, tail)
        if key not in self._limits:
            self._limits[key] = self._measure_limits(name, tail)
        return self._limits[key]

    def _measure_limits(self, name: str, tail: float) -> tuple[float, float] | None:
        values = self._arrays.get(name)
        if values is None or values.dtype == np.bool_:
            return None
        if tail:
            values = values[:: max(values.size // _SAMPLE, 1)]
        finite = values[np.isfinite(values)]
        if not finite.size:
            return None
        if not tail:
            return float(finite.min()), float(finite.max())
        low, left, right, high = np.quantile(finite, (tail, _FENCED, 1.0 - _FENCED, 1.0 - tail))
        fence = _FENCE * (right - left)
        return (float(max(low, left - fence)), float(min(high, right + fence))) if fence else (float(low), float(high))

    @cached_property
    def _by_obsid(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self._arrays["obsid"], kind="stable")
        return self._arrays["obsid"][order], order

    def row_of(self, obsid: int) -> int | None:
        """Row of a star, None when the catalogue has no such obsid."""
        known, order = self._by_obsid
        at = int(np.searchsorted(known, obsid))
        return int(order[at]) if at < known.size and known[at] == obsid else None

    def value(self, name: str, row: int) -> float:
        """One number, NaN when the column is absent."""
        values = self._arrays.get(name)
        return float(values[row]) if values is not None else float("nan")

    def texts(self, name: str) -> NDArray[Any]:
        """A column of text, as objects; equal texts are one object."""
        if name not in self._texts:
            different, codes = _encoded(self._words[name])
            self._texts[name] = different[codes]
        return self._texts[name]

    def texts_of(self, name: str, stars: NDArray[np.intp]) -> NDArray[Any]:
        """A column of text of some stars, as objects."""
        return np.asarray(self._words[name].take(stars).to_numpy(), object)

    def text(self, name: str, row: int) -> str:
        """One text, "" when the column is absent."""
        return str(self._words[name][row]) if name in self._words else ""


def counted(stars: int) -> str:
    """A number of stars as a title says it."""
    return f"{stars:,} {'star' if stars == 1 else 'stars'}"


def _encoded(words: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Different texts as objects, and each star's."""
    chunks = words.dictionary_encode().unify_dictionaries().chunks
    return chunks[0].dictionary.to_numpy(zero_copy_only=False), np.concatenate([one.indices for one in chunks])
