"""Physics checks of a finished catalogue: its columns together against the known Galaxy.

Each check compares one number with two ranges: outside the narrow one the catalogue is unlikely, outside the wide one
impossible. Both ranges are widened by the number's own error (3 and 5 sigma), so that few stars are never condemned.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import spearmanr

from pipeline.domain.checks import Check
from pipeline.domain.frames import SolarFrame
from pipeline.science.quality.check_kinds import (
    COLOUR,
    COLOUR_ORDER,
    GRAVITY,
    MIN_STARS,
    PARALLAX,
    STREAM,
    FloatArray,
    median_check,
)
from pipeline.science.quality.motion_checks import CheckedStars, Columns, disc_checks, motion_checks

_PREDICTED_PARALLAX_SNR = 5.0
_GIANT_LOGG = 3.5
_LOGG_SUN, _TEFF_SUN, _M_BOL_SUN, _GIANT_MASS = 4.438, 5772.0, 4.74, 1.2


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
    stars = CheckedStars(columns, frame)
    return (
        *disc_checks(stars),
        *motion_checks(stars),
        _parallax(stars),
        *_colours(stars),
        _gravity(stars),
        _stream(stars, stream),
    )


def _parallax(stars: CheckedStars) -> Check:
    """Parallax times distance where the distance, not the noisy parallax, foresees a significant parallax."""
    independent = ~np.isin(stars.words("distance_from"), ["parallax", "geometric"])
    with np.errstate(invalid="ignore", divide="ignore"):
        near = 1.0 / stars["distance"] > _PREDICTED_PARALLAX_SNR * stars["parallax_err"]
        product = stars["parallax"] * stars["distance"]
    lacking = f"stars near enough for a parallax of {_PREDICTED_PARALLAX_SNR:g} sigma, with a distance of its own"
    return median_check(PARALLAX, product[independent & near], lacking)


def _colours(stars: CheckedStars) -> Iterator[Check]:
    """De-reddened colour against temperature, of giants."""
    giant = ~(stars["logg"] > _GIANT_LOGG)
    known = giant & np.isfinite(stars["jk0"] + stars["teff"])
    lacking = "giants with Teff and a de-reddened colour"
    yield median_check(COLOUR, (stars["jk0"] - giant_colour(stars["teff"]))[known], lacking)
    teff = stars["teff"][known]
    if teff.size < MIN_STARS or np.ptp(np.percentile(teff, [5, 95])) < 200.0:
        yield COLOUR_ORDER.untested(teff.size, "giants with Teff over 200 K or more and a de-reddened colour")
    else:
        order = float(spearmanr(teff, stars["jk0"][known]).statistic)
        yield COLOUR_ORDER.judged(order, 1.0 / np.sqrt(teff.size - 1.0), teff.size)


def giant_colour(teff: FloatArray) -> FloatArray:
    """(J - Ks)0 of giants at Teff [K].

    The inverse of González Hernández & Bonifacio (2009, A&A 497, 497), Table 5:
    5040 K / Teff = 0.6517 + 0.6312 X + 0.0168 X^2 at [Fe/H] = 0; [Fe/H] moves X by less than 0.03 mag.
    """
    theta = 5040.0 / np.asarray(teff, float)
    with np.errstate(invalid="ignore"):
        return np.asarray((-0.6312 + np.sqrt(0.6312**2 - 4.0 * 0.0168 * (0.6517 - theta))) / (2.0 * 0.0168))


def giant_gravity(k_abs: FloatArray, teff: FloatArray) -> FloatArray:
    """Log g [cgs] of a giant of 1.2 solar masses at M_Ks and Teff [K].

    From g = G M / R^2 and L = 4 pi R^2 sigma T^4, with
    BC_K = 2.6 - 0.75 (Teff - 4000 K) / 1000 K, within 0.1 mag of Houdashelt et al. (2000, AJ 119, 1448), giants at
    3500-5000 K.
    """
    bolometric = k_abs + 2.6 - 0.75 * (teff - 4000.0) / 1000.0
    return np.asarray(
        _LOGG_SUN + np.log10(_GIANT_MASS) + 4.0 * np.log10(teff / _TEFF_SUN) + 0.4 * (bolometric - _M_BOL_SUN)
    )


def _gravity(stars: CheckedStars) -> Check:
    giant = (stars["logg"] < _GIANT_LOGG) & (stars["teff"] > 3000.0) & (stars["teff"] < 5500.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        modulus = 5.0 * np.log10(100.0 * stars["distance"])
    k_abs = stars["k_mag"] - np.nan_to_num(stars["a_k"]) - modulus
    return median_check(
        GRAVITY,
        (stars["logg"] - giant_gravity(k_abs, stars["teff"]))[giant],
        "giants with log g, Teff, Ks and distance",
    )


def _stream(stars: CheckedStars, stream: Columns | None) -> Check:
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
        return sum(_matches(stream, *star) for star in zip(longitude, distance, shifted, strict=True))

    observed = near(0)
    chance = float(np.mean([near(int(turn)) for turn in np.linspace(0.1, 0.9, 8) * rows.size])) + 1.0
    ratio = (observed + 1.0) / chance
    return STREAM.judged(ratio, ratio * np.sqrt(1.0 / (observed + 1.0) + 1.0 / chance), rows.size)


def _matches(stream: Columns, longitude: float, distance: float, velocity: float) -> bool:
    """Whether a particle is within 8 degrees, 30 % in distance and 20 km/s."""
    apart = np.abs((stream["sgr_lambda"] - longitude + 180.0) % 360.0 - 180.0) < 8.0
    apart &= np.abs(np.log(np.asarray(stream["distance"]) / distance)) < 0.3
    return bool(np.any(apart & (np.abs(stream["v_gsr"] - velocity) < 20.0)))
