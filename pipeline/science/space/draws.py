"""Random numbers that belong to a star: the same in any block and order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def star_generator(seed: int, key: int) -> np.random.Generator:
    """Generator of one star.

    Parameters
    ----------
    seed : int
        Of the run.
    key : int
        Of the star, as its obsid.
    """
    return np.random.Generator(np.random.Philox(key=[seed, key]))


def star_normals(seed: int, keys: NDArray[np.int64], rows: int, count: int) -> NDArray[np.float64]:
    """Standard normal numbers, shape (rows, n, count), of n stars."""
    drawn = np.stack([star_generator(seed, int(key)).standard_normal((rows, count)) for key in keys])
    return np.ascontiguousarray(drawn.transpose(1, 0, 2))
