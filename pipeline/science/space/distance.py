"""Distances from K - A_K(d) - 5 log10(100 d) = D(c0(d), [M/H]), with d in kpc (paper Eq. 8-9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.flags import QualityFlag
from pipeline.domain.settings import DistanceConfig
from pipeline.science.space.ages import FAR_FROM_PLANE_KPC, AgeGuess, high_alpha_probability
from pipeline.science.space.draws import star_generator
from pipeline.science.space.dust import DustMap
from pipeline.science.space.isochrones import AbsoluteMagnitude
from pipeline.science.space.metallicity_prior import draw_m_h, draw_weights

FloatArray = NDArray[np.float64]

CALIBRATED_M_H = (QualityFlag.DISTANCE_DOUBTFUL.limit("least_m_h"), QualityFlag.DISTANCE_DOUBTFUL.limit("most_m_h"))
"""Range of [M/H] that the paper trusts (section 3.3)."""

_GRID_KPC = np.geomspace(0.05, 200.0, 241)
_DRAW_STEP = 4  # draws scan every fourth distance (15 %): Eq. 8 is nearly linear in log d, the root moves by < 0.1 %
_BLOCK = 512
_PERCENTS = np.array([16.0, 50.0, 84.0])

FEWEST_EFFECTIVE_DRAWS = 5.0
"""Spectrum, parallax and dust map are in conflict where the weighted draws are worth fewer than this."""

MIN_SUPPORT = 0.005
LIKELY_SUPPORT = 0.5
"""A star gets no distance where the draws with a solution have less than the first share of all weight, and is doubtful
where they have less than the second."""

PARALLAX_ZERO_POINT_MAS, PARALLAX_FLOOR_MAS = -0.03, 0.02
"""Zero point of Gaia's parallaxes of red giants and its spread (Lindegren et al. 2021, A&A 649, A4; Zinn 2021, AJ 161,
214)."""
_PARALLAX_FREEDOM = 4.0


@dataclass(frozen=True)
class Giants:
    """Input of photometric distances, each array of shape (n,); NaN where unknown.

    Parameters
    ----------
    glon_deg, glat_deg : ndarray
        Galactic coordinates in degrees.
    j_mag, j_err, k_mag, k_err : ndarray
        2MASS magnitudes and errors.
    m_h, m_h_err, alpha_m, alpha_m_err : ndarray
        [M/H] and [alpha/M] and their errors in dex; where [M/H] is NaN the prior stands in.
    jk0, jk0_err : ndarray
        (J - Ks)0 from the spectrum, see :mod:`pipeline.science.space.intrinsic_colour`; where it is NaN only the dust
        map de-reddens the star.
    key : ndarray of int
        Seeds each star's draws, whatever block it is in.
    parallax, parallax_err : ndarray, optional
        Gaia's parallaxes and errors in mas that enter the posterior; None for none.
    dust_relative_err : ndarray, optional
        Relative error of the dust map on each sightline; None for that of the settings.
    """

    glon_deg: FloatArray
    glat_deg: FloatArray
    j_mag: FloatArray
    j_err: FloatArray
    k_mag: FloatArray
    k_err: FloatArray
    m_h: FloatArray
    m_h_err: FloatArray
    alpha_m: FloatArray
    alpha_m_err: FloatArray
    jk0: FloatArray
    jk0_err: FloatArray
    key: NDArray[np.int64]
    parallax: FloatArray | None = None
    parallax_err: FloatArray | None = None
    dust_relative_err: FloatArray | None = None

    def __len__(self) -> int:
        """Number of stars."""
        return int(self.key.size)

    def take(self, rows: NDArray[np.intp]) -> Giants:
        """Some of the stars."""
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return replace(self, **{name: values[rows] for name, values in columns.items() if values is not None})


@dataclass(frozen=True)
class DistanceEstimate:
    """Distances of many stars.

    Parameters
    ----------
    median_kpc, low_kpc, high_kpc : ndarray, shape (n,)
        50th, 16th and 84th percentile of the draws, NaN where hardly any draw has a solution.
    roots : ndarray of int, shape (n,)
        Number of distances that solve the equation at the measured values.
    k_abs, a_k, e_jk : ndarray, shape (n,)
        Absolute magnitude at the median distance, and medians of extinction and reddening, in magnitudes.
    e_jk_map : ndarray, shape (n,)
        Reddening that the dust map alone has at the median distance.
    conflict : ndarray of bool, shape (n,)
        The spectrum's colour or the parallax is one that hardly any draw of dust and photometry leads to, or most draws
        of [M/H] and colour have no solution.
    """

    median_kpc: FloatArray
    low_kpc: FloatArray
    high_kpc: FloatArray
    roots: NDArray[np.int16]
    k_abs: FloatArray
    a_k: FloatArray
    e_jk: FloatArray
    e_jk_map: FloatArray
    conflict: NDArray[np.bool_]


def solve(
    k_mag: FloatArray,
    jk: FloatArray,
    m_h: FloatArray,
    age_gyr: FloatArray,
    grid_kpc: FloatArray,
    reddening: FloatArray,
    calibration: AbsoluteMagnitude,
    coefficients: Mapping[str, float],
) -> tuple[FloatArray, NDArray[np.int16]]:
    """Nearest root of Eq. 8 and the number of roots.

    Parameters
    ----------
    k_mag, jk, m_h, age_gyr : ndarray, shape (n,)
        Observed Ks and J - Ks, [M/H], and age in Gyr.
    grid_kpc : ndarray, shape (g,)
        Distances to scan.
    reddening : ndarray, shape (n, g)
        E(B-V) along each sightline, at these distances, in the unit of its map.
    calibration : AbsoluteMagnitude
        D(c0, [M/H]) at that age.
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
        magnitude = calibration(jk[:, None] - (a_j - a_k), m_h[:, None], age_gyr[:, None])
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
    giants: Giants,
    calibration: AbsoluteMagnitude,
    ages: AgeGuess,
    dust: DustMap,
    settings: DistanceConfig,
    *,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> DistanceEstimate:
    """Distances with quantiles from Monte Carlo over photometry, [M/H], [alpha/M], age and dust.

    Parameters
    ----------
    giants : Giants
        The n stars.
    calibration, ages, dust, settings
        D(c0, [M/H]), the ages, the dust map, and the Monte Carlo with its prior on [M/H].
    seed : int
        Of the draws.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    DistanceEstimate
        NaN where photometry, [M/H], the calibration or the dust map give no distance: never a number that looks
        measured.
    """
    n = len(giants)
    result = {
        name: np.full(n, np.nan) for name in ("median_kpc", "low_kpc", "high_kpc", "k_abs", "a_k", "e_jk", "e_jk_map")
    }
    roots, conflict = np.zeros(n, np.int16), np.zeros(n, bool)
    to_jk = dust.coefficients["J"] - dust.coefficients["Ks"]
    equation = _Equation(calibration, ages, dust.coefficients)
    for_draws = replace(equation, calibration=calibration.for_draws())
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        stars = giants.take(rows)
        reddening = dust.reddening_profile(stars.glon_deg, stars.glat_deg, _GRID_KPC)
        roots[rows] = _roots(stars, reddening, equation, settings)
        distance, ebv, weight, support = _sampled(stars, reddening[:, ::_DRAW_STEP], for_draws, settings, seed)
        enough = support >= MIN_SUPPORT
        few = weight.sum(axis=1) ** 2 < FEWEST_EFFECTIVE_DRAWS * (weight**2).sum(axis=1)
        conflict[rows] = enough & (few | (support < LIKELY_SUPPORT))
        for i in np.flatnonzero(enough):
            row = rows[i]
            low, median, high = _weighted_percentiles(distance[i], weight[i])
            result["low_kpc"][row], result["median_kpc"][row], result["high_kpc"][row] = low, median, high
            median_ebv = _weighted_percentiles(ebv[i], weight[i])[1]
            result["a_k"][row] = dust.coefficients["Ks"] * median_ebv
            result["e_jk"][row] = to_jk * median_ebv
            result["e_jk_map"][row] = to_jk * np.interp(median, _GRID_KPC, reddening[i])
        if progress is not None:
            progress((rows[-1] + 1) / n)
    result["k_abs"] = giants.k_mag - result["a_k"] - 5.0 * np.log10(100.0 * result["median_kpc"])
    return DistanceEstimate(roots=roots, conflict=conflict, **result)


