"""Physics checks of a finished catalogue: what its columns say together against what the Galaxy allows.

Each check compares one number with two ranges: outside the narrow one the catalogue is unlikely, outside the wide one
impossible. Both ranges are widened by the number's own error (3 and 5 sigma), so that few stars are never condemned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from pipeline.domain.checks import Check, Verdict
from pipeline.domain.frames import PECULIAR_V_KMS, SolarFrame, galactic_proper_motion
from pipeline.domain.statistics import robust_scatter

FloatArray = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]

MIN_STARS = 50
"""A check needs so many stars."""

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
_PREDICTED_PARALLAX_SNR = 5.0
_HUBER = 1.345
_UNLIKELY_SIGMA, _IMPOSSIBLE_SIGMA = 3.0, 5.0
_GIANT_LOGG = 3.5
_LOGG_SUN, _TEFF_SUN, _M_BOL_SUN, _GIANT_MASS = 4.438, 5772.0, 4.74, 1.2


@dataclass(frozen=True)
class _Kind:
    """A check's name, unit, expected and possible range, and what is wrong outside them."""

    name: str
    unit: str
    expected: tuple[float, float]
    possible: tuple[float, float]
    fault: str

    def judged(self, value: float, error: float, stars: int) -> Check:
        """Compare a value with the ranges."""
        verdict = Verdict.EXPECTED
        for ranges, sigma, worse in (
            (self.expected, _UNLIKELY_SIGMA, Verdict.UNLIKELY),
            (self.possible, _IMPOSSIBLE_SIGMA, Verdict.IMPOSSIBLE),
        ):
            if not ranges[0] - sigma * error <= value <= ranges[1] + sigma * error:
                verdict = worse
        sentence = "Agrees within its error." if verdict == Verdict.EXPECTED else self.fault
        return Check(self.name, float(value), float(error), self.unit, *self.expected, stars, verdict, sentence)

    def untested(self, stars: int, lacking: str) -> Check:
        """Say that there is too little to compare."""
        sentence = f"Needs {MIN_STARS} {lacking}."
        return Check(self.name, None, None, self.unit, *self.expected, stars, Verdict.TOO_FEW, sentence)


V_R = _Kind(
    *("median V_R of disc stars", "km/s", (-15.0, 15.0), (-40.0, 40.0)),
    "The disc as a whole neither expands nor shrinks: proper motions, distances or velocities are wrong.",
)
V_Z = _Kind(
    *("median V_Z of disc stars", "km/s", (-10.0, 10.0), (-30.0, 30.0)),
    "The disc as a whole neither rises nor sinks: proper motions, distances or velocities are wrong.",
)
V_PHI = _Kind(
    *("median V_phi of disc stars over the circular velocity", "", (0.75, 1.1), (0.4, 1.4)),
    "The disc rotates at about the circular velocity: proper motions, distances, velocities or the frame are wrong.",
)
V_PHI_SLOPE = _Kind(
    *("slope of V_phi with radius in the disc", "km/s/kpc", (-12.0, 12.0), (-40.0, 40.0)),
    "The rotation curve is flat: an error that grows with distance is in the proper motions or the distances.",
)
SPEED = _Kind(
    *("share of stars faster than 600 km/s", "", (0.0, 0.02), (0.0, 0.15)),
    "Stars so fast leave the Galaxy: proper motions, distances or velocities are wrong.",
)
REFLEX = _Kind(
    *("Sun's motion in the proper motions over its known motion", "", (0.8, 1.2), (0.5, 1.5)),
    "The Sun's own motion must show in the proper motions at each star's place and distance: pmra, pmdec or the "
    "distances are not what their names say.",
)
RV_REFLEX = _Kind(
    *("Sun's motion in the radial velocities over its known motion", "", (0.6, 1.4), (0.3, 1.7)),
    "The Sun's own motion must show in heliocentric radial velocities: their sign, unit or frame, or the distances, "
    "are wrong.",
)
MOTION_SPREAD = _Kind(
    *("relative spread of the total proper motion", "", (0.2, 3.0), (0.1, 30.0)),
    "Total proper motions are nearly the same for stars all over the sky: pmra and pmdec are another quantity.",
)
MOTION_DISTANCE = _Kind(
    *("rank correlation of total proper motion with distance", "", (-1.0, 0.2), (-1.0, 0.5)),
    "Near stars must move faster across the sky than far ones: pmra and pmdec, or the distances, are another quantity.",
)
PARALLAX = _Kind(
    *("median of parallax times distance", "", (0.8, 1.25), (0.5, 2.0)),
    "Distances and parallaxes disagree: one of the two has a wrong unit, or other stars were matched.",
)
COLOUR = _Kind(
    *("median (J - Ks)0 less that of giants of the same Teff", "mag", (-0.08, 0.08), (-0.3, 0.3)),
    "Colours and temperatures disagree: one of J, Ks, the extinction or Teff is wrong.",
)
COLOUR_ORDER = _Kind(
    *("rank correlation of (J - Ks)0 with Teff", "", (-1.0, -0.3), (-1.0, 0.2)),
    "Redder giants must be cooler: colours or temperatures belong to other stars.",
)
GRAVITY = _Kind(
    *("median log g less that of M_K and Teff", "dex", (-0.3, 0.3), (-1.0, 1.0)),
    "Surface gravities and absolute magnitudes disagree: log g, Ks or the distances are wrong.",
)
STREAM = _Kind(
    *("halo stars near the stream model's velocity over those by chance", "", (1.0, 50.0), (0.6, 500.0)),
    "Fewer stars follow the model of the Sagittarius stream than by chance: a sign or a frame is wrong.",
)


