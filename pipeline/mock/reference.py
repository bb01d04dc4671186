"""APOGEE's side of the simulated stars: velocity, S/N, extinction and quality bits beside the reference labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.mock.binaries import Binaries
from pipeline.mock.published import Columns, FloatArray
from pipeline.mock.stars import Stars
from pipeline.science.space.dust import BAND_COEFFICIENTS

STAR_WARN, TEFF_WARN, SN_WARN = 1 << 7, 1 << 0, 1 << 11
STAR_BAD, TEFF_BAD, SN_BAD = 1 << 23, 1 << 16, 1 << 27
NO_ASPCAP_RESULT, FERRE_FAIL, PROBLEM_TARGET, MULTIPLE_SUSPECT = 1 << 31, 1 << 36, 1 << 40, 1 << 41
"""Bits of ASPCAPFLAG (DR17): some need 64 bits."""

BRIGHT_NEIGHBOR, LOW_SNR, PERSIST_HIGH, SUSPECT_RV_COMBINATION, RV_FAIL = 1 << 2, 1 << 4, 1 << 9, 1 << 16, 1 << 22
"""Bits of STARFLAG (DR17)."""

WITHOUT_LABELS, FAILED_VELOCITY, MISSING_EXTINCTION = 0.04, 0.01, 0.03
"""Stars that APOGEE saw without usable labels, over those with labels; and of these, the share with a failed velocity
and without A_K."""

_VISITS, _FIRST_NIGHT, _LAST_NIGHT, _SPAN_NIGHTS = 3, 55_800, 58_800, 200.0
"""Visits of a star, and within how many nights of the first of them."""

_WARN_SNR, _LABELLED_SNR, _BAD_SNR = 70.0, (52.0, 900.0), (8.0, 60.0)
_VELOCITY_ERROR_KMS, _JITTER_KMS = (0.02, 0.10), 0.10
_REASONS = (
    STAR_BAD | TEFF_BAD,
    STAR_BAD | SN_BAD | SN_WARN,
    STAR_BAD | NO_ASPCAP_RESULT | FERRE_FAIL,
    STAR_BAD | PROBLEM_TARGET,
    STAR_BAD | MULTIPLE_SUSPECT,
)


def reference_spectra(stars: Stars, seen: Columns, binaries: Binaries, rng: np.random.Generator) -> Columns:
    """Simulate the rest of APOGEE's row for stars with reference labels, and for a few that it saw without any.

    Parameters
    ----------
    stars : Stars
        The stars, each once.
    seen : dict of ndarray, shape (n,)
        Published values: labels, H, 2MASS and Gaia identifiers.
    binaries : Binaries
        Orbits of the stars.
    rng : Generator
        Randomness.

    Returns
    -------
    dict of ndarray, shape (n,)
        ``apogee_id``, ``rv_ref`` with error and scatter [km/s], ``snr_ref``, ``a_k_ref`` [mag], ``ref_label_flags`` and
        ``ref_star_flags`` (bits as published), ``ref_bad``: STAR_BAD or RV_FAIL is set. NaN, 0, "" and False elsewhere.
    """
    n = len(stars)
    labelled = np.isfinite(seen["teff_ref"])
    bad = _without_labels(stars, seen, labelled, rng)
    observed = labelled | bad
    expected = 150.0 * 10.0 ** (-0.2 * (np.nan_to_num(seen["h_mag"], nan=12.0) - 11.0)) * rng.lognormal(0.0, 0.3, n)
    snr = np.asarray(np.where(bad, np.clip(0.3 * expected, *_BAD_SNR), np.clip(expected, *_LABELLED_SNR)), np.float64)
    snr = np.round(snr, 2)
    velocity, error, scatter = _velocities(stars.rv, binaries, rng)
    failed = np.zeros(n, np.bool_)
    rows = rng.permutation(np.flatnonzero(labelled))
    failed[rows[: round(FAILED_VELOCITY * rows.size)]] = True
    extinction = BAND_COEFFICIENTS["Ks"] * stars.ebv * np.exp(0.15 * rng.standard_normal(n))
    extinction[rng.uniform(size=n) < MISSING_EXTINCTION] = np.nan
    star_flags = _star_flags(snr, scatter, rng) | RV_FAIL * failed
    label_flags = _label_flags(stars.teff, snr, rng)
    label_flags = np.where(bad, np.array(_REASONS)[rng.integers(0, len(_REASONS), n)], label_flags)
    return {
        "apogee_id": np.where(observed, np.char.add("2M", seen["tmass_id"]), ""),
        "rv_ref": _single(np.where(observed & ~failed, velocity, np.nan)),
        "rv_ref_err": _single(np.where(observed & ~failed, error, np.nan)),
        "rv_ref_scatter": _single(np.where(observed & ~failed, scatter, np.nan)),
        "snr_ref": _single(np.where(observed, snr, np.nan)),
        "a_k_ref": _single(np.where(observed, extinction, np.nan)),
        "ref_label_flags": np.where(observed, label_flags, 0),
        "ref_star_flags": np.where(observed, star_flags, 0),
        "ref_bad": bad | failed,
    }


def _single(values: FloatArray) -> FloatArray:
    return np.asarray(values).astype(np.float32).astype(np.float64)


def _without_labels(
    stars: Stars, seen: Columns, labelled: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Further M giants with Gaia and all of 2MASS whose spectra gave no labels."""
    complete = np.isfinite(seen["h_mag"]) & np.isfinite(seen["parallax"]) & (seen["gaia_source_id"] > 0)
    free = rng.permutation(np.flatnonzero((stars.kind == "M giant") & ~labelled & complete))
    chosen = np.zeros(len(stars), np.bool_)
    chosen[free[: round(WITHOUT_LABELS * labelled.sum())]] = True
    return chosen


def _velocities(
    true_kms: FloatArray, binaries: Binaries, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean over visits, its error, and the scatter of the visits, which a companion increases."""
    n = len(true_kms)
    error = rng.uniform(*_VELOCITY_ERROR_KMS, n)
    nights = rng.uniform(_FIRST_NIGHT, _LAST_NIGHT, n) + _SPAN_NIGHTS * rng.uniform(size=(_VISITS, n))
    visits = binaries.velocity(nights) + _JITTER_KMS * rng.standard_normal((_VISITS, n))
    return true_kms + visits.mean(axis=0) + error * rng.standard_normal(n), error, visits.std(axis=0, ddof=1)


def _star_flags(snr: FloatArray, scatter: FloatArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """Bits that describe a spectrum's conditions and do not spoil its labels."""
    flags = np.zeros(len(snr), np.int64)
    flags |= BRIGHT_NEIGHBOR * (rng.uniform(size=len(snr)) < 0.06)
    flags |= PERSIST_HIGH * (rng.uniform(size=len(snr)) < 0.04)
    flags |= LOW_SNR * (snr < 30.0)
    flags |= SUSPECT_RV_COMBINATION * (scatter > 3.0)
    return flags


def _label_flags(teff: FloatArray, snr: FloatArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """Warnings of usable labels: near the edge of the grid, or low S/N."""
    edge = (teff < 3500.0) & (rng.uniform(size=len(teff)) < 0.5)
    faint = snr < _WARN_SNR
    flags = TEFF_WARN * edge.astype(np.int64) | SN_WARN * faint
    return np.asarray(flags | STAR_WARN * (edge | faint))
