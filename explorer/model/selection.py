"""Selections are values: frozen, composable with ``&``, ``|``, ``~``, ``^`` and ``-``, and stored as JSON.

A selection says which stars; ``mask`` answers for a table. Missing values (NaN) never fall inside a range, a box or a
polygon, so they are in its complement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.model.polygons import points_in_polygon
from pipeline.domain.flags import QualityFlag

Columns: TypeAlias = Mapping[str, NDArray[Any]]
Mask: TypeAlias = NDArray[np.bool_]


class SelectionError(ValueError):
    """A selection cannot be read, or asks for a column that the table lacks."""


class SelectionMode(StrEnum):
    """How a gesture changes the selection that stands."""

    REPLACE = "replace"
    ADD = "add"
    INTERSECT = "intersect"
    SUBTRACT = "subtract"
    XOR = "xor"


class Selection:
    """Base of every selection; see the subclasses."""

    kind: ClassVar[str]

    def mask(self, columns: Columns) -> Mask:
        """Which rows of a table are selected.

        Parameters
        ----------
        columns : mapping of str to ndarray
            The table; ``obsid`` is always there and gives its length.

        Returns
        -------
        ndarray of bool, shape (n,)
            True where selected.
        """
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values; :func:`from_dict` is the inverse."""
        raise NotImplementedError

    def __and__(self, other: Selection) -> Selection:
        return Both(self, other)

    def __or__(self, other: Selection) -> Selection:
        return Either(self, other)

    def __xor__(self, other: Selection) -> Selection:
        return OnlyOne(self, other)

    def __sub__(self, other: Selection) -> Selection:
        return Both(self, Inverse(other))

    def __invert__(self) -> Selection:
        return Inverse(self)


@dataclass(frozen=True)
class Everything(Selection):
    """Every star."""

    kind: ClassVar[str] = "everything"

    def mask(self, columns: Columns) -> Mask:
        """All True."""
        return np.ones(_length(columns), np.bool_)

    def to_dict(self) -> dict[str, Any]:
        """Only the kind."""
        return {"kind": self.kind}


@dataclass(frozen=True)
class Nothing(Selection):
    """No star."""

    kind: ClassVar[str] = "nothing"

    def mask(self, columns: Columns) -> Mask:
        """All False."""
        return np.zeros(_length(columns), np.bool_)

    def to_dict(self) -> dict[str, Any]:
        """Only the kind."""
        return {"kind": self.kind}