def physics_checks(columns: Columns, frame: SolarFrame, stream: Columns | None = None) -> tuple[Check, ...]:
    """Compare a catalogue with physics.

    Parameters
    ----------
    columns : mapping of ndarray
        Catalogue columns by name, each of shape (n,); missing ones leave their checks untested.
    frame : SolarFrame
        Where the Sun is and how it moves.
    stream : mapping of ndarray, optional
        Particles of the stream model: ``sgr_lambda``, ``sgr_beta``, ``distance``, ``v_gsr``.

    Returns
    -------
    tuple of Check
        Always the same checks in the same order.
    """
    stars = _Stars(columns, frame)
    return (
        *_disc(stars),
        *_motions(stars),
        _parallax(stars),
        *_colours(stars),
        _gravity(stars),
        _stream(stars, stream),
    )


class _Stars:
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
        """Stars at a place of the disc, whatever their motion."""
        low, high = DISC_RADIUS_KPC
        with np.errstate(invalid="ignore"):
            return (self["r_gal"] > low) & (self["r_gal"] < high) & (np.abs(self["z_gal"]) < DISC_HEIGHT_KPC)


def _median(values: FloatArray) -> tuple[float, float]:
    """Median and its standard error."""
    return float(np.median(values)), 1.2533 * robust_scatter(values) / np.sqrt(values.size)


def _median_check(kind: _Kind, values: FloatArray, lacking: str) -> Check:
    known = values[np.isfinite(values)]
    return kind.judged(*_median(known), known.size) if known.size >= MIN_STARS else kind.untested(known.size, lacking)


def _disc(stars: _Stars) -> Iterator[Check]:
    """Bulk motion and rotation of the stars at disc places."""
    disc = stars.in_disc & np.isfinite(stars["v_r"] + stars["v_z"] + stars["v_phi"])
    lacking = "stars with 6D at places of the disc"
    yield _median_check(V_R, stars["v_r"][disc], lacking)
    yield _median_check(V_Z, stars["v_z"][disc], lacking)
    yield _median_check(V_PHI, stars["v_phi"][disc] / stars.circular, lacking)
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


