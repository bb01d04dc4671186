"""The catalogue: one row a star in Parquet, with checked declared columns and the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME, REQUIRED, column, in_published_order
from pipeline.domain.own_columns import own_breaches, own_column
from pipeline.products.catalog_file import (
    CATALOG_NAME,
    CatalogFile,
    field_of,
    gaps_of,
    is_nested,
    numbers_of,
    own_dtype,
    words_of,
)
from pipeline.products.identity import parquet_metadata
from pipeline.products.manifest import Identity, ProductError
from pipeline.products.marked_parquet import read_marked, write_marked

REJECTS_NAME = "rejects.parquet"

REJECT_COLUMNS = ("source", "obsid", "stage", "code", "reason")
"""Columns of the rejects table: source, id (0 if unknown), stage, code, reason."""

_UNNAMED_ORIGIN = "the build's table"


@dataclass(frozen=True)
class Catalog:
    """A validated table of stars.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns of :data:`pipeline.domain.columns.COLUMNS`, of their types, and those of ``own``; ``obsid`` is unique.
    own : tuple of Column
        Columns of the user's own, as :func:`pipeline.domain.own_columns.own_column` makes them. They are not checked
        beyond their type.

    Raises
    ------
    ProductError
        If the table breaks the contract; the message holds a sentence for each breach.
    """

    table: pd.DataFrame
    own: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a table that violates the contract."""
        breaches = list(contract_breaches(self.table, self.own))
        if breaches:
            raise ProductError("The catalogue breaks its contract: " + " ".join(breaches))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, own: Sequence[Column] = ()) -> Catalog:
        """Order and cast the columns of a frame, then validate.

        Parameters
        ----------
        frame : pandas.DataFrame
            Declared columns in any order, then the user's own.
        own : sequence of Column
            Descriptions of the user's own; they keep this order. An undeclared column without one is described by its
            name and type, and follows.
        """
        described = {item.name for item in own}
        result = {
            name: cast(frame[name], column(name)) for name in in_published_order(n for n in frame if n in BY_NAME)
        }
        result |= {item.name: _cast_own(frame[item.name], item) for item in own if item.name in frame}
        columns, taken = list(own), set(described)
        for name in frame.columns:
            if name not in BY_NAME and name not in described:
                made, values = _described(str(name), frame[name], taken)
                taken.add(made.name)
                columns.append(made)
                result[made.name] = values
        return cls(pd.DataFrame(result), tuple(columns))

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of this catalogue: the declared ones in published order, then the user's own."""
        own = {item.name: item for item in self.own}
        return tuple(own.get(name) or BY_NAME[name] for name in self.table.columns)

    def __len__(self) -> int:
        return len(self.table)

    def write(self, directory: Path, *, simulated: bool, identity: Identity | None = None) -> Path:
        """Write ``catalog.parquet`` with page checksums, and with the identity of its build if given."""
        path = directory / CATALOG_NAME
        arrow = self.to_arrow(simulated=simulated, identity=identity)
        pq.write_table(arrow, path, compression="zstd", write_page_checksum=True)
        return path

    def to_arrow(self, *, simulated: bool, identity: Identity | None = None) -> pa.Table:
        """Convert to an Arrow table with column descriptions, marked as simulated or not."""
        mark = {b"simulated": b"true" if simulated else b"false"}
        schema = pa.schema(map(field_of, self.columns), metadata={**mark, **parquet_metadata(identity)})
        return pa.Table.from_pandas(self.table, schema=schema, preserve_index=False)

    @classmethod
    def read(cls, directory: Path) -> Catalog:
        """Read and validate ``catalog.parquet``.

        Raises
        ------
        ProductError
            If the file is missing, is no Parquet, or breaks the contract.
        """
        return read_catalog(CatalogFile(directory / CATALOG_NAME))


def read_catalog(file: CatalogFile, *, own: bool = True) -> Catalog:
    """Read and validate an open ``catalog.parquet``, with the user's own columns or without."""
    wanted = [item for item in file.columns if own or not item.is_own]
    return Catalog.from_frame(file.frame(wanted), file.own if own else ())


