"""Conversion of fixed-width byte strings to text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_BLANK = 32


def text_of_bytes(values: NDArray[Any], encoding: str = "utf-8") -> pd.Series:
    """Text without padding; everything after a NUL is removed.

    Parameters
    ----------
    values : ndarray of S, shape (n,)
        The bytes.
    encoding : str
        Of letters beyond ASCII; bytes that are none are replaced.

    Returns
    -------
    Series of str
        One text a row.
    """
    width = values.dtype.itemsize
    if not (width and values.size):
        return pd.Series([""] * values.size, dtype="str")
    letters = np.ascontiguousarray(values).view(np.uint8).reshape(-1, width)
    nuls = letters == 0
    if nuls.any():
        letters = np.where(np.logical_or.accumulate(nuls, axis=1), _BLANK, letters).astype(np.uint8)
    if (letters > 127).any():
        texts = [bytes(row).decode(encoding, "replace").rstrip() for row in letters]
        return pd.Series(texts, dtype="str")
    packed = pa.Array.from_buffers(pa.binary(width), values.size, [None, pa.py_buffer(np.ascontiguousarray(letters))])
    trimmed: pd.Series = pc.utf8_rtrim_whitespace(packed.cast(pa.binary()).cast(pa.string())).to_pandas()
    return trimmed.astype("str")
