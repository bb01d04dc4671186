"""Answers as tables to export: one row a sample and a difference, or one row a number of a fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from astropy.table import Table
from astropy.units import Unit

from explorer.model.answers import Answer, Fit
from explorer.model.export import FORMS, Exported, provenance
from explorer.model.library import Library
from explorer.model.samples import Sample
from explorer.model.selection import SelectionError
from pipeline.domain.names import file_name
from pipeline.science.quality.sample_statistics import PERCENTS, Contrast, Summary

TEXT_FORMS = ("ecsv", "csv_notes", "csv")
"""Formats of answers, keys of :data:`explorer.model.export.FORMS`."""

_NAN = float("nan")
_MEASURED = ("mean", "median", "scatter", "weighted_mean")

_DESCRIPTIONS = {
    "quantity": "Compared column",
    "unit": "Unit of the quantity and of all numbers in it",
    "sample": "Sample, or difference: first less second",
    "stars": "Stars of the sample; of a difference, stars that are in both",
    "values": "Stars with a value",
    "scatter": "1.4826 times the median absolute deviation from the median",
    "std": "Standard deviation with n - 1 degrees of freedom",
    "weighted_mean": "Mean with weights 1/error^2",
    "reduced_chi2": "Chi-squared about the weighted mean over n - 1",
    "excess_scatter": "Scatter that the errors do not account for (Paule & Mandel 1982)",
    "ks": "Statistic of Kolmogorov and Smirnov",
    "ks_p": "Its p value",
    "ad": "Standardised statistic of Anderson and Darling",
    "ad_p": "Its p value, between 0.001 and 0.25",
}
"""Descriptions of the columns of a comparison."""


def comparison_table(library: Library, answers: Sequence[Answer], first: Sample, second: Sample, form: str) -> Exported:
    """Write the numbers of a comparison with units, provenance and the definitions of both samples.

    Parameters
    ----------
    library : Library
        The products.
    answers : sequence of Answer
        One a column, with errors and tests.
    first, second : Sample
        The samples.
    form : str
        One of :data:`TEXT_FORMS`.

    Raises
    ------
    SelectionError
        If the format is another one.
    """
    rows = [row for item in answers for row in _rows(item, first, second)]
    table = Table(rows=rows, names=list(rows[0]))
    units = {item.column.unit for item in answers}
    for column in table.itercols():
        name = column.name
        column.description = _DESCRIPTIONS.get(name) or _described(name)
        column.meta["ucd"] = ""
        if len(units) == 1 and _has_unit(name) and (unit := next(iter(units))):
            column.unit = Unit(unit, parse_strict="silent")
    notes = {
        "difference": f"{first.title} - {second.title}",
        **{f"errors of {item.column.name}": item.error.name for item in answers if item.error is not None},
        **{f"limits of {item.column.name}": " ".join(item.sentences) for item in answers if item.sentences},
    }
    return _written(library, table, (first, second), notes, "comparison", form)


def _has_unit(name: str) -> bool:
    plain = name.removesuffix("_error")
    return plain in (*_MEASURED, "std", "excess_scatter") or (plain.startswith("p") and plain[1:].isdigit())


def _described(name: str) -> str:
    if name.startswith("p") and name[1:].isdigit():
        return f"Percentile {name[1:]}"
    of, _, part = name.rpartition("_")
    words = (of or name).replace("_", " ")
    return {"error": f"Standard error of the {words}", "sigma": f"Difference of the {words} in standard errors"}.get(
        part, name.replace("_", " ").capitalize()
    )


def _rows(item: Answer, first: Sample, second: Sample) -> Iterator[dict[str, Any]]:
    compared, head = item.comparison, {"quantity": item.column.name, "unit": item.column.unit}
    for sample, summary in ((first, compared.first), (second, compared.second)):
        yield {**head, "sample": sample.title, **_numbers(summary)}
    tests = compared.tests
    differences: dict[str, Contrast | None] = {
        "mean": compared.mean,
        "median": compared.median,
        "scatter": compared.scatter,
        "weighted_mean": compared.weighted,
    }
    values: dict[str, float] = {}
    for name, contrast in differences.items():
        known = contrast or Contrast(_NAN, _NAN)
        values |= {name: known.value, f"{name}_error": known.error, f"{name}_sigma": known.sigma}
    empty = {name: _NAN for name in _numbers(compared.first) if name not in ("stars", "values")}
    shared = {"stars": compared.shared, "values": compared.shared}
    tested = {} if tests is None else {"ks": tests.ks, "ks_p": tests.ks_p, "ad": tests.ad, "ad_p": tests.ad_p}
    yield {**head, "sample": "difference", **shared, **empty, **values, **tested}


def _numbers(summary: Summary) -> dict[str, Any]:
    """Numbers of one sample, in the order of the table; those of differences are NaN."""
    weighted = summary.weighted
    estimates = {
        "mean": summary.mean,
        "median": summary.median,
        "scatter": summary.scatter,
        "weighted_mean": None if weighted is None else weighted.mean,
    }
    result: dict[str, Any] = {"stars": summary.stars, "values": summary.known}
    for name, estimate in estimates.items():
        value, error = (_NAN, _NAN) if estimate is None else (estimate.value, estimate.error)
        result |= {name: value, f"{name}_error": error, f"{name}_sigma": _NAN}
    result["std"] = summary.std
    result |= {f"p{percent:g}": value for percent, value in zip(PERCENTS, summary.percentiles, strict=True)}
    result["reduced_chi2"] = _NAN if weighted is None else weighted.reduced_chi2
    result["excess_scatter"] = _NAN if weighted is None else weighted.excess
    return {**result, "ks": _NAN, "ks_p": _NAN, "ad": _NAN, "ad_p": _NAN}


def fit_table(library: Library, fit: Fit, sample: Sample, form: str) -> Exported:
    """Write the numbers of a fit with units, provenance and the definition of the sample.

    Parameters
    ----------
    library : Library
        The products.
    fit : Fit
        The fit.
    sample : Sample
        The fitted stars.
    form : str
        One of :data:`TEXT_FORMS`.

    Raises
    ------
    SelectionError
        If the format is another one.
    """
    table = Table(rows=list(_fit_rows(fit)), names=["number", "unit", "x", "value", "error", "low", "high", "stars"])
    described = (
        *("Fitted number", "Unit of value, error, low and high", "Place on the x axis, in the unit of x", "Value"),
        *("Standard error", "16th percentile of the stars", "84th percentile of the stars", "Fitted stars"),
    )
    for column, words in zip(table.itercols(), described, strict=True):
        column.description = words
        column.meta["ucd"] = ""
    notes = {"y": _name(fit.y), "method": " ".join(fit.sentences)}
    if fit.x is not None:
        notes |= {"x": _name(fit.x)}
    return _written(library, table, (sample,), notes, "fit", form)


def _name(column: Any) -> str:
    return f"{column.name} [{column.unit}]" if column.unit else str(column.name)


def _fit_rows(fit: Fit) -> Iterator[tuple[str, str, float, float, float, float, float, int]]:
    unit, line, gaussian = fit.y.unit, fit.line, fit.gaussian
    if line is not None and fit.x is not None:
        slope = str(Unit(unit or "1", parse_strict="silent") / Unit(fit.x.unit or "1", parse_strict="silent"))
        n = line.slope.stars
        yield "slope", slope, _NAN, line.slope.value, line.slope.error, _NAN, _NAN, n
        yield "intercept", unit, 0.0, line.intercept.value, line.intercept.error, _NAN, _NAN, n
        yield "height", unit, line.pivot, line.height.value, line.height.error, _NAN, _NAN, n
        yield "scatter", unit, _NAN, line.scatter.value, line.scatter.error, _NAN, _NAN, n
        yield "covariance of slope and intercept", "", _NAN, line.covariance, _NAN, _NAN, _NAN, n
    if gaussian is not None:
        for name, estimate in (("mean", gaussian.mean), ("sigma", gaussian.sigma)):
            yield name, unit, _NAN, estimate.value, estimate.error, _NAN, _NAN, estimate.stars
    if fit.running is not None:
        running = fit.running
        arrays = (running.at, running.median, running.error, running.low, running.high)
        for row, stars in zip(np.array(arrays).T, running.stars, strict=True):
            at, middle, error, low, high = map(float, row)
            yield "running median", unit, at, middle, error, low, high, int(stars)


def _written(
    library: Library, table: Table, samples: Sequence[Sample], notes: dict[str, str], what: str, form: str
) -> Exported:
    """Write a table with the definition of each sample in its header."""
    if form not in TEXT_FORMS:
        raise SelectionError(f"An answer cannot be written as {form!r:.20}: choose {', '.join(TEXT_FORMS)}.")
    words: dict[str, str] = {}
    for name, sample in zip(("first", "second") if len(samples) > 1 else ("sample",), samples, strict=True):
        stated = provenance(library, sample.selection, sample.rows)
        words = {key: text for key, text in stated.items() if key not in _OF_SAMPLE} | words
        words |= {f"{name}": sample.title}
        words |= {f"{name} {key}": stated[key] for key in _OF_SAMPLE}
    words |= {key: " ".join(text.split()) for key, text in notes.items()}
    writer = FORMS[form]
    name = file_name(f"{library.products.manifest.name}_{what}")
    return Exported(f"{name}.{writer.ending}", writer.mime, writer.write(table, words))


_OF_SAMPLE = ("stars", "selection", "selection_json")
