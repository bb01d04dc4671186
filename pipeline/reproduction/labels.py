"""Statements of section 3.2: bias and scatter of labels, self-consistency, another catalogue, errors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipeline.domain.columns import BY_NAME
from pipeline.reproduction.samples import REFERENCE, TRAINING_SNR, accurate
from pipeline.reproduction.statement import MIN_STARS, Claim, PaperStatement, above, counted_stars, printed
from pipeline.reproduction.survey import OTHER, BoolArray, FloatArray, Survey
from pipeline.reproduction.velocities import REFERENCES, measured_here, pulls
from pipeline.science.quality.estimates import (
    Estimate,
    mean,
    mean_of,
    number,
    root_mean_square,
    share,
    standard_deviation,
)
from pipeline.stages.labels import SNR_EDGES

OTHER_STARS = 11_132
"""Stars that the paper has in common with Li et al. (2022)."""

LOW_SNR, HIGH_SNR = 17.0, 100.0
"""S/N at which the paper gives the CV scatter."""

LOW_WINDOW = (LOW_SNR / 2**0.25, LOW_SNR * 2**0.25)
"""Our bin around the lower one: a factor of the square root of 2 wide."""

SIGMA_PERCENT = 68.27
"""Stars within one standard error if errors are correct and normal."""


@dataclass(frozen=True)
class PaperLabel:
    """Numbers of the paper on one label.

    Parameters
    ----------
    name : str
        Our column.
    step : float
        Step to which the paper rounds them.
    low, high : float
        CV scatter at S/N 17 and 100.
    bias : float
        Mean CV bias.
    other_scatter : float
        Scatter about Li et al. (2022).
    other_bias : float or None
        Offset from them; None for the labels of which only "0.01 to 0.03" is said.
    """

    name: str
    step: float
    low: float
    high: float
    bias: float
    other_scatter: float
    other_bias: float | None = None

    @property
    def label(self) -> str:
        """Name on axes."""
        return BY_NAME[self.name].label

    @property
    def unit(self) -> str:
        """Unit of all numbers."""
        return BY_NAME[self.name].unit


PAPER_LABELS = (
    PaperLabel("m_h", 0.01, 0.27, 0.16, -0.01, 0.16),
    PaperLabel("teff", 1.0, 110.0, 57.0, -5.0, 32.0, 7.0),
    PaperLabel("logg", 0.01, 0.39, 0.25, 0.02, 0.31),
    PaperLabel("alpha_m", 0.01, 0.12, 0.06, -0.01, 0.05),
)
"""The four labels, in the order of the paper."""


def label_difference(survey: Survey, name: str) -> FloatArray:
    """Our label minus the reference's of stars that did not train its model; NaN for others.

    The build publishes labels of training stars out of fold. Reference labels that are flagged as bad, or whose errors
    exceed the paper's limits, do not count.
    """
    usable = accurate(survey) & (survey.words("label_reason") != "") & ~(survey.column("ref_bad", 0.0) > 0)
    return np.where(usable, survey[name] - survey[f"{name}_ref"], np.nan)


def inferred_here(survey: Survey) -> str:
    """Why the labels are not this program's; "" where they are."""
    reason = survey.skipped("labels")
    return f"labels were not inferred here: {reason}" if reason else ""


def snr_bins(survey: Survey, name: str) -> Iterator[tuple[float, FloatArray]]:
    """Mean S/N and label differences of each bin of Figure 4 that has enough stars."""
    difference, snr = label_difference(survey, name), survey["snr"]
    for low, high in itertools.pairwise(SNR_EDGES):
        inside = (snr >= low) & (snr < high) & np.isfinite(difference)
        if inside.sum() >= MIN_STARS:
            yield float(snr[inside].mean()), difference[inside]


def _scatter_between(name: str, low: float, high: float, survey: Survey) -> Estimate:
    snr = survey["snr"]
    return root_mean_square(label_difference(survey, name)[(snr >= low) & (snr < high)])


