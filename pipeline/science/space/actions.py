"""Actions, energies and orbit shapes in an axisymmetric potential, by galpy's Staeckel approximation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from galpy.actionAngle import actionAngleStaeckel
from galpy.potential import (
    MWPotential2014,
    evaluatePotentials,
    evaluateR2derivs,
    evaluateRforces,
    evaluateRzderivs,
    evaluatez2derivs,
    evaluatezforces,
)
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.domain.frames import PECULIAR_V_KMS, SolarFrame
from pipeline.science.space.galpy_calls import galpy_calls

FloatArray = NDArray[np.float64]

POTENTIALS = ("MWPotential2014", "McMillan17")

MIN_RADIUS = 1e-3
"""Stars nearer to the Galactic axis, in units of R0 (8 pc), have no actions."""

_SENTINEL = 9999.0
_BLOCK = 8192
_MIN_DELTA = 1e-3
_MIN_RADIUS = 1e-2
_PARTS = (0.1, 0.5, 0.9)
"""Where between an orbit's ends its focal length is looked up: chosen on orbits whose actions are known."""
_USUAL_DELTA = 0.45
"""Where no focal length can be had, that of the solar neighbourhood, in units of R0."""


@dataclass(frozen=True)
class Orbits:
    """Integrals of motion of many stars; NaN where they could not be computed.

    Parameters
    ----------
    j_r, j_phi, j_z : ndarray, shape (n,)
        Actions in kpc km/s; ``j_phi`` = L_z, positive with the disc's rotation (galpy's sense).
    energy : ndarray, shape (n,)
        Energy a unit mass in km^2/s^2, with galpy's zero point of the potential.
    unbound : ndarray of bool, shape (n,)
        E >= Phi(infinity). MWPotential2014 has Phi(infinity) > 0, so the test is not E > 0.
    eccentricity, z_max_kpc, r_peri_kpc, r_apo_kpc : ndarray, shape (n,)
        Shape of the orbit.
    failed : ndarray of bool, shape (n,)
        6D known and bound, yet no actions: galpy's sentinel 9999.99, a non-finite value, or a star on the axis
        (R < :data:`MIN_RADIUS`), where velocities have no radial and no tangential part.
    focal_length : ndarray, shape (n,)
        Of the spheroidal coordinates that were used, in units of R0: to be used again for draws about the star.
    """

    j_r: FloatArray
    j_phi: FloatArray
    j_z: FloatArray
    energy: FloatArray
    unbound: NDArray[np.bool_]
    eccentricity: FloatArray
    z_max_kpc: FloatArray
    r_peri_kpc: FloatArray
    r_apo_kpc: FloatArray
    failed: NDArray[np.bool_]
    focal_length: FloatArray

    def columns(self) -> dict[str, FloatArray]:
        """Integrals and shapes of the orbits by the names of the catalogue's columns, each of shape (n,)."""
        numbers = ("j_r", "j_phi", "j_z", "j_tot", "j_sum", "energy", "eccentricity")
        lengths = ("z_max", "r_peri", "r_apo")
        return {name: getattr(self, name) for name in numbers} | {
            name: getattr(self, f"{name}_kpc") for name in lengths
        }

    @property
    def j_tot(self) -> FloatArray:
        """Total action sqrt(J_R^2 + J_phi^2 + J_z^2), kpc km/s."""
        return np.asarray(np.sqrt(self.j_r**2 + self.j_phi**2 + self.j_z**2))

    @property
    def j_sum(self) -> FloatArray:
        """J_R + J_z + abs(J_phi)."""
        return np.asarray(self.j_r + self.j_z + np.abs(self.j_phi))


def circular_velocity_kms(frame: SolarFrame) -> float:
    """Circular velocity at the Sun, to scale the potential: its V less its peculiar motion."""
    return frame.v_sun_kms[1] - PECULIAR_V_KMS


