"""Robust statistics that several rooms use."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal sample over its median absolute deviation."""


def robust_scatter(values: NDArray[np.float64]) -> float:
    """1.4826 times the median absolute deviation from the median, of the finite values; NaN without any."""
    known = values[np.isfinite(values)]
    return float(MAD_TO_SIGMA * np.median(np.abs(known - np.median(known)))) if known.size else float("nan")


def with_error(value: float, error: float, sign: str = "") -> str:
    """A value and its error or scatter as text, with the digits of two significant digits of the error.

    Parameters
    ----------
    value, error : float
        An error that is not a positive number leaves three digits of the value.
    sign : str
        "+" shows the sign of positive values too.
    """
    if not (math.isfinite(error) and error > 0.0):
        return f"{value:{sign}.3g} ± {error:.3g}"
    digits = max(1 - math.floor(math.log10(error)), 0)
    return f"{round(value, digits) + 0.0:{sign},.{digits}f} ± {error:,.{digits}f}"
