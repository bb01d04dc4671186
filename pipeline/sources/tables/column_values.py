"""Values of a foreign column in our unit and type: sentinels gone, ranges checked, and what was done on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME
from pipeline.domain.wavelength import redshift_to_velocity
from pipeline.sources.tables.column_report import ColumnReport, Making, share
from pipeline.sources.tables.plain_values import (
    MIN_VALID_SHARE,
    FloatArray,
    boolean_values,
    decimals,
    flag_values,
    identifier_values,
    integer_values,
    text_values,
)
from pipeline.sources.tables.profiles import Recipe
from pipeline.sources.tables.recognition import IDENTIFIERS
from pipeline.sources.tables.sentinels import REPEATED_SHARE, missing_numbers
from pipeline.sources.tables.table_file import Field, TableError
from pipeline.sources.tables.units import SEXAGESIMAL_UNITS, conversion, parse_unit

MAX_MEDIAN_KPC = 150.0
"""No catalogue of stars has half of them farther away: larger numbers are parsecs."""

MAX_STAR_REDSHIFT = 0.005
"""A larger redshift is no star's velocity."""

_MANY_ROWS = 50
_HOURS_SPAN = 12.0
_FACTORS = {
    "kpc": ((1e-3, "pc"), (1e3, "Mpc")),
    "deg": ((15.0, "hours"), (180.0 / np.pi, "radians"), (1.0 / 3600.0, "arcsec")),
    "mag": ((1e-3, "mmag"),),
    "km/s": ((1e-3, "m/s"),),
    "mas": ((1e3, "arcsec"),),
    "mas/yr": ((1e3, "arcsec/yr"),),
}


def make_column(making: Making, ours: str, recipe: Recipe) -> Any:
    """One of our columns in its declared type and unit, reported; None for identifiers that lost digits.

    Raises
    ------
    TableError
        If the values are not what the column holds: another dimension, mostly outside the valid range, no numbers.
    """
    return make_values(making, BY_NAME[ours], recipe)


def make_values(making: Making, declared: Column, recipe: Recipe) -> Any:
    """As :func:`make_column`, for a column that need not be of the contract."""
    ours = declared.name
    sexagesimal = ours in ("ra", "dec") and pd.api.types.is_string_dtype(making.raw[recipe.columns[0]].dtype)
    cases: tuple[tuple[bool, Callable[[Making, Column, Recipe], Any]], ...] = (
        (ours in IDENTIFIERS, identifier_values),
        (recipe.operation == "flags", flag_values),
        (declared.dtype == "str", text_values),
        (declared.dtype == "bool", boolean_values),
        (sexagesimal, _sexagesimal),
        (not declared.is_float, integer_values),
        (True, _number),
    )
    return next(make for applies, make in cases if applies)(making, declared, recipe)


def _number(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.floating]:
    """A measured number: sentinels gone, unit converted, range checked."""
    sentinels = 0
    parts = []
    factor, unit, note = _factor(making, declared, recipe, making.table.by_name[recipe.columns[0]])
    for name in recipe.columns:
        values = decimals(making, name, declared.name)
        missing = np.isinf(values)
        for one in recipe.missing:
            missing |= np.isclose(values, one, rtol=1e-6, atol=0.0)
        if recipe.below is not None:
            missing |= values <= recipe.below
        if recipe.above is not None:
            missing |= values >= recipe.above
        missing |= missing_numbers(values, declared.low, declared.high, factor)
        sentinels += int(missing.sum())
        parts.append(np.where(missing, np.nan, values))
    if recipe.operation == "difference":
        values = parts[0] - parts[1]
    elif recipe.operation == "redshift":
        star = making.star & (np.abs(parts[0]) < MAX_STAR_REDSHIFT)
        sentinels += int((np.isfinite(parts[0]) & ~star).sum())
        values = np.where(star, redshift_to_velocity(np.where(star, parts[0], 0.0)), np.nan)
        factor, unit, note = 1.0, "z", "c z of stars"
    else:
        values = parts[0]
    values = scaled(values.astype(np.float64), factor)
    values, repeated = _without_repeated_outsiders(values, declared)
    sentinels += repeated
    outside = _outside(values, declared)
    known = np.isfinite(values)
    mostly = known.any() and outside.sum() > (1.0 - MIN_VALID_SHARE) * known.sum()
    if mostly or (known.any() and declared.unit == "kpc" and np.median(values[known]) > MAX_MEDIAN_KPC):
        raise TableError(_out_of_range(making.table.name, recipe, declared, values[known], unit))
    values[outside] = np.nan
    known = np.isfinite(values)
    low, median, high = map(float, np.percentile(values[known], [0, 50, 100])) if known.any() else (None, None, None)
    making.reports.append(
        ColumnReport(
            declared.name,
            " - ".join(recipe.columns),
            recipe.why,
            unit,
            declared.unit,
            share(known),
            low=low,
            median=median,
            high=high,
            sentinels=sentinels,
            outside=int(outside.sum()),
            note=note,
        )
    )
    return values.astype(declared.dtype)


def scaled(values: FloatArray, factor: float) -> FloatArray:
    """Values times a factor; divided where its inverse is a whole number, as 1000 pc are exactly 1 kpc."""
    inverse = round(1.0 / factor) if 0.0 < factor < 1.0 else 0
    return values / inverse if inverse and np.isclose(inverse * factor, 1.0, rtol=1e-12) else values * factor


