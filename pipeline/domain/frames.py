"""Frames: where the Sun is and how it moves, handedness, Galactic and Sagittarius-stream coordinates.

Handedness, stated once: Galactocentric axes here are right-handed with the Sun at X = -R0 (astropy's sense). The disc
then rotates towards +Y at the Sun and has negative L_z; the catalogue publishes ``v_phi`` and ``j_phi`` with the
opposite sign (galpy's sense), positive with the disc's rotation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import astropy.units as u
import numpy as np
from astropy.coordinates import CartesianDifferential, Galactocentric, SkyCoord
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

CARTESIAN = ("x_gal", "y_gal", "z_gal")
SPEED = ("v_x", "v_y", "v_z")
"""Columns of the Galactocentric position and velocity along X, Y and Z."""

PECULIAR_V_KMS = 12.24
"""The Sun's own motion in the sense of rotation (Schoenrich, Binney & Dehnen 2010): the rest is the circular speed."""


@dataclass(frozen=True)
class SolarFrame:
    """Position and motion of the Sun.

    Parameters
    ----------
    name : str
        Name used in configurations and manifests.
    r0_kpc : float
        Distance of the Sun from the Galactic centre.
    z_sun_kpc : float
        Height of the Sun above the plane.
    v_sun_kms : tuple of float
        Solar velocity (U towards the centre, V with the rotation, W north), Galactocentric, in km/s.
    source : str
        Where the numbers come from.
    """

    name: str
    r0_kpc: float
    z_sun_kpc: float
    v_sun_kms: tuple[float, float, float]
    source: str


FRAMES: dict[str, SolarFrame] = {
    frame.name: frame
    for frame in (
        SolarFrame(
            "paper", 8.34, 0.0, (11.1, 252.2, 7.25), "R0 of Qiu et al. (2023) Figure 8; U, W of Schönrich et al. (2010)"
        ),
        SolarFrame(
            "DB98 + 220",
            8.0,
            0.0,
            (10.0, 225.2, 7.2),
            "Dehnen & Binney (1998) and 220 km/s; older Sgr papers",
        ),
        SolarFrame("astropy v4.0", 8.122, 0.0208, (12.9, 245.6, 7.78), "astropy galactocentric_frame_defaults v4.0"),
    )
}
"""The named frames that a configuration can ask for."""


def configured_frame(name: str, custom: Mapping[str, Any]) -> SolarFrame:
    """The frame that a configuration asks for.

    Parameters
    ----------
    name : str
        A name of :data:`FRAMES`, or "custom".
    custom : mapping
        ``r0_kpc``, ``z_sun_kpc``, ``v_sun_kms`` and ``source`` of the custom frame.

    Raises
    ------
    ValueError
        If there is no such frame.
    """
    if name == "custom":
        u_sun, v_sun, w_sun = custom["v_sun_kms"]
        return SolarFrame(name, custom["r0_kpc"], custom["z_sun_kpc"], (u_sun, v_sun, w_sun), custom["source"])
    if name not in FRAMES:
        raise ValueError(f"kinematics.frame must be one of {', '.join(map(repr, FRAMES))}, 'custom'; found {name!r}.")
    return FRAMES[name]


def _rotation_z(angle_deg: float) -> FloatArray:
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def _rotation_x(angle_deg: float) -> FloatArray:
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])


# Law & Majewski (2010), Euler angles of the Sgr debris plane; the first factor makes it left-handed, as theirs is.
_GALACTIC_TO_SGR = (
    np.diag([1.0, 1.0, -1.0]) @ _rotation_z(180.0 + 14.111534) @ _rotation_x(90.0 - 13.46) @ _rotation_z(180.0 + 3.75)
)


