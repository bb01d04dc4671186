"""Fetch of the data of Qiu et al. (2023): M giants, catalogues, spectra, APOGEE, Gaia, dust."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.archives.file_steps import file_step
from pipeline.sources.archives.lamost_steps import catalogue_step, spectra_step
from pipeline.sources.archives.plan import State
from pipeline.sources.archives.steps import Fetch, Fetching, MissingInputError
from pipeline.sources.archives.tap_steps import (
    GAIA_TABLE,
    M_GIANT_STEP,
    M_GIANT_TABLE,
    Identifiers,
    gaia_identifiers,
    gaia_steps,
    vizier_step,
)
from pipeline.sources.tables.identifiers import whole_numbers
from pipeline.sources.tables.obsid_lists import listed_obsids
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.table_file import TableError

CATALOGUES = ("LRS_mstellar", "LRS_catalogue")
"""Catalogues of LAMOST: the official M stars, and all observations, for the identifiers of the other M giants."""

N_M_GIANTS = 43_000
"""M giants of the paper, for estimates."""

_CATALOGUE_STEP = "lamost-catalogue"
_UNUSABLE = "Put a list with a column obsid into {folder} as {name}, or name its columns there, and repeat the command."


def m_giant_obsids(fetching: Fetching) -> Iterable[int]:
    """Obsids of the list of M giants.

    Raises
    ------
    MissingInputError
        If the list is not there yet, or has no obsids.
    """
    return (int(number) for number in _obsids(_list_of(fetching), fetching.folder))


def _list_of(fetching: Fetching) -> Path:
    path = fetching.folder / M_GIANT_TABLE
    if not path.exists():
        raise MissingInputError(f"The list of M giants gives the observations: step {M_GIANT_STEP} must run first.")
    return path


def _obsids(path: Path, folder: Path) -> NDArray[np.int64]:
    try:
        return listed_obsids(path)
    except TableError as error:
        raise MissingInputError(f"{error} {_UNUSABLE.format(folder=folder, name=M_GIANT_TABLE)}") from None


def m_giant_identifiers(fetching: Fetching) -> Identifiers:
    """Gaia identifiers of the M giants, from their list, else by obsid from the catalogues.

    Raises
    ------
    MissingInputError
        If the list or the catalogues are not there yet.
    """
    path = _list_of(fetching)
    try:
        return gaia_identifiers(path)
    except MissingInputError:  # the list has none: the catalogues have them by obsid
        obsids = _obsids(path, fetching.folder)
    entries = fetching.plan.entries(_CATALOGUE_STEP)
    if not entries or any(entry.state is not State.DONE for entry in entries):
        raise MissingInputError(f"{M_GIANT_TABLE} has no Gaia identifiers: step {_CATALOGUE_STEP} must run first.")
    catalogues = [fetching.folder / entry.item.path for entry in entries]
    stamps = tuple((path, path.stat().st_mtime_ns) for path in catalogues)
    dr3 = _identifiers_of(stamps, np.sort(obsids).tobytes())
    if not dr3.size:
        raise MissingInputError(f"No catalogue of LAMOST has a Gaia identifier of an observation of {M_GIANT_TABLE}.")
    return Identifiers(dr3, np.empty(0, np.int64))


@lru_cache(maxsize=2)
def _identifiers_of(catalogues: Sequence[tuple[Path, int]], wanted: bytes) -> NDArray[np.int64]:
    """Gaia identifiers of observations in catalogues; files with another time of change are read again."""
    obsids = np.frombuffer(wanted, np.int64)
    every = [_identifiers_in(path, obsids) for path, _ in catalogues]
    return np.unique(np.concatenate(every))


def _identifiers_in(path: Path, obsids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gaia identifiers of observations in one catalogue, read in blocks: it may have 11 million rows."""
    table = open_table(path)
    recipes = recognise(table, keep=False).recipes
    if "obsid" not in recipes or "gaia_source_id" not in recipes:
        return np.empty(0, np.int64)
    names = [recipes[ours].columns[0] for ours in ("obsid", "gaia_source_id")]
    parts = []
    for block in table.blocks(names):
        rows = np.isin(whole_numbers(block[names[0]], names[0], path.name), obsids)
        if rows.any():
            parts.append(whole_numbers(block[names[1]][rows].reset_index(drop=True), names[1], path.name))
    numbers = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return numbers[numbers > 0]


QIU2023 = Fetch(
    "qiu2023",
    "all that Qiu et al. (2023) used, for python -m pipeline build qiu2023",
    (
        vizier_step(M_GIANT_STEP, M_GIANT_TABLE),
        catalogue_step(lambda _fetching: CATALOGUES),
        spectra_step(m_giant_obsids, N_M_GIANTS),
        file_step("apogee", "APOGEE DR17 labels", lambda _fetching: ("allStar",)),
        *gaia_steps(m_giant_identifiers),
        file_step("dust", "dust map Bayestar2019", lambda _fetching: ("bayestar2019",)),
    ),
    results={
        "M giants": M_GIANT_TABLE,
        "LAMOST catalogues": "catalogues",
        "LAMOST spectra": "spectra",
        "APOGEE DR17": "allStar-dr17-synspec_rev1.fits",
        "Gaia, 2MASS, AllWISE, distances": GAIA_TABLE,
        "dust map": "bayestar2019.h5",
    },
)
