"""Velocity zero points of plates and spectrographs against reference velocities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.statistics import robust_scatter

FloatArray = NDArray[np.float64]

LEAST_STARS = 5
"""A group with fewer reference stars gets no zero point of its own."""

CLIP_SIGMA = 4.0


@dataclass(frozen=True)
class ZeroPoints:
    """Offsets by group.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a group: ``group``, ``stars``, ``offset``, ``error`` and ``scatter`` in km/s.
    offset, error : ndarray, shape (n_stars,)
        Of each star's group; 0 and 0 for groups without a zero point of their own.
    """

    table: pd.DataFrame
    offset: FloatArray
    error: FloatArray


def velocity_zero_points(
    rv_kms: FloatArray, error_kms: FloatArray, reference_kms: FloatArray, group: ArrayLike
) -> ZeroPoints:
    """Robust offsets of measured from reference velocities, a group at a time.

    Each group's clipped median is drawn towards the median of all groups by as much as its own error exceeds the
    scatter among groups (empirical Bayes), so that a group of few stars is not corrected by its noise.

    Parameters
    ----------
    rv_kms, error_kms, reference_kms : ndarray, shape (n_stars,)
        Measured velocity, its error, and the reference; NaN where there is none.
    group : array_like, shape (n_stars,)
        Plate, spectrograph, or both, of each star.

    Returns
    -------
    ZeroPoints
        Subtract ``offset`` to correct.
    """
    groups, member = np.unique(np.asarray(group).astype(str), return_inverse=True)
    member = member.reshape(-1)
    difference = np.where(np.isfinite(error_kms), rv_kms - reference_kms, np.nan)
    rows = []
    for number, name in enumerate(groups):
        values = difference[member == number]
        values = values[np.isfinite(values)]
        if values.size < LEAST_STARS:
            continue
        middle = np.median(values)
        scatter = robust_scatter(values)
        kept = values[np.abs(values - middle) <= CLIP_SIGMA * max(scatter, 1e-6)]
        # 1.2533 = sqrt(pi / 2): what the median of a normal sample loses against its mean
        rows.append(
            (number, name, kept.size, float(np.median(kept)), 1.2533 * max(scatter, 1e-6) / np.sqrt(kept.size), scatter)
        )
    offset, error = np.zeros(len(rv_kms)), np.zeros(len(rv_kms))
    table = pd.DataFrame(rows, columns=["number", "group", "stars", "offset", "error", "scatter"])
    if len(table):
        own, noise = table["offset"].to_numpy(), table["error"].to_numpy()
        centre = float(np.median(own))
        between = max(float(np.var(own)) - float(np.mean(noise**2)), 0.0) if len(table) > 1 else np.inf
        trust = np.ones(len(table)) if np.isinf(between) else between / (between + noise**2)
        table["offset"] = centre + trust * (own - centre)
        table["error"] = np.sqrt(trust) * noise
        place = np.full(groups.size, -1)
        place[table["number"]] = np.arange(len(table))
        mine = place[member]
        found = mine >= 0
        offset[found], error[found] = table["offset"].to_numpy()[mine[found]], table["error"].to_numpy()[mine[found]]
    return ZeroPoints(table.drop(columns="number"), offset, error)
