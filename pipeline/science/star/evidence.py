"""Evidence for a star's labels: fit quality by wavelength, posterior, position among training stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree
from scipy.special import gammaln

from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import doppler_factor
from pipeline.science.star.refit import LabelModel, Refit

FloatArray = NDArray[np.float64]

WINDOW_ANGSTROM = 250.0
CALCIUM_RANGE = (8000.0, 8950.0)
"""Where velocities are measured, Angstrom."""

MIN_PIXELS = 20

_CCF_KMS = np.arange(-600.0, 601.0, 15.0)
_LOW_PEAK = 0.5
_MAX_PEAKS = 4
_DRAWS = 400
_SHOWN_DRAWS = 300
_FREEDOM = 5.0
_BLOCK = 256


class Window(NamedTuple):
    """Reduced chi-squared of a stretch, with noise and model variance; NaN where too few pixels are good."""

    low: float
    high: float
    chi2_nu: float


@dataclass(frozen=True)
class Correlation:
    """Correlation of a star with a template, velocities as published.

    Parameters
    ----------
    velocity_kms, ccf : ndarray, shape (n,)
        Trial radial velocities and the correlation.
    peaks : tuple of (float, float)
        Velocity and height of the highest peaks, highest first.
    template : str
        What it was correlated with.
    """

    velocity_kms: FloatArray
    ccf: FloatArray
    peaks: tuple[tuple[float, float], ...]
    template: str


@dataclass(frozen=True)
class Posterior:
    """Draws from a star's posterior (Eq. 4-5), by importance sampling.

    Parameters
    ----------
    names : tuple of str
        Labels.
    draws : ndarray, shape (n, n_labels)
        Of equal weight.
    effective : float
        How many independent draws they are worth.
    """

    names: tuple[str, ...]
    draws: FloatArray
    effective: float


@dataclass(frozen=True)
class HullPlace:
    """Position of a star among the training stars.

    Parameters
    ----------
    names : tuple of str
        Labels.
    training : ndarray, shape (n_training, n_labels)
        Labels of the training stars.
    star : ndarray, shape (n_labels,)
        The star's.
    distance : float
        To the nearest training star, in standard deviations of the training labels.
    limit : float
        Beyond it the quality bit OUTSIDE_HULL is set.
    """

    names: tuple[str, ...]
    training: FloatArray
    star: FloatArray
    distance: float
    limit: float


def chi2_windows(spectrum: StoredSpectrum, fitted: NDArray[np.floating], variance: FloatArray) -> tuple[Window, ...]:
    """Reduced chi-squared by stretches of 250 Angstrom.

    Parameters
    ----------
    spectrum : StoredSpectrum
        Observed.
    fitted : ndarray, shape (n,)
        Model.
    variance : ndarray, shape (n,)
        Of noise and model.
    """
    good = ~spectrum.mask & (spectrum.ivar > 0) & np.isfinite(fitted) & np.isfinite(variance)
    pull2 = np.where(good, (spectrum.flux - np.nan_to_num(fitted)) ** 2 / np.where(good, variance, 1.0), 0.0)
    first = np.floor(spectrum.wavelength[0] / WINDOW_ANGSTROM) * WINDOW_ANGSTROM
    windows = []
    for low in np.arange(first, spectrum.wavelength[-1], WINDOW_ANGSTROM):
        inside = good & (spectrum.wavelength >= low) & (spectrum.wavelength < low + WINDOW_ANGSTROM)
        count = int(inside.sum())
        mean = float(pull2[inside].mean()) if count >= MIN_PIXELS else float("nan")
        windows.append(Window(float(low), float(low + WINDOW_ANGSTROM), mean))
    return tuple(windows)


def correlate(spectrum: StoredSpectrum, template: NDArray[np.floating], rv_kms: float) -> Correlation | None:
    """Weighted Pearson correlation (Eq. 1) over 8000-8950 Angstrom with a template at rest.

    Parameters
    ----------
    spectrum : StoredSpectrum
        At rest for ``rv_kms``.
    template : ndarray, shape (n,)
        On the same grid; NaN where unknown.
    rv_kms : float
        Published velocity, to which trial shifts are added.

    Returns
    -------
    Correlation or None
        None when too few pixels are good.
    """
    known = np.isfinite(template)
    inside = (spectrum.wavelength > CALCIUM_RANGE[0]) & (spectrum.wavelength < CALCIUM_RANGE[1])
    weight = np.where(inside & ~spectrum.mask, spectrum.ivar, 0.0).astype(np.float64)
    if (weight > 0).sum() < MIN_PIXELS or known.sum() < MIN_PIXELS:
        return None
    curve = CubicSpline(spectrum.wavelength[known], template[known].astype(np.float64))
    used = weight > 0
    weight = weight[used] / weight.sum()
    moved = curve(spectrum.wavelength[used] / np.asarray(doppler_factor(_CCF_KMS))[:, None])
    y = spectrum.flux[used] - weight @ spectrum.flux[used]
    g = moved - (moved @ weight)[:, None]
    ccf = (g * y) @ weight / np.sqrt(((g**2) @ weight) * (weight @ y**2))
    velocity = _CCF_KMS + rv_kms
    return Correlation(velocity, ccf, peaks_of(velocity, ccf), "its own model")


def peaks_of(velocity: FloatArray, ccf: NDArray[np.floating]) -> tuple[tuple[float, float], ...]:
    """The highest local maxima, at least half as high as the highest."""
    inner = np.flatnonzero((ccf[1:-1] > ccf[:-2]) & (ccf[1:-1] >= ccf[2:])) + 1
    order = inner[np.argsort(-ccf[inner])][:_MAX_PEAKS]
    high = [at for at in order if ccf[at] >= _LOW_PEAK * ccf[order[0]] > 0]
    return tuple((float(velocity[at]), float(ccf[at])) for at in high)


def posterior(model: LabelModel, spectrum: StoredSpectrum, fit: Refit, seed: int = 1) -> Posterior:
    """Draws from the posterior around a fit of all labels.

    Draws from a t distribution with the fit's covariance are weighted by the likelihood that the fit itself maximises:
    noise and model variance, shared modes, flat or density prior.

    Parameters
    ----------
    model : LabelModel
        Trained.
    spectrum : StoredSpectrum
        The star's.
    fit : Refit
        Its fit with no label held.
    seed : int
        For the draws.
    """
    slam = model.slam
    rng = np.random.default_rng(seed)
    labels = dict(fit.labels)
    centre = np.array([labels[name] for name in model.names])
    factor = np.linalg.cholesky(fit.covariance + 1e-12 * np.diag(np.diag(fit.covariance)))
    wide = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, _DRAWS))
    normal = rng.normal(size=(_DRAWS, centre.size)) * wide[:, None]
    draws = centre + normal @ factor.T
    inside = ((draws >= slam.label_low_) & (draws <= slam.label_high_)).all(axis=1)
    draws, normal = draws[inside], normal[inside]
    ln_proposal = _ln_t(normal)
    ln_weight = -0.5 * chi2_of(model, spectrum, draws) - ln_proposal
    if slam.prior_ is not None:
        ln_weight += slam.prior_.terms((draws - slam.label_mean_) / slam.label_std_)[0]
    weight = np.exp(ln_weight - ln_weight.max())
    weight /= weight.sum()
    picked = rng.choice(len(draws), _SHOWN_DRAWS, p=weight)
    return Posterior(model.names, draws[picked], float(1.0 / (weight**2).sum()))


def chi2_of(model: LabelModel, spectrum: StoredSpectrum, labels: FloatArray) -> FloatArray:
    """The fit's sum of squares at many labels, shape (m, n_labels)."""
    slam = model.slam
    good = ~spectrum.mask & (spectrum.ivar > 0) & slam.usable_pixel_
    flux, ivar = (part[0, good] for part in slam.scale.forward(spectrum.flux[None], spectrum.ivar[None], good[None]))
    diagonal, modes = slam.covariance.take(good).of(1.0 / ivar[None].astype(np.float64), np.ones((1, ivar.size), bool))
    weight = 1.0 / diagonal[0]
    chi2 = np.empty(len(labels))
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        predicted = model.predict(labels[rows])[:, good]
        every = np.ones(predicted.shape, bool)
        residual = flux - slam.scale.forward(predicted, np.ones_like(predicted), every)[0]
        chi2[rows] = (residual**2) @ weight
        if modes is not None:
            chi2[rows] -= ((((residual * weight) @ modes.modes.T) @ modes.factor[0]) ** 2).sum(axis=1)
    return chi2


def _ln_t(scaled: FloatArray) -> FloatArray:
    """Log density of the multivariate t distribution of unit scale."""
    size = scaled.shape[1]
    norm = gammaln((_FREEDOM + size) / 2) - gammaln(_FREEDOM / 2) - 0.5 * size * np.log(_FREEDOM * np.pi)
    return np.asarray(norm - 0.5 * (_FREEDOM + size) * np.log1p((scaled**2).sum(axis=1) / _FREEDOM))


def place_in_hull(model: LabelModel, labels: FloatArray) -> HullPlace:
    """Place of labels among the training labels.

    The limit is that of the quality bit: twice the 99.5th percentile of the training stars' own nearest distances.
    """
    slam = model.slam
    support = slam.expansion_.support
    tree = cKDTree(support)
    own = tree.query(support, k=2)[0][:, 1]
    scaled = (labels - slam.label_mean_) / slam.label_std_
    training = slam.label_mean_ + slam.label_std_ * support
    limit = 2.0 * float(np.percentile(own, 99.5))
    return HullPlace(model.names, training, labels, float(tree.query(scaled)[0]), limit)
