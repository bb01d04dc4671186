"""Simulated LAMOST low-resolution spectra: from labels to noisy pixels, the same bytes however they are blocked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import LAMOST_LOG_START, LOG_STEP, air_to_vacuum, velocity_to_log_shift
from pipeline.mock.bands import BandModel
from pipeline.science.dust import extinction_curve
from pipeline.science.resample import cubic_weights
from pipeline.science.synthetic import SyntheticModel
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table

FloatArray = NDArray[np.float64]

N_PIXELS = 3909
"""Pixels of a LAMOST spectrum: 3700-9099 Angstrom."""

LOG_WAVELENGTH = LAMOST_LOG_START + LOG_STEP * np.arange(N_PIXELS)
"""log10 of LAMOST's vacuum wavelengths in Angstrom."""

# Lines that [alpha/M] moves: centre in air, half width [Angstrom], exponent a dex on the model's own transmission.
_ALPHA_LINES = (
    (4226.7, 12.0, 0.9),  # Ca I
    (5175.0, 25.0, 0.6),  # Mg b
    (6122.2, 5.0, 0.8),  # Ca I
    (6162.2, 5.0, 0.8),  # Ca I
    (6439.1, 5.0, 0.7),  # Ca I
    (6497.0, 8.0, 0.6),  # Ca I, Ti I, Ba II blend
    (8435.0, 6.0, 0.8),  # Ti I
    (8498.0, 9.0, 0.35),  # Ca II
    (8542.1, 13.0, 0.40),  # Ca II
    (8662.1, 13.0, 0.40),  # Ca II
    (8806.8, 6.0, 0.7),  # Mg I
)
_SKY_SPIKES = (5577.34, 6300.30, 6363.78)
_HYDROXYL = (
    *(7276, 7316, 7341, 7750, 7794, 7821, 7853, 7914, 7964, 7993, 8026, 8344),
    *(8399, 8430, 8466, 8505, 8778, 8827, 8850, 8886, 8920, 8959, 9002, 9038),
)
_ARM_JOIN = (5700.0, 5900.0)
_TELLURIC = ((6866.0, 6900.0, 0.10), (7592.0, 7690.0, 0.35))


