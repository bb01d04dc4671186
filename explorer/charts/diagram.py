"""What a view shows, as values: two axes and the overlays that can lie on them. The browser draws it with Bokeh."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer import protocol
from explorer.model.table import StarTable
from pipeline.domain.column import Column
from pipeline.products.maps import DiscMap

_MARGIN = 0.04


@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    column : Column
        What it shows; its ``axis_label`` stands beside it.
    low, high : float
        Range at the start, low below high.
    inverted : bool
        Whether high values stand left or below.
    """

    column: Column
    low: float
    high: float
    inverted: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """Range in drawing order."""
        return (self.high, self.low) if self.inverted else (self.low, self.high)


def axis_of(
    table: StarTable,
    name: str,
    *,
    along: Literal["", "x", "y"] = "",
    low: float | None = None,
    high: float | None = None,
    tail: float = 0.001,
) -> Axis:
    """Axis of a column, wide enough for nearly all stars unless its ends are given; no star twice along a longitude.

    ``along`` names the axis, x or y, where the column's own reading direction applies.
    """
    limits = table.limits(name, tail) or (0.0, 1.0)
    span = (limits[1] - limits[0]) or 1.0
    first, last = limits[0] - _MARGIN * span, limits[1] + _MARGIN * span
    one = table.column(name)
    if one.period:
        first, last = max(first, 0.0), min(last, one.period)
    inverted = along != "" and one.inverted == along
    return Axis(one, first if low is None else low, last if high is None else high, inverted)


@dataclass(frozen=True)
class Lines:
    """Dashed curves, each with its colour.

    Parameters
    ----------
    xs, ys : tuple of ndarray
        Points of each curve.
    colours : tuple of str
        One a curve.
    """

    xs: tuple[NDArray[np.float32], ...]
    ys: tuple[NDArray[np.float32], ...]
    colours: tuple[str, ...]

    def to_client(self) -> protocol.LinesShape:
        """For the wire."""
        return protocol.LinesShape(xs=self.xs, ys=self.ys, colours=self.colours)


@dataclass(frozen=True)
class Dots:
    """Grey points under the stars."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]

    def to_client(self) -> protocol.DotsShape:
        """For the wire."""
        return protocol.DotsShape(x=self.x, y=self.y)


@dataclass(frozen=True)
class SunMark:
    """The solar position, as the usual dot in a circle."""

    x: float
    y: float

    def to_client(self) -> protocol.SunShape:
        """For the wire."""
        return protocol.SunShape(x=(self.x,), y=(self.y,))


@dataclass(frozen=True)
class Arrows:
    """Velocities of the selected stars far from the disc; drawn anew with each brush.

    Parameters
    ----------
    v_x, v_y : str
        Columns of the velocity along the axes.
    """

    v_x: str
    v_y: str

    def to_client(self) -> protocol.ArrowsShape:
        """For the wire; the arrows follow with the stars."""
        return protocol.ArrowsShape()


Shape: TypeAlias = Lines | Dots | SunMark | Arrows


@dataclass(frozen=True)
class Overlay:
    """Something that lies on the stars and can be switched off.

    Parameters
    ----------
    name : str
        What the switch is called in a link.
    label : str
        What it is called on screen.
    shape : Lines, Dots, SunMark or Arrows
        What is drawn.
    caption : tuple of (str, str)
        Words beside the view's title, each with a colour ("" for that of text).
    about : str
        A sentence that says what is drawn.
    heading : str
        What the words are values of.
    """

    name: str
    label: str
    shape: Shape
    caption: tuple[tuple[str, str], ...] = ()
    about: str = ""
    heading: str = ""


@dataclass(frozen=True)
class Plane:
    """One column against another.

    Parameters
    ----------
    title : str
        Name of the view.
    x, y : Axis
        The plane.
    overlays : tuple of Overlay
        What can lie on it.
    off : frozenset of str
        Overlays that are off unless switched on.
    square : bool
        Whether a unit is as long on both axes.
    """

    title: str
    x: Axis
    y: Axis
    overlays: tuple[Overlay, ...] = ()
    off: frozenset[str] = field(default_factory=frozenset)
    square: bool = False


@dataclass(frozen=True)
class DiscPlane(Plane):
    """The disc seen from above: a texture for each slice in height lies under its stars.

    Parameters
    ----------
    maps : tuple of DiscMap
        Slices in height.
    """

    maps: tuple[DiscMap, ...] = ()


@dataclass(frozen=True)
class Bars:
    """A histogram of one column.

    Parameters
    ----------
    title : str
        Name of the view.
    x : Axis
        The column.
    logarithmic : bool
        Whether numbers of stars stand on a logarithmic axis unless that is switched off.
    """

    title: str
    x: Axis
    logarithmic: bool = False


@dataclass(frozen=True)
class Missing:
    """Stands in for a view whose columns this catalogue lacks.

    Parameters
    ----------
    title : str
        Name of the view.
    what : str
        What is missing, for people: "actions".
    names : tuple of str
        The missing columns.
    """

    title: str
    what: str
    names: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What to say where the figure would be."""
        return f"No {self.what} in this catalogue: it has no values of {', '.join(self.names)}."


Figure: TypeAlias = Plane | DiscPlane | Bars | Missing
