"""Where the files of a configuration and the fetched ones are."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.config import RunConfig
from pipeline.home import cache_folder


def download_folder() -> Path:
    """Where fetched files are kept."""
    return cache_folder() / "downloads"


def data_path(config: RunConfig, name: str) -> Path:
    """A path of the configuration: beside the configuration file where it exists, else below ``MGIANT_DATA``."""
    written = Path(name).expanduser()
    beside, folder = config.folder / written, os.environ.get("MGIANT_DATA")
    return beside if beside.exists() or not folder else Path(folder) / written
