"""The Sagittarius stream, integrated here: particles sprayed from the dwarf along its orbit.

The N-body model of Law & Majewski (2010, ApJ 714, 229) cannot be shipped; this default is made anew from the dwarf's
position and motion. It is a model to look at and to draw simulated stars from, not a fit: it lacks the Large Magellanic
Cloud and dynamical friction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import astropy.units as u
import numpy as np
from galpy.df import chen24spraydf
from galpy.orbit import Orbit
from galpy.potential import (
    HernquistPotential,
    LogarithmicHaloPotential,
    MiyamotoNagaiPotential,
    MWPotential2014,
    RotateAndTiltWrapperPotential,
)
from numpy.typing import NDArray

from pipeline.domain.frames import (
    PECULIAR_V_KMS,
    SolarFrame,
    equatorial_to_galactic,
    galactic_to_sagittarius,
    galactocentric_phase_space,
    galactocentric_position,
    line_of_sight_gsr,
    sky_from_galactocentric,
)
from pipeline.science.space.galpy_calls import galpy_calls

FloatArray = NDArray[np.float64]

STREAM_POTENTIALS = ("triaxial", "MWPotential2014")

_OUTPUTS = 21


@dataclass(frozen=True)
class Progenitor:
    """The dwarf galaxy today.

    Parameters
    ----------
    ra_deg, dec_deg, distance_kpc, pmra_masyr, pmdec_masyr, rv_kms : float
        Observed phase space: Vasiliev & Belokurov (2020, MNRAS 497, 4162), with the distance of Ferguson & Strigari
        (2020, MNRAS 495, 4124).
    mass_msun : float
        Bound mass that sets the tidal radius, the same over the whole time.
    """

    ra_deg: float = 283.8313
    dec_deg: float = -30.5453
    distance_kpc: float = 26.67
    pmra_masyr: float = -2.692
    pmdec_masyr: float = -1.359
    rv_kms: float = 140.0
    mass_msun: float = 5.0e8


@dataclass(frozen=True)
class StreamModel:
    """Particles of a stream as they are today, each array of shape (n,); NaN where a model does not say.

    Parameters
    ----------
    sgr_lambda, sgr_beta : ndarray
        Stream coordinates of Law & Majewski (2010), degrees.
    distance : ndarray
        Distance from the Sun, kpc.
    v_gsr : ndarray
        Line-of-sight velocity in the Galactic standard of rest, km/s.
    ra, dec, pmra, pmdec, rv : ndarray
        ICRS position [deg], proper motion (mu_alpha*, mu_delta) [mas/yr] and heliocentric radial velocity [km/s].
    x_gal, y_gal, z_gal, v_x, v_y, v_z : ndarray
        Galactocentric, right-handed, Sun at X = -R0 [kpc, km/s].
    stripped_gyr : ndarray
        How long ago the particle left the dwarf, Gyr.
    leading : ndarray of bool
        Whether it left towards the Galactic centre; False where a model does not say.
    name : str
        What stands in captions.
    """

    sgr_lambda: FloatArray
    sgr_beta: FloatArray
    distance: FloatArray
    v_gsr: FloatArray
    ra: FloatArray
    dec: FloatArray
    pmra: FloatArray
    pmdec: FloatArray
    rv: FloatArray
    x_gal: FloatArray
    y_gal: FloatArray
    z_gal: FloatArray
    v_x: FloatArray
    v_y: FloatArray
    v_z: FloatArray
    stripped_gyr: FloatArray
    leading: NDArray[np.bool_]
    name: str

    def __len__(self) -> int:
        """Number of particles."""
        return int(self.sgr_lambda.size)


def sagittarius_stream_model(
    n_particles: int,
    seed: int,
    frame: SolarFrame,
    *,
    potential: str = "triaxial",
    time_gyr: float = 3.0,
    progenitor: Progenitor | None = None,
) -> StreamModel:
    """Spray particles from the Sagittarius dwarf and integrate them to today.

    Parameters
    ----------
    n_particles : int
        Number of particles, half in each arm.
    seed : int
        Seed of the spray; the same seed gives the same particles.
    frame : SolarFrame
        Where the Sun is and how it moves.
    potential : {"triaxial", "MWPotential2014"}
        "triaxial": disc, bulge and triaxial logarithmic halo in the form of Law & Majewski (2010), with axis ratios
        nearer to 1, see :func:`triaxial_potential`; "MWPotential2014": Bovy (2015), scaled to the frame's (R0, v_c).
    time_gyr : float
        Time over which stars have been lost at a constant rate.
    progenitor : Progenitor, optional
        The dwarf; by default the observed one.

    Returns
    -------
    StreamModel
        The particles, leading arm first.

    Raises
    ------
    ValueError
        If the potential is unknown or fewer than two particles are requested.

    Notes
    -----
    Distribution of the escape conditions: Chen, Valluri, Gnedin & Ash (2025, ApJS 276, 32), as in galpy's
    ``chen24spraydf``. Orbits by galpy's C integrator (Dormand-Prince 8(5,3)).
    """
    if n_particles < 2:
        raise ValueError(f"A stream needs at least 2 particles; found n_particles={n_particles}.")
    if potential not in STREAM_POTENTIALS:
        raise ValueError(f"potential must be one of {', '.join(STREAM_POTENTIALS)}; found {potential!r}.")
    dwarf = progenitor or Progenitor()
    ro, vo = frame.r0_kpc, TRIAXIAL_SPEED_KMS if potential == "triaxial" else frame.v_sun_kms[1] - PECULIAR_V_KMS
    galaxy, spherical = triaxial_potential(ro, vo) if potential == "triaxial" else (MWPotential2014, None)
    orbit = Orbit(_to_galpy(dwarf, frame, ro, vo), ro=ro, vo=vo)
    arms = []
    with _numpy_seeded(seed), galpy_calls():
        spray = chen24spraydf(
            progenitor_mass=dwarf.mass_msun * u.Msun,
            progenitor=orbit,
            pot=galaxy,
            rtpot=spherical,
            tdisrupt=time_gyr * u.Gyr,
            tail="both",
            ro=ro,
            vo=vo,
        )
        for tail, count in (("leading", n_particles - n_particles // 2), ("trailing", n_particles // 2)):
            escaped, lost = spray.sample(count, tail=tail, integrate=False, return_orbit=False, returndt=True)
            arms.append((np.asarray(escaped, float), np.asarray(lost, float)))
    escaped = np.concatenate([arm[0] for arm in arms], axis=1)
    lost = np.concatenate([arm[1] for arm in arms])
    particles = Orbit(escaped.T)
    since = np.linspace(0.0, 1.0, _OUTPUTS) * lost[:, None]
    with galpy_calls():
        particles.integrate(since, galaxy, method="dop853_c", progressbar=False)
    position, velocity = _from_galpy(particles.orbit[:, -1], ro, vo)
    time_unit = (ro * u.kpc / (vo * u.km / u.s)).to_value(u.Gyr)
    leading = np.arange(n_particles) < arms[0][1].size
    label = "triaxial halo" if potential == "triaxial" else potential
    return _observed(
        position,
        velocity,
        lost * time_unit,
        leading,
        f"particle spray, {time_gyr:g} Gyr, {label} (simulated)",
        frame,
    )


def stream_from_sky(
    sky: Mapping[str, FloatArray],
    frame: SolarFrame,
    *,
    stripped_gyr: FloatArray,
    leading: NDArray[np.bool_],
    name: str,
) -> StreamModel:
    """A stream model out of what an observer at the Sun sees of its particles.

    Parameters
    ----------
    sky : mapping of ndarray, shape (n,)
        ``ra``, ``dec`` [deg], ``distance`` [kpc], and, NaN where they are unknown, ``pmra``, ``pmdec`` [mas/yr] and
        heliocentric ``rv`` [km/s].
    frame : SolarFrame
        Where the Sun is and how it moves.
    stripped_gyr, leading, name
        As of :class:`StreamModel`.
    """
    ra, dec, distance = (np.asarray(sky[key], float) for key in ("ra", "dec", "distance"))
    pmra, pmdec, rv = (np.asarray(sky[key], float) for key in ("pmra", "pmdec", "rv"))
    position = galactocentric_position(ra, dec, distance, frame)
    _, velocity = galactocentric_phase_space(ra, dec, distance, pmra, pmdec, rv, frame)
    glon, glat = equatorial_to_galactic(ra, dec)
    lam, beta = galactic_to_sagittarius(glon, glat)
    return StreamModel(
        sgr_lambda=lam,
        sgr_beta=beta,
        distance=distance,
        v_gsr=line_of_sight_gsr(rv, glon, glat, frame),
        ra=ra,
        dec=dec,
        pmra=pmra,
        pmdec=pmdec,
        rv=rv,
        x_gal=position[:, 0],
        y_gal=position[:, 1],
        z_gal=position[:, 2],
        v_x=velocity[:, 0],
        v_y=velocity[:, 1],
        v_z=velocity[:, 2],
        stripped_gyr=stripped_gyr,
        leading=leading,
        name=name,
    )


TRIAXIAL_SPEED_KMS = 221.0
"""Circular speed at the Sun of the potential below."""


def triaxial_potential(
    ro_kpc: float, vo_kms: float, *, q_minor: float = 1.30, q_z: float = 1.28, core_kpc: float = 12.0
) -> tuple[Any, Any]:
    """Galactic potential in the form of Law & Majewski (2010), their Eqs. 1-6.

    Parameters
    ----------
    ro_kpc, vo_kms : float
        Units of length and velocity; the halo is scaled so that the circular speed at ``ro_kpc`` is ``vo_kms``.
    q_minor, q_z : float
        Axis ratios of the logarithmic halo: towards Galactocentric azimuth 97 degrees, and along Z. They and the speed
        were adjusted so that the default dwarf's stream passes among 195 known Sagittarius M giants in longitude,
        distance and velocity; Law & Majewski, with another solar motion, have 1.38 and 1.36.
    core_kpc : float
        Core radius of the halo.

    Returns
    -------
    potential, axisymmetric
        Galpy potentials; the second, with a halo round in the plane, is for tidal radii.
    """
    units = {"ro": ro_kpc, "vo": vo_kms}
    disc = MiyamotoNagaiPotential(amp=1.0e11 * u.Msun, a=6.5 * u.kpc, b=0.26 * u.kpc, **units)
    bulge = HernquistPotential(amp=2.0 * 3.4e10 * u.Msun, a=0.7 * u.kpc, **units)
    shape = {"core": core_kpc / ro_kpc, "q": q_z}
    unit_halo = LogarithmicHaloPotential(amp=1.0, b=q_minor, **shape, **units)

    def pull(part: Any) -> float:
        return -float(part.Rforce(1.0, 0.0, phi=0.0, use_physical=False))

    strength = (1.0 - pull(disc) - pull(bulge)) / pull(unit_halo)
    halo = LogarithmicHaloPotential(amp=strength, b=q_minor, **shape, **units)
    # Galpy's azimuth runs the other way round (Sun at phi = 0): 97 degrees becomes 83, and its b axis is y.
    turned = RotateAndTiltWrapperPotential(pot=halo, galaxy_pa=np.radians(83.0 - 90.0), **units)
    return disc + bulge + turned, disc + bulge + LogarithmicHaloPotential(amp=strength, **shape, **units)


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """Seed the global generator that galpy draws from, and restore its state afterwards."""
    before = np.random.get_state()  # noqa: NPY002 - galpy draws from it
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _to_galpy(dwarf: Progenitor, frame: SolarFrame, ro: float, vo: float) -> FloatArray:
    """(R, v_R, v_T, z, v_z, phi) in galpy's units and left-handed sense."""
    position, velocity = galactocentric_phase_space(
        [dwarf.ra_deg],
        [dwarf.dec_deg],
        [dwarf.distance_kpc],
        [dwarf.pmra_masyr],
        [dwarf.pmdec_masyr],
        [dwarf.rv_kms],
        frame,
    )
    x, y, z = position[0] * (-1.0, 1.0, 1.0)
    v_x, v_y, v_z = velocity[0] * (-1.0, 1.0, 1.0)
    radius = np.hypot(x, y)
    v_r, v_t = (x * v_x + y * v_y) / radius, (x * v_y - y * v_x) / radius
    return np.array([radius / ro, v_r / vo, v_t / vo, z / ro, v_z / vo, np.arctan2(y, x)])


