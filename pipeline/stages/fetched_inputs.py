"""Missing files of a configuration that a fetch gets, each with address, size, checksum and place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import ConfigError, RunConfig
from pipeline.sources.archives.declared import FETCHES
from pipeline.sources.archives.plan import FetchPlan
from pipeline.sources.archives.profile_reading import load_archives
from pipeline.sources.archives.steps import Fetching, FetchOptions, MissingInputError, Step
from pipeline.stages.paths import data_path, download_folder

_MAX_ITEMS = 3
"""Items of a step that are named one by one."""


def refuse_missing_files(config: RunConfig) -> None:
    """Refuse a build whose files must be fetched first.

    Parameters
    ----------
    config : RunConfig
        With ``input.fetch``; without it nothing is checked here.

    Raises
    ------
    ConfigError
        If ``input.fetch`` names no fetch, or files are missing: with the command that gets them, and for each how it is
        got by hand.
    """
    name = config.input.fetch
    if not name:
        return
    if name not in FETCHES:
        raise ConfigError(f"input.fetch is {name!r}; there are {', '.join(sorted(FETCHES))}.")
    missing = {written: path for written in _files(config) if not (path := data_path(config, written)).exists()}
    if not missing:
        return
    command = f"python -m pipeline fetch {name}"
    head = (
        f"{len(missing)} of the inputs of {config.name!r} are missing. {command} gets them, and continues where it was "
        "stopped. What it cannot get can be put there by hand; then it takes these files and gets the rest."
    )
    lines = [f"{written} is missing: {path}" for written, path in missing.items()]
    raise ConfigError("\n  ".join([head, *lines, *_by_hand(name)]))


def _files(config: RunConfig) -> Iterator[str]:
    """Files and folders that the configuration names, each once."""
    sources = config.input.sources()
    named = [name for source in sources for name in (source.spectra, source.obsids, source.table) if name]
    yield from dict.fromkeys([*named, *([config.distance.dust_file] if config.distance.dust_file else [])])


def _by_hand(name: str) -> Iterator[str]:
    folder = download_folder() / name
    with tempfile.TemporaryDirectory() as temporary, FetchPlan(Path(temporary) / "plan", folder) as plan:
        fetching = Fetching(plan, load_archives(), FetchOptions())
        later = []
        for step in FETCHES[name].steps:
            try:
                yield from _of_step(step, fetching)
            except MissingInputError:
                later.append(step.contents)
    if later:
        yield f"After these files only the command can get: {'; '.join(later)}."


def _of_step(step: Step, fetching: Fetching) -> Iterator[str]:
    items = [item for item in step.items(fetching) if not (fetching.folder / item.path).exists()]
    for item in items[:_MAX_ITEMS]:
        yield f"By hand: {step.contents}: {step.by_hand(fetching, item) or item.path}"
    if len(items) > _MAX_ITEMS:
        yield f"By hand: {step.contents}: and {len(items) - _MAX_ITEMS:,} more"
