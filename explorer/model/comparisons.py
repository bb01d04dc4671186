"""Comparison of catalogue values with reference labels, Gaia, the input, repeats or simulated truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.library import Library, kept_by_library
from explorer.model.selection import Mask
from explorer.model.table import StarTable
from pipeline.domain.column import Column
from pipeline.domain.columns import COLUMNS, column, placed
from pipeline.domain.label_names import LABEL_NAMES as LABELS
from pipeline.science.quality.scoring import score_values

FloatArray = NDArray[np.float64]

TRUTH = "the simulated truth"
REPEATS = "repeat observations"

_COMPARED = tuple(dict.fromkeys((*LABELS, *(item.name for item in COLUMNS if item.references))))
_IN_TRUTH = tuple(item.name for item in placed("truth"))
_TRUE = tuple(dict.fromkeys((*(name for name in _COMPARED if name in _IN_TRUTH), *_IN_TRUTH)))
_MIN_IN_BIN = 20
_MAX_BINS = 14


@dataclass(frozen=True)
class Pair:
    """A column and the values that it is compared with.

    Parameters
    ----------
    name : str
        Our column.
    other : str
        The other column; "" for repeats and the truth.
    origin : str
        Origin of the other values.
    """

    name: str
    other: str
    origin: str

    @property
    def key(self) -> str:
        """Identifier of the pair in messages."""
        return f"{self.name} {self.origin}"

    @property
    def relative(self) -> bool:
        """Whether the difference is shown as a fraction of the other value."""
        return self.column.scale == "log"

    @property
    def column(self) -> Column:
        """The compared column."""
        return column(self.name)

    @property
    def title(self) -> str:
        """Title for a menu."""
        return f"{self.column.label} against {self.origin}"

    @property
    def difference_label(self) -> str:
        """Axis label of the difference, catalogue minus other value."""
        if self.relative:
            return f"Δ{self.column.label} / {self.column.label}"
        unit = f" [{self.column.unit}]" if self.column.unit else ""
        return f"Δ {self.column.label}{unit}"


@dataclass(frozen=True)
class Differences:
    """Stars that have both values.

    Parameters
    ----------
    pair : Pair
        Compared quantity.
    rows : ndarray of int, shape (n,)
        Their rows in the catalogue.
    ours, other : ndarray, shape (n,)
        Both values.
    difference : ndarray, shape (n,)
        Ours less the other, or that as a fraction of the other.
    error : ndarray, shape (n,)
        Stated error of the difference; NaN if unknown.
    """

    pair: Pair
    rows: NDArray[np.intp]
    ours: FloatArray
    other: FloatArray
    difference: FloatArray
    error: FloatArray

    def scores(self) -> dict[str, float]:
        """Bias, robust scatter, validity of errors: see :func:`pipeline.science.quality.scoring.score_values`."""
        return score_values(self.difference, np.zeros_like(self.difference), self.error)

    @property
    def pull(self) -> FloatArray:
        """Difference divided by its error, of the stars that have one."""
        known = np.isfinite(self.error) & (self.error > 0)
        return self.difference[known] / self.error[known]

    def beyond(self, sigma: float) -> NDArray[np.intp]:
        """Catalogue rows of stars whose difference exceeds a multiple of its error."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.rows[np.abs(self.difference / self.error) > sigma]


@dataclass(frozen=True)
class Trend:
    """Differences as a function of another quantity, in bins with equal numbers of stars.

    Parameters
    ----------
    at : ndarray, shape (k,)
        Median of the quantity in each bin.
    low, median, high : ndarray, shape (k,)
        16th, 50th and 84th percentile of the difference.
    stars : int
        In each bin.
    """

    at: FloatArray
    low: FloatArray
    median: FloatArray
    high: FloatArray
    stars: int


@kept_by_library(1)
def pairs_of(library: Library) -> tuple[Pair, ...]:
    """All comparisons that are possible in a catalogue."""
    table = library.table
    result = [
        Pair(name, *reference)
        for name in _COMPARED
        for reference in column(name).references
        if table.usable(name, reference.column)
    ]
    if "n_obs" in table and bool((table["n_obs"] > 1).any()):
        result += [Pair(name, "", REPEATS) for name in _COMPARED if table.usable(name)]
    truth = library.truth
    if truth is not None:
        result += [Pair(name, "", TRUTH) for name in _TRUE if table.usable(name) and f"true_{name}" in truth]
    return tuple(result)


def differences(library: Library, pair: Pair, sample: Mask | None = None) -> Differences:
    """Compare the stars of a sample that have both values; by default all stars."""
    table = library.table
    ours = table[pair.name].astype(np.float64)
    other, other_error = _other(library, pair)
    error = np.hypot(_stated_error(table, pair.name), other_error)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = ours / other - 1.0 if pair.relative else ours - other
        error = error / other if pair.relative else error
    known = np.isfinite(difference)
    rows = np.flatnonzero(known if sample is None else known & sample)
    return Differences(pair, rows, ours[rows], other[rows], difference[rows], error[rows])