def _from_galpy(orbits: FloatArray, ro: float, vo: float) -> tuple[FloatArray, FloatArray]:
    """Right-handed Galactocentric positions [kpc] and velocities [km/s], shape (n, 3)."""
    radius, v_r, v_t, z, v_z, phi = orbits.T
    cos, sin = np.cos(phi), np.sin(phi)
    position = ro * np.stack([-radius * cos, radius * sin, z], axis=1)
    velocity = vo * np.stack([-(v_r * cos - v_t * sin), v_r * sin + v_t * cos, v_z], axis=1)
    return position, velocity


def _observed(
    position: FloatArray,
    velocity: FloatArray,
    stripped_gyr: FloatArray,
    leading: NDArray[np.bool_],
    name: str,
    frame: SolarFrame,
) -> StreamModel:
    sky = sky_from_galactocentric(position, velocity, frame)
    glon, glat = equatorial_to_galactic(sky["ra"], sky["dec"])
    lam, beta = galactic_to_sagittarius(glon, glat)
    return StreamModel(
        sgr_lambda=lam,
        sgr_beta=beta,
        v_gsr=line_of_sight_gsr(sky["rv"], glon, glat, frame),
        x_gal=position[:, 0],
        y_gal=position[:, 1],
        z_gal=position[:, 2],
        v_x=velocity[:, 0],
        v_y=velocity[:, 1],
        v_z=velocity[:, 2],
        stripped_gyr=stripped_gyr,
        leading=leading,
        name=name,
        **sky,
    )