def compute_orbits(
    position_kpc: FloatArray,
    velocity_kms: FloatArray,
    frame: SolarFrame,
    potential: str,
    *,
    delta: FloatArray | None = None,
    threads: int | None = None,
) -> Orbits:
    """Actions and orbit shapes.

    Parameters
    ----------
    position_kpc, velocity_kms : ndarray, shape (n, 3)
        Galactocentric, right-handed, Sun at X = -R0 (the disc has L_z < 0 in this frame; the sign is turned here).
    frame : SolarFrame
        Gives (ro, vo) that scale the potential.
    potential : {"MWPotential2014", "McMillan17"}
        Bovy (2015), scaled to (R0, v_c) of the frame; or McMillan (2017) with its own scales.
    delta : ndarray, shape (n,), optional
        Focal length of each star's spheroidal coordinates in units of R0; by default its orbit's.
    threads : int, optional
        Of galpy's own OpenMP loops, all cores by default. Never call this from several threads: galpy's C code turns
        GSL's error handler off and on for the whole process, and a handler turned on too soon ends the program.

    Returns
    -------
    Orbits
        One entry a star.

    Raises
    ------
    ValueError
        If the potential is unknown.
    """
    if potential not in POTENTIALS:
        raise ValueError(f"potential must be one of {', '.join(POTENTIALS)}; found {potential!r}.")
    model = _potential(potential)
    ro, vo = (frame.r0_kpc, circular_velocity_kms(frame)) if potential == "MWPotential2014" else (8.21, 233.1)
    x, y, z = position_kpc.T / ro
    radius = np.hypot(x, y)
    with np.errstate(invalid="ignore", divide="ignore"):
        v_r = (x * velocity_kms[:, 0] + y * velocity_kms[:, 1]) / radius / vo
        v_t = -(x * velocity_kms[:, 1] - y * velocity_kms[:, 0]) / radius / vo
    v_z = velocity_kms[:, 2] / vo
    n = len(radius)
    columns = {name: np.full(n, np.nan) for name in ("j_r", "j_z", "energy", "ecc", "z_max", "r_peri", "r_apo")}
    columns["delta"] = np.full(n, _USUAL_DELTA) if delta is None else delta
    known = np.flatnonzero(np.isfinite(v_r + v_t + v_z + z) & (radius > MIN_RADIUS))
    infinity = float(evaluatePotentials(model, 1e6, 0.0, use_physical=False))
    phase = (radius, v_r, v_t, z, v_z)

    def fill(block: NDArray[np.intp]) -> None:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            phi = evaluatePotentials(model, radius[block], z[block], use_physical=False)
            columns["energy"][block] = phi + 0.5 * (v_r[block] ** 2 + v_t[block] ** 2 + v_z[block] ** 2)
            bound = block[columns["energy"][block] < infinity]
            if bound.size:
                if delta is None:
                    columns["delta"][bound] = orbit_focal_length(model, *(part[bound] for part in phase))
                _fill_block(columns, bound, phase, model, columns["delta"][bound])

    with galpy_calls(), threadpool_limits(limits=threads, user_api="openmp"):
        warnings.simplefilter("ignore", RuntimeWarning)  # orbits that escape the approximation end as NaN and a flag
        for start in range(0, known.size, _BLOCK):
            fill(known[start : start + _BLOCK])
    unbound = columns["energy"] >= infinity
    complete = np.isfinite(position_kpc).all(axis=1) & np.isfinite(velocity_kms).all(axis=1)
    for name in ("j_r", "j_z", "ecc", "z_max", "r_peri", "r_apo"):
        values = columns[name]
        with np.errstate(invalid="ignore"):
            values[(np.abs(values) > _SENTINEL) | ((values < 0) & (values > -1e-6))] = np.nan
            values[values < 0] = np.nan
    failed = complete & ~unbound & ~np.isfinite(columns["j_r"] + columns["j_z"])
    for name in ("j_r", "j_z", "ecc", "z_max", "r_peri", "r_apo"):
        columns[name][failed] = np.nan
    j_phi = radius * v_t * ro * vo
    return Orbits(
        j_r=columns["j_r"] * ro * vo,
        j_phi=j_phi,
        j_z=columns["j_z"] * ro * vo,
        energy=columns["energy"] * vo**2,
        unbound=unbound,
        eccentricity=columns["ecc"],
        z_max_kpc=columns["z_max"] * ro,
        r_peri_kpc=columns["r_peri"] * ro,
        r_apo_kpc=columns["r_apo"] * ro,
        failed=failed,
        focal_length=columns["delta"],
    )


