"""Molecular bands that the synthetic model lacks: TiO, VO and CaH as a parametric law.

Each system is a set of heads (air wavelengths of the laboratory and of M-star atlases: Phillips 1973, ApJS 26, 313;
Valenti, Piskunov & Johns-Krull 1998, ApJ 498, 851; Kirkpatrick, Henry & McCarthy 1991, ApJS 77, 417), steep on the blue
side, degraded to the red. The strength of the TiO gamma (0,0) band against Teff and [M/H], how the other systems
follow it, and the pseudo-continuum, were tuned on the mean Gaia XP spectra of about 3,600 real APOGEE giants (3300 to
4300 K, log g < 2.5) at XP's resolution, redward of 6400 Angstrom mainly, and rounded by hand between them and real
LAMOST spectra; the heads' fine structure is invented. So band indices are realistic on average, but this is no line
list: use it to test a pipeline, never to interpret a star.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import air_to_vacuum

FloatArray = NDArray[np.float64]

Head = tuple[float, float, float]
"""Wavelength in air [Angstrom], optical depth relative to the system's, length of the degradation [Angstrom]."""


@dataclass(frozen=True)
class BandSystem:
    """One vibrational sequence of a molecule.

    Parameters
    ----------
    name : str
        Molecule, electronic system and vibrational difference.
    ratio, power : float
        Strength is ``ratio * s ** power`` with s that of TiO gamma (0,0).
    heads : tuple of Head
        Its heads.
    """

    name: str
    ratio: float
    power: float
    heads: tuple[Head, ...]


SYSTEMS = (
    BandSystem("TiO alpha +3", 0.38, 1.6, ((4584, 0.7, 70), (4626, 0.7, 60), (4668, 0.7, 50))),
    BandSystem("TiO alpha +2", 0.55, 0.95, ((4761, 1.0, 50), (4804, 0.7, 50), (4848, 0.4, 50))),
    BandSystem("TiO alpha +1", 0.33, 1.0, ((4954.6, 1.0, 60), (5003, 0.5, 60), (5064, 0.3, 60))),
    BandSystem("TiO alpha 0", 0.18, 1.0, ((5166.6, 1.0, 90), (5240, 0.6, 90), (5308, 0.4, 80))),
    BandSystem(
        "TiO alpha -1",
        0.28,
        1.2,
        ((5448.2, 0.8, 90), (5497, 0.7, 90), (5548, 0.6, 80), (5597, 0.6, 70), (5629, 0.5, 60)),
    ),
    BandSystem("TiO alpha -2", 0.43, 1.2, ((5759, 0.8, 50), (5810, 0.7, 50))),
    BandSystem("TiO alpha -3", 0.30, 1.0, ((6040, 0.4, 50), (6085, 0.6, 50))),
    BandSystem("TiO gamma' +1", 0.48, 1.0, ((5847.6, 0.8, 60), (5872, 0.6, 60))),
    BandSystem("TiO gamma' 0", 0.55, 1.0, ((6158.5, 0.7, 70), (6186.3, 0.6, 70), (6214.9, 0.6, 80), (6268, 0.3, 60))),
    BandSystem("TiO gamma' -1", 0.32, 1.0, ((6569, 0.4, 50), (6594, 0.5, 40), (6629, 0.4, 40))),
    BandSystem(
        "TiO gamma +1",
        0.46,
        0.85,
        ((6651.3, 0.5, 100), (6680.8, 0.6, 100), (6714.5, 0.6, 110), (6747, 0.3, 110), (6784, 0.2, 110)),
    ),
    BandSystem(
        "TiO gamma 0",
        1.0,
        1.0,
        ((7054.3, 0.45, 90), (7087.6, 0.65, 90), (7125.5, 0.7, 90), (7159, 0.35, 90), (7197, 0.3, 90), (7269, 0.2, 90)),
    ),
    BandSystem(
        "TiO gamma -1",
        0.62,
        1.2,
        (
            (7589, 0.4, 100),
            (7628, 0.5, 100),
            (7666, 0.6, 100),
            (7705, 0.4, 100),
            (7743, 0.4, 100),
            (7782, 0.4, 90),
            (7820, 0.4, 90),
        ),
    ),
    BandSystem("TiO gamma -2", 0.34, 1.4, ((8206, 0.6, 80), (8251, 0.6, 80), (8303, 0.6, 90))),
    BandSystem("TiO epsilon 0", 0.32, 1.5, ((8432, 0.6, 90), (8442, 0.4, 90), (8452, 0.4, 90), (8506, 0.3, 90))),
    BandSystem("TiO delta 0", 0.13, 1.4, ((8859.6, 1.0, 80), (8937.4, 0.5, 80), (9014, 0.3, 80))),
    BandSystem("VO B-X +1", 0.07, 1.8, ((7334, 0.4, 60), (7373, 0.5, 60), (7393, 0.4, 60))),
    BandSystem("VO B-X 0", 0.28, 1.6, ((7851, 0.5, 60), (7865, 0.3, 60), (7900, 0.5, 60), (7939, 0.5, 80))),
    BandSystem("VO A-X", 0.14, 1.6, ((8521, 0.4, 60), (8575, 0.5, 60), (8624, 0.4, 60))),
)

