"""Cached masks of a visitor's named subsets, evaluated once until their definitions change."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from explorer.model.definitions import inside
from explorer.model.selection import Columns, Joined, Mask, Selection, evaluated_once
from explorer.model.subsets import Subset

MAX_PARTS = 16
"""Maximum number of parts of a selection whose masks are cached while another part is edited."""


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
        self._parts: dict[int, tuple[Selection, NDArray[np.uint8]]] = {}

    def follow(self, subsets: tuple[Subset, ...]) -> None:
        """Cache the masks of these subsets only; unchanged ones are not evaluated again."""
        if subsets is not self._subsets:
            alive = {id(item.selection) for item in subsets}
            self._packed = {key: rows for key, rows in self._packed.items() if key in alive}
            self._counts = {key: count for key, count in self._counts.items() if key in alive}
            self._subsets = subsets  # keeps the selections alive, whose identities are the keys

    def forget(self) -> None:
        """Evaluate all subsets again, as columns that they may use have changed."""
        self._packed, self._counts, self._parts = {}, {}, {}

    def mask(self, selection: Selection) -> Mask:
        """Mask of any selection, from the cached masks of its subsets."""
        with self._evaluating():
            for item in self._subsets:
                if item.selection is selection:
                    self._keep(item)
                    return self._unpacked(item)
            return selection.mask(self.table)

    def mask_after(self, selection: Joined, before: Joined) -> Mask:
        """Mask of an edited selection; masks of its unchanged parts are cached until the next edit.

        Parameters
        ----------
        selection : Joined
            The selection.
        before : Joined
            The selection before; parts that are the same objects in both are those that were not edited.
        """
        same = {id(part) for part in inside(before)} & {id(part) for part in inside(selection)}
        self._parts = {key: kept for key, kept in self._parts.items() if key in same}
        rows = self._part(selection.first, same)
        for by, part in selection.then:
            rows = by.of(rows, self._part(part, same))
        return rows

    def _part(self, part: Selection, same: set[int]) -> Mask:
        """Mask of a part, from the cache or for it."""
        kept = self._parts.get(id(part))
        if kept is not None:
            return np.unpackbits(kept[1], count=self._n_rows).view(np.bool_)
        rows = self.mask(part)
        if id(part) in same and len(self._parts) < MAX_PARTS:
            self._parts[id(part)] = (part, np.packbits(rows))  # the part, so that no other object takes its identity
        return rows

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
