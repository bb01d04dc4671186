"""Tests of several columns that raise quality bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.flags import QualityFlag
from pipeline.science.velocity.radial_velocity import RadialVelocity

FloatArray = NDArray[np.float64]

ARMS_KMS, ARMS_SIGMA = (QualityFlag.ARMS_DISAGREE.limit(name) for name in ("kms", "sigma"))
BANDS_TEFF_K, BANDS_TIO5 = (QualityFlag.TEMPLATE_AGAINST_BANDS.limit(name) for name in ("teff_k", "tio5"))
CHUNK_ANGSTROM = QualityFlag.RESIDUALS.limit("chunk_angstrom")
LINE_SIGMA = QualityFlag.CA_LINES_DISAGREE.limit("sigma")
_PERCENTILE = QualityFlag.BAD_CHI2.limit("percentile")
LOW_CCF_PEAK = QualityFlag.RV_DOUBTFUL.limit("peak")
RIVAL_PEAK = 1.0 - QualityFlag.RV_DOUBTFUL.limit("rival_within")
ARMS_FLOOR_KMS = 4.0
"""Wavelength scales and templates of the two arms agree no better than this; in quadrature with the errors."""


def chi2_limits(reference_chi2: FloatArray, reference_snr: FloatArray, snr: FloatArray, bins: int = 5) -> FloatArray:
    """Limit of the reduced chi-squared for each star, from reference stars of like S/N.

    Parameters
    ----------
    reference_chi2, reference_snr : ndarray, shape (m,)
        Reduced chi-squared and S/N of stars that the model never saw.
    snr : ndarray, shape (n,)
        S/N of the stars to judge.
    bins : int
        S/N bins of equal number; fewer when there are less than 40 reference stars a bin.

    Returns
    -------
    ndarray, shape (n,)
        99.5th percentile of the star's bin; infinity when there are no reference stars.
    """
    known = np.isfinite(reference_chi2) & np.isfinite(reference_snr)
    if not known.any():
        return np.full(len(snr), np.inf)
    used = max(1, min(bins, int(known.sum()) // 40))
    edges = np.quantile(reference_snr[known], np.linspace(0, 1, used + 1)[1:-1])
    reference_bin, star_bin = np.digitize(reference_snr[known], edges), np.digitize(snr, edges)
    limits = np.array([np.percentile(reference_chi2[known][reference_bin == b], _PERCENTILE) for b in range(used)])
    return np.asarray(limits[star_bin])


def tail_limit(reference: FloatArray, percentile: float) -> float:
    """Value at a percentile of the reference stars, above which a star is odd; infinity without any."""
    known = reference[np.isfinite(reference)]
    return float(np.percentile(known, percentile)) if known.size else float("inf")


def residual_pattern(
    wavelength: FloatArray, flux: FloatArray, model: FloatArray, ivar: FloatArray, chi2_nu: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """How far the residuals are from white noise.

    Parameters
    ----------
    wavelength : ndarray, shape (p,)
        Angstrom.
    flux, model, ivar : ndarray, shape (n, p)
        Spectra, fits and inverse variances (0 where masked).
    chi2_nu : ndarray, shape (n,)
        Reduced chi-squared, by which residuals are scaled, so that only their pattern counts.

    Returns
    -------
    autocorrelation : ndarray, shape (n,)
        Correlation of neighbouring residuals, 0 for white noise.
    worst_chunk : ndarray, shape (n,)
        Largest ratio of a 500 Angstrom stretch's reduced chi-squared to the whole spectrum's.
    """
    scaled = np.where(ivar > 0, np.nan_to_num(flux - model) * np.sqrt(ivar), 0.0)
    scaled /= np.sqrt(np.maximum(np.nan_to_num(chi2_nu, nan=1.0), 1e-9))[:, None]
    good = (ivar > 0) & np.isfinite(model)
    both = good[:, 1:] & good[:, :-1]
    pairs = np.where(both, scaled[:, 1:] * scaled[:, :-1], 0.0).sum(axis=1)
    power = np.maximum(np.where(both, scaled[:, 1:] ** 2, 0.0).sum(axis=1), 1e-9)
    chunk = np.floor((wavelength - wavelength[0]) / CHUNK_ANGSTROM).astype(np.int64)
    worst = np.zeros(len(flux))
    for number in range(chunk.max(initial=0) + 1):
        inside = good & (chunk == number)[None, :]
        count = inside.sum(axis=1)
        mean = np.where(inside, scaled**2, 0.0).sum(axis=1) / np.maximum(count, 1)
        worst = np.where(count >= 20, np.maximum(worst, mean), worst)
    return pairs / power, worst


def colour_outliers(teff: FloatArray, jk0: FloatArray) -> FloatArray:
    """Deviation of (J-K)0 from the sample's colour-temperature relation, in robust standard deviations.

    A quadratic is fitted with weights that fall with the residual, so that a few outliers do not move it. NaN where
    either value is missing or the sample has fewer than 30 stars.
    """
    deviation = np.full(len(teff), np.nan)
    known = np.flatnonzero(np.isfinite(teff) & np.isfinite(jk0))
    if known.size < 30:
        return deviation
    scaled = (teff[known] - 3900.0) / 300.0
    weight = np.ones(known.size)
    residual = np.zeros(known.size)
    for _ in range(5):
        coefficients = np.polyfit(scaled, jk0[known], 2, w=np.sqrt(weight))
        residual = jk0[known] - np.polyval(coefficients, scaled)
        spread = max(1.4826 * float(np.median(np.abs(residual))), 1e-4)
        weight = 1.0 / (1.0 + (residual / (2.0 * spread)) ** 2)
    deviation[known] = residual / max(1.4826 * float(np.median(np.abs(residual))), 1e-4)
    return deviation


def doubtful_velocity(velocity: RadialVelocity) -> NDArray[np.bool_]:
    """Stars with a CCF peak at the edge, low or with a rival, or with Ca II lines that disagree.

    Parameters
    ----------
    velocity : RadialVelocity
        Of n stars.

    Returns
    -------
    ndarray of bool, shape (n,)
        False for stars without a velocity.
    """
    with np.errstate(invalid="ignore"):
        doubtful = velocity.edge_of_search | (velocity.peak < LOW_CCF_PEAK) | (velocity.rival > RIVAL_PEAK)
        return np.asarray((doubtful | (velocity.line_disagreement > LINE_SIGMA)) & (velocity.template >= 0))


def arms_disagree(
    blue_kms: FloatArray, blue_error: FloatArray, red_kms: FloatArray, red_error: FloatArray
) -> NDArray[np.bool_]:
    """Stars whose two arms give velocities that differ by more than 15 km/s and 4 sigma, shape (n,).

    Parameters
    ----------
    blue_kms, blue_error, red_kms, red_error : ndarray, shape (n,)
        km/s; a star without one of them is not judged.
    """
    apart = np.abs(blue_kms - red_kms)
    sigma = np.sqrt(blue_error**2 + red_error**2 + ARMS_FLOOR_KMS**2)
    with np.errstate(invalid="ignore"):
        return np.asarray((apart > ARMS_KMS) & (apart > ARMS_SIGMA * sigma))


def velocity_misfit(chi2_nu: FloatArray, snr: FloatArray) -> FloatArray:
    """By what share of the continuum a velocity template misses a spectrum beyond its noise, shape (n,).

    Reduced chi-squared grows with the square of S/N at a given misfit: ``sqrt(max(chi2_nu - 1, 0)) / snr``.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(np.maximum(chi2_nu - 1.0, 0.0)) / np.where(snr > 0, snr, np.nan))


def template_against_bands(template_teff_k: FloatArray, tio5: FloatArray) -> NDArray[np.bool_]:
    """Stars with the TiO of M giants and a best velocity template of a K star or hotter, shape (n,)."""
    with np.errstate(invalid="ignore"):
        return np.asarray((template_teff_k > BANDS_TEFF_K) & (tio5 < BANDS_TIO5))


def trusted_velocity(velocity: RadialVelocity) -> NDArray[np.bool_]:
    """Stars with a velocity whose CCF peak is neither at the edge, nor low, nor with a rival, shape (n,)."""
    with np.errstate(invalid="ignore"):
        clear = ~velocity.edge_of_search & (velocity.peak >= LOW_CCF_PEAK) & (velocity.rival <= RIVAL_PEAK)
        return np.asarray(clear & np.isfinite(velocity.rv_kms))
