"""Views of the grid: their declaration, and the base class of the charts that draw them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

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
from explorer.model.selection import MAX_TURNS, Mask, Selection, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import PanelState

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
    off: frozenset[str] = frozenset()
    square: bool = False


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
    appearance : Appearance
        Size and opacity of the stars.
    """

    rows: Mask
    colouring: Colouring
    state: PanelState
    aspect: float
    note: str
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
    dims: ClassVar[tuple[Literal["x", "y"], ...]] = ()
    """Axes that show a column."""

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: Sequence[AxisSpec] = ()) -> None:
        self.view, self.table, self.state = view, library.table, state
        self.title = view.title
        self.axes: dict[str, Axis] = {
            along: axis.of(library.table, along) for along, axis in zip(self.dims, axes, strict=True)
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
        names = library.table.missing(*(axis.column for axis in cls.axes_of(view, library.table, state)))
        return lack_of(view.lacking, names) if names else ""

    @classmethod
    def first_state(cls, view: ViewSpec, library: Library) -> PanelState:  # noqa: ARG003 - the disc map asks the maps
        """The state of the view when it is put into the grid."""
        return PanelState(view.key)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns on its axes."""
        return tuple(axis.column.name for axis in self.axes.values())

    @abstractmethod
    def spec(self, *, dark: bool = False) -> protocol.AnyFigure:
        """Specification from which the browser builds the view."""

    def axis_spec(self, along: Literal["x", "y"]) -> protocol.AxisSpec:
        """The column of an axis, its ends on screen and at first."""
        axis, ends = self.axes[along], self.state.x_ends if along == "x" else self.state.y_ends
        declared = axis.column
        turn, widest = (declared.period, MAX_TURNS * declared.period) if declared.period else (None, None)
        label = _TEX.sub(r"\1 ", declared.axis_label)
        return protocol.AxisSpec(declared.name, label, ends or axis.ends, axis.ends, turn, widest)

    def bar(self, *, dark: bool) -> protocol.Legend | None:  # noqa: ARG002 - the disc map has one
        """A colour bar of its own; None where the page's legend is enough."""
        return None

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

    def star_at(self, x: float, y: float) -> int | None:  # noqa: ARG002 - no star is here
        """Row of the star under a click, None when there is none."""
        return None

    def places_of(self, row: int | None) -> list[tuple[float, float]]:  # noqa: ARG002 - no star is here
        """Positions of a star on screen; several if a longitude repeats."""
        return []

    def with_axis(self, along: str, column: str) -> PanelState:
        """State of the view that shows another column on one axis."""
        raise SelectionError(f"{self.title} has no {along} axis for {column}.")

    def with_part(self, part: int) -> PanelState:  # noqa: ARG002 - the disc map has slices
        """State of the view that shows another slice."""
        raise SelectionError(f"{self.title} has no slices.")

    @property
    def switches(self) -> dict[str, bool]:
        """Names of the switches of the view, and whether each is on."""
        return {}

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


def note_of(hidden: int, short: str, singular: str, plural: str) -> protocol.Note | None:
    """Note on the selected stars that a view cannot show; None without any."""
    sentence = f"1 selected star {singular}" if hidden == 1 else f"{hidden:,} selected stars {plural}"
    return protocol.Note(f"{hidden:,} {short}", sentence) if hidden else None
