"""Conversion of foreign columns to catalogue units and types, with a report of replaced values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME
from pipeline.domain.wavelength import redshift_to_velocity
from pipeline.sources.tables.identifiers import whole_numbers
from pipeline.sources.tables.profiles import Recipe
from pipeline.sources.tables.recognition import IDENTIFIERS
from pipeline.sources.tables.sentinels import REPEATED_SHARE, missing_numbers
from pipeline.sources.tables.table_file import Field, TableError, TableFile
from pipeline.sources.tables.units import SEXAGESIMAL_UNITS, conversion, parse_unit

FloatArray = NDArray[np.float64]

MIN_VALID_SHARE = 0.5
MAX_MEDIAN_KPC = 150.0
"""Maximum median distance; larger numbers are parsecs."""

MAX_STAR_REDSHIFT = 0.005
"""Maximum redshift of a star."""

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


@dataclass(frozen=True)
class ColumnReport:
    """Report on the conversion of one column.

    Parameters
    ----------
    ours, theirs : str
        Names.
    why : str
        How it was recognised.
    unit_from, unit_to : str
        The file's unit and ours.
    known : float
        Share of the rows that have a value.
    low, median, high : float or None
        Of the values, in our unit; None for text and identifiers.
    sentinels, outside : int
        Values that mean missing; values outside the valid range, which became missing.
    note : str
        What else the user should know.
    """

    ours: str
    theirs: str
    why: str
    unit_from: str
    unit_to: str
    known: float
    low: float | None = None
    median: float | None = None
    high: float | None = None
    sentinels: int = 0
    outside: int = 0
    note: str = ""


@dataclass
class Making:
    """Columns under construction from a table."""

    table: TableFile
    raw: pd.DataFrame
    star: NDArray[np.bool_]
    """Rows that the table classifies as stars; all without a classification."""
    reports: list[ColumnReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def make_column(making: Making, ours: str, recipe: Recipe) -> Any:
    """One catalogue column in its declared type and unit; None for identifiers that lost digits.

    Raises
    ------
    TableError
        If the values are not what the column holds: another dimension, mostly outside the valid range, no numbers.
    """
    return make_values(making, BY_NAME[ours], recipe)


def make_values(making: Making, declared: Column, recipe: Recipe) -> Any:
    """Values as from :func:`make_column`, for a column that need not be declared."""
    ours = declared.name
    sexagesimal = ours in ("ra", "dec") and pd.api.types.is_string_dtype(making.raw[recipe.columns[0]].dtype)
    cases: tuple[tuple[bool, Callable[[Making, Column, Recipe], Any]], ...] = (
        (ours in IDENTIFIERS, _identifier),
        (recipe.operation == "flags", _flags),
        (declared.dtype == "str", _text),
        (declared.dtype == "bool", _boolean),
        (sexagesimal, _sexagesimal),
        (not declared.is_float, _integer),
        (True, _number),
    )
    return next(make for applies, make in cases if applies)(making, declared, recipe)


def _share(flags: Any) -> float:
    """Fraction of rows; 0 without rows."""
    return float(np.mean(flags)) if len(flags) else 0.0


def _identifier(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.int64] | None:
    name = recipe.columns[0]
    try:
        values = whole_numbers(making.raw[name], name, making.table.name)
    except TableError as error:
        if recipe.why == "configured":
            raise
        making.notes.append(f"{error} It is not used to match.")
        making.reports.append(ColumnReport(declared.name, name, recipe.why, "", "", 0.0, note="refused: digits lost"))
        return None
    making.reports.append(ColumnReport(declared.name, name, recipe.why, "", "", _share(values > 0)))
    return values


def _flags(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.bool_]:
    bad = np.zeros(len(making.raw), bool)
    for name, bits in zip(recipe.columns, recipe.bits, strict=True):
        values = making.raw[name]
        if pd.api.types.is_bool_dtype(values.dtype):
            bad |= values.fillna(False).to_numpy(bool)
            continue
        flags = flag_bits(values)
        for bit in bits:
            bad |= (flags >> bit) & 1 == 1
    bits_shown = ", ".join(f"{n} {list(b)}" for n, b in zip(recipe.columns, recipe.bits, strict=True))
    making.reports.append(
        ColumnReport(
            declared.name,
            " ".join(recipe.columns),
            recipe.why,
            "",
            "",
            1.0,
            note=f"{int(bad.sum()):,} by bits {bits_shown}",
        )
    )
    return bad


def flag_bits(values: pd.Series) -> NDArray[np.int64]:
    """Quality bits as integers; 0 if missing."""
    if pd.api.types.is_integer_dtype(values.dtype):
        return values.fillna(0).to_numpy().astype(np.int64)  # bit 31 of 32 bits makes a negative number: bits stay
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = np.abs(numbers) < 2.0**63
    return np.where(known, numbers, 0.0).astype(np.int64)


def _text(making: Making, declared: Column, recipe: Recipe) -> pd.Series:
    values = making.raw[recipe.columns[0]]
    if pd.api.types.is_integer_dtype(values.dtype):
        values = values.astype("Int64").astype("str").replace("<NA>", "")
    text = values.astype("str").fillna("").str.strip()
    making.reports.append(ColumnReport(declared.name, recipe.columns[0], recipe.why, "", "", _share(text != "")))
    return text


def _boolean(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.bool_]:
    values = making.raw[recipe.columns[0]]
    if pd.api.types.is_string_dtype(values.dtype):
        flags = values.str.strip().str.lower().isin(["true", "t", "yes", "y", "1"]).to_numpy(bool)
    else:
        flags = values.fillna(0).astype(bool).to_numpy(bool)
    making.reports.append(ColumnReport(declared.name, recipe.columns[0], recipe.why, "", "", 1.0))
    return flags


def _integer(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.generic]:
    values = _decimals(making, recipe.columns[0], declared.name)
    unknown = 0 if declared.unknown is None else declared.unknown
    missing = int((~np.isfinite(values)).sum())
    raw = making.raw[recipe.columns[0]]
    if pd.api.types.is_integer_dtype(raw.dtype):  # exact beyond 2^53: bit masks
        exact = raw.fillna(unknown).to_numpy()
        bad = ~np.isfinite(values) | declared.outside(exact)
        whole = np.where(bad, 0, exact).astype(np.int64)
    else:
        bad = ~np.isfinite(values) | declared.outside(values)
        whole = np.where(bad, unknown, np.nan_to_num(values)).astype(np.int64)
    whole = np.where(bad, unknown, whole)
    making.reports.append(
        ColumnReport(
            declared.name,
            recipe.columns[0],
            recipe.why,
            "",
            declared.unit,
            _share(~bad),
            sentinels=missing,
            outside=int(bad.sum()) - missing,
        )
    )
    return whole.astype(declared.dtype)


def _decimals(making: Making, name: str, ours: str) -> FloatArray:
    values = making.raw[name]
    if pd.api.types.is_string_dtype(values.dtype):
        texts: pd.Series[Any] = values.str.strip()
        numbers: pd.Series[Any] = pd.to_numeric(texts.where(texts != ""), errors="coerce")
        known = int(numbers.notna().sum())
        text = int((texts != "").sum())
        if text > known and known < MIN_VALID_SHARE * text:
            raise TableError(
                f"{making.table.name}: column {name!r} ({ours}) holds text where numbers are expected: "
                f"{text - known:,} of {text:,} values are no numbers."
            )
        return np.asarray(numbers, np.float64)
    return np.asarray(
        values.astype("Float64").to_numpy(np.float64, na_value=np.nan) if values.isna().any() else values,
        np.float64,
    )


def _number(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.floating]:
    """Numbers with sentinels removed, units converted and range checked."""
    sentinels = 0
    parts = []
    factor, unit, note = _factor(making, declared, recipe, making.table.by_name[recipe.columns[0]])
    for name in recipe.columns:
        values = _decimals(making, name, declared.name)
        missing = np.isinf(values)
        for item in recipe.missing:
            missing |= np.isclose(values, item, rtol=1e-6, atol=0.0)
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
            _share(known),
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
    """Multiply values by a factor, or divide by its inverse if that is an integer (1000 pc are 1 kpc)."""
    inverse = round(1.0 / factor) if 0.0 < factor < 1.0 else 0
    return values / inverse if inverse and np.isclose(inverse * factor, 1.0, rtol=1e-12) else values * factor


def _factor(making: Making, declared: Column, recipe: Recipe, item: Field) -> tuple[float, str, str]:
    """Factor to the catalogue's unit, the assumed unit, and a note."""
    for unit in (recipe.unit if recipe.why == "configured" else "", item.unit, recipe.unit):
        if not unit:
            continue
        factor = conversion(unit, declared.unit)
        if factor is not None:
            return factor, unit, ""
        if parse_unit(unit) is None:
            making.notes.append(
                f"{making.table.name}: the unit {unit!r} of column {item.name!r} is not understood; "
                f"{declared.unit or 'no unit'} is taken"
            )
            continue
        plain = parse_unit(unit)
        if plain is not None and str(plain) == "":
            continue
        raise TableError(
            f"{making.table.name}: column {item.name!r} is in {unit}, which is no unit of {declared.name} "
            f"[{declared.unit or 'dimensionless'}]. Say what it is: columns = {{{declared.name} = "
            f'{{column = "{item.name}", unit = "{declared.unit}"}}}}'
        )
    return 1.0, "", "" if not declared.unit else f"no unit in the file: {declared.unit} taken"


