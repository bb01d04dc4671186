"""Views of the grid: their declaration, and the base class of the charts that draw them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis, AxisSpec
from explorer.charts.colouring import Colouring
from explorer.charts.overlays import WireLayer
from explorer.charts.shading import Viewport
from explorer.model.appearance import Appearance
from explorer.model.library import Library
from explorer.model.overlay_tables import OverlayTable
from explorer.model.quantities import read_value
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import MAX_TURNS, InRange, Mask, Selection, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import AXES, AxisName, ContoursOf, PanelState
from pipeline.figures.disc_map import MapOf
from pipeline.science.space.sky_projection import Projection

_TEX = re.compile(r"(\$(?=\$)|\\(?=[\[\](]))")
"""Character pairs that Bokeh reads as TeX; a blank separates them."""


@dataclass(frozen=True)
class ViewSpec:
    """A view, declared once: menu, grid, links, pictures, help and README follow.

    Parameters
    ----------
    key : str
        Its name in links.
    title : str
        Its name on the menu.
    chart : type of Chart
        The kind of chart that shows it.
    about : str
        Description in one sentence, for the help.
    columns : tuple of tuple of AxisSpec
        Its axes, x before y, and their alternatives: the first whose columns all have values are shown.
    lacking : str
        Name of the quantities that a catalogue without these columns lacks: "actions".
    chosen : bool
        Whether the user chooses the columns; such a view is not among the first ones of the grid.
    repeats : str
        Key of the plainer view of the same columns, which is among the first ones of the grid in its place.
    off : frozenset of str
        Overlays that are off unless switched on.
    square : bool
        Whether a unit is as long on both axes.
    """

    key: str
    title: str
    chart: type[Chart]
    about: str
    columns: tuple[tuple[AxisSpec, ...], ...] = ()
    lacking: str = "such columns"
    chosen: bool = False
    repeats: str = ""
    off: frozenset[str] = frozenset()
    square: bool = False


class Curve(NamedTuple):
    """A curve over the stars of a view, with its dash as Bokeh and matplotlib name it.

    ``x`` and ``y`` have the shape (k,); ``paper`` is the colour in pictures, ``colour`` that on the page.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: str
    dash: Literal["solid", "dotted"]
    paper: str


@dataclass(frozen=True)
class FitOverlay:
    """A fit as it is drawn over views.

    Parameters
    ----------
    names : tuple of str
        Columns of x and y of the curves, or the one column of a distribution; () for no fit.
    curves : tuple of Curve
        Curves in the plane of two columns.
    density : callable, optional
        Expected density of one column, of a value in its unit.
    stars : int
        Stars of the distribution.
    colour : str
        Its colour.
    """

    names: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    density: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    stars: int = 0
    colour: str = ""


MAX_FEW, MAX_FEW_SHARE = 200, 0.25
"""Maximum number of selected stars that are drawn larger than the others, and their share of the catalogue."""

FEW_PIXELS, VERY_FEW_PIXELS, MAX_VERY_FEW = 7.0, 9.0, 60
"""Diameters of the dots of a few and of very few selected stars in pixels, and the maximum number of these."""


@dataclass(frozen=True)
class Brush:
    """The selection after a brush.

    Parameters
    ----------
    rows : ndarray of bool, shape (n,)
        The selected stars.
    n_selected : int
        Number of selected stars.
    colouring : Colouring
        Their colours.
    everything : bool
        Whether no star in particular is selected.
    """

    rows: Mask
    n_selected: int
    colouring: Colouring
    everything: bool

    @property
    def is_few(self) -> bool:
        """Whether so few stars are selected that each is emphasised."""
        return not self.everything and 0 < self.n_selected <= min(MAX_FEW, MAX_FEW_SHARE * self.rows.size)

    @cached_property
    def few_rows(self) -> NDArray[np.int64]:
        """Rows of the selected stars, found once for all views."""
        return np.flatnonzero(self.rows)

    @property
    def few_pixels(self) -> float:
        """Diameter of the dots of a few selected stars in pixels."""
        return VERY_FEW_PIXELS if self.n_selected <= MAX_VERY_FEW else FEW_PIXELS


