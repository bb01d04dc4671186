"""The rv stage: templates, velocities, Ca II lines, repeats, zero points, and the CCF of whoever is doubtful."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.config import ConfigError
from pipeline.products.correlations import write_correlations
from pipeline.science.continuum import ContinuumFitter, ContinuumSettings, normalise
from pipeline.science.quality import doubtful_velocity
from pipeline.science.radial_velocity import RadialVelocity, TemplateSet, VelocityMeasurer, VelocitySettings
from pipeline.science.repeats import repeat_statistics
from pipeline.science.synthetic import SyntheticModel
from pipeline.science.templates import data_driven_templates, grid_templates, synthetic_templates
from pipeline.science.zero_points import velocity_zero_points
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.sources.synthetic_model import RESOLUTION
from pipeline.sources.template_grids import read_template_grid
from pipeline.stages.build_spectra import Pixels, RawSpectraReader, blocks
from pipeline.stages.declared import Stage
from pipeline.stages.inputs import InputRecord, files_below
from pipeline.stages.internal import RV_EDGE_OF_SEARCH, RV_EDGE_TEMPLATE
from pipeline.stages.items import Columns, Files, Internals, RawSpectra
from pipeline.stages.paths import data_path
from pipeline.stages.spectral import continuum_settings
from pipeline.stages.state import BuildState, Progress
from pipeline.stages.training import MIN_TRAINING_STARS, TRAINING_COLUMNS, training_sample

LINE_NAMES = ("rv_ca8498", "rv_ca8542", "rv_ca8662")
MOST_TEMPLATE_STARS = 1000
"""Training stars that make data-driven templates, at most: bounds time and memory."""

REFERENCE = {"gaia": "rv_gaia", "reference": "rv_ref"}
"""Column of the velocities that place template stars at rest and that zero points are measured against."""


def measure_velocities(state: BuildState, progress: Progress) -> int:
    """Radial velocities in the observed frame, and what repeats and references say of them."""
    spectra = state.raw_spectra
    wavelength = spectra.wavelength
    config = state.config.velocity
    settings = VelocitySettings(config.first_angstrom, config.last_angstrom, config.max_velocity_kms, config.step_kms)
    continuum = continuum_settings(state.config.spectra)
    fitter = ContinuumFitter(wavelength, continuum)
    templates = _templates(state, spectra, settings, continuum, fitter, progress)
    measurer = VelocityMeasurer(wavelength, templates, settings)
    n = len(state)
    parts, doubtful, tracks = [], [], []
    for rows in blocks(n):
        flux, ivar, mask = _normalised(spectra, rows, fitter)
        found = measurer.measure(flux, ivar, mask)
        odd = np.flatnonzero(doubtful_velocity(found)) + rows.start
        parts.append(found)
        doubtful.append(odd)
        tracks.append(measurer.ccf_of(flux, ivar, mask, found.template, odd - rows.start))
        progress(0.3 + 0.7 * rows.stop / n, "radial velocities")
    found = RadialVelocity.joined(parts)
    odd = np.concatenate(doubtful)
    write_correlations(state.draft, measurer.velocities, state.integers("obsid")[odd], np.concatenate(tracks))
    _to_table(state, found, templates)
    report_velocities(state, found.rv_kms, found.error_kms)
    state.facts["choices"]["velocity templates"] = templates.name
    return int(np.isfinite(found.rv_kms).sum())


def _normalised(spectra: RawSpectraReader, rows: slice | NDArray[np.int64], fitter: ContinuumFitter) -> Pixels:
    flux, ivar, mask = spectra.block(rows)
    return Pixels(*normalise(flux, ivar, mask, fitter.fit(flux, ivar, mask)))


def _templates(
    state: BuildState,
    spectra: RawSpectraReader,
    settings: VelocitySettings,
    continuum: ContinuumSettings,
    fitter: ContinuumFitter,
    progress: Progress,
) -> TemplateSet:
    """The configured templates."""
    kind = state.config.velocity.templates
    synthetic = synthetic_templates(SyntheticModel.from_table(load_table(SYNTHETIC_TABLE)), continuum)
    if kind == "synthetic":
        return synthetic
    if kind == "data-driven":
        rows = training_sample(state).rows
        if rows.size < MIN_TRAINING_STARS:
            told = f"none: {rows.size} stars have reference labels, {MIN_TRAINING_STARS} are needed"
            state.facts["choices"]["data-driven templates"] = told
            return synthetic
        if rows.size > MOST_TEMPLATE_STARS:
            rows = np.sort(np.random.default_rng(state.config.labels.seed).permutation(rows)[:MOST_TEMPLATE_STARS])
        labels = np.stack([state.column(f"{name}_ref") for name in ("teff", "logg", "m_h")], axis=1)[rows]
        progress(0.0, "data-driven velocity templates")
        made = data_driven_templates(
            spectra.wavelength,
            *_normalised(spectra, rows, fitter),
            labels,
            synthetic,
            settings,
            reference_kms=_reference_velocity(state)[rows],
            seed=state.config.labels.seed,
            progress=lambda f: progress(0.3 * f, "data-driven velocity templates"),
        )
        state.facts["report"]["velocity_templates"] = {"stars": int(rows.size), "moved_kms": list(made.moved_kms)}
        return made.templates
    folder = data_path(state.config, kind)
    if not folder.is_dir():
        raise ConfigError(
            f"velocity.templates is {kind!r}: neither synthetic, data-driven nor a folder of templates that exists."
        )
    files = [InputRecord.of_file(path) for path in files_below(folder)]
    state.record_folder(folder, kind, files)
    return _grid(folder, state.config.velocity.template_wavelengths, synthetic, continuum)


def _grid(folder: Path, medium: str, synthetic: TemplateSet, continuum: ContinuumSettings) -> TemplateSet:
    spectra = read_template_grid(folder, medium)
    return grid_templates(
        [one.labels for one in spectra],
        [one.wavelength for one in spectra],
        [one.flux for one in spectra],
        synthetic.log_wavelength,
        RESOLUTION,
        continuum,
        f"{len(spectra)} spectra of {folder.name} ({medium} wavelengths), convolved to R = {RESOLUTION:g}",
    )


def _to_table(state: BuildState, found: RadialVelocity, templates: TemplateSet) -> None:
    known = found.template >= 0
    columns = {
        "rv": found.rv_kms,
        "rv_err": found.error_kms,
        "rv_mismatch": found.mismatch_kms,
        "rv_peak": found.peak,
        "rv_peak_ratio": found.rival,
        "rv_template_teff": np.where(known, templates.labels[found.template, 0], np.nan),
        "rv_chi2_nu": found.chi2_nu,
        "rv_ca_sigma": found.line_disagreement,
    }
    for number, name in enumerate(LINE_NAMES):
        columns |= {name: found.line_kms[:, number], f"{name}_err": found.line_error_kms[:, number]}
    state.give(columns)
    state.keep(RV_EDGE_OF_SEARCH, found.edge_of_search)
    state.keep(RV_EDGE_TEMPLATE, found.edge_template)


def _reference_velocity(state: BuildState) -> NDArray[np.float64]:
    """The configured reference velocity; NaN where the reference itself says that it is bad."""
    name = REFERENCE[state.config.velocity.reference]
    return state.reference_velocity() if name == "rv_ref" else state.column(name)


def report_velocities(state: BuildState, rv: NDArray[np.float64], error: NDArray[np.float64]) -> None:
    """Judge the errors by stars observed several times, and measure the zero points; correct only when asked."""
    star = state.integers("star")
    state.facts["report"]["rv_repeats"] = repeat_statistics(star, rv, error)
    config, reference = state.config.velocity, _reference_velocity(state)
    if not np.isfinite(reference).any():
        return
    group = _groups(state, config.zero_point_group)
    points = velocity_zero_points(rv, error, reference, group)
    state.facts["report"]["rv_zero_points"] = {
        "by": config.zero_point_group,
        "reference": REFERENCE[config.reference],
        "applied": config.apply_zero_points,
        "groups": points.table.to_dict("records"),
    }
    if config.apply_zero_points:
        corrected = {"rv": rv - points.offset, "rv_err": np.hypot(error, points.error)}
        corrected |= {name: state.column(name) - points.offset for name in LINE_NAMES}
        state.give(corrected, rv_zero_point=points.offset)


def _groups(state: BuildState, kind: str) -> NDArray[np.str_]:
    plate = state.words("plan_id")
    if kind == "plate":
        return plate
    number = state.integers("spectrograph_id").astype(str)
    spectrograph = np.char.add("spectrograph ", number if state.has_column("spectrograph_id") else "")
    if kind == "spectrograph":
        return spectrograph
    return np.char.add(np.char.add(plate, " "), spectrograph)


RV = Stage(
    *("rv", measure_velocities, 8, ("spectra", "velocity", "labels")),
    needs=(RawSpectra(logarithmic=True),),
    optional=(
        *(*TRAINING_COLUMNS, Columns("teff_ref", "logg_ref", "m_h_ref")),
        Columns("star", "plan_id", "spectrograph_id", *REFERENCE.values()),
    ),
    gives=(
        Columns("rv", "rv_err", "rv_mismatch", "rv_peak", "rv_peak_ratio", "rv_template_teff", "rv_chi2_nu"),
        Columns("rv_ca_sigma", "rv_zero_point", *LINE_NAMES, *(f"{name}_err" for name in LINE_NAMES)),
        Internals(RV_EDGE_OF_SEARCH, RV_EDGE_TEMPLATE),
        Files("velocity"),
    ),
)
