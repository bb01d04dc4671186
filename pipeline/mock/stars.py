"""Who lives in the simulated sky: positions, motions, ages and chemistry of giants, on isochrones.

Disc, halo and stream are drawn one by one and thinned by a LAMOST-like selection; the recipes are standard ones
(Bland-Hawthorn & Gerhard 2016, ARA&A 54, 529, for scales and velocity ellipsoids), simple on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.frames import (
    SolarFrame,
    equatorial_to_galactic,
    sky_from_galactocentric,
)
from pipeline.science.dust import BAND_COEFFICIENTS, DustMap
from pipeline.science.stream import StreamModel
from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table

FloatArray = NDArray[np.float64]

COMPONENTS = ("thin disc", "thick disc", "halo", "sagittarius")
SHARES = (0.68, 0.20, 0.03, 0.09)
"""Share of each component in the survey."""

TEFF_RANGES = {"M giant": (3200.0, 4300.0), "K giant": (4300.0, 4750.0)}
"""Effective temperatures of the kinds of giants, K."""

J_LIMITS = (6.5, 14.3)
G_LIMITS = (8.0, 17.3)
"""Magnitudes that LAMOST's bright to faint plates reach, roughly."""

STREAM_SMOOTHING = (0.2, 2.0)
"""How far stars of the stream stand off their particle: standard deviation an axis, kpc and km/s."""

_MOST_ROUNDS = 2000
_NODES = 96
_LOGG_RANGE = (-0.4, 2.5)
_STAR_FIELDS = ("teff", "logg", "jk0", "k_abs", "g_abs", "bp_rp0")


