"""Stars in the space of three columns, seen from any direction without perspective."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace as replace_fields

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Brush, Shot, ViewSpec
from explorer.charts.overlays import NO_SLOT, Scene, WireLayer
from explorer.charts.projected import PlaneAxis, ProjectedChart
from explorer.charts.projected_picture import draw_guides, draw_marks, draw_projected
from explorer.charts.shading import Viewport
from explorer.model.library import Library
from explorer.model.planes import Turn, TurnedPlane
from explorer.model.selection import SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import PanelState
from pipeline.domain.column import Column, declare
from pipeline.domain.frames import CARTESIAN
from pipeline.science.space.sky_projection import FloatArray

MAX_CLOUD = 20_000
"""Maximum number of stars that the page turns."""

GUIDES = "guides"
"""Switch of axes, rings and marks."""

_COORDINATES = tuple(
    declare(f"turned_{along}", "float32", "", "", f"{along} on the screen", "A coordinate of a space that is turned")
    for along in ("x", "y")
)
_TAIL = 0.002
"""Fraction of stars beyond the ends of each column."""

_ROOM = 1.15
_CLOUD_REACH = 3.0
"""Half width of the cloud in half widths of the view at the start."""

_UNIT_ROOM = 1.6
_RING_POINTS = 73
_RINGS = 3
_RING_START = -0.6
"""Direction of the label of the outermost ring, away from the axes, in radians."""

_SEED = 20
_LEVELS = 65_535


@dataclass(frozen=True)
class Space:
    """The space of three columns of a catalogue.

    Parameters
    ----------
    columns : tuple of Column
        The columns.
    centre, unit : tuple of float
        Values in the middle, and lengths of the plane's unit.
    half : float
        Half width of the view at the start, in units of the plane.
    r0_kpc : float
        Distance of the Sun from the Galactic centre.
    """

    columns: tuple[Column, Column, Column]
    centre: tuple[float, float, float]
    unit: tuple[float, float, float]
    half: float
    r0_kpc: float

    @property
    def is_galactic(self) -> bool:
        """Whether the columns are the Galactocentric coordinates."""
        return {column.name for column in self.columns} == set(CARTESIAN)

    def placed(self, values: FloatArray) -> FloatArray:
        """Coordinates of values of the columns, shape (n, 3), in units of the plane from its centre."""
        return (np.asarray(values, np.float64) - self.centre) / self.unit

    def guides(self) -> Iterator[tuple[FloatArray, str]]:
        """Axes with their names, and rings in the plane of X and Y; points have the shape (n, 3)."""
        length = _round_below(self.half / _ROOM)
        start = self.placed(np.zeros(3)) if self.is_galactic else np.zeros(3)
        for along, column in enumerate(self.columns):
            end = start.copy()
            end[along] += length
            unit = f" {column.unit_label}" if column.unit else ""
            yield np.array([start, end]), f"{column.label} {length * self.unit[along]:+.3g}{unit}"
        if not self.is_galactic:
            return
        angle = np.linspace(0.0, 2.0 * math.pi, _RING_POINTS) + _RING_START
        across, up = (next(k for k, column in enumerate(self.columns) if column.name == name) for name in CARTESIAN[:2])
        for number in range(1, _RINGS + 1):
            ring = np.tile(start, (angle.size, 1))
            radius = number * length / 2.0
            ring[:, across] += radius * np.cos(angle)
            ring[:, up] += radius * np.sin(angle)
            yield ring, f"{radius:g} kpc" if number == _RINGS else ""

    def marks(self) -> Iterator[tuple[FloatArray, str]]:
        """The Sun and the Galactic centre, where the columns have places for them."""
        suns = [column.sun for column in self.columns]
        if all(sun is not None for sun in suns):
            yield self.placed(np.array([(sun or 0.0) * self.r0_kpc for sun in suns])), "Sun"
        if self.is_galactic:
            yield self.placed(np.zeros(3)), "GC"


class SpaceChart(ProjectedChart):
    """Stars in a space that is turned; see :class:`explorer.charts.chart.Chart` for the parameters."""

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        self.space = _space_of(view, library.table, state, library.r0_kpc)
        super().__init__(view, library, state, axes)
        self.overlays = ()
        if state.x or state.y or state.z:
            self.title = f"Space of {', '.join(column.label for column in self.space.columns)}"
        self._cloud: NDArray[np.int64] | None = None

    @classmethod
    def axes_of(cls, view: ViewSpec, table: StarTable, state: PanelState) -> tuple[AxisSpec, ...]:
        """Axes around nearly all stars, however they are turned."""
        half = _space_of(view, table, state).half
        return tuple(PlaneAxis(column.name, -half, half, coordinate=column) for column in _COORDINATES)

    @classmethod
    def lack(cls, view: ViewSpec, library: Library, state: PanelState) -> str:
        """Sentence on columns without values."""
        names = _names_of(view, state)
        missing = library.table.missing(*names)
        return f"No {view.lacking} in this catalogue: it has no values of {', '.join(missing)}." if missing else ""

    @property
    def plane(self) -> TurnedPlane:
        """The plane in the present state."""
        space = self.space
        x, y, z = (column.name for column in space.columns)
        return TurnedPlane(x, y, z, self.state.turn, space.centre, space.unit)

    @property
    def chosen(self) -> dict[str, str]:
        """The three columns."""
        return dict(zip("xyz", self.names, strict=True))

    @property
    def switches(self) -> dict[str, bool]:
        """The guides."""
        return {GUIDES: GUIDES not in self.state.switched}

    def follows_selection(self, switch: str) -> bool:  # noqa: ARG002 - the guides stay
        """False: the guides do not change."""
        return False

    def spec(self, *, dark: bool = False) -> protocol.PlaneSpec:
        """Specification of a plane with the space that the page turns."""
        plane, turn = super().spec(dark=dark), self.state.turn
        self._cloud = None  # a new page has none
        labels = [column.axis_label for column in self.space.columns]
        return replace(
            plane,
            about=f"{', '.join(labels)}, without perspective; with Pan, a drag or an arrow key turns it. {plane.about}",
            overlays=(protocol.OverlaySpec(GUIDES, "Axes and marks", self.switches[GUIDES], protocol.NoShape()),),
            hover=tuple(labels),
            space=protocol.SpaceSpec(
                azimuth=turn.azimuth,
                elevation=turn.elevation,
                columns=(self.plane.x, self.plane.y, self.plane.z),
                guides=tuple(_guide(points, label) for points, label in self.space.guides()),
                marks=tuple(
                    protocol.SpaceMark(float(x), float(y), float(z), label) for (x, y, z), label in self.space.marks()
                ),
            ),
        )

    def background(self, glyphs: int) -> list[WireLayer]:
        """All stars as they are turned, and once the sample that the page turns."""
        if self.canvas.plane != self.plane:
            self.canvas = self.new_canvas()
            self.canvas.size_dots(self.appearance.size)
        sample = [] if self._cloud is not None else [self._sampled()]
        return [*sample, *super().background(glyphs)]

    def selected(self, brush: Brush) -> list[WireLayer]:
        """The selected stars, also of the sample."""
        layers = super().selected(brush)
        if self._cloud is None:
            return layers
        levels = brush.colouring.star_levels(self.table, self._cloud)
        if not brush.everything:
            levels = brush.colouring.emphasised(levels)
        levels = np.where(brush.rows[self._cloud], levels, 0).astype(np.uint8)
        return [*layers, protocol.CloudLevelsLayer(NO_SLOT, levels.tobytes())]

    def _sampled(self) -> protocol.CloudLayer:
        """Choose the sample of stars that the page turns, at random but always alike."""
        stars = np.arange(self.table.n_stars)
        if stars.size > MAX_CLOUD:
            stars = np.sort(np.random.default_rng(_SEED).choice(stars, MAX_CLOUD, replace=False))
        reach = _CLOUD_REACH * self.space.half
        values = np.stack([self.table[name][stars] for name in self.names], axis=1)
        places = self.space.placed(values)
        with np.errstate(invalid="ignore"):
            near = (np.abs(places) <= reach).all(axis=1)
        self._cloud = stars[near]
        levels = np.rint((places[near] + reach) * (_LEVELS / (2.0 * reach)))
        return protocol.CloudLayer(NO_SLOT, levels.astype("<u2").tobytes(), -reach, 2.0 * reach)

    def hover_values(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], ...]:
        """Values of the three columns."""
        return tuple(self.table[name][rows].astype(np.float32) for name in self.names)

    def with_axis(self, along: str, column: str) -> PanelState:
        """State of the view with another column of the space."""
        if along not in self.chosen:
            raise SelectionError(f"{self.title} has no {along} axis for {column}.")
        x, y, z = (column if name == along else shown for name, shown in self.chosen.items())
        return replace_fields(self.state, x=x, y=y, z=z, x_ends=None, y_ends=None)

    def with_turn(self, azimuth: float, elevation: float) -> PanelState:
        """State of the view from another direction; SelectionError for impossible angles."""
        try:
            return replace_fields(self.state, turn=Turn(azimuth, elevation))
        except ValueError as error:
            raise SelectionError(str(error)) from error

    def draw(self, shot: Shot) -> Figure:
        """The space as a picture, with guides in place of axes."""
        x, y = self.axes.values()
        plane = replace_fields(self.plane, turn=shot.state.turn)
        canvas = self.new_canvas()
        canvas.plane = plane
        canvas.size_dots(shot.appearance.size)
        scene = Scene(canvas, shot.rows, shot.state.x_ends or x.ends, shot.state.y_ends or y.ends)
        shown = GUIDES not in shot.state.switched
        matrix = plane.turn.matrix[:2]

        def under(axes: Axes) -> None:
            if shown:
                draw_guides(axes, [(points @ matrix.T, label) for points, label in self.space.guides()])

        def over(axes: Axes, viewport: Viewport) -> list[Line2D]:
            marks = [(matrix @ place, label) for place, label in self.space.marks()] if shown else []
            draw_marks(axes, marks)
            return self._over(scene, shot)(axes, viewport)

        return draw_projected(scene, shot, plane.describe(self.table.known), under, over)


def _guide(points: FloatArray, label: str) -> protocol.SpaceGuide:
    """A line for the page."""
    x, y, z = points.T.astype(np.float32)
    return protocol.SpaceGuide(x, y, z, label)


def _names_of(view: ViewSpec, state: PanelState) -> tuple[str, str, str]:
    """The chosen columns, or those of the view."""
    x, y, z = (axis.column for axis in view.columns[0])
    return state.x or x, state.y or y, state.z or z


def _space_of(view: ViewSpec, table: StarTable, state: PanelState, r0_kpc: float = 1.0) -> Space:
    """The space that nearly all stars are in."""
    names = _names_of(view, state)
    ends = [table.limits(name, _TAIL) or (0.0, 1.0) for name in names]
    halves = [0.5 * (high - low) or 1.0 for low, high in ends]
    columns = tuple(table.column(name) for name in names)
    alike = len({column.unit for column in columns}) == 1
    unit = (1.0, 1.0, 1.0) if alike else (halves[0], halves[1], halves[2])
    x, y, z = (0.5 * (low + high) for low, high in ends)
    half = _ROOM * max(halves) if alike else _UNIT_ROOM
    return Space((columns[0], columns[1], columns[2]), (x, y, z), unit, half, r0_kpc)


def _round_below(size: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a size."""
    power = 10.0 ** math.floor(math.log10(size))
    return max(factor for factor in (1.0, 2.0, 5.0) if factor * power <= size * (1.0 + 1e-9)) * power
