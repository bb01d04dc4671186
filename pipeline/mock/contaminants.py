"""Contaminants of a survey of M giants: M dwarfs, K giants, carbon stars, galaxies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.frames import SolarFrame
from pipeline.domain.wavelength import C_KMS
from pipeline.mock.branches import GiantBranches
from pipeline.mock.stars import Stars, along_axes, circular_speed_kms, draw_galaxy, on_sky, within_limits
from pipeline.science.space.dust import DustMap

FloatArray = NDArray[np.float64]

CONTAMINANTS = {"K giant": 0.012, "M dwarf": 0.008, "carbon star": 0.003, "galaxy": 0.003}
"""Fraction of each kind in the survey."""

# Teff [K], M_Ks, (J - Ks)0, M_G, (BP - RP)0 of dwarfs, rounded from Pecaut & Mamajek (2013, ApJS 208, 9).
_DWARFS = np.array(
    [
        [3050.0, 8.4, 0.86, 12.8, 3.25],
        [3210.0, 7.4, 0.84, 11.5, 2.83],
        [3430.0, 6.4, 0.83, 10.1, 2.50],
        [3560.0, 5.9, 0.83, 9.3, 2.23],
        [3660.0, 5.6, 0.84, 8.8, 2.08],
        [3850.0, 5.2, 0.86, 8.1, 1.84],
    ]
)
_FARTHEST_DWARF_KPC = 0.5
_GALAXY_REDSHIFT, _HUBBLE_KMS_KPC = (0.02, 0.09), 0.07


def draw_contaminants(
    kind: str, n_stars: int, rng: np.random.Generator, frame: SolarFrame, dust: DustMap, branches: GiantBranches
) -> Stars:
    """Draw objects of one kind of :data:`CONTAMINANTS`, through the same selection as the giants."""
    if kind == "M dwarf":
        return _draw_dwarfs(n_stars, rng, frame, dust)
    if kind == "galaxy":
        return _draw_galaxies(n_stars, rng, frame, dust)
    if kind == "K giant":
        return draw_galaxy("thin disc", n_stars, rng, frame, dust, branches, kind)
    stars = draw_galaxy("thin disc", n_stars, rng, frame, dust, branches)
    n = len(stars)
    # Carbon giants are redder than M giants of their luminosity: (J - Ks)0 of 1.2 to 2 (Li et al. 2018, ApJS 234, 31).
    redder = rng.uniform(0.2, 0.8, n)
    return replace(
        stars,
        kind=np.full(n, kind, dtype="U12"),
        jk0=stars.jk0 + redder,
        g_abs=stars.g_abs + redder,
        bp_rp0=stars.bp_rp0 + redder,
    )


def _draw_dwarfs(n_stars: int, rng: np.random.Generator, frame: SolarFrame, dust: DustMap) -> Stars:
    """M0 to M5 dwarfs of the thin disc within half a kiloparsec."""
    chosen: list[Stars] = []
    result = 0
    while result < n_stars:
        n = 400 * (n_stars - result) + 1000
        teff = rng.uniform(_DWARFS[0, 0], _DWARFS[-1, 0], n)
        k_abs, jk0, g_abs, bp_rp0 = (np.interp(teff, _DWARFS[:, 0], column) for column in _DWARFS[:, 1:].T)
        m_h = np.clip(rng.normal(-0.05, 0.2, n), -0.8, 0.4)
        direction = rng.standard_normal((n, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        reach = _FARTHEST_DWARF_KPC * np.cbrt(rng.uniform(size=n))
        position = np.array([-frame.r0_kpc, 0.0, frame.z_sun_kpc]) + reach[:, None] * direction
        speed = rng.normal([0.0, 0.0, 0.0], [35.0, 24.0, 18.0], (n, 3))
        speed[:, 1] += circular_speed_kms(np.full(n, frame.r0_kpc)) - 12.0
        values = {
            "teff": teff,
            "jk0": jk0,
            "k_abs": k_abs,
            "g_abs": g_abs,
            "bp_rp0": bp_rp0,
            "agb": np.zeros(n),
            "band_excess": np.zeros(n),
            "line_excess": np.zeros(n),
        }
        values["logg"] = 4.65 + 0.35 * (3850.0 - teff) / 800.0
        age = rng.uniform(1.0, 9.0, n)
        velocity = along_axes(position, speed)
        stars = on_sky("thin disc", "M dwarf", age, m_h, -0.1 * m_h, values, position, velocity, frame)
        kept = within_limits(stars[(stars.dec > -9.0) & (stars.dec < 65.0)], rng, dust)
        chosen.append(kept)
        result += len(kept)
    return Stars.joined(chosen)[:n_stars]


def _draw_galaxies(n_galaxies: int, rng: np.random.Generator, frame: SolarFrame, dust: DustMap) -> Stars:
    """Early-type galaxies off the disc, to the limit of faint plates, with labels of their K giants."""
    chosen: list[Stars] = []
    result = 0
    while result < n_galaxies:
        n = 40 * (n_galaxies - result) + 400
        redshift = rng.uniform(*_GALAXY_REDSHIFT, n)
        direction = rng.standard_normal((n, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        distance = C_KMS * redshift / _HUBBLE_KMS_KPC
        position = np.array([-frame.r0_kpc, 0.0, frame.z_sun_kpc]) + distance[:, None] * direction
        velocity = np.array([frame.v_sun_kms]) + C_KMS * redshift[:, None] * direction
        k_abs = rng.normal(-24.8, 0.5, n)
        values = {
            "teff": rng.normal(4550.0, 80.0, n),
            "logg": rng.normal(2.2, 0.1, n),
            "agb": np.zeros(n),
            "band_excess": np.zeros(n),
            "line_excess": np.zeros(n),
        }
        values |= {"jk0": rng.normal(0.98, 0.05, n), "k_abs": k_abs, "g_abs": k_abs + 3.0, "bp_rp0": np.full(n, 1.3)}
        age, m_h = rng.uniform(5.0, 12.0, n), rng.normal(0.0, 0.1, n)
        galaxies = on_sky("extragalactic", "galaxy", age, m_h, 0.1 + 0.0 * m_h, values, position, velocity, frame)
        off_disc = (np.abs(galaxies.glat) > 20.0) & (galaxies.dec > -9.0) & (galaxies.dec < 60.0)
        kept = within_limits(galaxies[off_disc], rng, dust)
        chosen.append(kept)
        result += len(kept)
    return Stars.joined(chosen)[:n_galaxies]
