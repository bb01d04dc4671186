"""Identifiers of 64 bits, exact or refused, never converted through floats."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.tables.table_file import TableError

_LARGEST = 2**63 - 1
_DESIGNATION = re.compile(r"^\s*(?:Gaia\s+E?DR\d\s+|LAMOST\s+|J)?", re.IGNORECASE)
_SURE = r"\d{1,18}|[0-8]\d{18}|9[01]\d{17}"
"""Integers that certainly fit into 64 bits; others are parsed individually."""

_WHOLE = re.compile(r"(\d+)(?:\.(\d*))?(?:[eE]\+?(\d{1,3}))?", re.ASCII)

FIRST_DERIVED = 2_000_000_000_000_000
"""Lower end of derived identifiers, which end at :data:`LAST_DERIVED`.

LAMOST's have at most 10 digits, those made from headers begin with 1 and have 16, and every tool keeps integers below
2^53 exact.
"""

LAST_DERIVED = 8_999_999_999_999_999


@dataclass(frozen=True)
class Identifiers:
    """Identifiers of a column.

    Parameters
    ----------
    numbers : ndarray of int64, shape (n,)
        0 where there is none.
    lost : ndarray of bool, shape (n,)
        Where a decimal number is too large to be exact: the identifier has lost digits.
    fractions : int
        How many values are no whole numbers.
    """

    numbers: NDArray[np.int64]
    lost: NDArray[np.bool_]
    fractions: int = 0


def read_identifiers(values: pd.Series) -> Identifiers:
    """Read the identifiers of a column, and mark invalid ones.

    Parameters
    ----------
    values : Series
        Whole numbers, decimal numbers or text (also "Gaia DR3 123").
    """
    kind = values.dtype
    nothing = np.zeros(len(values), bool)
    if pd.api.types.is_bool_dtype(kind):
        return Identifiers(np.zeros(len(values), np.int64), nothing)
    if pd.api.types.is_integer_dtype(kind):
        result = values.fillna(0).to_numpy(np.int64)
        return Identifiers(np.where(result > 0, result, 0), nothing)
    if pd.api.types.is_float_dtype(kind):
        return _from_decimals(values.to_numpy(np.float64 if str(kind).lower() == "float64" else np.float32))
    return _from_text(values)


def whole_numbers(values: pd.Series, name: str, table: str) -> NDArray[np.int64]:
    """Identifiers of a column; 0 if missing.

    Parameters
    ----------
    values : Series
        Whole numbers, decimal numbers or text (also "Gaia DR3 123").
    name, table : str
        For messages.

    Raises
    ------
    TableError
        If a decimal number is too large to be exact: the identifiers have lost digits.
    """
    if pd.api.types.is_bool_dtype(values.dtype):
        raise TableError(f"{table}: column {name!r} holds yes and no, not identifiers.")
    result = read_identifiers(values)
    lost = int(result.lost.sum())
    if lost:
        raise TableError(
            f"{table}: column {name!r} has been through decimal numbers, so {lost:,} of its identifiers have lost "
            "their last digits. Write the table again with this column as integers or as text."
        )
    if result.fractions:
        raise TableError(f"{table}: column {name!r} holds fractions, not identifiers.")
    return result.numbers


def _from_decimals(values: NDArray[np.floating]) -> Identifiers:
    exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)
    known = np.isfinite(values) & (values > 0)
    whole = known & (values == np.floor(values))
    lost = whole & (values >= exact)
    numbers = np.where(whole & ~lost, np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), 0).astype(np.int64)
    return Identifiers(numbers, lost, int((known & ~whole).sum()))


def _from_text(values: pd.Series) -> Identifiers:
    plain = values.astype("str").fillna("").str.strip().str.replace(_DESIGNATION, "", regex=True).str.strip()
    whole = plain.str.fullmatch(_SURE).to_numpy(bool)
    numbers, lost = np.zeros(len(plain), np.int64), np.zeros(len(plain), bool)
    numbers[whole] = plain[whole].astype("int64").to_numpy()
    for row in np.flatnonzero(~whole & (plain != "").to_numpy(bool)):
        numbers[row], lost[row] = _number(str(plain.iloc[row]))
    numbers[lost] = 0
    return Identifiers(numbers, lost)


def _number(text: str) -> tuple[int, bool]:
    """The integer of a text, 0 if invalid, and whether it has lost digits."""
    parts = _WHOLE.fullmatch(text)
    if parts is None:
        return 0, False
    digits, decimals, shift = parts[1].lstrip("0"), parts[2] or "", int(parts[3] or 0)
    if len(digits) + shift > len(str(_LARGEST)) or decimals[shift:].strip("0"):
        return 0, False
    number = int((digits + decimals[:shift].ljust(shift, "0")) or "0")
    if number > _LARGEST:
        return 0, False
    decimal = parts[2] is not None or parts[3] is not None
    return number, bool(number) and decimal and (number >= 2**53 or len(decimals) < shift)


def derived_obsids(keys: NDArray[np.uint64], tie_breakers: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Stable identifiers of rows without one, which depend on the star only, not on the order.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        Hash of what identifies the star.
    tie_breakers : ndarray of uint64, shape (n,)
        Hash of the rest of the row, which orders rows of one key.

    Returns
    -------
    ndarray of int64, shape (n,)
        Unique, between :data:`FIRST_DERIVED` and :data:`LAST_DERIVED`.
    """
    span = np.uint64(LAST_DERIVED - FIRST_DERIVED + 1)
    order = np.lexsort((tie_breakers, keys % span))
    numbers = (keys % span)[order].astype(np.int64)
    # Equal numbers move up to the next free one, in the order of their tie breakers.
    rank = np.arange(numbers.size, dtype=np.int64)
    unique = np.maximum.accumulate(numbers - rank) + rank
    result = np.empty_like(unique)
    result[order] = FIRST_DERIVED + unique
    return result
