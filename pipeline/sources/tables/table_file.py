"""What every reader of a foreign table offers: named columns with their metadata, whole or in blocks of rows."""

from __future__ import annotations

import gzip
import io
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Kind = Literal["int", "float", "bool", "str", "array", "unknown"]
"""What a column holds; "unknown" where only reading shows it (text), "array" where a cell holds several values."""

GZIP_MAGIC = b"\x1f\x8b"
BLOCK_ROWS = 131_072
_CHUNK_BYTES = 1 << 20


class TableError(ValueError):
    """A table cannot be used; the message names the file, what was found and the remedy, and quotes no content."""


@dataclass(frozen=True)
class Field:
    """A column as its file describes it.

    Parameters
    ----------
    name : str
        The file's own spelling.
    kind : str
        One of :data:`Kind`.
    unit, ucd, description : str
        As the file says; "" where it does not.
    length : int
        Values a cell, 1 for scalars.
    """

    name: str
    kind: Kind
    unit: str = ""
    ucd: str = ""
    description: str = ""
    length: int = 1


@dataclass(frozen=True)
class Limits:
    """Bounds of what is unpacked and parsed; the defaults are for files that the user names on the command line.

    Parameters
    ----------
    max_bytes : int or None
        Of the unpacked file, where it has to be unpacked into memory.
    max_rows, max_columns : int or None
        Of the table.
    """

    max_bytes: int | None = None
    max_rows: int | None = None
    max_columns: int | None = 20_000


class TableFile(ABC):
    """A table in a file.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    form : str
        Name of the format.
    fields : sequence of Field
        Its columns in order; names are unique.
    n_rows : int or None
        Number of rows, None where only reading shows it.
    limits : Limits
        Bounds.
    simulated : bool
        Whether the file says of itself that it is simulated.

    Raises
    ------
    TableError
        If the table exceeds the limits.
    """

    def __init__(
        self,
        name: str,
        form: str,
        fields: Sequence[Field],
        n_rows: int | None,
        limits: Limits,
        *,
        simulated: bool = False,
    ) -> None:
        self.name, self.form, self.fields, self.n_rows, self.limits = name, form, tuple(fields), n_rows, limits
        self.simulated = simulated
        self.skipped: list[str] = []
        """A sentence for each row that could not be parsed, after reading."""
        most_columns, most_rows = limits.max_columns, limits.max_rows
        if most_columns is not None and len(self.fields) > most_columns:
            raise TableError(
                f"{name} has {len(self.fields):,} columns; at most {most_columns:,} are read. Leave columns out."
            )
        if most_rows is not None and n_rows is not None and n_rows > most_rows:
            raise TableError(f"{name} has {n_rows:,} rows; at most {most_rows:,} are read. Leave rows out.")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns as the file spells them."""
        return tuple(item.name for item in self.fields)

    @property
    def by_name(self) -> dict[str, Field]:
        """The columns by name."""
        return {item.name: item for item in self.fields}

    @abstractmethod
    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield the named scalar columns in blocks of rows, in the file's order.

        Integers are int64 (``Int64`` where a value is missing), exact to the last digit; numbers float32 or float64
        with NaN, truth values bool or ``boolean``, text ``str`` with "" for missing.
        """

    def arrays(self, name: str) -> Iterator[NDArray[np.float64]]:
        """Yield blocks of an array column, each of shape (rows, length).

        Raises
        ------
        TableError
            If this format keeps no array columns.
        """
        raise TableError(f"{self.name}: column {name!r} cannot be read as arrays from {self.form}.")

    def read(self, names: Sequence[str]) -> pd.DataFrame:
        """The named columns whole."""
        parts = list(self.blocks(names))
        if not parts:
            return pd.DataFrame({name: pd.Series(dtype="float64") for name in names})
        return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Origin:
    """Where the bytes of a table come from: a file, or data that a visitor sent.

    Parameters
    ----------
    name : str
        For messages.
    path : Path or None
        The file.
    data : bytes
        The data where there is no file.
    limits : Limits
        Bounds of what is unpacked.
    """

    name: str
    path: Path | None
    data: bytes = field(default=b"", repr=False)
    limits: Limits = Limits()

    def raw(self) -> IO[bytes]:
        """The bytes as they are stored."""
        return self.path.open("rb") if self.path is not None else io.BytesIO(self.data)

    @property
    def zipped(self) -> bool:
        """Whether they are compressed with gzip."""
        with self.raw() as stream:
            return stream.read(2) == GZIP_MAGIC

    def open(self) -> IO[bytes]:
        """The unpacked bytes as a stream; seeking back is slow where they are compressed."""
        raw = self.raw()
        if not self.zipped:
            return raw
        return gzip.open(raw, "rb")  # type: ignore[return-value] # GzipFile is a binary stream

    def head(self, size: int) -> bytes:
        """The first unpacked bytes.

        Raises
        ------
        TableError
            If the file is missing or its compression is damaged from the start.
        """
        try:
            with self.open() as stream:
                return stream.read(size)
        except FileNotFoundError:
            raise TableError(
                f"{self.path} does not exist. Give the path of the table, or set MGIANT_DATA to its folder."
            ) from None
        except IsADirectoryError:
            raise TableError(f"{self.path} is a folder, not a table.") from None
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(f"{self.name} cannot be read ({type(error).__name__}). Fetch it again.") from None

    def whole(self) -> bytes:
        """All unpacked bytes, within the limits.

        Raises
        ------
        TableError
            If there are more than the limits allow, or the compression is damaged.
        """
        parts, size, most = [], 0, self.limits.max_bytes
        try:
            with self.open() as stream:
                while part := stream.read(_CHUNK_BYTES):
                    size += len(part)
                    if most is not None and size > most:
                        raise TableError(f"{self.name} unpacks to more than {most:,} bytes; no more are read.")
                    parts.append(part)
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(f"{self.name} is damaged or cut short ({type(error).__name__}). Fetch it again.") from None
        return b"".join(parts)


def plain_frame(columns: dict[str, pd.Series]) -> pd.DataFrame:
    """A frame of columns in the types that :meth:`TableFile.blocks` promises."""
    return pd.DataFrame({name: _plain(values) for name, values in columns.items()})


def _plain(values: pd.Series) -> pd.Series:
    values = values.reset_index(drop=True)
    kind = values.dtype
    if pd.api.types.is_bool_dtype(kind):
        return values.astype("boolean") if values.isna().any() else values.astype("bool")
    if pd.api.types.is_integer_dtype(kind):
        return values.astype("Int64") if values.isna().any() else values.astype("int64")
    if pd.api.types.is_float_dtype(kind):
        return values.astype("float32" if str(kind).lower() == "float32" else "float64")
    return values.astype("str").where(values.notna(), "")
