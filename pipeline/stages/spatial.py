"""Stages that place stars in space: distance, phase space, actions, stream, maps."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from pipeline.domain.frames import (
    SolarFrame,
    configured_frame,
    cylindrical,
    equatorial_to_galactic,
    galactic_to_sagittarius,
    galactocentric_phase_space,
    galactocentric_position,
    line_of_sight_gsr,
)
from pipeline.products.manifest import file_sha256
from pipeline.products.maps import DiscMap, write_maps
from pipeline.products.overlays import OVERLAY_COLUMNS, write_overlay
from pipeline.science.actions import compute_orbits
from pipeline.science.distance import DistanceSettings, estimate_distances
from pipeline.science.dust import ExponentialDisc
from pipeline.science.isochrones import AbsoluteMagnitude, ClusterLine, ColourLaw, ParsecBranch
from pipeline.science.monte_carlo import Measured, quantiles
from pipeline.science.spiral_arms import REID_2019, trace
from pipeline.science.velocity_field import SLICES_KPC, FieldSettings, velocity_field
from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table
from pipeline.sources.isochrone_tables import read_isochrones
from pipeline.stages.reading import data_path
from pipeline.stages.state import BuildState, Progress, StageSkipped
from pipeline.stages.stream_models import stream_model

MIN_MAPPED_STARS = 100


def solar_frame(state: BuildState) -> SolarFrame:
    """The configured frame.

    Raises
    ------
    ValueError
        If there is no such frame.
    """
    config = state.config.kinematics
    return configured_frame(config.frame, asdict(config.custom_frame))


def measure_distances(state: BuildState, progress: Progress) -> int:
    """Galactic coordinates, distances with quantiles, extinction, de-reddened colours."""
    config = state.config.distance
    glon, glat = equatorial_to_galactic(state.column("ra"), state.column("dec"))
    state.table = state.table.assign(glon=glon, glat=glat)
    j_mag, k_mag = state.column("j_mag"), state.column("k_mag")
    usable = np.isfinite(j_mag) & np.isfinite(k_mag) & np.isfinite(glon)
    if not usable.any():
        raise StageSkipped("no star has J and Ks magnitudes")
    table = _isochrones(state)
    calibrations: dict[str, AbsoluteMagnitude] = {
        "parsec": ParsecBranch(table, config.isochrone_age_gyr),
        "colour-law": ColourLaw(),
        "cluster-line": ClusterLine(),
    }
    calibration = calibrations[config.calibration]
    dust = ExponentialDisc()
    m_h, m_h_err = state.column("m_h"), state.column("m_h_err")
    given = state.column("m_h_input")
    m_h_err = np.where(np.isfinite(m_h), m_h_err, np.where(np.isfinite(given), 0.15, config.default_m_h_error_dex))
    m_h = np.where(np.isfinite(m_h), m_h, np.where(np.isfinite(given), given, config.default_m_h))
    errors = [
        np.where(np.isfinite(state.column(name)), state.column(name), config.default_magnitude_error_mag)
        for name in ("j_mag_err", "k_mag_err")
    ]
    rows = np.flatnonzero(usable)
    progress(0.0, "distances")
    photometry = (j_mag[rows], errors[0][rows], k_mag[rows], errors[1][rows])
    found = estimate_distances(
        glon[rows],
        glat[rows],
        *photometry,
        m_h[rows],
        m_h_err[rows],
        calibration,
        dust,
        DistanceSettings(config.draws, config.dust_relative_error),
        progress=lambda fraction: progress(fraction, "distances"),
    )
    columns = {
        name: np.full(len(state.table), np.nan)
        for name in ("distance", "distance_16", "distance_84", "k_abs", "a_k", "e_jk")
    }
    values = (found.median_kpc, found.low_kpc, found.high_kpc, found.k_abs, found.a_k, found.e_jk)
    for name, value in zip(columns, values, strict=True):
        columns[name][rows] = value
    roots = np.full(len(state.table), -1, np.int16)
    roots[rows] = found.roots
    jk = j_mag - k_mag
    state.table = state.table.assign(
        **columns, distance_roots=roots, jk=jk, jk0=jk - columns["e_jk"], k0_mag=k_mag - columns["a_k"]
    )
    state.save_array("distance_m_h", m_h)
    state.facts["choices"] |= {"distance calibration": calibration.name, "dust map": dust.name}
    write_overlay(state.draft, "isochrones", _isochrone_overlay(table, config.isochrone_age_gyr))
    return int(np.isfinite(columns["distance"]).sum())


def _isochrones(state: BuildState) -> dict[str, np.ndarray]:
    """The branches that the configuration names, else the embedded ones."""
    paths = [data_path(state, name) for name in state.config.distance.isochrones]
    if not paths:
        return load_table(ISOCHRONE_TABLE)
    table = read_isochrones(paths)
    state.facts["inputs"] |= {path.name: file_sha256(path) for path in paths}
    state.facts["choices"]["isochrones"] = ", ".join(path.name for path in paths)
    return table


def _isochrone_overlay(table: dict[str, np.ndarray], age_gyr: float) -> pd.DataFrame:
    """The branches of the calibration's age for [M/H] from -0.7 up."""
    age = ParsecBranch(table, age_gyr).age_gyr
    keep = (table["age_gyr"] == np.float32(age)) & (table["m_h"] > -0.8)
    return pd.DataFrame({name: table[name][keep].astype(float) for name in OVERLAY_COLUMNS["isochrones"]})


