"""APOGEE's allStar of DR17 for the simulated survey, or of any length for benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.frames import equatorial_to_galactic
from pipeline.mock import reference
from pipeline.mock.archives.allstar_columns import (
    ALLSTAR_FIELDS,
    ELEMENTS,
    N_ELEMENTS,
    N_GRIDS,
    N_PARAMETERS,
    UNCALIBRATED_MAGNITUDES,
    abundance,
)
from pipeline.mock.archives.files import record_dtype, write_fits_table
from pipeline.mock.archives.gaia import red_magnitude
from pipeline.mock.archives.sky import SurveyStars, jittered
from pipeline.mock.archives.tables import Written
from pipeline.mock.published import tmass_name
from pipeline.mock.survey import FIRST_GAIA_ID, MockSurvey

FloatArray = NDArray[np.float64]
Rows = NDArray[np.void]

ALLSTAR_NAME = "allStar-dr17-synspec_rev1.fits"
FIELD_GAIA_ID = FIRST_GAIA_ID + 20_000_000_000
"""Gaia identifier of the first star that only APOGEE saw."""

BAD_MAGNITUDE, NO_VALUE = 99.0, -9999.99
"""Sentinels of the file; calibrated labels that are missing are NaN."""

NOT_MAIN, DUPLICATE = 1 << 0, 1 << 4
"""Bits of EXTRATARG."""

DUPLICATED_SHARE = 0.10
"""Fraction of the survey's stars with a second row.

Four of five are marked in EXTRATARG, the others have only less S/N.
"""

NO_2MASS_SHARE = 0.02
"""Fraction of the survey's rows with J, H and Ks of 99, although 2MASS has them."""

BLOCK_ROWS = 4000
"""Rows of a block, 17 MB."""

_ASPCAP_TEXTS = {
    reference.TEFF_WARN: "TEFF_WARN",
    reference.STAR_WARN: "STAR_WARN",
    reference.SN_WARN: "SN_WARN",
    reference.TEFF_BAD: "TEFF_BAD",
    reference.STAR_BAD: "STAR_BAD",
    reference.SN_BAD: "SN_BAD",
    reference.NO_ASPCAP_RESULT: "NO_ASPCAP_RESULT",
    reference.FERRE_FAIL: "FERRE_FAIL",
    reference.PROBLEM_TARGET: "PROBLEM_TARGET",
    reference.MULTIPLE_SUSPECT: "MULTIPLE_SUSPECT",
}
_STAR_TEXTS = {
    reference.BRIGHT_NEIGHBOR: "BRIGHT_NEIGHBOR",
    reference.LOW_SNR: "LOW_SNR",
    reference.PERSIST_HIGH: "PERSIST_HIGH",
    reference.SUSPECT_RV_COMBINATION: "SUSPECT_RV_COMBINATION",
    reference.RV_FAIL: "RV_FAIL",
}
_LABELS = {"TEFF": "teff_ref", "LOGG": "logg_ref", "M_H": "m_h_ref", "ALPHA_M": "alpha_m_ref"}
_LABEL_PLACES = {"TEFF": 0, "LOGG": 1, "M_H": 3, "ALPHA_M": 6}
_GAIA = {"PARALLAX": "parallax", "PMRA": "pmra", "PMDEC": "pmdec"}


def write_allstar(
    survey: MockSurvey, stars: SurveyStars, path: Path, field_rows: int, rng: np.random.Generator
) -> Written:
    """Write the survey stars that APOGEE observed, among many field stars.

    Parameters
    ----------
    survey : MockSurvey
        The survey.
    stars : SurveyStars
        Its stars, each once.
    path : Path
        The file.
    field_rows : int
        Rows of stars that the survey lacks.
    rng : Generator
        Randomness.

    Returns
    -------
    Written
        ``row`` is the row to use of each survey star, never a duplicate.
    """
    observed = np.flatnonzero((survey.table["apogee_id"].to_numpy()[stars.row] != "").astype(bool))
    own = _survey_rows(survey, stars, observed, rng)
    second = rng.permutation(len(own))[: round(DUPLICATED_SHARE * len(own))]
    rows = np.concatenate([own, _duplicates(own[second], rng), field_block(field_rows, 0, rng)])
    order = rng.permutation(len(rows))
    place = np.full(len(stars.row), -1)
    place[observed] = np.argsort(order)[: observed.size]
    write_fits_table(path, ALLSTAR_FIELDS, [rows[order]], len(rows), _CARDS)
    return Written(place, len(rows))


