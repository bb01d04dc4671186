"""Stages that place stars in space: phase space, actions, stream, maps."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from scipy.special import logit

from pipeline.domain.columns import QUANTILE_OF, QUANTILE_PERCENTS, names_at
from pipeline.domain.frames import (
    CARTESIAN,
    SPEED,
    SolarFrame,
    configured_frame,
    cylindrical,
    galactic_to_sagittarius,
    galactocentric_phase_space,
    galactocentric_position,
    line_of_sight_gsr,
    proper_motion_sagittarius,
)
from pipeline.products.maps import DiscMap, write_maps
from pipeline.products.overlays import OVERLAY_COLUMNS, write_overlay
from pipeline.science.space.actions import compute_orbits
from pipeline.science.space.monte_carlo import Measured, quantiles
from pipeline.science.space.spiral_arms import REID_2019, trace
from pipeline.science.space.velocity_field import SLICES_KPC, velocity_field
from pipeline.science.stream.membership import (
    MEMBER_THRESHOLD,
    TERMS,
    MembershipSettings,
    StreamStars,
    stream_membership,
)
from pipeline.science.stream.model import StreamModel
from pipeline.stages.declared import Stage
from pipeline.stages.internal import ACTION_FAILED, UNBOUND
from pipeline.stages.items import Columns, Enabled, Files, Internals, When
from pipeline.stages.sky import POSITION
from pipeline.stages.spectral import BEST_VELOCITY, VELOCITY, VELOCITY_ERROR
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


def place_in_phase_space(state: BuildState, progress: Progress) -> int:
    """Compute Galactocentric positions of stars with a distance, and velocities of those with 6D."""
    distance = state.column("distance")
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
    state.give(columns)
    state.facts["choices"]["frame"] = (
        f"{frame.name}: R0 = {frame.r0_kpc} kpc, z_sun = {frame.z_sun_kpc} kpc, v_sun = {frame.v_sun_kms} km/s"
        f" ({frame.source})"
    )
    state.facts["report"]["stars_with_6d"] = int(moving.size)
    return int(placed.size)


def measure_actions(state: BuildState, progress: Progress) -> int:
    """Actions, energies and orbit shapes of stars with 6D."""
    position = np.stack([state.column(name) for name in CARTESIAN], axis=1)
    velocity = np.stack([state.column(name) for name in SPEED], axis=1)
    progress(0.0, "actions")
    orbits = compute_orbits(position, velocity, solar_frame(state), state.config.kinematics.potential)
    state.give(orbits.columns() | {"eccentricity": np.clip(orbits.eccentricity, 0.0, 1.0)})
    state.keep(UNBOUND, orbits.unbound)
    state.keep(ACTION_FAILED, orbits.failed)
    state.facts["choices"]["potential"] = state.config.kinematics.potential
    return int(np.isfinite(orbits.j_r).sum())


def measure_quantiles(state: BuildState, progress: Progress) -> int:
    """Percentiles of quantities derived from 6D, from draws of distance, proper motion and velocity."""
    config = state.config.kinematics
    place = (state.column(name) for name in ("ra", "dec", "distance", "distance_16", "distance_84"))
    motion = (state.column(name) for name in ("pmra", "pmdec", "pmra_err", "pmdec_err", "pmra_pmdec_corr"))
    ra, dec, distance, distance_16, distance_84 = place
    pmra, pmdec, pmra_err, pmdec_err, pm_correlation = motion
    measured = Measured(
        ra=ra,
        dec=dec,
        distance=distance,
        distance_16=distance_16,
        distance_84=distance_84,
        pmra=pmra,
        pmdec=pmdec,
        pmra_err=pmra_err,
        pmdec_err=pmdec_err,
        pm_correlation=pm_correlation,
        rv=state.best_velocity(),
        rv_err=state.best_velocity_error(),
        key=state.integers("obsid"),
    )
    if not measured.complete.any():
        raise StageSkipped("no star with 6D has an error for each of its coordinates")
    result = quantiles(
        measured,
        solar_frame(state),
        config.potential,
        count=config.draws,
        seed=state.config.input.seed,
        progress=lambda fraction: progress(fraction, f"{config.draws} draws a star"),
    )
    state.give(result)
    state.facts["choices"]["quantiles"] = f"{config.draws} draws of distance, proper motion and velocity"
    return int(np.isfinite(result["x_gal_50"]).sum())


def place_in_stream(state: BuildState, progress: Progress) -> int:
    """Compute stream membership, and publish the stream model."""
    progress(0.1, "stream model")
    model = stream_model(state, solar_frame(state))
    if not any(need.missing(state) for need in MEMBERSHIP):
        progress(0.5, "membership")
        state.give(_membership(state, model))
    publish_stream(state, model)
    return int(np.isfinite(state.column("sgr_lambda")).sum())


def stream_coordinates(state: BuildState, progress: Progress) -> int:
    """Sagittarius coordinates, and V_gsr if there are velocities."""
    progress(0.0, "stream coordinates")
    glon, glat = state.column("glon"), state.column("glat")
    longitude, latitude = galactic_to_sagittarius(glon, glat)
    reversed_longitude, _ = galactic_to_sagittarius(glon, glat, convention="V21")
    columns = {
        "sgr_lambda": longitude,
        "sgr_lambda_v21": reversed_longitude,
        "sgr_beta": latitude,
    }
    velocity = state.best_velocity()
    if np.isfinite(velocity).any():
        columns["v_gsr"] = line_of_sight_gsr(velocity, glon, glat, solar_frame(state))
    state.give(columns)
    state.facts["choices"]["stream coordinates"] = "Law & Majewski (2010); sgr_lambda_v21: Vasiliev et al. (2021)"
    return int(np.isfinite(longitude).sum())


def publish_stream(state: BuildState, model: StreamModel) -> None:
    """Write particles of the stream model as an overlay and name the model."""
    drawn = np.random.default_rng(state.config.input.seed).permutation(len(model))
    drawn = np.sort(drawn[: state.config.kinematics.stream_particles])
    overlay = pd.DataFrame({name: getattr(model, name)[drawn] for name in OVERLAY_COLUMNS["stream_model"]})
    write_overlay(state.draft, "stream_model", overlay, simulated=True)
    state.facts["choices"]["stream model"] = model.name


def _membership(state: BuildState, model: StreamModel) -> dict[str, np.ndarray]:
    """Probability of the Sagittarius stream and its terms."""
    none = np.zeros(len(model))
    particles = StreamStars(
        *(model.sgr_lambda, model.sgr_beta, model.distance, none, model.v_gsr, none),
        *proper_motion_sagittarius(model.ra, model.dec, model.pmra, model.pmdec),
        none,
    )
    sky = [state.column(name) for name in ("ra", "dec", "pmra", "pmdec")]
    pm_lambda, pm_beta = proper_motion_sagittarius(*sky)
    stars = StreamStars(
        sgr_lambda=state.column("sgr_lambda"),
        sgr_beta=state.column("sgr_beta"),
        distance=state.column("distance"),
        log_distance_err=0.5 * np.log(state.column("distance_84") / state.column("distance_16")),
        v_gsr=state.column("v_gsr"),
        v_gsr_err=state.best_velocity_error(),
        pm_lambda=pm_lambda,
        pm_beta=pm_beta,
        pm_err=np.hypot(state.column("pmra_err"), state.column("pmdec_err")) / np.sqrt(2.0),
    )
    result = stream_membership(stars, particles, MembershipSettings())
    state.facts["report"]["sagittarius_members"] = int((result.probability > MEMBER_THRESHOLD).sum())
    state.facts["choices"]["stream membership"] = (
        f"probability above {MEMBER_THRESHOLD:g}; share of the stream {result.prior:.4f}, "
        f"log odds {logit(result.prior):+.3f}"
    )
    terms = {f"sgr_term_{name}": values for name, values in zip(TERMS, result.terms.T, strict=True)}
    return {"sgr_probability": result.probability, **terms}


def map_disc(state: BuildState, progress: Progress) -> int:
    """Velocity field, rotation residuals and LIC texture per slice in height."""
    mapped = np.isfinite(state.column("v_phi") + state.column("z_gal"))
    config = state.config.kinematics
    height = np.abs(state.column("z_gal"))
    maps = []
    for number, (low, high) in enumerate(SLICES_KPC):
        inside = mapped & (height >= low) & (height < high)
        x, y, v_x, v_y, v_phi = (state.column(name)[inside] for name in ("x_gal", "y_gal", "v_x", "v_y", "v_phi"))
        field = velocity_field(x, y, v_x, v_y, v_phi, config)
        maps.append(DiscMap(low, high, **vars(field)))
        progress((number + 1) / len(SLICES_KPC), f"disc map {low:g}-{high:g} kpc")
    write_maps(state.draft, maps, simulated=state.facts["simulated"])
    return int((mapped & (height < SLICES_KPC[-1][1])).sum())


def draw_spiral_arms(state: BuildState) -> None:
    """Write the spiral arms of Reid et al. (2019) as an overlay."""
    arms = [pd.DataFrame({"arm": arm.name, "x_gal": x, "y_gal": y}) for arm in REID_2019 for x, y in [trace(arm)]]
    write_overlay(state.draft, "spiral_arms", pd.concat(arms, ignore_index=True))


MEMBERSHIP = (Columns("distance"), Enabled("kinematics", "membership"))
"""Columns besides a position that stream membership needs."""

PROPER_MOTION = Columns("pmra", "pmdec", called="proper motions")
IN_SPACE = Columns(*CARTESIAN, *SPEED, called="distance, proper motion and radial velocity together")

PHASE_SPACE = Stage(
    *("phase space", place_in_phase_space, 1, ("kinematics",)),
    needs=(POSITION, Columns("distance", called="a distance")),
    optional=(PROPER_MOTION, *BEST_VELOCITY),
    gives=(
        Columns("x_gal", "y_gal", "z_gal", "x_helio", "r_gal"),
        When((PROPER_MOTION, VELOCITY), Columns(*SPEED, "v_r", "v_phi")),
    ),
)
ACTIONS = Stage(
    *("actions", measure_actions, 4, ("kinematics",)),
    needs=(IN_SPACE, Enabled("kinematics", "actions")),
    gives=(
        Columns("j_r", "j_phi", "j_z", "j_tot", "j_sum", "energy", "eccentricity", "z_max", "r_peri", "r_apo"),
        Internals(UNBOUND, ACTION_FAILED),
    ),
)
QUANTILES = Stage(
    *("quantiles", measure_quantiles, 12, ("kinematics", "input")),
    needs=(
        *(IN_SPACE, Enabled("kinematics", "draws")),
        Columns("distance_16", "distance_84", "pmra_err", "pmdec_err", called="errors of distance and proper motion"),
    ),
    optional=(POSITION, Columns("distance", "pmra_pmdec_corr"), PROPER_MOTION, *BEST_VELOCITY, VELOCITY_ERROR),
    gives=(
        Columns(
            *(f"{name}_{percent}" for name in QUANTILE_OF for percent in QUANTILE_PERCENTS),
            called=f"NAME_16, NAME_50, NAME_84 of {', '.join(QUANTILE_OF)}",
        ),
    ),
)
STREAM_COORDINATES = Stage(
    *("stream coordinates", stream_coordinates, 1, ("kinematics",)),
    needs=(POSITION, Columns("glon", "glat")),
    optional=BEST_VELOCITY,
    gives=(Columns("sgr_lambda", "sgr_lambda_v21", "sgr_beta"), When((VELOCITY,), Columns("v_gsr"))),
)
STREAM = Stage(
    *("stream", place_in_stream, 6, ("kinematics", "input")),
    needs=(POSITION, Columns("sgr_lambda", "sgr_beta")),
    optional=(
        *(Columns("glon", "glat", "pmra_err", "pmdec_err", "distance_16", "distance_84"), PROPER_MOTION),
        *(*BEST_VELOCITY, VELOCITY_ERROR, Columns("distance"), Columns("v_gsr")),
    ),
    gives=(
        When(MEMBERSHIP, Columns("sgr_probability", *(f"sgr_term_{name}" for name in TERMS))),
        Files("overlays/stream_model.parquet"),
    ),
)
MAPS = Stage(
    *("maps", map_disc, 3, ("kinematics",)),
    needs=(Columns(*names_at("map"), called="6D", least=MIN_MAPPED_STARS),),
    gives=(Files("maps"),),
)