@dataclass(frozen=True)
class InRange(Selection):
    """``low <= column <= high``.

    Parameters
    ----------
    column : str
        Column name.
    low, high : float
        Bounds, inclusive, in the column's unit.
    """

    column: str
    low: float
    high: float
    kind: ClassVar[str] = "in_range"

    def mask(self, columns: Columns) -> Mask:
        """True where the value lies between the bounds."""
        values = _column(columns, self.column)
        return np.asarray((values >= self.low) & (values <= self.high))

    def to_dict(self) -> dict[str, Any]:
        """Kind, column and bounds."""
        return {"kind": self.kind, "column": self.column, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class InBox(Selection):
    """A rectangle in the plane of two columns, edges included.

    Parameters
    ----------
    x, y : str
        Column names.
    x_low, x_high, y_low, y_high : float
        Edges, in the columns' units.
    """

    x: str
    y: str
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    kind: ClassVar[str] = "in_box"

    def mask(self, columns: Columns) -> Mask:
        """True where both values lie between the edges."""
        return InRange(self.x, self.x_low, self.x_high).mask(columns) & InRange(self.y, self.y_low, self.y_high).mask(
            columns
        )

    def to_dict(self) -> dict[str, Any]:
        """Kind, columns and edges."""
        return {
            "kind": self.kind,
            "x": self.x,
            "y": self.y,
            "x_low": self.x_low,
            "x_high": self.x_high,
            "y_low": self.y_low,
            "y_high": self.y_high,
        }


@dataclass(frozen=True)
class InPolygon(Selection):
    """A closed polygon in the plane of two columns; where its line crosses itself the even-odd rule holds.

    Parameters
    ----------
    x, y : str
        Column names.
    vertices : tuple of (float, float)
        At least three corners, in the columns' units.
    """

    x: str
    y: str
    vertices: tuple[tuple[float, float], ...]
    kind: ClassVar[str] = "in_polygon"

    def __post_init__(self) -> None:
        """Refuse what encloses nothing."""
        if len(self.vertices) < 3 or not np.isfinite(np.asarray(self.vertices, float)).all():
            raise SelectionError(
                f"A polygon needs at least three finite vertices; found {len(self.vertices)}. Draw a larger outline."
            )

    def mask(self, columns: Columns) -> Mask:
        """True where the point lies inside."""
        return points_in_polygon(_column(columns, self.x), _column(columns, self.y), np.asarray(self.vertices, float))

    def to_dict(self) -> dict[str, Any]:
        """Kind, columns and vertices."""
        return {"kind": self.kind, "x": self.x, "y": self.y, "vertices": [list(vertex) for vertex in self.vertices]}


@dataclass(frozen=True)
class InIds(Selection):
    """A list of stars.

    Parameters
    ----------
    obsids : tuple of int
        Their observation ids; ids that the table lacks select nothing.
    """

    obsids: tuple[int, ...]
    kind: ClassVar[str] = "in_ids"

    def mask(self, columns: Columns) -> Mask:
        """True where the obsid is in the list."""
        return np.isin(_column(columns, "obsid"), np.asarray(self.obsids, np.int64))

    def to_dict(self) -> dict[str, Any]:
        """Kind and ids."""
        return {"kind": self.kind, "obsids": list(self.obsids)}


@dataclass(frozen=True)
class HasFlag(Selection):
    """Stars with any of some quality bits set.

    Parameters
    ----------
    flag : QualityFlag
        One bit or several.
    """

    flag: QualityFlag
    kind: ClassVar[str] = "has_flag"

    def mask(self, columns: Columns) -> Mask:
        """True where a bit is set."""
        return np.asarray((_column(columns, "quality").astype(np.int64) & int(self.flag)) != 0)

    def to_dict(self) -> dict[str, Any]:
        """Kind and bits, as their number."""
        return {"kind": self.kind, "flag": int(self.flag)}


@dataclass(frozen=True)
class Both(Selection):
    """In the left and in the right one."""

    left: Selection
    right: Selection
    kind: ClassVar[str] = "and"

    def mask(self, columns: Columns) -> Mask:
        """Intersection."""
        return self.left.mask(columns) & self.right.mask(columns)

    def to_dict(self) -> dict[str, Any]:
        """Kind and both parts."""
        return {"kind": self.kind, "left": self.left.to_dict(), "right": self.right.to_dict()}


@dataclass(frozen=True)
class Either(Selection):
    """In the left or in the right one."""

    left: Selection
    right: Selection
    kind: ClassVar[str] = "or"

    def mask(self, columns: Columns) -> Mask:
        """Union."""
        return self.left.mask(columns) | self.right.mask(columns)

    def to_dict(self) -> dict[str, Any]:
        """Kind and both parts."""
        return {"kind": self.kind, "left": self.left.to_dict(), "right": self.right.to_dict()}


@dataclass(frozen=True)
class OnlyOne(Selection):
    """In exactly one of the two."""

    left: Selection
    right: Selection
    kind: ClassVar[str] = "xor"

    def mask(self, columns: Columns) -> Mask:
        """Symmetric difference."""
        return self.left.mask(columns) ^ self.right.mask(columns)

    def to_dict(self) -> dict[str, Any]:
        """Kind and both parts."""
        return {"kind": self.kind, "left": self.left.to_dict(), "right": self.right.to_dict()}


@dataclass(frozen=True)
class Inverse(Selection):
    """Not in the other one."""

    inner: Selection
    kind: ClassVar[str] = "not"

    def mask(self, columns: Columns) -> Mask:
        """Complement."""
        return ~self.inner.mask(columns)

    def to_dict(self) -> dict[str, Any]:
        """Kind and the inner selection."""
        return {"kind": self.kind, "inner": self.inner.to_dict()}


def combine(mode: SelectionMode, standing: Selection, region: Selection) -> Selection:
    """Apply a gesture to the selection that stands.

    Parameters
    ----------
    mode : SelectionMode
        What the gesture means.
    standing : Selection
        What was selected before; ``Everything`` means that nothing was picked yet, so adding starts afresh.
    region : Selection
        What the gesture drew.

    Returns
    -------
    Selection
        The new selection.
    """
    if mode is SelectionMode.REPLACE or (mode is SelectionMode.ADD and standing == Everything()):
        return region
    if mode is SelectionMode.ADD:
        return standing | region
    if mode is SelectionMode.INTERSECT:
        return standing & region
    if mode is SelectionMode.SUBTRACT:
        return standing - region
    return standing ^ region


def from_dict(stored: Mapping[str, Any]) -> Selection:
    """Read what :meth:`Selection.to_dict` wrote.

    Raises
    ------
    SelectionError
        If the kind is unknown or a field is missing or of the wrong type.
    """
    kind = stored.get("kind")
    reader = _READERS.get(str(kind))
    if reader is None:
        raise SelectionError(f"No selection is of kind {kind!r}. Known kinds: {', '.join(_READERS)}.")
    try:
        return reader(stored)
    except (KeyError, TypeError, AttributeError) as error:
        raise SelectionError(f"A stored selection of kind {kind!r} is damaged ({error}). Draw it again.") from error


def _read_box(stored: Mapping[str, Any]) -> Selection:
    edges = (float(stored[edge]) for edge in ("x_low", "x_high", "y_low", "y_high"))
    return InBox(str(stored["x"]), str(stored["y"]), *edges)


def _read_polygon(stored: Mapping[str, Any]) -> Selection:
    vertices = tuple((float(x), float(y)) for x, y in stored["vertices"])
    return InPolygon(str(stored["x"]), str(stored["y"]), vertices)


_READERS: dict[str, Callable[[Mapping[str, Any]], Selection]] = {
    Everything.kind: lambda _: Everything(),
    Nothing.kind: lambda _: Nothing(),
    InRange.kind: lambda stored: InRange(str(stored["column"]), float(stored["low"]), float(stored["high"])),
    InBox.kind: _read_box,
    InPolygon.kind: _read_polygon,
    InIds.kind: lambda stored: InIds(tuple(int(obsid) for obsid in stored["obsids"])),
    HasFlag.kind: lambda stored: HasFlag(QualityFlag(int(stored["flag"]))),
    Both.kind: lambda stored: Both(from_dict(stored["left"]), from_dict(stored["right"])),
    Either.kind: lambda stored: Either(from_dict(stored["left"]), from_dict(stored["right"])),
    OnlyOne.kind: lambda stored: OnlyOne(from_dict(stored["left"]), from_dict(stored["right"])),
    Inverse.kind: lambda stored: Inverse(from_dict(stored["inner"])),
}


def _column(columns: Columns, name: str) -> NDArray[Any]:
    try:
        return columns[name]
    except KeyError:
        raise SelectionError(f"This catalogue has no column {name!r}; select by another one.") from None


def _length(columns: Columns) -> int:
    return int(_column(columns, "obsid").shape[0])
