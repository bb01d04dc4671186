"""Light of stars at the telescope: lines, bands, continuum, emission, dust, Doppler shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipeline.domain.wavelength import LAMOST_LOG_START, LOG_STEP, air_to_vacuum, velocity_to_log_shift
from pipeline.mock.bands import BandModel
from pipeline.science.space.dust import extinction_curve
from pipeline.science.spectra.resample import cubic_weights
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table

FloatArray = NDArray[np.float64]

N_PIXELS = 3909
"""Pixels of a LAMOST spectrum: 3700-9099 Angstrom."""

LOG_WAVELENGTH = LAMOST_LOG_START + LOG_STEP * np.arange(N_PIXELS)
"""Logarithm (base 10) of LAMOST's vacuum wavelengths in Angstrom."""

LEVEL_ANGSTROM = (8000.0, 8950.0)
"""Range in which brightness and S/N of a spectrum are stated, as medians."""

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
_SODIUM = (5892.9, 14.0, 0.6)
"""Correction of the model's Na D of cool giants: centre, half width, weakening exponent."""

_VEIL = 2.2
"""Exponent of the bands' transmission that weakens lines, which form above the TiO layers."""

_EMISSION = (
    *((6562.8, 1.0), (4861.3, 0.45), (4340.5, 0.25)),
    *((8498.0, 0.06), (8542.1, 0.2), (8662.1, 0.12)),
)
"""Emission of active and pulsating giants: line in air, equivalent width relative to H alpha.

Invented values, different from those that the detection expects.
"""

_INTERSTELLAR = ((5780.5, 2.1, 0.5), (6283.9, 4.8, 1.0), (8620.4, 4.3, 0.35))
"""Diffuse bands: centre in air, width, equivalent width a magnitude of E(B-V) [Angstrom].

Jenniskens & Desert (1994, A&AS 106, 39), rounded.
"""

_RESOLUTION = 1800.0
_JOIN, _JOIN_WIDTH = 5800.0, 25.0
"""Where the blue arm ends and over how much the two fade into each other, Angstrom."""

_DISPERSION_KMS = 180.0
"""Velocity dispersion of galaxies."""