def write_long_allstar(path: Path, rows: int, seed: int, progress: Callable[[float], None]) -> None:
    """Write an allStar of field stars only, in blocks with little memory.

    Parameters
    ----------
    path : Path
        The file.
    rows : int
        Rows; the real file has 733,901.
    seed : int
        Of the values.
    progress : callable
        Receives the fraction done.
    """
    write_fits_table(path, ALLSTAR_FIELDS, _blocks(rows, seed, progress), rows, _CARDS)


_CARDS = (("VERSION", "SIMULATD", "layout of DR17, synspec_rev1"),)


def _blocks(rows: int, seed: int, progress: Callable[[float], None]) -> Iterator[Rows]:
    for first in range(0, rows, BLOCK_ROWS):
        last = min(first + BLOCK_ROWS, rows)
        yield field_block(last - first, first, np.random.default_rng((seed, first)))
        progress(last / rows)


def field_block(rows: int, first: int, rng: np.random.Generator) -> Rows:
    """Rows of field stars: dwarfs and giants, some without labels, magnitudes, A_K or Gaia source.

    Parameters
    ----------
    rows : int
        How many.
    first : int
        Number of the first; it makes the identifiers.
    rng : Generator
        Randomness.
    """
    ra, dec = rng.uniform(0.0, 360.0, rows), np.degrees(np.arcsin(rng.uniform(-0.9, 0.99, rows)))
    h_mag = rng.uniform(7.0, 13.8, rows)
    jk = np.clip(rng.normal(0.75, 0.2, rows), 0.2, 1.6)
    unlabelled = rng.uniform(size=rows) < 0.05
    snr = np.round(np.exp(rng.normal(4.8, 0.6, rows)), 2)
    distance = np.exp(rng.normal(0.5, 0.8, rows))
    values: dict[str, NDArray[Any]] = {
        "ra": ra,
        "dec": dec,
        "j_mag": np.round(h_mag + 0.75 * jk, 3),
        "h_mag": np.round(h_mag, 3),
        "k_mag": np.round(h_mag - 0.2 * jk, 3),
        **{f"{band}_mag_err": np.full(rows, 0.024) for band in "jhk"},
        "a_k_ref": np.where(rng.uniform(size=rows) < 0.05, np.nan, np.abs(rng.normal(0.1, 0.1, rows))),
        "rv_ref": rng.normal(0.0, 60.0, rows),
        "rv_ref_err": np.full(rows, 0.05),
        "rv_ref_scatter": np.abs(rng.normal(0.1, 0.1, rows)),
        "snr_ref": snr,
        "ref_label_flags": np.where(unlabelled, reference.STAR_BAD | reference.TEFF_BAD, 0),
        "ref_star_flags": np.where(snr < 30.0, reference.LOW_SNR, 0),
        "teff_ref": rng.uniform(3300.0, 6500.0, rows),
        "logg_ref": rng.uniform(0.0, 4.8, rows),
        "m_h_ref": rng.normal(-0.3, 0.3, rows),
        "alpha_m_ref": rng.normal(0.08, 0.1, rows),
        **{f"{name}_err": np.full(rows, 0.02) for name in ("logg_ref", "m_h_ref", "alpha_m_ref")},
        "teff_ref_err": np.full(rows, 25.0),
        "gaia_source_id": np.where(rng.uniform(size=rows) < 0.02, 0, FIELD_GAIA_ID + first + np.arange(rows)),
        "parallax": 1.0 / distance,
        "parallax_err": np.full(rows, 0.02),
        "pmra": rng.normal(0.0, 10.0, rows),
        "pmra_err": np.full(rows, 0.02),
        "pmdec": rng.normal(0.0, 10.0, rows),
        "pmdec_err": np.full(rows, 0.02),
        "g_mag": h_mag + 1.3 + 1.5 * jk,
        "bp_rp": 0.3 + 1.5 * jk,
        "rv_gaia": np.full(rows, np.nan),
        "distance_geo": distance,
        "distance_geo_16": 0.97 * distance,
        "distance_geo_84": 1.03 * distance,
    }
    for name in ("teff_ref", "logg_ref", "m_h_ref", "alpha_m_ref"):
        values[name][unlabelled] = np.nan
        values[f"{name}_err"][unlabelled] = np.nan
    names = np.array([f"2M{tmass_name(*place)}" for place in zip(ra.tolist(), dec.tolist(), strict=True)])
    missing = rng.uniform(size=rows) < 0.03
    return _rows(values, names, missing, np.where(rng.uniform(size=rows) < 0.3, NOT_MAIN, 0), rng)


