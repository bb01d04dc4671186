"""Spectra compressed to a few coefficients, each pixel weighted by its information.

Factor analysis: ``y = mean + z B + noise``, with z of unit variance and a noise that is the pixel's own plus a learned
residual variance. The coefficients of a spectrum are the posterior mean of z. A masked pixel has weight 0, so it
neither counts as a value nor pulls the coefficients; with fewer pixels they shrink towards 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_BLOCK = 500
_ITERATIONS = 4
_FLOOR = 1e-4
"""Least residual variance, as a fraction of the pixel's own variance."""

MEDIAN_OF_CHI2 = 0.455
"""Median of a squared unit normal deviate."""


@dataclass(frozen=True)
class Compression:
    """A learned linear model of spectra.

    Parameters
    ----------
    mean : ndarray, shape (n_pixels,)
        Weighted mean of the training spectra.
    basis : ndarray, shape (n_components, n_pixels)
        B; the components are ordered by their share of the variance.
    residual : ndarray, shape (n_pixels,)
        Variance that the components leave besides the noise; infinite where no training star has the pixel.
    """

    mean: FloatArray
    basis: FloatArray
    residual: FloatArray

    @classmethod
    def fit(cls, flux: NDArray[Any], ivar: NDArray[Any], good: BoolArray, components: int) -> Self:
        """Learn by expectation maximisation, from principal components of the spectra with gaps at their mean.

        Parameters
        ----------
        flux, ivar : ndarray, shape (n_stars, n_pixels)
            Spectra; only values where ``good`` is True are read.
        good : ndarray of bool, shape (n_stars, n_pixels)
            Pixels that count.
        components : int
            Coefficients of a spectrum; at most a third of the stars and of the pixels.
        """
        count = max(1, min(components, len(flux) // 3, flux.shape[1] // 3))
        weight = np.where(good, ivar, 0.0).astype(np.float64)
        total = weight.sum(axis=0)
        mean = np.where(good, flux, 0.0)
        mean = (mean * weight).sum(axis=0) / np.where(total > 0, total, 1.0)
        offset = np.where(good, flux - mean, 0.0)
        spread = np.square(offset).sum(axis=0) / np.maximum(good.sum(axis=0), 1)
        seen = (total > 0) & (spread > 0)
        floor = np.where(seen, np.maximum(_FLOOR * spread, 1e-12), np.inf)
        values, vectors = np.linalg.eigh(offset.T @ offset / len(offset))
        basis = (vectors[:, ::-1][:, :count] * np.sqrt(np.maximum(values[::-1][:count], 1e-12))).T
        model = cls(mean, basis, np.where(seen, np.maximum(0.1 * spread, floor), np.inf))
        for _ in range(_ITERATIONS):
            model = model.improved(offset, weight, floor)
        return model.ordered(offset, weight)

    def coefficients(self, flux: NDArray[Any], ivar: NDArray[Any], good: BoolArray) -> FloatArray:
        """Posterior mean of z, shape (n_stars, n_components)."""
        parts = [np.zeros((0, len(self.basis)))]
        for rows in _blocks(len(flux)):
            offset = np.where(good[rows], flux[rows] - self.mean, 0.0)
            parts.append(self._posterior(offset, np.where(good[rows], ivar[rows], 0.0))[0])
        return np.concatenate(parts)

    def _weight(self, ivar: NDArray[Any]) -> FloatArray:
        """Inverse of noise and residual variance together; 0 where a pixel is masked."""
        return np.asarray(ivar / (1.0 + ivar * np.where(np.isinf(self.residual), 0.0, self.residual)), np.float64) * (
            np.isfinite(self.residual)
        )

    def _posterior(self, offset: FloatArray, ivar: NDArray[Any]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean and covariance of z, and the weights of the pixels."""
        weight = self._weight(ivar)
        precision = np.stack([(self.basis * row) @ self.basis.T for row in weight]) + np.eye(len(self.basis))
        covariance = np.linalg.inv(precision)
        mean = np.einsum("nkl,nl->nk", covariance, (offset * weight) @ self.basis.T)
        return mean, np.asarray(covariance, np.float64), weight

    def improved(self, offset: FloatArray, ivar: FloatArray, floor: FloatArray) -> Self:
        """One step: the basis from all spectra's posteriors, then the residual variance from robust residuals."""
        size, pixels = self.basis.shape
        second, first = np.zeros((pixels, size * size)), np.zeros((pixels, size))
        means = []
        for rows in _blocks(len(offset)):
            mean, covariance, weight = self._posterior(offset[rows], ivar[rows])
            outer = mean[:, :, None] * mean[:, None, :] + covariance
            second += weight.T @ outer.reshape(len(mean), -1)
            first += (weight * offset[rows]).T @ mean
            means.append(mean)
        matrix = second.reshape(pixels, size, size)
        ridge = 1e-9 * np.maximum(np.einsum("pkk->p", matrix) / size, 1e-12)
        basis = np.linalg.solve(matrix + ridge[:, None, None] * np.eye(size), first[:, :, None])[:, :, 0].T
        left = np.where(ivar > 0, np.square(offset - np.concatenate(means) @ basis), np.nan)
        noise = np.where(ivar > 0, 1.0 / np.where(ivar > 0, ivar, 1.0), np.nan)
        seen = np.isfinite(floor)
        residual = np.full(pixels, np.inf)
        excess = np.nanmedian(left[:, seen], axis=0) / MEDIAN_OF_CHI2 - np.nanmedian(noise[:, seen], axis=0)
        residual[seen] = np.maximum(excess, floor[seen])
        return type(self)(self.mean, basis, residual)

    def ordered(self, offset: FloatArray, ivar: FloatArray) -> Self:
        """Model with orthogonal components, scaled to unit variance of the training coefficients."""
        mean = np.concatenate([self._posterior(offset[rows], ivar[rows])[0] for rows in _blocks(len(offset))])
        values, vectors = np.linalg.eigh(np.cov(mean.T).reshape(len(self.basis), -1))
        root = (vectors * np.sqrt(np.maximum(values, 1e-12))).T @ self.basis
        left, size, right = np.linalg.svd(root, full_matrices=False)
        del left
        sign = np.where(right[np.arange(len(right)), np.abs(right).argmax(axis=1)] < 0, -1.0, 1.0)
        return type(self)(self.mean, (size * sign)[:, None] * right, self.residual)


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, _BLOCK):
        yield slice(start, min(start + _BLOCK, n))