_TEFF_NODE = (3100.0, 3250.0, 3350.0, 3450.0, 3550.0, 3650.0, 3750.0, 3850.0, 3950.0, 4050.0, 4150.0, 4300.0, 4600.0)
_GAMMA_NODE = (1.95, 1.85, 1.75, 1.60, 1.34, 1.02, 0.70, 0.43, 0.21, 0.085, 0.035, 0.012, 0.0)
_METAL_TEFF = (3600.0, 3700.0, 3800.0, 3900.0, 4000.0, 4100.0, 4300.0)
_METAL_SLOPE = (0.03, 0.06, 0.27, 0.57, 1.0, 1.5, 1.8)
_TUNED_M_H = -0.25
_FLOOR = 0.18
_RESOLUTION = 1800.0

_CONTINUUM_TEFF = (3350.0, 3550.0, 3750.0, 3950.0, 4150.0)
_CONTINUUM = np.array(
    [
        [0.24, -0.15, 0.66, -0.61, -0.14],
        [0.22, -0.35, 0.45, -0.42, -0.10],
        [0.24, -0.37, 0.28, -0.24, 0.00],
        [0.27, -0.43, 0.21, -0.15, 0.04],
        [0.27, -0.40, 0.18, -0.10, 0.05],
    ]
)


def branch_gravity(teff: FloatArray, m_h: FloatArray) -> FloatArray:
    """Surface gravity of a typical red giant of that Teff [K] and [M/H]: a line through the APOGEE giants."""
    return np.asarray(0.55 + 0.0022 * (teff - 3600.0) + 0.6 * (m_h + 0.25))


def gamma_strength(teff: FloatArray, logg: FloatArray, m_h: FloatArray, alpha_m: FloatArray) -> FloatArray:
    """Optical depth scale of TiO gamma (0,0).

    Parameters
    ----------
    teff, logg, m_h, alpha_m : ndarray, shape (n,)
        Labels: K and dex.

    Returns
    -------
    ndarray, shape (n,)
        The tuned run with Teff; times 10^(k(Teff) [M/H]) with k falling from 1.8 / ln 10 at 4300 K to nearly zero below
        3600 K, where the real bands saturate; times 10^(0.3 [alpha/M]) (oxygen and titanium; chosen, not measured); and
        10 per cent a dex stronger at lower gravity than the branch's.
    """
    tuned = np.interp(teff, _TEFF_NODE, _GAMMA_NODE)
    metals = np.exp(np.interp(teff, _METAL_TEFF, _METAL_SLOPE) * (m_h - _TUNED_M_H))
    return np.asarray(tuned * metals * 10.0 ** (0.3 * alpha_m) * np.exp(-0.10 * (logg - branch_gravity(teff, m_h))))


