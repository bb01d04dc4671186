"""Interstellar dust: E(B-V) along a sightline, and what it does to a band or to a wavelength.

Everything that needs extinction asks a :class:`DustMap`; its ``name`` stands in the caption of every product. The
embedded default is a smooth analytic disc, blind to clouds. Real maps are in
``pipeline.sources.dust_maps``. What a map calls E(B-V) is a unit of its own: its ``coefficients`` turn it into
extinction, and no other map's do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

R_V = 3.1
"""Total over selective extinction, A_V / E(B-V), of the diffuse medium."""

BAND_COEFFICIENTS: MappingProxyType[str, float] = MappingProxyType(
    {
        "J": 0.7927,  # Green et al. (2019, ApJ 887, 93), Table 1, with H and Ks
        "H": 0.4690,
        "Ks": 0.3026,
        "W1": 0.18,  # Yuan, Liu & Xiang (2013, MNRAS 430, 2188), Table 2, with W2
        "W2": 0.16,
        "G": 0.789 * R_V,  # Wang & Chen (2019, ApJ 877, 116): A_band / A_V, times R_V; with BP and RP
        "BP": 1.002 * R_V,
        "RP": 0.589 * R_V,
    }
)
"""A_band / E(B-V) of the analytic disc and of the simulated survey. J, H and Ks are in the unit of the Bayestar19 map;
the differences of that unit from a true E(B-V) stay within a map's own error of 10-30 per cent."""

W1_W2_PER_J_KS = (0.18 - 0.16) / (0.72 - 0.306)
"""E(W1 - W2) / E(J - Ks): all four bands from Yuan, Liu & Xiang (2013, MNRAS 430, 2188), Table 2, so that the unit of
whichever map measured E(J - Ks) cancels."""

_NODE_KPC = np.concatenate([[0.0], np.geomspace(1e-3, 400.0, 420)])
_BLOCK = 2048