def _mean_bias(name: str, survey: Survey) -> Estimate:
    return mean_of([mean(difference) for _, difference in snr_bins(survey, name)])


def bright(survey: Survey) -> BoolArray:
    """Stars above the S/N limit of training."""
    return np.asarray(survey["snr"] > TRAINING_SNR, np.bool_)


def _self_bias(name: str, is_bright: bool, survey: Survey) -> Estimate:
    return mean(-label_difference(survey, name)[bright(survey) == is_bright])


def _scatter_ratio(name: str, survey: Survey) -> Estimate:
    difference, high = label_difference(survey, name), bright(survey)
    faint, good = standard_deviation(difference[~high]), standard_deviation(difference[high])
    stars = min(faint.stars, good.stars)
    if stars < MIN_STARS:
        return Estimate(np.nan, np.nan, stars)
    ratio = faint.value / good.value
    return Estimate(ratio, ratio * math.hypot(faint.error / faint.value, good.error / good.value), stars)


def other_difference(survey: Survey, name: str) -> FloatArray:
    """Our label minus the other catalogue's."""
    return survey[name] - survey[f"{OTHER}{name}"]


def _other_mean(name: str, survey: Survey) -> Estimate:
    return mean(other_difference(survey, name))


def _other_scatter(name: str, survey: Survey) -> Estimate:
    return standard_deviation(other_difference(survey, name))


def _common(survey: Survey) -> Estimate:
    return number(survey.known(f"{OTHER}row"))


