"""Stars of a foreign table with catalogue names and units, and the report on its interpretation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.column import Column, DType
from pipeline.domain.columns import in_published_order
from pipeline.domain.own_columns import own_column
from pipeline.sources.tables.column_report import ColumnReport, Making
from pipeline.sources.tables.column_values import make_column, refuse_hours
from pipeline.sources.tables.plain_values import flag_bits, own_values
from pipeline.sources.tables.recognition import IDENTIFIERS, Recognised
from pipeline.sources.tables.table_file import Field, TableError, TableFile
from pipeline.sources.tables.units import standard_spelling

FloatArray = NDArray[np.float64]

SIMULATED = "simulated"
"""Column that marks simulated rows, in formats without another place for it."""


@dataclass(frozen=True)
class StarColumns:
    """A table with catalogue names.

    Parameters
    ----------
    name : str
        Of the file.
    frame : DataFrame
        Contract columns in their declared types, then own columns; one row a row of the file that is no duplicate.
    own : tuple of Column
        The own columns.
    reports : tuple of ColumnReport
        What became of each column.
    notes : tuple of str
        What the user should know.
    rejects : list of tuple
        (source, obsid, code, reason) of rows that are left out.
    rows_read : int
        Rows of the file.
    profile : str
        Name of the known schema, "" without one.
    epoch_yr : ndarray or None
        Julian year of each position; None where unknown.
    preferred : ndarray or None
        The larger, the better among several rows of a star.
    simulated : bool
        Whether the file says that it is simulated.
    """

    name: str
    frame: pd.DataFrame
    own: tuple[Column, ...]
    reports: tuple[ColumnReport, ...]
    notes: tuple[str, ...]
    rejects: list[tuple[str, int, str, str]] = field(default_factory=list)
    rows_read: int = 0
    profile: str = ""
    form: str = ""
    epoch_yr: FloatArray | None = None
    preferred: FloatArray | None = None
    simulated: bool = False

    def summary(self) -> dict[str, Any]:
        """Summary as JSON values, for the manifest and the columns page."""
        return {
            "file": self.name,
            "format": self.form,
            "rows": self.rows_read,
            "schema": self.profile,
            "columns": [asdict(report) for report in self.reports],
            "own": [column.name for column in self.own],
            "notes": list(self.notes),
        }


def read_stars(table: TableFile, result: Recognised, *, origin: str = "", epoch_yr: float | None = None) -> StarColumns:
    """Read the recognised columns of a table.

    Parameters
    ----------
    table : TableFile
        The table.
    found : Recognised
        What its columns are.
    origin : str
        What the own columns say of where they come from; the file's name by default.
    epoch_yr : float, optional
        Julian year of the positions, where the user says so.

    Returns
    -------
    StarColumns
        The stars.

    Raises
    ------
    TableError
        If a column does not hold what its role says: other units, other ranges, damaged identifiers.
    """
    profile = result.profile
    extra = _helpers(table, result)
    needed = {name for recipe in result.recipes.values() for name in recipe.columns}
    needed |= {*extra, *(item.name for item in result.own)}
    names = [item.name for item in table.fields if item.name in needed]
    raw = table.read(names)
    for name in {result.recipes[ours].columns[0] for ours in IDENTIFIERS if ours in result.recipes}:
        if pd.api.types.is_float_dtype(raw[name].dtype):  # its text may say more
            raw[name] = table.read_exact(name)
    rows_read = len(raw) + len(table.skipped)
    if raw.empty:
        raise TableError(f"{table.name} holds no row. Choose another file.")
    rejects = [(table.name, 0, "unreadable-row", f"{reason[0].upper()}{reason[1:]}.") for reason in table.skipped]
    if profile is not None:
        raw = _without_duplicates(raw, profile.drop_bits, table.name, rejects)
    star = np.ones(len(raw), bool)
    if profile is not None and profile.star_class in raw:
        star = (raw[profile.star_class].astype("str").str.strip().str.upper() == "STAR").to_numpy(bool)
    making = Making(table, raw, star, notes=list(result.notes))
    columns: dict[str, Any] = {}
    for ours in in_published_order(result.recipes):
        values = make_column(making, ours, result.recipes[ours])
        if values is not None:
            columns[ours] = values
    refuse_hours(making, columns, result.recipes)
    frame = pd.DataFrame(columns, index=raw.index)
    own_fields = [item for item in result.own if item.name != SIMULATED]
    own, own_frame = _own_columns(making, own_fields, origin or table.name)
    epoch = _epochs(raw, profile.epoch if profile else None, epoch_yr)
    preferred = None
    if profile is not None and profile.prefer in raw:
        preferred = pd.to_numeric(raw[profile.prefer], errors="coerce").to_numpy(np.float64)
    return StarColumns(
        table.name,
        pd.concat([frame, own_frame], axis=1).reset_index(drop=True),
        own,
        tuple(making.reports),
        tuple(making.notes),
        rejects,
        rows_read,
        "" if profile is None else profile.name,
        table.form,
        epoch,
        preferred,
        table.simulated or (SIMULATED in raw and _any_true(raw[SIMULATED])),
    )


def _any_true(values: pd.Series) -> bool:
    return bool(values.astype("str").str.strip().str.lower().isin(["true", "t", "yes", "1"]).any())


def _helpers(table: TableFile, result: Recognised) -> list[str]:
    """Columns that are read but not published: duplicates, classes, epochs."""
    profile = result.profile
    wanted = ["ref_epoch", SIMULATED]
    if profile is not None:
        wanted += [*profile.drop_bits, profile.prefer, profile.star_class]
    scalars = {item.name for item in table.fields if item.kind != "array"}
    return [name for name in wanted if name in scalars]


def _without_duplicates(
    raw: pd.DataFrame, drop_bits: dict[str, tuple[int, ...]], name: str, rejects: list[tuple[str, int, str, str]]
) -> pd.DataFrame:
    for column, bits in drop_bits.items():
        if column not in raw:
            continue
        flags = flag_bits(raw[column])
        drop = np.zeros(len(raw), bool)
        for bit in bits:
            drop |= (flags >> bit) & 1 == 1
        if drop.any():
            shown = " or ".join(str(bit) for bit in bits)
            rejects.append(
                (name, 0, "duplicate-rows", f"{int(drop.sum()):,} rows have bit {shown} of {column}: duplicates.")
            )
            raw = raw[~drop]
    return raw.reset_index(drop=True)


def _epochs(raw: pd.DataFrame, known: float | None, given: float | None) -> FloatArray | None:
    if given is not None:
        return np.full(len(raw), given)
    if "ref_epoch" in raw:
        epochs = pd.to_numeric(raw["ref_epoch"], errors="coerce").to_numpy(np.float64)
        return np.where((epochs > 1900) & (epochs < 2100), epochs, np.nan if known is None else known)
    return None if known is None else np.full(len(raw), known)


def _own_columns(making: Making, fields: Sequence[Field], origin: str) -> tuple[tuple[Column, ...], pd.DataFrame]:
    columns: list[Column] = []
    frame: dict[str, pd.Series] = {}
    taken: set[str] = set()
    for item in fields:
        values = own_values(making.raw[item.name])
        made = own_column(
            item.name,
            "str" if pd.api.types.is_string_dtype(values.dtype) else cast("DType", str(values.dtype)),
            standard_spelling(item.unit),
            item.ucd,
            item.description,
            origin,
            taken,
        )
        taken.add(made.name)
        columns.append(made)
        frame[made.name] = values
    return tuple(columns), pd.DataFrame(frame, index=making.raw.index)
