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
    """Resolve a path of the configuration: beside its file if it exists, else below ``MGIANT_DATA``."""
    written = Path(name).expanduser()
    beside, folder = config.folder / written, os.environ.get("MGIANT_DATA")
    return beside if beside.exists() or not folder else Path(folder) / written