def _within(name: str, survey: Survey) -> Estimate:
    error = np.hypot(survey[f"{name}_err"], survey.column(f"{name}_ref_err", 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        pull = np.abs(label_difference(survey, name)) / error
    return share(pull[np.isfinite(pull)] < 1.0)


def _velocity_within(column: str, survey: Survey) -> Estimate:
    pull = pulls(column)(survey)
    return share(pull[np.isfinite(pull)] < 1.0)


def standard_error() -> Claim:
    """Percentage of stars within one standard error, which the paper's "uncertainty" means."""
    value = SIGMA_PERCENT
    return Claim(f"{value:.1f} % (one σ)", value, value, "%", 1, value)


def _needs(label: PaperLabel) -> tuple[str, ...]:
    return (label.name, *REFERENCE, "snr", "label_reason")


def _cross_validation(label: PaperLabel) -> tuple[PaperStatement, ...]:
    needs, of = _needs(label), "stars that did not train the model (training stars: out of fold)"
    low, high = LOW_WINDOW
    return (
        PaperStatement(
            f"cv-scatter-low-{label.name}",
            "3.2.3",
            f"CV scatter of {label.label} at S/N {LOW_SNR:g}",
            printed(label.low, label.step, label.unit),
            partial(_scatter_between, label.name, *LOW_WINDOW),
            needs,
            f"root mean square (Eq. 7) at S/N {low:.1f} to {high:.1f}, {of}",
            "4",
            refuse=inferred_here,
        ),
        PaperStatement(
            f"cv-scatter-{label.name}",
            "abstract, 3.2.3",
            f"CV scatter of {label.label} at S/N > {HIGH_SNR:g}",
            printed(label.high, label.step, label.unit),
            partial(_scatter_between, label.name, HIGH_SNR, math.inf),
            needs,
            f"root mean square (Eq. 7) at S/N > {HIGH_SNR:g}, {of}",
            "4",
            refuse=inferred_here,
        ),
        PaperStatement(
            f"cv-bias-{label.name}",
            "3.2.3",
            f"mean CV bias of {label.label}",
            printed(label.bias, label.step, label.unit),
            partial(_mean_bias, label.name),
            needs,
            f"mean of the means (Eq. 6) in the bins of Figure 4 with {MIN_STARS} stars or more, {of}",
            "4",
            refuse=inferred_here,
        ),
    )


def _self_consistency(label: PaperLabel) -> Iterator[PaperStatement]:
    how = "out-of-fold labels; `python -m pipeline self-consistency DIR` repeats the paper's split of 2,770 and 900"
    for sign, is_bright in ((">", True), ("<", False)):
        half = label.step / 2
        yield PaperStatement(
            f"self-bias-{'high' if is_bright else 'low'}-{label.name}",
            "3.2.4",
            f"mean Δ{label.label} (APOGEE minus SLAM), S/N {sign} {TRAINING_SNR:g}",
            Claim("close to 0", -half, half, label.unit, 0 if label.step == 1.0 else 3, 0.0),
            partial(_self_bias, label.name, is_bright),
            _needs(label),
            f"mean, {how}; 0 to the digits of the paper's CV bias",
            "5",
            refuse=inferred_here,
        )
    yield PaperStatement(
        f"self-scatter-{label.name}",
        "3.2.4",
        f"scatter of Δ{label.label} at S/N < {TRAINING_SNR:g} over that above",
        above(1.0, "larger at low S/N", digits=2),
        partial(_scatter_ratio, label.name),
        _needs(label),
        f"ratio of standard deviations, {how}",
        "5",
        refuse=inferred_here,
    )


def _another_catalogue(label: PaperLabel) -> tuple[PaperStatement, ...]:
    needs = (label.name, f"{OTHER}{label.name}")
    command = "python -m pipeline reproduce {directory} --catalogue FILE --only {key}"
    error = label.other_scatter / math.sqrt(OTHER_STARS)
    bias = (
        Claim("0.01 to 0.03 dex", -0.035, 0.035, label.unit, 3, error=error)
        if label.other_bias is None
        else printed(label.other_bias, label.step, label.unit, error=error)
    )
    scatter = printed(label.other_scatter, label.step, label.unit, error=error / math.sqrt(2))
    return (
        PaperStatement(
            *(f"other-bias-{label.name}", "3.2.5", f"offset of {label.label} from another catalogue", bias),
            *(
                partial(_other_mean, label.name),
                needs,
                "mean of ours minus the other's; the paper states no sign of its offsets in dex",
                "6",
            ),
            command=command,
        ),
        PaperStatement(
            *(f"other-scatter-{label.name}", "3.2.5", f"scatter of {label.label} about another catalogue", scatter),
            *(partial(_other_scatter, label.name), needs, "standard deviation of ours minus the other's", "6"),
            command=command,
        ),
    )


COVERAGE = (
    *(
        PaperStatement(
            f"coverage-{label.name}",
            "Table A1",
            f"{label.label} within its stated error of the reference",
            standard_error(),
            partial(_within, label.name),
            (*_needs(label), f"{label.name}_err"),
            "fraction of the held-out stars, errors of both added in quadrature",
            refuse=inferred_here,
        )
        for label in PAPER_LABELS
    ),
    *(
        PaperStatement(
            f"coverage-rv-{key}",
            "Table A1",
            f"RV within its stated error of {called}'s",
            standard_error(),
            partial(_velocity_within, column),
            ("rv", "rv_err", column),
            "fraction of the common observations, errors of both added in quadrature",
            refuse=measured_here,
        )
        for key, (column, called, _) in REFERENCES.items()
    ),
)
"""Stated errors of labels and velocities."""

STATEMENTS = (
    *(statement for label in PAPER_LABELS for statement in _cross_validation(label)),
    *(statement for label in PAPER_LABELS for statement in _self_consistency(label)),
    PaperStatement(
        *("other-stars", "3.2.5", "common stars with another catalogue", counted_stars(OTHER_STARS), _common),
        *((f"{OTHER}row",), "observations with a row in it (the paper: Li et al. 2022)", "6"),
        command="python -m pipeline reproduce {directory} --catalogue FILE --only {key}",
        counts=True,
    ),
    *(statement for label in PAPER_LABELS for statement in _another_catalogue(label)),
)
"""Labels, in the order of the paper."""
