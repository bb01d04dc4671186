"""The labels stage: train the engines, calibrate their errors, infer every star, report."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.statistics import robust_scatter
from pipeline.products.models import write_model
from pipeline.science.labels.calibration import (
    NOISE_LEVELS,
    Degraded,
    Relatives,
    StarFits,
    bias_and_scatter,
    degrade,
)
from pipeline.science.labels.direct import DirectFit, DirectModel, direct_to_arrays
from pipeline.science.labels.error_model import coverage
from pipeline.science.slam.model import LabelFit, SlamModel
from pipeline.science.slam.pixel_quality import information, training_report
from pipeline.science.slam.storage import to_arrays
from pipeline.science.spectra.continuum import ContinuumFitter
from pipeline.stages.build_spectra import blocks
from pipeline.stages.declared import Stage
from pipeline.stages.internal import LABEL_AT_BOUND, LABEL_CONVERGED, LABEL_OUTSIDE_HULL, LABEL_STARTS_DISAGREE
from pipeline.stages.items import (
    Columns,
    EngineColumns,
    Files,
    Internals,
    LabelColumns,
    ModelSpectra,
    RawSpectra,
    RestSpectra,
    engine_columns,
)
from pipeline.stages.label_engines import (
    CombinedFit,
    Engine,
    TrainingSet,
    calibrated,
    combined,
    corrected,
    direct_fits,
    estimate,
    slam_fits,
    together,
    train_direct,
    train_slam,
)
from pipeline.stages.spectral import SPECTRUM_VELOCITY, rest_frame
from pipeline.stages.state import BuildState, Progress, StageSkipped
from pipeline.stages.training import MIN_TRAINING_STARS, TRAINING_COLUMNS, star_groups, training_sample

SNR_EDGES = (10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 500.0)
"""Bins of bias and scatter against S/N (paper Figure 4)."""


def _degraded(state: BuildState, training: NDArray[np.int64], progress: Progress) -> list[Degraded]:
    """Training stars with noise added to their observed spectra, which then go the same way to the rest frame."""
    config = state.config.spectra
    grid, spectra = state.rest_spectra.wavelength, state.raw_spectra
    wavelength = spectra.wavelength
    fitter = ContinuumFitter(grid, config)
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
        progress((number + 1) / len(levels), "injecting noise")
    return result


def infer_labels(state: BuildState, progress: Progress) -> int:
    """Train the engines on the stars with reference labels, calibrate their errors out of fold, infer all stars.

    SLAM is always trained: its spectra are what is drawn, judged by chi-squared and fitted again.
    """
    config = state.config.labels
    sample = training_sample(state)
    state.facts["report"]["training_cuts"] = sample.cuts
    if sample.rows.size < MIN_TRAINING_STARS:
        raise StageSkipped(
            f"{sample.rows.size} of {sample.with_labels} stars with reference labels pass the training cuts; "
            f"{MIN_TRAINING_STARS} are needed"
        )
    direct_too = config.engine != "slam"
    share = 0.5 if direct_too else 1.0  # of the time, for SLAM
    training = _training_set(state, sample.rows, _part(progress, 0.0, 0.05))
    slam = calibrated(
        train_slam(config, training, _part(progress, 0.05, 0.05 + 0.4 * share)),
        *(config, training, "SLAM", _part(progress, 0.05 + 0.4 * share, 0.05 + 0.7 * share)),
    )
    direct = None
    if direct_too:
        networks = calibrated(
            train_direct(config, training, _part(progress, 0.4, 0.5)),
            *(config, training, "networks", _part(progress, 0.5, 0.75)),
        )
        direct = corrected(networks, config, training)
    told = _report_training(state, cast("SlamModel", slam.model), training.ivar)
    _publish_labels(state, training, slam, direct, told, _part(progress, 0.75, 1.0))
    return int(np.isfinite(state.column(config.names[0])).sum())


def _part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the stage."""
    return lambda fraction, note: progress(start + (end - start) * fraction, note)


def _training_set(state: BuildState, rows: NDArray[np.intp], progress: Progress) -> TrainingSet:
    """The training stars' spectra and labels, and the other spectra of the same stars."""
    groups, spectra = star_groups(state.table), state.rest_spectra
    others = np.setdiff1d(np.flatnonzero(np.isin(groups, groups[rows])), rows)
    order = np.argsort(groups[rows], kind="stable")
    place = order[np.searchsorted(groups[rows][order], groups[others])]
    return TrainingSet(
        rows,
        state.labels("reference")[rows],
        state.labels("reference error")[rows],
        state.column("snr")[rows],
        *spectra.pixels(rows),
        groups[rows],
        _degraded(state, rows, progress),
        others,
        state.column("snr")[others],
        Relatives(place, *spectra.pixels(others)),
    )