def _potential(name: str) -> Any:
    """The named potential; McMillan's costs half a minute to set up, so only who asks for it waits."""
    if name == "MWPotential2014":
        return MWPotential2014
    from galpy.potential.mwpotentials import McMillan17  # noqa: PLC0415 - expands the potential on import

    return McMillan17


def orbit_focal_length(
    model: Any, radius: FloatArray, v_r: FloatArray, v_t: FloatArray, z: FloatArray, v_z: FloatArray
) -> FloatArray:
    """Focal length of an orbit: the mean over positions between its ends, first from the star's position.

    The potential is nowhere of Staeckel's form exactly. A star near its apocentre, where most are found, knows least of
    the inner part of its orbit; the mean serves all of it.

    Parameters
    ----------
    model : galpy potential
        In galpy's units.
    radius, v_r, v_t, z, v_z : ndarray, shape (n,)
        Bound stars, in galpy's units.
    """
    local = focal_length(model, radius, z)
    finder = actionAngleStaeckel(pot=model, delta=_USUAL_DELTA, c=True)
    _, z_max, r_peri, r_apo = finder.EccZmaxRperiRap(radius, v_r, v_t, z, v_z, np.zeros_like(radius), delta=local)
    places = []
    for outwards in _PARTS:
        distance = r_peri + outwards * (r_apo - r_peri)
        for upwards in _PARTS:
            height = upwards * z_max * distance / r_apo
            across = np.sqrt(np.maximum(distance**2 - height**2, _MIN_RADIUS**2))
            places.append(focal_length(model, across, height))
    mean = np.mean(places, axis=0)
    return np.where(np.abs(r_peri) + np.abs(z_max) + np.abs(r_apo) < _SENTINEL, mean, local)


def focal_length(model: Any, radius: FloatArray, z: FloatArray) -> FloatArray:
    """Focal length of the spheroidal coordinates in which the potential is locally of Staeckel's form.

    Sanders (2012, MNRAS 426, 128), Eq. 9, as galpy's ``estimateDeltaStaeckel`` has it, for all places at once: galpy
    goes through them one by one, which takes longer than the actions.

    Parameters
    ----------
    model : galpy potential
        In galpy's units.
    radius, z : ndarray, shape (n,)
        Cylindrical position in units of R0.
    """
    height = np.where(z == 0.0, 1e-4, z)
    at: dict[str, Any] = {"use_physical": False}
    forces = radius * evaluatezforces(model, radius, height, **at) - height * evaluateRforces(
        model, radius, height, **at
    )
    bend = evaluateR2derivs(model, radius, height, **at) - evaluatez2derivs(model, radius, height, **at)
    squared = height**2 - radius**2
    squared = squared + (3.0 * forces + radius * height * bend) / evaluateRzderivs(model, radius, height, **at)
    squared = np.where((squared < 1e-12) & (squared > -1e-10), 1e-12, squared)
    delta = np.sqrt(squared)
    return np.asarray(np.where(np.isfinite(delta) & (delta > _MIN_DELTA), delta, _USUAL_DELTA))


def _fill_block(
    columns: dict[str, FloatArray],
    block: NDArray[np.intp],
    phase: tuple[FloatArray, ...],
    model: object,
    delta: FloatArray,
) -> None:
    """Actions of one block of bound stars, each with its own focal length."""
    radius, v_r, v_t, z, v_z = (values[block] for values in phase)
    finder = actionAngleStaeckel(pot=model, delta=_USUAL_DELTA, c=True)
    j_r, _, j_z = finder(radius, v_r, v_t, z, v_z, np.zeros_like(radius), delta=delta)
    ecc, z_max, r_peri, r_apo = finder.EccZmaxRperiRap(radius, v_r, v_t, z, v_z, np.zeros_like(radius), delta=delta)
    for name, values in (
        ("j_r", j_r),
        ("j_z", j_z),
        ("ecc", ecc),
        ("z_max", z_max),
        ("r_peri", r_peri),
        ("r_apo", r_apo),
    ):
        columns[name][block] = values
