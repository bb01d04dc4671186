"""Pseudo-continuum: weighted smoothing spline with asymmetric clipping, solved as banded systems."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import LinAlgError, solveh_banded
from scipy.sparse import csr_array

from pipeline.domain.settings import SpectraConfig

FloatArray = NDArray[np.float64]

_DEGREE = 3


class ContinuumFitter:
    """Fits pseudo-continua on one wavelength grid.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        Pixel centres in Angstrom.
    settings : SpectraConfig
        How it is drawn.
    """

    def __init__(self, wavelength: FloatArray, settings: SpectraConfig) -> None:
        self.settings = settings
        span = wavelength[-1] - wavelength[0]
        intervals = max(4, int(np.ceil(8.0 * span / settings.continuum_half_power_angstrom)))
        inner = np.linspace(wavelength[0], wavelength[-1], intervals + 1)
        step = inner[1] - inner[0]
        knots = np.concatenate(
            (inner[0] - step * np.arange(_DEGREE, 0, -1), inner, inner[-1] + step * np.arange(1, _DEGREE + 1))
        )
        basis = csr_array(BSpline.design_matrix(wavelength, knots, _DEGREE))
        count = basis.shape[1]
        self._basis = basis
        dense = basis.toarray()
        self._products = [
            csr_array(dense[:, : count - shift] * dense[:, shift:]) for shift in range(_DEGREE + 1)
        ]  # column k of the d-th is B_k * B_(k+d): one matrix product gives a diagonal of every star's normal matrix
        self._width = np.gradient(wavelength)
        penalty = (settings.continuum_half_power_angstrom / (2.0 * np.pi)) ** 4
        second = np.diff(np.eye(count), n=2, axis=0) / step**2
        self._penalty = penalty * step * (second.T @ second)

    def fit(self, flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
        """Pseudo-continua of many spectra.

        Parameters
        ----------
        flux, ivar : ndarray, shape (n_stars, n)
            Spectra.
        mask : ndarray of bool, shape (n_stars, n)
            True where a pixel carries no information.

        Returns
        -------
        ndarray, shape (n_stars, n)
            Pseudo-continuum; NaN for a star whose unmasked pixels cannot carry a fit, and where it is not positive.
        """
        good = ~mask & (ivar > 0)
        safe_flux = np.where(good, flux, 0.0)
        counts = np.maximum(good.sum(axis=1), 1)
        mean_ivar = np.maximum((ivar * good).sum(axis=1) / counts, np.finfo(float).tiny)
        scale = np.maximum(np.abs(safe_flux).sum(axis=1) / counts, np.finfo(float).tiny)
        y = safe_flux / scale[:, None]
        base_weight = np.minimum(ivar / mean_ivar[:, None], 10.0) * good * self._width
        weight = base_weight
        continuum = np.full_like(y, np.nan)
        for number in range(self.settings.continuum_passes):
            continuum = self._solve(y, weight)
            if number + 1 == self.settings.continuum_passes:
                break
            residual = np.where(weight > 0, y - continuum, np.nan)
            with np.errstate(invalid="ignore"):
                spread = 1.4826 * _row_median(np.abs(residual - _row_median(residual)[:, None]))
                ratio = (y - continuum) / np.maximum(spread, 1e-9)[:, None]
                keep = (ratio > -self.settings.continuum_clip_low) & (ratio < self.settings.continuum_clip_high)
            weight = base_weight * keep
        continuum = np.where(continuum > 1e-3, continuum, np.nan)
        return np.asarray(continuum * scale[:, None])

    def _solve(self, y: FloatArray, weight: FloatArray) -> FloatArray:
        diagonals = [np.asarray(weight @ product) for product in self._products]
        right = np.asarray((weight * y) @ self._basis)
        n_stars, count = right.shape
        coefficients = np.full((n_stars, count), np.nan)
        bands = np.zeros((_DEGREE + 1, count))
        fixed = [np.diagonal(self._penalty, shift) for shift in range(_DEGREE + 1)]
        for star in range(n_stars):
            for shift in range(_DEGREE + 1):
                bands[_DEGREE - shift, shift:] = diagonals[shift][star] + fixed[shift]
            bands[_DEGREE] += 1e-10
            try:
                coefficients[star] = solveh_banded(bands, right[star], check_finite=False)
            except LinAlgError:
                continue  # no weight at all: the continuum stays NaN, which the caller's mask turns into a reason
        return np.asarray(coefficients @ self._basis.T)


def _row_median(values: FloatArray) -> FloatArray:
    """Median of each row over finite values; NaN for a row without any."""
    ordered = np.sort(values, axis=1)  # NaN sorts last
    counts = np.isfinite(values).sum(axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(counts - 1, 0) // 2, counts // 2
    high = np.minimum(high, np.maximum(counts - 1, 0))
    median = 0.5 * (ordered[rows, low] + ordered[rows, high])
    return np.asarray(np.where(counts > 0, median, np.nan))


def normalise(
    flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_], continuum: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Divide spectra by their continua; pixels without a continuum become masked.

    Returns
    -------
    flux, ivar, mask : ndarray, shape (n_stars, n)
        Normalised flux (0 where masked), its inverse variance (0 where masked) and the mask.
    """
    dead = mask | ~np.isfinite(continuum) | ~(ivar > 0)
    level = np.where(dead, 1.0, continuum)
    return np.where(dead, 0.0, flux / level), np.where(dead, 0.0, ivar * level**2), dead
