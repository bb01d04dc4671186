"""Cached masks of a visitor's named subsets, evaluated once until their definitions change."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from explorer.model.selection import Columns, Mask, Selection, evaluated_once
from explorer.model.subsets import Subset


class _Known(dict[int, Mask]):
    """Masks of one evaluation; cached ones are unpacked on demand."""

    def __init__(self, packed: dict[int, NDArray[np.uint8]], n_rows: int) -> None:
        super().__init__()
        self._packed, self._n_rows = packed, n_rows

    def get(self, key: int, default: Mask | None = None) -> Mask | None:  # type: ignore[override]
        """A mask by the identity of its selection."""
        rows = super().get(key)
        if rows is None and key in self._packed:
            rows = self[key] = np.unpackbits(self._packed[key], count=self._n_rows).view(np.bool_)
        return default if rows is None else rows


class KeptRows:
    """Evaluates subsets, and caches their masks at one bit a row.

    Parameters
    ----------
    table : mapping of str to ndarray
        The stars.
    """

    def __init__(self, table: Columns) -> None:
        self.table = table
        self._n_rows = int(table["obsid"].shape[0])
        self._subsets: tuple[Subset, ...] = ()
        self._packed: dict[int, NDArray[np.uint8]] = {}
        self._counts: dict[int, int] = {}

    def follow(self, subsets: tuple[Subset, ...]) -> None:
        """Cache the masks of these subsets only; unchanged ones are not evaluated again."""
        if subsets is not self._subsets:
            alive = {id(item.selection) for item in subsets}
            self._packed = {key: rows for key, rows in self._packed.items() if key in alive}
            self._counts = {key: count for key, count in self._counts.items() if key in alive}
            self._subsets = subsets  # keeps the selections alive, whose identities are the keys

    def forget(self) -> None:
        """Evaluate all subsets again, as columns that they may use have changed."""
        self._packed, self._counts = {}, {}

    def mask(self, selection: Selection) -> Mask:
        """Mask of any selection, from the cached masks of its subsets."""
        with self._evaluating():
            for item in self._subsets:
                if item.selection is selection:
                    self._keep(item)
                    return self._unpacked(item)
            return selection.mask(self.table)

    def count(self, subset: Subset) -> int:
        """Number of stars of one of the subsets."""
        with self._evaluating():
            self._keep(subset)
        return self._counts[id(subset.selection)]

    def _evaluating(self) -> AbstractContextManager[None]:
        return evaluated_once(_Known(self._packed, self._n_rows))

    def _keep(self, subset: Subset) -> None:
        key = id(subset.selection)
        if key not in self._packed:
            rows = subset.selection.mask(self.table)
            self._packed[key], self._counts[key] = np.packbits(rows), int(rows.sum())

    def _unpacked(self, subset: Subset) -> Mask:
        return np.unpackbits(self._packed[id(subset.selection)], count=self._n_rows).view(np.bool_)