def unit_vectors(lon_deg: ArrayLike, lat_deg: ArrayLike) -> FloatArray:
    """Unit vectors, shape (..., 3), of longitudes and latitudes in degrees."""
    lon, lat = np.radians(np.asarray(lon_deg, float)), np.radians(np.asarray(lat_deg, float))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def sky_angles(vector: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Longitude (0-360) and latitude in degrees of vectors, shape (..., 3), of any length."""
    lon = np.degrees(np.arctan2(vector[..., 1], vector[..., 0])) % 360.0
    lat = np.degrees(np.arctan2(vector[..., 2], np.hypot(vector[..., 0], vector[..., 1])))
    return lon, lat


class SkyFrame(NamedTuple):
    """A frame of the sky: its name, and the columns of its longitude and latitude."""

    title: str
    longitude: str
    latitude: str


SKY_FRAMES: dict[str, SkyFrame] = {
    "icrs": SkyFrame("ICRS", "ra", "dec"),
    "galactic": SkyFrame("Galactic", "glon", "glat"),
    "sagittarius": SkyFrame("Sagittarius", "sgr_lambda", "sgr_beta"),
}
"""Frames of the sky by their keys; that of the stream is the left-handed one of Law & Majewski (2010)."""


@cache
def sky_rotation(source: str, target: str) -> FloatArray:
    """Matrix that takes unit vectors of one frame of the sky to those of another one.

    Parameters
    ----------
    source, target : str
        Keys of :data:`SKY_FRAMES`.

    Returns
    -------
    ndarray, shape (3, 3)
        Orthogonal, read-only: the vectors in the target are ``vectors @ matrix.T``. To or from the left-handed frame of
        the stream its determinant is -1.
    """
    from_icrs = {
        "icrs": np.eye(3),
        "galactic": unit_vectors(*equatorial_to_galactic([0.0, 90.0, 0.0], [0.0, 0.0, 90.0])).T,
    }
    from_icrs["sagittarius"] = _GALACTIC_TO_SGR @ from_icrs["galactic"]
    matrix = from_icrs[target] @ from_icrs[source].T
    matrix.setflags(write=False)
    return matrix


def equatorial_to_galactic(ra_deg: ArrayLike, dec_deg: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Galactic longitude (0-360) and latitude, in degrees, of ICRS positions in degrees."""
    galactic = SkyCoord(np.asarray(ra_deg, float), np.asarray(dec_deg, float), unit="deg", frame="icrs").galactic
    return np.asarray(galactic.l.deg), np.asarray(galactic.b.deg)


def galactic_to_equatorial(glon_deg: ArrayLike, glat_deg: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """ICRS right ascension (0-360) and declination, in degrees, of Galactic positions in degrees."""
    icrs = SkyCoord(np.asarray(glon_deg, float), np.asarray(glat_deg, float), unit="deg", frame="galactic").icrs
    return np.asarray(icrs.ra.deg), np.asarray(icrs.dec.deg)


def galactic_to_sagittarius(
    glon_deg: ArrayLike, glat_deg: ArrayLike, *, convention: str = "LM10"
) -> tuple[FloatArray, FloatArray]:
    """Sagittarius-stream coordinates (Lambda, B).

    Parameters
    ----------
    glon_deg, glat_deg : array_like
        Galactic coordinates in degrees.
    convention : {"LM10", "V21", "B14"}
        Law & Majewski (2010, ApJ 714, 229): Lambda grows along the trailing arm, B = +90 at (l, b) = (273.75, -13.46);
        left-handed. Vasiliev, Belokurov & Erkal (2021, MNRAS 501, 2279): -Lambda and the same B, right-handed.
        Belokurov et al. (2014, MNRAS 437, 116): -Lambda and -B, so that B grows towards the north Galactic pole.

    Returns
    -------
    lambda_deg, beta_deg : ndarray
        Longitude and latitude in degrees; the longitude is 0-360, but -180 to 180 in V21, as there.

    Raises
    ------
    ValueError
        If the convention is unknown.
    """
    lam, beta = sky_angles(unit_vectors(glon_deg, glat_deg) @ _GALACTIC_TO_SGR.T)
    if convention == "LM10":
        return lam, beta
    if convention == "V21":
        return 180.0 - (lam + 180.0) % 360.0, beta
    if convention == "B14":
        return (-lam) % 360.0, -beta
    raise ValueError(f"convention must be 'LM10', 'V21' or 'B14'; found {convention!r}.")


def galactic_proper_motion(
    ra_deg: ArrayLike, dec_deg: ArrayLike, pmra_masyr: ArrayLike, pmdec_masyr: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Proper motion along Galactic longitude (times cos b) and latitude.

    Parameters
    ----------
    ra_deg, dec_deg : array_like, shape (n,)
        ICRS position in degrees.
    pmra_masyr, pmdec_masyr : array_like, shape (n,)
        Proper motion (mu_alpha*, mu_delta) in mas/yr.

    Returns
    -------
    pm_l, pm_b : ndarray, shape (n,)
        mu_l cos b and mu_b in mas/yr, NaN where an input is.
    """
    seen = SkyCoord(
        np.asarray(ra_deg, float) * u.deg,
        np.asarray(dec_deg, float) * u.deg,
        pm_ra_cosdec=np.asarray(pmra_masyr, float) * u.mas / u.yr,
        pm_dec=np.asarray(pmdec_masyr, float) * u.mas / u.yr,
    ).galactic
    return np.asarray(seen.pm_l_cosb.to_value(u.mas / u.yr)), np.asarray(seen.pm_b.to_value(u.mas / u.yr))


def proper_motion_sagittarius(
    ra_deg: ArrayLike, dec_deg: ArrayLike, pmra_masyr: ArrayLike, pmdec_masyr: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Proper motion along the Sagittarius coordinates of Law & Majewski (2010).

    Parameters
    ----------
    ra_deg, dec_deg : array_like, shape (n,)
        ICRS position in degrees.
    pmra_masyr, pmdec_masyr : array_like, shape (n,)
        Proper motion (mu_alpha*, mu_delta) in mas/yr.

    Returns
    -------
    pm_lambda, pm_beta : ndarray, shape (n,)
        mu_Lambda cos B and mu_B in mas/yr, NaN where an input is.
    """
    glon, glat = equatorial_to_galactic(ra_deg, dec_deg)
    east, north = _tangents(np.radians(glon), np.radians(glat))
    along_l, along_b = (part[:, None] for part in galactic_proper_motion(ra_deg, dec_deg, pmra_masyr, pmdec_masyr))
    motion = (along_l * east + along_b * north) @ _GALACTIC_TO_SGR.T
    lam, beta = galactic_to_sagittarius(glon, glat)
    east, north = _tangents(np.radians(lam), np.radians(beta))
    return (motion * east).sum(axis=1), (motion * north).sum(axis=1)


def _tangents(lon_rad: FloatArray, lat_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit vectors towards growing longitude and latitude, shape (n, 3) each."""
    east = np.stack([-np.sin(lon_rad), np.cos(lon_rad), np.zeros_like(lon_rad)], axis=-1)
    sin = np.sin(lat_rad)
    return east, np.stack([-sin * np.cos(lon_rad), -sin * np.sin(lon_rad), np.cos(lat_rad)], axis=-1)


def cylindrical(position_kpc: FloatArray, velocity_kms: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """R [kpc], V_R and V_phi [km/s] of Galactocentric (n, 3) arrays; V_phi > 0 along the disc's rotation."""
    x, y, _ = position_kpc.T
    v_x, v_y, _ = velocity_kms.T
    radius = np.hypot(x, y)
    with np.errstate(invalid="ignore", divide="ignore"):
        return radius, (x * v_x + y * v_y) / radius, -(x * v_y - y * v_x) / radius


def line_of_sight_gsr(rv_kms: ArrayLike, glon_deg: ArrayLike, glat_deg: ArrayLike, frame: SolarFrame) -> FloatArray:
    """Line-of-sight velocity freed of the Sun's whole Galactocentric motion, in km/s."""
    direction = unit_vectors(glon_deg, glat_deg)
    return np.asarray(np.asarray(rv_kms, float) + direction @ np.asarray(frame.v_sun_kms))


def _astropy_frame(frame: SolarFrame) -> Galactocentric:
    return Galactocentric(
        galcen_distance=frame.r0_kpc * u.kpc,
        z_sun=frame.z_sun_kpc * u.kpc,
        galcen_v_sun=CartesianDifferential(frame.v_sun_kms * u.km / u.s),
    )


def galactocentric_position(
    ra_deg: ArrayLike, dec_deg: ArrayLike, distance_kpc: ArrayLike, frame: SolarFrame
) -> FloatArray:
    """Cartesian Galactocentric positions.

    Parameters
    ----------
    ra_deg, dec_deg, distance_kpc : array_like, shape (n,)
        ICRS position in degrees and distance from the Sun in kpc.
    frame : SolarFrame
        Where the Sun is.

    Returns
    -------
    ndarray, shape (n, 3)
        (X, Y, Z) in kpc, right-handed, Sun at X = -R0. NaN where the distance is NaN.
    """
    stars = SkyCoord(
        np.asarray(ra_deg, float) * u.deg,
        np.asarray(dec_deg, float) * u.deg,
        distance=np.asarray(distance_kpc, float) * u.kpc,
    )
    return np.asarray(stars.transform_to(_astropy_frame(frame)).cartesian.xyz.to_value(u.kpc).T)


def galactocentric_phase_space(
    ra_deg: ArrayLike,
    dec_deg: ArrayLike,
    distance_kpc: ArrayLike,
    pmra_masyr: ArrayLike,
    pmdec_masyr: ArrayLike,
    rv_kms: ArrayLike,
    frame: SolarFrame,
) -> tuple[FloatArray, FloatArray]:
    """Cartesian Galactocentric positions and velocities.

    Parameters
    ----------
    ra_deg, dec_deg, distance_kpc : array_like, shape (n,)
        ICRS position in degrees and distance from the Sun in kpc.
    pmra_masyr, pmdec_masyr : array_like, shape (n,)
        Proper motion (mu_alpha*, mu_delta) in mas/yr.
    rv_kms : array_like, shape (n,)
        Heliocentric radial velocity in km/s.
    frame : SolarFrame
        Where the Sun is and how it moves.

    Returns
    -------
    position, velocity : ndarray, shape (n, 3)
        (X, Y, Z) in kpc and (V_X, V_Y, V_Z) in km/s; NaN where an input is NaN.
    """
    stars = SkyCoord(
        np.asarray(ra_deg, float) * u.deg,
        np.asarray(dec_deg, float) * u.deg,
        distance=np.asarray(distance_kpc, float) * u.kpc,
        pm_ra_cosdec=np.asarray(pmra_masyr, float) * u.mas / u.yr,
        pm_dec=np.asarray(pmdec_masyr, float) * u.mas / u.yr,
        radial_velocity=np.asarray(rv_kms, float) * u.km / u.s,
    )
    seen = stars.transform_to(_astropy_frame(frame))
    return (
        np.asarray(seen.cartesian.xyz.to_value(u.kpc).T),
        np.asarray(seen.velocity.d_xyz.to_value(u.km / u.s).T),
    )


def sky_from_galactocentric(
    position_kpc: ArrayLike, velocity_kms: ArrayLike, frame: SolarFrame
) -> dict[str, FloatArray]:
    """Observables of Galactocentric phase-space points: the inverse of :func:`galactocentric_phase_space`.

    Returns
    -------
    dict
        ``ra``, ``dec`` in deg, ``distance`` in kpc, ``pmra``, ``pmdec`` in mas/yr, ``rv`` in km/s.
    """
    position, velocity = np.asarray(position_kpc, float), np.asarray(velocity_kms, float)
    stars = SkyCoord(
        x=position[:, 0] * u.kpc,
        y=position[:, 1] * u.kpc,
        z=position[:, 2] * u.kpc,
        v_x=velocity[:, 0] * u.km / u.s,
        v_y=velocity[:, 1] * u.km / u.s,
        v_z=velocity[:, 2] * u.km / u.s,
        frame=_astropy_frame(frame),
        representation_type="cartesian",
        differential_type="cartesian",
    ).icrs
    return {
        "ra": np.asarray(stars.ra.deg),
        "dec": np.asarray(stars.dec.deg),
        "distance": np.asarray(stars.distance.to_value(u.kpc)),
        "pmra": np.asarray(stars.pm_ra_cosdec.to_value(u.mas / u.yr)),
        "pmdec": np.asarray(stars.pm_dec.to_value(u.mas / u.yr)),
        "rv": np.asarray(stars.radial_velocity.to_value(u.km / u.s)),
    }
