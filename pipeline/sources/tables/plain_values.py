"""Values of a foreign column without a unit: identifiers, bits, texts, truth values and integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.sources.tables.column_report import ColumnReport, Making, share
from pipeline.sources.tables.identifiers import whole_numbers
from pipeline.sources.tables.profiles import Recipe
from pipeline.sources.tables.table_file import TableError

FloatArray = NDArray[np.float64]
MIN_VALID_SHARE = 0.5


def identifier_values(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.int64] | None:
    """Identifiers as whole numbers, 0 where unknown; None for those that lost digits."""
    name = recipe.columns[0]
    try:
        values = whole_numbers(making.raw[name], name, making.table.name)
    except TableError as error:
        if recipe.why == "configured":
            raise
        making.notes.append(f"{error} It is not used to match.")
        making.reports.append(ColumnReport(declared.name, name, recipe.why, "", "", 0.0, note="refused: digits lost"))
        return None
    making.reports.append(ColumnReport(declared.name, name, recipe.why, "", "", share(values > 0)))
    return values


def flag_values(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.bool_]:
    """Whether any of the recipe's bits is set."""
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
    """Quality bits as whole numbers, 0 where a value is missing or none."""
    if pd.api.types.is_integer_dtype(values.dtype):
        return values.fillna(0).to_numpy().astype(np.int64)  # bit 31 of 32 bits makes a negative number: bits stay
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = np.abs(numbers) < 2.0**63
    return np.where(known, numbers, 0.0).astype(np.int64)


def text_values(making: Making, declared: Column, recipe: Recipe) -> pd.Series:
    """Texts without space around them, "" where missing."""
    values = making.raw[recipe.columns[0]]
    if pd.api.types.is_integer_dtype(values.dtype):
        values = values.astype("Int64").astype("str").replace("<NA>", "")
    text = values.astype("str").fillna("").str.strip()
    making.reports.append(ColumnReport(declared.name, recipe.columns[0], recipe.why, "", "", share(text != "")))
    return text


def boolean_values(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.bool_]:
    """Truth values, false where missing."""
    values = making.raw[recipe.columns[0]]
    if pd.api.types.is_string_dtype(values.dtype):
        flags = values.str.strip().str.lower().isin(["true", "t", "yes", "y", "1"]).to_numpy(bool)
    else:
        flags = values.fillna(0).astype(bool).to_numpy(bool)
    making.reports.append(ColumnReport(declared.name, recipe.columns[0], recipe.why, "", "", 1.0))
    return flags


def integer_values(making: Making, declared: Column, recipe: Recipe) -> NDArray[np.generic]:
    """Whole numbers in the declared type and range."""
    values = decimals(making, recipe.columns[0], declared.name)
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
            share(~bad),
            sentinels=missing,
            outside=int(bad.sum()) - missing,
        )
    )
    return whole.astype(declared.dtype)


def decimals(making: Making, name: str, ours: str) -> FloatArray:
    """Values of a column as float64, NaN where missing; raise TableError where most are no numbers."""
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


def own_values(values: pd.Series) -> pd.Series:
    """The types that a catalogue carries: integers with gaps become decimal numbers, or text beyond 2^53."""
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
