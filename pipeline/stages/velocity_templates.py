"""Templates of the rv stage: synthetic, observed, data-driven, or from grids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.config import ConfigError
from pipeline.domain.settings import SpectraConfig, VelocityConfig
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.radial_velocity import TemplateSet
from pipeline.science.velocity.templates import (
    data_driven_templates,
    grid_templates,
    joined,
    observed_templates,
    synthetic_templates,
)
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.sources.observed_templates import is_observed_template, read_observed_templates
from pipeline.sources.synthetic_model import RESOLUTION
from pipeline.sources.template_grids import read_template_grid
from pipeline.sources.wheels import MASTAR_GIANTS
from pipeline.stages.build_spectra import Pixels
from pipeline.stages.inputs import InputRecord, files_below
from pipeline.stages.paths import data_path, download_folder
from pipeline.stages.state import BuildState, Progress
from pipeline.stages.training import MIN_TRAINING_STARS, training_sample
from pipeline.stages.velocity_reports import template_velocity

MAX_TEMPLATE_STARS = 1000
"""Maximum number of training stars of data-driven templates, to limit time and memory."""

FETCHED = "fetched"
"""Value of ``velocity.extra_templates`` for the templates downloaded by ``fetch templates``."""


class Templates(NamedTuple):
    """Templates of the main measurement, and those that cover both arms."""

    main: TemplateSet
    whole: TemplateSet


def velocity_templates(
    state: BuildState,
    settings: VelocityConfig,
    normalised: Callable[[NDArray[np.int64]], Pixels],
    progress: Progress,
) -> Templates:
    """The configured templates.

    Parameters
    ----------
    state : BuildState
        Configuration and star table; gets the inputs and choices.
    settings : VelocityConfig
        Of the main measurement.
    normalised : callable
        Normalised spectra of some rows.
    progress : callable
        Takes the fraction done and a text.

    Raises
    ------
    ConfigError
        If configured templates do not exist.
    """
    kind = state.config.velocity.templates
    continuum = state.config.spectra
    base = synthetic_templates(SyntheticModel.from_table(load_table(SYNTHETIC_TABLE)), continuum)
    extra = _extra(state, base, continuum)
    if extra is not None:
        base = joined(base, extra)
    if kind == "synthetic":
        return Templates(base, base)
    if kind == "data-driven":
        return Templates(_data_driven(state, base, settings, normalised, progress), base)
    folder = data_path(state.config, kind)
    if not folder.is_dir():
        raise ConfigError(
            f"velocity.templates is {kind!r}: neither synthetic, data-driven nor a folder of templates that exists."
        )
    files = [InputRecord.of_file(path) for path in files_below(folder)]
    state.record_folder(folder, kind, files)
    grid = _grid(folder, state.config.velocity.template_wavelengths, base, continuum)
    return Templates(grid if extra is None else joined(grid, extra), base)


def _extra(state: BuildState, base: TemplateSet, continuum: SpectraConfig) -> TemplateSet | None:
    """Additional templates: the downloaded ones, or those of the user's file or folder."""
    name = state.config.velocity.extra_templates
    if not name:
        return None
    path = download_folder() / Path(MASTAR_GIANTS.member).name if name == FETCHED else data_path(state.config, name)
    if name == FETCHED and not path.exists():
        state.inputs.append(InputRecord.of_absent_folder(path))
        state.facts["choices"]["extra velocity templates"] = "none: python -m pipeline fetch templates gets them"
        return None
    if path.is_file():
        state.record_input(path)
        files = [path]
    elif path.is_dir():
        files = sorted(files_below(path))
        state.record_folder(path, name, [InputRecord.of_file(item) for item in files])
    else:
        raise ConfigError(
            f"velocity.extra_templates is {name!r}: neither a template file nor a folder of templates that exists."
        )
    observed = [item for item in files if is_observed_template(item)]
    if not observed:
        return _grid(path, state.config.velocity.template_wavelengths, base, continuum)
    spectra = read_observed_templates(observed)
    return observed_templates(
        [item.labels for item in spectra],
        [item.wavelength for item in spectra],
        [item.flux for item in spectra],
        base.log_wavelength,
        continuum,
        f"{len(spectra)} mean spectra of observed giants ({path.name})",
    )


def _data_driven(
    state: BuildState,
    base: TemplateSet,
    settings: VelocityConfig,
    normalised: Callable[[NDArray[np.int64]], Pixels],
    progress: Progress,
) -> TemplateSet:
    rows = training_sample(state).rows
    if rows.size < MIN_TRAINING_STARS:
        text = f"none: {rows.size} stars have reference labels, {MIN_TRAINING_STARS} are needed"
        state.facts["choices"]["data-driven templates"] = text
        return base
    seed = state.config.labels.seed
    if rows.size > MAX_TEMPLATE_STARS:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:MAX_TEMPLATE_STARS])
    labels = np.stack([state.column(f"{name}_ref") for name in ("teff", "logg", "m_h")], axis=1)[rows]
    progress(0.0, "data-driven velocity templates")
    made = data_driven_templates(
        state.raw_spectra.wavelength,
        *normalised(rows),
        labels,
        base,
        settings,
        reference_kms=template_velocity(state)[rows],
        seed=seed,
        progress=lambda f: progress(0.3 * f, "data-driven velocity templates"),
    )
    state.facts["report"]["velocity_templates"] = {"stars": int(rows.size), "moved_kms": list(made.moved_kms)}
    return made.templates


def _grid(folder: Path, medium: str, base: TemplateSet, continuum: SpectraConfig) -> TemplateSet:
    spectra = read_template_grid(folder, medium)
    return grid_templates(
        [item.labels for item in spectra],
        [item.wavelength for item in spectra],
        [item.flux for item in spectra],
        base.log_wavelength,
        RESOLUTION,
        continuum,
        f"{len(spectra)} spectra of {folder.name} ({medium} wavelengths), convolved to R = {RESOLUTION:g}",
    )
