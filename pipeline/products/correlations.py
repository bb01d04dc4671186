"""Cross-correlation functions of the stars with a doubtful velocity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.products.manifest import ARRAY_ERRORS, ProductError, damaged

VELOCITY_DIR = "velocity"


@dataclass(frozen=True)
class Correlations:
    """CCFs with each star's best template.

    Parameters
    ----------
    velocity_kms : ndarray, shape (n_velocities,)
        Shifts.
    obsid : ndarray of int, shape (n_stars,)
        Doubtful stars.
    ccf : ndarray of float32, shape (n_stars, n_velocities)
        Correlation, Eq. 1.
    """

    velocity_kms: NDArray[np.float64]
    obsid: NDArray[np.int64]
    ccf: NDArray[np.float32]

    def of(self, obsid: int) -> NDArray[np.float32] | None:
        """One star's CCF; None for a star without doubtful velocity."""
        row = np.flatnonzero(self.obsid == obsid)
        return np.array(self.ccf[row[0]]) if row.size else None


def write_correlations(
    directory: Path, velocity_kms: NDArray[np.float64], obsid: NDArray[np.int64], ccf: NDArray[np.floating]
) -> None:
    """Write ``velocity/velocity_kms.npy``, ``obsid.npy`` and ``ccf.npy``."""
    folder = directory / VELOCITY_DIR
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in (
        ("velocity_kms", np.asarray(velocity_kms, np.float64)),
        ("obsid", np.asarray(obsid, np.int64)),
        ("ccf", np.asarray(ccf, np.float32)),
    ):
        np.save(folder / f"{name}.npy", values, allow_pickle=False)


def read_correlations(directory: Path) -> Correlations | None:
    """Read the output of :func:`write_correlations`; None for products without velocities.

    Raises
    ------
    ProductError
        If the files are damaged or do not belong together.
    """
    folder = directory / VELOCITY_DIR
    if not folder.is_dir():
        return None
    path, arrays = folder, []
    try:
        for name in ("velocity_kms", "obsid", "ccf"):
            path = folder / f"{name}.npy"
            arrays.append(np.load(path, allow_pickle=False))
    except ARRAY_ERRORS as error:
        raise damaged(path, error) from error
    result = Correlations(*arrays)
    if result.ccf.shape != (result.obsid.size, result.velocity_kms.size):
        raise ProductError(f"ccf.npy in {folder} has shape {result.ccf.shape}, not one row a star.")
    return result