def _without_repeated_outsiders(values: FloatArray, declared: Column) -> tuple[FloatArray, int]:
    """Remove a value outside the range that many rows share, which is a sentinel."""
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
    """Convert sexagesimal hours or degrees to degrees."""
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
    making.reports.append(ColumnReport(declared.name, name, recipe.why, note, "deg", _share(known), low, median, high))
    return degrees


def refuse_hours(making: Making, columns: dict[str, Any], recipes: dict[str, Recipe]) -> None:
    """Refuse right ascensions that are probably in hours, within 0 to 24.

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


def own_values(values: pd.Series) -> pd.Series:
    """Own columns in catalogue types: integers with gaps become floats, or text beyond 2^53."""
    kind, gaps = values.dtype, values.isna().any()
    if pd.api.types.is_float_dtype(kind):
        return values.where(~np.isinf(values.to_numpy(np.float64)), np.nan)
    if pd.api.types.is_bool_dtype(kind) and gaps:
        values = values.map({True: "true", False: "false"})
    elif pd.api.types.is_bool_dtype(kind):
        return values.astype("bool")
    elif pd.api.types.is_integer_dtype(kind) and not gaps:
        return values.astype("int64")
    elif pd.api.types.is_integer_dtype(kind) and values.abs().max() < 2**53:
        return values.astype("Float64").astype("float64")
    return values.astype("str").replace("<NA>", "").fillna("")
