"""Stream model of a build: from a file, or integrated and cached.

Integrating takes time, and the same seed gives the same particles: the result is kept beside the downloads, under a
name that changes with everything that it depends on.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import warnings
import zipfile
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pipeline.domain import frames
from pipeline.domain.frames import SolarFrame
from pipeline.science.stream import model as stream
from pipeline.science.stream.model import StreamModel, sagittarius_stream_model, stream_from_sky
from pipeline.sources.stream_tables import read_stream_model
from pipeline.stages.paths import data_path, download_folder
from pipeline.stages.state import BuildState

_ARRAYS = tuple(item.name for item in fields(StreamModel) if item.name != "name")


def stream_model(state: BuildState, frame: SolarFrame) -> StreamModel:
    """The configured stream model in the build's frame; a file becomes an input of the build."""
    config = state.config.kinematics
    if config.stream_model:
        path = data_path(state.config, config.stream_model)
        columns = {ours: theirs for ours, theirs in asdict(config.stream_columns).items() if theirs}
        state.record_input(path)
        result = read_stream_model(path, columns, frame)
        return stream_from_sky(
            result.sky, frame, stripped_gyr=result.stripped_gyr, leading=result.leading, name=result.name
        )
    # Not the seed of the simulated survey: its stars must not be compared with the very particles they were put on.
    seed = state.config.input.seed + 1
    return integrated_stream(config.stream_particles, seed, frame, download_folder().parent / "streams")


def integrated_stream(particles: int, seed: int, frame: SolarFrame, folder: Path) -> StreamModel:
    """Integrate the stream, or read the cached result of an earlier build.

    Parameters
    ----------
    particles, seed, frame
        As of :func:`pipeline.science.stream.model.sagittarius_stream_model`.
    folder : Path
        Where streams are kept. One that cannot be read or written costs time, with a warning, never the build.
    """
    path = folder / f"{_key(particles, seed, frame)}.npz"
    if path.is_file():
        try:
            return _load(path, particles)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            warnings.warn(f"The stream model {path} is damaged ({error}); it is integrated again.", stacklevel=2)
    model = sagittarius_stream_model(particles, seed, frame)
    draft = path.with_name(f"{path.stem}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as handle:
            np.savez(handle, name=np.array(model.name), **{name: getattr(model, name) for name in _ARRAYS})
        draft.replace(path)
    except OSError as error:
        warnings.warn(
            f"The stream model cannot be kept in {folder} ({error}); the next build integrates again.", stacklevel=2
        )
    return model


def _key(particles: int, seed: int, frame: SolarFrame) -> str:
    """Hash of all that the particles depend on: settings, seed, frame, galpy, numpy, and code."""
    code = [hashlib.sha256(Path(inspect.getfile(module)).read_bytes()).hexdigest() for module in (stream, frames)]
    settings = [particles, seed, asdict(frame), version("galpy"), version("numpy"), code]
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:32]


def _load(path: Path, particles: int) -> StreamModel:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in _ARRAYS}
        name = str(stored["name"])
    for key, values in arrays.items():
        if values.shape != (particles,):
            raise ValueError(f"its {key} is not {particles} numbers")
    return StreamModel(**arrays, name=name)
