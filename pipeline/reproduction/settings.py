"""Settings that the paper states, against those of the build."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from pipeline.domain.columns import BY_NAME, COLUMNS
from pipeline.figures.references import ISOCHRONE_AGE_GYR
from pipeline.reproduction.samples import ERROR_LIMITS, TRAINING_SNR
from pipeline.reproduction.statement import PaperStatement, exactly
from pipeline.reproduction.survey import Survey
from pipeline.science.quality.estimates import Estimate

R0_KPC = 8.34
_TABLE_A1 = tuple(column.name for column in COLUMNS if column.paper_name)


def _setting(section: str, name: str, survey: Survey) -> Estimate:
    value = survey.setting(section, name)
    return Estimate(math.nan if value is None else float(value), 0.0, 0)


def _run(stage: str, survey: Survey) -> str:
    return survey.skipped(stage)


def _single_age(survey: Survey) -> str:
    ages = survey.setting("distance", "ages")
    reason = survey.skipped("distance")
    return reason or ("" if ages == "single" else f'ages are drawn by population (distance.ages = "{ages}")')


def _r0(survey: Survey) -> Estimate:
    return Estimate(survey.r0_kpc, 0.0, 0)


def _table_columns(survey: Survey) -> Estimate:
    there = sum(survey.has(name) and not survey.lacking((name,)) for name in _TABLE_A1)
    return Estimate(float(there), 0.0, len(survey.table))


def _stated(
    key: str,
    place: tuple[str, str],
    setting: tuple[str, str],
    value: float,
    unit: str,
    stage: str,
    digits: int = 0,
    refuse: Callable[[Survey], str] | None = None,
) -> PaperStatement:
    """Statement on a setting, which is compared where the stage that uses it ran."""
    section, quantity = place
    return PaperStatement(
        *(key, section, quantity, exactly(value, unit, digits), partial(_setting, *setting), ()),
        f"setting {'.'.join(setting)}",
        refuse=refuse or partial(_run, stage),
        counts=True,
    )


STATEMENTS = (
    _stated("train-snr", ("2.2", "S/N that training stars exceed"), ("labels", "min_snr"), TRAINING_SNR, "", "labels"),
    *(
        _stated(
            f"train-{label.name}",
            ("2.2", f"limit of the reference error of {label.label} of training stars"),
            ("labels", f"max_{label.name}_error_{label.unit.lower()}"),
            limit,
            label.unit,
            "labels",
            0 if label.unit == "K" else 2,
        )
        for label, limit in ((BY_NAME[name.removesuffix("_ref_err")], limit) for name, limit in ERROR_LIMITS.items())
    ),
    _stated(
        *("rv-first", ("3.1", "first wavelength of the RV"), ("velocity", "first_angstrom"), 8000.0, "Å", "rv"),
    ),
    _stated("rv-last", ("3.1", "last wavelength of the RV"), ("velocity", "last_angstrom"), 8950.0, "Å", "rv"),
    _stated("folds", ("3.2.1", "folds of the cross-validation"), ("labels", "folds"), 10, "", "labels"),
    _stated(
        *("age", ("2.2", "age of the isochrones"), ("distance", "isochrone_age_gyr"), ISOCHRONE_AGE_GYR, "Gyr"),
        *("distance", 0, _single_age),
    ),
    _stated(
        *("dust-error", ("3.3", "relative error of the dust map"), ("distance", "dust_relative_error"), 0.30, ""),
        *("distance", 2),
    ),
    PaperStatement(
        *("r0", "4", "distance of the Sun from the Galactic centre", exactly(R0_KPC, "kpc", 2), _r0, ()),
        *("frame of the build", "8"),
        refuse=partial(_run, "phase space"),
        counts=True,
    ),
    PaperStatement(
        *("table-a1", "Table A1", "columns of the catalogue", exactly(16), _table_columns, ()),
        "columns of Table A1 that have a value",
        counts=True,
    ),
)
"""Settings, in the order of the pipeline."""