def _survey_rows(survey: MockSurvey, stars: SurveyStars, observed: NDArray[np.intp], rng: np.random.Generator) -> Rows:
    table = survey.table.iloc[stars.row[observed]]
    values: dict[str, NDArray[Any]] = {
        name: table[name].to_numpy() for name in table.columns if table[name].dtype.kind in "fi"
    }
    values["ra"], values["dec"] = jittered((stars.ra[observed], stars.dec[observed]), rng)
    special = survey.truth["component"].to_numpy()[stars.row[observed]] == "sagittarius"
    missing = rng.uniform(size=observed.size) < NO_2MASS_SHARE
    return _rows(values, table["apogee_id"].to_numpy(str), missing, np.where(special, NOT_MAIN, 0), rng)


def _duplicates(rows: Rows, rng: np.random.Generator) -> Rows:
    """Second rows of stars of another telescope: less S/N, other labels and velocities."""
    second, n = rows.copy(), len(rows)
    second["TELESCOPE"] = b"lco25m"
    second["FIELD"] = b"SIMDUP"
    for name in ("FILE", "TARGET_ID", "APSTAR_ID", "ASPCAP_ID"):
        second[name] = np.char.replace(rows[name], b"apo25m", b"lco25m")
    second["SNR"] = np.round(rows["SNR"] * rng.uniform(0.3, 0.8, n), 2)
    second["SNREV"] = second["SNR"]
    for name, error in (("TEFF", 30.0), ("LOGG", 0.1), ("M_H", 0.05), ("ALPHA_M", 0.05), ("VHELIO_AVG", 0.5)):
        second[name] = rows[name] + error * rng.standard_normal(n)
    second["EXTRATARG"] |= np.where(np.arange(n) % 5 < 4, DUPLICATE, 0)
    return second