@dataclass(frozen=True)
class Shot:
    """Contents of a picture of a view.

    Parameters
    ----------
    rows : ndarray of bool, shape (n,)
        The selection.
    colouring : Colouring
        Colours of the selected stars.
    state : PanelState
        Ends of the axes and switches as they are on screen.
    aspect : float
        Height over width.
    note : str
        Description of what is drawn, for the line under the figure.
    curves : tuple of Curve
        Curves of a fit, over the stars.
    appearance : Appearance
        Size and opacity of the stars.
    """

    rows: Mask
    colouring: Colouring
    state: PanelState
    aspect: float
    note: str
    curves: tuple[Curve, ...] = ()
    appearance: Appearance = field(default_factory=Appearance)

    @property
    def brush(self) -> Brush:
        """The selection as a brush makes it."""
        return Brush(self.rows, int(self.rows.sum()), self.colouring, everything=bool(self.rows.all()))


class Chart(ABC):
    """A view on one page; base class of all charts.

    Parameters
    ----------
    spec : ViewSpec
        Declaration of the view.
    library : Library
        Shared products.
    state : PanelState
        The user's settings of the view.
    axes : tuple of AxisSpec
        Axes from :meth:`axes_of`.
    """

    single: ClassVar[bool] = False
    """Whether few stars are drawn one by one: such charts share the number of glyphs."""
    dims: ClassVar[tuple[AxisName, ...]] = ()
    """Axes that show a column."""
    scales: ClassVar[tuple[ScaleKind, ...]] = tuple(ScaleKind)
    """Scales that these axes can have."""

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: Sequence[AxisSpec] = ()) -> None:
        self.view, self.table, self.state = view, library.table, state
        self.title = view.title
        self.axes: dict[str, Axis] = {
            along: axis.of(library.table, along, self.scale_in(state, along), flipped=along in state.flipped)
            for along, axis in zip(self.dims, axes, strict=True)
        }
        self.viewport: Viewport | None = None
        self.appearance = Appearance()
        self.note: protocol.Note | None = None

    @classmethod
    @abstractmethod
    def axes_of(cls, view: ViewSpec, table: StarTable, state: PanelState) -> tuple[AxisSpec, ...]:
        """The axes to show: those that the user chose, else those of the view."""

    @classmethod
    def lack(cls, view: ViewSpec, library: Library, state: PanelState) -> str:
        """A sentence that says why nothing can be drawn of this catalogue; "" when it can."""
        table, axes = library.table, cls.axes_of(view, library.table, state)
        names = table.missing(*(axis.column for axis in axes))
        if names:
            return lack_of(view.lacking, names)
        scaled = zip(cls.dims, axes, strict=False)  # there may be no column to choose
        empty = (empty_on(table, axis.column, cls.scale_in(state, along)) for along, axis in scaled)
        return next((sentence for sentence in empty if sentence), "")

    @classmethod
    def scale_in(cls, state: PanelState, along: AxisName) -> Scale:
        """Scale of an axis in a state; linear where the chart has no other one."""
        scale = state.scale(along)
        return scale if scale.kind in cls.scales else LINEAR

    @classmethod
    def first_state(cls, view: ViewSpec, library: Library) -> PanelState:  # noqa: ARG003 - the disc map asks the maps
        """The state of the view when it is put into the grid."""
        return PanelState(view.key)

    def lay(self, tables: tuple[OverlayTable, ...]) -> None:  # noqa: B027 - a plane draws them
        """Lay tables of the user's own over the view, in place of earlier ones."""

    def shows_tables(self, tables: tuple[OverlayTable, ...]) -> bool:  # noqa: ARG002 - a plane draws them
        """Whether the view has the columns of one of some tables that are on."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """Columns on its axes."""
        return tuple(axis.column.name for axis in self.axes.values())

    @property
    def chosen(self) -> dict[str, str]:
        """Axes that can show another column, and the column of each."""
        return {along: axis.column.name for along, axis in self.axes.items()}

    @abstractmethod
    def spec(self, *, dark: bool = False) -> protocol.AnyFigure:
        """Specification from which the browser builds the view."""

    def axis_spec(self, along: AxisName) -> protocol.AxisSpec:
        """The column of an axis, its scale, its ends on screen and at first."""
        axis = self.axes[along]
        ends = self.state.ends(along) or axis.ends
        return self.sent_axis(axis, ends, self.scales, flipped=along in self.state.flipped)

    @staticmethod
    def sent_axis(
        axis: Axis, ends: tuple[float, float], scales: Sequence[ScaleKind], *, flipped: bool
    ) -> protocol.AxisSpec:
        """An axis for the page: its column, present ends, and the scales that it can have."""
        declared = axis.column
        turn, widest = (axis.period, MAX_TURNS * axis.period) if axis.period else (None, None)
        return protocol.AxisSpec(
            column=declared.name,
            label=_TEX.sub(r"\1 ", declared.axis_label),
            unit=declared.unit_label,
            ends=ends,
            home=axis.ends,
            turn=turn,
            widest=widest,
            scale=axis.scale.kind.value,
            width=axis.scale.width,
            scales=tuple(kind.value for kind in scales),
            flipped=flipped,
        )

    @property
    def square(self) -> bool:
        """Whether a unit is as long on both axes."""
        return self.view.square if self.state.square is None else self.state.square

    def look(self, window: tuple[float, float, float, float], width: int, height: int) -> None:
        """Store the viewport: ends of x and of y in drawing order, and its size in pixels."""
        (x_low, x_high), (y_low, y_high) = sorted(window[:2]), sorted(window[2:])
        self.viewport = Viewport(x_low, x_high, y_low, y_high, width, height)

    def dress(self, appearance: Appearance) -> None:
        """Store the look of the stars."""
        self.appearance = appearance

    @property
    def n_at_home(self) -> int:
        """Number of stars that may be drawn one by one where the view starts."""
        return 0

    @property
    def zoomed(self) -> bool:
        """Whether a part of the range of the start is on screen."""
        return False

    @property
    def shows_single(self) -> bool | None:
        """Whether single stars are drawn; None for a chart that does not use colours of stars."""
        return None

    def background(self, glyphs: int) -> list[WireLayer]:  # noqa: ARG002 - nothing to draw
        """Layers that a brush does not change; single stars where at most ``glyphs`` are on screen."""
        return []

    def members(self, colouring: Colouring) -> list[WireLayer]:  # noqa: ARG002 - nothing to draw
        """Layers of stars that keep a colour when they are not selected; empty ones where none does."""
        return []

    def selected(self, brush: Brush) -> list[WireLayer]:  # noqa: ARG002 - nothing to draw
        """Layers that follow the selection; also sets :attr:`note`."""
        return []

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:  # noqa: ARG002 - nothing to select from
        """A drawn shape as a selection; None when it encloses nothing."""
        return None

    @property
    def origins(self) -> tuple[tuple[float, float], ...]:
        """Positions of the zero of its coordinates on its axes; several for a view of several maps."""
        return ((0.0, 0.0),)

    def star_at(self, x: float, y: float) -> int | None:  # noqa: ARG002 - no star is here
        """Row of the star under a click, None when there is none."""
        return None

    def places_of(self, row: int | None) -> list[tuple[float, float]]:  # noqa: ARG002 - no star is here
        """Positions of a star on screen; several if a longitude repeats."""
        return []

    def with_axis(self, along: str, column: str) -> PanelState:
        """State of the view that shows another column on one axis."""
        raise SelectionError(f"{self.title} has no {along} axis for {column}.")

    def with_scale(self, along: AxisName, kind: ScaleKind) -> PanelState:
        """State of the view with another scale of an axis, which shows its whole range.

        Raises
        ------
        SelectionError
            If the view has no such axis or scale, or the column no value on it.
        """
        axis = self._axis(along)
        if kind not in self.scales:
            raise SelectionError(f"The axes of {self.title} can be {', '.join(self.scales)}; found {kind}.")
        scale = self.table.scale(axis.column.name, kind)
        if not scale.is_linear and (sentence := empty_on(self.table, axis.column.name, scale)):
            raise SelectionError(sentence)
        return self.state.with_axis(along, scale=scale, ends=None)

    def with_flip(self, along: AxisName, *, on: bool) -> PanelState:
        """State of the view with an axis in the other direction; what is on screen stays there."""
        if along not in self.can_flip:
            raise SelectionError(f"{self.title} has no {along} axis that can be flipped.")
        flipped = tuple(name for name in AXES if (on if name == along else name in self.state.flipped))
        ends = self.state.ends(along)
        turned = ends if ends is None or on == (along in self.state.flipped) else (ends[1], ends[0])
        return replace(self.state.with_axis(along, ends=turned), flipped=flipped)

    def with_limits(self, along: AxisName, low: str, high: str) -> PanelState:
        """State of the view with a typed range of an axis; an empty text is where the view starts.

        Raises
        ------
        SelectionError
            If the view has no such axis, or the texts are no range of its column.
        """
        axis = self._axis(along)
        if not (low.strip() or high.strip()):
            return self.state.with_axis(along, ends=None)
        given = [read_value(text, axis.column) if text.strip() else None for text in (low, high)]
        whole = axis.scale.value(axis.low), axis.scale.value(axis.high)
        first, last = (start if value is None else value for value, start in zip(given, whole, strict=True))
        return self.state.with_axis(along, ends=axis.ends_of(first, last))

    def with_whole_axis(self, along: AxisName) -> PanelState:
        """State of the view with an axis as it starts: linear, in its usual direction."""
        flipped = tuple(name for name in self.state.flipped if name != along)
        return replace(self.state.with_axis(along, scale=LINEAR, ends=None), flipped=flipped)

    def with_aspect(self, *, equal: bool) -> PanelState:
        """State of the view with units as long on both axes, or not."""
        if len(self.dims) < 2:
            raise SelectionError(f"{self.title} has one axis of a column: there is nothing to make equal.")
        return replace(self.state, square=None if equal == self.view.square else equal)

    def with_contours(self, of: ContoursOf, levels: tuple[float, ...]) -> PanelState:  # noqa: ARG002 - a plane has some
        """State of the view with contours of the density of some stars."""
        raise SelectionError(f"{self.title} has no contours.")

    @property
    def can_flip(self) -> tuple[AxisName, ...]:
        """Axes that can be read in the other direction."""
        return self.dims

    def _axis(self, along: AxisName) -> Axis:
        """An axis of a column; SelectionError if the view has none there."""
        if along not in self.axes:
            raise SelectionError(f"{self.title} has no {along} axis of a column.")
        return self.axes[along]

    def seen(self, window: tuple[float, float, float, float]) -> PanelState:
        """State of the view with what the page shows: ends of x and of y in drawing order."""
        return replace(self.state, x_ends=window[:2], y_ends=window[2:])

    def with_part(self, part: int) -> PanelState:  # noqa: ARG002 - the disc map has slices
        """State of the view that shows another slice."""
        raise SelectionError(f"{self.title} has no slices.")

    def with_bins(self, bins: int) -> PanelState:  # noqa: ARG002 - histograms have bars
        """State of the view with another number of bars."""
        raise SelectionError(f"{self.title} has no bars.")

    def with_columns(self, columns: tuple[str, ...]) -> PanelState:  # noqa: ARG002 - the corner plot has several
        """State of the view that shows other columns."""
        raise SelectionError(f"{self.title} is no corner plot: choose the column of each axis.")

    def range_on(self, along: AxisName, start: float, end: float) -> Selection | None:
        """Stars between two coordinates of an axis; None when the range has no length.

        Raises
        ------
        SelectionError
            If the view has no such axis.
        """
        axis = self._axis(along)
        values = axis.values(start, end)
        return InRange(axis.column.name, *values) if values else None

    def curves_of(self, fit: FitOverlay, state: PanelState) -> tuple[Curve, ...]:  # noqa: ARG002 - planes and bars do
        """Curves of a fit over the view; none where it shows other columns."""
        return ()

    def with_sky(self, projection: Projection, frame: str, lon: str, lat: str) -> PanelState:  # noqa: ARG002 - one view does
        """State of the view in another projection of the sky."""
        raise SelectionError(f"{self.title} is not in a projection of the sky.")

    def with_turn(self, azimuth: float, elevation: float) -> PanelState:  # noqa: ARG002 - the view of a space does
        """State of the view from another direction."""
        raise SelectionError(f"{self.title} cannot be turned.")

    def with_map(self, of: MapOf) -> PanelState:  # noqa: ARG002 - the disc map has one
        """State of the view that maps other stars."""
        raise SelectionError(f"{self.title} has no map.")

    @property
    def switches(self) -> dict[str, bool]:
        """Names of the switches of the view, and whether each is on."""
        return {}

    def with_switch(self, name: str) -> PanelState:
        """State of the view in which a switch is in its other position."""
        switched = tuple(switch for switch in self.state.switched if switch != name)
        if len(switched) == len(self.state.switched):
            switched = (*switched, name)
        return replace(self.state, switched=switched)

    def rebuilt_by(self, switch: str) -> bool:  # noqa: ARG002 - a plane's overlays are drawn by the page
        """Whether a switch needs the view rebuilt; else the page shows and hides an overlay."""
        return True

    def follows_selection(self, switch: str) -> bool:  # noqa: ARG002 - velocity arrows do
        """Whether the overlay of a switch changes with the selection."""
        return False

    @abstractmethod
    def draw(self, shot: Shot) -> Figure:
        """Draw it for a journal in the state of the shot; the page may change the chart meanwhile."""


class MissingChart(Chart):
    """A sentence in place of a view that this catalogue has no values for.

    Parameters
    ----------
    sentence : str
        Sentence that names the missing columns.
    """

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, sentence: str) -> None:
        super().__init__(view, library, state)
        self.sentence = sentence

    @classmethod
    def axes_of(cls, view: ViewSpec, table: StarTable, state: PanelState) -> tuple[AxisSpec, ...]:  # noqa: ARG003 - none
        """No axes."""
        return ()

    def spec(self, *, dark: bool = False) -> protocol.MissingSpec:  # noqa: ARG002 - text alone
        """The sentence."""
        return protocol.MissingSpec(self.state.view, self.title, (), (), self.sentence)

    def draw(self, shot: Shot) -> Figure:  # noqa: ARG002 - nothing to draw
        """Raise SelectionError, as there is no picture."""
        raise SelectionError(f"{self.title} shows nothing that could be a picture.")


def lack_of(lacking: str, names: Sequence[str]) -> str:
    """A sentence on columns that a catalogue has no values of."""
    return f"No {lacking} in this catalogue: it has no values of {', '.join(names)}."


def empty_on(table: StarTable, name: str, scale: Scale) -> str:
    """A sentence on a column that has no value on a scale; "" for others."""
    if table.limits(name, scale=scale) is not None:
        return ""
    return f"No value of {table.column(name).label} is above 0: a logarithmic axis would be empty. Choose symlog."


def joined_notes(first: protocol.Note | None, second: protocol.Note) -> protocol.Note:
    """Two notes of a view as one."""
    if first is None:
        return second
    return protocol.Note(f"{first.text}, {second.text}", f"{first.sentence}. {second.sentence}")


def note_of(hidden: int, short: str, singular: str, plural: str) -> protocol.Note | None:
    """Note on the selected stars that a view cannot show; None without any."""
    sentence = f"1 selected star {singular}" if hidden == 1 else f"{hidden:,} selected stars {plural}"
    return protocol.Note(f"{hidden:,} {short}", sentence) if hidden else None
