"""Coordinates of the stars on scaled axes, kept up to a limit as scales have any width."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

MAX_AXES = 16
"""Number of scaled axes that are kept for a catalogue of any size, as many as a grid of views has."""

MAX_BYTES = 256_000_000
"""Size up to which more of them are kept."""

MAX_RANGES = 5_000
"""Maximum number of ranges of columns that are kept."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Latest(Generic[Key, Value]):
    """Values by key, of which the first ones are dropped beyond a number; safe for several threads.

    Parameters
    ----------
    most : int
        The number.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: dict[Key, Value] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key, measure: Callable[[], Value]) -> Value:
        """The value of a key, measured at first use."""
        try:
            return self._values[key]
        except KeyError:
            value = measure()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self.most:
                del self._values[next(iter(self._values))]
        return value


def kept_axes(n_stars: int) -> Latest[Any, NDArray[np.float32]]:
    """Store of the scaled axes of a catalogue of so many stars."""
    return Latest(max(MAX_AXES, MAX_BYTES // (4 * max(n_stars, 1_000))))
