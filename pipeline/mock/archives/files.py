"""File formats of the archives, with a machine-readable mark of simulated data.

FITS has ``SIMULATD = T`` in both headers, VOTable an INFO ``simulated``, Parquet and ECSV the metadata key
``simulated``. The official CSV files of LAMOST and of the Gaia archive permit no comment: they get a last column
``simulated``, true in every row.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.io.votable.tree import CooSys, Info
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

MARK = "simulated"
NOTE = "SIMULATED. Not an observation. Made by the embedded survey of the M-giant explorer."

_FITS_BLOCK = 2880
_NUMPY = {"L": "i1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


@dataclass(frozen=True)
class Field:
    """One column of a table.

    Parameters
    ----------
    name : str
        In the archive's own spelling.
    form : str
        Format of a FITS binary table: a letter, with the number of elements or characters before it.
    unit, ucd : str
        As the archive states them; "" where it states none.
    dim : str
        TDIM of a FITS table, for arrays of two dimensions.
    """

    name: str
    form: str
    unit: str = ""
    ucd: str = ""
    dim: str = ""

    @property
    def kind(self) -> str:
        """Letter of the format."""
        return self.form[-1]

    @property
    def count(self) -> int:
        """Number of elements or characters."""
        return int(self.form[:-1] or 1)


def record_dtype(fields: Sequence[Field]) -> np.dtype[Any]:
    """Big-endian row of a FITS binary table."""
    described: list[tuple[str, Any] | tuple[str, Any, tuple[int]]] = []
    for item in fields:
        if item.kind == "A":
            described.append((item.name, f"S{item.count}"))
        elif item.count > 1:
            described.append((item.name, _NUMPY[item.kind], (item.count,)))
        else:
            described.append((item.name, _NUMPY[item.kind]))
    return np.dtype(described)


def write_fits_table(
    path: Path,
    fields: Sequence[Field],
    blocks: Iterable[NDArray[np.void]],
    rows: int,
    cards: Sequence[tuple[str, Any, str]] = (),
) -> None:
    """Write a FITS binary table in blocks, with one block in memory.

    Parameters
    ----------
    path : Path
        The file; replaced when it exists.
    fields : sequence of Field
        Columns in file order.
    blocks : iterable of ndarray
        Rows with the columns of :func:`record_dtype` in either byte order.
    rows : int
        How many rows come.
    cards : sequence of (keyword, value, comment)
        Cards of the table's header.

    Raises
    ------
    ValueError
        If another number of rows came.
    """
    columns = fits.ColDefs(
        [fits.Column(item.name, item.form, unit=item.unit or None, dim=item.dim or None) for item in fields]
    )
    header = fits.BinTableHDU.from_columns(columns, nrows=0).header
    primary = fits.PrimaryHDU().header
    for part in (primary, header):
        part["SIMULATD"] = (True, "not an observation")
        part["HISTORY"] = NOTE
    header.extend(fits.Header(list(cards)).cards, update=True)
    header["NAXIS2"] = rows
    written, described = 0, record_dtype(fields)
    with path.open("wb") as file:
        file.write((primary.tostring() + header.tostring()).encode("ascii"))
        for block in blocks:
            file.write(np.ascontiguousarray(block, described).view(np.uint8).data)
            written += len(block)
        file.write(bytes(-file.tell() % _FITS_BLOCK))
    if written != rows:
        raise ValueError(f"{path.name} announces {rows} rows; {written} came.")


def records(fields: Sequence[Field], values: Mapping[str, Any], rows: int) -> NDArray[np.void]:
    """Rows of a FITS table from arrays by column name; text is cut to its width."""
    table = np.zeros(rows, record_dtype(fields))
    for item in fields:
        result = np.asarray(values[item.name])
        table[item.name] = np.char.encode(result, "ascii") if result.dtype.kind == "U" else result
    return table


def write_csv(
    path: Path, columns: Mapping[str, Sequence[str]], *, separator: str = ",", byte_order_mark: bool = False
) -> None:
    """Write texts as CSV, gzipped if the name ends in .gz, with the last column ``simulated``."""
    target = io.StringIO()
    writer = csv.writer(target, delimiter=separator, lineterminator="\n")
    writer.writerow([*columns, MARK])
    writer.writerows((*row, "true") for row in zip(*columns.values(), strict=True))
    data = target.getvalue().encode("utf-8-sig" if byte_order_mark else "utf-8")
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def texts(values: NDArray[Any], form: str = "{}", missing: str = "") -> list[str]:
    """Convert values to text; NaN becomes ``missing``."""
    if values.dtype.kind != "f":
        return [form.format(value) for value in values.tolist()]
    return [missing if value != value else form.format(value) for value in values.tolist()]  # noqa: PLR0124 - NaN


def shortest(values: NDArray[Any], missing: str) -> list[str]:
    """Convert single-precision values to the shortest exact text; NaN becomes ``missing``."""
    single = np.asarray(values, np.float32)
    return [missing if np.isnan(value) else str(value) for value in single]


def write_votable(
    path: Path, fields: Sequence[Field], values: Mapping[str, NDArray[Any]], name: str, epoch: float
) -> None:
    """Write a VOTable (BINARY2, as the Gaia archive does) with units, UCDs and the epoch of its positions."""
    ascii_values = {
        item.name: np.char.encode(values[item.name], "ascii") if item.kind == "A" else values[item.name]
        for item in fields
    }
    document = from_table(_table(fields, ascii_values))
    resource = document.resources[0]
    resource.type = "results"
    frame = f"J{epoch:.1f}"
    resource.coordinate_systems.append(CooSys(ID="frame", system="ICRS", equinox="J2000.0", epoch=frame))
    resource.infos.append(Info(name=MARK, value="true"))
    resource.infos.append(Info(name="note", value=NOTE))
    resource.infos.append(Info(name="QUERY_STATUS", value="OK"))
    resource.tables[0].name = name
    ucds = {item.name: item.ucd for item in fields}
    for column in resource.tables[0].fields:
        column.ucd = ucds[column.name] or None
        if column.name in ("ra", "dec"):
            column.ref = "frame"
    document.set_all_tables_format("binary2")
    document.to_xml(str(path))


def write_ecsv(path: Path, fields: Sequence[Field], values: Mapping[str, NDArray[Any]]) -> None:
    """Write an ECSV file; missing values are empty cells."""
    table = _table(fields, values)
    table.meta = {MARK: True, "note": NOTE}
    table.write(path, format="ascii.ecsv", overwrite=True)


def _table(fields: Sequence[Field], values: Mapping[str, NDArray[Any]]) -> Table:
    """Masked table in native byte order; NaN is masked."""
    table = Table(masked=True)
    for item in fields:
        result = np.asarray(values[item.name])
        if item.kind != "A":
            result = result.astype(np.dtype(_NUMPY[item.kind]).newbyteorder("="))
        mask = np.isnan(result) if result.dtype.kind == "f" else np.zeros(len(result), bool)
        table[item.name] = MaskedColumn(result, mask=mask, unit=item.unit or None)
    return table


def write_parquet(path: Path, values: Mapping[str, NDArray[Any]], types: Mapping[str, pa.DataType]) -> None:
    """Write a Parquet file with nulls for missing values; ``types`` has the columns in order."""
    schema = pa.schema([pa.field(name, kind) for name, kind in types.items()], metadata={MARK: "true", "note": NOTE})
    arrays = [pa.array(values[name], kind, from_pandas=True) for name, kind in types.items()]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd")
