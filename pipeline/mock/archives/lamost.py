"""LAMOST's low-resolution catalogues with the columns of DR10: general, and M stars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.mock.archives.files import Field, records, shortest, texts, write_csv, write_fits_table
from pipeline.mock.archives.sky import FieldStars
from pipeline.mock.fits_layouts import NO_VALUE, Z_ERROR, PlateFolders, observing_date
from pipeline.mock.published import j_name, redshift
from pipeline.mock.survey import FIRST_OBSID, MockSurvey

GENERAL_NAME = "dr10_v2.0_LRS_catalogue.csv.gz"
M_STAR_NAME = "dr10_v2.0_LRS_mstellar.fits"

FIELD_OBSID = FIRST_OBSID + 1_000_000_000
"""First observation of a field star."""

NO_IDENTIFIERS = ("", "0", "-9999")
"""Values of ``gaia_source_id`` without a Gaia source: empty or not positive."""

POOR_METALLICITY = 0.87
"""Fraction of the M giants with a failed LASP metallicity of -1 or 0.

Qiu et al. (2023), section 2.1.
"""

_COMMON = (
    *(("obsid", "K"), ("uid", "20A"), ("gp_id", "K"), ("designation", "19A"), ("obsdate", "10A")),
    *(("lmjd", "J"), ("mjd", "J"), ("planid", "40A"), ("spid", "J"), ("fiberid", "J"), ("ra_obs", "D")),
    *(("dec_obs", "D"), ("snru", "E"), ("snrg", "E"), ("snrr", "E"), ("snri", "E"), ("snrz", "E")),
    *(("class", "10A"), ("subclass", "20A"), ("z", "D"), ("z_err", "D"), ("ps_id", "K")),
    *((f"mag_ps_{band}", "E") for band in "grizy"),
    *(("gaia_source_id", "25A"), ("gaia_g_mean_mag", "E"), ("fibertype", "10A"), ("offsets", "J")),
    *(("offsets_v", "E"), ("ra", "D"), ("dec", "D")),
)
"""Common columns of all tables of spectra, in file order."""

GENERAL_COLUMNS = (*(name for name, _ in _COMMON), "fibermask", "with_norm_flux")

INDICES = ("tio5", "cah2", "cah3", "tio1", "tio2", "tio3", "tio4", "cah1", "caoh")
M_STAR_FIELDS = tuple(
    Field(name, form)
    for name, form in (
        *_COMMON,
        *((f"{name}{end}", "E") for name in ("teff", "logg", "m_h", "ewha", *INDICES) for end in ("", "_err")),
        *(("zeta", "E"), ("zeta_err", "E"), ("type", "10A"), ("na", "E")),
    )
)

_OFFSET_SHARE, _OFFSET_ARCSEC = 0.02, 5.0
_POINTING_ARCSEC = 0.3
_FIELD_CLASSES = ("STAR", "STAR", "STAR", "STAR", "GALAXY", "QSO", "Unknown")
_FIELD_SUBCLASSES = ("F5", "G2", "G8", "K3", "Non", "Non", "Non")


def write_catalogues(
    survey: MockSurvey, spectra: PlateFolders, field: FieldStars, directory: Path, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, int]]:
    """Write both catalogues; the general one includes field stars.

    Parameters
    ----------
    survey : MockSurvey
        The survey.
    spectra : PlateFolders
        Its spectra: S/N and band ratios.
    field : FieldStars
        Stars of other plates.
    directory : Path
        Where.
    rng : Generator
        Randomness.

    Returns
    -------
    general, m_stars : ndarray of int, shape (n,)
        Row of each observation, from 0; -1 where the catalogue has none.
    rows : dict
        Rows of either file by name.
    """
    own, other = _survey_rows(survey, spectra, rng), _field_rows(field, rng)
    order = rng.permutation(len(survey) + len(field))
    values = {name: np.concatenate([own[name], other[name]])[order] for name in GENERAL_COLUMNS}
    _write_general(directory / GENERAL_NAME, values)
    is_m = np.char.startswith(own["subclass"].astype(str), "gM")
    m_rows = rng.permutation(np.flatnonzero(is_m))
    _write_m_stars(directory / M_STAR_NAME, {name: own[name][m_rows] for name in own}, spectra, m_rows, rng)
    m_star = np.full(len(survey), -1)
    m_star[m_rows] = np.arange(m_rows.size)
    return np.argsort(order)[: len(survey)], m_star, {GENERAL_NAME: order.size, M_STAR_NAME: m_rows.size}


def _survey_rows(survey: MockSurvey, spectra: PlateFolders, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    table, n = survey.table, len(survey)
    gaia = table["gaia_source_id"].to_numpy()
    velocity = table["rv_input"].to_numpy(float)
    known = np.isfinite(velocity)
    ra, dec, offset = (table["ra"].to_numpy(), table["dec"].to_numpy(), rng.uniform(size=n) < _OFFSET_SHARE)
    pointed = _pointed(ra, dec, np.where(offset, _OFFSET_ARCSEC, _POINTING_ARCSEC), rng)
    lmjd = table["lmjd"].to_numpy(np.int64)
    nothing = np.array(NO_IDENTIFIERS)[rng.integers(0, len(NO_IDENTIFIERS), n)]
    ps_id = np.where(rng.uniform(size=n) < 0.9, 190_000_000_000_000_000 + np.arange(n), -9999)
    g_mag = table["g_mag"].to_numpy(float)
    return {
        "obsid": table["obsid"].to_numpy(),
        "uid": table["uid"].to_numpy(str),
        "gp_id": np.where(gaia > 0, gaia, ps_id),
        "designation": table["designation"].to_numpy(str),
        "obsdate": np.array([observing_date(int(day)).isoformat() for day in lmjd]),
        "lmjd": lmjd,
        "mjd": lmjd - 1,
        "planid": table["plan_id"].to_numpy(str),
        "spid": table["spectrograph_id"].to_numpy(np.int64),
        "fiberid": table["fiber_id"].to_numpy(np.int64),
        "ra_obs": pointed[0],
        "dec_obs": pointed[1],
        **{f"snr{name[-1].lower()}": values for name, values in spectra.snr.items()},
        "class": table["object_class"].to_numpy(str),
        "subclass": table["subclass"].to_numpy(str),
        "z": np.where(known, redshift(np.nan_to_num(velocity)), NO_VALUE),
        "z_err": np.where(known, Z_ERROR, NO_VALUE),
        "ps_id": ps_id,
        **_pan_starrs(g_mag, table["bp_rp"].to_numpy(float), ps_id > 0),
        "gaia_source_id": np.where(gaia > 0, gaia.astype(str), nothing),
        "gaia_g_mean_mag": g_mag,
        "fibertype": np.full(n, "Obj"),
        "offsets": offset.astype(np.int64),
        "offsets_v": np.where(offset, _OFFSET_ARCSEC, 0.0),
        "ra": ra,
        "dec": dec,
        "fibermask": np.zeros(n, np.int64),
        "with_norm_flux": np.array([int(layout == "dr9") for layout in spectra.layouts]),
    }


def _field_rows(field: FieldStars, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Observations of field stars, galaxies and quasars on separate plates."""
    n = len(field)
    kind = rng.integers(0, len(_FIELD_CLASSES), n)
    classes = np.array(_FIELD_CLASSES)[kind]
    star = classes == "STAR"
    distant = rng.uniform(0.02, 3.0, n)
    z = np.where(star, np.round(rng.normal(0.0, 2e-4, n), 8), np.where(classes == "Unknown", NO_VALUE, distant))
    ra, dec = np.round(field.ra, 6) % 360.0, np.round(field.dec, 6)
    gaia = np.where(star, field.gaia_source_id.astype(str), "-9999")
    lmjd = rng.integers(55_900, 59_700, n)
    return {
        "obsid": FIELD_OBSID + np.arange(n),
        "uid": np.array([f"SIMF{number:010d}" for number in range(n)]),
        "gp_id": field.gaia_source_id,
        "designation": np.array([j_name(*place) for place in zip(ra, dec, strict=True)]),
        "obsdate": np.array([observing_date(int(day)).isoformat() for day in lmjd]),
        "lmjd": lmjd,
        "mjd": lmjd - 1,
        "planid": np.array([f"SIMFIELD{number:04d}" for number in np.arange(n) // 3000]),
        "spid": np.arange(n) // 200 % 16 + 1,
        "fiberid": np.arange(n) % 250 + 1,
        "ra_obs": ra,
        "dec_obs": dec,
        **{f"snr{band}": np.round(np.exp(rng.normal(3.0, 0.7, n)), 2) for band in "ugriz"},
        "class": classes,
        "subclass": np.array(_FIELD_SUBCLASSES)[kind],
        "z": z,
        "z_err": np.where(classes == "Unknown", NO_VALUE, Z_ERROR),
        "ps_id": np.full(n, -9999),
        **{f"mag_ps_{band}": np.full(n, np.nan) for band in "grizy"},
        "gaia_source_id": gaia,
        "gaia_g_mean_mag": np.where(star, field.g_mag, np.nan),
        "fibertype": np.full(n, "Obj"),
        "offsets": np.zeros(n, np.int64),
        "offsets_v": np.zeros(n),
        "ra": ra,
        "dec": dec,
        "fibermask": np.zeros(n, np.int64),
        "with_norm_flux": np.ones(n, np.int64),
    }


def _pointed(
    ra: NDArray[np.float64], dec: NDArray[np.float64], arcsec: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position of the fibre, with six decimals."""
    angle = rng.uniform(0.0, 2.0 * np.pi, ra.size)
    step = arcsec / 3600.0
    return (
        np.round((ra + step * np.cos(angle) / np.cos(np.radians(dec))) % 360.0, 6) % 360.0,
        np.round(dec + step * np.sin(angle), 6),
    )


def _pan_starrs(
    g_mag: NDArray[np.float64], bp_rp: NDArray[np.float64], known: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Pan-STARRS magnitudes by approximate colour terms, for reading tests only."""
    terms = {"g": 0.75, "r": 0.15, "i": -0.25, "z": -0.45, "y": -0.55}
    return {f"mag_ps_{band}": np.where(known, g_mag + term * bp_rp, np.nan) for band, term in terms.items()}


def _write_general(path: Path, values: dict[str, NDArray[Any]]) -> None:
    """Write LAMOST's pipe-separated format with a byte order mark and -9999 for missing numbers."""
    digits = {"ra": "{:.6f}", "dec": "{:.6f}", "ra_obs": "{:.6f}", "dec_obs": "{:.6f}", "z": "{:.8f}", "z_err": "{:g}"}
    columns = {}
    for name in GENERAL_COLUMNS:
        if name == "gaia_g_mean_mag" or name.startswith("mag_ps"):
            columns[name] = shortest(values[name], "-9999")
        else:
            columns[name] = texts(values[name], digits.get(name, "{}"), "-9999")
    write_csv(path, columns, separator="|", byte_order_mark=True)


def _write_m_stars(
    path: Path,
    values: dict[str, NDArray[Any]],
    spectra: PlateFolders,
    rows: NDArray[np.intp],
    rng: np.random.Generator,
) -> None:
    """Write velocities as redshifts, unreliable labels of LASP-M, and band indices with errors."""
    n = rows.size
    noise = np.asarray(1.0 / np.maximum(values["snri"], 5.0))
    poor = rng.uniform(size=n) < POOR_METALLICITY
    m_h = np.where(poor, rng.choice([-1.0, 0.0], n), rng.normal(-0.4, 0.4, n))
    extra: dict[str, NDArray[Any]] = {
        "teff": rng.normal(3700.0, 150.0, n),
        "teff_err": np.full(n, 100.0),
        "logg": rng.choice([0.0, 1.5, 5.0], n) + rng.normal(0.0, 0.3, n),
        "logg_err": np.full(n, 0.5),
        "m_h": m_h,
        "m_h_err": np.where(poor, NO_VALUE, 0.3),
        "ewha": rng.normal(-0.2, 0.3, n),
        "ewha_err": noise,
        "zeta": rng.normal(1.0, 0.1, n),
        "zeta_err": noise,
        "type": np.full(n, "gM"),
        "na": rng.normal(1.1, 0.1, n),
    }
    for number, name in enumerate(INDICES):
        ratio = spectra.ratios[name][rows] if name in spectra.ratios else rng.normal(0.8 - 0.02 * number, 0.1, n)
        extra[name] = np.where(np.isfinite(ratio), ratio, NO_VALUE)
        extra[f"{name}_err"] = np.where(np.isfinite(ratio), 0.4 * noise, NO_VALUE)
    for name in ("gaia_g_mean_mag", *(f"mag_ps_{band}" for band in "grizy")):
        extra[name] = np.nan_to_num(values[name], nan=NO_VALUE)
    write_fits_table(path, M_STAR_FIELDS, [records(M_STAR_FIELDS, values | extra, n)], n)
