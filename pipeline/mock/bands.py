"""Molecular bands that the synthetic model lacks, by formula: TiO, VO, CaH, C2 and CN.

Each system is a set of heads, steep on one side and degraded to the other. Their places (air wavelengths) are those of
the laboratory and of atlases:

- TiO alpha (C-X), gamma' (B-X), gamma (A-X), epsilon (E-X) and delta (b-a): Phillips (1973, ApJS 26, 313); Valenti,
  Piskunov & Johns-Krull (1998, ApJ 498, 851);
- VO A-X and B-X, CaH A-X and B-X: Kirkpatrick, Henry & McCarthy (1991, ApJS 77, 417);
- C2 Swan and the red system of CN: Barnbaum, Stone & Keenan (1996, ApJS 105, 419).

Depths, lengths and powers were fitted together to five real LAMOST spectra of M dwarfs (whose TiO bands have the shape
of the giants'), to the mean Gaia XP spectra of about 4,900 real APOGEE giants in nine bins of Teff, redward of 6450
Angstrom, and to the Lick TiO1, TiO2, Mg, Fe and the TiO5, CaH2, CaH3 indices of 94 real LAMOST giants of the
Sagittarius stream; then rounded. XP spectra want bands twice as strong at a colour as the LAMOST indices do: the run
with Teff is a compromise, 0.6 of XP's. The heads' fine structure and the depths of C2 and CN are invented. So band
indices are realistic on average, but this is no line list: use it to test a pipeline, never to interpret a star.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import air_to_vacuum

FloatArray = NDArray[np.float64]

Head = tuple[float, float, float]
"""Band head: wavelength in air [Angstrom], optical depth, length of the degradation [Angstrom].

