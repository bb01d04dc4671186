"""The instrument LAMOST: throughput, calibration, arms, tellurics, sky, cosmic rays, noise.

The same bytes come out however the rows are blocked: a row's noise depends on the seed and on its own key only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import LOG_STEP, air_to_vacuum
from pipeline.mock.spectra import LEVEL_ANGSTROM, LOG_WAVELENGTH, N_PIXELS, Light, StarLight
from pipeline.science.spectra.line_tests import HYDROXYL, SKY_SIGMA

FloatArray = NDArray[np.float64]

_SKY_SPIKES = ((5577.34, 9.0), (6300.30, 5.0), (6363.78, 2.5))
"""Oxygen lines in air, with the height of their residual in sigma."""

_HYDROXYL_HEIGHT, _HYDROXYL_SPREAD = 4.0, 0.5
"""Height of OH lines over the sky's continuum, and the scatter of its logarithm.

Invented values.
"""

_SKY_SUBTRACTION = 0.03
"""Relative error of the subtracted sky (standard deviation), from fibre transmission."""

_RED_SKY_WINDOWS = ((8250.0, 8460.0), (8750.0, 8950.0))
"""Windows with sky residuals of a real plate of 2011, vacuum."""

_PIXEL_ERROR = 0.001
"""Relative flat-field error of a pixel's flux."""

_ARM_JOIN = (5700.0, 5900.0)
_JOIN_AT = 5800.0
_TELLURIC = ((6866.0, 6900.0, 0.10), (7592.0, 7690.0, 0.35), (8130.0, 8345.0, 0.04))
_BLUE_END = 4150.0
_COSMIC_RAYS = 0.4
"""Number of cosmic rays of a spectrum that remain after the combination of exposures."""


