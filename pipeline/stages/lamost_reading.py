"""Reading of LAMOST spectra onto the common observed-frame grid, in parallel for many files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.spectrum import Spectrum, SpectrumError
from pipeline.domain.wavelength import log_grid
from pipeline.science.blocks import available_threads
from pipeline.science.spectra.resample import rebin
from pipeline.sources.bounded_files import read_bounded, unpacked
from pipeline.sources.folders import shown_name
from pipeline.sources.lamost_fits import spectrum_of
from pipeline.sources.packed_images import may_hold_packed_image
from pipeline.stages.inputs import InputRecord
from pipeline.stages.reader_processes import IsolatedReader, ReadResult, read_side_by_side

RAW_FIRST_ANGSTROM = 3700.0
RAW_LAST_ANGSTROM = 9095.0
_CHUNK = 64
_MANY_FILES = 512
"""Number of files from which reader processes (about 3 s to start) are faster."""


def raw_grid() -> NDArray[np.float64]:
    """Wavelengths of LAMOST's own pixels in the range of all files, Angstrom."""
    return log_grid(RAW_FIRST_ANGSTROM, RAW_LAST_ANGSTROM)


@dataclass(frozen=True)
class SpectrumOnGrid:
    """A spectrum on the common observed-frame grid, small enough to pass between processes."""

    obsid: int
    meta: dict[str, Any]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.bool_]


def _read_chunk(paths: list[Path]) -> list[tuple[InputRecord, SpectrumOnGrid | SpectrumError]]:
    """Read and rebin some files; an unusable one gives its error, each with the record of its file.

    The hash is that of the bytes that were read; a file that is not read, as a too large one, has none.
    """
    grid = raw_grid()
    result: list[tuple[InputRecord, SpectrumOnGrid | SpectrumError]] = []
    for path in paths:
        record = InputRecord.of_file(path, "")
        try:
            content = read_bounded(path)
            record = replace(record, sha256=hashlib.sha256(content).hexdigest())
            result.append((record, _on_grid(spectrum_of(content, path), path, grid)))
        except SpectrumError as error:
            result.append((record, error))
    return result


def _on_grid(result: Spectrum, path: Path, grid: NDArray[np.float64]) -> SpectrumOnGrid:
    flux, ivar, mask = rebin(result.wavelength, result.flux, result.ivar, result.mask, grid)
    if bool(mask.all()):
        raise SpectrumError("outside-range", f"{shown_name(path.name)} has no pixel in the range.")
    return SpectrumOnGrid(result.obsid, dict(result.meta), flux.astype(np.float32), ivar.astype(np.float32), mask)


def read_in_order(
    paths: list[Path], records: list[InputRecord]
) -> Iterator[tuple[Path, SpectrumOnGrid | SpectrumError]]:
    """Read all files in order, in parallel processes for many; a few chunks at a time.

    Packed images, which C code unpacks, are always read in another process. The record of each file is appended to
    ``records``.
    """
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    workers = available_threads(None)
    here = len(paths) < _MANY_FILES or workers == 1
    for record, result in _read_here(paths) if here else read_side_by_side(_read_chunk, chunks, workers):
        records.append(record)
        yield Path(record.path), result


def _read_here(paths: list[Path]) -> Iterator[ReadResult]:
    with IsolatedReader(_read_chunk) as isolated:
        for path in paths:
            yield isolated.read(path) if _may_be_packed(path) else _read_chunk([path])[0]


def _may_be_packed(path: Path) -> bool:
    try:
        return may_hold_packed_image(unpacked(read_bounded(path), path.name))
    except SpectrumError:  # reading it gives the reason
        return False
