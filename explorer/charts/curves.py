"""Curves as they are sent: numbers in whole steps, exact ones where steps would be coarse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer import protocol

UNKNOWN = 65_535
"""The step of an unknown number."""

_LAST = UNKNOWN - 1
_NO_STEPS = np.empty(0, np.uint16)


def curve_of(values: NDArray[np.floating], coarsest: float) -> protocol.Curve:
    """Round numbers to steps.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        NaN where unknown.
    coarsest : float
        Maximum step; where the span of the values needs a larger one, they stay as they are.
    """
    known = np.isfinite(values)
    if not known.any():
        return protocol.Curve(0.0, 0.0, np.full(values.size, UNKNOWN, np.uint16))
    low, high = float(np.min(values[known])), float(np.max(values[known]))
    step = (high - low) / _LAST
    if not step <= coarsest:
        return protocol.Curve(low, step, _NO_STEPS, np.asarray(values, np.float32))
    with np.errstate(invalid="ignore"):
        scaled = np.rint((values - low) / step) if step > 0.0 else np.where(known, 0.0, np.nan)
    return protocol.Curve(low, step, np.where(known, scaled, UNKNOWN).astype(np.uint16))


def values_of(curve: protocol.Curve) -> NDArray[np.float32]:
    """The numbers of a curve as they are drawn, NaN where unknown."""
    if isinstance(curve.exact, np.ndarray):
        return curve.exact
    drawn = curve.low + curve.step * curve.steps
    return np.where(curve.steps == UNKNOWN, np.nan, drawn).astype(np.float32)
