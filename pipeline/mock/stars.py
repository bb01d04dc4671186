"""Stars of the simulated sky: positions, motions, ages and chemistry of giants on isochrones.

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
from pipeline.mock.branches import STAR_FIELDS, GiantBranches
from pipeline.mock.footprint import brightness_chance, clumpiness, directions, pointing_chance, within_declinations
from pipeline.science.space.dust import BAND_COEFFICIENTS, DustMap
from pipeline.science.stream.model import StreamModel

FloatArray = NDArray[np.float64]

COMPONENTS = ("thin disc", "thick disc", "halo", "sagittarius")
SHARES = (0.68, 0.20, 0.03, 0.09)
"""Fraction of each component in the survey."""

TEFF_RANGES = {"M giant": (3200.0, 4300.0), "K giant": (4300.0, 4750.0)}
"""Effective temperatures of the kinds of giants, K."""

J_LIMITS = (6.5, 14.3)
G_LIMITS = (8.0, 17.3)
"""Approximate magnitude limits of LAMOST's bright to faint plates."""

STREAM_SMOOTHING = (1.5, 12.0)
"""Scatter of stream stars about their particle: standard deviation an axis, kpc and km/s.

Real M giants of the stream scatter about the particles of any model by as much and more.
"""

STREAM_BIAS = (0.12, 18.0)
"""Deviation of the stream from its model, in waves once and twice around the Galaxy.

Relative distance from the Galaxy's centre, and km/s along the motion. Models deviate from the real stream by such
amounts.
"""

_M_CLASS_TEFF = 4040.0
_MAX_ROUNDS = 2000


@dataclass(frozen=True)
class Stars:
    """True properties of simulated stars, arrays of shape (n,).

    ``component`` is one of :data:`COMPONENTS`, or extragalactic; ``kind`` is M giant, K giant, M dwarf, carbon star or
    galaxy; ``agb`` is 1 for asymptotic giants; ``band_excess`` is the natural logarithm of the strength of TiO over
    that of such labels, ``line_excess`` how much more [M/H] the atomic lines show, dex. Units: K and dex for labels;
    Gyr; kpc, km/s, mas/yr, deg for phase space; magnitudes for the rest.
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
    agb: FloatArray
    band_excess: FloatArray
    line_excess: FloatArray
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
        """Concatenate groups of stars."""
        names = Stars.__dataclass_fields__
        return Stars(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def draw_galaxy(
    component: str,
    n_stars: int,
    rng: np.random.Generator,
    frame: SolarFrame,
    dust: DustMap,
    branches: GiantBranches,
    kind: str = "M giant",
) -> Stars:
    """Draw observable stars of the thin disc, the thick disc or the halo.

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
    result = 0
    while result < n_stars:
        chunk = int(np.clip(150 * (n_stars - result), 30_000, 1_000_000))
        candidates = _candidates(component, chunk, rng, frame, branches, kind)
        kept = _selected(candidates, rng, dust)
        chosen.append(kept)
        result += len(kept)
    return Stars.joined(chosen)[:n_stars]


def draw_stream(
    stream: StreamModel,
    n_stars: int,
    rng: np.random.Generator,
    frame: SolarFrame,
    dust: DustMap,
    branches: GiantBranches,
) -> Stars:
    """Draw Sagittarius giants about the particles of a stream model, within the survey's limits.

    Stars are off their particle by :data:`STREAM_SMOOTHING`, so that a particle can carry several.
    """
    chosen: list[Stars] = []
    result = 0
    for _ in range(_MAX_ROUNDS):
        if result >= n_stars:
            break
        order = rng.permutation(len(stream))
        position = np.stack([stream.x_gal, stream.y_gal, stream.z_gal], axis=1)[order]
        velocity = np.stack([stream.v_x, stream.v_y, stream.v_z], axis=1)[order]
        position, velocity = _off_model(position, velocity)
        position += STREAM_SMOOTHING[0] * rng.standard_normal(position.shape)
        velocity += STREAM_SMOOTHING[1] * rng.standard_normal(velocity.shape)
        seen = rng.uniform(size=order.size) < within_declinations(directions(position, frame)[2])
        position, velocity, n = position[seen], velocity[seen], int(seen.sum())
        age = rng.uniform(4.0, 9.0, n)
        m_h = np.clip(rng.normal(-0.5, 0.17, n), -0.9, -0.1)
        alpha = 0.0 - 0.12 * (m_h + 0.5) + rng.normal(0.0, 0.03, n)
        giants = branches.draw(age, m_h, rng)
        candidates = _placed("sagittarius", age, m_h, alpha, giants, position, velocity, frame)
        far = (candidates.distance > 15.0) & (candidates.distance < 75.0) & (np.abs(candidates.glat) > 15.0)
        kept = _selected(candidates[far], rng, dust, thinned=False)
        chosen.append(kept)
        result += len(kept)
    else:
        raise RuntimeError(
            f"Only {result} of {n_stars} Sagittarius giants could be placed on {len(stream)} particles. "
            "Ask for a larger stream model."
        )
    return Stars.joined(chosen)[:n_stars]