def _rows(
    values: Mapping[str, NDArray[Any]],
    names: NDArray[np.str_],
    no_magnitudes: NDArray[np.bool_],
    extra: NDArray[np.int64],
    rng: np.random.Generator,
) -> Rows:
    """Rows of the file from catalogue columns."""
    n = len(names)
    rows = np.zeros(n, record_dtype(ALLSTAR_FIELDS))
    _name(rows, np.char.encode(names, "ascii"))
    rows["RA"], rows["DEC"] = values["ra"], values["dec"]
    rows["GLON"], rows["GLAT"] = equatorial_to_galactic(values["ra"], values["dec"])
    for band in "jhk":
        for ours, theirs in ((f"{band}_mag", band.upper()), (f"{band}_mag_err", f"{band.upper()}_ERR")):
            rows[theirs] = np.where(no_magnitudes | np.isnan(values[ours]), BAD_MAGNITUDE, values[ours])
    for name in UNCALIBRATED_MAGNITUDES:
        rows[name] = BAD_MAGNITUDE
    rows["AK_TARG"] = np.nan_to_num(values["a_k_ref"], nan=NO_VALUE)
    rows["AK_WISE"] = np.nan_to_num(1.1 * values["a_k_ref"], nan=NO_VALUE)
    rows["SFD_EBV"] = np.abs(rng.normal(0.3, 0.2, n))
    rows["AK_TARG_METHOD"] = b"RJCE_WISE"
    rows["NVISITS"] = rng.integers(1, 12, n)
    rows["SNR"] = rows["SNREV"] = values["snr_ref"]
    rows["STARFLAG"] = values["ref_star_flags"]
    rows["STARFLAGS"] = _flag_texts(rows["STARFLAG"], _STAR_TEXTS)
    rows["VHELIO_AVG"], rows["VERR"], rows["VSCATTER"] = (
        values[name] for name in ("rv_ref", "rv_ref_err", "rv_ref_scatter")
    )
    rows["RV_FLAG"] = np.isnan(values["rv_ref"])
    rows["N_COMPONENTS"] = 1
    rows["EXTRATARG"] = extra
    rows["ASPCAPFLAG"] = values["ref_label_flags"]
    rows["ASPCAPFLAGS"] = _flag_texts(rows["ASPCAPFLAG"], _ASPCAP_TEXTS)
    _gaia(rows, values, rng)
    _labels(rows, values, rng)
    return rows


def _name(rows: Rows, names: NDArray[np.bytes_]) -> None:
    field = b"SIMFIELD"
    rows["APOGEE_ID"] = names
    rows["TELESCOPE"], rows["FIELD"], rows["LOCATION_ID"] = b"apo25m", field, 9000
    rows["FILE"] = np.char.add(np.char.add(b"apStar-dr17-", names), b"-apo25m.fits")
    rows["TARGET_ID"] = np.char.add(b"apo25m." + field + b".", names)
    rows["APSTAR_ID"] = np.char.add(b"apogee.apo25m.stars." + field + b".", names)
    rows["ASPCAP_ID"] = np.char.add(b"apogee.apo25m.synspec_rev1." + field + b".", names)
    rows["SRC_H"], rows["SURVEY"], rows["PROGRAMNAME"] = b"2MASS", b"simulated", b"simulated"


def _gaia(rows: Rows, values: Mapping[str, NDArray[Any]], rng: np.random.Generator) -> None:
    """Gaia EDR3 as repeated by APOGEE, with the different velocities of DR2."""
    n, known = len(rows), values["gaia_source_id"] > 0

    def held(name: str) -> FloatArray:
        return np.where(known, values[name], np.nan)

    rows["GAIAEDR3_SOURCE_ID"] = values["gaia_source_id"]
    for theirs, ours in _GAIA.items():
        rows[f"GAIAEDR3_{theirs}"], rows[f"GAIAEDR3_{theirs}_ERROR"] = held(ours), held(f"{ours}_err")
    g_mag, bp_rp = held("g_mag"), held("bp_rp")
    red = red_magnitude(g_mag, bp_rp)
    for band, magnitude in (("G", g_mag), ("BP", red + bp_rp), ("RP", red)):
        rows[f"GAIAEDR3_PHOT_{band}_MEAN_MAG"] = magnitude
    old = (values["rv_gaia"] + rng.normal(0.3, 0.8, n)) * np.where(rng.uniform(size=n) < 0.5, 1.0, np.nan)
    rows["GAIAEDR3_DR2_RADIAL_VELOCITY"] = old
    rows["GAIAEDR3_DR2_RADIAL_VELOCITY_ERROR"] = np.where(np.isfinite(old), 0.8, np.nan)
    for part, ours in (("MED", "distance_geo"), ("LO", "distance_geo_16"), ("HI", "distance_geo_84")):
        rows[f"GAIAEDR3_R_{part}_GEO"] = 1000.0 * held(ours).astype(float)
        rows[f"GAIAEDR3_R_{part}_PHOTOGEO"] = 1020.0 * held(ours).astype(float)


