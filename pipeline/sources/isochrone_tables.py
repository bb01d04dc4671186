"""PARSEC red-giant branches: cut from the full grid once, kept as a compact table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

_RED_GIANT_BRANCH = 3
_AGES_LOG = (9.0, 9.24, 9.48, 9.6, 9.72, 9.84, 9.96, 10.08, 10.2)


def compact_branches(path: Path) -> dict[str, NDArray[Any]]:
    """Cut the red-giant branches (label 3, log g < 3.5) of nine ages and all metallicities.

    Parameters
    ----------
    path : Path
        The grid of :data:`pipeline.sources.wheels.PARSEC_GRID`.

    Returns
    -------
    dict of ndarray
        Float32 columns ``age_gyr``, ``m_h``, ``teff`` [K], ``logg``, ``jk0`` [mag], ``k_abs`` [mag], ``j_abs``,
        ``g_abs``, ``bp_rp0`` [mag], ``mass`` [solar], ``imf`` (integral of the initial mass function); rows ordered by
        age, metallicity and initial mass.
    """
    grid = Table.read(path)
    keep = (grid["LABEL"] == _RED_GIANT_BRANCH) & (grid["LOGG"] < 3.5)
    keep &= np.any([np.abs(grid["LOGAGE"] - age) < 0.01 for age in _AGES_LOG], axis=0)
    grid = grid[keep]
    order = np.lexsort((grid["MINI"], grid["MH"], grid["LOGAGE"]))
    grid = grid[order]
    columns = {
        "age_gyr": 10.0 ** (np.asarray(grid["LOGAGE"]) - 9.0),
        "m_h": np.asarray(grid["MH"]),
        "teff": 10.0 ** np.asarray(grid["LOGTE"]),
        "logg": np.asarray(grid["LOGG"]),
        "jk0": np.asarray(grid["TMASS_JMAG"] - grid["TMASS_KSMAG"]),
        "k_abs": np.asarray(grid["TMASS_KSMAG"]),
        "j_abs": np.asarray(grid["TMASS_JMAG"]),
        "g_abs": np.asarray(grid["GAIAEDR3_GMAG"]),
        "bp_rp0": np.asarray(grid["GAIAEDR3_GBPMAG"] - grid["GAIAEDR3_GRPMAG"]),
        "mass": np.asarray(grid["MASS"]),
        "imf": np.asarray(grid["INT_IMF"]),
    }
    return {name: values.astype(np.float32) for name, values in columns.items()}
