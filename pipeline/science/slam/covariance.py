"""Covariance of a star's residuals in the likelihood: low rank plus diagonal, growing with its noise.

For a star with noise variances n_j the covariance is

    C = diag(a + q n) + U^T U + x V^T V,

with x the star's noise variance over that of a typical training star. ``a`` and the rows of U are what the functions
get wrong at any S/N (other abundances, errors of the reference labels, calibration); q and the rows of V are the noise
as the residuals show it: where samples of a spectrum come from fewer coefficients, their noise is shared and larger
than stated. All are learned from out-of-fold residuals, whose second moments are ``A + x B``: a least-squares line in x
for each pair of pixels gives A and B, and iterated principal factors their diagonals and patterns (Harman 1976,
*Modern Factor Analysis*). The coefficients of all patterns are marginalised by the Woodbury identity on the pixels that
a star has. Without patterns V the covariance is that of Eq. 4-5 with sigma_j and the stated noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh

from pipeline.science.slam.modes import StarModes, residual_modes

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

WORST_STARS = 0.015
"""This fraction of the training stars, with the largest residuals, does not shape the covariance."""

DIAGONAL_FLOOR = 3e-5
"""The diagonal keeps at least this fraction of each pixel's variance, so that the covariance can be inverted."""

_ROUNDS = 20
_JUDGED = 400
"""Stars by which the typical chi2 is measured, about."""

_FULL_BELOW = 600
"""Matrices of fewer pixels are decomposed whole, larger ones by Lanczos iteration."""


