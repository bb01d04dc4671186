"""The catalogue's columns, each declared once.

A :class:`Column` drives writing, checking, axis labels, sliders, the glossary, export units and UCDs, the star card,
the table, digits, colours and comparisons. The declarations are in :mod:`pipeline.domain.declared`, by subject. The
first sixteen are Table A1 of Qiu et al. (2023), under names that every tool can type; ``paper_name`` keeps the printed
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Literal

from pipeline.domain.column import Column, Place
from pipeline.domain.declared.labels import LABELS, by_engine
from pipeline.domain.declared.observation import IDENTITY, SPECTRUM, TABLE_A1
from pipeline.domain.declared.photometry import ASTROMETRY, PHOTOMETRY
from pipeline.domain.declared.quality import QUALITY, RELEASE_COLUMNS
from pipeline.domain.declared.space import (
    DISTANCE,
    KINEMATICS,
    QUANTILE_GROUP,
    QUANTILE_OF,
    QUANTILE_PERCENTS,
    STREAM,
    quantiles,
)

__all__ = [
    "BY_NAME",
    "COLUMNS",
    "PERIODS",
    "QUANTILE_GROUP",
    "QUANTILE_OF",
    "QUANTILE_PERCENTS",
    "RELEASE_COLUMNS",
    "REQUIRED",
    "column",
    "given_under",
    "in_published_order",
    "names_at",
    "of_same_values",
    "placed",
]


def _build() -> tuple[Column, ...]:
    groups = (
        ("Table A1", TABLE_A1),
        ("Identity", IDENTITY),
        ("Spectrum", SPECTRUM),
        ("Labels", (*LABELS, *by_engine((*TABLE_A1, *LABELS)))),
        ("Photometry", PHOTOMETRY),
        ("Astrometry", ASTROMETRY),
        ("Distance", DISTANCE),
        ("Kinematics", KINEMATICS),
        ("Stream", STREAM),
        (QUANTILE_GROUP, quantiles((*KINEMATICS, *STREAM))),
        ("Quality", QUALITY),
    )
    grouped = [replace(declared, group=group) for group, declarations in groups for declared in declarations]
    return tuple(_with_companions(declared, frozenset(known.name for known in grouped)) for declared in grouped)


def _with_companions(declared: Column, names: frozenset[str]) -> Column:
    """Name the columns of the column's error and percentiles; raise KeyError on a reference that is not declared."""
    if unknown := [reference.column for reference in declared.references if reference.column not in names]:
        raise KeyError(f"Column {declared.name} has references that are not declared: {', '.join(unknown)}.")
    error, interval = f"{declared.name}_err", (f"{declared.name}_16", f"{declared.name}_84")
    return replace(
        declared, error=error if error in names else "", interval=interval if names.issuperset(interval) else ()
    )


COLUMNS: tuple[Column, ...] = _build()
"""Every column of the catalogue, in published order."""

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
"""The same columns by name."""

PERIODS: Mapping[str, float] = {column.name: column.period for column in COLUMNS if column.period}
"""Length of a turn of each cyclic column, in its unit: values beyond one end continue at the other."""

REQUIRED: tuple[str, ...] = tuple(column.name for column in COLUMNS if not column.nullable)
"""Columns that every catalogue has, for every row."""


def column(name: str) -> Column:
    """Look up a column.

    Raises
    ------
    KeyError
        If there is none of that name; the message suggests the nearest.
    """
    try:
        return BY_NAME[name]
    except KeyError:
        near = get_close_matches(name, BY_NAME, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise KeyError(f"No column is named {name!r}.{hint}") from None


def in_published_order(names: Iterable[str]) -> list[str]:
    """Sort known column names as they are published; raise KeyError on an unknown one."""
    wanted = {column(name).name for name in names}
    return [known.name for known in COLUMNS if known.name in wanted]


def placed(place: Place) -> tuple[Column, ...]:
    """Columns that are used at a place by default, in reading order."""
    published = {declared.name: float(number) for number, declared in enumerate(COLUMNS)}
    chosen = [declared for declared in COLUMNS if place in declared.places]
    return tuple(
        sorted(
            chosen, key=lambda declared: published[declared.after] + 0.5 if declared.after else published[declared.name]
        )
    )


def names_at(place: Place) -> tuple[str, ...]:
    """Names of the columns at a place, see :func:`placed`."""
    return tuple(declared.name for declared in placed(place))


def of_same_values(names: Iterable[str]) -> tuple[str, ...]:
    """Columns with their errors and percentiles, which are doubtful where these columns are."""
    known = map(column, names)
    own = ((item.name, item.error, item.error and f"{item.error}_formal", *_percentiles(item)) for item in known)
    return tuple(dict.fromkeys(name for several in own for name in several if name in BY_NAME))


def _percentiles(item: Column) -> tuple[str, ...]:
    return tuple(f"{item.name}_{percent}" for percent in QUANTILE_PERCENTS)


def given_under(place: Literal["reference", "input"]) -> dict[str, str]:
    """Names under which a table of reference or input values gives columns, by the names of these."""
    names: dict[str, str] = {}
    for declared in placed(place):
        other = column(f"{declared.name}_{'ref' if place == 'reference' else place}")
        names[declared.name] = other.name
        if declared.error and other.error:
            names[declared.error] = other.error
    return names
