"""Residuals that many pixels share: a low-rank addition to the likelihood's diagonal covariance.

Continuum placement, flux calibration, reddening and errors of the reference labels move many pixels together. The
paper's likelihood (Eq. 4) treats pixels as independent and so counts each such residual many times. Here the
covariance is ``C = D + U^T U``: D the spectrum's own noise and what is left of sigma_j^2, U a few modes learned from
out-of-fold residuals of the training stars; without modes it is the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtrtri

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

WORST_STARS = 0.01
"""This fraction of the training stars, with the largest residuals, does not shape the modes."""


def residual_modes(
    residual: NDArray[Any], noise: FloatArray, good: BoolArray, floor: FloatArray, most: int
) -> tuple[FloatArray, FloatArray]:
    """Learn the modes of out-of-fold residuals beyond their noise.

    Parameters
    ----------
    residual : ndarray, shape (n_stars, n_pixels)
        Out-of-fold model less flux, scaled; only values where ``good`` is True are read.
    noise : ndarray, shape (n_pixels,)
        Mean variance of the training stars' noise, scaled.
    good : ndarray of bool, shape (n_stars, n_pixels)
        Pixels that count.
    floor : ndarray, shape (n_pixels,)
        Least variance of the part that no mode explains.
    most : int
        Modes at most; fewer where the spectrum of eigenvalues reaches that of pure noise (Marchenko & Pastur 1967).

    Returns
    -------
    modes : ndarray, shape (n_modes, n_pixels)
        U, scaled.
    white : ndarray, shape (n_pixels,)
        Variance that remains besides noise and modes.
    """
    r = np.where(good, residual, 0.0).astype(np.float64)
    size = np.square(r).mean(axis=1) / np.maximum(good.mean(axis=1), 1e-9)
    r = r[size <= np.quantile(size, 1.0 - WORST_STARS)]
    unit = np.sqrt(noise + floor)
    scaled = r / unit
    values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    edge = (1.0 + np.sqrt(r.shape[1] / len(r))) ** 2
    kept = np.flatnonzero(values > edge)[::-1][:most]
    modes = (vectors[:, kept] * np.sqrt(values[kept] - 1.0)).T * unit
    white = np.square(r).mean(axis=0) - noise - np.square(modes).sum(axis=0)
    return modes, np.maximum(white, floor)


@dataclass(frozen=True)
class StarModes:
    """The modes as one block of stars sees them, with their weights.

    Parameters
    ----------
    modes : ndarray, shape (n_modes, n_pixels)
        U.
    factor : ndarray, shape (m, n_modes, n_modes)
        S G with ``G G^T = (1 + S U W U^T S)^-1``.
    ln_determinant : ndarray, shape (m,)
        ln det(1 + S U W U^T S), which the covariance has beyond its diagonal part.
    """

    modes: FloatArray
    factor: FloatArray
    ln_determinant: FloatArray

    @classmethod
    def of(cls, modes: FloatArray, weight: FloatArray, scale: FloatArray | None = None) -> StarModes:
        """For weights (inverse variances, 0: not used) of shape (m, n_pixels).

        Parameters
        ----------
        modes : ndarray, shape (n_modes, n_pixels)
            U.
        weight : ndarray, shape (m, n_pixels)
            The diagonals of W.
        scale : ndarray, shape (m, n_modes), optional
            The diagonals of S: how strong each mode is in each star; 1 by default.
        """
        strength = np.ones((len(weight), len(modes))) if scale is None else scale
        inner = np.stack([(modes * row) @ modes.T for row in weight]) * strength[:, :, None] * strength[:, None, :]
        inner += np.eye(len(modes))
        lower = np.linalg.cholesky(inner)
        determinant = 2.0 * np.log(np.einsum("mkk->mk", lower)).sum(axis=1)
        factor = np.stack([dtrtri(triangle, lower=1)[0].T for triangle in lower])
        return cls(modes, strength[:, :, None] * factor, determinant)

    def take(self, rows: NDArray[np.intp]) -> StarModes:
        """Modes of selected stars."""
        return StarModes(self.modes, self.factor[rows], self.ln_determinant[rows])

    def explained(self, weighted: NDArray[Any]) -> FloatArray:
        """Part of the matrix of inner products ``a^T W b`` that the modes explain.

        Parameters
        ----------
        weighted : ndarray, shape (m, q, n_pixels)
            q vectors a star, each times the weights.

        Returns
        -------
        ndarray, shape (m, q, q)
            To subtract: ``a^T C^-1 b = a^T W b - a^T W U^T S G G^T S U W b``.
        """
        projected = (weighted @ self.modes.T) @ self.factor
        return np.asarray(projected @ projected.transpose(0, 2, 1))
