"""Columns of distances, of motion in the Galaxy and of the Sagittarius stream, and their quantiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipeline.domain.column import Column
from pipeline.domain.column import declare as _c

# fmt: off
# One declaration is one entry of a table; the formatter would spread each over ten lines.
DISTANCE = (
    _c("distance_16", "float32", "kpc", "stat.error;pos.distance", "d₁₆", "16th percentile of the distance", 0, None),
    _c("distance_84", "float32", "kpc", "stat.error;pos.distance", "d₈₄", "84th percentile of the distance", 0, None),
    _c("distance_from", "str", "", "meta.note", "distance from",
       "Origin of the distance: photometric (Eq. 8), catalogue, input, geometric or parallax"),
    _c("distance_roots", "int16", "", "meta.number", "roots",
       "Number of distances that solve Eq. 8; -1 if not computed", -1, None, unknown=-1, card="Distance"),
    _c("k_abs", "float32", "mag", "phot.mag;em.IR.K;phys.magAbs", "M_K", "Absolute magnitude in Ks", -15, 15,
       inverted="y", card="Photometry", places="table truth"),
    _c("a_k", "float32", "mag", "phys.absorption;em.IR.K", "A_K", "Extinction in Ks, median of the Monte Carlo draws",
       0, None, card="Photometry"),
    _c("e_jk", "float32", "mag", "phot.color.excess", "E(J-Ks)",
       "Reddening A_J - A_K, median of the Monte Carlo draws", 0, None, card="Photometry"),
    _c("e_jk_map", "float32", "mag", "phot.color.excess", "E(J-Ks) (map)",
       "Reddening A_J - A_K of the dust map alone at the distance", 0, None, card="Photometry"),
    _c("distance_input", "float32", "kpc", "pos.distance", "d (input)", "Distance given by the input table", 0, None,
       alias="dist, d, distance_in", card="Distance"),
)
"""Distances and extinction."""

KINEMATICS = (
    _c("x_gal", "float32", "kpc", "pos.cartesian.x;pos.galactocentric", "X",
       "Galactocentric X, right-handed, Sun at X = -R0", card="Space and motion", velocity="v_x", sun=-1.0,
       places="map"),
    _c("y_gal", "float32", "kpc", "pos.cartesian.y;pos.galactocentric", "Y",
       "Galactocentric Y, towards the Sun's rotation", card="Space and motion", velocity="v_y", sun=0.0,
       places="map"),
    _c("z_gal", "float32", "kpc", "pos.cartesian.z;pos.galactocentric", "Z", "Height above the Galactic plane",
       scale="diverging", card="Space and motion", velocity="v_z", sun=0.0, places="map"),
    _c("x_helio", "float32", "kpc", "pos.cartesian.x", "X☉", "Heliocentric X towards the Galactic centre (Figure 8)",
       velocity="v_x", sun=0.0),
    _c("r_gal", "float32", "kpc", "pos.distance;pos.galactocentric", "R", "Cylindrical Galactocentric radius", 0,
       None, card="Space and motion", velocity="v_r", sun=1.0),
    _c("v_x", "float32", "km/s", "phys.veloc;pos.cartesian.x", "V_X", "Galactocentric velocity along X",
       digits=0, scale="diverging", card="Space and motion", places="map"),
    _c("v_y", "float32", "km/s", "phys.veloc;pos.cartesian.y", "V_Y", "Galactocentric velocity along Y",
       digits=0, scale="diverging", card="Space and motion", places="map"),
    _c("v_z", "float32", "km/s", "phys.veloc;pos.cartesian.z", "V_Z", "Galactocentric velocity along Z",
       digits=0, scale="diverging", card="Space and motion"),
    _c("v_r", "float32", "km/s", "phys.veloc", "V_R", "Velocity away from the Galactic axis",
       digits=0, scale="diverging", card="Space and motion"),
    _c("v_phi", "float32", "km/s", "phys.veloc.rotat", "V_φ", "Rotation velocity, positive with the disc",
       digits=0, card="Space and motion", places="table map"),
    _c("j_r", "float32", "kpc km/s", "phys.angMomentum", "J_R", "Radial action", 0, None, digits=0, card="Orbit"),
    _c("j_phi", "float32", "kpc km/s", "phys.angMomentum", "J_φ",
       "Azimuthal action = L_z, positive with the disc's rotation", digits=0, card="Orbit",
       syn="lz, l_z"),
    _c("j_z", "float32", "kpc km/s", "phys.angMomentum", "J_z", "Vertical action", 0, None, digits=0, card="Orbit"),
    _c("j_tot", "float32", "kpc km/s", "phys.angMomentum", "J_tot", "sqrt(J_R² + J_φ² + J_z²)", 0, None,
       digits=0, card="Orbit", places="table"),
    _c("j_sum", "float32", "kpc km/s", "phys.angMomentum", "J_sum", "J_R + J_z + |J_φ|", 0, None,
       digits=0, card="Orbit"),
    _c("energy", "float32", "km2/s2", "phys.energy", "E",
       "Total energy per unit mass; the manifest gives the potential's zero point", digits=0, card="Orbit",
       syn="e_tot, etot"),
    _c("eccentricity", "float32", "", "src.orbital.eccentricity", "e", "Orbital eccentricity", 0, 1, card="Orbit",
       syn="ecc"),
    _c("z_max", "float32", "kpc", "pos.distance", "z_max", "Largest height of the orbit", 0, None, card="Orbit"),
    _c("r_peri", "float32", "kpc", "pos.distance;src.orbital.periastron", "R_peri", "Pericentre radius", 0, None,
       card="Orbit"),
    _c("r_apo", "float32", "kpc", "pos.distance", "R_apo", "Apocentre radius", 0, None, card="Orbit"),
)
"""Positions, velocities, actions and orbits in the Galaxy."""

STREAM = (
    _c("sgr_lambda", "float32", "deg", "pos.bodyrc.lon", "Λ", "Sagittarius longitude (Law & Majewski 2010)", 0, 360,
       digits=1, period=360.0, card="Sagittarius stream", places="table",
       syn="lambda, lambda_sgr"),
    _c("sgr_lambda_v21", "float32", "deg", "pos.bodyrc.lon", "Λ (V21)",
       "Sagittarius longitude of Vasiliev et al. (2021), in the opposite direction", -180, 180),
    _c("sgr_beta", "float32", "deg", "pos.bodyrc.lat", "B",
       "Sagittarius latitude (Law & Majewski 2010; the same in Vasiliev et al. 2021)", -90, 90,
       digits=1, scale="diverging", card="Sagittarius stream", places="table",
       syn="beta, beta_sgr"),
    _c("v_gsr", "float32", "km/s", "spect.dopplerVeloc;pos.galactocentric", "V_GSR",
       "Line-of-sight velocity in the Galactic standard of rest",
       digits=1, scale="diverging", card="Space and motion"),
    _c("sgr_probability", "float32", "", "stat.probability", "p(Sgr)",
       "Probability of belonging to the Sagittarius stream, given the stream model", 0, 1,
       digits=3, card="Sagittarius stream",
       syn="p_sgr, psgr"),
    _c("sgr_term_sky", "float32", "", "stat.likelihood", "Sgr: sky",
       "Contribution of (Λ, B) to the log odds of the stream (natural logarithm)", card="Sagittarius stream"),
    _c("sgr_term_distance", "float32", "", "stat.likelihood", "Sgr: distance", "Further contribution of the distance",
       card="Sagittarius stream"),
    _c("sgr_term_velocity", "float32", "", "stat.likelihood", "Sgr: V_GSR",
       "Further contribution of V_GSR; 0 if unknown", unknown=0, card="Sagittarius stream"),
    _c("sgr_term_motion", "float32", "", "stat.likelihood", "Sgr: motion",
       "Further contribution of the proper motion; 0 if unknown", unknown=0, card="Sagittarius stream"),
)
"""Sagittarius coordinates and membership."""
# fmt: on


QUANTILE_OF = (
    *("x_gal", "y_gal", "z_gal", "r_gal", "v_x", "v_y", "v_z", "v_r", "v_phi", "v_gsr"),
    *("j_r", "j_phi", "j_z", "j_tot", "j_sum", "energy", "eccentricity", "z_max", "r_peri", "r_apo"),
)
"""Columns that have quantiles ``NAME_16``, ``NAME_50`` and ``NAME_84`` from Monte Carlo draws."""

QUANTILE_PERCENTS = (16, 50, 84)
QUANTILE_GROUP = "Quantiles"


def quantiles(declared: Iterable[Column]) -> tuple[Column, ...]:
    """Percentiles of each quantity of :data:`QUANTILE_OF`, which keep its digits, scale and direction."""
    known = {column.name: column for column in declared}
    return tuple(
        replace(
            known[name],
            card="",
            places=(),
            synonyms=(),
            name=f"{name}_{percent}",
            ucd=f"stat.value;{known[name].ucd.split(';')[0]}",
            label=f"{known[name].label} ({percent} %)",
            description=f"{percent}th percentile of {name} over the Monte Carlo draws",
        )
        for name in QUANTILE_OF
        for percent in QUANTILE_PERCENTS
    )
