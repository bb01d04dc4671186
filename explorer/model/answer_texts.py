"""Answers as texts for the page: values with their errors, in the digits that these justify."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from explorer.model.answers import Answer, Fit, ad_text, p_text
from explorer.model.star import number
from pipeline.domain.column import Column
from pipeline.science.quality.estimates import Estimate
from pipeline.science.quality.sample_statistics import PERCENTS, Contrast, Summary

MAX_DECIMALS = 9


class AnswerRow(NamedTuple):
    """One statistic: its name, both samples, the difference and that in standard errors."""

    name: str
    first: str
    second: str
    difference: str = ""
    sigma: str = ""


def measured(value: float, error: float, column: Column | None = None) -> str:
    """Format a value with its error, of which two digits count.

    Parameters
    ----------
    value, error : float
        NaN is missing; a value without an error has one digit more than its column.
    column : Column, optional
        The quantity.
    """
    if not math.isfinite(value):
        return "–"
    if not (math.isfinite(error) and error > 0.0):
        return signed(plain(value, column))
    decimals = min(max(1 - math.floor(math.log10(error)), 0), MAX_DECIMALS)
    if max(abs(value), error) >= 1e7 or decimals == MAX_DECIMALS:
        return signed(f"{value:.6g} ± {error:.2g}")
    return signed(f"{value:,.{decimals}f} ± {error:,.{decimals}f}")


def plain(value: float, column: Column | None = None) -> str:
    """Format a value without an error, with one digit more than its column."""
    if not math.isfinite(value):
        return "–"
    if column is None or column.is_own or not column.is_float:
        return f"{value:.5g}"
    return f"{value:.{column.digits + 1}f}" if abs(value) < 1e7 else f"{value:.6g}"


def signed(text: str) -> str:
    """Text with minus signs instead of hyphens."""
    return text.replace("-", "−")


def sigma_text(contrast: Contrast) -> str:
    """Format a difference in standard errors."""
    sigma = contrast.sigma
    return "" if not math.isfinite(sigma) else signed(f"{sigma:.1f} σ" if abs(sigma) < 100 else f"{sigma:,.0f} σ")


def answer_rows(answer: Answer) -> Iterator[AnswerRow]:
    """Rows of one column's comparison."""
    compared, column = answer.comparison, answer.column
    first, second = compared.first, compared.second
    yield AnswerRow("stars", *(_stars(sample) for sample in (first, second)))
    yield _row("median", first.median, second.median, compared.median, column)
    yield _row("mean", first.mean, second.mean, compared.mean, column)
    yield _row("robust scatter", first.scatter, second.scatter, compared.scatter, column)
    if first.weighted is not None and second.weighted is not None and compared.weighted is not None:
        yield _row("weighted mean", first.weighted.mean, second.weighted.mean, compared.weighted, column)
    if compared.tests is not None:
        tests = compared.tests
        yield AnswerRow(
            "Anderson-Darling", "", f"A² = {signed(f'{tests.ad:.3g}')}", f"p {_equals(ad_text(tests.ad_p))}"
        )
        yield AnswerRow("Kolmogorov-Smirnov", "", f"D = {tests.ks:.3f}", f"p {_equals(p_text(tests.ks_p))}")
    yield AnswerRow("std. deviation", signed(plain(first.std, column)), signed(plain(second.std, column)))
    if first.weighted is not None and second.weighted is not None:
        yield AnswerRow("χ²/ν", f"{first.weighted.reduced_chi2:.3g}", f"{second.weighted.reduced_chi2:.3g}")
        yield AnswerRow("excess scatter", plain(first.weighted.excess, column), plain(second.weighted.excess, column))
    for k, percent in enumerate(PERCENTS):
        if percent != 50.0:  # the median
            yield AnswerRow(f"{percent:g} %", _percentile(first, k, column), _percentile(second, k, column))


def _stars(sample: Summary) -> str:
    """Stars of a sample, and how many have a value if not all."""
    return f"{sample.stars:,}" if sample.known == sample.stars else f"{sample.known:,} of {sample.stars:,}"


def _equals(text: str) -> str:
    return text if text[0] in "<>" else f"= {text}"


def _row(name: str, first: Estimate, second: Estimate, contrast: Contrast, column: Column) -> AnswerRow:
    left, right = (measured(item.value, item.error, column) for item in (first, second))
    return AnswerRow(name, left, right, measured(contrast.value, contrast.error, column), sigma_text(contrast))


def _percentile(sample: Summary, k: int, column: Column) -> str:
    return signed(plain(sample.percentiles[k], column))


def headline(answer: Answer, first: str, second: str) -> str:
    """One sentence on the difference of the medians, in the column's unit and in standard errors."""
    contrast = answer.comparison.median
    column, unit = answer.column, f" {answer.column.unit_label}" if answer.column.unit else ""
    sigma = contrast.sigma
    if not answer.whole or not math.isfinite(sigma):
        return ""
    if abs(sigma) < 2.0:
        size = f"{measured(*contrast, column)}{unit}"
        return f"No difference in the median of {column.label} beyond 2\u00a0σ: “{first}” less “{second}” is {size}."
    size = measured(abs(contrast.value), contrast.error, column)
    way = "below" if contrast.value < 0 else "above"
    return f"“{first}” is {way} “{second}” by {size}{unit} in the median of {column.label} ({abs(sigma):.1f}\u00a0σ)."


def fit_rows(fit: Fit) -> Iterator[tuple[str, str]]:
    """Names and texts of a fit's numbers."""
    yield "stars", f"{fit.stars:,}"
    if fit.line is not None and fit.x is not None:
        line, per = fit.line, _per(fit.y, fit.x)
        yield "fitted", f"{line.slope.stars:,}"
        yield f"slope{per}", measured(line.slope.value, line.slope.error)
        yield f"at {fit.x.label} = 0{_unit(fit.y)}", measured(line.intercept.value, line.intercept.error, fit.y)
        at = number(fit.x, line.pivot) if fit.x.is_float else f"{line.pivot:.5g}"
        yield f"at {fit.x.label} = {signed(at)}{_unit(fit.y)}", measured(line.height.value, line.height.error, fit.y)
        yield f"scatter of {fit.y.label}{_unit(fit.y)}", measured(line.scatter.value, line.scatter.error, fit.y)
    if fit.gaussian is not None:
        gaussian = fit.gaussian
        yield "fitted", f"{gaussian.mean.stars:,}"
        yield f"mean{_unit(fit.y)}", measured(gaussian.mean.value, gaussian.mean.error, fit.y)
        yield f"sigma{_unit(fit.y)}", measured(gaussian.sigma.value, gaussian.sigma.error, fit.y)
    if fit.running is not None:
        sizes = sorted({int(count) for count in fit.running.stars})
        written = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
        yield "running median", f"{fit.running.at.size} bins of {written}"


def _unit(column: Column) -> str:
    return f" [{column.unit_label}]" if column.unit else ""


def _per(y: Column, x: Column) -> str:
    """Unit of a slope."""
    if not (y.unit or x.unit):
        return ""
    return f" [{y.unit_label or '1'}/{x.unit_label}]" if x.unit else f" [{y.unit_label}]"
