"""Stars like one star by its labels, and the training stars nearest to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.model.table import StarTable
from pipeline.domain.columns import column
from pipeline.domain.label_names import LABEL_NAMES as LABELS
from pipeline.science.star.likeness import closest
from pipeline.science.star.refit import LabelModel

FloatArray = NDArray[np.float64]


def nearest_training(table: StarTable, model: LabelModel, labels: FloatArray, most: int) -> tuple[int, ...]:
    """Training stars with the nearest reference labels, by obsid.

    Distances are in standard deviations of the training labels; empty where the catalogue keeps no reference labels.
    """
    names = [column(name).references[0].column for name in model.names]
    if any(name not in table for name in names):
        return ()
    rows = np.flatnonzero(table["in_training"])
    reference = np.stack([table[name][rows] for name in names], axis=1).astype(np.float64)
    distance = (((reference - labels) / model.slam.label_std_) ** 2).sum(axis=1)
    return closest(table["obsid"][rows], distance, most)


def like_by_labels(table: StarTable, row: int, most: int) -> tuple[int, ...]:
    """Stars whose labels differ least from those of one star, in units of their errors, by obsid."""
    names = [name for name in LABELS if name in table and np.isfinite(table.value(name, row))]
    if not names:
        return ()
    distance = np.zeros(table.n_stars)
    for name in names:
        values, errors = (table.axis(item).astype(np.float64) for item in (name, f"{name}_err"))
        distance += (values - values[row]) ** 2 / np.maximum(errors**2 + errors[row] ** 2, 1e-12)
    distance[row] = np.nan
    return closest(table["obsid"], distance, most)
