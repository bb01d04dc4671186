"""Mean and covariance of a posterior whose prior is a mixture of Gaussians, in closed form.

The posterior of faint stars is wide and lopsided, as the prior is: its maximum is not where the star is on average,
and its curvature there is not its width. The mean has the least squared error, which regressions aim at too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science.slam.prior import DensityPrior

FloatArray = NDArray[np.float64]

HELD = 1e12
"""Precision, in scaled labels, with which a label keeps the value that it is given."""


def posterior_mean(
    labels: FloatArray, gradient: FloatArray, fisher: FloatArray, prior: DensityPrior, fixed: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of likelihood times prior, with the logarithm of the likelihood quadratic.

    For ``ln L = g^T d - d^T F d / 2`` with d the distance from ``labels``, each Gaussian of the prior (mean m,
    precision P) becomes one with precision F + P and mean ``(F + P)^-1 (F labels + g + P m)``; its share changes by its
    overlap with the likelihood.

    Parameters
    ----------
    labels : ndarray, shape (m, n_labels)
        Scaled labels about which the likelihood is expanded.
    gradient : ndarray, shape (m, n_labels)
        g, of the likelihood alone.
    fisher : ndarray, shape (m, n_labels, n_labels)
        F, of the likelihood alone.
    prior : DensityPrior
        Over scaled labels.
    fixed : ndarray of bool, shape (n_labels,)
        Labels that keep their value.

    Returns
    -------
    mean : ndarray, shape (m, n_labels)
        Scaled labels.
    covariance : ndarray, shape (m, n_labels, n_labels)
        Rows and columns of fixed labels are 0.
    """
    held = np.diag(np.where(fixed, HELD, 0.0))
    free = ~fixed
    slope = np.where(free, gradient, 0.0)
    information = fisher * (free[:, None] & free[None, :]) + held
    # Relative to the labels, so that the overlap stays a sum of small terms however precisely a label is held.
    offset = prior.mean[None] - labels[:, None]
    weighted = np.einsum("kab,mkb->mka", prior.precision, offset)
    precision = information[:, None] + prior.precision
    covariance = np.linalg.inv(precision)
    step = np.einsum("mkab,mkb->mka", covariance, slope[:, None] + weighted)
    ln_share = prior.ln_weight + 0.5 * (
        np.linalg.slogdet(prior.precision)[1]
        - np.linalg.slogdet(precision)[1]
        - np.einsum("mka,mka->mk", offset, weighted)
        + np.einsum("mka,mka->mk", slope[:, None] + weighted, step)
    )
    share = np.exp(ln_share - ln_share.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    mean = np.einsum("mk,mka->ma", share, step)
    apart = step - mean[:, None]
    spread = np.einsum("mk,mkab->mab", share, covariance + apart[..., :, None] * apart[..., None, :])
    mean[:, fixed] = 0.0
    return labels + mean, spread * (free[:, None] & free[None, :])
