"""Columns that identify the star of a row: identifiers by any usual name, and the position.

Unlike a role (:mod:`pipeline.sources.tables.recognition`) an identifier is a candidate here: whoever compares the table
with a catalogue lets the column decide that names most of its stars.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME
from pipeline.sources.tables.column_report import Making
from pipeline.sources.tables.column_values import make_column, refuse_hours
from pipeline.sources.tables.identifiers import Identifiers, read_identifiers
from pipeline.sources.tables.profiles import Profile, Recipe, profile_of
from pipeline.sources.tables.recognition import IDENTIFIERS, position_recipes
from pipeline.sources.tables.table_file import Field, TableError, TableFile

FloatArray = NDArray[np.float64]

_LIKE: dict[str, re.Pattern[str]] = {
    "obsid": re.compile(r"(.*[_.\s])?obs_?id([_.\s]?\d)?", re.IGNORECASE),
    "gaia_dr2_source_id": re.compile(r"(.*[_.\s])?(gaia_?)?dr2(_?(source)?_?(id|name))?([_.\s]?\d)?", re.IGNORECASE),
    "gaia_source_id": re.compile(
        r"(.*[_.\s])?((gaia_?)?(e?dr3)?_?source_?(id)?|gaia_?e?dr3(_?id|_?name)?|e?dr3name|gaia(_?id)?|designation)"
        r"([_.\s]?\d)?",
        re.IGNORECASE,
    ),
}
"""Usual names of columns with each identifier."""

_UNNAMED = re.compile(r"column\d+")
_OF_RELEASE = {2: ("gaia_dr2_source_id",), 3: ("gaia_source_id",)}
_RELEASE = re.compile(r"^\s*Gaia\s+E?DR(\d)\s", re.IGNORECASE)


@dataclass(frozen=True)
class IdColumn:
    """A column that may contain an identifier.

    Parameters
    ----------
    ours : str
        ``obsid``, ``gaia_source_id`` or ``gaia_dr2_source_id``.
    name : str
        The column as the table spells it.
    identifiers : Identifiers
        Its values.
    """

    ours: str
    name: str
    identifiers: Identifiers


@dataclass(frozen=True)
class Positions:
    """Positions of a table's rows.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees; NaN where there is none.
    columns : tuple of str
        The columns, as the table spells them.
    """

    ra: FloatArray
    dec: FloatArray
    columns: tuple[str, str]


class Identity:
    """Columns that may identify the star of a row.

    Parameters
    ----------
    table : TableFile
        The table; no row of it is read.
    """

    def __init__(self, table: TableFile) -> None:
        self._table = table
        profile = profile_of(table.names)
        roles = {item.name: _roles(item, profile) for item in table.fields}
        self._roles = {name: result for name, result in roles.items() if result}
        self._recipes: dict[str, Recipe] | None = None
        self._question: TableError | None = None
        try:
            self._recipes = position_recipes(table)
        except TableError as error:
            self._question = error

    @property
    def names(self) -> list[str]:
        """Names of the columns to read."""
        placed = [recipe.columns[0] for recipe in (self._recipes or {}).values()]
        return list(dict.fromkeys([*self._roles, *placed]))

    def id_columns(self, raw: pd.DataFrame, wanted: Sequence[str] = IDENTIFIERS) -> list[IdColumn]:
        """Columns that may contain some identifiers, most probable first, with their values.

        The columns of a list without a header may hold any of them. Text such as "Gaia DR2 123" says itself of which
        release it is.

        Parameters
        ----------
        raw : DataFrame
            The columns :attr:`names` as the table's reader gives them.
        wanted : sequence of str
            Identifiers to look for.
        """
        columns: list[IdColumn] = []
        for name, named in self._roles.items():
            values, roles = raw[name], named
            if pd.api.types.is_float_dtype(values.dtype):  # its text may say more
                values = self._table.read_exact(name)
            release = _release(values)
            if release is not None:
                roles = _OF_RELEASE.get(release, ())
            elif _is_designation(name):
                continue
            columns += [IdColumn(ours, name, read_identifiers(values)) for ours in roles if ours in wanted]
        return sorted(columns, key=lambda item: IDENTIFIERS.index(item.ours))

    def positions(self, raw: pd.DataFrame) -> Positions | None:
        """Positions of the rows; None without a pair of columns.

        Parameters
        ----------
        raw : DataFrame
            The columns :attr:`names` as the table's reader gives them.

        Raises
        ------
        TableError
            If two pairs may be the position, or the columns hold something else.
        """
        if self._question is not None:
            raise self._question
        if self._recipes is None:
            return None
        making = Making(self._table, raw, np.ones(len(raw), bool))
        made = {
            ours: np.asarray(make_column(making, ours, recipe), np.float64) for ours, recipe in self._recipes.items()
        }
        refuse_hours(making, made, self._recipes)
        return Positions(made["ra"], made["dec"], (self._recipes["ra"].columns[0], self._recipes["dec"].columns[0]))


def _roles(item: Field, profile: Profile | None) -> tuple[str, ...]:
    """Identifiers that a column may contain, by its name."""
    name = item.name
    if item.kind in ("array", "bool"):
        return ()
    if _UNNAMED.fullmatch(name):
        return IDENTIFIERS
    if profile is not None:
        used = [ours for ours, recipe in profile.columns.items() if name in recipe.columns]
        if used:
            return tuple(ours for ours in used if ours in IDENTIFIERS)
    exact = [ours for ours in IDENTIFIERS if name.lower() in {a.lower() for a in (ours, *BY_NAME[ours].aliases)}]
    if exact:
        return tuple(exact)
    return next(((ours,) for ours, like in _LIKE.items() if like.fullmatch(name)), ())


def _is_designation(name: str) -> bool:
    return name.lower().rpartition("_")[2] in ("designation", "name", "dr3name", "edr3name", "dr2name")


def _release(values: pd.Series) -> int | None:
    """The Gaia release named by texts such as "Gaia DR3 123"; None without one."""
    if not pd.api.types.is_string_dtype(values.dtype):
        return None
    first = next((str(value) for value in values if isinstance(value, str) and value.strip()), "")
    result = _RELEASE.match(first)
    return int(result[1]) if result else None


def recipe_of(table: TableFile, name: str, ours: str) -> Recipe:
    """Conversion of a column that the user names, by its schema if known."""
    profile = profile_of(table.names)
    unit = BY_NAME[ours].unit if ours in BY_NAME else None
    for known, recipe in () if profile is None else profile.columns.items():
        alike = known == ours or BY_NAME[known].unit == unit
        if recipe.columns == (name,) and alike and recipe.operation in ("take", "redshift"):
            return recipe
    return Recipe((name,), why="named")