def _factor(making: Making, declared: Column, recipe: Recipe, item: Field) -> tuple[float, str, str]:
    """Factor to our unit, the unit that was taken, and a note."""
    for said in (recipe.unit if recipe.why == "configured" else "", item.unit, recipe.unit):
        if not said:
            continue
        factor = conversion(said, declared.unit)
        if factor is not None:
            return factor, said, ""
        if parse_unit(said) is None:
            making.notes.append(
                f"{making.table.name}: the unit {said!r} of column {item.name!r} is not understood; "
                f"{declared.unit or 'no unit'} is taken"
            )
            continue
        plain = parse_unit(said)
        if plain is not None and str(plain) == "":
            continue
        raise TableError(
            f"{making.table.name}: column {item.name!r} is in {said}, which is no unit of {declared.name} "
            f"[{declared.unit or 'dimensionless'}]. Say what it is: columns = {{{declared.name} = "
            f'{{column = "{item.name}", unit = "{declared.unit}"}}}}'
        )
    return 1.0, "", "" if not declared.unit else f"no unit in the file: {declared.unit} taken"


def _without_repeated_outsiders(values: FloatArray, declared: Column) -> tuple[FloatArray, int]:
    """One value outside the range that many rows share is a sentinel."""
    outside = _outside(values, declared)
    if not outside.any():
        return values, 0
    different, counts = np.unique(values[outside], return_counts=True)
    often = different[counts > max(1, REPEATED_SHARE * values.size)]
    missing = outside & np.isin(values, often)
    return np.where(missing, np.nan, values), int(missing.sum())


def _outside(values: FloatArray, declared: Column) -> NDArray[np.bool_]:
    if declared.name == "ra":
        return np.asarray((values < -180.0) | (values > 360.0))
    return declared.outside(values)


def _out_of_range(table: str, recipe: Recipe, declared: Column, values: FloatArray, unit: str) -> str:
    name, middle = recipe.columns[0], float(np.median(values))
    for factor, other in _FACTORS.get(declared.unit, ()):
        inside = (~_outside(values * factor, declared)).mean() > 0.95
        if inside and (declared.unit != "kpc" or middle * factor < MAX_MEDIAN_KPC):
            return (
                f"{table}: {name!r} has median {middle:.6g}: {declared.unit} expected for {declared.name}; is it "
                f'{other}? Then write columns = {{{declared.name} = {{column = "{name}", unit = "{other}"}}}}'
            )
    return (
        f"{table}: {name!r} has median {middle:.6g}{' ' + unit if unit else ''}, and most of its values lie outside "
        f"{declared.low} to {declared.high} {declared.unit} of {declared.name}. If it is something else, write "
        f'columns = {{{declared.name} = ""}}'
    )


def _sexagesimal(making: Making, declared: Column, recipe: Recipe) -> FloatArray:
    """Hours or degrees, minutes and seconds as text, in degrees."""
    name = recipe.columns[0]
    text: pd.Series[Any] = making.raw[name].astype("str").str.strip()
    parts = text.str.extract(r"^([+-]?)(\d{1,3})[:hd°\s]+(\d{1,2})[:m'\s]+(\d{1,2}(?:\.\d*)?)")
    numbers = parts[[1, 2, 3]].astype("str").apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    degrees: FloatArray = numbers @ np.array([1.0, 1.0 / 60.0, 1.0 / 3600.0])
    unit = making.table.by_name[name].unit.strip().lower()
    if declared.name == "ra" and not (unit in SEXAGESIMAL_UNITS and unit.strip('"').startswith("d")):
        degrees *= 15.0
    degrees = np.where(parts[0] == "-", -degrees, degrees)
    given: pd.Series[Any] = pd.to_numeric(text.where(text != ""), errors="coerce")
    degrees = np.where(np.isfinite(degrees), degrees, np.asarray(given, np.float64))
    known, filled = np.isfinite(degrees), (text != "").to_numpy(bool)
    if known.sum() < MIN_VALID_SHARE * max(filled.sum(), 1):
        raise TableError(
            f"{making.table.name}: column {name!r} ({declared.name}) holds neither degrees nor hours, minutes "
            "and seconds."
        )
    degrees[_outside(degrees, declared)] = np.nan
    known = np.isfinite(degrees)
    note = "hours, minutes, seconds" if declared.name == "ra" else "degrees, minutes, seconds"
    middle = np.percentile(degrees[known], [0, 50, 100]) if known.any() else (np.nan,) * 3
    low, median, high = map(float, middle)
    making.reports.append(ColumnReport(declared.name, name, recipe.why, note, "deg", share(known), low, median, high))
    return degrees


def refuse_hours(making: Making, columns: dict[str, Any], recipes: dict[str, Recipe]) -> None:
    """Refuse right ascensions that are all within 0 to 24 and fill it: they are hours.

    Raises
    ------
    TableError
        With the line to write.
    """
    if "ra" not in columns or recipes["ra"].unit or making.table.by_name[recipes["ra"].columns[0]].unit:
        return
    ra = columns["ra"][np.isfinite(columns["ra"])]
    if ra.size >= _MANY_ROWS and ra.max() <= 24.0 and np.ptp(ra) > _HOURS_SPAN:
        name = recipes["ra"].columns[0]
        raise TableError(
            f"{making.table.name}: all {ra.size:,} right ascensions lie between {ra.min():.2f} and {ra.max():.2f}: "
            f'hours? Write columns = {{ra = {{column = "{name}", unit = "hourangle"}}}}, or unit = "deg" if they are '
            "degrees."
        )
