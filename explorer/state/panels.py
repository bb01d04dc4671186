"""State of the views in the grid, as values that a link can store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from math import isfinite
from typing import Any, Literal, TypeAlias, get_args

from explorer.model.damaged import brief, text_in
from explorer.model.planes import FIRST_SKY, FIRST_TURN, SkyView, Turn, sky_view_from_dict, turn_from_dict
from explorer.model.samples import MAX_BINS
from explorer.model.scales import LINEAR, Scale, scale_from_dict
from pipeline.figures.disc_map import MapOf

Ends = tuple[float, float]
AxisName: TypeAlias = Literal["x", "y"]
AXES: tuple[AxisName, ...] = get_args(AxisName)
ContoursOf: TypeAlias = Literal["", "selected", "all"]

LEVELS = (10.0, 30.0, 50.0, 70.0, 90.0)
"""Per cent of the stars that contours enclose at first."""

MAX_LEVELS = 12

MIN_CORNER, MAX_CORNER = 2, 6
"""Numbers of columns of a corner plot."""

MAX_PANELS = 8
"""Maximum number of views in the grid."""

_MAX_SWITCHED, _MAX_PART = 100, 1000
"""Limits of stored layers and of the number of a slice, above those of any view."""


@dataclass(frozen=True)
class PanelState:
    """State of one view of the grid.

    Parameters
    ----------
    view : str
        Key of the view.
    x, y, z : str
        Columns of a view that lets one choose; "" takes the view's own.
    x_ends, y_ends : tuple of float or None
        Ends of the axes in drawing order, as coordinates on their scales; None is where the view starts.
    switched : tuple of str
        Overlays that are switched against their default.
    part : int
        Which slice in height, of a view that has several; after the last one, all at once.
    bins : int
        Number of bars of a histogram; 0 takes the usual one.
    x_scale, y_scale : Scale
        Scales of the axes.
    flipped : tuple of str
        Axes, x or y, that are read in the other direction than by default.
    square : bool or None
        Whether a unit is as long on both axes; None as the view declares it.
    contours : str
        Stars whose density the contours show: "" for none, "selected" or "all".
    levels : tuple of float
        Per cent of the stars in view that each contour encloses, ascending.
    map_of : MapOf
        Stars of a disc map.
    columns : tuple of str
        Columns of a corner plot; () takes the view's own.
    sky : SkyView
        Projection, frame and centre of a projected sky.
    turn : Turn
        Direction from which a space of three columns is seen.
    """

    view: str
    x: str = ""
    y: str = ""
    x_ends: Ends | None = None
    y_ends: Ends | None = None
    switched: tuple[str, ...] = ()
    part: int = 0
    bins: int = 0
    x_scale: Scale = LINEAR
    y_scale: Scale = LINEAR
    flipped: tuple[AxisName, ...] = ()
    square: bool | None = None
    contours: ContoursOf = ""
    levels: tuple[float, ...] = LEVELS
    map_of: MapOf = MapOf.SELECTED
    columns: tuple[str, ...] = ()
    z: str = ""
    sky: SkyView = FIRST_SKY
    turn: Turn = FIRST_TURN

    @property
    def chosen(self) -> tuple[str, ...]:
        """Columns that the user chose, by name."""
        return tuple(name for name in (self.x, self.y, self.z, *self.columns) if name)

    def scale(self, along: AxisName) -> Scale:
        """Scale of an axis."""
        return self.x_scale if along == "x" else self.y_scale

    def ends(self, along: AxisName) -> Ends | None:
        """Ends of an axis; None is where the view starts."""
        return self.x_ends if along == "x" else self.y_ends

    def with_axis(self, along: AxisName, *, ends: Ends | None, scale: Scale | None = None) -> PanelState:
        """The state with other ends of an axis, and with another scale unless it is None."""
        scale = self.scale(along) if scale is None else scale
        return replace(self, x_ends=ends, x_scale=scale) if along == "x" else replace(self, y_ends=ends, y_scale=scale)

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`panel_from_dict` is the inverse."""
        return asdict(self)


def panel_from_dict(stored: Mapping[str, Any]) -> PanelState:
    """Create from the output of :meth:`PanelState.to_dict`; ValueError if it is damaged.

    Fields that an older link lacks have their defaults.
    """
    if not isinstance(stored, Mapping) or "view" not in stored:
        raise ValueError(f"A stored view is damaged: {brief(stored)} names no view.")
    return PanelState(
        **{field.name: _read(field.name, stored[field.name]) for field in fields(PanelState) if field.name in stored}
    )


def _read(name: str, stored: Any) -> Any:
    """The value of a field of a stored view; ValueError if it cannot be one."""
    try:
        return _READERS[name](stored)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"A stored view is damaged: its {name} cannot be {brief(stored)}.") from error


def check_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Return levels of contours in ascending order, each once.

    Raises
    ------
    ValueError
        If there are none or too many, or one of them is not between 0 and 100 per cent.
    """
    if not 1 <= len(levels) <= MAX_LEVELS or not all(0.0 < level < 100.0 for level in levels):
        given = ", ".join(f"{level:g}" for level in levels[:MAX_LEVELS]) or "none"
        raise ValueError(f"Contours need 1 to {MAX_LEVELS} levels between 0 and 100 per cent; found {given}.")
    return tuple(sorted(set(levels)))


def check_corner(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return columns of a corner plot; ValueError if too few, too many, or a column is repeated."""
    if not MIN_CORNER <= len(columns) <= MAX_CORNER:
        raise ValueError(f"A corner plot has {MIN_CORNER} to {MAX_CORNER} columns; found {len(columns)}.")
    if repeated := next((name for name in columns if columns.count(name) > 1), ""):
        raise ValueError(f"A corner plot shows a column once; found {repeated!r:.60} twice. Choose another column.")
    return columns


def _ends(stored: Any) -> Ends | None:
    if stored is None:
        return None
    ends = float(stored[0]), float(stored[1])
    if not _has_length(*ends):
        raise ValueError(f"an axis from {ends[0]} to {ends[1]} has no length")
    return ends


def _has_length(start: float, end: float) -> bool:
    """Whether an axis can be drawn between two ends."""
    return start != end and isfinite(end - start)


def _whole(stored: Any, largest: int) -> int:
    if type(stored) is not int or not 0 <= stored <= largest:
        raise ValueError(f"expected a whole number of 0 to {largest}")
    return stored


def _contours(stored: Any) -> str:
    if stored not in get_args(ContoursOf):
        raise ValueError(f"expected one of {get_args(ContoursOf)}")
    return str(stored)


def _truth(stored: Any) -> bool | None:
    if not isinstance(stored, bool | None):
        raise TypeError("expected true, false or null")
    return stored


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("view", "x", "y", "z"), text_in),
    "sky": sky_view_from_dict,
    "turn": turn_from_dict,
    "x_ends": _ends,
    "y_ends": _ends,
    "switched": lambda stored: tuple(text_in(name) for name in list(stored)[:_MAX_SWITCHED]),
    "part": partial(_whole, largest=_MAX_PART),
    "bins": partial(_whole, largest=MAX_BINS),
    "map_of": MapOf,
    "x_scale": scale_from_dict,
    "y_scale": scale_from_dict,
    "flipped": lambda stored: tuple(name for name in AXES if name in stored),
    "square": _truth,
    "contours": _contours,
    "columns": lambda stored: check_corner(tuple(str(name) for name in stored)) if stored else (),
    "levels": lambda stored: check_levels(tuple(float(level) for level in stored)),
}
"""Readers of the fields of a stored view."""
