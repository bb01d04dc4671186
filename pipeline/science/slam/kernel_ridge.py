"""Closed-form kernel ridge cross-validation: which gammas are worth the support-vector machine's time.

The out-of-fold residual of ridge regression needs no second fit: with the smoother ``H = K (K + a I)^-1``,
``r_fold = (I - H_ff)^-1 (y - H y)_fold``. One eigendecomposition a gamma serves all pixels, folds and ridges.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.science.slam.svr_admm import FloatArray, shared_basis

RIDGES = (0.03, 0.3, 3.0, 30.0)
"""Ridges a tried for each gamma, in scaled flux; the best one speaks for the gamma."""


def ridge_screen(
    labels: FloatArray,
    flux: FloatArray,
    inclusion: NDArray[Any],
    folds: NDArray[np.int64],
    gammas: tuple[float, ...],
    *,
    ridges: tuple[float, ...] = RIDGES,
) -> FloatArray:
    """Lowest cross-validated mean squared error of kernel ridge regression for each gamma.

    Parameters
    ----------
    labels : ndarray, shape (n_stars, n_labels)
        Scaled labels.
    flux : ndarray, shape (n_stars, n_pixels)
        Scaled flux of mean 0 (so there is no intercept); values where ``inclusion`` is 0 are never read.
    inclusion : ndarray, shape (n_stars, n_pixels)
        0 where a star's pixel is masked: it enters as the pixel's mean, which is good enough to screen.
    folds : ndarray of int, shape (n_stars,)
        Fold of each star.
    gammas : tuple of float
        Kernels to compare.
    ridges : tuple of float
        Ridges tried for each.

    Returns
    -------
    ndarray, shape (n_gammas, n_pixels)
        Scaled CV-MSE over the stars that are not masked; infinite for pixels without any.
    """
    member = np.asarray(inclusion > 0)
    count = member.sum(axis=0)
    y = np.where(member, flux, 0.0).astype(np.float32)
    held = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    best = np.full((len(gammas), flux.shape[1]), np.inf)
    for row, gamma in enumerate(gammas):
        basis = shared_basis(labels, gamma, cut=1e-3, dtype=np.float32)
        projected = basis.phi.T @ y
        for ridge in ridges:
            gain = 1.0 / (basis.eigenvalues + np.float32(ridge))
            residual = y - basis.phi @ (gain[:, None] * projected)
            total = np.zeros(flux.shape[1])
            for rows in held:
                own = basis.phi[rows]
                left = np.eye(rows.size, dtype=np.float32) - (own * gain) @ own.T
                out = np.linalg.solve(left, residual[rows])
                total += np.square(np.where(member[rows], out, 0.0)).sum(axis=0)
            with np.errstate(divide="ignore", invalid="ignore"):
                mse = np.where(count > 0, total / count, np.inf)
            best[row] = np.minimum(best[row], mse)
    return best
