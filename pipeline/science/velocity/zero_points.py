"""Velocity zero points of plates, spectrographs and nights against reference velocities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.flags import QualityFlag
from pipeline.domain.statistics import robust_scatter

FloatArray = NDArray[np.float64]

MIN_STARS = 5
"""A group with fewer reference stars takes the zero point of the group that holds it."""

CLIP_SIGMA = 4.0
SHIFTED_KMS, SHIFTED_SIGMA = (QualityFlag.RV_SHIFTED_GROUP.limit(name) for name in ("kms", "sigma"))
"""A group whose zero point is off the whole run's by more than both has a wrong wavelength scale."""

RUN = "whole run"
_COLUMNS = ["level", "group", "stars", "offset", "error", "scatter"]


@dataclass(frozen=True)
class ZeroPoints:
    """Offsets by group.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a group with an own zero point, wider levels first: ``level``, ``group``, ``stars``, ``offset``,
        ``error`` and ``scatter`` in km/s.
    offset, error : ndarray, shape (n_stars,)
        Of each star's finest group that has one; NaN where there is no reference velocity at all.
    level : ndarray of str, shape (n_stars,)
        Level that each star's offset comes from, "" for none.
    shifted : ndarray of bool, shape (n_stars,)
        Whether the offset is off that of the whole run by more than a wavelength scale ever is (20 km/s and 5 sigma).
    """

    table: pd.DataFrame
    offset: FloatArray
    error: FloatArray
    level: NDArray[np.str_]
    shifted: NDArray[np.bool_]


def velocity_zero_points(
    rv_kms: FloatArray,
    error_kms: FloatArray,
    reference_kms: FloatArray,
    levels: Sequence[tuple[str, NDArray[np.str_]]],
) -> ZeroPoints:
    """Robust offsets of measured from reference velocities, from the whole run down to the finest groups.

    Each group's clipped median is drawn towards the offset of the group that holds it, by as much as its own error
    exceeds the scatter among the groups of its level (empirical Bayes); a thin group takes that offset as it is, with
    that scatter as an error.

    Parameters
    ----------
    rv_kms, error_kms, reference_kms : ndarray, shape (n_stars,)
        Measured velocity, its error, and the reference; NaN where there is none.
    levels : sequence of (str, ndarray of str, shape (n_stars,))
        Names of the levels and groups of the stars, the widest first; "" is no group.

    Returns
    -------
    ZeroPoints
        Subtract ``offset`` to correct.
    """
    n = len(rv_kms)
    difference = np.where(np.isfinite(error_kms), rv_kms - reference_kms, np.nan)
    values = difference[np.isfinite(difference)]
    offset, error, level = np.full(n, np.nan), np.full(n, np.nan), np.full(n, "", dtype="<U64")
    if not values.size:
        return ZeroPoints(pd.DataFrame(columns=_COLUMNS), offset, error, level, np.zeros(n, np.bool_))
    kept, middle, noise, scatter = _middle(values)
    offset[:], error[:], level[:] = middle, noise, RUN
    rows = [(RUN, RUN, kept, middle, noise, scatter)]
    for name, group in levels:
        groups, member = np.unique(group, return_inverse=True)
        member = member.reshape(-1)
        fits = []
        for number, label in enumerate(groups):
            mine = member == number
            values = difference[mine]
            values = values[np.isfinite(values)]
            if label and values.size >= MIN_STARS:
                fits.append((str(label), mine, *_middle(values)))
        if not fits:
            continue
        holding = np.array([offset[mine][0] for _, mine, *_ in fits])
        own, noise_of = np.array([fit[3] for fit in fits]), np.array([fit[4] for fit in fits])
        between = max(float(np.mean((own - holding) ** 2)) - float(np.mean(noise_of**2)), 0.0)
        before_error = error
        error = np.where(group != "", np.hypot(error, np.sqrt(between)), error)  # thin groups
        for (label, mine, kept, middle, noise, scatter), parent in zip(fits, holding, strict=True):
            alone = len(fits) == 1
            trust = 1.0 if alone else between / (between + noise**2)
            offset[mine] = parent + trust * (middle - parent)
            error[mine] = np.hypot(trust * noise, (1.0 - trust) * before_error[mine][0])
            level[mine] = name
            rows.append((name, label, kept, float(offset[mine][0]), float(error[mine][0]), scatter))
    off = np.abs(offset - rows[0][3])
    shifted = (off > SHIFTED_KMS) & (off > SHIFTED_SIGMA * error)
    return ZeroPoints(pd.DataFrame(rows, columns=_COLUMNS), offset, error, level, shifted)


def _middle(values: FloatArray) -> tuple[int, float, float, float]:
    """Number kept, clipped median, its error and the robust scatter of some differences."""
    middle = float(np.median(values))
    scatter = max(robust_scatter(values), 1e-6)
    kept = values[np.abs(values - middle) <= CLIP_SIGMA * scatter]
    # 1.2533 = sqrt(pi / 2): what the median of a normal sample loses against its mean
    return int(kept.size), float(np.median(kept)), 1.2533 * scatter / np.sqrt(kept.size), scatter