@dataclass(frozen=True)
class BandModel:
    """The bands laid out on one wavelength grid.

    Parameters
    ----------
    wavelength : ndarray, shape (p,)
        Vacuum wavelengths in Angstrom.
    profiles : ndarray, shape (b + 1, p)
        Optical depth of each system at unit strength; the last is CaH.
    """

    wavelength: FloatArray
    profiles: FloatArray

    @classmethod
    def on_grid(cls, wavelength: FloatArray) -> BandModel:
        """Lay the bands out on vacuum wavelengths in Angstrom, shape (p,)."""
        rotation = _fine_structure(wavelength)
        rows = [sum(_head(wavelength, head) for head in system.heads) * rotation for system in SYSTEMS]
        return cls(wavelength, np.array([*rows, _calcium_hydride(wavelength) * rotation]))

    def transmission(self, teff: FloatArray, logg: FloatArray, m_h: FloatArray, alpha_m: FloatArray) -> FloatArray:
        """Flux that the bands leave, shape (n, p).

        Saturated bands keep a floor, f + (1 - f) exp(-tau / (1 - f)) with f = 0.18: the light of the layers above.
        """
        gamma = gamma_strength(teff, logg, m_h, alpha_m)
        strengths = [system.ratio * gamma**system.power for system in SYSTEMS]
        excess = logg - branch_gravity(teff, m_h)
        hydride = 0.03 + 0.10 * np.minimum(gamma, 1.2) * np.exp(0.5 * excess)
        depth = np.stack([*strengths, hydride], axis=1) @ self.profiles
        return np.asarray(_FLOOR + (1.0 - _FLOOR) * np.exp(-depth / (1.0 - _FLOOR)))

    def pseudo_continuum(self, teff: FloatArray) -> FloatArray:
        """Planck curve times a tuned smooth correction, 1 at 7400 Angstrom for the Planck part, shape (n, p)."""
        hc_k = 1.438777e8
        planck = (7400.0 / self.wavelength) ** 5 * (np.exp(hc_k / (7400.0 * teff[:, None])) - 1.0)
        planck = planck / (np.exp(hc_k / (self.wavelength * teff[:, None])) - 1.0)
        inside = np.clip((self.wavelength - 6500.0) / 2500.0, -0.95, 1.05)
        basis = np.polynomial.chebyshev.chebvander(inside, _CONTINUUM.shape[1] - 1)
        weights = np.stack([np.interp(teff, _CONTINUUM_TEFF, column) for column in _CONTINUUM.T], axis=1)
        return np.asarray(planck * np.exp(weights @ basis.T))


def _head(wavelength: FloatArray, head: Head) -> FloatArray:
    """A head smeared by the instrument on its blue side and an exponential tail on its red side."""
    place, depth, length = head
    vacuum = float(air_to_vacuum(place))
    beyond = wavelength - vacuum
    sigma = vacuum / _RESOLUTION / 2.355 * 1.2
    rise = 1.0 / (1.0 + np.exp(-np.clip(1.7 * beyond / sigma, -60.0, 60.0)))
    return np.asarray(depth * rise * np.exp(-np.maximum(beyond, 0.0) / length))


def _calcium_hydride(wavelength: FloatArray) -> FloatArray:
    """CaH A-X over 6750-7050 and B-X at 6382: weak in giants."""
    vacuum = air_to_vacuum([6382.0, 6830.0, 6965.0])
    widths, depths = (15.0, 60.0, 35.0), (0.5, 1.0, 0.5)
    parts = zip(vacuum, widths, depths, strict=True)
    return np.asarray(sum(depth * np.exp(-0.5 * ((wavelength - at) / width) ** 2) for at, width, depth in parts))


def _fine_structure(wavelength: FloatArray) -> FloatArray:
    """Unresolved rotational lines: a fixed pattern of mean 1 and 12 per cent scatter, smooth over R = 1800."""
    grid = np.arange(np.log(3000.0), np.log(12000.0), 1.0 / (3.0 * _RESOLUTION))
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / (3.0 / 2.355)) ** 2)
    pattern = np.convolve(np.random.default_rng(18_000).standard_normal(grid.size), kernel, mode="same")
    return np.asarray(1.0 + 0.12 * np.interp(np.log(wavelength), grid, pattern / pattern.std()))