@dataclass(frozen=True)
class Stars:
    """True properties of simulated stars, arrays of shape (n,).

    ``component`` is one of :data:`COMPONENTS`; ``kind`` is M giant, K giant, M dwarf or carbon star. Units: K and dex
    for labels; Gyr; kpc, km/s, mas/yr, deg for phase space; magnitudes for the rest.
    """

    component: NDArray[np.str_]
    kind: NDArray[np.str_]
    age_gyr: FloatArray
    teff: FloatArray
    logg: FloatArray
    m_h: FloatArray
    alpha_m: FloatArray
    jk0: FloatArray
    k_abs: FloatArray
    g_abs: FloatArray
    bp_rp0: FloatArray
    position: FloatArray
    velocity: FloatArray
    ra: FloatArray
    dec: FloatArray
    glon: FloatArray
    glat: FloatArray
    distance: FloatArray
    pmra: FloatArray
    pmdec: FloatArray
    rv: FloatArray
    ebv: FloatArray

    def __len__(self) -> int:
        """Number of stars."""
        return int(self.teff.size)

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Stars:
        """Some of the stars."""
        return Stars(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def labels(self) -> FloatArray:
        """Teff, log g, [M/H], [alpha/M], shape (n, 4)."""
        return np.stack([self.teff, self.logg, self.m_h, self.alpha_m], axis=1)

    @staticmethod
    def joined(parts: list[Stars]) -> Stars:
        """Several groups in one."""
        names = Stars.__dataclass_fields__
        return Stars(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class GiantBranches:
    """PARSEC red-giant branches to draw stars from."""

    def __init__(self) -> None:
        table = load_table(ISOCHRONE_TABLE)
        self._ages = np.unique(table["age_gyr"]).astype(float)
        self._m_h = np.unique(table["m_h"]).astype(float)
        along = np.linspace(0.0, 1.0, _NODES)
        self._values = np.empty((self._ages.size, self._m_h.size, _NODES, len(_STAR_FIELDS)))
        self._cumulative = np.empty((self._ages.size, self._m_h.size, _NODES))
        for i, age in enumerate(self._ages):
            for j, metals in enumerate(self._m_h):
                rows = (table["age_gyr"] == np.float32(age)) & (table["m_h"] == np.float32(metals))
                rows &= (table["logg"] < _LOGG_RANGE[1]) & (table["logg"] > _LOGG_RANGE[0])
                branch = {name: table[name][rows].astype(float) for name in (*_STAR_FIELDS, "imf")}
                place = (branch["logg"][0] - branch["logg"]) / (branch["logg"][0] - branch["logg"].min())
                order = np.argsort(place)
                for k, name in enumerate(_STAR_FIELDS):
                    self._values[i, j, :, k] = np.interp(along, place[order], branch[name][order])
                number = np.maximum.accumulate(np.interp(along, place[order], branch["imf"][order]))
                # A floor of 0.2 per cent a node, so that the rare tip is drawn too (table steps are coarse there).
                share = np.diff(number, prepend=number[0])
                share = share / share.sum() + 0.002
                self._cumulative[i, j] = np.cumsum(share) / share.sum()

    def draw(self, age_gyr: FloatArray, m_h: FloatArray, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Draw one giant for each age [Gyr] and [M/H] by the initial mass function: Teff, log g and magnitudes."""
        i = np.abs(np.log(self._ages)[None, :] - np.log(age_gyr)[:, None]).argmin(axis=1)
        j = np.clip(np.searchsorted(self._m_h, m_h) - 1, 0, self._m_h.size - 2)
        weight = np.clip((m_h - self._m_h[j]) / (self._m_h[j + 1] - self._m_h[j]), 0.0, 1.4)
        uniform = rng.uniform(size=m_h.size)
        nearest = np.where(weight > 0.5, j + 1, j)
        place = (self._cumulative[i, nearest] < uniform[:, None]).sum(axis=1) + rng.uniform(-1.0, 0.0, size=m_h.size)
        place = np.clip(place, 0.0, _NODES - 1.001)
        k = place.astype(int)
        f = (place - k)[:, None]

        def at(metal: NDArray[np.intp]) -> FloatArray:
            return np.asarray((1 - f) * self._values[i, metal, k] + f * self._values[i, metal, k + 1])

        drawn = (1.0 - weight)[:, None] * at(j) + weight[:, None] * at(j + 1)
        return {name: drawn[:, n] for n, name in enumerate(_STAR_FIELDS)}


def draw_galaxy(
    component: str,
    n_stars: int,
    rng: np.random.Generator,
    frame: SolarFrame,
    dust: DustMap,
    branches: GiantBranches,
    kind: str = "M giant",
) -> Stars:
    """Draw stars of the thin disc, the thick disc or the halo that the survey sees.

    Parameters
    ----------
    component : str
        One of the first three of :data:`COMPONENTS`.
    n_stars : int
        How many are wanted, after the selection.
    rng, frame, dust, branches
        Randomness, the Sun, the dust, and the isochrones.
    kind : str
        A key of :data:`TEFF_RANGES`.
    """
    if component not in COMPONENTS[:3]:
        raise ValueError(f"component must be one of {', '.join(COMPONENTS[:3])}; found {component!r}.")
    chosen: list[Stars] = []
    found = 0
    while found < n_stars:
        chunk = int(np.clip(150 * (n_stars - found), 30_000, 1_000_000))
        candidates = _candidates(component, chunk, rng, frame, branches, kind)
        kept = _selected(candidates, rng, dust)
        chosen.append(kept)
        found += len(kept)
    return Stars.joined(chosen)[:n_stars]


def draw_stream(
    stream: StreamModel,
    n_stars: int,
    rng: np.random.Generator,
    frame: SolarFrame,
    dust: DustMap,
    branches: GiantBranches,
) -> Stars:
    """Draw Sagittarius giants about the particles of a stream model, northern sky, magnitudes within LAMOST's reach.

    Stars stand off their particle by :data:`STREAM_SMOOTHING`, so that a particle can carry several.
    """
    chosen: list[Stars] = []
    found = 0
    for _ in range(_MOST_ROUNDS):
        if found >= n_stars:
            break
        order = rng.permutation(len(stream))
        position = np.stack([stream.x_gal, stream.y_gal, stream.z_gal], axis=1)[order]
        velocity = np.stack([stream.v_x, stream.v_y, stream.v_z], axis=1)[order]
        position += STREAM_SMOOTHING[0] * rng.standard_normal(position.shape)
        velocity += STREAM_SMOOTHING[1] * rng.standard_normal(velocity.shape)
        seen = rng.uniform(size=order.size) < _footprint(position, frame, everywhere=True)
        position, velocity, n = position[seen], velocity[seen], int(seen.sum())
        age = rng.uniform(4.0, 9.0, n)
        m_h = np.clip(rng.normal(-0.5, 0.17, n), -0.9, -0.1)
        alpha = 0.0 - 0.12 * (m_h + 0.5) + rng.normal(0.0, 0.03, n)
        giants = branches.draw(age, m_h, rng)
        candidates = _placed("sagittarius", age, m_h, alpha, giants, position, velocity, frame)
        far = (candidates.distance > 15.0) & (candidates.distance < 75.0) & (np.abs(candidates.glat) > 15.0)
        kept = _selected(candidates[far], rng, dust)
        chosen.append(kept)
        found += len(kept)
    else:
        raise RuntimeError(
            f"Only {found} of {n_stars} Sagittarius giants could be placed on {len(stream)} particles. "
            "Ask for a larger stream model."
        )
    return Stars.joined(chosen)[:n_stars]


def _positions(component: str, n: int, rng: np.random.Generator) -> FloatArray:
    """Galactocentric positions of a component on the Sun's side, shape (n, 3), kpc; the thin disc's before heating."""
    azimuth = rng.uniform(-0.5 * np.pi, 0.5 * np.pi, n)
    if component == "halo":
        radius = np.exp(rng.uniform(np.log(4.0), np.log(40.0), n))  # density ~ r^-3
        cos_theta = rng.uniform(-1.0, 1.0, n)
        flat, z = radius * np.sqrt(1.0 - cos_theta**2), 0.7 * radius * cos_theta
    elif component == "thick disc":
        flat, z = rng.gamma(2.0, 2.0, n), rng.laplace(0.0, 0.9, n)
    else:
        flat, z = rng.gamma(2.0, 2.6, n), rng.laplace(0.0, 0.3, n)
    return np.stack([-flat * np.cos(azimuth), flat * np.sin(azimuth), z], axis=1)


def _candidates(
    component: str, n: int, rng: np.random.Generator, frame: SolarFrame, branches: GiantBranches, kind: str
) -> Stars:
    """Giants of a component within the footprint; it is applied first, because most of the sky is not in it."""
    position = _positions(component, n, rng)
    age = rng.uniform(1.0, 3.0, n) ** 2  # constant star formation times the rate of becoming a giant, age^-1/2
    heat = (age / 5.0) ** 0.3
    if component == "thin disc":
        position[:, 2] *= heat
    seen = rng.uniform(size=n) < _footprint(position, frame)
    position, age, heat = position[seen], age[seen], heat[seen]
    flat, n = np.hypot(position[:, 0], position[:, 1]), int(seen.sum())
    if component == "halo":
        age, m_h = rng.uniform(10.0, 12.5, n), np.clip(rng.normal(-1.05, 0.25, n), -1.8, -0.6)
        alpha = 0.24 + rng.normal(0.0, 0.05, n)
        speed = rng.normal([0.0, 10.0, 0.0], [135.0, 85.0, 85.0], (n, 3))
    elif component == "thick disc":
        age = rng.uniform(8.0, 12.0, n)
        m_h = np.clip(rng.normal(-0.42, 0.20, n), -1.0, 0.1)
        alpha = np.clip(0.20 - 0.12 * (m_h + 0.5) + rng.normal(0.0, 0.035, n), 0.08, 0.40)
        speed = _disc_velocity(flat, rng, radial=(60.0, 38.0), lag=48.0)
    else:
        m_h = np.clip(0.02 - 0.055 * (flat - frame.r0_kpc) + rng.normal(0.0, 0.16, n), -0.8, 0.4)
        alpha = 0.03 - 0.14 * m_h + rng.normal(0.0, 0.025, n)
        speed = _disc_velocity(flat, rng, radial=(36.0 * heat, 19.0 * heat), lag=0.0)
    giants = branches.draw(age, m_h, rng)
    velocity = along_axes(position, speed)
    return _placed(component, age, m_h, alpha, giants, position, velocity, frame, kind)


def along_axes(position: FloatArray, speed: FloatArray) -> FloatArray:
    """(V_X, V_Y, V_Z) of (V_R, V_phi, V_Z); right-handed, Sun at X = -R0: the disc moves towards +Y at the Sun."""
    flat = np.hypot(position[:, 0], position[:, 1])
    cos, sin = -position[:, 0] / flat, position[:, 1] / flat
    v_r, v_phi, v_z = speed.T
    return np.stack([-v_r * cos + v_phi * sin, v_r * sin + v_phi * cos, v_z], axis=1)


def circular_speed_kms(radius_kpc: FloatArray) -> FloatArray:
    """Rotation curve of the disc: 235 km/s at 8.2 kpc, -1.7 km/s/kpc (Eilers et al. 2019), rising inside 3 kpc."""
    return np.asarray((235.0 - 1.7 * (radius_kpc - 8.2)) * np.tanh(radius_kpc / 1.5))


def _disc_velocity(
    radius: FloatArray, rng: np.random.Generator, radial: tuple[FloatArray | float, FloatArray | float], lag: float
) -> FloatArray:
    """(v_R, v_phi, v_z) of a disc: dispersions fall outwards, rotation lags by Stroemberg's sigma_R^2 / 80 or more."""
    fall = np.clip(np.exp(-(radius - 8.2) / 18.0), 0.5, 1.5)
    sigma_r, sigma_z = radial[0] * fall, radial[1] * fall
    drift = np.maximum(sigma_r**2 / 80.0, lag)
    noise = rng.standard_normal((3, radius.size))
    v_phi = circular_speed_kms(radius) - drift + 0.68 * sigma_r * noise[1]
    return np.stack([sigma_r * noise[0], v_phi, sigma_z * noise[2]], axis=1)


def _placed(
    component: str,
    age: FloatArray,
    m_h: FloatArray,
    alpha: FloatArray,
    giants: dict[str, FloatArray],
    position: FloatArray,
    velocity: FloatArray,
    frame: SolarFrame,
    kind: str = "M giant",
) -> Stars:
    """Stars without dust yet; only those of the kind's Teff and near enough to be worth projecting.

    Stars hotter than about 3,980 K are rarely classified M: an M giant passes with a chance that falls there.
    """
    low, high = TEFF_RANGES[kind]
    keep = (giants["teff"] > low) & (giants["teff"] < high)
    reach = 10.0 ** (0.2 * (J_LIMITS[1] - (giants["k_abs"] + giants["jk0"])) - 2.0)
    near = np.linalg.norm(position - _sun(frame), axis=1)
    keep &= (near < reach) & (near > 0.3)
    position, velocity = position[keep], velocity[keep]
    values = {name: giants[name][keep] for name in _STAR_FIELDS}
    return on_sky(component, kind, age[keep], m_h[keep], alpha[keep], values, position, velocity, frame)


def on_sky(
    component: str,
    kind: str,
    age: FloatArray,
    m_h: FloatArray,
    alpha: FloatArray,
    values: dict[str, FloatArray],
    position: FloatArray,
    velocity: FloatArray,
    frame: SolarFrame,
) -> Stars:
    """Stars at Galactocentric positions, as the Sun sees them, without dust."""
    sky = sky_from_galactocentric(position, velocity, frame)
    glon, glat = equatorial_to_galactic(sky["ra"], sky["dec"])
    n = len(position)
    return Stars(
        component=np.full(n, component, dtype="U12"),
        kind=np.full(n, kind, dtype="U12"),
        age_gyr=age,
        m_h=m_h,
        alpha_m=alpha,
        position=position,
        velocity=velocity,
        glon=glon,
        glat=glat,
        ebv=np.zeros(n),
        **values,
        **sky,
    )


def _sun(frame: SolarFrame) -> FloatArray:
    return np.array([-frame.r0_kpc, 0.0, frame.z_sun_kpc])


def _footprint(position: FloatArray, frame: SolarFrame, *, everywhere: bool = False) -> FloatArray:
    """Chance that LAMOST points at a Galactocentric position.

    Declination -9 to +65, fading at both ends; anticentre fields (l 140-230) eight times as often as those towards the
    centre, unless ``everywhere``.
    """
    x, y, z = (position - _sun(frame)).T
    longitude, sin_b = np.arctan2(y, x), z / np.sqrt(x**2 + y**2 + z**2)
    pole, ascending = np.radians(27.12825), np.radians(122.93192)
    sin_dec = sin_b * np.sin(pole) + np.sqrt(1.0 - sin_b**2) * np.cos(pole) * np.cos(ascending - longitude)
    dec = np.degrees(np.arcsin(np.clip(sin_dec, -1.0, 1.0)))
    chance = _ramp(dec, -9.0, -3.0) * _ramp(-dec, -68.0, -58.0)
    if everywhere:
        return chance
    off = (np.degrees(longitude) % 360.0 - 185.0) / 38.0
    return np.asarray(chance * (0.12 + 0.88 * np.exp(-0.5 * off**2)))


def _selected(stars: Stars, rng: np.random.Generator, dust: DustMap) -> Stars:
    """Thin stars by class and by magnitude through the dust, as LAMOST would; sets their reddening."""
    chance = np.where(stars.kind == "M giant", 1.0 / (1.0 + np.exp((stars.teff - 3980.0) / 40.0)), 1.0)
    return within_limits(stars[rng.uniform(size=len(stars)) < chance], rng, dust)


def within_limits(stars: Stars, rng: np.random.Generator, dust: DustMap) -> Stars:
    """Those that are neither too bright nor too faint behind their dust, which they now know."""
    clumpy = np.exp(0.3 * rng.standard_normal(len(stars)))
    ebv = dust.reddening(stars.glon, stars.glat, stars.distance) * clumpy
    modulus = 5.0 * np.log10(100.0 * stars.distance)
    j_mag = stars.k_abs + stars.jk0 + modulus + BAND_COEFFICIENTS["J"] * ebv
    g_mag = stars.g_abs + modulus + BAND_COEFFICIENTS["G"] * ebv
    seen = (j_mag > J_LIMITS[0]) & (j_mag < J_LIMITS[1]) & (g_mag > G_LIMITS[0]) & (g_mag < G_LIMITS[1])
    return replace(stars, ebv=ebv)[seen]


def _ramp(value: FloatArray, low: float, high: float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, straight between."""
    return np.asarray(np.clip((value - low) / (high - low), 0.0, 1.0))
