"""Stage "read": stars from whichever source, spectra onto one observed-frame grid, the unusable to the rejects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import ConfigError
from pipeline.domain.spectrum import SpectrumError
from pipeline.domain.wavelength import log_grid
from pipeline.mock.survey import simulate
from pipeline.products.manifest import file_sha256
from pipeline.products.marked_parquet import write_marked
from pipeline.products.release import TRUTH_NAME
from pipeline.science.blocks import available_threads, in_order
from pipeline.science.repeats import star_numbers
from pipeline.science.resample import rebin
from pipeline.sources.gaia_xp import read_xp_library
from pipeline.sources.lamost_fits import find_spectra, read_spectra, without_repeats
from pipeline.sources.tables import read_tables
from pipeline.sources.wheels import XP_LIBRARY
from pipeline.stages.growing import GrowingArray
from pipeline.stages.state import BuildState, Progress

RAW_FIRST_ANGSTROM = 3700.0
RAW_LAST_ANGSTROM = 9095.0
_BLOCK = 250
_CHUNK = 64
_MANY_FILES = 512
"""From so many files on, starting reader processes (about 3 s) pays."""


def download_folder() -> Path:
    """Where fetched files are kept: ``MGIANT_HOME`` or ``~/.cache/mgiant-explorer``."""
    return Path(os.environ.get("MGIANT_HOME", Path.home() / ".cache" / "mgiant-explorer")) / "downloads"


def data_path(state: BuildState, name: str) -> Path:
    """A path of the configuration: beside the configuration file where it exists, else below ``MGIANT_DATA``."""
    beside, folder = state.config.folder / name, os.environ.get("MGIANT_DATA")
    return beside if beside.exists() or not folder else Path(folder) / name


def read(state: BuildState, progress: Progress) -> int:
    """Read the input that the configuration names."""
    kind = state.config.input.kind
    reader = {"mock": _read_mock, "lamost-fits": _read_fits, "gaia-xp": _read_xp, "table": _read_tables}[kind]
    reader(state, progress)
    if state.table.empty:
        reasons = pd.Series([reject[3] for reject in state.rejects]).value_counts().to_dict()
        raise ConfigError(f"The input holds no usable star; rejected: {reasons or 'nothing was found'}.")
    gaia = state.table["gaia_source_id"].to_numpy(np.int64) if "gaia_source_id" in state.table else None
    star = star_numbers(state.column("ra"), state.column("dec"), gaia)
    state.table = state.table.assign(star=star, n_obs=np.bincount(star)[star].astype(np.int16))
    return len(state.table)


def _raw_grid() -> np.ndarray:
    return log_grid(RAW_FIRST_ANGSTROM, RAW_LAST_ANGSTROM)


def _raw_arrays(state: BuildState, pixels: int, stack: ExitStack) -> dict[str, GrowingArray]:
    """Files of flux, ivar and mask that grow as spectra come, so that only a block is in memory."""
    kinds = {"flux": np.float32, "ivar": np.float32, "mask": bool}
    return {
        name: stack.enter_context(GrowingArray(state.array_path(f"raw_{name}"), pixels, kind))
        for name, kind in kinds.items()
    }


def _read_mock(state: BuildState, progress: Progress) -> None:
    settings = state.config.input
    progress(0.0, "simulating stars")
    survey = simulate(settings.n_stars, seed=settings.seed, training=settings.n_training)
    grid = _raw_grid()
    n = len(survey)
    offset = int(np.argmin(np.abs(survey.wavelength - grid[0])))
    part = slice(offset, offset + grid.size)
    if not np.allclose(survey.wavelength[part], grid, rtol=1e-9):
        raise ValueError("The simulated spectra are not on LAMOST's pixels.")
    snr = np.full(n, np.nan)
    with ExitStack() as stack:
        store = _raw_arrays(state, grid.size, stack)
        for start in range(0, n, _BLOCK):
            rows = slice(start, min(start + _BLOCK, n))
            _, flux, ivar, mask = survey.observe(rows)
            for array, values in zip(store.values(), (flux, ivar, mask), strict=True):
                array.append(values[:, part])
            snr[rows] = (flux * np.sqrt(ivar)).mean(axis=1)
            progress(rows.stop / n, "simulating spectra")
    state.save_array("raw_wavelength", grid)
    state.table = survey.table.assign(snr=snr)
    write_marked(survey.truth, state.draft / TRUTH_NAME, simulated=True)
    state.facts["simulated"] = True
    state.facts["simulated_note"] = (
        f"All {n} observations, their stars, spectra, labels and velocities are simulated (seed {settings.seed}); none "
        "is real."
    )
    state.facts["inputs"] = {f"simulation seed {settings.seed}": ""}


@dataclass(frozen=True)
class _OnGrid:
    """A spectrum on the common observed-frame grid; small enough to travel between processes."""

    obsid: int
    meta: dict[str, Any]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.bool_]


def _read_chunk(paths: list[Path]) -> list[tuple[Path, _OnGrid | SpectrumError]]:
    """Read some files and rebin them; what cannot be used comes back as its error."""
    grid = _raw_grid()
    result: list[tuple[Path, _OnGrid | SpectrumError]] = []
    for path, found in read_spectra(paths):
        if isinstance(found, SpectrumError):
            result.append((path, found))
            continue
        flux, ivar, mask = rebin(found.wavelength, found.flux, found.ivar, found.mask, grid)
        if bool(mask.all()):
            result.append((path, SpectrumError("outside-range", f"{path.name} has no pixel in the range.")))
            continue
        meta = dict(found.meta)
        result.append((path, _OnGrid(found.obsid, meta, flux.astype(np.float32), ivar.astype(np.float32), mask)))
    return result


def _read_in_order(paths: list[Path]) -> Iterator[tuple[Path, _OnGrid | SpectrumError]]:
    """All files in order, read side by side in processes where there are many; a few chunks are under way at a time."""
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    workers = available_threads(None)
    if len(paths) < _MANY_FILES or workers == 1:
        for chunk in chunks:
            yield from _read_chunk(chunk)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for found in in_order(pool, _read_chunk, chunks, 2 * workers):
            yield from found


def _read_fits(state: BuildState, progress: Progress) -> None:
    """Files go to disk one by one: never more than a few hundred spectra are in memory together."""
    paths = find_spectra(data_path(state, state.config.input.spectra))
    grid = _raw_grid()
    rows, simulated = [], 0
    with ExitStack() as stack:
        store = _raw_arrays(state, grid.size, stack)
        for number, (path, found) in enumerate(without_repeats(_read_in_order(paths))):
            if isinstance(found, SpectrumError):
                state.reject("read", path.name, 0, found.code, str(found))
            else:
                for name, array in store.items():
                    array.append(getattr(found, name))
                simulated += bool(found.meta["simulated"])
                rows.append({"obsid": found.obsid, **{k: v for k, v in found.meta.items() if k != "simulated"}})
            progress((number + 1) / len(paths), path.name)
    state.table = pd.DataFrame(rows)
    state.save_array("raw_wavelength", grid)
    if simulated:
        state.facts["simulated"] = True
        state.facts["simulated_note"] = (
            f"{simulated} of {len(rows)} spectra say in their headers that they are simulated."
        )
    state.facts["inputs"] = {state.config.input.spectra: f"{len(paths)} files, named in the catalogue and the rejects"}


def _read_xp(state: BuildState, progress: Progress) -> None:
    name = Path(XP_LIBRARY.member).name
    path = download_folder() / name
    if state.config.input.tables:
        path = data_path(state, state.config.input.tables[0])
    progress(0.0, "reading the XP library")
    sample = read_xp_library(path)
    state.table = sample.table.assign(snr=np.mean(sample.flux * np.sqrt(sample.ivar), axis=1))
    for source, obsid, code, reason in sample.rejects:
        state.reject("read", source, obsid, code, reason)
    state.save_array("raw_wavelength", sample.wavelength)
    state.save_array("raw_flux", sample.flux)
    state.save_array("raw_ivar", sample.ivar)
    state.save_array("raw_mask", np.zeros(sample.flux.shape, bool))
    state.facts["inputs"] = {name: file_sha256(path)}


def _read_tables(state: BuildState, progress: Progress) -> None:
    paths = [data_path(state, name) for name in state.config.input.tables]
    progress(0.0, "reading tables")
    read_stars = read_tables(paths)
    state.table = read_stars.table
    for source, obsid, code, reason in read_stars.rejects:
        state.reject("read", source, obsid, code, reason)
    state.facts["inputs"] = {path.name: file_sha256(path) for path in paths}
    state.facts["report"]["rows_read"] = read_stars.rows_read
