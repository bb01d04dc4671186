"""Label engines in a build: training set, out-of-fold labels, calibrated errors, labels of all stars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.config import LabelConfig
from pipeline.products.spectra import SpectrumStore
from pipeline.science.labels.calibration import (
    Degraded,
    Fits,
    FoldModel,
    Relatives,
    StarFits,
    out_of_fold_labels,
)
from pipeline.science.labels.contradictions import contradicting
from pipeline.science.labels.cv_errors import scatter_errors
from pipeline.science.labels.direct import DirectFit, DirectModel
from pipeline.science.labels.error_model import ErrorModel
from pipeline.science.labels.joint import JointEstimate, JointModel
from pipeline.science.labels.trend import LabelTrend
from pipeline.science.slam.model import LabelFit, SlamModel
from pipeline.stages.build_spectra import blocks
from pipeline.stages.state import Progress

FloatArray = NDArray[np.float64]

METALLICITY = "m_h"
"""The label whose bias at given true values is halved, as few metal-poor stars train."""


@dataclass(frozen=True)
class TrainingSet:
    """Stars that train and test the engines.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Rows of the table.
    reference, reference_error : ndarray, shape (n, n_labels)
        Labels to learn, and their errors.
    snr : ndarray, shape (n,)
        S/N of the spectra.
    flux, ivar, mask : ndarray, shape (n, n_pixels)
        Spectra in the rest frame.
    groups : ndarray of int, shape (n,)
        Star of each row.
    degraded : sequence of Degraded
        The same spectra with noise added.
    relative_rows : ndarray of int, shape (m,)
        Rows of the table that did not train, of stars of which another row did.
    relative_snr : ndarray, shape (m,)
        Their S/N.
    relatives : Relatives
        Their spectra.
    """

    rows: NDArray[np.intp]
    reference: FloatArray
    reference_error: FloatArray
    snr: FloatArray
    flux: NDArray[Any]
    ivar: NDArray[Any]
    mask: NDArray[np.bool_]
    groups: NDArray[np.int64]
    degraded: Sequence[Degraded]
    relative_rows: NDArray[np.intp]
    relative_snr: FloatArray
    relatives: Relatives

    @property
    def reached(self) -> list[FloatArray]:
        """S/N of each out-of-fold fit: as observed, then with injected noise."""
        return [self.snr, *(np.full(self.snr.size, noisy.snr) for noisy in self.degraded)]

    def differences(self, held: Sequence[StarFits]) -> list[FloatArray]:
        """Out-of-fold minus reference labels, as observed and with injected noise."""
        return [fit.labels - self.reference for fit in held[: 1 + len(self.degraded)]]


@dataclass(frozen=True)
class Engine(Generic[Fits]):
    """A trained engine with its out-of-fold labels and its error model.

    Parameters
    ----------
    model : FoldModel
        Trained.
    held : list of fits
        Out of fold: as observed, with each injected noise, and of the relatives.
    errors : ErrorModel
        Calibrated on these.
    trend : LabelTrend
        What these get wrong on average.
    """

    model: FoldModel[Fits]
    held: list[Fits]
    errors: ErrorModel
    trend: LabelTrend

    def without_trend(self, fits: StarFits, snr: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
        """Labels without the trend, within the training range."""
        return np.clip(self.trend.corrected(fits.labels, snr), low, high)


@dataclass
class Estimate:
    """Labels of all stars by one engine; training stars and their relatives have them out of fold.

    Parameters
    ----------
    labels, formal, total, error : ndarray, shape (n_stars, n_labels)
        Labels, formal errors, calibrated errors of the difference from reference labels, and of the labels alone.
    """

    labels: FloatArray
    formal: FloatArray
    total: FloatArray
    error: FloatArray


class CombinedFit(NamedTuple):
    """Labels of both engines together."""

    labels: FloatArray
    formal_error: FloatArray

    def put(self, rows: NDArray[np.intp], part: CombinedFit) -> None:
        """Write the labels of some stars into their rows."""
        self.labels[rows], self.formal_error[rows] = part.labels, part.formal_error


def train_slam(config: LabelConfig, training: TrainingSet, progress: Progress) -> SlamModel:
    """Train SLAM."""
    model = SlamModel(config.names, config)
    note = f"training SLAM, about {model.numerics.training_memory_gb(*training.flux.shape):.1f} GB"
    progress(0.0, note)
    return model.fit(
        training.reference,
        training.flux,
        training.ivar,
        training.mask,
        groups=training.groups,
        progress=lambda fraction: progress(fraction, note),
    )


def train_direct(config: LabelConfig, training: TrainingSet, progress: Progress) -> DirectModel:
    """Train the networks."""
    return DirectModel(config.names, config).fit(
        training.reference,
        training.flux,
        training.ivar,
        training.mask,
        groups=training.groups,
        progress=lambda fraction: progress(fraction, "training networks"),
    )


def calibrated(
    model: FoldModel[Fits], config: LabelConfig, training: TrainingSet, called: str, progress: Progress
) -> Engine[Fits]:
    """Calibrate the errors of an engine on its out-of-fold labels."""
    held = out_of_fold_labels(
        model,
        training.flux,
        training.ivar,
        training.mask,
        groups=training.groups,
        n_folds=config.out_of_fold_models,
        degraded=training.degraded,
        relatives=training.relatives,
        progress=lambda fraction: progress(fraction, f"out-of-fold labels, {called}"),
    )
    errors = error_model(config.names, held, training, config.errors)
    observed = held[0]
    total = errors.total(observed.formal_error, training.snr, observed.labels)
    trend = LabelTrend.fit(training.differences(held)[0], observed.labels, training.snr, total)
    return Engine(model, held, errors, trend)


def corrected(engine: Engine[DirectFit], config: LabelConfig, training: TrainingSet) -> Engine[DirectFit]:
    """Remove the trend of the networks' labels, also out of fold, and calibrate their errors again."""
    low, high = training.reference.min(axis=0), training.reference.max(axis=0)
    reached = [*training.reached, training.relative_snr]
    held = [
        DirectFit(engine.without_trend(fit, snr, low, high), fit.formal_error)
        for fit, snr in zip(engine.held, reached, strict=True)
    ]
    return replace(engine, held=held, errors=error_model(config.names, held, training, config.errors))


