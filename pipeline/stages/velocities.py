"""The rv stage: templates, velocities of both arms and Ca II lines, sky residuals, CCFs."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.settings import VelocityConfig
from pipeline.products.correlations import write_correlations
from pipeline.science.quality.bits import doubtful_velocity, trusted_velocity
from pipeline.science.spectra.continuum import ContinuumFitter, normalise
from pipeline.science.spectra.sky_residuals import MIN_STARS, SkyNoise, learn_sky, sample_rows
from pipeline.science.velocity.radial_velocity import RadialVelocity, TemplateSet, VelocityMeasurer
from pipeline.science.velocity.templates import blue_templates
from pipeline.stages.build_spectra import Pixels, RawSpectraReader, blocks
from pipeline.stages.declared import Stage
from pipeline.stages.internal import RV_EDGE_OF_SEARCH, RV_EDGE_TEMPLATE, RV_SHIFTED
from pipeline.stages.items import Columns, Files, Internals, RawSpectra
from pipeline.stages.state import BuildState, Progress
from pipeline.stages.training import TRAINING_COLUMNS
from pipeline.stages.velocity_reports import (
    LINE_NAMES,
    REFERENCE,
    observing_groups,
    report_velocities,
    scaled_errors,
)
from pipeline.stages.velocity_templates import velocity_templates

BLUE_ANGSTROM = (4600.0, 5560.0)
"""Wavelength range of the blue arm's velocity, below the sky line 5577 and the join of the arms."""

RED_ANGSTROM = (8000.0, 8950.0)
"""Wavelength range of the red arm's velocity, if the configured range is not in the red arm."""

ARMS_JOIN_ANGSTROM = 5900.0
COARSE_STEP_KMS = 40.0
"""Step of the CCF for sky residuals and arms, which the refinement covers."""

_LEARNING, _MEASURING = 0.4, 0.6
"""Shares of the time before the measurement of all stars begins, and of that."""


class _Arms(NamedTuple):
    """Additional measurements of each arm; None if it is the main one or missing."""

    blue: VelocityMeasurer | None
    red: VelocityMeasurer | None


def measure_velocities(state: BuildState, progress: Progress) -> int:
    """Measure radial velocities in the observed frame, and test them with repeats and references."""
    spectra = state.raw_spectra
    wavelength = spectra.wavelength
    settings = state.config.velocity
    fitter = ContinuumFitter(wavelength, state.config.spectra)
    templates = velocity_templates(state, settings, lambda rows: _normalised(spectra, rows, fitter), progress)
    measurer = VelocityMeasurer(wavelength, templates.main, settings)
    arms = _arms(wavelength, templates.whole, settings)
    rough = VelocityMeasurer(wavelength, templates.main, replace(settings, step_kms=COARSE_STEP_KMS))
    sky = _learned_sky(state, spectra, fitter, rough, progress)
    n = len(state)
    parts, doubtful, tracks = [], [], []
    others: dict[str, list[RadialVelocity]] = {"blue": [], "red": []}
    for rows in blocks(n):
        flux, ivar, mask = _normalised(spectra, rows, fitter)
        for name, other in (("blue", arms.blue), ("red", arms.red)):
            if other is not None:
                others[name].append(other.measure(flux, ivar, mask, lines=False))
        if sky is not None:
            pixels = measurer.pixels
            ivar[:, pixels] = sky.inflated(ivar[:, pixels], mask[:, pixels], rows)
        result = measurer.measure(flux, ivar, mask)
        odd = np.flatnonzero(doubtful_velocity(result)) + rows.start
        parts.append(result)
        doubtful.append(odd)
        tracks.append(measurer.ccf_of(flux, ivar, mask, result.template, odd - rows.start))
        progress(_LEARNING + _MEASURING * rows.stop / n, "radial velocities")
    result = RadialVelocity.joined(parts)
    odd = np.concatenate(doubtful)
    write_correlations(state.draft, measurer.velocities, state.integers("obsid")[odd], np.concatenate(tracks))
    _to_table(state, result, templates.main)
    report_velocities(state, result.rv_kms, result.error_kms)
    for name, measured in others.items():
        if measured:
            _give_arm(state, name, RadialVelocity.joined(measured))
    state.facts["choices"]["velocity templates"] = templates.main.name
    return int(np.isfinite(result.rv_kms).sum())


def _normalised(spectra: RawSpectraReader, rows: slice | NDArray[np.int64], fitter: ContinuumFitter) -> Pixels:
    flux, ivar, mask = spectra.block(rows)
    return Pixels(*normalise(flux, ivar, mask, fitter.fit(flux, ivar, mask)))