@dataclass(frozen=True)
class Conditions:
    """What one observation does to a star's light; arrays of shape (n,).

    Parameters
    ----------
    snr : ndarray
        Median S/N a pixel over 8000-8950 Angstrom.
    rv_kms, ebv : ndarray
        Radial velocity in km/s and reddening E(B-V) in magnitudes.
    scale : ndarray
        Flux at 7400 Angstrom, LAMOST's relative units.
    key : ndarray of uint64
        Counter that seeds each star's own noise.
    """

    snr: FloatArray
    rv_kms: FloatArray
    ebv: FloatArray
    scale: FloatArray
    key: NDArray[np.uint64]

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Conditions:
        """Some of the observations."""
        return Conditions(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class SpectrumSimulator:
    """Labels and conditions in, spectra out.

    Parameters
    ----------
    seed : int
        Seed of all noise; a star's noise depends on it and on the star's key only.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._model = SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))
        self._log = self._model.log_wavelength
        self._step = float(self._log[1] - self._log[0])
        rest = np.asarray(10.0**self._log, np.float64)
        self._bands = BandModel.on_grid(rest)
        self._alpha = np.zeros(rest.size)
        for centre, half_width, exponent in _ALPHA_LINES:
            at = float(air_to_vacuum(centre))
            self._alpha += exponent * np.exp(-((np.abs(rest - at) / half_width) ** 4))
        self.wavelength: FloatArray = np.asarray(10.0**LOG_WAVELENGTH, np.float64)
        self._throughput, self._sky = _throughput(self.wavelength), _sky_noise(self.wavelength)
        self._dust = extinction_curve(self.wavelength)

    def rest_flux(self, labels: FloatArray) -> FloatArray:
        """Noiseless, unreddened spectra on the model's own grid.

        Parameters
        ----------
        labels : ndarray, shape (n, 4)
            Teff [K], log g, [M/H], [alpha/M]. Atomic lines stop at the model's floor of 3500 K; the bands go on.

        Returns
        -------
        ndarray, shape (n, p)
            Flux, about 1 at 7400 Angstrom before the bands.
        """
        teff, logg, m_h, alpha_m = labels.T
        lines = np.maximum(self._model.flux(labels[:, :3]), 0.02)
        lines = lines ** (1.0 + alpha_m[:, None] * self._alpha)
        bands = self._bands.transmission(teff, logg, m_h, alpha_m)
        return np.asarray(lines * bands * self._bands.pseudo_continuum(teff))

    def clean_flux(self, labels: FloatArray, conditions: Conditions) -> FloatArray:
        """Noiseless observed-frame spectra on LAMOST's pixels, reddened, shape (n, N_PIXELS).

        Each star is computed alone: a matrix product over a block may round a row differently as the block's shape
        changes, and then the bytes of a survey would depend on how it was read.
        """
        start = (LOG_WAVELENGTH[0] - velocity_to_log_shift(conditions.rv_kms) - self._log[0]) / self._step
        stride = round(LOG_STEP / self._step)
        flux = np.empty((len(labels), N_PIXELS))
        for row, place in enumerate(start):
            first = int(np.floor(place))
            weights = cubic_weights(place - first)
            low = first - 1
            if low < 0 or low + 3 + stride * (N_PIXELS - 1) >= self._log.size:
                raise ValueError(
                    f"A radial velocity of {conditions.rv_kms[row]:.0f} km/s moves the spectrum off the model's grid. "
                    "Keep simulated velocities within 1,000 km/s."
                )
            stop = stride * (N_PIXELS - 1) + 1
            rest = self.rest_flux(labels[row : row + 1])[0]
            flux[row] = sum(weight * rest[low + j : low + j + stop : stride] for j, weight in enumerate(weights))
        return np.asarray(flux * 10.0 ** (-0.4 * conditions.ebv[:, None] * self._dust))

    def observe(
        self, labels: FloatArray, conditions: Conditions
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Observed flux, inverse variance and mask, each of shape (n, N_PIXELS).

        Noise is that of photons and of the sky, with LAMOST-like throughput, scaled to the S/N asked for; on top come a
        smooth error of the flux calibration, an imperfect join of the two arms, telluric residuals, sky spikes, OH
        residuals and dead stretches. The inverse variance does not know of the systematic ones.
        """
        clean = self.clean_flux(labels, conditions)
        red = (self.wavelength > 8000.0) & (self.wavelength < 8950.0)
        level = np.median(clean[:, red], axis=1)
        n = len(labels)
        flux = np.empty((n, N_PIXELS), np.float32)
        ivar = np.empty((n, N_PIXELS), np.float32)
        mask = np.zeros((n, N_PIXELS), np.bool_)
        for row in range(n):
            rng = np.random.Generator(np.random.Philox(key=[self.seed % 2**64, int(conditions.key[row])]))
            relative = clean[row] / level[row]
            snr = float(conditions.snr[row])
            sky = 0.25 * (30.0 / (snr + 10.0)) ** 1.0 * self._sky
            variance = (np.maximum(relative, 0.0) + sky) / self._throughput
            variance *= 1.0 / (snr**2 * np.median(variance[red]))
            variance += (0.003 * relative) ** 2
            observed = relative * self._response(rng)
            observed += np.sqrt(variance) * rng.standard_normal(N_PIXELS)
            observed += self._sky_residuals(rng, variance)
            mask[row] = self._dead(rng)
            scale = conditions.scale[row]
            flux[row] = np.where(mask[row], 0.0, observed * scale)
            ivar[row] = np.where(mask[row], 0.0, 1.0 / (variance * scale**2 * np.exp(0.06 * rng.standard_normal())))
        return flux, ivar, mask

    def _response(self, rng: np.random.Generator) -> FloatArray:
        """Flux calibration error, arm join and telluric residual, around 1."""
        u = (self.wavelength - 6400.0) / 2700.0
        response = 1.0 + 0.04 * rng.standard_normal() * u
        for order in (2, 3, 5):
            response += 0.012 * rng.standard_normal() * np.sin(order * np.pi * u + rng.uniform(0.0, 2.0 * np.pi))
        step = 0.03 * rng.standard_normal()
        response *= 1.0 + step / (1.0 + np.exp((self.wavelength - 5800.0) / 25.0))
        for low, high, depth in _TELLURIC:
            phase = (self.wavelength - low) / (high - low)
            shape = np.where((phase > 0) & (phase < 1), np.clip(phase * 8.0, 0, 1) * (1 - phase), 0.0)
            response *= 1.0 - depth * 0.3 * abs(rng.standard_normal()) * shape
        return np.asarray(response)

    def _sky_residuals(self, rng: np.random.Generator, variance: FloatArray) -> FloatArray:
        residual = np.zeros(N_PIXELS)
        for place in _SKY_SPIKES:
            at = (np.log10(float(air_to_vacuum(place))) - LOG_WAVELENGTH[0]) / LOG_STEP
            pixel = round(at)
            height = (9.0, 5.0, 2.5)[_SKY_SPIKES.index(place)] * rng.standard_t(3)
            near = np.arange(pixel - 4, pixel + 5)
            residual[near] += height * np.sqrt(variance[near]) * np.exp(-0.5 * ((near - at) / 1.1) ** 2)
        return residual

    def _dead(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Masked stretches: the A band in half of the spectra, the arm join in some, a random stretch in a few."""
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
        dead[: int(30 * draws[3])] = True
        return dead


def _throughput(wavelength: FloatArray) -> FloatArray:
    """LAMOST's overall throughput in shape: two arms that cross at 5800 Angstrom, weak at both ends."""
    blue = np.interp(wavelength, [3690, 3900, 4300, 4900, 5500, 5750, 5950], [0.10, 0.28, 0.65, 0.95, 0.85, 0.45, 0.0])
    red = np.interp(
        wavelength, [5650, 5850, 6200, 6800, 7800, 8500, 8900, 9110], [0.0, 0.45, 0.85, 1.0, 1.0, 0.85, 0.6, 0.35]
    )
    return np.asarray(blue + red)


def _sky_noise(wavelength: FloatArray) -> FloatArray:
    """Sky brightness over that at 6500 Angstrom: continuum, oxygen lines and OH bands."""
    sky = np.interp(wavelength, [3700, 5000, 7000, 9100], [0.6, 0.9, 1.1, 1.6])
    lines = [(place, 12.0) for place in _SKY_SPIKES] + [(float(place), 4.0) for place in _HYDROXYL]
    for place, height in lines:
        sky += height * np.exp(-0.5 * ((wavelength - float(air_to_vacuum(place))) / 2.6) ** 2)
    return np.asarray(sky)
