"""Paths of the files of a configuration, and of downloaded files."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.config import RunConfig
from pipeline.home import cache_folder


def download_folder() -> Path:
    """Folder of downloaded files."""
    return cache_folder() / "downloads"


def data_path(config: RunConfig, name: str) -> Path:
    """Resolve a path: beside the configuration, else below ``MGIANT_DATA``, else below the downloads.

    A path that exists nowhere is taken below ``MGIANT_DATA``; without it below the downloads, if a fetch gets the files
    of the configuration, else beside its file.
    """
    written = Path(name).expanduser()
    beside, folder = config.folder / written, os.environ.get("MGIANT_DATA")
    below, downloaded = Path(folder) / written if folder else beside, download_folder() / written
    there = next((place for place in (beside, below, downloaded) if place.exists()), None)
    return there or (downloaded if config.input.fetch and not folder else below)