The depth is at unit strength; the length is negative for a degradation to the blue.
"""


@dataclass(frozen=True)
class BandSystem:
    """One vibrational sequence of a molecule.

    Parameters
    ----------
    name : str
        Molecule, electronic system and vibrational difference.
    power : float
        Strength is ``s ** power`` with s that of TiO gamma (0,0).
    heads : tuple of Head
        Its heads.
    """

    name: str
    power: float
    heads: tuple[Head, ...]


# fmt: off
# One system is one entry of a table; the formatter would give each head a line.
SYSTEMS = (
    BandSystem("TiO alpha +4", 0.84, ((4421, 0.26, 65), (4462, 0.33, 65), (4505, 0.37, 60), (4548, 0.23, 60))),
    BandSystem("TiO alpha +3", 1.24, ((4584, 0.23, 75), (4626, 0.29, 70), (4668, 0.49, 65))),
    BandSystem("TiO alpha +2", 1.0, ((4761, 0.72, 120), (4804, 0.27, 65), (4848, 0.32, 60))),
    BandSystem("TiO alpha +1", 0.95, ((4954.6, 1.20, 100), (5003, 0.87, 40), (5064, 0.10, 65))),
    BandSystem("TiO alpha 0", 0.60, ((5166.6, 2.10, 30), (5240, 0.49, 105), (5308, 0.07, 80))),
    BandSystem("TiO alpha -1", 0.74, ((5448.2, 0.61, 115), (5497, 0.26, 100), (5548, 0.16, 85), (5597, 0.33, 80),
                                      (5629, 0.26, 65))),
    BandSystem("TiO alpha -2", 1.5, ((5759, 0.20, 50), (5810, 0.38, 70))),
    BandSystem("TiO alpha -3", 1.29, ((6040, 0.09, 45), (6085, 0.13, 50))),
    BandSystem("TiO gamma' +1", 0.78, ((5847.6, 0.68, 130), (5872, 0.44, 135))),
    BandSystem("TiO gamma' 0", 0.84, ((6158.5, 0.80, 85), (6186.3, 0.58, 75), (6214.9, 0.55, 80), (6268, 0.20, 55))),
    BandSystem("TiO gamma' -1", 0.96, ((6569, 0.14, 50), (6594, 0.15, 45), (6629, 0.19, 40))),
    BandSystem("TiO gamma +1", 0.93, ((6651.3, 0.22, 85), (6680.8, 0.26, 85), (6714.5, 0.27, 85), (6747, 0.10, 80),
                                      (6784, 0.14, 80))),
    BandSystem("TiO gamma 0", 1.0, ((7054.3, 0.53, 75), (7087.6, 0.78, 75), (7125.5, 0.70, 65), (7159, 0.41, 55),
                                    (7197, 0.41, 50), (7269, 0.08, 50))),
    BandSystem("TiO gamma -1", 1.3, ((7589, 0.25, 85), (7628, 0.18, 85), (7666, 0.28, 75), (7705, 0.11, 85),
                                     (7743, 0.18, 80), (7782, 0.12, 70), (7820, 0.11, 65))),
    BandSystem("TiO gamma -2", 1.53, ((8206, 0.085, 60), (8251, 0.085, 70), (8303, 0.15, 125))),
    BandSystem("TiO epsilon 0", 1.9, ((8432, 0.050, 90), (8442, 0.033, 90), (8452, 0.033, 90), (8506, 0.025, 100))),
    BandSystem("TiO delta 0", 1.5, ((8859.6, 0.070, 75), (8937.4, 0.036, 75), (9014, 0.020, 80))),
    BandSystem("VO B-X +1", 1.22, ((7334, 0.021, 50), (7373, 0.023, 50), (7393, 0.020, 55))),
    BandSystem("VO B-X 0", 1.9, ((7851, 0.036, 50), (7865, 0.025, 55), (7900, 0.046, 60), (7939, 0.095, 160))),
    BandSystem("VO A-X", 1.46, ((8521, 0.046, 60), (8575, 0.062, 65), (8624, 0.068, 75))),
)
"""Band systems of TiO and VO."""

_CAH = ((6382.0, 0.39, 15.0), (6830.0, 0.69, 100.0), (6965.0, 0.15, 54.0))
"""CaH B-X, and A-X as two humps: centre in air, depth, width [Angstrom]."""

_CARBON = (
    *((4737.1, 0.9, -60), (4715.2, 0.5, -60), (5165.2, 1.3, -80), (5129.3, 0.6, -70), (5635.5, 1.1, -80),
      (5585.5, 0.6, -80), (6191.2, 0.5, -70), (6122.1, 0.4, -70)),
    *((6926, 0.25, 80), (7088, 0.35, 80), (7259, 0.35, 80), (7437, 0.3, 80), (7876, 0.5, 90), (8067, 0.5, 90),
      (8271, 0.45, 90), (8485, 0.3, 90)),
)
"""C2 Swan, degraded to the blue (negative length), and the red system of CN, to the red."""
# fmt: on

_TEFF_NODE = (3100.0, 3250.0, 3350.0, 3450.0, 3550.0, 3650.0, 3750.0, 3850.0, 3950.0, 4050.0, 4150.0, 4300.0, 4600.0)
_GAMMA_NODE = (2.2, 2.0, 1.8, 1.55, 1.22, 0.84, 0.52, 0.28, 0.145, 0.056, 0.015, 0.004, 0.0)
_METAL_TEFF = (3550.0, 3650.0, 3750.0, 3850.0, 3950.0, 4050.0, 4150.0)
_METAL_SLOPE = (0.25, 0.35, 0.35, 0.5, 0.8, 1.3, 2.0)
_TUNED_M_H = -0.25
_FLOOR = 0.18
_RESOLUTION = 1800.0

_CONTINUUM_TEFF = (3350.0, 3550.0, 3750.0, 3950.0, 4150.0, 5200.0)
_CONTINUUM = np.array(
    [
        [0.24, -0.15, 0.66, -0.61, -0.14],
        [0.22, -0.35, 0.45, -0.42, -0.10],
        [0.24, -0.37, 0.28, -0.24, 0.00],
        [0.27, -0.43, 0.21, -0.15, 0.04],
        [0.27, -0.40, 0.18, -0.10, 0.05],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ]
)


def branch_gravity(teff: FloatArray, m_h: FloatArray) -> FloatArray:
    """Typical surface gravity of a red giant of given Teff [K] and [M/H], a linear fit to APOGEE giants."""
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
        The tuned run with Teff; times exp(k(Teff) [M/H]) with k falling from 2.0 at 4150 K to 0.25 at 3550 K, where the
        real bands saturate; times 10^(0.3 [alpha/M]) (oxygen and titanium; chosen, not measured); and 10 per cent a
        dex stronger at lower gravity than the branch's.
    """
    tuned = np.interp(teff, _TEFF_NODE, _GAMMA_NODE)
    metals = np.exp(np.interp(teff, _METAL_TEFF, _METAL_SLOPE) * (m_h - _TUNED_M_H))
    return np.asarray(tuned * metals * 10.0 ** (0.3 * alpha_m) * np.exp(-0.10 * (logg - branch_gravity(teff, m_h))))


