"""Tables whose columns are places in a line: cut as arrays of letters, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.tables.byte_texts import text_of_bytes
from pipeline.sources.tables.table_file import BLOCK_ROWS, Field, Origin, TableError, TableFile, plain_frame
from pipeline.sources.tables.text_tables import numbers_from_text

_PADDING = 8
"""Memory of lines padded to one length, as a multiple of the limit of the unpacked file."""


@dataclass(frozen=True)
class Place:
    """Where a column is in a line.

    Parameters
    ----------
    start, end : int
        First letter and the one after its last, from 0.
    missing : tuple of str
        Texts that mean missing.
    """

    start: int
    end: int
    missing: tuple[str, ...] = ()


class FixedWidthTable(TableFile):
    """A text table of fixed columns, in memory.

    Parameters
    ----------
    origin : Origin
        The file.
    form : str
        Name of its format.
    fields : sequence of Field
        Its columns.
    places : sequence of Place
        Where each is.
    lines : sequence of str
        Its rows.
    simulated : bool
        Whether the file says of itself that it is simulated.

    Raises
    ------
    TableError
        If it exceeds the limits.
    """

    def __init__(
        self,
        origin: Origin,
        form: str,
        fields: Sequence[Field],
        places: Sequence[Place],
        lines: Sequence[str],
        *,
        simulated: bool,
    ) -> None:
        super().__init__(origin.name, form, fields, len(lines), origin.limits, simulated=simulated)
        self._place = dict(zip(self.names, places, strict=True))
        width = max((place.end for place in places), default=0)
        cut = [line[:width] for line in lines]
        longest = max(map(len, cut), default=0)
        origin.limits.check_bytes(origin.name, longest * len(cut) // _PADDING)
        try:
            self._lines: NDArray[Any] = np.array([line.encode("latin-1") for line in cut], f"S{max(longest, 1)}")
        except UnicodeEncodeError:
            self._lines = np.array(cut, f"U{max(longest, 1)}")

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield blocks of rows; types are inferred from all of them."""
        frame = self.read(names)
        for start in range(0, len(frame), rows):
            yield frame.iloc[start : start + rows].reset_index(drop=True)

    def read(self, names: Sequence[str]) -> pd.DataFrame:
        """The named columns whole."""
        return plain_frame({name: self._cut(name) for name in names})

    def read_exact(self, name: str) -> pd.Series:
        """A column as the text that is written."""
        place, kind = self._place[name], self._lines.dtype.kind
        if not self._lines.size:
            return pd.Series(dtype="str")
        letters = self._lines.view(f"{kind}1").reshape(self._lines.size, -1)
        cells = np.ascontiguousarray(letters[:, place.start : place.end])
        if not cells.size:
            return pd.Series([""] * len(letters), dtype="str")
        joined = cells.view(f"{kind}{cells.shape[1]}").ravel()
        text = text_of_bytes(joined, "latin-1") if kind == "S" else pd.Series(joined, dtype="str")
        text = text.str.strip()
        return text.mask(text.isin(place.missing), "")

    def _cut(self, name: str) -> pd.Series:
        text, kind = self.read_exact(name), self.by_name[name].kind
        numbers = text if kind == "str" else numbers_from_text(text)
        lost = kind == "float" and pd.api.types.is_string_dtype(numbers.dtype)
        return _numeric(text, self.name, name) if lost else numbers


def _numeric(text: pd.Series, table: str, name: str) -> pd.Series:
    """Numbers of a column of which a few cells are none.

    Raises
    ------
    TableError
        If most are none: the description does not fit.
    """
    numbers = pd.to_numeric(text.where(text != ""), errors="coerce")
    filled = int((text != "").sum())
    if int(numbers.notna().sum()) < filled / 2:
        raise TableError(
            f"{table}: column {name!r} is described as numbers, and most of its cells are none. Does its description "
            "belong to this file?"
        )
    return numbers.astype("float64")
