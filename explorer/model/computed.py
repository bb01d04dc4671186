"""Columns that a visitor computes from others by an expression, such as ``v_total = hypot(v_r, v_z)``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.aggregates import values_of
from explorer.model.expression import read_value
from explorer.model.formula import Call, Formula, number
from explorer.model.selection import Columns, SelectionError
from explorer.model.units import Unitless, spelled, unit_named
from explorer.model.vocabulary import Names, Vocabulary
from pipeline.domain.column import Column
from pipeline.domain.own_columns import MAX_LABEL, RESERVED, is_own_name, single_line

MAX_COMPUTED = 30
"""Maximum number of computed columns of one visitor."""

MAX_UNIT_CHARACTERS = 40

COMPUTED_GROUP = "Computed columns"
"""Chapter of the columns that visitors compute."""

COMPUTED_ORIGIN = "the explorer"
"""Origin of computed columns, in place of the name of a table."""


@dataclass(frozen=True)
class ComputedColumn:
    """A column that is computed from others.

    Parameters
    ----------
    name : str
        Machine name, as of a column of the user's own.
    text : str
        The expression as typed.
    recorded : str
        What was understood: names of columns and numbers, without units, synonyms and aggregates.
    unit : str
        Unit of the values, "" for none.
    label : str
        Title on axes and in tables.
    """

    name: str
    text: str
    recorded: str
    unit: str = ""
    label: str = ""

    @property
    def definition(self) -> str:
        """The definition on one line, as typed and, where that differs, as recorded."""
        typed, recorded = " ".join(self.text.split()), self.recorded
        return typed if typed == recorded else f"{typed}, that is {recorded}"

    @property
    def column(self) -> Column:
        """The description that axes, tables, menus and exports use."""
        return Column(
            *(
                self.name,
                "float32",
                self.unit,
                "",
                self.label or self.name,
                f"Computed: {single_line(self.definition)}",
            ),
            group=COMPUTED_GROUP,
            origin=COMPUTED_ORIGIN,
        )

    def to_dict(self) -> dict[str, str]:
        """Convert to plain values; :func:`computed_from_dict` is the inverse."""
        return asdict(self)


def computed_from_dict(stored: Any) -> ComputedColumn:
    """Read the output of :meth:`ComputedColumn.to_dict`; SelectionError if it is damaged."""
    names = [field.name for field in fields(ComputedColumn)]
    if not isinstance(stored, Mapping) or any(not isinstance(stored.get(name, ""), str) for name in names):
        raise SelectionError("A stored computed column is damaged.")
    item = ComputedColumn(**{name: stored.get(name, "") for name in names})
    check_texts(item)
    return item


def check_texts(item: ComputedColumn) -> None:
    """Refuse a name, a unit or a label that cannot be used.

    Raises
    ------
    SelectionError
        With the remedy.
    """
    if item.name.lower() in RESERVED:
        raise SelectionError(f"{item.name!r} already means something in expressions. Choose another name.")
    if not is_own_name(item.name):
        raise SelectionError(
            f"{item.name[:60]!r} cannot name a column: use small letters, digits and underscores, no digit first."
        )
    if item.label != single_line(item.label) or len(item.label) > MAX_LABEL:
        raise SelectionError(f"A label is one line of at most {MAX_LABEL} characters.")
    if item.unit != single_line(item.unit) or len(item.unit) > MAX_UNIT_CHARACTERS:
        raise SelectionError(f"A unit is one line of at most {MAX_UNIT_CHARACTERS} characters.")
    if item.unit and unit_named(item.unit) is Unitless.UNKNOWN:
        raise SelectionError(f"{item.unit!r} is no unit. Write it as in km/s, kpc, mas/yr, or leave it out.")


def defined(
    name: str, text: str, unit: str, label: str, vocabulary: Vocabulary
) -> tuple[ComputedColumn, tuple[str, ...]]:
    """Define a column by an expression.

    Parameters
    ----------
    name : str
        Name of the column.
    text : str
        The expression.
    unit : str
        Unit; "" takes that of the expression, where each part of it has one.
    label : str
        Title; "" takes the name.
    vocabulary : Vocabulary
        What the expression may name, and the stars of its aggregates.

    Returns
    -------
    column : ComputedColumn
        The column.
    notes : tuple of str
        How the expression was understood.

    Raises
    ------
    SelectionError
        If the name, the unit or the label cannot be used.
    ExpressionError
        If the expression cannot be read.
    """
    reading = read_value(text, vocabulary)
    formula, own, notes = reading.formula, spelled(reading.unit), reading.notes
    if unit and own and unit_named(unit) is not Unitless.UNKNOWN:
        formula, notes = _in_unit(formula, reading.unit, unit, notes)
    item = ComputedColumn(name, text, formula.text, single_line(unit) or own, single_line(label))
    check_texts(item)
    return item, notes


def _in_unit(formula: Formula, own: Any, unit: str, notes: tuple[str, ...]) -> tuple[Formula, tuple[str, ...]]:
    """A formula in the unit that was asked for, and notes on the conversion."""
    wanted = unit_named(unit)
    if not own.is_equivalent(wanted):
        return formula, (*notes, f"{spelled(own)} taken as {unit}: the numbers are unchanged")
    factor = float(f"{float(own.to(wanted)):.15g}")
    if factor == 1.0:
        return formula, notes
    return Call("*", (formula, number(factor))), (
        *notes,
        f"converted from {spelled(own)} to {unit}: times {factor:.6g}",
    )


@lru_cache(maxsize=256)
def formula_of(recorded: str, columns: tuple[tuple[str, str], ...]) -> Formula:
    """The formula of a recorded expression; ``columns`` are names and types of those that it may name.

    Raises
    ------
    ExpressionError
        If it cannot be read.
    """
    known = (Column(name, dtype, "", "", name, "", "") for name, dtype in columns)  # type: ignore[arg-type]
    return read_value(recorded, Vocabulary(Names(known, exact=True))).formula


def formulas(computed: Sequence[ComputedColumn], base: Mapping[str, Column]) -> dict[str, Formula]:
    """Formulas of computed columns by name; each may name columns of the catalogue and those before it.

    Raises
    ------
    SelectionError
        If a name is taken, or an expression cannot be read or names a column that is not there.
    """
    result: dict[str, Formula] = {}
    for item in computed:
        if item.name in base or item.name in result:
            raise SelectionError(f"There is a column {item.name!r} already. Choose another name.")
        used = tuple((name, known.dtype) for name, known in base.items() if name in item.recorded)
        earlier = tuple((name, "float32") for name in result)
        result[item.name] = formula_of(item.recorded, (*used, *earlier))
    return result


def ordered(computed: Iterable[ComputedColumn], base: Mapping[str, Column]) -> tuple[ComputedColumn, ...]:
    """Computed columns in an order in which each names only those before it.

    Raises
    ------
    SelectionError
        If two of them are made of each other.
    """
    waiting = {item.name: item for item in computed}
    types = (*((name, known.dtype) for name, known in base.items()), *((name, "float32") for name in waiting))
    uses = {
        name: formula_of(item.recorded, tuple(pair for pair in types if pair[0] in item.recorded)).names
        for name, item in waiting.items()
    }
    result: list[ComputedColumn] = []
    while waiting:
        ready = [name for name in waiting if not uses[name] & waiting.keys()]
        if not ready:
            raise SelectionError(f"{', '.join(waiting)} would be made of each other. Use another name.")
        result += [waiting.pop(name) for name in ready]
    return tuple(result)


def computed_values(formula: Formula, table: Columns) -> NDArray[np.float32]:
    """Values of a formula in single precision, computed in blocks; a value beyond its range is missing."""
    with np.errstate(over="ignore"):
        values = values_of(formula, table).astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    values.setflags(write=False)
    return values
