"""Figures 1 to 6: labels and velocities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import FigureBase

from pipeline.domain.columns import BY_NAME
from pipeline.figures.star_figures import STAR_FIGURES
from pipeline.figures.style import BLACK, BLUE, ORANGE, RED, axis_label, points, stars_text
from pipeline.reproduction.drawing import PaperFigure, equal_line, histograms, of_stars, stars_in
from pipeline.reproduction.labels import (
    HIGH_SNR,
    LOW_SNR,
    PAPER_LABELS,
    bright,
    label_difference,
    other_difference,
    snr_bins,
)
from pipeline.reproduction.samples import REFERENCE, TRAINING_SNR, official_pairs
from pipeline.reproduction.survey import LAMOST, OTHER, BoolArray, FloatArray, Survey
from pipeline.reproduction.velocities import REFERENCES, velocity_difference

_LABELS = tuple(item.name for item in PAPER_LABELS)


class _Comparison(NamedTuple):
    """One label of several samples: reference on x, ours on y, and their difference."""

    label: str
    x: FloatArray
    y: FloatArray
    difference: FloatArray
    unit: str


def _figure_1(canvas: FigureBase, survey: Survey) -> str:
    names, rows = ("m_h", "logg", "teff"), official_pairs(survey)
    for axes, name in zip(canvas.subplots(1, 3), names, strict=True):
        x, y = stars_in(survey, rows, f"{name}_ref", f"{LAMOST}{name}")
        points(axes, x, y, BLACK, 2.0)
        equal_line(axes, x, y)
        axes.set(xlabel=f"{axis_label(name)}, APOGEE", ylabel=f"{axis_label(name)}, LAMOST")
    return f"{stars_text(int(rows.sum()))} in LAMOST's official catalogue and in APOGEE with S/N above 50 in both."


def _figure_3(canvas: FigureBase, survey: Survey) -> str:
    left, right = canvas.subplots(1, 2)
    samples, texts, shown = [], [], []
    for (name, called, _), colour in zip(REFERENCES.values(), (BLUE, RED), strict=True):
        if survey.lacking((name,)):
            texts.append(f"no velocities of {called}")
            continue
        difference = velocity_difference(survey, name)
        known = np.isfinite(difference)
        points(left, survey[name][known], survey["rv"][known], colour, 1.6)
        left.plot([], [], ".", color=colour, label=called)
        samples.append((called, difference, colour))
        texts.append(f"{stars_text(int(known.sum()))} with {called}")
        shown += [survey[name][known], survey["rv"][known]]
    if shown:
        equal_line(left, *shown)
        left.legend(loc="upper left")
    left.set(xlabel="RV, reference [km/s]", ylabel=axis_label("rv"))
    histograms(right, samples, "RV minus reference [km/s]", robust=True)
    return f"{', '.join(texts)}. In the histograms: number, median ± robust scatter."


def _without_references(survey: Survey) -> str:
    """Why no reference velocity is there; "" where one is."""
    reasons = [survey.lacking((name,)) for name, _, _ in REFERENCES.values()]
    return "" if "" in reasons else "; ".join(reasons)


def _figure_4(canvas: FigureBase, survey: Survey) -> str:
    panels = canvas.subplots(2, 2, sharex=True)
    for axes, item in zip(panels.flat, PAPER_LABELS, strict=True):
        bins = [(snr, float(np.sqrt((d**2).mean())), float(d.mean())) for snr, d in snr_bins(survey, item.name)]
        if bins:
            snr, scatter, bias = np.array(bins).T
            axes.plot(snr, scatter, "o:", color=RED, markersize=3, linewidth=1, label="CV scatter")
            axes.plot(snr, bias, "o:", color=BLUE, markersize=3, linewidth=1, label="CV bias")
        axes.plot((LOW_SNR, HIGH_SNR), (item.low, item.high), "*", color=BLACK, markersize=6, label="the paper")
        axes.axhline(0.0, color="0.6", linewidth=0.6)
        axes.set(ylabel=axis_label(item.name), xscale="log")
        axes.set_xticks([10, 20, 50, 100, 200, 500], ["10", "20", "50", "100", "200", "500"])
        axes.minorticks_off()
    for axes in panels[-1]:
        axes.set_xlabel("S/N")
    panels[0, 0].legend(loc="upper right")
    count = int(np.isfinite(label_difference(survey, "teff")).sum())
    return f"{stars_text(count)} that did not train the model that inferred them; black: the paper's scatter."


def _compared_labels(
    canvas: FigureBase,
    comparisons: Sequence[_Comparison],
    samples: Callable[[int], Sequence[tuple[str, BoolArray, str]]],
    axes_of: tuple[str, str],
    difference: str,
) -> None:
    """Value against value above a histogram of differences, a column a label."""
    panels = canvas.subplots(2, len(comparisons), squeeze=False)
    for number, (label, x, y, delta, unit) in enumerate(comparisons):
        above, below = panels[:, number]
        chosen = samples(number)
        for _, rows, colour in chosen:
            points(above, x[rows], y[rows], colour, 1.6)
        every = np.logical_or.reduce([rows for _, rows, _ in chosen])
        equal_line(above, x[every], y[every])
        shown = f" [{unit}]" if unit else ""
        above.set(xlabel=f"{label}, {axes_of[0]}{shown}", ylabel=f"{label}, {axes_of[1]}{shown}")
        histograms(below, [(name, delta[rows], colour) for name, rows, colour in chosen], f"{difference}{label}{shown}")


def _figure_5(canvas: FigureBase, survey: Survey) -> str:
    above = bright(survey)
    differences = [label_difference(survey, name) for name in _LABELS]
    comparisons = [
        _Comparison(BY_NAME[name].label, survey[f"{name}_ref"], survey[name], -delta, BY_NAME[name].unit)
        for name, delta in zip(_LABELS, differences, strict=True)
    ]

    def samples(number: int) -> list[tuple[str, BoolArray, str]]:
        known = np.isfinite(differences[number])
        return [(f"S/N > {TRAINING_SNR:g}", known & above, BLACK), (f"S/N < {TRAINING_SNR:g}", known & ~above, RED)]

    _compared_labels(canvas, comparisons, samples, ("APOGEE", "SLAM"), "Δ ")
    known = np.isfinite(differences[_LABELS.index("teff")])
    return (
        f"{stars_text(int((known & above).sum()))} with S/N above 50 (black) and {int((known & ~above).sum()):,} below "
        "(red), labels out of fold; Δ = APOGEE minus SLAM. In the histograms: number, mean ± standard deviation."
    )


def _figure_6(canvas: FigureBase, survey: Survey) -> str:
    names = [name for name in _LABELS if not survey.lacking((name, f"{OTHER}{name}"))]
    assert survey.other is not None
    comparisons = [
        _Comparison(
            BY_NAME[name].label,
            survey[f"{OTHER}{name}"],
            survey[name],
            other_difference(survey, name),
            BY_NAME[name].unit,
        )
        for name in names
    ]
    rows = [np.isfinite(item.difference) for item in comparisons]
    _compared_labels(canvas, comparisons, lambda number: [("", rows[number], ORANGE)], ("other", "ours"), "Δ ")
    count = int(np.logical_or.reduce(rows).sum())
    return f"{stars_text(count)} in common with {survey.other.name}; Δ = ours minus the other's."


FIGURES = (
    PaperFigure(
        *("1", "LAMOST's labels against APOGEE's"),
        "[M/H], log g and Teff of 2,123 M giants by LAMOST's pipeline against APOGEE: great differences, and constants "
        "in place of [M/H] for 1,840 of them.",
        (f"{LAMOST}row", *(f"{LAMOST}{name}" for name in ("m_h", "logg", "teff")), *REFERENCE, "snr", "snr_ref"),
        *(2.5, _figure_1),
    ),
    of_stars(
        STAR_FIGURES["2"],
        "Teff against log g, coloured by [M/H]: 3,670 training stars by APOGEE (left), predictions for S/N above 50 "
        "(right), with PARSEC isochrones of 3 Gyr and [M/H] = -0.6, -0.3, 0, 0.3.",
    ),
    PaperFigure(
        *("3", "radial velocities against Gaia and APOGEE"),
        "Velocities against Gaia DR3 (32,787 stars) and APOGEE DR17 (4,888 stars), and histograms of the differences: "
        "offset about 1, scatter 4.6 km/s.",
        ("rv",),
        *(3.0, _figure_3),
        refuse=_without_references,
    ),
    PaperFigure(
        *("4", "CV scatter and bias against S/N"),
        "CV scatter (red) and bias (blue) of the four labels against S/N: the scatter falls from 0.27 dex, 110 K, 0.39 "
        "dex, 0.12 dex at S/N 17 to 0.16 dex, 57 K, 0.25 dex, 0.06 dex at 100.",
        (*_LABELS, *REFERENCE, "snr", "label_reason"),
        *(4.2, _figure_4),
    ),
    PaperFigure(
        *("5", "self-consistency of the labels"),
        "Labels by SLAM against APOGEE of 900 test stars with S/N above 50 (black) and 803 below (red), and histograms "
        "of the differences: means close to 0, larger scatter at low S/N.",
        (*_LABELS, *REFERENCE, "snr", "label_reason"),
        *(3.9, _figure_5),
    ),
    PaperFigure(
        *("6", "labels against another catalogue"),
        "Labels of 11,132 stars against Li et al. (2022), and histograms of the differences: 7 K with a scatter of "
        "32 K; scatters of 0.16, 0.31 and 0.05 dex in [M/H], log g and [α/M].",
        (f"{OTHER}row",),
        *(3.9, _figure_6),
    ),
)
"""Figures of sections 2 and 3.2."""
