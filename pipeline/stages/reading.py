"""Stage "read": stars of the simulated survey, the downloaded XP library, or a group's own files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config import ConfigError
from pipeline.mock.survey import simulate
from pipeline.products.marked_parquet import write_marked
from pipeline.products.product import TRUTH_NAME
from pipeline.science.spectra.resample import rebin
from pipeline.sources.gaia_xp import read_xp_library
from pipeline.sources.wheels import XP_LIBRARY
from pipeline.stages.declared import Stage
from pipeline.stages.fetched_inputs import refuse_missing_files
from pipeline.stages.items import Files, InputColumns, RawSpectra
from pipeline.stages.lamost_reading import raw_grid
from pipeline.stages.paths import data_path, download_folder
from pipeline.stages.ranges import check_input
from pipeline.stages.reading_sources import read_sources
from pipeline.stages.state import BuildState, Progress


def read(state: BuildState, progress: Progress) -> int:
    """Read the configured input."""
    refuse_missing_files(state.config)
    reader = {"mock": _read_mock, "gaia-xp": _read_xp}.get(state.config.input.kind, read_sources)
    reader(state, progress)
    if state.table.empty:
        reasons = pd.Series([reject[3] for reject in state.rejects]).value_counts().to_dict()
        raise ConfigError(f"The input holds no usable star; rejected: {reasons or 'nothing was found'}.")
    check_input(state)
    return len(state)


def _read_mock(state: BuildState, progress: Progress) -> None:
    settings = state.config.input
    progress(0.0, "simulating stars")
    survey = simulate(settings.n_stars, seed=settings.seed, training=settings.n_training)
    grid = raw_grid()
    n = len(survey)
    snr = np.full(n, np.nan)
    with state.write_raw_spectra(grid) as store:
        for number, spectrum in enumerate(survey.spectra()):
            store.append(*rebin(spectrum.wavelength, spectrum.flux, spectrum.ivar, spectrum.mask, grid))
            snr[number] = spectrum.meta["snr"]
            progress((number + 1) / n, "simulating spectra")
    state.table = survey.table.assign(snr=snr.astype(np.float32))
    write_marked(survey.truth, state.draft / TRUTH_NAME, simulated=True)
    state.facts["simulated"] = True
    state.facts["simulated_note"] = (
        f"All {n} observations, their stars, spectra, labels and velocities are simulated (seed {settings.seed}); none "
        "is real."
    )
    state.facts["inputs"] = {f"simulation seed {settings.seed}": ""}


def _read_xp(state: BuildState, progress: Progress) -> None:
    path = download_folder() / Path(XP_LIBRARY.member).name
    if state.config.input.tables:
        path = data_path(state.config, state.config.input.tables[0])
    progress(0.0, "reading the XP library")
    state.record_input(path)
    sample = read_xp_library(path)
    state.table = sample.table.assign(snr=np.mean(sample.flux * np.sqrt(sample.ivar), axis=1))
    for source, obsid, code, reason in sample.rejects:
        state.reject("read", source, obsid, code, reason)
    with state.write_raw_spectra(sample.wavelength) as store:
        store.append(sample.flux, sample.ivar, np.zeros(sample.flux.shape, bool))


READ = Stage("read", read, 20, ("input",), gives=(InputColumns(), RawSpectra(), Files(TRUTH_NAME)))
