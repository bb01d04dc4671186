"""Quality bits: one meaning a bit, with its text and its threshold."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


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


class FlagText(NamedTuple):
    """What a bit means, for people."""

    short: str
    meaning: str


FLAG_TEXTS: dict[QualityFlag, FlagText] = {
    QualityFlag.LOW_SNR: FlagText("low S/N", "mean S/N of the good pixels below 10"),
    QualityFlag.MASKED: FlagText("masked", "more than 20 % of the pixels in the fitted range are masked"),
    QualityFlag.BAD_CHI2: FlagText(
        "poor fit", "reduced chi-squared above the 99.5th percentile of out-of-fold stars of like S/N"
    ),
    QualityFlag.RESIDUALS: FlagText(
        "residuals", "residuals correlated, or a feature or 500 Å stretch in them, beyond 99.5 % of out-of-fold stars"
    ),
    QualityFlag.NOT_CONVERGED: FlagText("not converged", "the label fit did not converge"),
    QualityFlag.LABEL_AT_BOUND: FlagText("at bound", "a label lies at the edge of the training range"),
    QualityFlag.OUTSIDE_HULL: FlagText("outside hull", "the labels lie far from every training star"),
    QualityFlag.STARTS_DISAGREE: FlagText("two minima", "fits from two starting points disagree"),
    QualityFlag.CA_LINES_DISAGREE: FlagText("Ca II", "velocities of two Ca II lines differ by more than 5 sigma"),
    QualityFlag.RV_DOUBTFUL: FlagText(
        "RV doubtful",
        "no velocity could be measured, or the CCF peak is at the edge, too low, or with a rival within 10 %",
    ),
    QualityFlag.EDGE_TEMPLATE: FlagText("edge template", "the best velocity template lies at the edge of its grid"),
    QualityFlag.COLOUR_OUTLIER: FlagText("colour", "(J-K)0 does not fit the effective temperature (5 sigma)"),
    QualityFlag.DISTANCE_DOUBTFUL: FlagText(
        "distance", "no or several distance roots, [M/H] outside -0.9..0.5 dex, or dust map against spectrum"
    ),
    QualityFlag.UNBOUND: FlagText("unbound", "total energy above the potential at infinity"),
    QualityFlag.ACTION_FAILURE: FlagText("actions", "the actions could not be computed"),
    QualityFlag.ASTROMETRY: FlagText("astrometry", "Gaia RUWE above 1.4, or RV off Gaia's by more than 5 sigma"),
    QualityFlag.ENGINES_DISAGREE: FlagText(
        "engines disagree",
        "the labels of SLAM and of the networks differ more than those of 99.5 % of out-of-fold stars",
    ),
    QualityFlag.ARMS_DISAGREE: FlagText(
        "arms disagree", "velocities of the blue and of the red arm differ by more than 15 km/s and 4 sigma"
    ),
    QualityFlag.RV_POOR_FIT: FlagText(
        "RV poor fit", "the velocity template misses the spectrum by more than 15 % of the continuum"
    ),
    QualityFlag.TEMPLATE_AGAINST_BANDS: FlagText(
        "RV template", "a velocity template above 4600 K fits a spectrum with TiO5 below 0.8"
    ),
    QualityFlag.RV_SHIFTED_GROUP: FlagText(
        "RV of its group",
        "velocities of its night, plate or spectrograph are shifted by more than 20 km/s and 5 sigma against the run's",
    ),
}

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
