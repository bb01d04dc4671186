"""Folders of the program's own files, the same for the pipeline and the explorer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "MGIANT_HOME"
FOLDER = "mgiant-explorer"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Folder of data that can be recreated: default products, downloads, columns of large catalogues.

    Parameters
    ----------
    environment : mapping of str to str
        Environment variables. ``MGIANT_HOME`` names the folder; without it, ``mgiant-explorer`` below
        ``XDG_CACHE_HOME`` (XDG base directory specification 0.8) or ``~/.cache``.

    Returns
    -------
    Path
        Absolute; not necessarily existing.

    Raises
    ------
    ValueError
        If ``MGIANT_HOME`` starts with the home folder of an unknown user.
    """
    return _named(environment) or _below(environment, "XDG_CACHE_HOME", ".cache")


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Folder of data that cannot be recreated: vetting record, releases, users, secrets.

    As :func:`cache_folder`, with ``XDG_DATA_HOME`` and ``~/.local/share`` in place of the cache.
    """
    return _named(environment) or _below(environment, "XDG_DATA_HOME", ".local/share")


def _named(environment: Mapping[str, str]) -> Path | None:
    """The folder that ``MGIANT_HOME`` names; None when it is not set or empty."""
    named = environment.get(HOME_VARIABLE)
    if not named:
        return None
    try:
        return Path(named).expanduser().resolve()
    except RuntimeError as error:
        raise ValueError(f"{HOME_VARIABLE} is {named!r}: {error} Name a folder by its whole path.") from error


def _below(environment: Mapping[str, str], variable: str, default: str) -> Path:
    """The program's folder below a base folder of the XDG specification, if that is absolute."""
    base = Path(environment.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / default) / FOLDER