@dataclass(frozen=True)
class Light:
    """Light in fibres, one row a fibre.

    Parameters
    ----------
    labels : ndarray, shape (n, 4)
        Teff [K], log g, [M/H], [alpha/M].
    carbon : ndarray, shape (n,)
        Strength of C2 and CN where carbon outnumbers oxygen, 0 elsewhere.
    emission : ndarray, shape (n,)
        Equivalent width of H alpha in emission, Angstrom; 0 without.
    rv_kms : ndarray, shape (n,)
        Radial velocity as the instrument sees it, in the red arm.
    blue_kms : ndarray, shape (n,)
        Velocity in the blue arm less that in the red one.
    redshift : ndarray, shape (n,)
        Redshift of a galaxy, whose stars the labels are of; 0 for stars.
    band_excess : ndarray, shape (n,)
        Natural logarithm of the strength of TiO over that of such labels.
    line_excess : ndarray, shape (n,)
        How much more [M/H] the atomic lines show, dex.
    """

    labels: FloatArray
    carbon: FloatArray
    emission: FloatArray
    rv_kms: FloatArray
    blue_kms: FloatArray
    redshift: FloatArray
    band_excess: FloatArray
    line_excess: FloatArray

    @classmethod
    def of(cls, labels: FloatArray, rv_kms: FloatArray) -> Light:
        """Create the light of ordinary stars."""
        none = np.zeros(len(labels))
        return cls(np.asarray(labels, float), none, none, np.asarray(rv_kms, float), none, none, none, none)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def __getitem__(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Light:
        """Some of the rows."""
        return Light(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class StarLight:
    """Noiseless spectra of stars at LAMOST's resolution."""

    def __init__(self) -> None:
        self._model = SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))
        self._log = self._model.log_wavelength
        self._step = float(self._log[1] - self._log[0])
        rest = np.asarray(10.0**self._log, np.float64)
        self.rest_wavelength: FloatArray = rest
        self._bands = BandModel.on_grid(rest)
        self._alpha = np.zeros(rest.size)
        for centre, half_width, exponent in _ALPHA_LINES:
            self._alpha += exponent * _plateau(rest, centre, half_width)
        self._lines = 1.0 - (1.0 - _SODIUM[2]) * _plateau(rest, *_SODIUM[:2])
        self._emission = np.array([_gaussian(rest, place, 0.0) * share for place, share in _EMISSION])
        self.wavelength: FloatArray = np.asarray(10.0**LOG_WAVELENGTH, np.float64)
        self._dust = extinction_curve(self.wavelength)
        self._diffuse = sum(
            _gaussian(self.wavelength, place, width) * strength for place, width, strength in _INTERSTELLAR
        )
        doublet = [_gaussian(self.wavelength, place, 0.0) for place in (5889.95, 5895.92)]
        self._sodium = 0.6 * doublet[0] + 0.4 * doublet[1]
        self._blue_arm = 1.0 / (1.0 + np.exp(np.clip((self.wavelength - _JOIN) / _JOIN_WIDTH, -60.0, 60.0)))
        self._level = (self.wavelength > LEVEL_ANGSTROM[0]) & (self.wavelength < LEVEL_ANGSTROM[1])

    def rest_flux(self, light: Light) -> FloatArray:
        """Unreddened spectra on the model's own grid.

        Returns
        -------
        ndarray, shape (n, p)
            Flux, about 1 at 7400 Angstrom before the bands. Atomic lines stop at the model's floor of 3500 K; the bands
            go on.
        """
        teff, logg, m_h, alpha_m = light.labels.T
        bands = self._bands.transmission(teff, logg, m_h, alpha_m, light.carbon, light.band_excess)
        lines = np.maximum(self._model.flux(np.column_stack([teff, logg, m_h + light.line_excess])), 0.02)
        lines = lines ** ((1.0 + alpha_m[:, None] * self._alpha) * self._lines * bands**_VEIL)
        continuum = bands * self._bands.pseudo_continuum(teff)
        if light.emission.any():
            lines = lines + light.emission[:, None] * self._emission.sum(axis=0)
        return np.asarray(lines * continuum)

    def received(self, light: Light, ebv: FloatArray) -> FloatArray:
        """Observed-frame spectra on LAMOST's pixels, reddened, shape (n, N_PIXELS).

        Each star is computed alone: a matrix product over a block may round a row differently as the block's shape
        changes, and then the bytes of a survey would depend on how it was read.
        """
        flux = np.empty((len(light), N_PIXELS))
        for row in range(len(light)):
            rest = self.rest_flux(light[row : row + 1])[0]
            if light.redshift[row] > 0:
                flux[row] = self._galaxy(rest, float(light.redshift[row]))
                continue
            velocity, blue = float(light.rv_kms[row]), float(light.blue_kms[row])
            flux[row] = self._moved(rest, velocity)
            if blue:
                flux[row] += self._blue_arm * (self._moved(rest, velocity + blue) - flux[row])
        return np.asarray(flux * self.interstellar(ebv))

    def _moved(self, rest: FloatArray, rv_kms: float) -> FloatArray:
        """One rest-frame spectrum at a velocity, on LAMOST's pixels."""
        place = float((LOG_WAVELENGTH[0] - velocity_to_log_shift(rv_kms) - self._log[0]) / self._step)
        stride = round(LOG_STEP / self._step)
        first = int(np.floor(place))
        low, stop = first - 1, stride * (N_PIXELS - 1) + 1
        if low < 0 or low + 3 + stride * (N_PIXELS - 1) >= self._log.size:
            raise ValueError(
                f"A radial velocity of {rv_kms:.0f} km/s moves the spectrum off the model's grid. "
                "Keep simulated velocities within 1,000 km/s."
            )
        weights = cubic_weights(place - first)
        return np.asarray(sum(weight * rest[low + j : low + j + stop : stride] for j, weight in enumerate(weights)))

    def _galaxy(self, rest: FloatArray, redshift: float) -> FloatArray:
        """Spectrum of a galaxy of such stars on LAMOST's pixels, with broadened lines.

        Constant blueward of the model's grid.
        """
        sigma = float(velocity_to_log_shift(_DISPERSION_KMS)) / self._step
        broadened: FloatArray = gaussian_filter1d(rest, sigma)
        return np.asarray(np.interp(LOG_WAVELENGTH - np.log10(1.0 + redshift), self._log, broadened), np.float64)

    def interstellar(self, ebv: FloatArray) -> FloatArray:
        """Transmission of interstellar dust and gas, shape (n, N_PIXELS).

        Na D follows Poznanski, Prochaska & Bloom (2012, MNRAS 426, 1465): log10 E(B-V) = 1.17 EW - 1.85, at rest.
        """
        width = np.maximum(np.log10(np.maximum(ebv, 1e-4)) + 1.85, 0.0) / 1.17
        gas = np.outer(ebv, self._diffuse) + np.outer(width, self._sodium)
        return np.asarray(10.0 ** (-0.4 * ebv[:, None] * self._dust) * np.exp(-gas))

    def mixed(self, light: Light, second: Light, share: FloatArray, ebv: FloatArray) -> FloatArray:
        """Light of two stars in one fibre, with the fraction ``share`` from the second; level 1.

        Parameters
        ----------
        light, second : Light
            Of n rows.
        share : ndarray, shape (n,)
            0 where there is no second star.
        ebv : ndarray, shape (n,)
            Reddening of both.
        """
        total = self.received(light, ebv)
        total /= np.median(total[:, self._level], axis=1, keepdims=True)
        two = np.flatnonzero(share > 0)
        if two.size:
            other = self.received(second[two], ebv[two])
            other /= np.median(other[:, self._level], axis=1, keepdims=True)
            total[two] = (1.0 - share[two, None]) * total[two] + share[two, None] * other
        return total


def _plateau(wavelength: FloatArray, centre: float, half_width: float) -> FloatArray:
    """Function that is 1 near a line in air, 0 away from it."""
    return np.asarray(np.exp(-((np.abs(wavelength - float(air_to_vacuum(centre))) / half_width) ** 4)))


def _gaussian(wavelength: FloatArray, place: float, fwhm: float) -> FloatArray:
    """Gaussian profile of unit area, by centre in air and width [Angstrom] before the instrument."""
    sigma = np.hypot(fwhm, place / _RESOLUTION) / 2.3548
    deviation = (wavelength - float(air_to_vacuum(place))) / sigma
    return np.asarray(np.exp(-0.5 * deviation**2) / (sigma * np.sqrt(2.0 * np.pi)))
