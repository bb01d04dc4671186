"""The catalogue: one row a star, Parquet on disk, checked against the declared columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME, REQUIRED, column, in_published_order
from pipeline.products.manifest import ProductError
from pipeline.products.marked_parquet import write_marked

CATALOG_NAME = "catalog.parquet"
REJECTS_NAME = "rejects.parquet"

REJECT_COLUMNS = ("source", "obsid", "stage", "code", "reason")
"""Columns of the rejects table: where it came from, its id (0 unknown), the stage, a short code, a sentence."""


@dataclass(frozen=True)
class Catalog:
    """A validated table of stars.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns are a subset of :data:`pipeline.domain.columns.COLUMNS`, of their types; ``obsid`` is unique.

    Raises
    ------
    ProductError
        If the table breaks the contract; the message holds a sentence for each breach.
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse a table that breaks the contract."""
        breaches = list(contract_breaches(self.table))
        if breaches:
            raise ProductError("The catalogue breaks its contract: " + " ".join(breaches))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Catalog:
        """Order and cast the known columns of a frame, then validate. Unknown columns raise KeyError."""
        names = in_published_order(frame.columns)
        return cls(pd.DataFrame({name: cast(frame[name], column(name)) for name in names}))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The declared columns that this catalogue holds, in published order."""
        return tuple(BY_NAME[name] for name in self.table.columns)

    def __len__(self) -> int:
        return len(self.table)

    def write(self, directory: Path, *, simulated: bool) -> Path:
        """Write ``catalog.parquet``."""
        path = directory / CATALOG_NAME
        pq.write_table(self.to_arrow(simulated=simulated), path, compression="zstd")
        return path

    def to_arrow(self, *, simulated: bool) -> pa.Table:
        """The table with units, UCDs and descriptions in each field's metadata, marked as simulated or not."""
        fields = [
            pa.field(
                c.name,
                pa.string() if c.dtype == "str" else pa.from_numpy_dtype(np.dtype(c.dtype)),
                metadata={"unit": c.unit, "ucd": c.ucd, "description": c.description},
            )
            for c in self.columns
        ]
        schema = pa.schema(fields, metadata={"simulated": "true" if simulated else "false"})
        return pa.Table.from_pandas(self.table, schema=schema, preserve_index=False)

    @classmethod
    def read(cls, directory: Path) -> Catalog:
        """Read and validate ``catalog.parquet``.

        Raises
        ------
        ProductError
            If the file is missing, is no Parquet, or breaks the contract.
        """
        path = directory / CATALOG_NAME
        with _readable(path):
            arrow = pq.read_table(path)
        unknown = [name for name in arrow.column_names if name not in BY_NAME]
        if unknown:
            raise ProductError(f"{path} has columns that are not declared: {', '.join(unknown)}.")
        return cls.from_frame(arrow.to_pandas())


def catalog_length(directory: Path) -> int:
    """Number of stars, from the file's own index; ProductError when there is none."""
    path = directory / CATALOG_NAME
    with _readable(path):
        return int(pq.read_metadata(path).num_rows)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tell of a missing or damaged file in a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise ProductError(f"{path.parent} holds no {path.name}. Build the products again.") from None
    except pa.ArrowException as error:
        raise ProductError(f"{path} is not readable Parquet ({error}). Build the products again.") from error


def write_blocks(frames: Iterable[pd.DataFrame], directory: Path, *, simulated: bool) -> int:
    """Write ``catalog.parquet`` block by block, so that only one is in memory.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        Blocks with the same columns; ``obsid`` rises from block to block.
    directory : Path
        Product directory.
    simulated : bool
        What the file says of itself.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    ProductError
        If a block breaks the contract, has other columns than the first, or repeats an ``obsid`` of an earlier one.
    """
    rows, last = 0, -1
    with ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for frame in frames:
            block = Catalog.from_frame(frame)
            arrow = block.to_arrow(simulated=simulated)
            if writer is None:
                path = directory / CATALOG_NAME
                writer = stack.enter_context(pq.ParquetWriter(path, arrow.schema, compression="zstd"))
            elif not arrow.schema.equals(writer.schema):
                raise ProductError(f"The block from row {rows} on has other columns than the first.")
            if block.table["obsid"].min() <= last:
                raise ProductError(f"The block from row {rows} on repeats obsids or is out of order.")
            writer.write_table(arrow)
            rows, last = rows + len(block), int(block.table["obsid"].max())
    return rows


def cast(values: pd.Series, declared: Column) -> pd.Series:
    """Cast a series to its declared type; missing strings become ""."""
    if declared.dtype == "str":
        return values.astype("str").where(values.notna(), "").reset_index(drop=True)
    if declared.dtype == "bool":
        return values.astype("bool").reset_index(drop=True)
    return values.astype(declared.dtype).reset_index(drop=True)


def contract_breaches(table: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each way in which a table breaks the contract."""
    for name in REQUIRED:
        if name not in table.columns:
            yield f"Column {name} is required and missing."
    for name in table.columns:
        if name not in BY_NAME:
            yield f"Column {name} is not declared."
            continue
        declared = BY_NAME[name]
        found = "str" if pd.api.types.is_string_dtype(table[name].dtype) else str(table[name].dtype)
        if found != declared.dtype:
            yield f"Column {name} is {found}, declared {declared.dtype}."
            continue
        if declared.is_numeric:
            yield from _range_breaches(table[name].to_numpy(), declared)
    if "obsid" in table.columns:
        doubles = int(table["obsid"].duplicated().sum())
        if doubles:
            yield f"obsid repeats in {doubles} rows; each star-observation stands once."


def _range_breaches(values: np.ndarray, declared: Column) -> Iterator[str]:
    infinite = int(np.isinf(values).sum()) if declared.is_float else 0
    if infinite:
        yield f"Column {declared.name} holds {infinite} infinite values; a missing value is NaN."
    for bound, outside in (
        (declared.low, values < declared.low if declared.low is not None else None),
        (declared.high, values > declared.high if declared.high is not None else None),
    ):
        if outside is not None and bool(outside.any()):
            worst = values[outside][0]
            yield f"Column {declared.name} has {int(outside.sum())} values beyond {bound} (first: {worst})."


def write_rejects(rejects: pd.DataFrame, directory: Path, *, simulated: bool = False) -> Path:
    """Write the rejects table, empty or not."""
    path = directory / REJECTS_NAME
    frame = rejects.reindex(columns=list(REJECT_COLUMNS)).astype(
        {"source": "str", "obsid": "int64", "stage": "str", "code": "str", "reason": "str"}
    )
    write_marked(frame, path, simulated=simulated)
    return path


def read_rejects(directory: Path) -> pd.DataFrame:
    """Read the rejects table."""
    return pd.read_parquet(directory / REJECTS_NAME)
