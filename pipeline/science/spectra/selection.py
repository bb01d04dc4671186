"""Selection of M giants in named steps: bands, infrared colours, parallax (paper section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.settings import SelectionConfig

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class SelectionStep:
    """One cut.

    Parameters
    ----------
    name : str
        Of the cut.
    tested, passed : ndarray of bool, shape (n,)
        Stars that have what the cut needs; those of them that pass.
    reason : str
        What is wrong with a star that does not.
    evidence : bool
        Whether passing is evidence of an M giant; a star that passed other cuts only is not kept.
    """

    name: str
    tested: BoolArray
    passed: BoolArray
    reason: str
    evidence: bool = True


UNTESTED = "not kept: no data to classify"
"""Reason of stars that no cut could test."""

STAR_CLASS = "STAR"
OTHER_CLASSES = ("GALAXY", "QSO")
"""Object classes of LAMOST that are known; any other word leaves a star untested."""


def class_step(object_class: NDArray[np.str_]) -> SelectionStep:
    """Drop what the survey calls a galaxy or a quasar; being a star is no evidence of an M giant.

    Parameters
    ----------
    object_class : ndarray of str, shape (n,)
        Class given by the survey, "" where there is none.
    """
    known = np.char.upper(np.char.strip(object_class))
    tested = np.isin(known, (STAR_CLASS, *OTHER_CLASSES))
    return SelectionStep(
        "object class", tested, known == STAR_CLASS, "the survey's class is GALAXY or QSO", evidence=False
    )


def velocity_step(rv_kms: FloatArray) -> SelectionStep:
    """Drop stars with a spectrum in which no velocity could be measured.

    Parameters
    ----------
    rv_kms : ndarray, shape (n,)
        Measured velocities, NaN where the measurement failed.
    """
    known = np.isfinite(rv_kms)
    reason = "no radial velocity could be measured in its spectrum"
    return SelectionStep("velocity", np.ones(rv_kms.size, np.bool_), known, reason, evidence=False)


DEEP_TIO5, DEEP_SLOPE, DEEP_MOST = 0.8, 0.25, 0.05
"""How the margin grows with the depth of the bands: dwarfs and giants part, and the loci of noisy dwarfs spread."""


def band_margin(settings: SelectionConfig, tio5: FloatArray, alone: BoolArray) -> FloatArray:
    """How far below the dwarfs' TiO5 a giant must be, shape (n,).

    Parameters
    ----------
    settings : SelectionConfig
        Margins beside other evidence, and of the bands alone.
    tio5 : ndarray, shape (n,)
        Band ratio.
    alone : ndarray of bool, shape (n,)
        Stars that neither colours nor a parallax test.
    """
    deeper = np.clip(DEEP_SLOPE * (DEEP_TIO5 - tio5), 0.0, DEEP_MOST)
    return np.where(alone, settings.dwarf_margin_alone + deeper, settings.dwarf_margin)


def dwarf_tio5(cah2_plus_cah3: FloatArray) -> FloatArray:
    """TiO5 of M dwarfs of solar metallicity, a cubic in CaH2 + CaH3.

    Lepine, Rich & Shara (2007, ApJ 669, 1235).

    The coefficients are quoted from memory; they run along the real M dwarfs of an anticentre plate (see the tests).
    """
    x = np.asarray(cah2_plus_cah3, float)
    return np.asarray(-0.050 - 0.118 * x + 0.670 * x**2 - 0.164 * x**3)


def selection_steps(
    settings: SelectionConfig,
    tio5: FloatArray,
    cah2_plus_cah3: FloatArray,
    jk0: FloatArray,
    w1w2: FloatArray,
    k0_mag: FloatArray,
    parallax: FloatArray,
    parallax_err: FloatArray,
) -> list[SelectionStep]:
    """Cuts of the selection in order.

    All arrays have shape (n,); NaN where a quantity is unknown: such a star passes untested.

    Parameters
    ----------
    settings : SelectionConfig
        Where the cuts lie.
    tio5, cah2_plus_cah3 : ndarray
        Band ratios (Reid et al. 1995).
    jk0, w1w2, k0_mag : ndarray
        (J - Ks)0, (W1 - W2)0 and Ks,0 in mag.
    parallax, parallax_err : ndarray
        In mas.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        least = parallax - settings.min_parallax_snr * parallax_err
        faintest = k0_mag + 5.0 * np.log10(np.maximum(least, 1e-6)) - 10.0
        coloured = np.isfinite(jk0) & np.isfinite(w1w2)
        placed = np.isfinite(parallax) & np.isfinite(parallax_err) & np.isfinite(k0_mag)
        margin = band_margin(settings, tio5, ~coloured & ~placed)
        return [
            SelectionStep(
                "M type", np.isfinite(tio5), tio5 < settings.max_tio5, f"TiO5 of {settings.max_tio5:g} or more"
            ),
            SelectionStep(
                "giant bands",
                np.isfinite(tio5) & np.isfinite(cah2_plus_cah3),
                dwarf_tio5(cah2_plus_cah3) - tio5 > margin,
                f"TiO5 within {settings.dwarf_margin:g} of the dwarfs' at its CaH2 + CaH3 "
                f"({settings.dwarf_margin_alone:g} and more without colours and parallax)",
            ),
            SelectionStep(
                "infrared colours",
                coloured,
                (jk0 > settings.min_jk0_mag) & (w1w2 < settings.max_w1w2_mag),
                f"(J-Ks)0 below {settings.min_jk0_mag:g} or (W1-W2)0 above {settings.max_w1w2_mag:g}",
            ),
            SelectionStep(
                "parallax",
                placed,
                ~((least > 0) & (faintest > settings.brightest_dwarf_k_mag)),
                f"parallax makes M_Ks fainter than {settings.brightest_dwarf_k_mag:g}",
            ),
        ]


def summarise_steps(steps: Sequence[SelectionStep]) -> tuple[BoolArray, NDArray[np.object_], list[dict[str, object]]]:
    """Mask of the selected stars, the reason for each star, and the counts of every step.

    Returns
    -------
    kept : ndarray of bool, shape (n,)
        Stars that no step drops and that passed at least one which is evidence.
    why : ndarray of str, shape (n,)
        "kept: " and the steps passed, or "dropped by " the first step that fails and its reason.
    counts : list of dict
        ``step``, ``in``, ``untested``, ``dropped``, ``out`` of each step in turn.
    """
    n = len(steps[0].passed)
    kept, why = np.ones(n, bool), np.full(n, "", object)
    counts: list[dict[str, object]] = []
    for step in steps:
        dropped = kept & step.tested & ~step.passed
        why[dropped] = f"dropped by {step.name}: {step.reason}"
        counts.append(
            {
                "step": step.name,
                "in": int(kept.sum()),
                "untested": int((kept & ~step.tested).sum()),
                "dropped": int(dropped.sum()),
                "out": int((kept & ~dropped).sum()),
            }
        )
        kept = kept & ~dropped
    untouched = ~np.any([step.tested for step in steps if step.evidence], axis=0)
    pattern = sum((step.tested.astype(np.int64) << place for place, step in enumerate(steps)), np.zeros(n, np.int64))
    for bits in np.unique(pattern[kept]).tolist():
        names = [step.name for place, step in enumerate(steps) if bits >> place & 1]
        why[kept & (pattern == bits)] = f"kept: {', '.join(names)}"
    why[kept & untouched] = UNTESTED
    return kept & ~untouched, why, counts
