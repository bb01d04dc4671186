"""Checks of SLAM's input: shapes of labels and spectra, finite values in used pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def checked_labels(labels: ArrayLike, names: tuple[str, ...]) -> FloatArray:
    """Labels as float64 of shape (n_stars, n_labels).

    Raises
    ------
    ValueError
        If the shape is another or a label is not finite.
    """
    values = np.asarray(labels, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise ValueError(
            f"labels have shape {values.shape}: give (stars, {len(names)}), one column for each of {', '.join(names)}."
        )
    bad = ~np.isfinite(values)
    if bad.any():
        name = names[int(np.argmax(bad.any(axis=0)))]
        raise ValueError(
            f"{int(bad.any(axis=1).sum())} stars have labels that are not finite ({name} first): drop them."
        )
    return values


def checked_spectra(
    flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike, *, n_stars: int | None = None, n_pixels: int | None = None
) -> tuple[NDArray[Any], NDArray[Any], BoolArray]:
    """Flux and inverse variance as given (float32 stays float32), and where both may be used.

    Raises
    ------
    ValueError
        If shapes disagree, or an unmasked value is not finite or an unmasked ivar negative.
    """
    f, v = _floating(flux), _floating(ivar)
    bad = np.asarray(mask, dtype=bool)
    if f.ndim != 2 or v.shape != f.shape or bad.shape != f.shape:
        raise ValueError(
            f"flux, ivar and mask have shapes {f.shape}, {v.shape} and {bad.shape}: all must be (stars, pixels)."
        )
    if n_stars is not None and len(f) != n_stars:
        raise ValueError(f"There are {len(f)} spectra but {n_stars} rows of labels: give one spectrum a row.")
    if n_pixels is not None and f.shape[1] != n_pixels:
        raise ValueError(f"The spectra have {f.shape[1]} pixels, the model {n_pixels}: rebin them to its grid.")
    good = ~bad & (v != 0)
    wrong = good & ~np.isfinite(f)
    if wrong.any():
        raise ValueError(f"{int(wrong.sum())} unmasked pixels have flux that is not finite: mask them.")
    wrong = good & ~(np.isfinite(v) & (v > 0))
    if wrong.any():
        raise ValueError(f"{int(wrong.sum())} unmasked pixels have ivar that is negative or not finite: mask them.")
    return f, v, good


def checked_fixed(
    fixed: Mapping[int, float], names: tuple[str, ...], low: FloatArray, high: FloatArray
) -> Mapping[int, float]:
    """Labels to hold fixed, inside the training range.

    Raises
    ------
    ValueError
        If there is no such label or its value lies outside.
    """
    for index, value in fixed.items():
        if not 0 <= index < len(names):
            raise ValueError(f"There is no label {index} to fix: the model has 0 to {len(names) - 1}.")
        if not low[index] <= value <= high[index]:
            raise ValueError(
                f"{names[index]} cannot be fixed at {value:g}: choose a value in the training range {low[index]:g} to "
                f"{high[index]:g}."
            )
    return fixed


def fingerprint(*arrays: NDArray[Any]) -> str:
    """SHA-256 of arrays, their shapes and types."""
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(f"{values.shape}{values.dtype}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _floating(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
