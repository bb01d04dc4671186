"""Physics checks of motions: rotation of the disc, solar motion in proper motions and velocities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from pipeline.domain.checks import Check
from pipeline.domain.columns import names_at
from pipeline.domain.frames import PECULIAR_V_KMS, SolarFrame, galactic_proper_motion
from pipeline.domain.statistics import robust_scatter
from pipeline.science.quality.check_kinds import (
    MIN_STARS,
    MOTION_DISTANCE,
    MOTION_SPREAD,
    REFLEX,
    RV_REFLEX,
    SPEED,
    V_PHI,
    V_PHI_SLOPE,
    V_R,
    V_Z,
    CheckKind,
    FloatArray,
    median_check,
    median_error,
)

Columns = Mapping[str, NDArray[Any]]

MIN_SPREAD_DEG = 15.0
"""Stars closer together on the sky may share one proper motion: a cluster, a field."""

DISC_RADIUS_KPC, DISC_HEIGHT_KPC = (4.0, 14.0), 2.0
"""Galactocentric radius and height of the stars that count as the disc's."""

MAX_MOTION_KMS = 1e7
"""Motions beyond it are no measurements, in whatever unit: they are not fitted."""

MAX_REFLEX_ERROR = 0.2
"""A footprint that does not separate the Sun's motion from the stars' rotation leaves a larger error."""

LAYERS_KPC = (0.5, 1.0, 2.0, 4.0)
"""Heights between which stars have a rotation of their own: thin disc, thick disc and halo lag differently."""

MEMBER_PROBABILITY = 0.5

MAX_SPEED_KMS = 600.0
"""Escape speed at the Sun is 500-580 km/s (Piffl et al. 2014; Deason et al. 2019)."""

_KPC_MASYR_KMS = 4.740470463533349
_HUBER = 1.345


class CheckedStars:
    """Columns of a catalogue as floats, NaN where there are none."""

    def __init__(self, columns: Columns, frame: SolarFrame) -> None:
        self.columns, self.frame = columns, frame
        self.n = len(next(iter(columns.values()))) if columns else 0
        self.circular = frame.v_sun_kms[1] - PECULIAR_V_KMS

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self.columns:
            return np.full(self.n, np.nan)
        return np.asarray(self.columns[name], float)

    def words(self, name: str) -> NDArray[np.str_]:
        """A column of texts."""
        return np.asarray(self.columns[name]).astype(str) if name in self.columns else np.full(self.n, "")

    @property
    def in_field(self) -> NDArray[np.bool_]:
        """Stars that are no probable members of the stream."""
        return ~(np.nan_to_num(self["sgr_probability"]) > MEMBER_PROBABILITY)

    @property
    def in_disc(self) -> NDArray[np.bool_]:
        """Stars at a place of the disc, with any motion."""
        low, high = DISC_RADIUS_KPC
        with np.errstate(invalid="ignore"):
            return (self["r_gal"] > low) & (self["r_gal"] < high) & (np.abs(self["z_gal"]) < DISC_HEIGHT_KPC)


def disc_checks(stars: CheckedStars) -> Iterator[Check]:
    """Bulk motion and rotation of the stars at disc places."""
    disc = stars.in_disc & np.isfinite(stars["v_r"] + stars["v_z"] + stars["v_phi"])
    lacking = "stars with 6D at places of the disc"
    yield median_check(V_R, stars["v_r"][disc], lacking)
    yield median_check(V_Z, stars["v_z"][disc], lacking)
    yield median_check(V_PHI, stars["v_phi"][disc] / stars.circular, lacking)
    rotating = disc & (stars["v_phi"] > 0.4 * stars.circular)
    if rotating.sum() < MIN_STARS or np.ptp(np.percentile(stars["r_gal"][rotating], [5, 95])) < 1.0:
        yield V_PHI_SLOPE.untested(int(rotating.sum()), "rotating disc stars over 1 kpc or more in radius")
    else:
        terms = np.stack([np.ones(int(rotating.sum())), stars["r_gal"][rotating]], axis=1)
        slope, slope_error = _robust_fit(terms, stars["v_phi"][rotating])
        yield V_PHI_SLOPE.judged(slope[1], slope_error[1], int(rotating.sum()))
    speed = np.sqrt(stars["v_x"] ** 2 + stars["v_y"] ** 2 + stars["v_z"] ** 2)
    fast = speed[np.isfinite(speed)] > MAX_SPEED_KMS
    share = float(fast.mean()) if fast.size else 0.0
    error = float(np.sqrt(max(share * (1.0 - share), 1e-12) / max(fast.size, 1)))
    yield (
        SPEED.judged(share, error, fast.size) if fast.size >= MIN_STARS else SPEED.untested(fast.size, "stars with 6D")
    )