def _off_model(position: FloatArray, velocity: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Particles displaced by :data:`STREAM_BIAS` along the stream, shapes (n, 3)."""
    along = np.arctan2(position[:, 2], position[:, 0])[:, None]
    speed = np.linalg.norm(velocity, axis=1, keepdims=True)
    faster = STREAM_BIAS[1] * np.sin(2.0 * along + 0.4) / np.maximum(speed, 1.0)
    return position * (1.0 + STREAM_BIAS[0] * np.cos(along + 0.9)), velocity * (1.0 + faster)


def _positions(component: str, n: int, rng: np.random.Generator) -> FloatArray:
    """Galactocentric positions of a component near the Sun, shape (n, 3), kpc; thin disc before heating."""
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
    """Giants of a component within the footprint, which is applied first for speed."""
    position = _positions(component, n, rng)
    age = rng.uniform(1.0, 3.0, n) ** 2  # constant star formation times the rate of becoming a giant, age^-1/2
    heat = (age / 5.0) ** 0.3
    if component == "thin disc":
        position[:, 2] *= heat
    seen = rng.uniform(size=n) < pointing_chance(*directions(position, frame))
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
    """Convert (V_R, V_phi, V_Z) to (V_X, V_Y, V_Z); right-handed, Sun at X = -R0.

    The disc moves towards +Y at the Sun.
    """
    flat = np.hypot(position[:, 0], position[:, 1])
    cos, sin = -position[:, 0] / flat, position[:, 1] / flat
    v_r, v_phi, v_z = speed.T
    return np.stack([-v_r * cos + v_phi * sin, v_r * sin + v_phi * cos, v_z], axis=1)


def circular_speed_kms(radius_kpc: FloatArray) -> FloatArray:
    """Rotation curve: 235 km/s at 8.2 kpc, -1.7 km/s/kpc, rising inside 3 kpc.

    Eilers et al. (2019).
    """
    return np.asarray((235.0 - 1.7 * (radius_kpc - 8.2)) * np.tanh(radius_kpc / 1.5))


def _disc_velocity(
    radius: FloatArray, rng: np.random.Generator, radial: tuple[FloatArray | float, FloatArray | float], lag: float
) -> FloatArray:
    """Velocities (v_R, v_phi, v_z) of a disc, with dispersions that fall outwards and asymmetric drift.

    Rotation lags by Stroemberg's sigma_R^2 / 80 or more.
    """
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
    """Stars without dust, limited to the kind's Teff and distance.

    Stars hotter than about 4,040 K are rarely classified M: an M giant passes with a chance that falls there.
    """
    low, high = TEFF_RANGES[kind]
    keep = (giants["teff"] > low) & (giants["teff"] < high)
    reach = 10.0 ** (0.2 * (J_LIMITS[1] - (giants["k_abs"] + giants["jk0"])) - 2.0)
    near = np.linalg.norm(position - _sun(frame), axis=1)
    keep &= (near < reach) & (near > 0.3)
    position, velocity = position[keep], velocity[keep]
    values = {name: giants[name][keep] for name in (*STAR_FIELDS, "agb", "band_excess", "line_excess")}
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
    """Stars at Galactocentric positions as seen from the Sun, without dust."""
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


def _selected(stars: Stars, rng: np.random.Generator, dust: DustMap, *, thinned: bool = True) -> Stars:
    """Stars selected by class and magnitude as by LAMOST, with their reddening."""
    chance = np.where(stars.kind == "M giant", 1.0 / (1.0 + np.exp((stars.teff - _M_CLASS_TEFF) / 40.0)), 1.0)
    seen = within_limits(stars[rng.uniform(size=len(stars)) < chance], rng, dust)
    if not thinned:
        return seen
    modulus = 5.0 * np.log10(100.0 * seen.distance)
    ks_mag = seen.k_abs + modulus + BAND_COEFFICIENTS["Ks"] * seen.ebv
    return seen[rng.uniform(size=len(seen)) < brightness_chance(ks_mag)]


def within_limits(stars: Stars, rng: np.random.Generator, dust: DustMap) -> Stars:
    """Stars within the magnitude limits, with their reddening."""
    uneven = clumpiness(stars.glon, stars.glat, rng)
    ebv = dust.reddening(stars.glon, stars.glat, stars.distance) * uneven
    modulus = 5.0 * np.log10(100.0 * stars.distance)
    j_mag = stars.k_abs + stars.jk0 + modulus + BAND_COEFFICIENTS["J"] * ebv
    g_mag = stars.g_abs + modulus + BAND_COEFFICIENTS["G"] * ebv
    seen = (j_mag > J_LIMITS[0]) & (j_mag < J_LIMITS[1]) & (g_mag > G_LIMITS[0]) & (g_mag < G_LIMITS[1])
    return replace(stars, ebv=ebv)[seen]