@dataclass(frozen=True)
class Conditions:
    """Observing conditions; arrays of shape (n,).

    Parameters
    ----------
    snr : ndarray
        Median S/N a pixel over 8000-8950 Angstrom.
    ebv : ndarray
        Reddening E(B-V) in magnitudes.
    scale : ndarray
        Flux at the stated level, LAMOST's relative units.
    key : ndarray of uint64
        Counter that seeds each row's own noise.
    share : ndarray
        Share of a second star in the light, 0 without.
    sky_error : ndarray
        Part of the sky that was subtracted too little (below 0: too much), beyond the usual error.
    arm_ratio : ndarray
        Blue arm over red arm where they were joined, 1 when rightly.
    red_sky : ndarray
        OH lines that the plate kept in two windows of the red arm: rms there, relative to the stated level.
    """

    snr: FloatArray
    ebv: FloatArray
    scale: FloatArray
    key: NDArray[np.uint64]
    share: FloatArray
    sky_error: FloatArray
    arm_ratio: FloatArray
    red_sky: FloatArray

    @classmethod
    def ordinary(cls, snr: FloatArray, ebv: FloatArray, scale: FloatArray, key: NDArray[np.uint64]) -> Conditions:
        """Conditions without any problem."""
        none = np.zeros(len(snr))
        return cls(snr, ebv, scale, key, none, none, none + 1.0, none)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Conditions:
        """Some of the observations."""
        return Conditions(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class SpectrumSimulator:
    """Simulates spectra from light and conditions.

    Parameters
    ----------
    seed : int
        Seed of all noise.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.starlight = StarLight()
        self.wavelength = self.starlight.wavelength
        self._throughput, self._sky, self._lines = _throughput(self.wavelength), *_sky_brightness(self.wavelength)
        self._red_lines = _red_lines(self.wavelength)
        self._level = (self.wavelength > LEVEL_ANGSTROM[0]) & (self.wavelength < LEVEL_ANGSTROM[1])
        self._tellurics = [_telluric(self.wavelength, low, high) for low, high, _ in _TELLURIC]

    def observe(
        self, light: Light, conditions: Conditions, second: Light | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Observed flux, inverse variance and mask, each of shape (n, N_PIXELS).

        Noise is that of photons and of the sky, with LAMOST-like throughput, scaled to the S/N asked for; on top come a
        smooth error of the flux calibration, an imperfect join of the two arms, telluric residuals, an error of the
        subtracted sky, OH lines that a plate kept, sky spikes, cosmic rays and dead stretches. The inverse variance
        does not know of the systematic ones.
        """
        clean = self.starlight.mixed(light, light if second is None else second, conditions.share, conditions.ebv)
        n = len(light)
        flux = np.empty((n, N_PIXELS), np.float32)
        ivar = np.empty((n, N_PIXELS), np.float32)
        mask = np.zeros((n, N_PIXELS), np.bool_)
        for row in range(n):
            rng = np.random.Generator(np.random.Philox(key=[self.seed % 2**64, int(conditions.key[row])]))
            relative, snr = clean[row], float(conditions.snr[row])
            brightness = 7.5 / (snr + 10.0)
            variance = (np.maximum(relative, 0.0) + brightness * self._sky) / self._throughput
            variance += brightness / self._throughput**2  # reading the detector out, in the same unit
            variance *= 1.0 / (snr**2 * np.median(variance[self._level]))
            variance += (_PIXEL_ERROR * relative) ** 2
            observed = relative * self._response(rng, float(conditions.arm_ratio[row]))
            sigma = np.sqrt(variance)
            observed += sigma * rng.standard_normal(N_PIXELS)
            observed += conditions.red_sky[row] * self._red_lines
            observed += self._sky_residuals(rng, sigma, brightness, float(conditions.sky_error[row]))
            mask[row] = self._dead(rng, observed / sigma)
            scale = conditions.scale[row]
            flux[row] = np.where(mask[row], 0.0, observed * scale)
            ivar[row] = np.where(mask[row], 0.0, 1.0 / (variance * scale**2 * np.exp(0.06 * rng.standard_normal())))
        return flux, ivar, mask

    def _response(self, rng: np.random.Generator, arm_ratio: float) -> FloatArray:
        """Flux calibration error, arm join and telluric residual, around 1."""
        u = (self.wavelength - 6400.0) / 2700.0
        response = 1.0 + 0.04 * rng.standard_normal() * u
        for order in (2, 3, 5):
            response += 0.012 * rng.standard_normal() * np.sin(order * np.pi * u + rng.uniform(0.0, 2.0 * np.pi))
        step = 0.03 * rng.standard_normal()
        response *= 1.0 + step / (1.0 + np.exp((self.wavelength - _JOIN_AT) / 25.0))
        if arm_ratio != 1.0:
            response *= 1.0 + (arm_ratio - 1.0) / (1.0 + np.exp((self.wavelength - _JOIN_AT) / 6.0))
        for shape, (_, _, depth) in zip(self._tellurics, _TELLURIC, strict=True):
            response *= 1.0 - depth * 0.3 * abs(rng.standard_normal()) * shape
        return np.asarray(response)

    def _sky_residuals(
        self, rng: np.random.Generator, sigma: FloatArray, brightness: float, sky_error: float
    ) -> FloatArray:
        """Sky residuals, oxygen spikes, and cosmic rays."""
        residual = (_SKY_SUBTRACTION * rng.standard_normal() + sky_error) * brightness * self._lines
        residual += sky_error * brightness * (self._sky - self._lines)
        spikes = rng.standard_t(3, len(_SKY_SPIKES))
        for (place, height), strength in zip(_SKY_SPIKES, spikes, strict=True):
            at = (np.log10(float(air_to_vacuum(place))) - LOG_WAVELENGTH[0]) / LOG_STEP
            near = np.arange(round(at) - 4, round(at) + 5)
            residual[near] += height * strength * sigma[near] * np.exp(-0.5 * ((near - at) / 1.1) ** 2)
        hits = rng.integers(0, N_PIXELS - 1, rng.poisson(_COSMIC_RAYS))
        heights = rng.exponential(12.0, hits.size)
        residual[hits] += heights * sigma[hits]
        residual[hits + 1] += rng.uniform(0.0, 0.5, hits.size) * heights * sigma[hits]
        return np.asarray(residual)

    def _dead(self, rng: np.random.Generator, snr: FloatArray) -> NDArray[np.bool_]:
        """Mask: the A band in half of the spectra, sometimes arm join, a stretch, a dark blue end."""
        dead = np.zeros(N_PIXELS, np.bool_)
        draws = rng.uniform(size=6)
        if draws[0] < 0.5:
            dead |= (self.wavelength > 7588.0) & (self.wavelength < 7680.0)
        if draws[1] < 0.08:
            low = _ARM_JOIN[0] + 80.0 * draws[2]
            dead |= (self.wavelength > low) & (self.wavelength < low + 20.0 + 80.0 * draws[3])
        if draws[4] < 0.04:
            first = int(draws[5] * (N_PIXELS - 150))
            dead[first : first + 20 + int(120 * draws[2])] = True
        if draws[0] < 0.7:
            dead |= (self.wavelength < _BLUE_END) & (snr < 2.0)
        dead[: int(30 * draws[3])] = True
        return dead


def _telluric(wavelength: FloatArray, low: float, high: float) -> FloatArray:
    """Profile of a band with a sharp blue edge that fades to the red, 0 outside."""
    phase = (wavelength - low) / (high - low)
    return np.where((phase > 0) & (phase < 1), np.clip(phase * 8.0, 0, 1) * (1 - phase), 0.0)


def _throughput(wavelength: FloatArray) -> FloatArray:
    """Approximate throughput of LAMOST: two arms that cross at 5800 Angstrom, the blue one weak.

    From how the S/N of nine real K and M stars of LAMOST DR1 and DR13 runs with wavelength.
    """
    blue = np.interp(
        wavelength,
        [3690, 3900, 4150, 4450, 4800, 5250, 5600, 5750, 5950],
        [0.012, 0.02, 0.035, 0.08, 0.15, 0.18, 0.20, 0.12, 0.0],
    )
    red = np.interp(
        wavelength,
        [5650, 5850, 6100, 6550, 7150, 7950, 8350, 8800, 9110],
        [0.0, 0.20, 0.43, 0.60, 0.90, 1.17, 1.15, 0.80, 0.45],
    )
    return np.asarray(blue + red)


def _red_lines(wavelength: FloatArray) -> FloatArray:
    """OH lines of two windows of the red arm, with a combined rms of 1."""
    inside = np.zeros(wavelength.size, np.bool_)
    for low, high in _RED_SKY_WINDOWS:
        inside |= (wavelength > low) & (wavelength < high)
    lines = np.where(inside, _sky_brightness(wavelength)[1], 0.0)
    return np.asarray(lines / np.sqrt(np.mean(lines[inside] ** 2)))


def _sky_brightness(wavelength: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sky relative to that at 6500 Angstrom, continuum with lines, and its oxygen and OH lines only."""
    continuum = np.interp(wavelength, [3700, 5000, 7000, 9100], [0.6, 0.9, 1.1, 1.6])
    heights = _HYDROXYL_HEIGHT * np.random.default_rng(0).lognormal(0.0, _HYDROXYL_SPREAD, len(HYDROXYL))
    spikes = [(place, 12.0) for place, _ in _SKY_SPIKES] + list(zip(HYDROXYL, heights.tolist(), strict=True))
    lines = np.zeros(wavelength.size)
    for place, height in spikes:
        lines += height * np.exp(-0.5 * ((wavelength - float(air_to_vacuum(place))) / SKY_SIGMA) ** 2)
    return np.asarray(continuum + lines), lines