def _labels(rows: Rows, values: Mapping[str, NDArray[Any]], rng: np.random.Generator) -> None:
    """Calibrated labels (NaN if missing), and raw arrays (-9999.99 if missing)."""
    n = len(rows)
    labelled = np.isfinite(values["teff_ref"])
    missing = ~labelled
    for name in ("PARAM", "FPARAM"):
        rows[name] = NO_VALUE
    rows["FPARAM_GRID"], rows["CHI2_GRID"] = NO_VALUE, NO_VALUE
    raw = rng.standard_normal((n, N_PARAMETERS), np.float32)
    rows["FPARAM_COV"] = (0.01 * raw[:, :, None] * raw[:, None, :]).reshape(n, -1)
    rows["PARAM_COV"] = rows["FPARAM_COV"]
    for theirs, ours in _LABELS.items():
        label, error, place = values[ours], values[f"{ours}_err"], _LABEL_PLACES[theirs]
        rows[theirs], rows[f"{theirs}_ERR"] = label, error
        rows["PARAM"][:, place] = np.where(labelled, label, NO_VALUE)
        rows["FPARAM"][:, place] = np.where(labelled, label + np.nan_to_num(error), NO_VALUE)
        rows["PARAMFLAG"][:, place] = np.where(labelled, 0, 1)
    rows["TEFF_SPEC"], rows["LOGG_SPEC"] = rows["FPARAM"][:, 0], rows["FPARAM"][:, 1]
    rows["VMICRO"] = np.where(labelled, 1.8, NO_VALUE)
    rows["VMACRO"], rows["VSINI"] = np.nan, NO_VALUE
    for theirs, place in (("RV_TEFF", 0), ("RV_LOGG", 1), ("RV_FEH", 3)):
        rows[theirs] = np.where(labelled, rows["PARAM"][:, place], NO_VALUE)
    rows["ASPCAP_CHI2"] = np.exp(rng.normal(2.0, 0.7, n))
    rows["ASPCAP_GRID"] = np.where(labelled, b"GKg_b", b"")
    grid = rng.integers(0, N_GRIDS, n)
    rows["CHI2_GRID"][np.arange(n), grid] = rows["ASPCAP_CHI2"]
    abundances = 0.08 * rng.standard_normal((n, N_ELEMENTS), np.float32)
    absolute = abundances + np.nan_to_num(values["m_h_ref"]).astype(np.float32)[:, None]
    for name, elements in (("X_M", abundances), ("X_H", absolute), ("X_M_SPEC", abundances), ("X_H_SPEC", absolute)):
        rows[name] = np.where(missing[:, None], NO_VALUE if name.endswith("SPEC") else np.nan, elements)
    rows["FELEM"] = np.where(missing[:, None], NO_VALUE, absolute)
    rows["FELEM_ERR"], rows["X_H_ERR"], rows["X_M_ERR"] = 0.02, 0.02, 0.02
    rows["ELEM_CHI2"], rows["ELEMFRAC"] = 1.0, 1.0
    for number, element in enumerate(ELEMENTS):
        name = abundance(element)
        value = (absolute if element == "FE" else abundances)[:, number]
        rows[name] = np.where(missing, np.nan, value)
        rows[f"{name}_SPEC"] = np.where(missing, NO_VALUE, value)
        rows[f"{name}_ERR"] = np.where(missing, np.nan, 0.02)
        rows[f"{name}_FLAG"] = missing
    rows["VISIT_PK"] = -1
    rows["VISIT_PK"][:, 0] = rng.integers(0, 2_600_000, n)


def _flag_texts(flags: NDArray[np.int64], texts: Mapping[int, str]) -> NDArray[np.bytes_]:
    """Names of the bits, separated by commas."""
    values, member = np.unique(flags, return_inverse=True)
    report = [",".join(text for bit, text in texts.items() if int(value) & bit) for value in values]
    return (
        np.array([text.encode() for text in report] or [b""])[member.reshape(-1)] if len(flags) else np.array([], "S1")
    )
