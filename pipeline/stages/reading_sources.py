"""Reading of a group's own files: spectra onto the common grid, tables joined to their stars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config import ConfigError, SourceConfig
from pipeline.domain.columns import BY_NAME
from pipeline.domain.spectrum import SpectrumError
from pipeline.sources.folders import Listing, shown_name
from pipeline.sources.gaia_xp import is_xp_table, read_xp_spectra
from pipeline.sources.lamost_fits import find_spectra, without_repeats
from pipeline.sources.tables.obsid_lists import listed_obsids
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.star_columns import StarColumns
from pipeline.stages.inputs import InputRecord
from pipeline.stages.joining import join, read_table
from pipeline.stages.lamost_reading import raw_grid, read_in_order
from pipeline.stages.paths import data_path
from pipeline.stages.star_table import StarTable, base_of_spectra, base_of_table
from pipeline.stages.state import BuildState, Progress

_MAX_LISTED = 1000
_NOT_COLUMNS = ("simulated", "problems")


def read_sources(state: BuildState, progress: Progress) -> None:
    """Read spectra and tables of the configuration into one star table."""
    sources = state.config.input.sources()
    spectra = [source for source in sources if source.spectra]
    tables = [source for source in sources if source.table]
    base = _read_spectra(state, spectra, progress) if spectra else None
    read = [(source, _read_table(state, source, has_spectra=bool(spectra))) for source in tables]
    if base is None:
        base = base_of_table(read[0][1])
        read = read[1:]
    share = 0.8 if spectra else 0.3
    result = join(base, read, lambda fraction, words: progress(share + (1.0 - share) * fraction, words))
    _publish(state, result)


def _publish(state: BuildState, result: StarTable) -> None:
    state.own = tuple(result.own)
    state.table = result.frame
    for source, obsid, code, reason in result.rejects:
        state.reject("read", source, obsid, code, reason)
    state.facts["tables"] = result.tables
    state.facts["report"]["rows_read"] = result.rows_read
    matches = {table["file"]: table["match"] for table in result.tables if "match" in table}
    if matches:
        state.facts["report"]["cross_match"] = matches
    if result.simulated:
        state.facts["simulated"] = True
        text = ", ".join(result.simulated[:5])
        note = f"{text} {'says' if len(result.simulated) == 1 else 'say'} of themselves that they are simulated."
        state.facts["simulated_note"] = " ".join(part for part in (state.facts["simulated_note"], note) if part)


def _read_table(state: BuildState, source: SourceConfig, *, has_spectra: bool) -> StarColumns:
    path = data_path(state.config, source.table)
    state.record_input(path)
    if source.table in state.tables:
        return state.tables.pop(source.table)
    return read_table(source, path, measured=state.measured, has_spectra=has_spectra)


def _read_spectra(state: BuildState, sources: Sequence[SourceConfig], progress: Progress) -> StarTable:
    paths = [data_path(state.config, source.spectra) for source in sources]
    files = [path for path in paths if path.is_file()]
    if not files:
        return _read_folders(state, list(zip(sources, paths, strict=True)), progress)
    if len(sources) > 1:
        raise ConfigError(f"{files[0].name} holds XP spectra, which cannot be joined with other spectra in one build.")
    return _read_xp(state, files[0], progress)


def _read_xp(state: BuildState, path: Path, progress: Progress) -> StarTable:
    """Read a table of Gaia XP spectra."""
    table = open_table(path)
    if not is_xp_table(table):
        raise ConfigError(
            f"{path.name} is a table without sampled XP spectra (arrays flux and flux_error). Name a folder of LAMOST "
            "spectra, or give it as table = ... instead of spectra = ..."
        )
    progress(0.0, f"reading {path.name}")
    state.record_input(path)
    sample = read_xp_spectra(table)
    for source, obsid, code, reason in sample.rejects:
        state.reject("read", source, obsid, code, reason)
    order = np.argsort(sample.table["obsid"].to_numpy(np.int64))
    with state.write_raw_spectra(sample.wavelength) as store:
        store.append(sample.flux[order], sample.ivar[order], np.zeros(sample.flux.shape, bool))
    snr = np.mean(sample.flux * np.sqrt(sample.ivar), axis=1)
    frame = sample.table.assign(snr=snr).take(order).reset_index(drop=True)
    return StarTable(
        frame,
        epoch_yr=np.full(len(frame), np.nan),
        rows_read=len(frame),
        simulated=[table.name] if table.simulated else [],
    )


def _read_folders(state: BuildState, folders: Sequence[tuple[SourceConfig, Path]], progress: Progress) -> StarTable:
    """Read LAMOST FITS files to disk one by one, with at most a few hundred spectra in memory."""
    wanted = {path.absolute(): _listed(state, source) for source, path in folders if source.obsids}
    progress(0.0, "listing the folders")
    below = {path.absolute(): find_spectra(path.absolute()) for _, path in folders}
    for listing in below.values():
        for problem in listing.problems:
            state.reject("read", shown_name(problem.path.name), 0, problem.code, problem.reason)
    records: list[InputRecord] = []
    rows, simulated, passed = _read_files(state, below, wanted, records, progress)
    called = {path.absolute(): source.spectra for source, path in folders}
    start = 0
    for folder, listing in below.items():  # records are in the order of the files
        part = records[start : start + len(listing)]
        start += len(part)
        state.record_folder(folder, called[folder], part, ", named in the catalogue and the rejects")
    if passed:
        state.facts["report"]["spectra_not_listed"] = passed
    for listed in wanted.values():
        _reject_absent(state, listed, {row["obsid"] for row in rows})
    if not rows:
        reasons = pd.Series([reject[3] for reject in state.rejects]).value_counts().to_dict()
        raise ConfigError(f"The folders hold no usable spectrum; rejected: {reasons or f'{passed} not in the list'}.")
    if simulated:
        state.facts["simulated"] = True
        state.facts["simulated_note"] = (
            f"{simulated} of {len(rows)} spectra say in their headers that they are simulated."
        )
    order = np.argsort([row["obsid"] for row in rows], kind="stable")
    if (order != np.arange(order.size)).any():
        state.reorder_raw_spectra(order)
    base = base_of_spectra([rows[place] for place in order])
    floats = {name: BY_NAME[name].dtype for name in base.frame.columns if name in BY_NAME and BY_NAME[name].is_float}
    base.frame = base.frame.astype(floats)
    base.rows_read = len(records)
    return base


def _read_files(
    state: BuildState,
    below: Mapping[Path, Listing],
    wanted: Mapping[Path, set[int]],
    records: list[InputRecord],
    progress: Progress,
) -> tuple[list[dict[str, Any]], int, int]:
    """Read spectra to disk; return the star table, and the numbers of simulated and unlisted spectra."""
    files = [file for listing in below.values() for file in listing]
    lists = {file: wanted[folder] for folder, listing in below.items() if folder in wanted for file in listing}
    rows: list[dict[str, Any]] = []
    simulated, passed = 0, 0
    with state.write_raw_spectra(raw_grid()) as store:
        for number, (path, result) in enumerate(without_repeats(read_in_order(files, records))):
            name = shown_name(path.name)
            progress(0.8 * (number + 1) / len(files), name)
            if isinstance(result, SpectrumError):
                state.reject("read", name, 0, result.code, str(result))
                continue
            if path in lists and result.obsid not in lists[path]:
                passed += 1
                continue
            store.append(result.flux, result.ivar, result.mask)
            simulated += bool(result.meta["simulated"])
            rows.append({"obsid": result.obsid, **{k: v for k, v in result.meta.items() if k not in _NOT_COLUMNS}})
            for problem in result.meta["problems"]:
                state.reject("read", name, result.obsid, "value-out-of-range", problem)
    return rows, simulated, passed


def _listed(state: BuildState, source: SourceConfig) -> set[int]:
    """Obsids of a list that restricts the spectra."""
    path = data_path(state.config, source.obsids)
    state.record_input(path)
    return set(listed_obsids(path).tolist())


def _reject_absent(state: BuildState, listed: set[int], result: set[int]) -> None:
    """Reject listed obsids without a spectrum."""
    absent = sorted(listed - result)
    for obsid in absent[:_MAX_LISTED]:
        state.reject("read", "", obsid, "no-spectrum", "The list names it and no spectrum of that obsid was read.")
    if len(absent) > _MAX_LISTED:
        more = len(absent) - _MAX_LISTED
        state.reject("read", "", 0, "no-spectrum", f"{more:,} more listed obsids have no spectrum.")