@dataclass(frozen=True)
class BandModel:
    """The bands on one wavelength grid.

    Parameters
    ----------
    wavelength : ndarray, shape (p,)
        Vacuum wavelengths in Angstrom.
    profiles : ndarray, shape (b + 2, p)
        Optical depth of each system at unit strength; the last two are CaH and the bands of carbon.
    """

    wavelength: FloatArray
    profiles: FloatArray

    @classmethod
    def on_grid(cls, wavelength: FloatArray) -> BandModel:
        """Compute the bands on vacuum wavelengths in Angstrom, shape (p,)."""
        rows = [sum(_head(wavelength, head) for head in system.heads) for system in SYSTEMS]
        rows += [_calcium_hydride(wavelength), sum(_head(wavelength, head) for head in _CARBON)]
        return cls(wavelength, np.array(rows) * _fine_structure(wavelength))

    def transmission(
        self,
        teff: FloatArray,
        logg: FloatArray,
        m_h: FloatArray,
        alpha_m: FloatArray,
        carbon: FloatArray,
        excess: FloatArray,
    ) -> FloatArray:
        """Transmission of the bands, shape (n, p).

        ``excess`` is the natural logarithm of the strength of TiO over that of such labels. Where ``carbon`` is above
        0, all oxygen is bound in CO, and C2 and CN of that strength replace TiO. CaH is weak in giants and grows with
        gravity by a logistic step 2 dex above the branch. Saturated bands keep a floor,
        f + (1 - f) exp(-tau / (1 - f)) with f = 0.18: the light of the layers above.
        """
        gamma = gamma_strength(teff, logg, m_h, alpha_m) * np.exp(excess) * (carbon == 0)
        dwarf = 1.0 / (1.0 + np.exp(-(logg - branch_gravity(teff, m_h) - 2.0) / 0.4))
        hydride = (0.005 + 0.03 * gamma) * (1.0 - dwarf) + 0.82 * gamma**0.57 * dwarf
        strengths = [*(gamma**system.power for system in SYSTEMS), hydride * (carbon == 0), carbon]
        depth = np.stack(strengths, axis=1) @ self.profiles
        return np.asarray(_FLOOR + (1.0 - _FLOOR) * np.exp(-depth / (1.0 - _FLOOR)))

    def pseudo_continuum(self, teff: FloatArray) -> FloatArray:
        """Planck curve times a smooth correction, normalised at 7400 Angstrom, shape (n, p)."""
        hc_k = 1.438777e8
        planck = (7400.0 / self.wavelength) ** 5 * (np.exp(hc_k / (7400.0 * teff[:, None])) - 1.0)
        planck = planck / (np.exp(hc_k / (self.wavelength * teff[:, None])) - 1.0)
        inside = np.clip((self.wavelength - 6500.0) / 2500.0, -0.95, 1.05)
        basis = np.polynomial.chebyshev.chebvander(inside, _CONTINUUM.shape[1] - 1)
        weights = np.stack([np.interp(teff, _CONTINUUM_TEFF, column) for column in _CONTINUUM.T], axis=1)
        return np.asarray(planck * np.exp(weights @ basis.T))


def _head(wavelength: FloatArray, head: Head) -> FloatArray:
    """Profile of a band head, smeared by the instrument on the steep side and exponential on the other."""
    place, depth, length = head
    vacuum = float(air_to_vacuum(place))
    beyond = (wavelength - vacuum) * np.sign(length)
    sigma = vacuum / _RESOLUTION / 2.355 * 1.2
    rise = 1.0 / (1.0 + np.exp(-np.clip(1.7 * beyond / sigma, -60.0, 60.0)))
    return np.asarray(depth * rise * np.exp(-np.maximum(beyond, 0.0) / abs(length)))


def _calcium_hydride(wavelength: FloatArray) -> FloatArray:
    humps = ((float(air_to_vacuum(place)), depth, width) for place, depth, width in _CAH)
    return np.asarray(sum(depth * np.exp(-0.5 * ((wavelength - at) / width) ** 2) for at, depth, width in humps))


def _fine_structure(wavelength: FloatArray) -> FloatArray:
    """Unresolved rotational lines: a fixed pattern of mean 1 and 12 per cent scatter at R = 1800."""
    grid = np.arange(np.log(3000.0), np.log(12000.0), 1.0 / (3.0 * _RESOLUTION))
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / (3.0 / 2.355)) ** 2)
    pattern = np.convolve(np.random.default_rng(18_000).standard_normal(grid.size), kernel, mode="same")
    return np.asarray(1.0 + 0.12 * np.interp(np.log(wavelength), grid, pattern / pattern.std()))