def write_blocks(
    frames: Iterable[pd.DataFrame],
    directory: Path,
    *,
    simulated: bool,
    own: Sequence[Column] = (),
    identity: Identity | None = None,
) -> int:
    """Write ``catalog.parquet`` in blocks, of which only one is in memory.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        Blocks with the same columns; ``obsid`` rises from block to block.
    directory : Path
        Product directory.
    simulated : bool
        What the file says of itself.
    own : sequence of Column
        The user's own columns. Without a description a column's type is taken from each block, and these must agree.
    identity : Identity, optional
        Of the build, for the file's metadata.

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
            block = Catalog.from_frame(frame, own)
            arrow = block.to_arrow(simulated=simulated, identity=identity)
            if writer is None:
                path = directory / CATALOG_NAME
                writer = stack.enter_context(
                    pq.ParquetWriter(path, arrow.schema, compression="zstd", write_page_checksum=True)
                )
            elif not arrow.schema.equals(writer.schema):
                raise ProductError(f"The block from row {rows} on has other columns than the first, or other types.")
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
    if not declared.is_float and not declared.is_own:
        _refuse_wrapped(values, declared)
    return values.astype(declared.dtype).reset_index(drop=True)


def _refuse_wrapped(values: pd.Series, declared: Column) -> None:
    """Refuse numbers beyond an integer type, which would wrap around, such as 70000 to 4464."""
    limits, numbers = np.iinfo(declared.dtype), values.to_numpy()
    beyond = (numbers < limits.min) | (numbers > limits.max)
    if beyond.any():
        raise ProductError(
            f"Column {declared.name} has {int(beyond.sum())} values that {declared.dtype} cannot hold (first: "
            f"{numbers[beyond][0]})."
        )


def _cast_own(values: pd.Series, own: Column) -> pd.Series:
    """Cast to the described type, unless that changes a value."""
    exact = not own.is_float and own.dtype != "str"
    if exact and bool(values.isna().any()):
        raise ProductError(
            f"Column {own.name} is described as {own.dtype} and has missing values. Describe it as float64, or as str "
            "where numbers are beyond 2^53."
        )
    try:
        made = cast(values, own)
    except (ValueError, TypeError, OverflowError) as error:
        raise ProductError(
            f"Column {own.name} is described as {own.dtype} and holds other values ({error})."
        ) from error
    if exact and not bool((made.to_numpy() == values.to_numpy()).all()):
        raise ProductError(f"Column {own.name} holds values that {own.dtype} cannot; describe it by a wider type.")
    return made


def _described(name: str, values: pd.Series, taken: set[str]) -> tuple[Column, pd.Series]:
    """Description and values of an undescribed column, from its name and type."""
    try:
        stored = pa.chunked_array([pa.array(values, from_pandas=True)])
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # objects of several types
        stored = pa.chunked_array([pa.array(values.astype(str).where(values.notna(), ""), pa.string())])
    if is_nested(stored.type):
        raise ProductError(f"Column {name!r} holds {stored.type}: a column has one value a star. Leave it out.")
    made = own_column(name, own_dtype(stored.type, *gaps_of(stored)), "", "", "", _UNNAMED_ORIGIN, taken)
    if made.dtype == "str":
        return made, cast(words_of(stored).to_pandas(), made)
    return made, pd.Series(numbers_of(stored, made))


def contract_breaches(table: pd.DataFrame, own: Sequence[Column] = ()) -> Iterator[str]:
    """Yield a sentence for each violation of the contract.

    Parameters
    ----------
    table : pandas.DataFrame
        The stars.
    own : sequence of Column
        Descriptions of the user's own columns: their values may be any of their type.
    """
    for name in REQUIRED:
        if name not in table.columns:
            yield f"Column {name} is required and missing."
    yield from _own_breaches(table, own)
    by_name = {item.name: item for item in own}
    for name in table.columns:
        known = BY_NAME.get(name) or by_name.get(name)
        if known is None:
            yield f"Column {name} is neither declared nor described as the user's own; Catalog.from_frame describes it."
            continue
        result = "str" if pd.api.types.is_string_dtype(table[name].dtype) else str(table[name].dtype)
        if result != known.dtype:
            yield f"Column {name} is {result}, {'described' if known.is_own else 'declared'} {known.dtype}."
        elif known.is_numeric and not known.is_own:
            yield from _range_breaches(table[name].to_numpy(), known)
    if "obsid" in table.columns:
        doubles = int(table["obsid"].duplicated().sum())
        if doubles:
            yield f"obsid repeats in {doubles} rows; each observation occurs once."


def _own_breaches(table: pd.DataFrame, own: Sequence[Column]) -> Iterator[str]:
    seen: set[str] = set()
    for item in own:
        yield from own_breaches(item)
        if item.name in seen:
            yield f"Column {item.name} is described twice."
        if item.name not in table.columns:
            yield f"Column {item.name} is described and missing."
        seen.add(item.name)


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
    """Read the rejects table; ProductError when it is missing or damaged."""
    return read_marked(directory / REJECTS_NAME)