def _stated_error(table: StarTable, name: str) -> FloatArray:
    """Errors of a column: stated ones, or half the interval from the 16th to the 84th percentile."""
    error, (low, high) = table.error_of(name), table.interval_of(name)
    if error is not None:
        return np.asarray(table[error], np.float64)
    if low is not None and high is not None:
        return np.asarray(0.5 * (table[high].astype(np.float64) - table[low]))
    return np.full(table.n_stars, np.nan)


def _other(library: Library, pair: Pair) -> tuple[FloatArray, FloatArray]:
    """The other values and their errors."""
    table = library.table
    if pair.origin == TRUTH:
        assert library.truth is not None
        true = library.truth[f"true_{pair.name}"].reindex(table["obsid"]).to_numpy(np.float64)
        return true, np.zeros(table.n_stars)
    if pair.origin == REPEATS:
        return _repeated(table, pair.name)
    other = table[pair.other].astype(np.float64)
    if pair.other == "distance_geo" and "parallax_err" in table:
        with np.errstate(invalid="ignore", divide="ignore"):
            return other, np.abs(other * table["parallax_err"] / table["parallax"])
    error = table.error_of(pair.other)
    if error is not None:
        return other, table[error].astype(np.float64)
    return other, np.zeros(table.n_stars)


def _repeated(table: StarTable, name: str) -> tuple[FloatArray, FloatArray]:
    """Value and error of the star's next observation in the catalogue; NaN after the last one."""
    star, values = table["star"], table[name].astype(np.float64)
    errors = _stated_error(table, name)
    order = np.argsort(star, kind="stable")
    first, second = order[:-1], order[1:]
    same = star[first] == star[second]
    other, other_error = (np.full(table.n_stars, np.nan) for _ in range(2))
    other[first[same]], other_error[first[same]] = values[second[same]], errors[second[same]]
    return other, other_error


def trend(values: NDArray[np.floating], difference: FloatArray) -> Trend | None:
    """Percentiles of the difference along another quantity; None with too few stars."""
    known = np.isfinite(values) & np.isfinite(difference)
    bins = min(int(known.sum()) // _MIN_IN_BIN, _MAX_BINS)
    if bins < 1:
        return None
    order = np.flatnonzero(known)[np.argsort(values[known], kind="stable")]
    parts = np.array_split(order, bins)
    at = np.array([np.median(values[part]) for part in parts])
    low, median, high = np.array([np.percentile(difference[part], (16.0, 50.0, 84.0)) for part in parts]).T
    return Trend(at, low, median, high, order.size // bins)


@dataclass(frozen=True)
class ErrorCurve:
    """Bias and scatter of one label against S/N (Figure 4).

    Parameters
    ----------
    what : str
        Which stars were judged, and how.
    snr, bias, scatter : ndarray, shape (k,)
        S/N, and both at that S/N in the label's unit.
    stars : ndarray of int, shape (k,)
        Stars judged.
    """

    what: str
    snr: FloatArray
    bias: FloatArray
    scatter: FloatArray
    stars: NDArray[np.int64]


def error_curves(report: Mapping[str, object], name: str) -> tuple[ErrorCurve, ...]:
    """Errors of a label that the build measured on stars outside the training set; empty if none were."""
    errors = report.get("label_errors_by_snr")
    if not isinstance(errors, Mapping) or name not in errors.get("labels", ()):
        return ()
    at = list(errors["labels"]).index(name)
    held, injected = errors["held_out"], errors["noise_injected"]
    edges = np.asarray(held["snr_edges"], np.float64)
    observed = ErrorCurve(
        "held out, as observed",
        np.sqrt(edges[1:] * edges[:-1]),
        bias=np.array([label[at] for label in held["bias"]], np.float64),
        scatter=np.array([label[at] for label in held["scatter"]], np.float64),
        stars=np.asarray(held["stars"], np.int64),
    )
    noisy = ErrorCurve(
        "held out, noise injected",
        np.array([item["snr"] for item in injected], np.float64),
        bias=np.array([item["bias"][at] for item in injected], np.float64),
        scatter=np.array([item["scatter"][at] for item in injected], np.float64),
        stars=np.array([item["stars"] for item in injected], np.int64),
    )
    return tuple(_known(curve) for curve in (observed, noisy) if np.isfinite(curve.scatter).any())


def _known(curve: ErrorCurve) -> ErrorCurve:
    kept = np.isfinite(curve.bias) & np.isfinite(curve.scatter)
    return ErrorCurve(curve.what, curve.snr[kept], curve.bias[kept], curve.scatter[kept], curve.stars[kept])
