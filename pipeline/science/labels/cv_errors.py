"""Label errors as in the paper: the cross-validated scatter at a star's S/N, one formula for all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science.labels.error_model import GAUSSIAN_TAIL, ErrorModel

FloatArray = NDArray[np.float64]

STARS_A_BIN = 30
"""Fewest out-of-fold stars whose scatter is a node."""

_MAX_BINS = 8


def scatter_errors(label_names: tuple[str, ...], difference: FloatArray, snr: FloatArray) -> ErrorModel:
    """Errors that depend on S/N alone: CV scatter.

    Qiu et al. (2023), Eq. 7, with the number of stars inside the root.

    Parameters
    ----------
    label_names : tuple of str
        Names of the labels.
    difference : ndarray, shape (n, l)
        Out-of-fold less reference labels.
    snr : ndarray, shape (n,)
        S/N.

    Returns
    -------
    ErrorModel
        Root mean square of the differences in up to eight bins of S/N with equal numbers of stars, at each bin's median
        S/N, linear in log S/N between them. Formal errors and errors of the reference labels do not enter.

    Raises
    ------
    ValueError
        If no star has finite differences.
    """
    known = np.isfinite(difference).all(axis=1) & np.isfinite(snr)
    if not known.any():
        raise ValueError("The scatter of label errors needs out-of-fold stars; found none with finite labels and S/N.")
    order = np.flatnonzero(known)[np.argsort(snr[known], kind="stable")]
    bins = np.array_split(order, int(np.clip(order.size // STARS_A_BIN, 1, _MAX_BINS)))
    nodes, first = np.unique([np.median(snr[rows]) for rows in bins], return_index=True)
    model = ErrorModel(label_names)
    model.nodes_ = nodes
    model.floor_ = np.array([np.sqrt((difference[bins[place]] ** 2).mean(axis=0)) for place in first])
    model.scale_, model.reference_ = np.zeros(difference.shape[1]), np.zeros(difference.shape[1])
    model.tail_ = np.full(difference.shape[1], GAUSSIAN_TAIL)
    return model