def place_in_phase_space(state: BuildState, progress: Progress) -> int:
    """Galactocentric positions for stars with a distance, velocities for those with 6D."""
    distance = state.column("distance")
    if not np.isfinite(distance).any():
        raise StageSkipped("no star has a distance")
    frame = solar_frame(state)
    ra, dec = state.column("ra"), state.column("dec")
    pmra, pmdec, velocity = state.column("pmra"), state.column("pmdec"), state.best_velocity()
    position = np.full((len(distance), 3), np.nan)
    speed = np.full((len(distance), 3), np.nan)
    placed = np.flatnonzero(np.isfinite(distance))
    position[placed] = galactocentric_position(ra[placed], dec[placed], distance[placed], frame)
    moving = np.flatnonzero(np.isfinite(distance + pmra + pmdec + velocity))
    progress(0.3, "6D positions")
    if moving.size:
        _, speed[moving] = galactocentric_phase_space(
            ra[moving], dec[moving], distance[moving], pmra[moving], pmdec[moving], velocity[moving], frame
        )
    radius, v_r, v_phi = cylindrical(position, speed)
    columns = {
        "x_gal": position[:, 0],
        "y_gal": position[:, 1],
        "z_gal": position[:, 2],
        "x_helio": position[:, 0] + frame.r0_kpc,
        "r_gal": radius,
    }
    if moving.size:
        columns |= {
            "v_x": speed[:, 0],
            "v_y": speed[:, 1],
            "v_z": speed[:, 2],
            "v_r": v_r,
            "v_phi": v_phi,
        }
    state.table = state.table.assign(**columns)
    state.facts["choices"]["frame"] = (
        f"{frame.name}: R0 = {frame.r0_kpc} kpc, z_sun = {frame.z_sun_kpc} kpc, v_sun = {frame.v_sun_kms} km/s"
        f" ({frame.source})"
    )
    state.facts["report"]["stars_with_6d"] = int(moving.size)
    return int(placed.size)


def measure_actions(state: BuildState, progress: Progress) -> int:
    """Actions, energies and orbit shapes of stars with 6D."""
    if "v_x" not in state.table:
        raise StageSkipped("no star has distance, proper motion and radial velocity together")
    position = np.stack([state.column(name) for name in ("x_gal", "y_gal", "z_gal")], axis=1)
    velocity = np.stack([state.column(name) for name in ("v_x", "v_y", "v_z")], axis=1)
    progress(0.0, "actions")
    orbits = compute_orbits(position, velocity, solar_frame(state), state.config.kinematics.potential)
    state.table = state.table.assign(
        j_r=orbits.j_r,
        j_phi=orbits.j_phi,
        j_z=orbits.j_z,
        j_tot=orbits.j_tot,
        j_sum=orbits.j_sum,
        energy=orbits.energy,
        eccentricity=np.clip(orbits.eccentricity, 0.0, 1.0),
        z_max=orbits.z_max_kpc,
        r_peri=orbits.r_peri_kpc,
        r_apo=orbits.r_apo_kpc,
    )
    state.save_array("unbound", orbits.unbound)
    state.save_array("action_failed", orbits.failed)
    state.facts["choices"]["potential"] = state.config.kinematics.potential
    return int(np.isfinite(orbits.j_r).sum())


