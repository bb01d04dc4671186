"""Quality bits: one declaration a bit, with its texts, thresholds and evidence."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.label_names import ENGINES, LABEL_NAMES


class QualityFlag(IntFlag):
    """Bits of the ``quality`` column; 0 means that no test found anything odd."""

    LOW_SNR = 1 << 0
    MASKED = 1 << 1
    BAD_CHI2 = 1 << 2
    RESIDUALS = 1 << 3
    NOT_CONVERGED = 1 << 4
    LABEL_AT_BOUND = 1 << 5
    OUTSIDE_HULL = 1 << 6
    STARTS_DISAGREE = 1 << 7
    CA_LINES_DISAGREE = 1 << 8
    RV_DOUBTFUL = 1 << 9
    EDGE_TEMPLATE = 1 << 10
    COLOUR_OUTLIER = 1 << 11
    DISTANCE_DOUBTFUL = 1 << 12
    UNBOUND = 1 << 13
    ACTION_FAILURE = 1 << 14
    ASTROMETRY = 1 << 15
    ENGINES_DISAGREE = 1 << 16
    ARMS_DISAGREE = 1 << 19
    RV_POOR_FIT = 1 << 20
    TEMPLATE_AGAINST_BANDS = 1 << 21
    RV_SHIFTED_GROUP = 1 << 22

    def limit(self, name: str) -> float:
        """One of the thresholds that set the bit; raise KeyError if it has none of that name."""
        return FLAG_TEXTS[self].limits[name]


class FlagText(NamedTuple):
    """Declaration of a bit.

    Parameters
    ----------
    short : str
        Two or three words for lists.
    meaning : str
        One clause, with the thresholds.
    limits : dict of str to float
        Thresholds that set the bit, by name.
    evidence : tuple of str
        Columns whose values show why the bit is set.
    """

    short: str
    meaning: str
    limits: dict[str, float]
    evidence: tuple[str, ...]


def _flag(short: str, meaning: str, evidence: str = "", **limits: float) -> FlagText:
    """Declare a bit; ``{NAME:g}`` in the meaning is a threshold, ``{NAME_percent:g}`` a hundred times it."""
    shown = {**limits, **{f"{name}_percent": 100.0 * value for name, value in limits.items()}}
    return FlagText(short, meaning.format(**shown), limits, tuple(evidence.split()))


_LABELS = " ".join(LABEL_NAMES)
_BY_ENGINE = " ".join(f"{name}_{engine}" for name in LABEL_NAMES for engine in ENGINES)

FLAG_TEXTS: dict[QualityFlag, FlagText] = {
    QualityFlag.LOW_SNR: _flag("low S/N", "mean S/N of the good pixels below {snr:g}", evidence="snr_good", snr=10.0),
    QualityFlag.MASKED: _flag(
        "masked",
        "more than {fraction_percent:g} % of the pixels in the fitted range are masked",
        evidence="masked_fraction",
        fraction=0.2,
    ),
    QualityFlag.BAD_CHI2: _flag(
        "poor fit",
        "reduced chi-squared above the {percentile:g}th percentile of out-of-fold stars of like S/N",
        evidence="chi2_nu",
        percentile=99.5,
    ),
    QualityFlag.RESIDUALS: _flag(
        "residuals",
        "residuals correlated, or a feature or {chunk_angstrom:g} Å stretch in them, beyond {percentile:g} % of "
        "out-of-fold stars",
        evidence="chi2_nu",
        percentile=99.5,
        chunk_angstrom=500.0,
    ),
    QualityFlag.NOT_CONVERGED: _flag("not converged", "the label fit did not converge", evidence="label_reason"),
    QualityFlag.LABEL_AT_BOUND: _flag("at bound", "a label lies at the edge of the training range", evidence=_LABELS),
    QualityFlag.OUTSIDE_HULL: _flag("outside hull", "the labels lie far from every training star", evidence=_LABELS),
    QualityFlag.STARTS_DISAGREE: _flag("two minima", "fits from two starting points disagree"),
    QualityFlag.CA_LINES_DISAGREE: _flag(
        "Ca II",
        "velocities of two Ca II lines differ by more than {sigma:g} sigma",
        evidence="rv_ca_sigma rv_ca8498 rv_ca8542 rv_ca8662",
        sigma=5.0,
    ),
    QualityFlag.RV_DOUBTFUL: _flag(
        "RV doubtful",
        "no velocity could be measured, or the CCF peak is at the edge, too low, or with a rival within "
        "{rival_within_percent:g} %",
        evidence="rv_peak rv_peak_ratio",
        peak=0.3,
        rival_within=0.1,
    ),
    QualityFlag.EDGE_TEMPLATE: _flag(
        "edge template", "the best velocity template lies at the edge of its grid", evidence="rv_template_teff"
    ),
    QualityFlag.COLOUR_OUTLIER: _flag(
        "colour", "(J-K)0 does not fit the effective temperature ({sigma:g} sigma)", evidence="jk0 teff", sigma=5.0
    ),
    QualityFlag.DISTANCE_DOUBTFUL: _flag(
        "distance",
        "no or several distance roots, [M/H] outside {least_m_h:g}..{most_m_h:g} dex, or dust map against spectrum",
        evidence="distance_roots m_h",
        least_m_h=-0.9,
        most_m_h=0.5,
    ),
    QualityFlag.UNBOUND: _flag("unbound", "total energy above the potential at infinity", evidence="energy"),
    QualityFlag.ACTION_FAILURE: _flag("actions", "the actions could not be computed"),
    QualityFlag.ASTROMETRY: _flag(
        "astrometry",
        "Gaia RUWE above {ruwe:g}, or RV off Gaia's by more than {sigma:g} sigma",
        evidence="ruwe rv rv_gaia",
        ruwe=1.4,
        sigma=5.0,
    ),
    QualityFlag.ENGINES_DISAGREE: _flag(
        "engines disagree",
        "the labels of SLAM and of the networks differ more than those of {percentile:g} % of out-of-fold stars",
        evidence=f"label_disagreement {_BY_ENGINE}",
        percentile=99.5,
    ),
    QualityFlag.ARMS_DISAGREE: _flag(
        "arms disagree",
        "velocities of the blue and of the red arm differ by more than {kms:g} km/s and {sigma:g} sigma",
        evidence="rv_blue rv_red",
        kms=15.0,
        sigma=4.0,
    ),
    QualityFlag.RV_POOR_FIT: _flag(
        "RV poor fit",
        "the velocity template misses the spectrum by more than {misfit_percent:g} % of the continuum",
        evidence="rv_chi2_nu snr_ca",
        misfit=0.15,
    ),
    QualityFlag.TEMPLATE_AGAINST_BANDS: _flag(
        "RV template",
        "a velocity template above {teff_k:g} K fits a spectrum with TiO5 below {tio5:g}",
        evidence="rv_template_teff tio5",
        teff_k=4600.0,
        tio5=0.8,
    ),
    QualityFlag.RV_SHIFTED_GROUP: _flag(
        "RV of its group",
        "velocities of its night, plate or spectrograph are shifted by more than {kms:g} km/s and {sigma:g} sigma "
        "against the run's",
        evidence="rv_offset rv_offset_err",
        kms=20.0,
        sigma=5.0,
    ),
}
"""Each bit's texts, thresholds and evidence: flagging, the star card and the README's table follow from it."""

ALL_BITS = sum(int(flag) for flag in QualityFlag)
"""Largest value of ``quality``, a 32-bit integer."""


def describe(quality: int) -> list[str]:
    """Sentences for the bits set in ``quality``, lowest bit first.

    Raises
    ------
    ValueError
        If a bit is set that has no meaning.
    """
    known = 0
    sentences = []
    for flag, text in FLAG_TEXTS.items():
        known |= int(flag)
        if int(quality) & int(flag):
            sentences.append(text.meaning)
    if int(quality) & ~known:
        raise ValueError(f"quality={quality} sets bits without a meaning: {int(quality) & ~known:#x}.")
    return sentences


def raise_bit(quality: NDArray[np.int32], flag: QualityFlag, where: NDArray[np.bool_]) -> None:
    """Set one bit in place where a test says so."""
    quality[where] |= np.int32(int(flag))


def readme_table() -> str:
    """The README's table of quality bits, in Markdown."""
    rows = (f"| {int(flag).bit_length() - 1} | `{flag.name}` | {text.meaning} |" for flag, text in FLAG_TEXTS.items())
    return "\n".join(("| bit | name | meaning |", "|---|---|---|", *rows))
