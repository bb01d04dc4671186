"""Statements of section 3.1: radial velocities against Gaia and APOGEE."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from pipeline.reproduction.statement import PaperStatement, counted_stars, printed
from pipeline.reproduction.survey import FloatArray, Survey
from pipeline.science.quality.estimates import Estimate, median, number, scatter

SCATTER_KMS = 4.6
"""Scatter of the paper's differences against both references."""

REFERENCES = {"gaia": ("rv_gaia", "Gaia", 32_787), "apogee": ("rv_ref", "APOGEE", 4888)}
"""Our column, name and the paper's number of common stars of each reference."""

_NUMBERS = "how many simulated stars have a reference velocity is set"


def velocity_difference(survey: Survey, name: str) -> FloatArray:
    """Our velocity minus a reference's in km/s; NaN for reference stars that are flagged as bad."""
    difference = survey["rv"] - survey[name]
    if name == "rv_ref":
        difference = np.where(survey.column("ref_bad", 0.0) > 0, np.nan, difference)
    return difference


def measured_here(survey: Survey) -> str:
    """Why the velocities are not this program's; "" where they are."""
    reason = survey.skipped("rv")
    return f"velocities were not measured here: {reason}" if reason else ""


def tied_to_references(survey: Survey) -> str:
    """Why the offset is no measurement: it was set to the references' zero point; "" where it is one."""
    if survey.setting("velocity", "apply_zero_points"):
        return "zero points against these references were subtracted (velocity.apply_zero_points)"
    if survey.setting("velocity", "templates") == "data-driven":
        return "the templates are at rest by these references (velocity.templates = data-driven)"
    return measured_here(survey)


def _offset(name: str, survey: Survey) -> Estimate:
    return median(velocity_difference(survey, name))


def _scatter(name: str, survey: Survey) -> Estimate:
    return scatter(velocity_difference(survey, name))


def _number(name: str, survey: Survey) -> Estimate:
    return number(np.isfinite(velocity_difference(survey, name)))


def _covered(name: str, error: str, survey: Survey) -> FloatArray:
    return np.abs(velocity_difference(survey, name)) / np.hypot(survey["rv_err"], survey.column(error, 0.0))


def pulls(name: str) -> Callable[[Survey], FloatArray]:
    """Absolute differences from a reference over the stated errors of both."""
    return partial(_covered, name, f"{name}_err")


def _against(key: str) -> tuple[PaperStatement, ...]:
    name, called, stars = REFERENCES[key]
    needs, how = ("rv", name), f"rv minus {name}, all common observations"
    return (
        PaperStatement(
            *(f"rv-{key}-stars", "3.1", f"common stars with {called}", counted_stars(stars), partial(_number, name)),
            *(needs, "observations with both velocities", "3"),
            by_construction=_NUMBERS,
            counts=True,
        ),
        PaperStatement(
            *(f"rv-{key}-offset", "3.1", f"offset of RV from {called}"),
            printed(1, 1, "km/s", error=SCATTER_KMS / math.sqrt(stars), about=True),
            partial(_offset, name),
            needs,
            f"median of {how}",
            figure="3",
            refuse=tied_to_references,
        ),
        PaperStatement(
            *(f"rv-{key}-scatter", "3.1", f"scatter of RV about {called}"),
            printed(SCATTER_KMS, 0.1, "km/s", error=SCATTER_KMS / math.sqrt(2 * stars)),
            partial(_scatter, name),
            needs,
            f"robust scatter of {how}",
            figure="3",
            refuse=measured_here,
        ),
    )


STATEMENTS = tuple(statement for key in REFERENCES for statement in _against(key))
"""Radial velocities, in the order of the paper."""