def motion_checks(stars: CheckedStars) -> Iterator[Check]:
    """Proper motions and radial velocities against the Sun's motion, and against place and distance."""
    distance, total = stars["distance"], np.hypot(stars["pmra"], stars["pmdec"])
    placed = stars.in_field & np.isfinite(stars["glon"] + stars["glat"] + distance)
    moving = np.flatnonzero(placed & np.isfinite(total))
    lacking = "field stars with a distance and a proper motion, over enough of the sky"
    yield _reflex(REFLEX, stars, moving, lambda rows: _tangential(stars, rows), lacking)
    velocity = _best_velocity(stars)
    speaking = np.flatnonzero(placed & np.isfinite(velocity))
    lacking = "field stars with a distance and a radial velocity, over enough of the sky"
    yield _reflex(RV_REFLEX, stars, speaking, lambda rows: (_radial(stars, rows), velocity[rows]), lacking)
    known = total[np.isfinite(total)]
    if known.size < MIN_STARS or _spread_deg(stars, np.isfinite(total)) < MIN_SPREAD_DEG:
        yield MOTION_SPREAD.untested(known.size, f"proper motions over more than {MIN_SPREAD_DEG:g} degrees of the sky")
    else:
        middle, error = median_error(known)
        yield MOTION_SPREAD.judged(robust_scatter(known) / middle, error / middle, known.size)
    rows = moving
    if rows.size < MIN_STARS or np.ptp(np.log(np.percentile(distance[rows], [10, 90]))) < np.log(2.0):
        yield MOTION_DISTANCE.untested(
            rows.size, "proper motions of stars whose distances differ by a factor of 2 or more"
        )
    else:
        order = float(spearmanr(total[rows], distance[rows]).statistic)
        yield MOTION_DISTANCE.judged(order, 1.0 / np.sqrt(rows.size - 1.0), rows.size)


def _reflex(
    kind: CheckKind,
    stars: CheckedStars,
    rows: NDArray[np.intp],
    observed: Callable[[NDArray[np.intp]], tuple[FloatArray, FloatArray]],
    lacking: str,
) -> Check:
    """Fit motions by the reflex of the Sun and a rotation for each layer, all with a free scale; judge the Sun's.

    ``observed`` gives the directions in which motion was seen, shape (m, rows, 3), and the motion, shape (m, rows).
    """
    if rows.size < MIN_STARS:
        return kind.untested(rows.size, lacking)
    directions, motion = observed(rows)
    layer = np.digitize(np.abs(stars["distance"][rows] * np.sin(np.radians(stars["glat"][rows]))), LAYERS_KPC)
    along = stars.circular * (directions * _rotation(stars, rows)).sum(axis=-1)
    rotation = [np.where(layer == number, along, 0.0) for number in np.unique(layer)]
    terms = np.stack([-(directions @ np.asarray(stars.frame.v_sun_kms)), *rotation], axis=-1).reshape(motion.size, -1)
    possible = (np.abs(motion.reshape(-1)) < MAX_MOTION_KMS) & (np.abs(terms) < MAX_MOTION_KMS).all(axis=1)
    scale, error = _robust_fit(terms[possible], motion.reshape(-1)[possible])
    if not error[0] < MAX_REFLEX_ERROR:
        return kind.untested(rows.size, lacking)
    return kind.judged(scale[0], error[0], rows.size)


def _robust_fit(terms: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients of ``values`` = ``terms`` @ x with Huber's weights, and their errors; infinite when degenerate."""
    weight = np.ones(values.size)
    for _ in range(20):
        root = np.sqrt(weight)
        coefficients = np.linalg.lstsq(terms * root[:, None], values * root, rcond=None)[0]
        residual = values - terms @ coefficients
        scatter = max(robust_scatter(residual), 1e-9)
        weight = 1.0 / np.maximum(np.abs(residual) / (_HUBER * scatter), 1.0)
    normal = terms.T @ (terms * weight[:, None])
    if np.linalg.cond(normal) > 1e8:
        return np.asarray(coefficients, float), np.full(terms.shape[1], np.inf)
    return np.asarray(coefficients, float), np.sqrt(np.diag(np.linalg.inv(normal))) * scatter


def _unit_vectors(stars: CheckedStars, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit vectors outwards, towards growing l and towards growing b, shape (rows, 3), Galactic axes."""
    lon, lat = np.radians(stars["glon"][rows]), np.radians(stars["glat"][rows])
    outwards = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    return outwards, east, np.cross(outwards, east)


def _radial(stars: CheckedStars, rows: NDArray[np.intp]) -> FloatArray:
    return _unit_vectors(stars, rows)[0][None]


def _tangential(stars: CheckedStars, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """Directions of l and b, and the tangential velocity along each in km/s."""
    _, east, north = _unit_vectors(stars, rows)
    sky = (stars[name][rows] for name in ("ra", "dec", "pmra", "pmdec"))
    along_l, along_b = galactic_proper_motion(*sky)
    per_masyr = _KPC_MASYR_KMS * stars["distance"][rows]
    return np.stack([east, north]), np.stack([per_masyr * along_l, per_masyr * along_b])


def _rotation(stars: CheckedStars, rows: NDArray[np.intp]) -> FloatArray:
    """Direction in which the disc rotates at each star, shape (rows, 3)."""
    place = stars["distance"][rows, None] * _unit_vectors(stars, rows)[0]
    x, y = place[:, 0] - stars.frame.r0_kpc, place[:, 1]
    radius = np.maximum(np.hypot(x, y), 1e-3)
    return np.stack([y / radius, -x / radius, np.zeros_like(x)], axis=-1)


def _best_velocity(stars: CheckedStars) -> FloatArray:
    velocity = np.full_like(stars["rv"], np.nan)
    for name in names_at("velocity"):
        velocity = np.where(np.isfinite(velocity), velocity, stars[name])
    return velocity


def _spread_deg(stars: CheckedStars, rows: NDArray[np.bool_]) -> float:
    """Angle from the mean direction within which two thirds of the stars are."""
    known = np.flatnonzero(rows & np.isfinite(stars["glon"] + stars["glat"]))
    if known.size == 0:
        return 0.0
    outwards = _unit_vectors(stars, known)[0]
    middle = outwards.mean(axis=0)
    middle /= max(float(np.linalg.norm(middle)), 1e-9)
    return float(np.degrees(np.percentile(np.arccos(np.clip(outwards @ middle, -1.0, 1.0)), 66.7)))
