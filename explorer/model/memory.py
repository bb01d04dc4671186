"""Memory management of a long-running server."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=1)
def set_aside() -> None:
    """Exclude the objects that exist before the first visitor from garbage collection.

    Panel collects after every page that is closed. Modules and tables are half a million objects; searched through
    each time they would keep everybody's next gesture waiting.
    """
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return unused memory to the system, if the C library can (glibc)."""
    trim = _trim()
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