def _report_errors(state: BuildState, training: TrainingSet, held: Sequence[StarFits]) -> None:
    """Bias and scatter out of fold against S/N, as observed and with injected noise."""
    names, (observed, *noisy) = state.config.labels.names, training.differences(held)
    measured = bias_and_scatter(observed, training.snr, np.array(SNR_EDGES))
    state.facts["report"]["label_errors_by_snr"] = {
        "labels": list(names),
        "held_out": {"snr_edges": list(SNR_EDGES), **{key: _plain(values) for key, values in measured.items()}},
        "noise_injected": [
            {
                "snr": level.snr,
                **{
                    key: _plain(values)[0]
                    for key, values in bias_and_scatter(
                        difference, np.full(training.snr.size, level.snr), np.array([0.0, np.inf])
                    ).items()
                },
            }
            for level, difference in zip(training.degraded, noisy, strict=True)
        ],
    }


def _plain(values: NDArray[np.float64]) -> list[Any]:
    """For JSON, which has no NaN."""
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return list(plain.tolist())


def _report_training(state: BuildState, model: SlamModel, flux_ivar: NDArray[np.float32]) -> NDArray[np.float64]:
    """Report where the model is poor and which wavelengths carry which label; returns the information per pixel."""
    wavelength = state.rest_spectra.wavelength
    known = np.where(flux_ivar > 0, flux_ivar, np.nan)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pixel that no star has
        noise = np.nan_to_num(1.0 / np.nanmedian(known, axis=0), nan=np.inf)
    support = model.label_mean_ + model.label_std_ * model.expansion_.support
    told = information(model, support[:: max(1, len(support) // 256)], noise)
    state.facts["report"]["training_quality"] = training_report(model, wavelength, told)
    return told


def _publish_labels(
    state: BuildState,
    training: TrainingSet,
    slam: Engine[LabelFit],
    direct: Engine[DirectFit] | None,
    told: NDArray[np.float64],
    progress: Progress,
) -> None:
    """Infer in blocks, write labels, errors and SLAM's spectra; training stars keep their out-of-fold labels."""
    config, n, snr, spectra = state.config.labels, len(state), state.column("snr"), state.rest_spectra
    model = cast("SlamModel", slam.model)
    fits = slam_fits(model, slam.held, training, spectra, n, _part(progress, 0.0, 0.7))
    _draw(state, model, fits.labels)
    published = by_slam = estimate(fits, slam.errors, snr)
    arrays, metadata = to_arrays(model)
    arrays["information"] = told
    metadata |= {"engine": config.engine, "errors": slam.errors.to_dict(), "simulated": state.facts["simulated"]}
    held: Sequence[StarFits] = slam.held
    calibration = slam.errors
    by_engine, tails_of = {"slam": by_slam}, {"slam": calibration.tail_}
    if direct is not None:
        networks = cast("DirectModel", direct.model)
        part = _part(progress, 0.7, 1.0)
        found = direct_fits(direct, training, spectra, snr, part)
        by_networks = estimate(found, direct.errors, snr)
        by_engine["direct"], tails_of["direct"] = by_networks, direct.errors.tail_
        combination = combined(config, slam, direct, training)
        joint, errors = combination.joint, combination.errors
        both = together(joint, combination.trend, (slam, direct), (fits, found), snr)
        published, held, calibration = by_networks, direct.held, direct.errors
        if config.engine == "joint":
            published = estimate(CombinedFit(both.labels, both.formal_error), errors, snr)
            held, calibration = combination.held, errors
        more, document = direct_to_arrays(networks)
        arrays |= more
        metadata["direct"] = {**document, "errors": direct.errors.to_dict(), "trend": direct.trend.to_dict()}
        metadata["joint"] = {
            **joint.to_dict(),
            "errors": errors.to_dict(),
            "trend": combination.trend.to_dict(),
            "trend_of_slam": slam.trend.to_dict(),
        }
        state.give(label_disagreement=both.disagreement)
        for engine, values in (("slam", by_slam), ("direct", by_networks)):
            names = engine_columns(engine, config.names)
            state.give(dict(zip(names, np.hstack([values.labels, values.error]).T, strict=True)))
    _report_errors(state, training, held)
    out_of_fold = np.zeros(n, bool)
    out_of_fold[training.rows] = out_of_fold[training.relative_rows] = True
    reason = np.where(out_of_fold, np.char.add("out of fold: ", fits.reason), fits.reason)
    columns: dict[str, NDArray[Any]] = {"chi2_nu": fits.reduced_chi2, "label_reason": reason}
    for index, name in enumerate(config.names):
        columns |= {
            name: published.labels[:, index],
            f"{name}_err": published.error[:, index],
            f"{name}_err_formal": published.formal[:, index],
        }
    in_training = np.zeros(n, bool)
    in_training[training.rows] = True
    state.give(columns, in_training=in_training)
    state.keep(LABEL_CONVERGED, fits.converged)
    state.keep(LABEL_AT_BOUND, fits.at_bound.any(axis=1))
    state.keep(LABEL_STARTS_DISAGREE, fits.starts_disagree)
    state.keep(LABEL_OUTSIDE_HULL, _outside_hull(published.labels, training.reference))
    write_model(state.draft, arrays, metadata)
    engines = f"SLAM, {config.solver}"
    if direct is not None:
        engines = f"{config.engine}: {engines}; {config.networks} networks"
    state.facts["choices"]["label engine"] = f"{engines}, {training.rows.size} training stars"
    reference, stated = state.labels("reference"), np.nan_to_num(state.labels("reference error"))
    tails_of[config.engine] = calibration.tail_
    state.facts["report"]["label_contradictions"] = calibration.contradictions_
    samples = {"out of fold": in_training, "not trained on": ~out_of_fold}
    reports = {
        engine: _label_report(
            config.names, values.labels, np.hypot(values.error, stated), tails_of[engine], reference, samples
        )
        for engine, values in {**by_engine, config.engine: published}.items()
    }
    state.facts["report"]["labels"] = reports[config.engine]
    if direct is not None:
        state.facts["report"]["labels_by_engine"] = reports


def _draw(state: BuildState, model: SlamModel, labels: NDArray[np.float64]) -> None:
    """Write SLAM's spectra at its own labels, NaN where there is no fit."""
    with state.write_models() as models:
        for rows in blocks(len(labels)):
            known = np.asarray(np.isfinite(labels[rows]).all(axis=1), np.bool_)
            block = np.full((len(known), models.shape[1]), np.nan, np.float32)
            if known.any():
                block[known] = np.where(model.usable_pixel_, model.predict_flux(labels[rows][known]), np.nan)
            models[rows] = block


def _label_report(
    names: tuple[str, ...],
    labels: NDArray[np.float64],
    errors: NDArray[np.float64],
    tails: NDArray[np.float64],
    reference: NDArray[np.float64],
    samples: Mapping[str, NDArray[np.bool_]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Bias, robust scatter and coverage of each label on each sample.

    ``errors`` are those of the differences: of the inferred and of the reference label together; ``tails`` are the
    half-widths of the 95.45 % intervals, in errors.
    """
    report: dict[str, dict[str, dict[str, float]]] = {}
    for index, name in enumerate(names):
        difference = labels[:, index] - reference[:, index]
        report[name] = {}
        for sample, rows in samples.items():
            values = difference[rows & np.isfinite(difference)]
            if values.size < 2:
                continue
            pulls = (difference / errors[:, index])[rows & np.isfinite(difference)]
            covered = coverage(pulls, float(tails[index]))
            report[name][sample] = {
                "stars": int(values.size),
                "bias": float(np.median(values)),
                "scatter": robust_scatter(values),
                "rms": float(np.sqrt(np.mean(values**2))),
                "coverage_68": covered[0],
                "coverage_95": covered[1],
                "interval_95_sigma": float(tails[index]),
            }
    return report


def _outside_hull(labels: NDArray[np.float64], training: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Stars whose nearest training star is farther than 99.5 % of the training stars' own nearest neighbours do."""
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
        *(Columns("chi2_nu", "label_reason", "in_training"), EngineColumns()),
        Internals(LABEL_CONVERGED, LABEL_AT_BOUND, LABEL_STARTS_DISAGREE, LABEL_OUTSIDE_HULL),
        *(ModelSpectra(), Files("model")),
    ),
)
