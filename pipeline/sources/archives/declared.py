"""Fetches by name: the data that the archives offer to this program."""

from __future__ import annotations

from pipeline.sources.archives.file_steps import APOGEE, DUST
from pipeline.sources.archives.lamost_steps import LAMOST_CATALOGUE, SPECTRA
from pipeline.sources.archives.qiu2023 import QIU2023
from pipeline.sources.archives.steps import Fetch
from pipeline.sources.archives.tap_steps import GAIA_TABLE, M_GIANT_STEP, M_GIANT_TABLE, gaia_steps, vizier_step

GAIA = Fetch(
    "gaia",
    "Gaia DR3, 2MASS, AllWISE and distances of the sources of a table, from the Gaia archive or its mirrors",
    gaia_steps(),
    ("ids", "names"),
    {"Gaia, 2MASS, AllWISE, distances": GAIA_TABLE},
)
M_GIANTS = Fetch(
    "m-giants",
    "the M giants of Li et al. (2023) from VizieR",
    (vizier_step(M_GIANT_STEP, M_GIANT_TABLE),),
    (),
    {"M giants": M_GIANT_TABLE},
)
FETCHES: dict[str, Fetch] = {
    fetch.name: fetch for fetch in (QIU2023, LAMOST_CATALOGUE, SPECTRA, GAIA, M_GIANTS, APOGEE, DUST)
}