@dataclass(frozen=True)
class _Equation:
    """What Eq. 8 is solved with."""

    calibration: AbsoluteMagnitude
    ages: AgeGuess
    coefficients: Mapping[str, float]


def _weighted_percentiles(values: FloatArray, weight: FloatArray) -> FloatArray:
    """16th, 50th and 84th percentile of the finite values, each at the middle of its own weight."""
    order = np.argsort(values)[: np.isfinite(values).sum()]
    share = np.cumsum(weight[order])
    return np.asarray(np.interp(_PERCENTS / 100.0 * share[-1], share - 0.5 * weight[order], values[order]))


def _roots(stars: Giants, reddening: FloatArray, equation: _Equation, settings: DistanceConfig) -> NDArray[np.int16]:
    """Number of roots at the measured values; with the prior's [M/H] where there is none."""
    half, zero, trusted = np.full((2, len(stars)), 0.5), np.zeros(len(stars)), np.zeros(len(stars), bool)

    def m_h(far: NDArray[np.bool_]) -> FloatArray:
        own = np.isfinite(stars.m_h)
        return np.where(own, stars.m_h, draw_m_h(settings, stars.m_h, stars.m_h_err, zero, trusted, far))

    return _solve_placed(stars, stars.k_mag, stars.j_mag - stars.k_mag, m_h, half, _GRID_KPC, reddening, equation).roots


