"""Fetch of the data of Qiu et al. (2023): M giants, catalogues, spectra, APOGEE, Gaia, dust."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.sources.archives.fetching import Client
from pipeline.sources.archives.file_steps import file_step
from pipeline.sources.archives.lamost_steps import ARCHIVE, catalogue_step, spectra_step
from pipeline.sources.archives.plan import Item, State
from pipeline.sources.archives.steps import Estimate, Fetch, Fetching, MissingInputError, Step
from pipeline.sources.archives.tap_answers import SIMULATED_KEY
from pipeline.sources.archives.tap_files import write_result
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
from pipeline.sources.tables.table_file import Field, TableError

CATALOGUES = ("LRS_mstellar", "LRS_catalogue")
"""Catalogues of LAMOST: the official M stars, and all observations, for the identifiers of the other M giants."""

N_M_GIANTS = 43_000
"""M giants of the paper, for estimates."""

OBSERVATION_TABLE = "lrs_catalogue_m_giants.parquet"
"""Rows of the M giants out of the catalogue of all observations."""

_CATALOGUE_STEP, _OBSERVATION_STEP = "lamost-catalogue", "m-giant-observations"
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
    except MissingInputError:  # the list has none: the catalogue has them by obsid
        table = fetching.folder / OBSERVATION_TABLE
    if not table.exists():
        raise MissingInputError(f"{M_GIANT_TABLE} has no Gaia identifiers: step {_OBSERVATION_STEP} must run first.")
    return gaia_identifiers(table)


def _catalogue(fetching: Fetching) -> Path:
    """LAMOST's catalogue of all observations."""
    entries = fetching.plan.entries(_CATALOGUE_STEP, (State.DONE,))
    path = next((entry.item.path for entry in entries if entry.item.name == CATALOGUES[-1]), None)
    if path is None:
        raise MissingInputError(
            f"The catalogue {CATALOGUES[-1]} is not there yet: step {_CATALOGUE_STEP} must run first."
        )
    return fetching.folder / path


def _select_observations(fetching: Fetching) -> Path:
    """Rows of the M giants out of LAMOST's catalogue, so that a build need not read its 11 million."""
    giants, catalogue = _list_of(fetching), _catalogue(fetching)
    target = fetching.folder / OBSERVATION_TABLE
    if target.exists() and target.stat().st_mtime_ns > max(path.stat().st_mtime_ns for path in (giants, catalogue)):
        return target
    wanted = _obsids(giants, fetching.folder)
    table = open_table(catalogue)
    recipe = recognise(table, keep=False).recipes.get("obsid")
    if recipe is None:
        raise MissingInputError(f"{catalogue} has no column obsid: it is not LAMOST's catalogue.")
    names = [item.name for item in table.fields if item.kind != "array"]
    (obsid,) = recipe.columns
    parts = []
    for block in table.blocks(names):
        rows = np.isin(whole_numbers(block[obsid], obsid, catalogue.name), wanted)
        if rows.any():
            parts.append(block[rows])
    if not parts:
        raise MissingInputError(f"{catalogue.name} has no observation of {M_GIANT_TABLE}: are both of one release?")
    selected = pa.Table.from_pandas(pd.concat(parts, ignore_index=True), preserve_index=False)
    fields = [item.with_metadata(_stated(table.by_name[item.name])) for item in selected.schema]
    schema = pa.schema(fields, {SIMULATED_KEY: "true"} if table.simulated else None)
    write_result(target, pa.Table.from_arrays(selected.columns, schema=schema), {"selected from": catalogue.name})
    return target


def _stated(field: Field) -> dict[str, str]:
    return {"unit": field.unit, "ucd": field.ucd, "description": field.description}


def _observations_wait(fetching: Fetching) -> tuple[Item, ...]:
    """No requests; the inputs must be there."""
    _list_of(fetching)
    _catalogue(fetching)
    return ()


def _no_client(_fetching: Fetching) -> Client:
    raise MissingInputError(f"Step {_OBSERVATION_STEP} requests nothing.")


_OBSERVATIONS = Step(
    _OBSERVATION_STEP,
    "rows of the M giants in LAMOST's catalogue",
    _observations_wait,
    _no_client,
    lambda _fetching: Estimate(0, 0, 0.0, "no requests"),
    lambda fetching: (fetching.archives.spectra[ARCHIVE].service,),
    _select_observations,
    request=lambda _fetching: {"selected from": CATALOGUES[-1], "by": f"obsid of {M_GIANT_TABLE}"},
)

QIU2023 = Fetch(
    "qiu2023",
    "all that Qiu et al. (2023) used, for python -m pipeline build qiu2023",
    (
        vizier_step(M_GIANT_STEP, M_GIANT_TABLE),
        catalogue_step(lambda _fetching: CATALOGUES),
        _OBSERVATIONS,
        spectra_step(m_giant_obsids, N_M_GIANTS),
        file_step("apogee", "APOGEE DR17 labels", lambda _fetching: ("allStar",)),
        *gaia_steps(m_giant_identifiers),
        file_step("dust", "dust map Bayestar2019", lambda _fetching: ("bayestar2019",)),
    ),
    results={
        "M giants": M_GIANT_TABLE,
        "LAMOST catalogues": "catalogues",
        "their rows of the M giants": OBSERVATION_TABLE,
        "LAMOST spectra": "spectra",
        "APOGEE DR17": "allStar-dr17-synspec_rev1.fits",
        "Gaia, 2MASS, AllWISE, distances": GAIA_TABLE,
        "dust map": "bayestar2019.h5",
    },
)
