"""Numbers that mean missing in astronomical tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SENTINEL_ABOVE = 9990.0
"""Absolute value from which numbers mean missing, unless the valid range includes it."""

_NINES = (99.0, 99.9, 99.99, 99.999, 999.0, 999.9, 999.99, 9999.0, 9999.9, 9999.99, 99999.0, 99999.9, 999999.0)
_SURE_NINES = 1000.0
_FEW_ROWS = 2

REPEATED_SHARE = 0.002
"""Fraction of rows above which a common value cannot be a measurement."""


def missing_numbers(values: FloatArray, low: float | None, high: float | None, factor: float) -> NDArray[np.bool_]:
    """Mask of the numbers that mean missing, in columns of any table.

    Beyond +-9990 all do where the valid range ends before. Where a side is open (an energy, an action) only a row of
    nines does: of four digits or more at once, of two or three where many rows share it.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In the file's unit.
    low, high : float or None
        Valid range in our unit.
    factor : float
        From the file's unit to ours.
    """
    scale = abs(factor) or 1.0
    missing = np.zeros(values.size, bool)
    for sign, end in ((-1.0, low), (1.0, high)):
        reach = np.inf if end is None else sign * end / scale
        if reach < SENTINEL_ABOVE:
            missing |= sign * values >= SENTINEL_ABOVE
            continue
        for nines in _NINES:
            same = np.isclose(sign * values, nines, rtol=1e-7, atol=0.0)
            if nines > _SURE_NINES or same.sum() > max(_FEW_ROWS, REPEATED_SHARE * values.size):
                missing |= same
    return missing
