"""Interface of all readers of tables: named columns with metadata, whole or in blocks of rows."""

from __future__ import annotations

import gzip
import io
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Kind = Literal["int", "float", "bool", "str", "array", "unknown"]
"""Kind of a column; "unknown" before reading (text), "array" for several values a cell."""

GZIP_MAGIC = b"\x1f\x8b"
BLOCK_ROWS = 131_072
_CHUNK_BYTES = 1 << 20

_LARGEST_RATIO = 1100
"""Maximum compression ratio of gzip; a larger one shows a truncated file."""

MAX_LINE = 1 << 25
_LETTERS_A_COLUMN = 1000


class TableError(ValueError):
    """A table cannot be used; the message names file, problem and remedy, without quoting content."""


@dataclass(frozen=True)
class Field:
    """A column as described by its file.

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
    """Limits of unpacking and parsing; the defaults are for files of the command line.

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

    @property
    def max_line(self) -> int:
        """Maximum length of a line of text."""
        return MAX_LINE if self.max_columns is None else min(MAX_LINE, _LETTERS_A_COLUMN * max(self.max_columns, 64))

    def check_columns(self, name: str, count: int) -> None:
        """Refuse more columns than the limit.

        Raises
        ------
        TableError
            With both numbers.
        """
        if self.max_columns is not None and count > self.max_columns:
            result = f"{count:,}" if count > self.max_columns + 1 else f"more than {self.max_columns:,}"
            raise TableError(f"{name} has {result} columns; at most {self.max_columns:,} are read. Leave columns out.")

    def check_rows(self, name: str, count: int) -> None:
        """Refuse more rows than the limit.

        Raises
        ------
        TableError
            With the limit.
        """
        if self.max_rows is not None and count > self.max_rows:
            raise TableError(f"{name} has more than {self.max_rows:,} rows; no more are read. Leave rows out.")

    def check_bytes(self, name: str, count: int) -> None:
        """Refuse to unpack more bytes than the limit.

        Raises
        ------
        TableError
            With the limit.
        """
        if self.max_bytes is not None and count > self.max_bytes:
            raise TableError(f"{name} unpacks to more than {self.max_bytes:,} bytes; no more are read.")


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
        """Reasons of the rows that could not be parsed, after reading."""
        limits.check_columns(name, len(self.fields))
        limits.check_rows(name, n_rows or 0)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in the file's spelling."""
        return tuple(item.name for item in self.fields)

    @cached_property
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
        """Read the named columns completely."""
        parts = list(self.blocks(names))
        if not parts:
            return pd.DataFrame({name: pd.Series(dtype="float64") for name in names})
        if len(parts) == 1:
            return parts[0]
        return plain_frame({str(name): values for name, values in pd.concat(parts, ignore_index=True).items()})

    def read_exact(self, name: str) -> pd.Series:
        """Read a column completely, in text formats as original text with all digits."""
        return self.read([name])[name]


@dataclass(frozen=True)
class Origin:
    """Source of the bytes of a table: a file, or uploaded data.

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
        """The stored bytes."""
        return self.path.open("rb") if self.path is not None else io.BytesIO(self.data)

    @property
    def zipped(self) -> bool:
        """Whether the bytes are compressed with gzip."""
        with self.raw() as stream:
            return stream.read(2) == GZIP_MAGIC

    def open(self) -> IO[bytes]:
        """Open the unpacked bytes as a stream, within the limit and without seeking back."""
        raw = self.raw()
        if not self.zipped:
            return raw
        if self.limits.max_bytes is not None:  # what the file says of itself comes first, then what it is
            size = raw.seek(-4, 2)
            declared = int.from_bytes(raw.read(4), "little")
            if declared < _LARGEST_RATIO * size:
                self.limits.check_bytes(self.name, declared)
            raw.seek(0)
        return io.BufferedReader(_Unpacked(raw, self), _CHUNK_BYTES)

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
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._damaged(error) from None
        except OSError as error:
            raise TableError(f"{self.name} cannot be read ({type(error).__name__}).") from None

    def _damaged(self, error: Exception) -> TableError:
        return TableError(f"{self.name} is damaged or cut short ({type(error).__name__}). Fetch it again.")

    def whole(self) -> bytes:
        """All unpacked bytes, within the limits.

        Raises
        ------
        TableError
            If there are more than the limits allow, or the compression is damaged.
        """
        parts, size = [], 0
        try:
            with self.open() as stream:
                while part := stream.read(_CHUNK_BYTES):
                    size += len(part)
                    self.limits.check_bytes(self.name, size)
                    parts.append(part)
        except (OSError, EOFError, zlib.error) as error:
            raise self._damaged(error) from None
        return b"".join(parts)


class _Unpacked(io.RawIOBase):
    """Unpacked stream of a compressed file, counted against the limits."""

    def __init__(self, raw: IO[bytes], origin: Origin) -> None:
        self._raw, self._origin, self._count = raw, origin, 0
        self._packed = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._packed.read(len(buffer))
        self._count += len(part)
        self._origin.limits.check_bytes(self._origin.name, self._count)
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._packed.close()
        self._raw.close()
        super().close()


def says_simulated(words: Mapping[str, str]) -> bool:
    """Whether descriptive texts of a file, such as those of our exports, mark it as simulated."""
    values = [value.strip().lower() for key, value in words.items() if key.strip().lower() == "simulated"]
    return any(value not in ("", "false", "no", "0", "f") for value in values)


def plain_frame(columns: dict[str, pd.Series]) -> pd.DataFrame:
    """Create a frame of columns in the types of :meth:`TableFile.blocks`."""
    return pd.DataFrame({name: _plain(values) for name, values in columns.items()}, copy=False)


def _plain(values: pd.Series) -> pd.Series:
    values = values.reset_index(drop=True)
    kind = values.dtype
    if pd.api.types.is_bool_dtype(kind):
        return values.astype("boolean") if values.isna().any() else values.astype("bool")
    if pd.api.types.is_integer_dtype(kind):
        return values.astype("Int64") if values.isna().any() else values.astype("int64")
    if pd.api.types.is_float_dtype(kind):
        return values.astype("float32" if str(kind).lower() == "float32" else "float64")
    text = values.astype("str")
    return text.fillna("") if text.hasnans else text
