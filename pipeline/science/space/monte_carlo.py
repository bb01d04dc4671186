"""Monte Carlo quantiles of quantities derived from position, distance, proper motion and velocity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.columns import QUANTILE_OF, QUANTILE_PERCENTS
from pipeline.domain.frames import (
    SolarFrame,
    cylindrical,
    equatorial_to_galactic,
    galactocentric_phase_space,
    line_of_sight_gsr,
)
from pipeline.science.space.actions import Orbits, compute_orbits
from pipeline.science.space.draws import star_normals

FloatArray = NDArray[np.float64]

MIN_SHARE = 0.5
"""Quantiles need at least this share of the draws to have the quantity: a star unbound in most draws has no actions."""

_BLOCK = 256


@dataclass(frozen=True)
class Measured:
    """Measured quantities that are drawn, each of shape (n,); NaN where unknown.

    Parameters
    ----------
    ra, dec : ndarray
        Degrees, without error.
    distance, distance_16, distance_84 : ndarray
        Median and percentiles in kpc: the draws are normal in the logarithm, with its own width on either side.
    pmra, pmdec, pmra_err, pmdec_err, pm_correlation : ndarray
        mas/yr, and the correlation of their errors.
    rv, rv_err : ndarray
        km/s.
    key : ndarray of int
        Seeds each star's draws, whatever block it is in.
    """

    ra: FloatArray
    dec: FloatArray
    distance: FloatArray
    distance_16: FloatArray
    distance_84: FloatArray
    pmra: FloatArray
    pmdec: FloatArray
    pmra_err: FloatArray
    pmdec_err: FloatArray
    pm_correlation: FloatArray
    rv: FloatArray
    rv_err: FloatArray
    key: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp]) -> Measured:
        """Some of the stars."""
        return Measured(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Stars with all six coordinates and an error for each that has one."""
        total = sum(getattr(self, name) for name in self.__dataclass_fields__ if name not in ("key", "pm_correlation"))
        return np.asarray(np.isfinite(total))


def draw(measured: Measured, count: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Distances, proper motions and velocities, each of shape (n, count).

    Parameters
    ----------
    measured : Measured
        Complete stars.
    count : int
        Draws a star.
    seed : int
        With the star's key it fixes the draws.
    """
    first, second, third, fourth = star_normals(seed, measured.key, 4, count)
    up, down = (np.log(part / measured.distance)[:, None] for part in (measured.distance_84, measured.distance_16))
    distance = measured.distance[:, None] * np.exp(first * np.where(first > 0, up, -down))
    rho = np.nan_to_num(measured.pm_correlation)[:, None]
    pmra = measured.pmra[:, None] + measured.pmra_err[:, None] * second
    pmdec = measured.pmdec[:, None] + measured.pmdec_err[:, None] * (rho * second + np.sqrt(1.0 - rho**2) * third)
    return distance, pmra, pmdec, measured.rv[:, None] + measured.rv_err[:, None] * fourth


def derived_quantities(
    position: FloatArray, velocity: FloatArray, v_gsr: FloatArray, orbits: Orbits
) -> dict[str, FloatArray]:
    """All of :data:`pipeline.domain.columns.QUANTILE_OF` from Galactocentric phase space, shape (n,) each."""
    radius, v_r, v_phi = cylindrical(position, velocity)
    values: list[FloatArray] = [*position.T, radius, *velocity.T, v_r, v_phi, v_gsr]
    values += [orbits.j_r, orbits.j_phi, orbits.j_z, orbits.j_tot, orbits.j_sum, orbits.energy]
    values += [np.clip(orbits.eccentricity, 0.0, 1.0), orbits.z_max_kpc, orbits.r_peri_kpc, orbits.r_apo_kpc]
    return dict(zip(QUANTILE_OF, values, strict=True))


def quantiles(
    measured: Measured,
    frame: SolarFrame,
    potential: str,
    *,
    count: int = 100,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, FloatArray]:
    """16th, 50th and 84th percentiles of every derived quantity.

    Parameters
    ----------
    measured : Measured
        Of n stars.
    frame : SolarFrame
        Where the Sun is and how it moves.
    potential : str
        As for :func:`pipeline.science.space.actions.compute_orbits`; each star keeps its median orbit's focal length.
    count : int
        Draws a star.
    seed : int
        Of the draws.
    threads : int, optional
        As for :func:`pipeline.science.space.actions.compute_orbits`.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    dict of ndarray, shape (n,)
        ``NAME_16``, ``NAME_50`` and ``NAME_84``; NaN for stars that are not complete or have the quantity in fewer than
        half of the draws. Stars are worked on in blocks: memory does not grow with their number.
    """
    n = len(measured.ra)
    result = {f"{name}_{p}": np.full(n, np.nan) for name in QUANTILE_OF for p in QUANTILE_PERCENTS}
    rows = np.flatnonzero(measured.complete)
    for start in range(0, rows.size, _BLOCK):
        block = rows[start : start + _BLOCK]
        stars = measured.take(block)
        distance, pmra, pmdec, rv = (values.ravel() for values in draw(stars, count, seed))
        ra, dec = np.repeat(stars.ra, count), np.repeat(stars.dec, count)
        position, velocity = galactocentric_phase_space(ra, dec, distance, pmra, pmdec, rv, frame)
        median = galactocentric_phase_space(
            stars.ra, stars.dec, stars.distance, stars.pmra, stars.pmdec, stars.rv, frame
        )
        delta = np.repeat(compute_orbits(*median, frame, potential, threads=threads).focal_length, count)
        orbits = compute_orbits(position, velocity, frame, potential, delta=delta, threads=threads)
        v_gsr = line_of_sight_gsr(rv, *equatorial_to_galactic(ra, dec), frame)
        for name, values in derived_quantities(position, velocity, v_gsr, orbits).items():
            _put(result, name, block, values.reshape(block.size, count))
        if progress is not None:
            progress((start + block.size) / rows.size)
    return result


def _put(result: dict[str, FloatArray], name: str, rows: NDArray[np.intp], values: FloatArray) -> None:
    """Percentiles over the draws that have the value, interpolated linearly between neighbours as numpy does."""
    ordered = np.sort(values, axis=1)  # NaN sorts last
    number = np.isfinite(values).sum(axis=1)
    enough = np.flatnonzero(number >= MIN_SHARE * values.shape[1])
    for percentile in QUANTILE_PERCENTS:
        place = percentile / 100.0 * (number[enough] - 1)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, number[enough] - 1)
        low, high = ordered[enough, below], ordered[enough, above]
        result[f"{name}_{percentile}"][rows[enough]] = low + (place - below) * (high - low)
