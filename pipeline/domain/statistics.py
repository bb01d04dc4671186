"""Robust statistics that several rooms use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal sample over its median absolute deviation."""


def robust_scatter(values: NDArray[np.float64]) -> float:
    """1.4826 times the median absolute deviation from the median, of the finite values; NaN without any."""
    known = values[np.isfinite(values)]
    return float(MAD_TO_SIGMA * np.median(np.abs(known - np.median(known)))) if known.size else float("nan")
