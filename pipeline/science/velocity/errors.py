"""The size that velocity errors really have, from stars observed several times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MIN_PAIRS = 20
"""Pairs of observations of one star that suffice to scale errors."""

SCALES = np.geomspace(0.25, 5.0, 49)
FLOORS_KMS = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 12.5, 15.0])
_FREEDOM = 4.0
"""Of the Student distribution that the deviations are fitted with, against outliers."""


@dataclass(frozen=True)
class ErrorModel:
    """``error^2 = (scale * formal)^2 + floor^2``.

    Parameters
    ----------
    scale : float
        Factor of the formal error.
    floor_kms : float
        What no S/N takes away.
    stars, pairs : int
        Repeated stars and pairs of their observations that were used; 0 where there were too few to scale anything.
    """

    scale: float = 1.0
    floor_kms: float = 0.0
    stars: int = 0
    pairs: int = 0

    def apply(self, formal_kms: FloatArray) -> FloatArray:
        """Scaled errors of formal ones, same shape."""
        return np.asarray(np.hypot(self.scale * formal_kms, self.floor_kms))


def repeat_deviations(
    star: NDArray[np.int64], values: FloatArray, errors: FloatArray
) -> tuple[FloatArray, FloatArray, int]:
    """Deviations of repeated observations from their stars' weighted means, as wide as single errors.

    Parameters
    ----------
    star : ndarray of int, shape (n,)
        Number of the star of each observation.
    values, errors : ndarray, shape (n,)
        NaN where there is none.

    Returns
    -------
    deviation, error : ndarray, shape (m,)
        Deviations over sqrt(1 - the observation's share of the weight), and stated errors.
    stars : int
        Repeated stars.
    """
    known = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
    number, member, count = np.unique(star[known], return_inverse=True, return_counts=True)
    repeated = count[member] > 1
    weight = errors[known] ** -2.0
    total = np.bincount(member, weight, number.size)
    mean = np.bincount(member, weight * values[known], number.size) / np.where(total > 0, total, 1.0)
    share = weight / total[member]
    deviation = (values[known] - mean[member])[repeated] / np.sqrt(np.maximum(1.0 - share[repeated], 1e-9))
    return deviation, errors[known][repeated], int((count > 1).sum())


class Corrections(NamedTuple):
    """Corrections that were subtracted from velocities, arrays of shape (n,), km/s."""

    offset: FloatArray
    """Zero points; observations that share one have the same value."""

    error: FloatArray
    """Their errors."""


def repeat_errors(
    star: NDArray[np.int64], values: FloatArray, formal: FloatArray, corrections: Corrections | None = None
) -> ErrorModel:
    """Scale and floor of the errors that make repeats as different as they are.

    Differences of neighbouring observations of each star are taken; the likelihood of a Student distribution is
    searched on a grid of both; then both are multiplied by what gives pulls a robust spread of 1.

    Parameters
    ----------
    star : ndarray of int, shape (n,)
        Number of the star of each observation.
    values, formal : ndarray, shape (n,)
        Velocities and formal errors, km/s; NaN where there is none.
    corrections : Corrections, optional
        Zero points that were subtracted from ``values``. Two observations with different ones differ by the errors of
        both as well; the returned errors do not contain these.
    """
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(formal) & (formal > 0))
    order = known[np.argsort(star[known], kind="stable")]
    first = np.flatnonzero(star[order[1:]] == star[order[:-1]])
    row, other = order[first], order[first + 1]
    if first.size < MIN_PAIRS:
        return ErrorModel()
    apart, squares = np.abs(values[row] - values[other]), formal[row] ** 2 + formal[other] ** 2
    between = np.zeros(first.size)
    if corrections is not None:
        other_group = corrections.offset[row] != corrections.offset[other]
        between = np.where(other_group, corrections.error[row] ** 2 + corrections.error[other] ** 2, 0.0)
    variance = SCALES[:, None, None] ** 2 * squares + 2.0 * FLOORS_KMS[None, :, None] ** 2 + between
    loss = 0.5 * np.log(variance) + 0.5 * (_FREEDOM + 1.0) * np.log1p(apart**2 / (_FREEDOM * variance))
    best = np.unravel_index(loss.sum(axis=2).argmin(), loss.shape[:2])
    scale, floor = float(SCALES[best[0]]), float(FLOORS_KMS[best[1]])
    own = scale**2 * squares + 2.0 * floor**2
    square = float(np.median(((1.4826 * apart) ** 2 - between) / own))  # pulls have a robust spread of 1 with it
    width = float(np.sqrt(square)) if square > 0.0 else 1.0
    return ErrorModel(scale * width, floor * width, int(np.unique(star[row]).size), int(first.size))
