"""Columns of Gaia DR3's main table, derived from the simulated ones or irrelevant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.domain.frames import equatorial_to_galactic
from pipeline.mock.published import GAIA_EPOCH

FloatArray = NDArray[np.float64]

_D, _F, _S, _B = pa.float64(), pa.float32(), pa.int16(), pa.bool_()
GAIA_TYPES: dict[str, pa.DataType] = {
    "solution_id": pa.int64(),
    "designation": pa.string(),
    "source_id": pa.int64(),
    "random_index": pa.int64(),
    "ref_epoch": _D,
    "ra": _D,
    "ra_error": _F,
    "dec": _D,
    "dec_error": _F,
    "parallax": _D,
    "parallax_error": _F,
    "parallax_over_error": _F,
    "pm": _F,
    "pmra": _D,
    "pmra_error": _F,
    "pmdec": _D,
    "pmdec_error": _F,
    "parallax_pmra_corr": _F,
    "parallax_pmdec_corr": _F,
    "pmra_pmdec_corr": _F,
    "astrometric_params_solved": _S,
    "nu_eff_used_in_astrometry": _F,
    "pseudocolour": _F,
    "visibility_periods_used": _S,
    "ruwe": _F,
    "duplicated_source": _B,
    "phot_g_n_obs": _S,
    "phot_g_mean_flux": _D,
    "phot_g_mean_mag": _F,
    "phot_bp_mean_mag": _F,
    "phot_rp_mean_mag": _F,
    "phot_bp_rp_excess_factor": _F,
    "bp_rp": _F,
    "radial_velocity": _F,
    "radial_velocity_error": _F,
    "rv_nb_transits": _S,
    "rv_template_teff": _F,
    "grvs_mag": _F,
    "phot_variable_flag": pa.string(),
    "l": _D,
    "b": _D,
    "ecl_lon": _D,
    "ecl_lat": _D,
    "in_qso_candidates": _B,
    "non_single_star": _S,
    "has_xp_continuous": _B,
    "teff_gspphot": _F,
    "logg_gspphot": _F,
    "mh_gspphot": _F,
    "distance_gspphot": _F,
    "ag_gspphot": _F,
}
"""About fifty of the 152 columns of ``gaiadr3.gaia_source``, in its order."""

_SOLUTION = 1_636_148_068_921_376_768
_TILT = np.radians(23.4392911)
_RED_STEP = 1.0 / 1024.0


def red_magnitude(g_mag: FloatArray, bp_rp: FloatArray) -> FloatArray:
    """RP by an approximate colour term, in steps of 1/1024 mag, exact in single precision."""
    return np.round((g_mag - 0.35 * bp_rp - 0.25) / _RED_STEP) * _RED_STEP


def derived(values: dict[str, NDArray[Any]], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Derived columns of Gaia, and irrelevant ones."""
    n = len(values["source_id"])
    solved = np.isfinite(values["parallax"])
    glon, glat = equatorial_to_galactic(values["ra"], values["dec"])
    ecl_lon, ecl_lat = _ecliptic(values["ra"], values["dec"])
    red = red_magnitude(values["phot_g_mean_mag"], values["bp_rp"])
    five = rng.uniform(size=n) < 0.6
    moving = np.isfinite(values["radial_velocity"])
    distance = np.where(solved & (values["parallax"] > 0.1), 1000.0 / np.maximum(values["parallax"], 0.1), np.nan)
    teff = np.where(solved, rng.normal(4200.0, 400.0, n), np.nan)
    return {
        "solution_id": np.full(n, _SOLUTION),
        "designation": np.char.add("Gaia DR3 ", values["source_id"].astype(str)),
        "random_index": rng.permutation(n),
        "ref_epoch": np.full(n, GAIA_EPOCH),
        "ra_error": np.full(n, 0.03),
        "dec_error": np.full(n, 0.03),
        "parallax_over_error": values["parallax"] / values["parallax_error"],
        "pm": np.hypot(values["pmra"], values["pmdec"]),
        "parallax_pmra_corr": np.where(solved, rng.uniform(-0.3, 0.3, n), np.nan),
        "parallax_pmdec_corr": np.where(solved, rng.uniform(-0.3, 0.3, n), np.nan),
        "astrometric_params_solved": np.where(solved, np.where(five, 31, 95), 3),
        "nu_eff_used_in_astrometry": np.where(solved & five, 1.25, np.nan),
        "pseudocolour": np.where(solved & ~five, 1.25, np.nan),
        "visibility_periods_used": np.full(n, 18),
        "duplicated_source": rng.uniform(size=n) < 0.01,
        "phot_g_n_obs": np.full(n, 350),
        "phot_g_mean_flux": 10.0 ** (-0.4 * (values["phot_g_mean_mag"] - 25.6874)),
        "phot_bp_mean_mag": red + values["bp_rp"],
        "phot_rp_mean_mag": red,
        "phot_bp_rp_excess_factor": np.full(n, 1.4),
        "rv_nb_transits": np.where(moving, 12, 0),
        "rv_template_teff": np.where(moving, 3900.0, np.nan),
        "grvs_mag": np.where(moving, red - 0.2, np.nan),
        "phot_variable_flag": np.where(rng.uniform(size=n) < 0.1, "VARIABLE", "NOT_AVAILABLE"),
        "l": glon,
        "b": glat,
        "ecl_lon": ecl_lon,
        "ecl_lat": ecl_lat,
        "in_qso_candidates": np.zeros(n, np.bool_),
        "non_single_star": np.zeros(n, np.int64),
        "has_xp_continuous": values["phot_g_mean_mag"] < 17.65,
        "teff_gspphot": teff,
        "logg_gspphot": np.where(solved, 1.5, np.nan),
        "mh_gspphot": np.where(solved, -0.8, np.nan),
        "distance_gspphot": distance,
        "ag_gspphot": np.where(solved, 0.5, np.nan),
    }


def _ecliptic(ra_deg: FloatArray, dec_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ecliptic longitude and latitude of J2000, deg."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    along, up = y * np.cos(_TILT) + z * np.sin(_TILT), z * np.cos(_TILT) - y * np.sin(_TILT)
    return np.degrees(np.arctan2(along, x)) % 360.0, np.degrees(np.arcsin(np.clip(up, -1.0, 1.0)))
