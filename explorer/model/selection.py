"""Selections as values: frozen, composable with ``&``, ``|``, ``~``, ``^`` and ``-``, stored as JSON.

A selection says which stars; ``mask`` answers for a table. Missing values (NaN) never fall inside a range, a box, a
polygon or a cone, so they are in its complement. Longitudes run round a circle: a star has an image at its longitude
plus every whole number of turns, and a shape selects a star when any of its images lies inside. A range from 350 to 370
degrees holds 355 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.model.damaged import brief
from explorer.model.planes import KeepsPlanes, ProjectedPlane, plane_from_dict
from explorer.model.polygons import points_in_polygon
from explorer.model.scales import LINEAR, Scale, scale_from_dict
from pipeline.domain.columns import PERIODS
from pipeline.domain.flags import QualityFlag

Columns: TypeAlias = Mapping[str, NDArray[Any]]
Mask: TypeAlias = NDArray[np.bool_]

MAX_IMAGES = 36
"""Maximum number of periodic images of a plane; squared for two longitudes."""

MAX_TURNS = math.isqrt(MAX_IMAGES) - 1
"""Turns of the widest range that never has more images than these, even for two longitudes."""

MAX_VERTICES = 10_000
"""Maximum number of corners of a polygon; a lasso has one for each mouse movement."""

_KINDS: dict[str, type[Selection]] = {}
_EVALUATED: ContextVar[dict[int, Mask] | None] = ContextVar("_EVALUATED", default=None)


@contextmanager
def evaluated_once(known: dict[int, Mask] | None = None) -> Iterator[None]:
    """Evaluate shared parts once inside the block; ``known`` has masks of named selections by identity."""
    token = _EVALUATED.set({} if known is None else known)
    try:
        yield
    finally:
        _EVALUATED.reset(token)


class SelectionError(ValueError):
    """A selection cannot be read, or asks for a column that the table lacks."""


class SelectionMode(StrEnum):
    """How a gesture changes the current selection."""

    REPLACE = "replace"
    ADD = "add"
    INTERSECT = "intersect"
    SUBTRACT = "subtract"
    XOR = "xor"


class Joint(StrEnum):
    """Operation that joins two selections."""

    AND = "and"
    OR = "or"
    XOR = "xor"

    def of(self, left: Mask, right: Mask) -> Mask:
        """The joined mask."""
        if self is Joint.AND:
            return left & right
        return left | right if self is Joint.OR else left ^ right


@dataclass(frozen=True)
class Selection:
    """Base of every selection; see the subclasses. ``kind`` names the class in JSON."""

    kind: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the class for :func:`from_dict`."""
        super().__init_subclass__(**kwargs)
        _KINDS[cls.kind] = cls

    def mask(self, columns: Columns) -> Mask:
        """Mask of the selected rows of a table.

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
        return {"kind": self.kind} | {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    def __and__(self, other: Selection) -> Selection:
        return joined(self, Joint.AND, other)

    def __or__(self, other: Selection) -> Selection:
        return joined(self, Joint.OR, other)

    def __xor__(self, other: Selection) -> Selection:
        return joined(self, Joint.XOR, other)

    def __sub__(self, other: Selection) -> Selection:
        return joined(self, Joint.AND, ~other)

    def __invert__(self) -> Selection:
        return self.inner if isinstance(self, Inverse) else Inverse(self)


@dataclass(frozen=True)
class Everything(Selection):
    """Every star."""

    kind: ClassVar[str] = "everything"

    def mask(self, columns: Columns) -> Mask:
        """All True."""
        return np.ones(_length(columns), np.bool_)


@dataclass(frozen=True)
class Nothing(Selection):
    """No star."""

    kind: ClassVar[str] = "nothing"

    def mask(self, columns: Columns) -> Mask:
        """All False."""
        return np.zeros(_length(columns), np.bool_)


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
        values = numbers_of(columns, self.column)
        period = PERIODS.get(self.column)
        if period is not None and self.high - self.low >= period:
            return np.asarray(np.isfinite(values))
        inside = np.zeros(values.shape, np.bool_)
        with np.errstate(over="ignore"):  # bounds may be beyond single precision
            for turn in turns(self.column, self.low, self.high, edges=True):
                inside |= (values >= self.low - turn) & (values <= self.high - turn)
        return inside


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
        across = InRange(self.x, self.x_low, self.x_high).mask(columns)
        across &= InRange(self.y, self.y_low, self.y_high).mask(columns)
        return across


@dataclass(frozen=True)
class InPolygon(Selection):
    """A closed polygon in the plane of two columns; self-crossings follow the even-odd rule.

    Parameters
    ----------
    x, y : str
        Column names.
    vertices : tuple of (float, float)
        At least three corners, in the columns' units.
    x_scale, y_scale : Scale
        Scales of the axes on which its sides are straight. A longitude repeats on a linear one alone.
    """

    x: str
    y: str
    vertices: tuple[tuple[float, float], ...]
    x_scale: Scale = LINEAR
    y_scale: Scale = LINEAR
    kind: ClassVar[str] = "in_polygon"

    def __post_init__(self) -> None:
        """Refuse polygons without an area, with too many corners, and with some that a scale cannot show."""
        _check_outline(self.vertices)
        corners = np.asarray(self.vertices, float)
        for scale, along in ((self.x_scale, corners[:, 0]), (self.y_scale, corners[:, 1])):
            if not np.isfinite(scale.forward(along)).all():
                raise SelectionError(
                    f"An outline on a {scale.kind} axis has a corner at {along.min():g}. Draw corners above 0."
                )

    def mask(self, columns: Columns) -> Mask:
        """True where the point lies inside."""
        x, y = self.x_scale.forward(numbers_of(columns, self.x)), self.y_scale.forward(numbers_of(columns, self.y))
        corners = np.asarray(self.vertices, float)
        corners = np.stack([self.x_scale.forward(corners[:, 0]), self.y_scale.forward(corners[:, 1])], axis=1)
        (x_low, y_low), (x_high, y_high) = corners.min(axis=0), corners.max(axis=0)
        inside = np.zeros(x.shape, np.bool_)
        window = (float(x_low), float(x_high), float(y_low), float(y_high))
        for image in images(self.x, self.y, window, (self.x_scale, self.y_scale)):
            inside |= points_in_polygon(x, y, corners - image)
        return inside


@dataclass(frozen=True)
class InProjection(Selection):
    """A closed outline on a plane on which stars are projected; self-crossings follow the even-odd rule.

    Parameters
    ----------
    plane : ProjectedPlane
        The plane.
    vertices : tuple of (float, float)
        At least three corners, in coordinates of the plane.
    """

    plane: ProjectedPlane
    vertices: tuple[tuple[float, float], ...]
    kind: ClassVar[str] = "in_projection"

    def __post_init__(self) -> None:
        """Refuse outlines without an area, and with too many corners."""
        _check_outline(self.vertices)

    def mask(self, columns: Columns) -> Mask:
        """True where the projected star is inside."""
        for name in self.plane.names:
            numbers_of(columns, name)
        x, y = columns.projected(self.plane) if isinstance(columns, KeepsPlanes) else self.plane.points(columns)
        return points_in_polygon(x, y, np.asarray(self.vertices, float))


@dataclass(frozen=True)
class InCone(Selection):
    """A circle on the sky.

    Parameters
    ----------
    ra, dec : float
        Its centre, ICRS, in degrees.
    radius : float
        Its radius in degrees, 0 to 180.
    """

    ra: float
    dec: float
    radius: float
    kind: ClassVar[str] = "in_cone"

    def __post_init__(self) -> None:
        """Refuse an invalid circle."""
        if not (np.isfinite(self.ra) and -90.0 <= self.dec <= 90.0 and 0.0 <= self.radius <= 180.0):
            raise SelectionError(
                f"A cone needs a right ascension, a declination of -90 to 90 and a radius of 0 to 180 deg; found "
                f"{self.ra}, {self.dec}, {self.radius}."
            )

    def mask(self, columns: Columns) -> Mask:
        """True within the radius, by the haversine formula, which is exact for small ones."""
        ra, dec = np.radians(column_of(columns, "ra")), np.radians(column_of(columns, "dec"))
        ra0, dec0 = np.radians(self.ra), np.radians(self.dec)
        haversine = np.sin((dec - dec0) / 2) ** 2 + np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
        return np.asarray(haversine <= np.sin(np.radians(self.radius) / 2) ** 2)


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
        try:
            obsids = np.asarray(self.obsids, np.int64)
        except OverflowError:  # typed ones may have any number of digits; the table has none of those
            obsids = np.asarray([obsid for obsid in self.obsids if _INT64[0] <= obsid <= _INT64[1]], np.int64)
        return np.isin(column_of(columns, "obsid"), obsids)


@dataclass(frozen=True)
class InCategory(Selection):
    """Stars with one value of a text or boolean column.

    Parameters
    ----------
    column : str
        Column name.
    value : str
        The text, "" for none; "yes" or "no" for a column of truths.
    """

    column: str
    value: str
    kind: ClassVar[str] = "in_category"

    def mask(self, columns: Columns) -> Mask:
        """True where the column has the value."""
        values = column_of(columns, self.column)
        if values.dtype == np.bool_:
            return np.asarray(values == (self.value == "yes"))
        return np.asarray(text_of(columns, self.column) == self.value, np.bool_)


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
        return np.asarray((column_of(columns, "quality").astype(np.int64) & int(self.flag)) != 0)


@dataclass(frozen=True)
class Inverse(Selection):
    """Complement of a selection."""

    inner: Selection
    kind: ClassVar[str] = "not"

    def mask(self, columns: Columns) -> Mask:
        """Complement."""
        return ~self.inner.mask(columns)


@dataclass(frozen=True)
class Named(Selection):
    """A selection with a name.

    Parameters
    ----------
    name : str
        Name of the selection.
    inner : Selection
        Selection that the name stands for.
    """

    name: str
    inner: Selection
    kind: ClassVar[str] = "named"

    def mask(self, columns: Columns) -> Mask:
        """Mask of the named selection, evaluated once."""
        evaluated = _EVALUATED.get()
        if evaluated is None:
            with evaluated_once():
                return self.mask(columns)
        rows = evaluated.get(id(self.inner))
        if rows is None:
            rows = evaluated[id(self.inner)] = self.inner.mask(columns)
        return rows


@dataclass(frozen=True)
class Joined(Selection):
    """Selections joined from left to right; a chain of gestures stays flat at any length.

    Parameters
    ----------
    first : Selection
        First selection.
    then : tuple of (Joint, Selection)
        Selections joined to it, each with its operation.
    """

    first: Selection
    then: tuple[tuple[Joint, Selection], ...]
    kind: ClassVar[str] = "joined"

    def mask(self, columns: Columns) -> Mask:
        """Masks joined one after another."""
        rows = self.first.mask(columns)
        for by, part in self.then:
            rows = by.of(rows, part.mask(columns))
        return rows

    def follows(self, before: Selection) -> bool:
        """Whether this is ``before`` with one more selection joined to it."""
        first, then = (before.first, before.then) if isinstance(before, Joined) else (before, ())
        return self.first == first and self.then[:-1] == then


def joined(left: Selection, by: Joint, right: Selection) -> Selection:
    """Join two selections; a chain on the left is extended."""
    first, then = (left.first, left.then) if isinstance(left, Joined) else (left, ())
    return Joined(first, (*then, (by, right)))


def combine(mode: SelectionMode, current: Selection, region: Selection) -> Selection:
    """Apply a gesture to the current selection.

    Parameters
    ----------
    mode : SelectionMode
        Effect of the gesture.
    current : Selection
        Current selection; to ``Everything``, which means no selection, a gesture cannot add, so it starts anew.
    region : Selection
        Region drawn by the gesture.

    Returns
    -------
    Selection
        The new selection.
    """
    if mode is SelectionMode.REPLACE or (mode is SelectionMode.ADD and current == Everything()):
        return region
    if mode is SelectionMode.ADD:
        return current | region
    if mode is SelectionMode.INTERSECT:
        return current & region
    if mode is SelectionMode.SUBTRACT:
        return current - region
    return current ^ region


def from_dict(stored: Mapping[str, Any]) -> Selection:
    """Read the output of :meth:`Selection.to_dict`.

    Raises
    ------
    SelectionError
        If the kind is unknown or a field is missing or of the wrong type.
    """
    kind = stored.get("kind") if isinstance(stored, Mapping) else stored
    cls = _KINDS.get(str(kind))
    if cls is None:
        raise SelectionError(f"No selection is of kind {brief(kind)}. Known kinds: {', '.join(_KINDS)}.")
    try:
        given = [field for field in fields(cls) if field.name in stored or field.default is MISSING]
        return cls(**{field.name: _field(stored, field.name, str(field.type)) for field in given})
    except (TypeError, ValueError) as error:
        raise SelectionError(f"A stored selection of kind {kind!r} is damaged ({error}). Draw it again.") from error


def _field(stored: Mapping[str, Any], name: str, kind: str) -> Any:
    """A field of a stored selection; SelectionError if it is missing or damaged."""
    if name not in stored:
        raise SelectionError(f"it has no {name}")
    try:
        return _FIELD_READERS[kind](stored[name])
    except SelectionError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise SelectionError(f"its {name} cannot be {brief(stored[name])}") from error


def turns(name: str, low: float, high: float, most: int = MAX_IMAGES, *, edges: bool = False) -> list[float]:
    """Offsets of full turns, in the column's unit, at which its values fall in a range; 0 unless cyclic.

    Parameters
    ----------
    name : str
        Column name.
    low, high : float
        The range.
    most : int
        A range that holds more turns has those in its middle.
    edges : bool
        Whether turns count that a range only touches.

    Returns
    -------
    list of float
        Offsets of the values, ascending.
    """
    period = PERIODS.get(name)
    if period is None or not (math.isfinite(low) and math.isfinite(high)):
        return [0.0]
    first, last = math.floor(low / period), math.ceil(high / period) - 1
    if edges:
        first, last = math.ceil(low / period) - 1, math.floor(high / period)
    if last - first >= most:
        first = math.floor((low / 2 + high / 2) / period) - most // 2
        last = first + most - 1
    return [period * number for number in range(first, max(first, last) + 1)]


def images(
    x: str, y: str, window: tuple[float, float, float, float], scales: tuple[Scale, Scale] = (LINEAR, LINEAR)
) -> list[tuple[float, float]]:
    """Offsets at which a plane appears in a window, several where longitudes wrap around.

    Parameters
    ----------
    x, y : str
        Column names.
    window : tuple of float
        Lower and upper end of x, then of y.
    scales : tuple of Scale
        Scales of x and y; a longitude repeats on a linear axis alone.

    Returns
    -------
    list of (float, float)
        Offsets of x and y, at most :data:`MAX_IMAGES`; (0, 0) is the plane itself.
    """
    x, y = (name if scale.is_linear else "" for name, scale in zip((x, y), scales, strict=True))
    most = math.isqrt(MAX_IMAGES) if x in PERIODS and y in PERIODS else MAX_IMAGES
    return [(across, up) for across in turns(x, *window[:2], most) for up in turns(y, *window[2:], most)]


def column_of(columns: Columns, name: str) -> NDArray[Any]:
    """A column by name; SelectionError if the table lacks it."""
    try:
        return columns[name]
    except KeyError:
        raise SelectionError(f"This catalogue has no column {name!r}; select by another one.") from None


def numbers_of(columns: Columns, name: str) -> NDArray[Any]:
    """A column of numbers or booleans; SelectionError if the table lacks it or it contains text."""
    values = column_of(columns, name)
    if _holds_text(values):
        raise SelectionError(f"Column {name!r} holds text in this catalogue, not numbers; select by another one.")
    return values


def text_of(columns: Columns, name: str) -> NDArray[Any]:
    """A column of text; SelectionError if the table lacks it or it contains numbers."""
    values = column_of(columns, name)
    if not _holds_text(values):
        raise SelectionError(f"Column {name!r} holds numbers in this catalogue, not text; select by another one.")
    return values


def _check_outline(vertices: tuple[tuple[float, float], ...]) -> None:
    """Raise SelectionError for an outline without an area, or with too many corners."""
    if len(vertices) > MAX_VERTICES:
        raise SelectionError(
            f"This outline has {len(vertices):,} corners; at most {MAX_VERTICES:,} are allowed. Draw a simpler one."
        )
    if len(vertices) < 3 or not np.isfinite(np.asarray(vertices, float)).all():
        raise SelectionError(
            f"A polygon needs at least three finite vertices; found {len(vertices)}. Draw a larger outline."
        )


def _holds_text(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "OUS"


def _plain(value: Any) -> Any:
    if isinstance(value, Selection | Scale | ProjectedPlane):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, QualityFlag) else value


def _length(columns: Columns) -> int:
    return int(column_of(columns, "obsid").shape[0])


def _flag(bits: int) -> QualityFlag:
    """Quality bits of a number; ValueError if some of its bits have no meaning."""
    if not 0 <= bits <= sum(QualityFlag):
        raise ValueError(f"expected 0 to {sum(QualityFlag)}")
    return QualityFlag(bits)


_INT64 = (-(2**63), 2**63 - 1)
"""Limits of the obsids of a table."""

_FIELD_READERS: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "float": float,
    "QualityFlag": lambda stored: _flag(int(stored)),
    "tuple[tuple[str, str], ...]": lambda stored: tuple((str(name), str(dtype)) for name, dtype in stored),
    "tuple[int, ...]": lambda stored: tuple(int(number) for number in stored),
    "tuple[tuple[float, float], ...]": lambda stored: tuple((float(x), float(y)) for x, y in stored),
    "Selection": from_dict,
    "Scale": scale_from_dict,
    "ProjectedPlane": plane_from_dict,
    "tuple[tuple[Joint, Selection], ...]": lambda stored: tuple((Joint(by), from_dict(part)) for by, part in stored),
}
"""Readers of the fields of a stored selection, by annotation."""