def _motions(stars: _Stars) -> Iterator[Check]:
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
        middle, error = _median(known)
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
    kind: _Kind,
    stars: _Stars,
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
        found = np.linalg.lstsq(terms * root[:, None], values * root, rcond=None)[0]
        residual = values - terms @ found
        scatter = max(robust_scatter(residual), 1e-9)
        weight = 1.0 / np.maximum(np.abs(residual) / (_HUBER * scatter), 1.0)
    normal = terms.T @ (terms * weight[:, None])
    if np.linalg.cond(normal) > 1e8:
        return np.asarray(found, float), np.full(terms.shape[1], np.inf)
    return np.asarray(found, float), np.sqrt(np.diag(np.linalg.inv(normal))) * scatter


def _unit_vectors(stars: _Stars, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit vectors outwards, towards growing l and towards growing b, shape (rows, 3), Galactic axes."""
    lon, lat = np.radians(stars["glon"][rows]), np.radians(stars["glat"][rows])
    outwards = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    return outwards, east, np.cross(outwards, east)


def _radial(stars: _Stars, rows: NDArray[np.intp]) -> FloatArray:
    return _unit_vectors(stars, rows)[0][None]


def _tangential(stars: _Stars, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """Directions of l and b, and the tangential velocity along each in km/s."""
    _, east, north = _unit_vectors(stars, rows)
    sky = (stars[name][rows] for name in ("ra", "dec", "pmra", "pmdec"))
    along_l, along_b = galactic_proper_motion(*sky)
    per_masyr = _KPC_MASYR_KMS * stars["distance"][rows]
    return np.stack([east, north]), np.stack([per_masyr * along_l, per_masyr * along_b])


def _rotation(stars: _Stars, rows: NDArray[np.intp]) -> FloatArray:
    """Direction in which the disc rotates at each star, shape (rows, 3)."""
    place = stars["distance"][rows, None] * _unit_vectors(stars, rows)[0]
    x, y = place[:, 0] - stars.frame.r0_kpc, place[:, 1]
    radius = np.maximum(np.hypot(x, y), 1e-3)
    return np.stack([y / radius, -x / radius, np.zeros_like(x)], axis=-1)


def _best_velocity(stars: _Stars) -> FloatArray:
    velocity = stars["rv"]
    for name in ("rv_input", "rv_gaia", "rv_ref"):
        velocity = np.where(np.isfinite(velocity), velocity, stars[name])
    return velocity


def _spread_deg(stars: _Stars, rows: NDArray[np.bool_]) -> float:
    """Angle from the mean direction within which two thirds of the stars are."""
    known = np.flatnonzero(rows & np.isfinite(stars["glon"] + stars["glat"]))
    if known.size == 0:
        return 0.0
    outwards = _unit_vectors(stars, known)[0]
    middle = outwards.mean(axis=0)
    middle /= max(float(np.linalg.norm(middle)), 1e-9)
    return float(np.degrees(np.percentile(np.arccos(np.clip(outwards @ middle, -1.0, 1.0)), 66.7)))


def _parallax(stars: _Stars) -> Check:
    """Parallax times distance where the distance, not the noisy parallax, foresees a significant parallax."""
    independent = ~np.isin(stars.words("distance_from"), ["parallax", "geometric"])
    with np.errstate(invalid="ignore", divide="ignore"):
        near = 1.0 / stars["distance"] > _PREDICTED_PARALLAX_SNR * stars["parallax_err"]
        product = stars["parallax"] * stars["distance"]
    lacking = f"stars near enough for a parallax of {_PREDICTED_PARALLAX_SNR:g} sigma, with a distance of its own"
    return _median_check(PARALLAX, product[independent & near], lacking)


def _colours(stars: _Stars) -> Iterator[Check]:
    """De-reddened colour against temperature, of giants."""
    giant = ~(stars["logg"] > _GIANT_LOGG)
    known = giant & np.isfinite(stars["jk0"] + stars["teff"])
    lacking = "giants with Teff and a de-reddened colour"
    yield _median_check(COLOUR, (stars["jk0"] - giant_colour(stars["teff"]))[known], lacking)
    teff = stars["teff"][known]
    if teff.size < MIN_STARS or np.ptp(np.percentile(teff, [5, 95])) < 200.0:
        yield COLOUR_ORDER.untested(teff.size, "giants with Teff over 200 K or more and a de-reddened colour")
    else:
        order = float(spearmanr(teff, stars["jk0"][known]).statistic)
        yield COLOUR_ORDER.judged(order, 1.0 / np.sqrt(teff.size - 1.0), teff.size)


def giant_colour(teff: FloatArray) -> FloatArray:
    """(J - Ks)0 of giants at Teff [K]: the inverse of González Hernández & Bonifacio (2009, A&A 497, 497), Table 5.

    5040 K / Teff = 0.6517 + 0.6312 X + 0.0168 X^2 at [Fe/H] = 0; [Fe/H] moves X by less than 0.03 mag.
    """
    theta = 5040.0 / np.asarray(teff, float)
    with np.errstate(invalid="ignore"):
        return np.asarray((-0.6312 + np.sqrt(0.6312**2 - 4.0 * 0.0168 * (0.6517 - theta))) / (2.0 * 0.0168))


def giant_gravity(k_abs: FloatArray, teff: FloatArray) -> FloatArray:
    """Log g [cgs] of a giant of 1.2 solar masses at M_Ks and Teff [K], from g = G M / R^2 and L = 4 pi R^2 sigma T^4.

    BC_K = 2.6 - 0.75 (Teff - 4000 K) / 1000 K, within 0.1 mag of Houdashelt et al. (2000, AJ 119, 1448), giants at
    3500-5000 K.
    """
    bolometric = k_abs + 2.6 - 0.75 * (teff - 4000.0) / 1000.0
    return np.asarray(
        _LOGG_SUN + np.log10(_GIANT_MASS) + 4.0 * np.log10(teff / _TEFF_SUN) + 0.4 * (bolometric - _M_BOL_SUN)
    )


def _gravity(stars: _Stars) -> Check:
    giant = (stars["logg"] < _GIANT_LOGG) & (stars["teff"] > 3000.0) & (stars["teff"] < 5500.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        modulus = 5.0 * np.log10(100.0 * stars["distance"])
    k_abs = stars["k_mag"] - np.nan_to_num(stars["a_k"]) - modulus
    return _median_check(
        GRAVITY,
        (stars["logg"] - giant_gravity(k_abs, stars["teff"]))[giant],
        "giants with log g, Teff, Ks and distance",
    )


def _stream(stars: _Stars, stream: Columns | None) -> Check:
    """Stars in the stream's track, by velocity: those at the model's over those by chance.

    Chance is the share when each star's velocity is compared with the model at the others' longitudes.
    """
    lacking = "stars beyond 12 kpc with a velocity within 12 degrees of the stream's plane"
    far = (stars["distance"] > 12.0) & (np.abs(stars["sgr_beta"]) < 12.0) & np.isfinite(stars["v_gsr"])
    rows = np.flatnonzero(far & np.isfinite(stars["sgr_lambda"]))
    if stream is None or rows.size < MIN_STARS:
        return STREAM.untested(rows.size, lacking)
    velocity, longitude = stars["v_gsr"][rows], stars["sgr_lambda"][rows]
    distance = stars["distance"][rows]

    def near(turn: int) -> int:
        shifted = np.roll(velocity, turn)
        return sum(_matches(stream, *one) for one in zip(longitude, distance, shifted, strict=True))

    observed = near(0)
    chance = float(np.mean([near(int(turn)) for turn in np.linspace(0.1, 0.9, 8) * rows.size])) + 1.0
    ratio = (observed + 1.0) / chance
    return STREAM.judged(ratio, ratio * np.sqrt(1.0 / (observed + 1.0) + 1.0 / chance), rows.size)


def _matches(stream: Columns, longitude: float, distance: float, velocity: float) -> bool:
    """Whether a particle is within 8 degrees, 30 % in distance and 20 km/s."""
    apart = np.abs((stream["sgr_lambda"] - longitude + 180.0) % 360.0 - 180.0) < 8.0
    apart &= np.abs(np.log(np.asarray(stream["distance"]) / distance)) < 0.3
    return bool(np.any(apart & (np.abs(stream["v_gsr"] - velocity) < 20.0)))