def error_model(
    names: tuple[str, ...], held: Sequence[StarFits], training: TrainingSet, errors: str = "calibrated"
) -> ErrorModel:
    """Errors from out-of-fold stars: calibrated, or the paper's CV scatter (``errors = "cv-scatter"``).

    Injected noise knows nothing of what else goes wrong in faint spectra: it counts only where no star was observed.
    Stars whose reference labels are another star's are found with a first fit and do not count.
    """
    if errors == "cv-scatter":
        return scatter_errors(names, training.differences(held)[0], training.snr)
    used = [0, *(n for n, noisy in enumerate(training.degraded, 1) if noisy.snr <= training.snr.min())]
    differences, reached = training.differences(held), training.reached
    difference = np.concatenate([differences[place] for place in used])
    formal = np.concatenate([held[place].formal_error for place in used])
    snr = np.concatenate([reached[place] for place in used])
    labels = np.concatenate([held[place].labels for place in used])
    reference_error = np.tile(training.reference_error, (len(used), 1))
    injected = np.repeat(np.arange(len(used)) > 0, len(training.reference))
    model = ErrorModel(names).fit(difference, formal, snr, reference_error, labels, injected)
    observed = held[0]
    error = model.total(observed.formal_error, training.snr, observed.labels)
    wrong = contradicting(differences[0], training.reference, error)
    if wrong.any():
        difference = np.where(np.tile(wrong, len(used))[:, None], np.nan, difference)
        model.fit(difference, formal, snr, reference_error, labels, injected)
    model.contradictions_ = int(wrong.sum())
    return model


