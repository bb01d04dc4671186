"""Disk space of a build, estimated before it starts: too large a build is refused at once, not after hours."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.config import RunConfig
from pipeline.domain.wavelength import log_grid
from pipeline.failures import AGAIN
from pipeline.stages.inputs import files_below
from pipeline.stages.lamost_reading import raw_grid
from pipeline.stages.paths import data_path

RAW_PIXEL_BYTES = 9
"""Flux and inverse variance in single precision, and the mask."""

REST_PIXEL_BYTES = 17
"""The same, the model and the continuum."""

STAR_BYTES = 8_000
"""Of a star in the catalogue, the tables beside it and the checkpoints; measured: 3,900 with 400 simulated stars."""

FIXED_BYTES = 16_000_000
"""Of the label model and the maps; measured: 8 MB with 108 training stars."""

MARGIN = 1.1


class SpaceError(OSError):
    """The disk has too little room for a build."""


def build_bytes(config: RunConfig) -> int:
    """Estimate the space of a build's work folder, which becomes the product.

    Parameters
    ----------
    config : RunConfig
        Of the build.

    Returns
    -------
    int
        Bytes, 10 % more than the parts add up to; 0 for a build without LAMOST spectra, whose tables are not looked
        into.
    """
    spectra = _spectra(config)
    if not spectra:
        return 0
    rest = log_grid(config.spectra.first_angstrom, config.spectra.last_angstrom).size
    star = raw_grid().size * RAW_PIXEL_BYTES + rest * REST_PIXEL_BYTES + STAR_BYTES
    return int(MARGIN * spectra * star + FIXED_BYTES)


def require_space(config: RunConfig, work: Path) -> None:
    """Refuse a build that cannot fit on the disk.

    Parameters
    ----------
    config : RunConfig
        Of the build.
    work : Path
        Its work folder; what an earlier run left there counts as room.

    Raises
    ------
    SpaceError
        If the estimate is above the free space.
    """
    needed = build_bytes(config)
    place = next((one for one in (work.absolute(), *work.absolute().parents) if one.is_dir()), None)
    if not needed or place is None:
        return
    disk = shutil.disk_usage(place)
    if not disk.total:  # not a disk: /proc; making the folder will say so
        return
    free = disk.free + sum(path.stat().st_blocks * 512 for path in _files(work))
    if free < needed:
        raise SpaceError(
            f"{place} has {free / 1e9:.2f} GB of free space; the build needs about {needed / 1e9:.2f} GB for "
            f"{_spectra(config):,} spectra. Free some there or choose another --output, then {AGAIN}."
        )


def _spectra(config: RunConfig) -> int:
    """Number of spectra of a build, or of files that may be some."""
    if config.input.kind == "mock":
        return config.input.n_stars
    folders = [data_path(config, source.spectra) for source in config.input.sources() if source.spectra]
    return sum(len(files) for folder in folders for _, _, files in os.walk(folder))


def _files(work: Path) -> list[Path]:
    return files_below(work) if work.is_dir() else []
