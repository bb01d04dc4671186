"""Statements of section 2, and on the numbers of common stars: which stars there are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from pipeline.domain.columns import BY_NAME
from pipeline.reproduction.statement import (
    PaperStatement,
    above,
    counted_stars,
    exactly,
    printed,
)
from pipeline.reproduction.survey import LAMOST, BoolArray, Survey
from pipeline.science.quality.estimates import Estimate, exact_number, number, share

REFERENCE = ("teff_ref", "logg_ref", "m_h_ref", "alpha_m_ref")
"""Reference labels, all of which a star of the training set has."""

TRAINING_SNR = 50.0
"""The paper's limit of S/N for training."""

ERROR_LIMITS = {"teff_ref_err": 20.0, "logg_ref_err": 0.1, "m_h_ref_err": 0.1, "alpha_m_ref_err": 0.05}
"""The paper's limits of the errors of reference labels."""

_ROW = f"{LAMOST}row"
_NUMBERS = "how many simulated stars there are, and with which data, is set"
_DRAWN = "simulated stars are drawn from the distributions of LAMOST DR4 and of the isochrones"
_OFFICIAL_CONSTANTS = (-1.0, 0.0)
_RANGES = {"m_h_ref": (-1.5, 0.5, "dex"), "teff_ref": (3200.0, 4300.0, "K"), "logg_ref": (-0.4, 2.5, "dex")}


def labelled(survey: Survey) -> BoolArray:
    """Stars with every reference label."""
    return survey.known(*REFERENCE)


def accurate(survey: Survey) -> BoolArray:
    """Stars with every reference label and no error above the paper's limit; unknown ones pass."""
    result = labelled(survey)
    for name, limit in ERROR_LIMITS.items():
        result &= ~(survey.column(name) >= limit)
    return result


def trainable(survey: Survey) -> BoolArray:
    """Stars that pass the paper's five cuts."""
    return accurate(survey) & (survey["snr"] > TRAINING_SNR)


def official_pairs(survey: Survey) -> BoolArray:
    """Stars in LAMOST's official catalogue and in APOGEE, both with S/N above 50."""
    bright = (survey["snr"] > TRAINING_SNR) & (survey["snr_ref"] > TRAINING_SNR)
    return survey.known(_ROW, "m_h_ref") & bright


def _number_of(chosen: Callable[[Survey], BoolArray], survey: Survey) -> Estimate:
    return number(chosen(survey))


def _without_parameters(survey: Survey) -> BoolArray:
    return official_pairs(survey) & np.isin(survey[f"{LAMOST}m_h"], _OFFICIAL_CONSTANTS)


def _excluded(survey: Survey) -> BoolArray:
    return labelled(survey) & ~trainable(survey)


def _trained(survey: Survey) -> BoolArray:
    return np.asarray(survey["in_training"] > 0, np.bool_)


def _outside(name: str, low: float, high: float, survey: Survey) -> Estimate:
    values = survey[name][trainable(survey)]
    return exact_number((values <= low) | (values >= high))


def _bright_share(survey: Survey) -> Estimate:
    return share(survey["snr"][survey.giants & survey.known("snr")] > TRAINING_SNR)


def _count(
    key: str,
    section: str,
    quantity: str,
    value: int,
    chosen: Callable[[Survey], BoolArray],
    needs: tuple[str, ...],
    how: str,
    figure: str = "",
) -> PaperStatement:
    """Statement on a number of stars."""
    return PaperStatement(
        *(key, section, quantity, counted_stars(value), partial(_number_of, chosen), needs, how, figure),
        by_construction=_NUMBERS,
        counts=True,
    )


def _range(name: str, low: float, high: float, unit: str) -> PaperStatement:
    return PaperStatement(
        f"range-{name.removesuffix('_ref')}",
        "2.2",
        f"training stars with {BY_NAME[name.removesuffix('_ref')].label} outside {low:g} to {high:g} {unit}",
        exactly(0),
        partial(_outside, name, low, high),
        (*REFERENCE, "snr"),
        "stars that pass the paper's five cuts",
        figure="2",
        by_construction=_DRAWN,
    )


STATEMENTS = (
    PaperStatement(
        *("stars", "1, 2.1", "M giants", above(43_000, "more than 43,000", digits=0)),
        *(
            partial(_number_of, lambda survey: survey.giants),
            ("obsid",),
            "observations that the selection keeps, or that none of its cuts could test",
        ),
        by_construction=_NUMBERS,
        counts=True,
    ),
    _count(
        *("official", "2.1", "M giants also in LAMOST's official list", 28_610),
        *(lambda survey: survey.giants & survey.known(_ROW), (_ROW,)),
        "M giants with a row in the M-star catalogue",
    ),
    _count(
        *("official-apogee", "2.1", "M giants in that list and in APOGEE, both S/N above 50", 2123, official_pairs),
        *(
            (_ROW, "snr", "snr_ref", "m_h_ref"),
            "stars with a row in the M-star catalogue and reference labels",
            "1",
        ),
    ),
    _count(
        *("official-constants", "2.1", "those of them whose LAMOST [M/H] is the constant -1 or 0", 1840),
        *(_without_parameters, (_ROW, f"{LAMOST}m_h", "snr", "snr_ref", "m_h_ref")),
        *("stars with a row in the M-star catalogue and reference labels, by [M/H] of that row", "1"),
    ),
    _count(
        *("apogee", "2.2", "M giants with APOGEE labels", 4473, labelled, REFERENCE),
        "observations with all four reference labels",
    ),
    _count(
        *(
            "training",
            "2.2",
            "M giants with APOGEE labels that pass the five cuts",
            3670,
            trainable,
            (*REFERENCE, "snr"),
        ),
        "S/N > 50; errors below 20 K, 0.1, 0.1 and 0.05 dex",
        "2",
    ),
    _count(
        *("excluded", "2.2", "M giants with APOGEE labels that do not pass them", 803, _excluded, (*REFERENCE, "snr")),
        *("stars with all four reference labels that fail one of the five cuts", "5"),
    ),
    _count(
        *("trained", "2.2", "stars that train the label model", 3670, _trained, ("in_training", *REFERENCE)),
        "training stars of this build, by its own cuts",
    ),
    *(_range(name, *limits) for name, limits in _RANGES.items()),
    PaperStatement(
        *("bright", "3.2.2", "M giants with S/N above 50", printed(80, 1, "%"), _bright_share, ("snr",)),
        *("fraction of the M giants", "2"),
        by_construction=_DRAWN,
    ),
)
"""Numbers of stars, in the order of the paper."""
