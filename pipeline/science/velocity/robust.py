"""Robust, information-weighted refinement of velocities: weights from first residuals, and errors.

A first fit by least squares gives residuals; the pixels are then weighed by a Cauchy loss (outliers count less), and,
where the residuals exceed the noise, by the velocity information of their surroundings. A template that is wrong by
a few per cent everywhere does most harm where it has no lines; where fit and noise agree nothing is changed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

FloatArray = NDArray[np.float64]

INFORMATION_PIXELS = 15
"""Pixels over which the information is averaged: a line with its wings."""

TEMPLATE_ERROR, LINE_PIXELS = 0.1, 7
"""By what share of its depth a template's line may be wrong, over its width in pixels."""

CORRELATED_PIXELS = 3
"""Residuals of pixels this near to each other count as correlated."""

MIN_SCATTER = 0.1
"""Variance of the residuals over the stated one, at least: a spectrum that fits better is overfitted."""

_MEDIAN_CHI2 = 0.4549
"""Median of chi-squared of one degree of freedom."""


def profiled(y: FloatArray, w: FloatArray, model: FloatArray, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Residuals and velocity gradient once a multiplicative quadratic continuum is fitted.

    Parameters
    ----------
    y, w : ndarray, shape (n, p)
        Flux and weights.
    model, slope : ndarray, shape (n, p)
        Template at the velocity, and its derivative by velocity.

    Returns
    -------
    residual, gradient : ndarray, shape (n, p)
        Flux minus fit; derivative of the fit by velocity, made orthogonal (in ``w``) to the continuum's terms.
    """
    x = np.linspace(-1.0, 1.0, y.shape[1])
    terms = np.stack([model, model * x, model * x**2], axis=1)
    weighted = terms * w[:, None, :]
    normal = weighted @ terms.transpose(0, 2, 1)
    normal += (1e-9 * np.trace(normal, axis1=1, axis2=2) + 1e-30)[:, None, None] * np.eye(3)
    coefficients = np.linalg.solve(normal, weighted @ y[:, :, None])[:, :, 0]
    continuum = coefficients[:, :1] + coefficients[:, 1:2] * x + coefficients[:, 2:] * x**2
    gradient = slope * continuum
    along = np.linalg.solve(normal, weighted @ gradient[:, :, None])[:, :, 0]
    return y - model * continuum, gradient - np.einsum("ni,nip->np", along, terms)


def pixel_trust(
    residual: FloatArray, gradient: FloatArray, depth: FloatArray, w: FloatArray, loss_sigma: float, information: float
) -> FloatArray:
    """Factor by which each pixel's weight falls, 0 to 1.

    Parameters
    ----------
    residual, gradient, w : ndarray, shape (n, p)
        From :func:`profiled`, and the weights.
    depth : ndarray, shape (n, p)
        Template minus its continuum of 1: a residual that is a fair share of the lines near it is the template's.
    loss_sigma : float
        Scale of the Cauchy loss, in robust standard deviations of the star's own residuals (of its noise where those
        are smaller).
    information : float
        Pixels whose surroundings hold this share of the highest information count half, where the residuals exceed the
        noise by far; 0 leaves that out.

    Returns
    -------
    ndarray, shape (n, p)
        ``1 / (1 + u^2 / loss_sigma^2) * I / (I + k)``, with ``k = information * (1 - 1 / scale^2)^2``. u is the
        residual over the noise, scaled, and :data:`TEMPLATE_ERROR` of the line depth in quadrature.
    """
    square = residual**2 * w
    excess = np.maximum(_row_median(square, w > 0) / _MEDIAN_CHI2, 1.0)[:, None]
    wrong = TEMPLATE_ERROR * maximum_filter1d(np.abs(depth), LINE_PIXELS, axis=1, mode="nearest")
    trust = 1.0 / (1.0 + square / ((excess + w * wrong**2) * loss_sigma**2))
    if information > 0.0:
        held = uniform_filter1d(gradient**2, INFORMATION_PIXELS, axis=1, mode="nearest")
        held /= np.maximum(held.max(axis=1, keepdims=True), 1e-30)
        floor = information * (1.0 - 1.0 / excess) ** 2
        trust *= held / np.maximum(held + floor, 1e-30) * (1.0 + floor)
    return np.asarray(trust)


def refined_error(
    residual: FloatArray, gradient: FloatArray, w: FloatArray, trust: FloatArray, gaussian: float
) -> FloatArray:
    """Error of the weighted fit: sandwich estimate with scatter and correlation of the star's residuals.

    Parameters
    ----------
    residual, gradient, w, trust : ndarray, shape (n, p)
        As in :func:`pixel_trust`; weights of the fit are ``w * trust``.
    gaussian : float
        From :func:`gaussian_share`.

    Returns
    -------
    ndarray, shape (n,)
        km/s; NaN where the gradient holds no information.
    """
    weight = w * trust
    kept = np.where(w > 0, trust, 0.0)
    scaled = residual * np.sqrt(weight)
    power = np.maximum((scaled**2).sum(axis=1), 1e-30)
    scatter = power / np.maximum(kept.sum(axis=1), 1.0) / gaussian
    lags = range(1, CORRELATED_PIXELS + 1)
    alike = 1.0 + 2.0 * sum((scaled[:, lag:] * scaled[:, :-lag]).sum(axis=1) for lag in lags) / power
    held = (weight * gradient**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        inflation = np.maximum(scatter * np.maximum(alike, 0.5), MIN_SCATTER)
        error = np.sqrt((weight * kept * gradient**2).sum(axis=1) * inflation) / held
    return np.asarray(np.where(held > 0, error, np.nan))


def gaussian_share(loss_sigma: float) -> float:
    """Mean of ``trust * u^2`` over the mean of ``trust`` for normal residuals.

    It is the factor by which the loss reduces a variance.
    """
    u = np.linspace(-8.0, 8.0, 4001)
    density = np.exp(-0.5 * u**2) / (1.0 + (u / loss_sigma) ** 2)
    return float((density * u**2).sum() / density.sum())


def _row_median(values: FloatArray, used: NDArray[np.bool_]) -> FloatArray:
    """Median of the used values of each row, 0 for a row without any, shape (n,)."""
    ordered = np.sort(np.where(used, values, np.inf), axis=1)
    count = used.sum(axis=1)
    middle = np.take_along_axis(ordered, (np.maximum(count, 1) // 2)[:, None], axis=1)[:, 0]
    return np.where(count > 0, np.where(np.isfinite(middle), middle, 0.0), 0.0)
