"""Quality bits: one declaration a bit, with its texts, thresholds, tests and evidence."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.label_names import ENGINES, LABEL_NAMES


class Below(NamedTuple):
    """A test: the values of a column are below one of the bit's thresholds; a missing value is not."""

    column: str
    limit: str

    def is_raised(self, values: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Rows for which the test raises the bit, shape (n,)."""
        return np.asarray(values < limit)


class Above(NamedTuple):
    """A test: the values of a column are above one of the bit's thresholds; a missing value is not."""

    column: str
    limit: str

    def is_raised(self, values: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Rows for which the test raises the bit, shape (n,)."""
        return np.asarray(values > limit)


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
    doubtful : tuple of str
        Columns whose values the bit makes doubtful.
    tests : tuple of Below or Above
        Each raises the bit; tests of more than one column and its threshold are in :mod:`pipeline.stages.flagging`.
    """

    short: str
    meaning: str
    limits: dict[str, float]
    evidence: tuple[str, ...]
    doubtful: tuple[str, ...]
    tests: tuple[Below | Above, ...]


_NOTHING = FlagText("", "", {}, (), (), ())


def _flag(
    bit: int,
    short: str,
    meaning: str,
    *,
    tests: tuple[Below | Above, ...] = (),
    evidence: str = "",
    doubtful: str = "",
    **limits: float,
) -> tuple[int, FlagText]:
    """Declare a bit; ``{NAME:g}`` in the meaning is a threshold, ``{NAME_percent:g}`` a hundred times it.

    The columns of the tests are the evidence where no other is named, and the evidence is doubtful where nothing else
    is.
    """
    shown = {**limits, **{f"{name}_percent": 100.0 * value for name, value in limits.items()}}
    columns = tuple(evidence.split()) or tuple(test.column for test in tests)
    spoiled = tuple(doubtful.split()) or columns
    return 1 << bit, FlagText(short, meaning.format(**shown), limits, columns, spoiled, tests)


_LABELS = " ".join(LABEL_NAMES)
_ACTIONS = "j_r j_phi j_z j_tot j_sum"
_MOTION = f"v_x v_y v_z v_r v_phi {_ACTIONS} energy eccentricity z_max r_peri r_apo"
_STREAM = "sgr_probability"
_SPACE = f"distance k_abs x_gal y_gal z_gal x_helio r_gal {_MOTION} {_STREAM} sgr_term_distance"
_RV = f"rv v_gsr {_MOTION} {_STREAM} sgr_term_velocity"
_BY_ENGINE = " ".join(["label_disagreement", *(f"{name}_{engine}" for name in LABEL_NAMES for engine in ENGINES)])


class QualityFlag(IntFlag):
    """Bits of the ``quality`` column; 0 means that no test raised one.

    Flagging, the star card and the README's table follow from each bit's declaration.
    """

    text: FlagText

    def __new__(cls, value: int, text: FlagText = _NOTHING) -> Self:
        """Keep the declaration with the bit."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    LOW_SNR = _flag(
        0,
        "low S/N",
        "mean S/N of the good pixels below {snr:g}",
        tests=(Below("snr_good", "snr"),),
        snr=10.0,
        doubtful=_LABELS,
    )
    MASKED = _flag(
        1,
        "masked",
        "more than {fraction_percent:g} % of the pixels in the fitted range are masked",
        tests=(Above("masked_fraction", "fraction"),),
        fraction=0.2,
        doubtful=_LABELS,
    )
    BAD_CHI2 = _flag(
        2,
        "poor fit",
        "reduced chi-squared above the {percentile:g}th percentile of out-of-fold stars of similar S/N",
        evidence="chi2_nu",
        percentile=99.5,
        doubtful=_LABELS,
    )
    RESIDUALS = _flag(
        3,
        "residuals",
        "correlated residuals, or a feature or {chunk_angstrom:g} Å section of them, beyond {percentile:g} % of "
        "out-of-fold stars",
        evidence="chi2_nu",
        percentile=99.5,
        chunk_angstrom=500.0,
        doubtful=_LABELS,
    )
    NOT_CONVERGED = _flag(
        4, "not converged", "the label fit did not converge", evidence="label_reason", doubtful=_LABELS
    )
    LABEL_AT_BOUND = _flag(
        5, "at bound", "a label is at the edge of the training range", evidence=" ".join(LABEL_NAMES)
    )
    OUTSIDE_HULL = _flag(
        6, "outside hull", "the labels are far from those of every training star", evidence=" ".join(LABEL_NAMES)
    )
    STARTS_DISAGREE = _flag(7, "two minima", "fits from two starting points disagree", doubtful=_LABELS)
    CA_LINES_DISAGREE = _flag(
        8,
        "Ca II",
        "velocities of two Ca II lines differ by more than {sigma:g} sigma",
        tests=(Above("rv_ca_sigma", "sigma"),),
        evidence="rv_ca_sigma rv_ca8498 rv_ca8542 rv_ca8662",
        sigma=5.0,
        doubtful="rv rv_ca8498 rv_ca8542 rv_ca8662",
    )
    RV_DOUBTFUL = _flag(
        9,
        "RV doubtful",
        "no velocity could be measured, or the CCF peak is at the edge, too low, or has a rival within "
        "{rival_within_percent:g} %",
        evidence="rv_peak rv_peak_ratio",
        peak=0.3,
        rival_within=0.1,
        doubtful=_RV,
    )
    EDGE_TEMPLATE = _flag(
        10,
        "edge template",
        "the best velocity template is at the edge of its grid",
        evidence="rv_template_teff",
        doubtful=_RV,
    )
    COLOUR_OUTLIER = _flag(
        11,
        "colour",
        "(J-K)0 disagrees with the effective temperature ({sigma:g} sigma)",
        evidence="jk0 teff",
        sigma=5.0,
    )
    DISTANCE_DOUBTFUL = _flag(
        12,
        "distance",
        "no or several distance roots, [M/H] outside {least_m_h:g}..{most_m_h:g} dex, or dust map and spectrum "
        "disagree",
        evidence="distance_roots m_h",
        least_m_h=-0.9,
        most_m_h=0.5,
        doubtful=_SPACE,
    )
    UNBOUND = _flag(
        13, "unbound", "total energy above the potential at infinity", evidence="energy", doubtful=f"distance {_MOTION}"
    )
    ACTION_FAILURE = _flag(14, "actions", "the actions could not be computed", doubtful=_ACTIONS)
    ASTROMETRY = _flag(
        15,
        "astrometry",
        "Gaia RUWE above {ruwe:g}, or RV differs from Gaia's by more than {sigma:g} sigma",
        tests=(Above("ruwe", "ruwe"),),
        evidence="ruwe rv rv_gaia",
        ruwe=1.4,
        sigma=5.0,
        doubtful=f"parallax pmra pmdec {_MOTION}",
    )
    ENGINES_DISAGREE = _flag(
        16,
        "engines disagree",
        "the labels of SLAM and of the networks differ more than those of {percentile:g} % of out-of-fold stars",
        evidence=_BY_ENGINE,
        percentile=99.5,
        doubtful=_LABELS,
    )
    ARMS_DISAGREE = _flag(
        19,
        "arms disagree",
        "velocities of the blue and of the red arm differ by more than {kms:g} km/s and {sigma:g} sigma",
        evidence="rv_blue rv_red",
        kms=15.0,
        sigma=4.0,
        doubtful=_RV,
    )
    RV_POOR_FIT = _flag(
        20,
        "RV poor fit",
        "the velocity template misses the spectrum by more than {misfit_percent:g} % of the continuum",
        evidence="rv_chi2_nu snr_ca",
        misfit=0.15,
        doubtful=_RV,
    )
    TEMPLATE_AGAINST_BANDS = _flag(
        21,
        "RV template",
        "a velocity template above {teff_k:g} K fits a spectrum with TiO5 below {tio5:g}",
        evidence="rv_template_teff tio5",
        teff_k=4600.0,
        tio5=0.8,
        doubtful=_RV,
    )
    RV_SHIFTED_GROUP = _flag(
        22,
        "RV of its group",
        "velocities of its night, plate or spectrograph are shifted by more than {kms:g} km/s and {sigma:g} sigma "
        "relative to the whole run",
        evidence="rv_offset rv_offset_err",
        kms=20.0,
        sigma=5.0,
        doubtful=_RV,
    )

    def limit(self, name: str) -> float:
        """One of the thresholds that set the bit; raise KeyError if it has none of that name."""
        return self.text.limits[name]


FLAG_TEXTS: dict[QualityFlag, FlagText] = {flag: flag.text for flag in QualityFlag}
"""Declarations of the bits, lowest bit first."""

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


def doubts_of(quality: int) -> dict[str, str]:
    """Columns whose values the set bits make doubtful, each with the short texts of these bits."""
    texts: dict[str, list[str]] = {}
    for flag, text in FLAG_TEXTS.items():
        for name in text.doubtful if int(quality) & int(flag) else ():
            texts.setdefault(name, []).append(text.short)
    return {name: ", ".join(shorts) for name, shorts in texts.items()}


def raise_bit(quality: NDArray[np.int32], flag: QualityFlag, where: NDArray[np.bool_]) -> None:
    """Set one bit in place where a mask is true."""
    quality[where] |= np.int32(int(flag))


def readme_table() -> str:
    """The README's table of quality bits, in Markdown."""
    rows = (f"| {int(flag).bit_length() - 1} | `{flag.name}` | {text.meaning} |" for flag, text in FLAG_TEXTS.items())
    return "\n".join(("| bit | name | meaning |", "|---|---|---|", *rows))