def _sampled(
    stars: Giants, reddening: FloatArray, equation: _Equation, settings: DistanceConfig, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Distance, E(B-V) and weight of all draws, shape (n, draws) each, and the support of each star, shape (n,).

    The reddening is given on the coarse grid. A draw's weight is its prior (of the branch and of a wrong [M/H]) times
    the likelihoods of its de-reddened colour, given the spectrum's, and of its parallax. The support
    is the prior weight of the draws that have a solution.
    """
    generators = [star_generator(seed, int(key)) for key in stars.key]
    normal = np.stack([generator.standard_normal((settings.draws, 5)) for generator in generators])
    uniform = np.stack([generator.uniform(size=(settings.draws, 2)) for generator in generators])
    distance, ebv, colour, weight = (np.empty((len(stars), settings.draws)) for _ in range(4))
    grid = _GRID_KPC[::_DRAW_STEP]
    wrong, base = draw_weights(settings.draws, settings.wrong_m_h_share)
    to_jk = equation.coefficients["J"] - equation.coefficients["Ks"]
    own_error = stars.dust_relative_err
    dust_error = np.full(len(stars), settings.dust_relative_error) if own_error is None else own_error
    for draw in range(settings.draws):
        z = normal[:, draw].T
        k_drawn = stars.k_mag + stars.k_err * z[1]
        colour[:, draw] = stars.j_mag + stars.j_err * z[0] - k_drawn + settings.colour_scatter_mag * z[4]
        m_h = partial(draw_m_h, settings, stars.m_h, stars.m_h_err, z[2], np.full(len(stars), wrong[draw], bool))
        dust = reddening * np.exp(dust_error * z[3])[:, None]
        solution = _solve_placed(stars, k_drawn, colour[:, draw], m_h, uniform[:, draw].T, grid, dust, equation)
        distance[:, draw], ebv[:, draw] = solution.distance, _along(dust, solution.distance, grid)
        jk0 = colour[:, draw] - to_jk * ebv[:, draw]
        weight[:, draw] = base[draw] * equation.calibration.share(jk0, solution.m_h, solution.age_gyr)
    weight = np.where(np.isfinite(distance), weight, 0.0)
    misfit = (colour - to_jk * ebv - stars.jk0[:, None]) / stars.jk0_err[:, None]
    likelihood = np.where(np.isfinite(stars.jk0 + stars.jk0_err)[:, None], -0.5 * misfit**2, 0.0)
    likelihood = np.where(weight > 0.0, likelihood + _parallax_likelihood(stars, distance), -np.inf)
    most = np.nan_to_num(likelihood.max(axis=1), neginf=0.0)
    return distance, ebv, weight * np.exp(likelihood - most[:, None]), weight.sum(axis=1)


def _parallax_likelihood(stars: Giants, distance: FloatArray) -> FloatArray:
    """Logarithm of the likelihood of each star's parallax at its draws; 0 where it has none.

    Student's t of four degrees of freedom: a parallax that is wrong by many errors does not outweigh the photometry.
    """
    if stars.parallax is None or stars.parallax_err is None:
        return np.zeros(distance.shape)
    error = np.hypot(stars.parallax_err, PARALLAX_FLOOR_MAS)[:, None]
    misfit = (stars.parallax[:, None] - PARALLAX_ZERO_POINT_MAS - 1.0 / distance) / error
    value = -0.5 * (_PARALLAX_FREEDOM + 1.0) * np.log1p(misfit**2 / _PARALLAX_FREEDOM)
    return np.asarray(np.where(np.isfinite(misfit), value, 0.0))


def _along(profile: FloatArray, distance: FloatArray, grid_kpc: FloatArray) -> FloatArray:
    """Value of each star's profile at its distance; the grid has equal ratios."""
    place = np.log(np.nan_to_num(distance, nan=grid_kpc[0]) / grid_kpc[0]) / np.log(grid_kpc[1] / grid_kpc[0])
    below = np.clip(place.astype(np.intp), 0, grid_kpc.size - 2)
    rows, fraction = np.arange(len(distance)), place - below
    value = profile[rows, below] * (1.0 - fraction) + profile[rows, below + 1] * fraction
    return np.asarray(np.where(np.isfinite(distance), value, np.nan))


class _Solution(NamedTuple):
    """Distances in kpc, numbers of roots, and the [M/H] and ages used, each of shape (n,)."""

    distance: FloatArray
    roots: NDArray[np.int16]
    m_h: FloatArray
    age_gyr: FloatArray


def _solve_placed(
    stars: Giants,
    k_mag: FloatArray,
    jk: FloatArray,
    m_h_of: Callable[[NDArray[np.bool_]], FloatArray],
    uniform: FloatArray,
    grid_kpc: FloatArray,
    reddening: FloatArray,
    equation: _Equation,
) -> _Solution:
    """Solve at [M/H] and age of a star near the plane, and again where that lands far from it.

    ``m_h_of`` gives [M/H] of all stars for those that are far from the plane.
    """
    near = np.zeros(len(stars), bool)
    m_h = m_h_of(near)
    high_alpha = high_alpha_probability(m_h, stars.alpha_m, stars.alpha_m_err)
    age = equation.ages.draw(m_h, high_alpha, near, uniform)
    distance, roots = solve(k_mag, jk, m_h, age, grid_kpc, reddening, equation.calibration, equation.coefficients)
    height = np.abs(distance * np.sin(np.radians(stars.glat_deg)))
    far = height > FAR_FROM_PLANE_KPC
    m_h_there = m_h_of(far)
    age_there = equation.ages.draw(
        m_h_there, high_alpha_probability(m_h_there, stars.alpha_m, stars.alpha_m_err), far, uniform
    )
    again = np.flatnonzero(far & ((age_there != age) | (m_h_there != m_h)))
    if again.size:
        m_h[again], age[again] = m_h_there[again], age_there[again]
        distance[again], roots[again] = solve(
            *(k_mag[again], jk[again], m_h[again], age[again], grid_kpc, reddening[again]),
            *(equation.calibration, equation.coefficients),
        )
    return _Solution(distance, roots, m_h, age)
