"""Distances from K - A_K(d) - 5 log10(100 d) = D(c0(d), [M/H]), with d in kpc (paper Eq. 8-9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.science.dust import DustMap
from pipeline.science.isochrones import AbsoluteMagnitude

FloatArray = NDArray[np.float64]

CALIBRATED_M_H = (-0.9, 0.5)
"""Range of [M/H] that the paper trusts (section 3.3)."""

_GRID_KPC = np.geomspace(0.05, 200.0, 241)
_DRAW_STEP = 4  # draws scan every fourth distance (15 %): Eq. 8 is nearly linear in log d, the root moves by < 0.1 %
_BLOCK = 512


@dataclass(frozen=True)
class DistanceSettings:
    """How distances are measured.

    Parameters
    ----------
    draws : int
        Monte Carlo draws a star for the quantiles.
    dust_relative_error : float
        Relative uncertainty of the dust map (the paper: about 30 %).
    seed : int
        Seed of the draws.
    """

    draws: int = 100
    dust_relative_error: float = 0.3
    seed: int = 20230419


@dataclass(frozen=True)
class DistanceEstimate:
    """Distances of many stars.

    Parameters
    ----------
    median_kpc, low_kpc, high_kpc : ndarray, shape (n,)
        50th, 16th and 84th percentile of the draws, NaN where fewer than half of the draws had a solution.
    roots : ndarray of int, shape (n,)
        Number of distances that solve the equation at the measured values.
    k_abs, a_k, e_jk : ndarray, shape (n,)
        Absolute magnitude, extinction and reddening at the median distance, in magnitudes.
    """

    median_kpc: FloatArray
    low_kpc: FloatArray
    high_kpc: FloatArray
    roots: NDArray[np.int16]
    k_abs: FloatArray
    a_k: FloatArray
    e_jk: FloatArray


def solve(
    k_mag: FloatArray,
    jk: FloatArray,
    m_h: FloatArray,
    grid_kpc: FloatArray,
    reddening: FloatArray,
    calibration: AbsoluteMagnitude,
    coefficients: Mapping[str, float],
) -> tuple[FloatArray, NDArray[np.int16]]:
    """Nearest root of Eq. 8 and the number of roots.

    Parameters
    ----------
    k_mag, jk, m_h : ndarray, shape (n,)
        Observed Ks and J - Ks, and [M/H].
    grid_kpc : ndarray, shape (g,)
        Distances to scan.
    reddening : ndarray, shape (n, g)
        E(B-V) along each sightline, at these distances, in the unit of its map.
    calibration : AbsoluteMagnitude
        D(c0, [M/H]).
    coefficients : mapping of str to float
        The dust map's own: A_band for one unit of it; J and Ks are used.

    Returns
    -------
    distance_kpc : ndarray, shape (n,)
        NaN where there is no root.
    roots : ndarray of int16, shape (n,)
        Number of sign changes found over the grid.
    """
    a_j, a_k = coefficients["J"] * reddening, coefficients["Ks"] * reddening
    with np.errstate(invalid="ignore"):
        magnitude = calibration(jk[:, None] - (a_j - a_k), m_h[:, None])
        excess = k_mag[:, None] - a_k - 5.0 * np.log10(100.0 * grid_kpc)[None, :] - magnitude
        crosses = (excess[:, :-1] > 0) != (excess[:, 1:] > 0)
    crosses &= np.isfinite(excess[:, :-1]) & np.isfinite(excess[:, 1:])
    roots = crosses.sum(axis=1).astype(np.int16)
    first = crosses.argmax(axis=1)
    rows = np.arange(len(k_mag))
    before, after = excess[rows, first], excess[rows, first + 1]
    log_grid = np.log(grid_kpc)
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = before / (before - after)
    distance = np.exp(log_grid[first] + fraction * (log_grid[first + 1] - log_grid[first]))
    return np.where(roots > 0, distance, np.nan), roots


def estimate_distances(
    glon_deg: FloatArray,
    glat_deg: FloatArray,
    j_mag: FloatArray,
    j_err: FloatArray,
    k_mag: FloatArray,
    k_err: FloatArray,
    m_h: FloatArray,
    m_h_err: FloatArray,
    calibration: AbsoluteMagnitude,
    dust: DustMap,
    settings: DistanceSettings,
    progress: Callable[[float], None] | None = None,
) -> DistanceEstimate:
    """Distances with quantiles from Monte Carlo over photometry, [M/H] and dust.

    Parameters
    ----------
    glon_deg, glat_deg : ndarray, shape (n,)
        Galactic coordinates in degrees.
    j_mag, j_err, k_mag, k_err : ndarray, shape (n,)
        2MASS magnitudes and errors.
    m_h, m_h_err : ndarray, shape (n,)
        Metallicity and its error in dex.
    calibration, dust, settings
        D(c0, [M/H]), the dust map, and the Monte Carlo.
    progress : callable, optional
        Told the fraction done.

    Returns
    -------
    DistanceEstimate
        NaN where photometry, [M/H] or the calibration give no distance: never a number that looks measured.
    """
    n = len(k_mag)
    result = {name: np.full(n, np.nan) for name in ("median", "low", "high", "k_abs", "a_k", "e_jk")}
    roots = np.zeros(n, np.int16)
    rng = np.random.default_rng(settings.seed)
    draws = rng.standard_normal((n, settings.draws, 4), dtype=np.float32)
    for start in range(0, n, _BLOCK):
        block = slice(start, min(start + _BLOCK, n))
        reddening = dust.reddening_profile(glon_deg[block], glat_deg[block], _GRID_KPC)
        jk = j_mag[block] - k_mag[block]
        _, roots[block] = solve(k_mag[block], jk, m_h[block], _GRID_KPC, reddening, calibration, dust.coefficients)
        coarse = reddening[:, ::_DRAW_STEP]
        sampled = np.empty((len(jk), settings.draws))
        for draw in range(settings.draws):
            z = draws[block, draw].astype(float)
            dust_scale = np.exp(settings.dust_relative_error * z[:, 3] - 0.5 * settings.dust_relative_error**2)
            k_drawn = k_mag[block] + k_err[block] * z[:, 1]
            colour = j_mag[block] + j_err[block] * z[:, 0] - k_drawn
            metallicity = m_h[block] + m_h_err[block] * z[:, 2]
            scaled = coarse * dust_scale[:, None]
            sampled[:, draw], _ = solve(
                k_drawn, colour, metallicity, _GRID_KPC[::_DRAW_STEP], scaled, calibration, dust.coefficients
            )
        enough = np.isfinite(sampled).mean(axis=1) >= 0.5
        if enough.any():
            low, median, high = np.nanpercentile(sampled[enough], [16, 50, 84], axis=1)
            where = np.flatnonzero(enough) + start
            result["low"][where], result["median"][where], result["high"][where] = low, median, high
            ebv = np.array(
                [np.interp(d, _GRID_KPC, profile) for d, profile in zip(median, reddening[enough], strict=True)]
            )
            result["a_k"][where] = dust.coefficients["Ks"] * ebv
            result["e_jk"][where] = (dust.coefficients["J"] - dust.coefficients["Ks"]) * ebv
            result["k_abs"][where] = k_mag[where] - result["a_k"][where] - 5.0 * np.log10(100.0 * median)
        if progress is not None:
            progress(block.stop / n)
    return DistanceEstimate(
        result["median"], result["low"], result["high"], roots, result["k_abs"], result["a_k"], result["e_jk"]
    )
