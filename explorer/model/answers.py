"""Answers on samples of stars: two of them compared in a column, and fits to one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.model.samples import Sample
from explorer.model.selection import Mask, SelectionError
from explorer.model.table import StarTable, counted
from pipeline.domain.column import Column
from pipeline.science.quality.sample_fits import (
    CLIP,
    MAX_RUNNING,
    FitError,
    Gaussian,
    Line,
    RunningMedian,
    fit_gaussian,
    fit_line,
    running_median,
)
from pipeline.science.quality.sample_statistics import (
    AD_RANGE,
    MAX_QUICK,
    MAX_TESTED,
    MIN_TESTED,
    Comparison,
    Quantity,
    compare,
)

LIMITS_OF_TESTS = (
    "A small p says that the distributions differ, not that the difference matters: errors that stars have in common "
    "and thousands of stars make it small. Read the difference in the column's unit first."
)
"""Caution beside p values."""

MISSING = "Stars without a value do not count."
"""Rule for missing values."""


@dataclass(frozen=True)
class Answer:
    """Comparison of two samples in one column.

    Parameters
    ----------
    column : Column
        The quantity.
    error : Column or None
        Column of its errors.
    comparison : Comparison
        Statistics of both, and their differences.
    sentences : tuple of str
        What limits the answer: missing values, stars in both samples, too few for a test, an angle.
    whole : bool
        Whether bootstrap errors and tests are computed.
    """

    column: Column
    error: Column | None
    comparison: Comparison
    sentences: tuple[str, ...]
    whole: bool


@dataclass(frozen=True)
class Fit:
    """Fit to one sample.

    Parameters
    ----------
    x : Column or None
        Column of the x axis; None for a Gaussian.
    y : Column
        The fitted column.
    stars : int
        Stars of the sample.
    running : RunningMedian or None
        Medians of y along x.
    line : Line or None
        Straight line.
    gaussian : Gaussian or None
        Normal distribution of y.
    sentences : tuple of str
        What is fitted with which errors, and why a part of it is missing.
    """

    x: Column | None
    y: Column
    stars: int
    running: RunningMedian | None
    line: Line | None
    gaussian: Gaussian | None
    sentences: tuple[str, ...]


def number_column(table: StarTable, name: str) -> Column:
    """A column of numbers with a value; SelectionError for another one."""
    if name not in table.known:
        raise SelectionError(f"This catalogue has no column {name!r:.60}: choose another one.")
    column = table.column(name)
    if not column.is_numeric:
        raise SelectionError(f"{column.label} is a column of {_kind(column)}: choose a column of numbers.")
    if not table.usable(name):
        raise SelectionError(f"{column.label} has no value in this catalogue: choose another column.")
    return column


def _kind(column: Column) -> str:
    return "text" if column.dtype == "str" else "yes and no"


def quantity_of(table: StarTable, name: str) -> Quantity:
    """Values of a column with their errors; a whole number that means unknown is missing."""
    column = number_column(table, name)
    values = table[name]
    if column.unknown is not None:
        values = np.where(values == column.unknown, np.nan, values)
    error = error_column(table, name)
    return Quantity(values, None if error is None else table[error.name])


def error_column(table: StarTable, name: str) -> Column | None:
    """Column with standard errors of a column; None without one, or without a value."""
    error = table.error_of(name)
    return table.column(error) if error is not None and table.usable(error) else None


def check_samples(first: Sample, second: Sample) -> Mask:
    """Stars in both samples.

    Raises
    ------
    SelectionError
        If a sample is empty, or both are the same stars.
    """
    for sample in (first, second):
        if not sample.stars:
            raise SelectionError(_empty(sample))
    shared = first.rows & second.rows
    both = int(np.count_nonzero(shared))
    if both == first.stars == second.stars:
        raise SelectionError(
            f"“{first.title}” and “{second.title}” are the same {counted(both)}: choose another sample."
            if first.key != second.key
            else f"“{first.title}” is chosen twice: choose another sample."
        )
    return shared


def _empty(sample: Sample) -> str:
    if sample.key == "rest":
        return "All stars are selected: select some in a view, or choose another sample."
    if sample.key == "selected":
        return "No star is selected: select some in a view, or choose another sample."
    return f"“{sample.title}” has no stars: choose another sample."


def answer(table: StarTable, name: str, first: Sample, second: Sample, shared: Mask, *, whole: bool = True) -> Answer:
    """Compare two samples in a column.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    name : str
        The column.
    first, second : Sample
        The samples.
    shared : ndarray of bool, shape (n,)
        Stars in both, from :func:`check_samples`.
    whole : bool
        Whether to compute bootstrap errors and tests too.

    Raises
    ------
    SelectionError
        If the column has no numbers, or a sample has no value of it.
    """
    column, error = number_column(table, name), error_column(table, name)
    compared = compare(quantity_of(table, name), first.rows, second.rows, whole=whole, shared=shared)
    for sample, summary in ((first, compared.first), (second, compared.second)):
        if not summary.known:
            raise SelectionError(f"No star of “{sample.title}” has a value of {column.label}.")
    return Answer(column, error, compared, tuple(_limits(column, error, compared, whole=whole)), whole)


def _limits(column: Column, error: Column | None, compared: Comparison, *, whole: bool) -> list[str]:
    """Sentences on the limits of an answer."""
    result = []
    known, others = compared.first.known, compared.second.known
    if not whole and max(compared.first.stars, compared.second.stars) > MAX_QUICK:
        result.append(f"Quick statistics of at most {MAX_QUICK:,} stars of a sample; those of all stars follow.")
    if compared.shared:
        result.append(
            f"{counted(compared.shared)} in both samples: errors of differences allow for them, and tests count them "
            "in the smaller sample only."
        )
    if missing := compared.first.stars + compared.second.stars - known - others:
        result.append(f"{MISSING} Without one here: {missing:,}.")
    if column.period:
        result.append(f"{column.label} starts again at {column.period:g}: means across that end mean nothing.")
    if error is not None and compared.weighted is not None:
        result.append(
            f"The weighted mean has weights 1/{error.label}² and an error times √(χ²/ν) where χ²/ν is above 1; stars "
            "without a positive error do not count in it."
        )
    if whole and compared.tests is None:
        result.append(
            f"No test: each sample needs {MIN_TESTED} values."
            if min(known, others) < MIN_TESTED
            else "No test: all values are equal, or the stars in both samples leave too few in one."
        )
    if compared.tests is not None:
        if max(known, others) > MAX_TESTED:
            result.append(f"The tests compare at most {MAX_TESTED:,} stars of a sample, drawn at random.")
        result.append(LIMITS_OF_TESTS)
    return result


def p_text(p: float) -> str:
    """Format a p value."""
    return "< 1e-15" if p < 1e-15 else f"{p:.2g}"


def ad_text(p: float) -> str:
    """Format a p value of Anderson and Darling, which is known between the ends of a table."""
    low, high = AD_RANGE
    return f"< {low:g}" if p <= low else f"> {high:g}" if p >= high else f"{p:.2g}"


def fit_relation(table: StarTable, x: str, y: str, sample: Sample) -> Fit:
    """Running median and straight line of y on x.

    Raises
    ------
    SelectionError
        If the sample is empty, a column has no numbers, or nothing can be fitted.
    """
    columns, errors = [number_column(table, name) for name in (x, y)], [error_column(table, name) for name in (x, y)]
    if x == y:
        raise SelectionError(f"{columns[0].label} is on both axes: choose another column for one of them.")
    (x_values, x_errors), (y_values, y_errors) = (_of(table, name, sample) for name in (x, y))
    sentences, running, line = [], None, None
    try:
        running = running_median(x_values, y_values)
    except FitError as refusal:
        sentences.append(str(refusal))
    try:
        line = fit_line(x_values, y_values, x_errors, y_errors)
    except FitError as refusal:
        sentences.append(str(refusal))
    if running is None and line is None:
        raise SelectionError(" ".join(dict.fromkeys(sentences)))
    if running is not None and running.stars.sum() == MAX_RUNNING:
        sentences.append(f"The running median is of {counted(MAX_RUNNING)} drawn at random.")
    if line is not None:
        known = [item.label for item in errors if item is not None]
        sentences.append(
            f"Line: maximum likelihood with {' and '.join(known)} and a scatter of its own (Kelly 2007)."
            if known
            else "Line: least squares of y on x, as neither column has errors."
        )
        sentences.append("It takes no account of outliers: compare it with the running median.")
        if line.drawn:
            sentences.append(f"It is fitted to {counted(line.slope.stars)} drawn at random.")
        if (missing := sample.stars - line.slope.stars) and not line.drawn:
            sentences.append(f"{missing:,} of {counted(sample.stars)} lack a value{' or error' if known else ''}.")
    return Fit(columns[0], columns[1], sample.stars, running, line, None, tuple(sentences))


def fit_distribution(table: StarTable, name: str, sample: Sample) -> Fit:
    """Gaussian of one column.

    Raises
    ------
    SelectionError
        If the sample is empty, the column has no numbers, or nothing can be fitted.
    """
    column, error = number_column(table, name), error_column(table, name)
    values, errors = _of(table, name, sample)
    try:
        gaussian = fit_gaussian(values, errors)
    except FitError as refusal:
        raise SelectionError(str(refusal)) from refusal
    sentences = [
        "Maximum likelihood; sigma is the scatter as observed, as the column has no errors."
        if error is None
        else f"Maximum likelihood; sigma is the scatter without that which {error.label} accounts for."
    ]
    if gaussian.left_out:
        sentences.append(f"{counted(gaussian.left_out)} beyond {CLIP:g} robust scatters of the median are left out.")
    missing = sample.stars - gaussian.mean.stars - gaussian.left_out
    if missing:
        sentences.append(f"{missing:,} of {counted(sample.stars)} lack a value{'' if error is None else ' or error'}.")
    return Fit(None, column, sample.stars, None, None, gaussian, tuple(sentences))


def _of(table: StarTable, name: str, sample: Sample) -> tuple[np.ndarray, np.ndarray | None]:
    if not sample.stars:
        raise SelectionError(_empty(sample))
    return quantity_of(table, name).of(sample.rows)
