"""The labels stage: train SLAM, calibrate its errors, infer every star, report."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.statistics import robust_scatter
from pipeline.products.models import write_model
from pipeline.science.calibration import (
    NOISE_LEVELS,
    Degraded,
    ErrorModel,
    bias_and_scatter,
    coverage,
    degrade,
    out_of_fold_labels,
)
from pipeline.science.continuum import ContinuumFitter
from pipeline.science.slam import LabelFit, SlamModel, SlamSettings
from pipeline.science.slam_quality import information, training_report
from pipeline.science.slam_storage import to_arrays
from pipeline.stages.build_spectra import blocks
from pipeline.stages.declared import Stage
from pipeline.stages.internal import LABEL_AT_BOUND, LABEL_CONVERGED, LABEL_OUTSIDE_HULL, LABEL_STARTS_DISAGREE
from pipeline.stages.items import (
    Columns,
    Files,
    Internals,
    LabelColumns,
    ModelSpectra,
    RawSpectra,
    RestSpectra,
)
from pipeline.stages.spectral import SPECTRUM_VELOCITY, continuum_settings, rest_frame
from pipeline.stages.state import BuildState, Progress, StageSkipped
from pipeline.stages.training import MIN_TRAINING_STARS, TRAINING_COLUMNS, star_groups, training_sample

SNR_EDGES = (10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 500.0)
"""Bins of bias and scatter against S/N (paper Figure 4)."""


def _degraded(state: BuildState, training: NDArray[np.int64], progress: Progress) -> list[Degraded]:
    """Training stars with noise added to their observed spectra, which then go the same way to the rest frame."""
    config = state.config.spectra
    grid, spectra = state.rest_spectra.wavelength, state.raw_spectra
    wavelength = spectra.wavelength
    fitter = ContinuumFitter(grid, continuum_settings(config))
    snr, velocity = state.column("snr"), state.spectrum_velocity()
    lowest, middle = 0.7 * float(np.nanmin(snr)), float(np.median(snr[training]))
    levels = [level for level in NOISE_LEVELS if lowest < level < middle]
    rng = np.random.default_rng(state.config.labels.seed)
    result = []
    for number, level in enumerate(levels):
        reached = snr[training] >= level
        shape = (training.size, grid.size)
        noisy = Degraded(level, reached, np.ones(shape, np.float32), np.zeros(shape, np.float32), np.ones(shape, bool))
        for part in blocks(int(reached.sum())):
            place = np.flatnonzero(reached)[part]
            rows = training[place]
            flux, ivar, mask = spectra.block(rows)
            flux, ivar = degrade(flux, ivar, mask, snr[rows] / level, rng)
            if config.normalise:
                flux, ivar, mask, _ = rest_frame(wavelength, flux, ivar, mask, velocity[rows], fitter, grid)
            else:
                keep = np.isin(wavelength, grid)
                flux, ivar, mask = flux[:, keep], ivar[:, keep], mask[:, keep]
            noisy.flux[place], noisy.ivar[place], noisy.mask[place] = flux, ivar, mask
        result.append(noisy)
        progress(0.45 + 0.05 * (number + 1) / len(levels), "injecting noise")
    return result


def infer_labels(state: BuildState, progress: Progress) -> int:
    """Train SLAM on the stars with reference labels, calibrate its errors out of fold, infer all stars."""
    config = state.config.labels
    sample = training_sample(state)
    training = sample.rows
    state.facts["report"]["training_cuts"] = sample.cuts
    if training.size < MIN_TRAINING_STARS:
        raise StageSkipped(
            f"{training.size} of {sample.with_labels} stars with reference labels pass the training cuts; "
            f"{MIN_TRAINING_STARS} are needed"
        )
    reference = state.labels("reference")
    flux, ivar, mask = state.rest_spectra.pixels(training)
    groups = star_groups(state.table)[training]
    settings = SlamSettings(
        engine=config.engine,
        c_grid=config.c_grid,
        gamma_grid=config.gamma_grid,
        epsilon_grid=config.epsilon_grid,
        n_folds=config.folds,
        seed=config.seed,
        final_precision=config.final_precision,
        second_start=config.second_start,
        prior=config.prior,
        flux_softening=config.flux_softening,
        nuisance_modes=config.nuisance_modes,
        prescreen_margin=config.prescreen_margin,
    )
    model = SlamModel(config.names, settings)
    told = f"training SLAM, about {settings.training_memory_gb(*flux.shape):.1f} GB"
    progress(0.0, told)
    model.fit(reference[training], flux, ivar, mask, groups=groups, progress=lambda f: progress(0.45 * f, told))
    degraded = _degraded(state, training, progress)
    held_out = out_of_fold_labels(
        model,
        flux,
        ivar,
        mask,
        groups=groups,
        n_folds=config.out_of_fold_models,
        degraded=degraded,
        progress=lambda f: progress(0.5 + 0.25 * f, "out-of-fold labels"),
    )
    errors = _calibrate(state, held_out, degraded, training, reference)
    told = _report_training(state, model, ivar)
    _publish_labels(state, model, errors, held_out[0], training, reference, progress, told)
    return int(np.isfinite(state.column(config.names[0])).sum())


def _calibrate(
    state: BuildState,
    held_out: list[LabelFit],
    degraded: list[Degraded],
    training: NDArray[np.int64],
    reference: NDArray[np.float64],
) -> ErrorModel:
    """Fit the error model to out-of-fold stars, as observed and with injected noise; report both, told apart.

    Injected noise knows nothing of what else goes wrong in faint spectra: it counts only where no star was observed.
    """
    names, snr = state.config.labels.names, state.column("snr")[training]
    differences = [fit.labels - reference[training] for fit in held_out]
    reached = [snr, *(np.full(snr.size, noisy.snr) for noisy in degraded)]
    used = [0, *(place for place, noisy in enumerate(degraded, 1) if noisy.snr <= snr.min())]
    errors = ErrorModel(names).fit(
        np.concatenate([differences[place] for place in used]),
        np.concatenate([held_out[place].formal_error for place in used]),
        np.concatenate([reached[place] for place in used]),
        np.tile(state.labels("reference error")[training], (len(used), 1)),
    )
    held = bias_and_scatter(differences[0], snr, np.array(SNR_EDGES))
    report: dict[str, object] = {
        "labels": list(names),
        "held_out": {"snr_edges": list(SNR_EDGES), **{key: _plain(values) for key, values in held.items()}},
        "noise_injected": [
            {
                "snr": noisy.snr,
                **{
                    key: _plain(values)[0]
                    for key, values in bias_and_scatter(
                        difference, np.full(snr.size, noisy.snr), np.array([0.0, np.inf])
                    ).items()
                },
            }
            for noisy, difference in zip(degraded, differences[1:], strict=True)
        ],
    }
    state.facts["report"]["label_errors_by_snr"] = report
    return errors


def _plain(values: NDArray[np.float64]) -> list[Any]:
    """For JSON, which has no NaN."""
    return list(np.where(np.isfinite(values), values, None).tolist())


def _report_training(state: BuildState, model: SlamModel, flux_ivar: NDArray[np.float32]) -> NDArray[np.float64]:
    """Tell where the model is poor and which wavelengths carry which label; returns the information per pixel."""
    wavelength = state.rest_spectra.wavelength
    known = np.where(flux_ivar > 0, flux_ivar, np.nan)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pixel that no star has
        noise = np.nan_to_num(1.0 / np.nanmedian(known, axis=0), nan=np.inf)
    support = model.label_mean_ + model.label_std_ * model.expansion_.support
    told = information(model, support[:: max(1, len(support) // 256)], noise)
    state.facts["report"]["training_quality"] = training_report(model, wavelength, told)
    return told


def _publish_labels(state, model, errors, held_out, training, reference, progress, told) -> None:  # noqa: ANN001
    """Infer in blocks, write labels, errors and model spectra; training stars keep their out-of-fold labels."""
    names = state.config.labels.names
    n = len(state)
    spectra = state.rest_spectra
    labels, formal = np.full((n, len(names)), np.nan), np.full((n, len(names)), np.nan)
    chi2_nu = np.full(n, np.nan)
    converged, bound, disagree = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    reason = np.full(n, "", object)
    for rows in blocks(n):
        fit = model.infer_labels(*spectra.pixels(rows))
        labels[rows], formal[rows], chi2_nu[rows] = fit.labels, fit.formal_error, fit.reduced_chi2
        converged[rows], bound[rows] = fit.converged, fit.at_bound.any(axis=1)
        disagree[rows], reason[rows] = fit.starts_disagree, fit.reason
        progress(0.75 + 0.25 * rows.stop / n, "inferring labels")
    labels[training], formal[training] = held_out.labels, held_out.formal_error
    chi2_nu[training], converged[training] = held_out.reduced_chi2, held_out.converged
    bound[training], disagree[training] = held_out.at_bound.any(axis=1), held_out.starts_disagree
    reason[training] = [f"out of fold: {text}" for text in held_out.reason]
    with state.write_models() as models:
        for rows in blocks(n):
            known = np.isfinite(labels[rows]).all(axis=1)
            block = np.full((len(known), models.shape[1]), np.nan, np.float32)
            if known.any():
                block[known] = np.where(model.usable_pixel_, model.predict_flux(labels[rows][known]), np.nan)
            models[rows] = block
    published = errors.apply(formal, state.column("snr"))
    columns = {"chi2_nu": chi2_nu, "label_reason": reason.astype(str)}
    for index, name in enumerate(names):
        columns |= {
            name: labels[:, index],
            f"{name}_err": published[:, index],
            f"{name}_err_formal": formal[:, index],
        }
    in_training = np.zeros(n, bool)
    in_training[training] = True
    state.give(columns, in_training=in_training)
    state.keep(LABEL_CONVERGED, converged)
    state.keep(LABEL_AT_BOUND, bound)
    state.keep(LABEL_STARTS_DISAGREE, disagree)
    state.keep(LABEL_OUTSIDE_HULL, _outside_hull(labels, reference[training]))
    arrays, metadata = to_arrays(model)
    arrays["information"] = told
    write_model(state.draft, arrays, {**metadata, "errors": errors.to_dict(), "simulated": state.facts["simulated"]})
    state.facts["choices"]["label engine"] = f"SLAM, {state.config.labels.engine}, {len(training)} training stars"
    state.facts["report"]["labels"] = _label_report(
        names, labels, np.hypot(published, np.nan_to_num(state.labels("reference error"))), reference, in_training
    )


def _label_report(names, labels, errors, reference, in_training) -> dict[str, dict[str, dict[str, float]]]:  # noqa: ANN001
    """Bias, robust scatter and coverage of each label, on training stars out of fold and on all others.

    ``errors`` are those of the differences: of the inferred and of the reference label together.
    """
    report = {}
    for index, name in enumerate(names):
        difference = labels[:, index] - reference[:, index]
        report[name] = {}
        for sample, rows in (("out of fold", in_training), ("not trained on", ~in_training)):
            values = difference[rows & np.isfinite(difference)]
            if values.size < 2:
                continue
            pulls = (difference / errors[:, index])[rows & np.isfinite(difference)]
            covered = coverage(pulls)
            report[name][sample] = {
                "stars": int(values.size),
                "bias": float(np.median(values)),
                "scatter": robust_scatter(values),
                "rms": float(np.sqrt(np.mean(values**2))),
                "coverage_68": covered[0],
                "coverage_95": covered[1],
            }
    return report


def _outside_hull(labels: NDArray[np.float64], training: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Stars whose nearest training star lies farther than 99.5 % of the training stars' own nearest neighbours do."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - only this stage needs it

    scale = training.std(axis=0)
    tree = cKDTree(training / scale)
    own = tree.query(training / scale, k=2)[0][:, 1]
    known = np.isfinite(labels).all(axis=1)
    outside = np.zeros(len(labels), bool)
    outside[known] = tree.query(labels[known] / scale)[0] > 2.0 * np.percentile(own, 99.5)
    return outside


LABELS = Stage(
    *("labels", infer_labels, 60, ("labels",)),
    needs=(RawSpectra(), RestSpectra(), LabelColumns("reference")),
    optional=(*SPECTRUM_VELOCITY, *TRAINING_COLUMNS, LabelColumns("reference error")),
    gives=(
        *(LabelColumns("label"), LabelColumns("error"), LabelColumns("formal error")),
        Columns("chi2_nu", "label_reason", "in_training"),
        Internals(LABEL_CONVERGED, LABEL_AT_BOUND, LABEL_STARTS_DISAGREE, LABEL_OUTSIDE_HULL),
        *(ModelSpectra(), Files("model")),
    ),
)