def measure_quantiles(state: BuildState, progress: Progress) -> int:
    """Percentiles of everything derived from 6D, over draws of distance, proper motion and velocity."""
    config = state.config.kinematics
    if "v_x" not in state.table:
        raise StageSkipped("no star has distance, proper motion and radial velocity together")
    if config.draws == 0:
        raise StageSkipped("kinematics.draws is 0")
    measured = Measured(
        *(state.column(name) for name in ("ra", "dec", "distance", "distance_16", "distance_84")),
        *(state.column(name) for name in ("pmra", "pmdec", "pmra_err", "pmdec_err", "pmra_pmdec_corr")),
        state.best_velocity(),
        state.best_velocity_error(),
        state.table["obsid"].to_numpy(np.int64),
    )
    if not measured.complete.any():
        raise StageSkipped("no star with 6D has an error for each of its coordinates")
    found = quantiles(
        measured,
        solar_frame(state),
        config.potential,
        count=config.draws,
        seed=state.config.input.seed,
        progress=lambda fraction: progress(fraction, f"{config.draws} draws a star"),
    )
    state.table = state.table.assign(**found)
    state.facts["choices"]["quantiles"] = f"{config.draws} draws of distance, proper motion and velocity"
    return int(np.isfinite(found["x_gal_50"]).sum())


def place_in_stream(state: BuildState, progress: Progress) -> int:
    """Sagittarius coordinates and V_gsr, and the stream model to compare with."""
    frame = solar_frame(state)
    glon, glat = equatorial_to_galactic(state.column("ra"), state.column("dec"))
    longitude, latitude = galactic_to_sagittarius(glon, glat)
    reversed_longitude, _ = galactic_to_sagittarius(glon, glat, convention="V21")
    columns = {
        "glon": glon,
        "glat": glat,
        "sgr_lambda": longitude,
        "sgr_lambda_v21": reversed_longitude,
        "sgr_beta": latitude,
    }
    velocity = state.best_velocity()
    if np.isfinite(velocity).any():
        columns["v_gsr"] = line_of_sight_gsr(velocity, glon, glat, frame)
    state.table = state.table.assign(**columns)
    progress(0.2, "stream model")
    model = stream_model(state, frame)
    drawn = np.random.default_rng(state.config.input.seed).permutation(len(model))
    drawn = np.sort(drawn[: state.config.kinematics.stream_particles])
    overlay = pd.DataFrame({name: getattr(model, name)[drawn] for name in OVERLAY_COLUMNS["stream_model"]})
    write_overlay(state.draft, "stream_model", overlay, simulated=True)
    state.facts["choices"]["stream model"] = model.name
    state.facts["choices"]["stream coordinates"] = "Law & Majewski (2010); sgr_lambda_v21: Vasiliev et al. (2021)"
    return int(np.isfinite(longitude).sum())


def map_disc(state: BuildState, progress: Progress) -> int:
    """Velocity field, rotation residuals and LIC texture per slice in height; spiral arms."""
    arms = [pd.DataFrame({"arm": arm.name, "x_gal": x, "y_gal": y}) for arm in REID_2019 for x, y in [trace(arm)]]
    write_overlay(state.draft, "spiral_arms", pd.concat(arms, ignore_index=True))
    mapped = np.isfinite(state.column("v_phi") + state.column("z_gal"))
    if mapped.sum() < MIN_MAPPED_STARS:
        raise StageSkipped(f"{int(mapped.sum())} stars have 6D; a map needs {MIN_MAPPED_STARS}")
    config = state.config.kinematics
    settings = FieldSettings(config.map_half_width_kpc, config.map_cell_kpc, config.map_min_stars)
    height = np.abs(state.column("z_gal"))
    maps = []
    for number, (low, high) in enumerate(SLICES_KPC):
        inside = mapped & (height >= low) & (height < high)
        field = velocity_field(
            *(state.column(name)[inside] for name in ("x_gal", "y_gal", "v_x", "v_y", "v_phi")), settings
        )
        maps.append(DiscMap(low, high, **vars(field)))
        progress((number + 1) / len(SLICES_KPC), f"disc map {low:g}-{high:g} kpc")
    write_maps(state.draft, maps, simulated=state.facts["simulated"])
    return int((mapped & (height < SLICES_KPC[-1][1])).sum())
