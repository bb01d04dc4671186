"""Values of matched rows in the types of the catalogue, and filling of missing values."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.column import Column, DType


def take_declared(values: pd.Series, rows: NDArray[np.int64], declared: Column) -> pd.Series:
    """Values of matched rows; the missing value for others."""
    if not len(values):
        raise ValueError("a table without rows is refused before")
    taken = values.take(np.maximum(rows, 0)).reset_index(drop=True)
    missing = rows < 0
    if declared.is_float:
        return taken.astype(declared.dtype).mask(missing)
    if declared.dtype == "str":
        return taken.astype("str").mask(missing, "")
    if declared.dtype == "bool":
        return taken.astype("bool") & ~missing
    return taken.mask(missing, 0 if declared.unknown is None else declared.unknown).astype(declared.dtype)


def take_own(values: pd.Series, rows: NDArray[np.int64]) -> tuple[pd.Series, DType]:
    """Values of an own column for matched rows; integers with gaps become floats, or text."""
    taken = values.take(np.maximum(rows, 0)).reset_index(drop=True)
    missing = rows < 0
    if pd.api.types.is_float_dtype(taken.dtype):
        return taken.mask(missing), cast("DType", str(taken.dtype))
    if pd.api.types.is_string_dtype(taken.dtype):
        return taken.astype("str").mask(missing, ""), "str"
    if not missing.any():
        return taken, cast("DType", str(taken.dtype))
    if pd.api.types.is_bool_dtype(taken.dtype):
        return taken.map({True: "true", False: "false"}).astype("str").mask(missing, ""), "str"
    if taken.abs().max() < 2**53:
        return taken.astype("float64").mask(missing), "float64"
    return taken.astype("str").mask(missing, ""), "str"


def filled(here: pd.Series, there: pd.Series, declared: Column) -> tuple[pd.Series, int]:
    """Fill missing values from another source; return their number too."""
    if declared.dtype == "bool":
        return here.astype("bool") | there.astype("bool").to_numpy(), 0
    if declared.is_float:
        gap = here.isna() & there.notna()
    elif declared.dtype == "str":
        gap = (here.fillna("") == "") & (there != "")
    else:
        unknown = 0 if declared.unknown is None else declared.unknown
        gap = (here == unknown) & (there != unknown)
    gap_rows = gap.to_numpy(bool)
    return here.where(~gap_rows, there), int(gap_rows.sum())
