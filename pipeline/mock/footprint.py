"""Footprint, magnitude distribution and uneven dust of the simulated survey.

The numbers are the shape of the catalogue of 30,241 M giants of LAMOST DR4 (Li et al. 2016, ApJ 823, 59): shares by
Galactic latitude and longitude, apparent Ks, and E(J - Ks) by latitude. They are weights, fitted so that the simulated
disc, thinned by them, has the distributions of that catalogue to a few per cent; no star of it is in here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.frames import SolarFrame

FloatArray = NDArray[np.float64]

_DEC_EDGES = (-9.0, -4.0, 57.0, 62.0)
"""Declination limits of LAMOST, fading over the first and the last interval, degrees."""

_LATITUDE = (0.0, 1.5, 4.5, 8.0, 12.5, 17.5, 25.0, 37.5, 65.0, 90.0)
_LATITUDE_CHANCE = (0.05, 0.08, 0.22, 0.68, 1.0, 0.86, 0.93, 0.68, 0.17, 0.38)
_LONGITUDE = (10.0, 30.0, 50.0, 70.0, 90.0, 110.0, 130.0, 150.0, 170.0, 190.0, 210.0, 230.0, 250.0, 350.0)
_LONGITUDE_LOW = (0.0, 0.003, 0.01, 0.08, 0.05, 0.12, 0.16, 1.0, 0.85, 0.74, 0.4, 0.16, 0.0, 0.0)
_LONGITUDE_HIGH = (0.013, 0.1, 0.06, 0.19, 0.37, 0.45, 1.0, 0.96, 0.32, 0.08, 0.86, 0.93, 0.78, 0.01)
_KS_MAG = (4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5)
_KS_CHANCE = (1.0, 0.18, 0.34, 0.57, 1.0, 1.0, 1.0, 0.01, 0.005, 0.02)

_DUST_FACTOR = (1.1, 1.5, 1.9, 1.8, 0.9, 0.85, 0.85, 0.7, 0.43, 0.38)
_CLOUD_SCATTER, _STAR_SCATTER = 0.5, 0.2
_CLOUD_WAVES, _CLOUD_DEG, _CLOUD_SEED = 60, (4.0, 30.0), 441


def directions(position: FloatArray, frame: SolarFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Galactic longitude, latitude and declination [deg] of Galactocentric positions [kpc], shape (n,)."""
    x, y, z = (position - np.array([-frame.r0_kpc, 0.0, frame.z_sun_kpc])).T
    longitude, sin_b = np.arctan2(y, x), z / np.sqrt(x**2 + y**2 + z**2)
    pole, ascending = np.radians(27.12825), np.radians(122.93192)
    sin_dec = sin_b * np.sin(pole) + np.sqrt(1.0 - sin_b**2) * np.cos(pole) * np.cos(ascending - longitude)
    dec = np.degrees(np.arcsin(np.clip(sin_dec, -1.0, 1.0)))
    return np.degrees(longitude) % 360.0, np.degrees(np.arcsin(sin_b)), dec


def within_declinations(dec_deg: FloatArray) -> FloatArray:
    """Probability that LAMOST observes a declination, shape (n,)."""
    low, full_low, full_high, high = _DEC_EDGES
    return ramp(dec_deg, low, full_low) * ramp(-dec_deg, -high, -full_high)


def pointing_chance(glon_deg: FloatArray, glat_deg: FloatArray, dec_deg: FloatArray) -> FloatArray:
    """Probability that a disc or halo star at a position is observed, shape (n,)."""
    latitude = np.abs(glat_deg)
    low = np.interp(glon_deg, _LONGITUDE, _LONGITUDE_LOW, period=360.0)
    high = np.interp(glon_deg, _LONGITUDE, _LONGITUDE_HIGH, period=360.0)
    share = ramp(latitude, 10.0, 20.0)
    chance = np.interp(latitude, _LATITUDE, _LATITUDE_CHANCE) * (low + (high - low) * share)
    return np.asarray(chance * within_declinations(dec_deg))


def brightness_chance(ks_mag: FloatArray) -> FloatArray:
    """Probability that a disc or halo star of an apparent magnitude Ks is observed, shape (n,)."""
    return np.asarray(np.interp(ks_mag, _KS_MAG, _KS_CHANCE))


def clumpiness(glon_deg: FloatArray, glat_deg: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Ratio of clumpy dust to a smooth disc, shape (n,).

    A run with latitude, times clouds that neighbours share (a sum of waves of 4 to 30 degrees on the sphere, 0.5 in the
    natural logarithm; the same in every survey), times 0.2 of each star's own.

    Parameters
    ----------
    glon_deg, glat_deg : ndarray, shape (n,)
        Galactic position, degrees.
    rng : Generator
        Of each star's own part.
    """
    clouds = np.random.default_rng(_CLOUD_SEED)
    waves = clouds.standard_normal((_CLOUD_WAVES, 3))
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    low, high = np.log(_CLOUD_DEG)
    waves *= 360.0 / np.exp(clouds.uniform(low, high, _CLOUD_WAVES))[:, None]
    phase = clouds.uniform(0.0, 2.0 * np.pi, _CLOUD_WAVES)
    lon, lat = np.radians(glon_deg), np.radians(glat_deg)
    place = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    depth = np.cos(place @ waves.T + phase).sum(axis=1) * np.sqrt(2.0 / _CLOUD_WAVES)
    own = rng.standard_normal(glon_deg.size)
    mean = np.interp(np.abs(glat_deg), _LATITUDE, _DUST_FACTOR)
    return np.asarray(mean * np.exp(_CLOUD_SCATTER * depth + _STAR_SCATTER * own))


def ramp(value: FloatArray, low: float, high: float) -> FloatArray:
    """Linear ramp, 0 below ``low`` and 1 above ``high``."""
    return np.asarray(np.clip((value - low) / (high - low), 0.0, 1.0))