class DustMap(Protocol):
    """E(B-V) anywhere in the Galaxy."""

    @property
    def name(self) -> str:
        """Name in captions and manifests."""
        ...

    @property
    def coefficients(self) -> Mapping[str, float]:
        """A_band for one unit of the map's E(B-V), at least for J, H and Ks."""
        ...

    def reddening(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """E(B-V) in magnitudes, one value a star.

        Parameters
        ----------
        glon_deg, glat_deg, distance_kpc : array_like, shape (n,)
            Galactic position in degrees and distance from the Sun in kpc; broadcast against each other.
        """
        ...

    def reddening_profile(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """E(B-V) in magnitudes, shape (n, m): n sightlines at m common distances.

        Parameters
        ----------
        glon_deg, glat_deg : array_like, shape (n,)
            Sightlines in degrees.
        distance_kpc : array_like, shape (m,)
            Distances from the Sun in kpc, in any order.
        """
        ...

    def reach_kpc(self, glon_deg: ArrayLike, glat_deg: ArrayLike) -> FloatArray:
        """How far the map is reliable along each sightline, shape (n,), in kpc; NaN outside the map."""
        ...


@dataclass(frozen=True)
class ExponentialDisc:
    """A smooth double-exponential dust disc, rho ~ exp(-R / L - abs(z) / h).

    Parameters
    ----------
    scale_length_kpc, scale_height_kpc, z_sun_kpc : float
        Li, Shen, Hou et al. (2018, ApJ 858, 75), from LAMOST stars: 3.192 kpc, 103 pc, the Sun 23 pc above the dust.
    local_density : float
        E(B-V) a kpc at the Sun. 0.29 mag/kpc is A_V = 0.9 mag/kpc, within the 0.7-1.0 mag/kpc commonly quoted for the
        smooth medium near the Sun (the often-met 1.8 mag/kpc includes clouds), and gives E(B-V) = 0.03 at the north
        and 0.04 at the south Galactic pole.
    r0_kpc : float
        Distance of the Sun from the Galactic centre.

    Notes
    -----
    The density is summed by trapezoids along each sightline on nodes of equal ratio (3 per cent apart), 0-400 kpc, and
    interpolated linearly: E(B-V) never falls with distance. Towards the centre the disc is continued inwards
    without the hole that the real dust has. At 8 real sightlines of Bayestar2015, out to where these are reliable, it
    gives 0.08-2.8 times their A_Ks, 0.55 in the median; both below 0.3 run through clouds.
    """

    scale_length_kpc: float = 3.192
    scale_height_kpc: float = 0.103
    z_sun_kpc: float = 0.023
    local_density: float = 0.29
    r0_kpc: float = 8.2

    def __post_init__(self) -> None:
        """Refuse scales that are not positive."""
        for field in ("scale_length_kpc", "scale_height_kpc", "local_density", "r0_kpc"):
            value = getattr(self, field)
            if not value > 0:
                raise ValueError(f"{field} of the dust disc must be positive; found {value!r}.")

    @property
    def name(self) -> str:
        """Name in captions and manifests."""
        return (
            f"analytic exponential dust disc ({self.scale_length_kpc:g} kpc, {1000 * self.scale_height_kpc:g} pc, "
            f"after Li et al. 2018)"
        )

    @property
    def coefficients(self) -> Mapping[str, float]:
        """A_band / E(B-V) of all simulated bands."""
        return BAND_COEFFICIENTS

    def density(self, radius_kpc: ArrayLike, height_kpc: ArrayLike) -> FloatArray:
        """E(B-V) a kpc at a Galactocentric radius and a height above the dust's own midplane."""
        radial = (self.r0_kpc - np.asarray(radius_kpc, float)) / self.scale_length_kpc
        vertical = (abs(self.z_sun_kpc) - np.abs(np.asarray(height_kpc, float))) / self.scale_height_kpc
        return np.asarray(self.local_density * np.exp(radial + vertical))

    def reddening(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """Implement :meth:`DustMap.reddening`; NaN where the distance is NaN or negative."""
        glon, glat, distance = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(value, float)) for value in (glon_deg, glat_deg, distance_kpc))
        )
        result = np.empty(distance.shape).ravel()
        glon, glat, distance = glon.ravel(), glat.ravel(), distance.ravel()
        lower, fraction = _interval(distance)
        for start in range(0, distance.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            summed = self._cumulative(glon[block], glat[block])
            rows, below = np.arange(len(summed)), lower[block]
            before, after = summed[rows, below], summed[rows, below + 1]
            result[block] = before + fraction[block] * (after - before)
        return result.reshape(np.broadcast_shapes(*(np.shape(v) for v in (glon_deg, glat_deg, distance_kpc))))

    def reddening_profile(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """See :meth:`~pipeline.science.space.dust.DustMap.reddening_profile`."""
        glon, glat = np.atleast_1d(np.asarray(glon_deg, float)), np.atleast_1d(np.asarray(glat_deg, float))
        lower, fraction = _interval(np.atleast_1d(np.asarray(distance_kpc, float)))
        result = np.empty((glon.size, lower.size))
        for start in range(0, glon.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            summed = self._cumulative(glon[block], glat[block])
            before, after = summed[:, lower], summed[:, lower + 1]
            result[block] = before + fraction * (after - before)
        return result

    def reach_kpc(self, glon_deg: ArrayLike, glat_deg: ArrayLike) -> FloatArray:
        """Infinity, shape (n,): a formula has no end."""
        return np.full(np.broadcast_shapes(np.shape(glon_deg), np.shape(glat_deg)), np.inf)

    def _cumulative(self, glon_deg: FloatArray, glat_deg: FloatArray) -> FloatArray:
        """E(B-V) at the module's nodes, shape (n, nodes)."""
        lon, lat = np.radians(glon_deg)[:, None], np.radians(glat_deg)[:, None]
        flat = _NODE_KPC * np.cos(lat)
        radius = np.sqrt(np.maximum(self.r0_kpc**2 - 2.0 * self.r0_kpc * flat * np.cos(lon) + flat**2, 0.0))
        density = self.density(radius, self.z_sun_kpc + _NODE_KPC * np.sin(lat))
        steps = 0.5 * (density[:, 1:] + density[:, :-1]) * np.diff(_NODE_KPC)
        return np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)], axis=1)


def extinction_curve(wavelength_angstrom: ArrayLike) -> FloatArray:
    """A(lambda) / E(B-V) in the optical for R_V = 3.1.

    Parameters
    ----------
    wavelength_angstrom : array_like
        Wavelengths between 3030 and 9090 Angstrom (vacuum or air: the difference does not matter here).

    Returns
    -------
    ndarray
        Cardelli, Clayton & Mathis (1989, ApJ 345, 245) with the optical coefficients of O'Donnell (1994, ApJ 422, 158).
        Beyond 9090 Angstrom the infrared power law of the former takes over.
    """
    x = 1e4 / np.asarray(wavelength_angstrom, float)
    y = x - 1.82
    a = np.polynomial.polynomial.polyval(y, (1.0, 0.104, -0.609, 0.701, 1.137, -1.718, -0.827, 1.647, -0.505))
    b = np.polynomial.polynomial.polyval(y, (0.0, 1.952, 2.908, -3.989, -7.985, 11.102, 5.491, -10.805, 3.347))
    infrared = x < 1.1
    a = np.where(infrared, 0.574 * x**1.61, a)
    b = np.where(infrared, -0.527 * x**1.61, b)
    return np.asarray(R_V * a + b)


def _interval(distance_kpc: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """Node below each distance and how far to the next; beyond the last node the last value is kept."""
    inside = np.clip(np.nan_to_num(distance_kpc, nan=0.0), 0.0, _NODE_KPC[-1])
    lower = np.clip(np.searchsorted(_NODE_KPC, inside, side="right") - 1, 0, _NODE_KPC.size - 2)
    fraction = (inside - _NODE_KPC[lower]) / (_NODE_KPC[lower + 1] - _NODE_KPC[lower])
    return lower, np.where(distance_kpc >= 0.0, fraction, np.nan)