def _arms(wavelength: NDArray[np.float64], templates: TemplateSet, settings: VelocityConfig) -> _Arms:
    """Measurers of the arms, with templates that cover both."""

    def measurer(ends: tuple[float, float], some: TemplateSet) -> VelocityMeasurer | None:
        if wavelength[0] > ends[0] or wavelength[-1] < ends[1]:
            return None
        of_arm = replace(settings, first_angstrom=ends[0], last_angstrom=ends[1], step_kms=COARSE_STEP_KMS)
        return VelocityMeasurer(wavelength, some, of_arm)

    red = None if settings.first_angstrom >= ARMS_JOIN_ANGSTROM else measurer(RED_ANGSTROM, templates)
    return _Arms(measurer(BLUE_ANGSTROM, blue_templates(templates)), red)


def _learned_sky(
    state: BuildState,
    spectra: RawSpectraReader,
    fitter: ContinuumFitter,
    measurer: VelocityMeasurer,
    progress: Progress,
) -> SkyNoise | None:
    """Noise of the sky subtraction, from residuals of some stars of each plate and spectrograph."""
    if not state.config.velocity.sky_residuals or len(state) < MIN_STARS:
        return None
    groups = observing_groups(state)
    run = np.full(len(state), "run")
    levels = [*((name, groups[name]) for name in ("plate and spectrograph", "plate")), ("whole run", run)]
    learned = sample_rows(levels)
    if not learned.size:
        return None
    pixels, parts = measurer.pixels, []
    for some in blocks(learned.size):
        rows = learned[some]
        flux, ivar, mask = _normalised(spectra, rows, fitter)
        result = measurer.measure(flux, ivar, mask, lines=False)
        residual = measurer.residuals(flux, ivar, mask, result)
        blank = (result.template < 0)[:, None]
        kept = (residual, ivar[:, pixels], mask[:, pixels] | blank)
        parts.append((kept[0].astype(np.float32), kept[1].astype(np.float32), kept[2]))
        progress(_LEARNING * (0.75 + 0.25 * some.stop / learned.size), "residuals of the sky")
    residual, ivar, mask = (np.concatenate(part) for part in zip(*parts, strict=True))
    sky = learn_sky(residual, ivar, mask, learned, levels)
    state.facts["report"]["sky_residuals"] = {"learned_from": int(learned.size), "levels": sky.facts}
    return sky


def _give_arm(state: BuildState, name: str, result: RadialVelocity) -> None:
    """Write velocity and scaled error of one arm; NaN where its CCF is doubtful."""
    good = trusted_velocity(result)
    rv, formal = np.where(good, result.rv_kms, np.nan), np.where(good, result.error_kms, np.nan)
    state.give({f"rv_{name}": rv, f"rv_{name}_err": scaled_errors(state, f"rv_{name}_repeats", rv, formal)})


def _to_table(state: BuildState, result: RadialVelocity, templates: TemplateSet) -> None:
    known = result.template >= 0
    columns = {
        "rv": result.rv_kms,
        "rv_red": result.rv_kms,
        "rv_mismatch": result.mismatch_kms,
        "rv_peak": result.peak,
        "rv_peak_ratio": result.rival,
        "rv_template_teff": np.where(known, templates.labels[result.template, 0], np.nan),
        "rv_chi2_nu": result.chi2_nu,
        "rv_ca_sigma": result.line_disagreement,
    }
    for number, name in enumerate(LINE_NAMES):
        columns |= {name: result.line_kms[:, number], f"{name}_err": result.line_error_kms[:, number]}
    state.give(columns)
    state.keep(RV_EDGE_OF_SEARCH, result.edge_of_search)
    state.keep(RV_EDGE_TEMPLATE, result.edge_template)


RV = Stage(
    *("rv", measure_velocities, 8, ("spectra", "velocity", "labels")),
    needs=(RawSpectra(logarithmic=True),),
    optional=(
        *(*TRAINING_COLUMNS, Columns("teff_ref", "logg_ref", "m_h_ref")),
        Columns("star", "lmjd", "plan_id", "spectrograph_id", *REFERENCE.values()),
    ),
    gives=(
        Columns("rv", "rv_err", "rv_mismatch", "rv_peak", "rv_peak_ratio", "rv_template_teff", "rv_chi2_nu"),
        Columns("rv_ca_sigma", "rv_zero_point", *LINE_NAMES, *(f"{name}_err" for name in LINE_NAMES)),
        Columns("rv_formal_err", "rv_blue", "rv_blue_err", "rv_red", "rv_red_err", "rv_offset", "rv_offset_err"),
        Internals(RV_EDGE_OF_SEARCH, RV_EDGE_TEMPLATE, RV_SHIFTED),
        Files("velocity"),
    ),
)
