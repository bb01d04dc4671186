"""Comparison of measured with other values: statistics, table, and figure as in Figures 3, 5 and 6."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from astropy.table import QTable
from astropy.units import Unit
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.statistics import robust_scatter
from pipeline.products.versions import refuse_inside_product

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

COLOURS = ("#1a1a1a", "#c8102e", "#0072b2", "#009e73")
"""Colours of the samples: black and red as printed."""

HISTOGRAM_REACH = 5.0
"""Half width of the histograms, in robust scatters of the widest sample."""

_DOCUMENT = "comparison.json"

Statistics = dict[str, dict[str, dict[str, float]]]
"""Statistics by quantity and sample."""


@dataclass(frozen=True)
class Compared:
    """One quantity of the same stars from two origins.

    Parameters
    ----------
    column : Column
        What it is.
    ours, other : ndarray, shape (n,)
        Our values and the others'; NaN where there is none.
    """

    column: Column
    ours: FloatArray
    other: FloatArray

    @property
    def difference(self) -> FloatArray:
        """Other minus catalogue value, as in the paper."""
        return self.other - self.ours


def difference_statistics(difference: FloatArray) -> dict[str, float]:
    """Number of stars, mean, standard deviation, median and 1.4826 times the median absolute deviation."""
    known = difference[np.isfinite(difference)]
    if known.size == 0:
        return {"stars": 0}
    return {
        "stars": int(known.size),
        "mean": float(known.mean()),
        "std": float(known.std()),
        "median": float(np.median(known)),
        "robust_scatter": robust_scatter(known),
    }


def write_comparison(
    folder: Path,
    title: str,
    names: tuple[str, str],
    stars: pd.DataFrame,
    quantities: Sequence[Compared],
    samples: Mapping[str, BoolArray],
    *,
    simulated: bool,
    notes: Sequence[str] = (),
) -> Statistics:
    """Write ``comparison.json``, ``comparison.ecsv``, ``comparison.pdf`` and ``comparison.png``.

    Parameters
    ----------
    folder : Path
        Where they go; made when missing.
    title : str
        Of the figure and of the files.
    names : tuple of str
        Subscripts of ours and of the other values.
    stars : pandas.DataFrame
        Identifying columns of the n stars.
    quantities : sequence of Compared
        Each of n stars.
    samples : mapping of str to ndarray of bool, shape (n,)
        Which stars to tell apart.
    simulated : bool
        Whether any of the values is simulated: then every file says so.
    notes : sequence of str
        How the stars were matched, and which values were left out.

    Returns
    -------
    dict
        :func:`difference_statistics` by quantity and sample: other minus ours.
    """
    refuse_inside_product(folder / _DOCUMENT)
    folder.mkdir(parents=True, exist_ok=True)
    statistics = {
        item.column.name: {name: difference_statistics(item.difference[rows]) for name, rows in samples.items()}
        for item in quantities
    }
    document = {
        "title": title,
        "simulated": simulated,
        "difference": f"{names[1]} - {names[0]}",
        "statistics": statistics,
        "notes": list(notes),
    }
    (folder / _DOCUMENT).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    table = QTable.from_pandas(stars.reset_index(drop=True))
    for name, rows in samples.items():
        table[f"in {name}"] = rows
    for item in quantities:
        unit = Unit(item.column.unit, parse_strict="silent")
        for who, values in zip(names, (item.ours, item.other), strict=True):
            table[f"{item.column.name}_{who}"] = values * unit
    table.meta = document
    table.write(folder / "comparison.ecsv", overwrite=True)
    figure = comparison_figure(f"SIMULATED: {title}" if simulated else title, names, quantities, samples)
    for kind in ("pdf", "png"):
        figure.savefig(folder / f"comparison.{kind}", dpi=150)
    return statistics


def comparison_figure(
    title: str, names: tuple[str, str], quantities: Sequence[Compared], samples: Mapping[str, BoolArray]
) -> Figure:
    """Value against value, with a histogram of differences, one row a quantity."""
    figure = Figure(figsize=(7.4, 2.6 * len(quantities) + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=9)
    axes = figure.subplots(len(quantities), 2, squeeze=False)
    for (values, histogram), item in zip(axes, quantities, strict=True):
        _draw_values(values, names, item, samples)
        _draw_histogram(histogram, item, samples)
    return figure


def _draw_values(axes: Axes, names: tuple[str, str], item: Compared, samples: Mapping[str, BoolArray]) -> None:
    known = np.isfinite(item.difference)
    for (_, rows), colour in zip(samples.items(), COLOURS, strict=False):
        shown = rows & known
        axes.plot(item.other[shown], item.ours[shown], ".", color=colour, markersize=2.5, alpha=0.6, rasterized=True)
    if known.any():
        both = np.concatenate([item.ours[known], item.other[known]])
        ends = [float(both.min()), float(both.max())]
        axes.plot(ends, ends, "--", color="0.4", linewidth=0.8)
    unit = f" [{item.column.unit}]" if item.column.unit else ""
    axes.set_xlabel(_plain(f"{item.column.label}, {names[1]}{unit}"))
    axes.set_ylabel(_plain(f"{item.column.label}, {names[0]}{unit}"))


def _draw_histogram(axes: Axes, item: Compared, samples: Mapping[str, BoolArray]) -> None:
    statistics = {name: difference_statistics(item.difference[rows]) for name, rows in samples.items()}
    filled = {name: numbers for name, numbers in statistics.items() if numbers["stars"]}
    widest = max((numbers["robust_scatter"] for numbers in filled.values()), default=0.0) or 1.0
    centre = max((abs(numbers["median"]) for numbers in filled.values()), default=0.0)
    reach = centre + HISTOGRAM_REACH * widest
    for (name, rows), colour in zip(samples.items(), COLOURS, strict=False):
        if name not in filled:
            continue
        numbers = filled[name]
        label = f"{name}: {numbers['stars']} stars\nmean {numbers['mean']:+.3g}, σ {numbers['std']:.3g}"
        axes.hist(
            item.difference[rows],
            bins=60,
            range=(-reach, reach),
            density=True,
            histtype="step",
            color=colour,
            label=label,
        )
        axes.axvline(numbers["mean"], linestyle="--", color=colour, linewidth=0.8)
    axes.set_xlabel(_plain(f"Δ {item.column.axis_label}"))
    axes.set_yticks([])
    if filled:
        axes.legend(fontsize=6, frameon=False)


def _plain(text: str) -> str:
    """Text with escaped dollar signs."""
    return text.replace("$", r"\$")