@dataclass(frozen=True)
class ResidualCovariance:
    """The parts of every star's covariance.

    Parameters
    ----------
    white : ndarray, shape (n_pixels,)
        a: variance that no pattern and no noise explains.
    noise_scale : ndarray, shape (n_pixels,)
        q: the factor on the stated noise variance that belongs to single pixels; 1 without patterns of noise.
    typical : ndarray, shape (n_pixels,)
        Noise variance of a typical training star, to which ``noisy`` belongs.
    shared : ndarray, shape (n_shared, n_pixels)
        U.
    noisy : ndarray, shape (n_noisy, n_pixels)
        V.
    chi2_per_pixel : float
        Median over stars that the functions have not seen of chi2 over the number of pixels.
    """

    white: FloatArray
    noise_scale: FloatArray
    typical: FloatArray
    shared: FloatArray
    noisy: FloatArray
    chi2_per_pixel: float = 1.0

    def take(self, pixels: NDArray[Any], unit: FloatArray | float = 1.0) -> Self:
        """Covariance of selected pixels, in a unit of the residual (one for each pixel)."""
        square = np.square(unit)
        return type(self)(
            self.white[pixels] / square,
            self.noise_scale[pixels],
            self.typical[pixels] / square,
            self.shared[:, pixels] / unit,
            self.noisy[:, pixels] / unit,
            self.chi2_per_pixel,
        )

    def spread(self, where: BoolArray, unit: FloatArray) -> Self:
        """Covariance of all pixels in flux units.

        These pixels are ``where``, in ``unit``; the others have the stated noise alone.
        """
        size = where.size

        def filled(values: FloatArray, blank: float) -> FloatArray:
            result = np.full((*values.shape[:-1], size), blank)
            result[..., where] = values
            return result

        return type(self)(
            filled(self.white * unit**2, 0.0),
            filled(self.noise_scale, 1.0),
            filled(self.typical * unit**2, 1.0),
            filled(self.shared * unit, 0.0),
            filled(self.noisy * unit, 0.0),
            self.chi2_per_pixel,
        )

    def level(self, noise: FloatArray, used: BoolArray) -> FloatArray:
        """X of each star: mean over its pixels of the noise variance over the typical one, shape (m,)."""
        ratio = np.where(used, noise / self.typical, 0.0)
        return np.asarray(ratio.sum(axis=1) / np.maximum(used.sum(axis=1), 1))

    def of(self, noise: FloatArray, used: BoolArray) -> tuple[FloatArray, StarModes | None]:
        """Diagonal and patterns of each star's covariance.

        Parameters
        ----------
        noise : ndarray, shape (m, n_pixels)
            Stated noise variances, in the unit of the covariance; only values where ``used`` is True are read.
        used : ndarray of bool, shape (m, n_pixels)
            Pixels that count.

        Returns
        -------
        diagonal : ndarray, shape (m, n_pixels)
            ``a + q n``; 1 where a pixel does not count.
        modes : StarModes or None
            The patterns with their weights; None without any.
        """
        diagonal = np.where(used, self.white + self.noise_scale * np.where(used, noise, 1.0), 1.0)
        if len(self.shared) + len(self.noisy) == 0:
            return diagonal, None
        scale = np.ones((len(noise), len(self.shared) + len(self.noisy)))
        if len(self.noisy):
            scale[:, len(self.shared) :] = np.sqrt(self.level(noise, used))[:, None]
        patterns = np.concatenate([self.shared, self.noisy])
        return diagonal, StarModes.of(patterns, np.where(used, 1.0 / diagonal, 0.0), scale)

    def marginal(self, noise: FloatArray, used: BoolArray) -> FloatArray:
        """Variance of each pixel by itself, ``a + q n + sum U^2 + x sum V^2``; 1 where a pixel does not count."""
        total = self.white + np.square(self.shared).sum(axis=0) + self.noise_scale * np.where(used, noise, 1.0)
        if len(self.noisy):
            total = total + self.level(noise, used)[:, None] * np.square(self.noisy).sum(axis=0)
        return np.where(used, total, 1.0)

    @classmethod
    def learn(cls, residual: NDArray[Any], noise: NDArray[Any], good: BoolArray, shared: int, noisy: int) -> Self:
        """Learn from the residuals of stars that the functions have not seen.

        Parameters
        ----------
        residual, noise : ndarray, shape (n_stars, n_pixels)
            Model less flux, and the stated noise variances; only values where ``good`` is True are read.
        good : ndarray of bool, shape (n_stars, n_pixels)
            Pixels that count.
        shared, noisy : int
            Patterns at most; fewer where the next one is no larger than what chance alone gives.
        """
        r = np.where(good, residual, 0.0).astype(np.float64)
        variance = np.where(good, noise, np.nan).astype(np.float64)
        typical = np.nanmedian(variance, axis=0)
        middle = np.nanmedian(np.square(np.where(good, residual, np.nan)), axis=0)
        size = np.square(r / np.sqrt(np.where(good, variance, 1.0) + middle)).sum(axis=1) / good.sum(axis=1)
        blank = cls(np.zeros_like(typical), np.ones_like(typical), typical, *np.zeros((2, 0, typical.size)))
        level = blank.level(np.where(good, variance, 1.0), good)
        weight = np.where(size < np.quantile(size, 1.0 - WORST_STARS), 1.0 / (1.0 + level) ** 2, 0.0)
        always, by_noise, counts = _moments(r, good.astype(np.float64), level, weight)
        lowest = DIAGONAL_FLOOR * np.maximum(np.diag(always), typical)
        u, white = principal_factors(always, shared, lowest, counts[0])
        v, rest = principal_factors(by_noise, noisy, DIAGONAL_FLOOR * typical, counts[1])
        learned = cls(white, rest / typical, typical, u, v)
        some = np.flatnonzero(weight > 0)[:: max(1, len(r) // _JUDGED)]
        return replace(learned, chi2_per_pixel=learned.typical_chi2(r[some], variance[some], good[some]))

    def typical_chi2(self, residual: FloatArray, noise: FloatArray, good: BoolArray) -> float:
        """Median over stars of chi2 over the number of pixels."""
        diagonal, modes = self.of(noise, good)
        weighted = np.where(good, residual / diagonal, 0.0)
        chi2 = (weighted * residual).sum(axis=1)
        if modes is not None:
            chi2 -= modes.explained(weighted[:, None, :])[:, 0, 0]
        return float(np.median(chi2 / np.maximum(good.sum(axis=1), 1)))


def learned_covariance(
    residual: NDArray[Any], noise: NDArray[Any], good: BoolArray, floor: FloatArray, most: tuple[int, int]
) -> ResidualCovariance:
    """The covariance with patterns of both kinds, or of the first kind alone beside the stated noise.

    Parameters
    ----------
    residual, noise, good, floor
        As :meth:`ResidualCovariance.learn` takes them.
    most : tuple of int
        Patterns at any S/N, and patterns of noise, at most.
    """
    if most[1] > 0:
        return ResidualCovariance.learn(residual, noise, good, *most)
    mean = np.where(good, noise, 0.0).sum(axis=0) / np.maximum(good.sum(axis=0), 1)
    modes, white = residual_modes(residual, mean, good, floor, most[0])
    return ResidualCovariance(white, np.ones_like(white), np.ones_like(white), modes, np.zeros((0, white.size)))


def _moments(
    residual: FloatArray, good: FloatArray, level: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, tuple[float, float]]:
    """A and B of ``E[r r^T] = A + x B`` without negative eigenvalues, and how many stars each is worth."""
    power = [weight * level**k for k in range(3)]
    zeroth, first, second = ((good * factor[:, None]).T @ good for factor in power)
    plain, tilted = ((residual * factor[:, None]).T @ residual for factor in power[:2])
    determinant = np.maximum(zeroth * second - first**2, 1e-12 * (zeroth * second + 1e-300))
    always = (second * plain - first * tilted) / determinant
    by_noise = (zeroth * tilted - first * plain) / determinant
    total = [float(factor.sum()) for factor in power]
    whole = total[0] * total[2] - total[1] ** 2
    share = (
        weight * (total[2] - total[1] * level) / whole,
        weight * (total[0] * level - total[1]) / whole,
    )
    counts = tuple(float(1.0 / np.square(factor * (1.0 + level)).sum()) for factor in share)
    return _positive(always), _positive(by_noise), (counts[0], counts[1])


def _positive(matrix: FloatArray) -> FloatArray:
    """The nearest matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def principal_factors(matrix: FloatArray, most: int, floor: FloatArray, stars: float) -> tuple[FloatArray, FloatArray]:
    """Divide a covariance into a few patterns and a diagonal.

    Parameters
    ----------
    matrix : ndarray, shape (n_pixels, n_pixels)
        Estimated covariance.
    most : int
        Patterns at most.
    floor : ndarray, shape (n_pixels,)
        Least diagonal.
    stars : float
        Number of stars that the estimate is worth: patterns below the edge of the eigenvalues of pure noise (Marchenko
        & Pastur 1967) are none.

    Returns
    -------
    patterns : ndarray, shape (n_patterns, n_pixels)
        The covariance is ``patterns^T patterns`` and the diagonal.
    diagonal : ndarray, shape (n_pixels,)
        What is left.
    """
    own = np.maximum(np.diag(matrix), floor)
    diagonal, patterns = own, np.zeros((0, own.size))
    most = min(most, own.size - 1)
    edge = (1.0 + np.sqrt(own.size / max(stars, 1.0))) ** 2
    for _ in range(_ROUNDS if most > 0 else 0):
        unit = np.sqrt(diagonal)
        values, vectors = _largest(matrix / np.outer(unit, unit), most)
        kept = np.flatnonzero(values > edge)
        patterns = (vectors[:, kept] * np.sqrt(values[kept] - 1.0)).T * unit
        before, diagonal = diagonal, np.maximum(own - np.square(patterns).sum(axis=0), floor)
        if np.abs(np.log(diagonal / before)).max() < 0.01:
            break
    return patterns, diagonal


def _largest(matrix: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """The largest eigenvalues and their vectors, in falling order."""
    if len(matrix) < _FULL_BELOW or count > len(matrix) // 4:
        values, vectors = np.linalg.eigh(matrix)
    else:
        values, vectors = eigsh(matrix, k=count, which="LA", v0=np.ones(len(matrix)), tol=1e-4)
    order = np.argsort(values)[::-1][:count]
    return np.asarray(values[order]), np.asarray(vectors[:, order])