def slam_fits(
    model: SlamModel, held: list[LabelFit], training: TrainingSet, spectra: SpectrumStore, n: int, progress: Progress
) -> LabelFit:
    """SLAM's fits of all stars, out of fold for training stars and their repeats."""
    fits = model.blank(n)
    for rows in blocks(n):
        fits.put(rows, model.infer_labels(*spectra.pixels(rows)))
        progress(rows.stop / n, "inferring labels")
    fits.put(training.rows, held[0])
    fits.put(training.relative_rows, held[-1])
    return fits


def direct_fits(
    engine: Engine[DirectFit], training: TrainingSet, spectra: SpectrumStore, snr: FloatArray, progress: Progress
) -> DirectFit:
    """The networks' labels of all stars without their trend, out of fold for training stars."""
    fits = engine.model.blank(len(snr))
    low, high = training.reference.min(axis=0), training.reference.max(axis=0)
    for rows in blocks(len(snr)):
        result = engine.model.infer_labels(*spectra.pixels(rows))
        fits.put(rows, DirectFit(engine.without_trend(result, snr[rows], low, high), result.formal_error))
        progress(rows.stop / len(snr), "labels by the networks")
    fits.put(training.rows, engine.held[0])
    fits.put(training.relative_rows, engine.held[-1])
    return fits


def estimate(fits: StarFits, errors: ErrorModel, snr: FloatArray) -> Estimate:
    """Labels with calibrated errors."""
    total = errors.total(fits.formal_error, snr, fits.labels)
    return Estimate(fits.labels, fits.formal_error, total, errors.apply(fits.formal_error, snr, fits.labels))


class Combination(NamedTuple):
    """Combination of both engines."""

    joint: JointModel
    trend: LabelTrend
    """Trend of the combined [M/H] towards the mean, of which half is subtracted."""

    errors: ErrorModel
    held: list[CombinedFit]
    """Out-of-fold labels."""


def together(
    joint: JointModel,
    trend: LabelTrend,
    engines: tuple[Engine[LabelFit], Engine[DirectFit]],
    fits: tuple[StarFits, StarFits],
    snr: FloatArray,
) -> JointEstimate:
    """Combine the labels of SLAM and of the networks, with the trends of both and of the result removed."""
    (slam, direct), (item, other) = engines, fits
    both = joint.combine(
        slam.without_trend(item, snr, joint.low, joint.high),
        slam.errors.total(item.formal_error, snr, item.labels),
        other.labels,
        direct.errors.total(other.formal_error, snr, other.labels),
    )
    return both._replace(labels=np.clip(trend.corrected(both.labels, snr), joint.low, joint.high))


def combined(
    config: LabelConfig, slam: Engine[LabelFit], direct: Engine[DirectFit], training: TrainingSet
) -> Combination:
    """Learn the combination of both engines from their out-of-fold labels."""
    names = config.names
    low, high = training.reference.min(axis=0), training.reference.max(axis=0)
    observed, snr = slam.held[0], training.snr
    pulls = (
        (slam.without_trend(observed, snr, low, high) - training.reference)
        / slam.errors.total(observed.formal_error, snr, observed.labels),
        training.differences(direct.held)[0]
        / direct.errors.total(direct.held[0].formal_error, snr, direct.held[0].labels),
    )
    joint = JointModel.fit(*pulls, low, high)
    trend = LabelTrend.none(len(names))
    if METALLICITY in names:
        first = together(joint, trend, (slam, direct), (observed, direct.held[0]), snr)
        trend = LabelTrend.balanced(first.labels, training.reference, snr, first.formal_error, names.index(METALLICITY))
    held = []
    for item, other, at in zip(slam.held, direct.held, training.reached, strict=False):  # not the relatives
        both = together(joint, trend, (slam, direct), (item, other), at)
        held.append(CombinedFit(both.labels, both.formal_error))
    return Combination(joint, trend, error_model(names, held, training, config.errors), held)
