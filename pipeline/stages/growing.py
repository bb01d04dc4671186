"""Arrays that grow on disk row by row, and become plain .npy files."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

HEADER_BYTES = 128
"""Space for the header, which is written at the end."""


class GrowingArray:
    """Rows appended to a file, which :meth:`close` makes a valid ``.npy`` array.

    Parameters
    ----------
    path : Path
        Of the ``.npy`` file.
    columns : int
        Values a row.
    dtype : dtype
        Of the values.
    """

    def __init__(self, path: Path, columns: int, dtype: DTypeLike) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._columns, self._dtype = columns, np.dtype(dtype)
        self._rows = 0
        self._file = path.open("wb")
        self._file.write(bytes(HEADER_BYTES))

    def append(self, rows: NDArray[Any]) -> None:
        """Add one row, or several as a block of two dimensions.

        Raises
        ------
        ValueError
            If they have another length.
        """
        values = np.ascontiguousarray(rows, self._dtype)
        if values.ndim not in (1, 2) or values.shape[-1] != self._columns:
            raise ValueError(f"Rows of shape {values.shape} do not fit {self._file.name}: it takes {self._columns}.")
        self._file.write(values.tobytes())
        self._rows += values.size // self._columns

    def close(self) -> None:
        """Write the header (version 1.0 of the format), padded to the reserved space."""
        shape = (self._rows, self._columns)
        described = (
            f"{{'descr': {np.lib.format.dtype_to_descr(self._dtype)!r}, 'fortran_order': False, 'shape': {shape}, }}"
        )
        magic = np.lib.format.magic(1, 0)
        text = described.ljust(HEADER_BYTES - len(magic) - 3) + "\n"
        self._file.seek(0)
        self._file.write(magic + len(text).to_bytes(2, "little") + text.encode("latin1"))
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
