"""The sky in an equal-area projection: stars, graticule, planes of the Galaxy and of the stream."""

from __future__ import annotations

from dataclasses import replace as replace_fields

import numpy as np
from matplotlib.figure import Figure
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import Axis, AxisSpec
from explorer.charts.chart import Shot, ViewSpec, lack_of
from explorer.charts.overlays import NO_SLOT, Lines, Overlay, Scene, WireLayer
from explorer.charts.projected import PlaneAxis, ProjectedChart
from explorer.charts.projected_picture import draw_sky
from explorer.model.library import Library
from explorer.model.planes import SkyPlane, SkyView
from explorer.model.quantities import read_value
from explorer.model.selection import SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import PanelState
from pipeline.domain.column import declare
from pipeline.domain.frames import SKY_FRAMES, sky_rotation, unit_vectors
from pipeline.science.space.graticule import Graticule, Window, graticule
from pipeline.science.space.sky_projection import Projection, projected_curve

GRATICULE = "graticule"
"""Switch of the graticule."""

_COORDINATES = tuple(
    declare(f"sky_{along}", "float32", "deg", "", f"{along} on the sky", "A coordinate of a projection of the sky")
    for along in ("x", "y")
)
_ROOM = 1.03
"""Room around the sky at the start."""

_ZENITHAL_DEG = 92.0
"""Half height of a zenithal view at the start: a little more than the hemisphere, whose edge is at 81 degrees."""

_CIRCLE = np.linspace(0.0, 360.0, 1441)
_GREAT_CIRCLES = (
    ("galactic", "galactic_plane", "Galactic plane", "#0a8f6a"),
    ("sagittarius", "stream_plane", "Sagittarius plane", "#b5651d"),
)
"""Frame whose equator is drawn, name of its switch, its name on screen, and its colour on light and dark pages."""


class SkyChart(ProjectedChart):
    """Stars on the sky; see :class:`explorer.charts.chart.Chart` for the parameters."""

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        super().__init__(view, library, state, axes)
        self.overlays = tuple(_great_circle(state.sky, *circle) for circle in _GREAT_CIRCLES)
        self.library = library

    @classmethod
    def axes_of(cls, view: ViewSpec, table: StarTable, state: PanelState) -> tuple[AxisSpec, ...]:  # noqa: ARG003 - the same for all
        """Axes around the whole sky, or a hemisphere; longitude grows to the left."""
        projection = state.sky.projection
        width, height = (_ROOM * reach for reach in projection.reach_deg)
        if projection.has_latitude:
            width = height = _ZENITHAL_DEG
        x, y = _COORDINATES
        return (
            PlaneAxis(x.name, -width, width, inverted=True, coordinate=x),
            PlaneAxis(y.name, -height, height, coordinate=y),
        )

    @classmethod
    def lack(cls, view: ViewSpec, library: Library, state: PanelState) -> str:  # noqa: ARG003 - the same for all
        """Sentence on missing positions; "" where any frame has some."""
        if _source_of(view, library.table):
            return ""
        return lack_of(view.lacking, library.table.missing(*(axis.column for axis in view.columns[-1])))

    @property
    def plane(self) -> SkyPlane:
        """The plane in the present state."""
        return SkyPlane(self.state.sky, _source_of(self.view, self.table))

    def spec(self, *, dark: bool = False) -> protocol.PlaneSpec:
        """Specification of a plane with the projection and what can be chosen."""
        plane, sky = super().spec(dark=dark), self.state.sky
        frame = SKY_FRAMES[sky.frame]
        return replace(
            plane,
            caption=(protocol.Caption(f"{sky.projection.words}, {frame.title}", "", ""), *plane.caption),
            about=f"{sky.title}; areas are true. {plane.about}".strip(),
            overlays=(
                *plane.overlays,
                protocol.OverlaySpec(GRATICULE, "Graticule", self.switches[GRATICULE], protocol.NoShape()),
            ),
            sky=protocol.SkySpec(
                projection=sky.projection,
                frame=sky.frame,
                lon=f"{sky.lon:g}",
                lat=f"{sky.lat:g}",
                has_latitude=sky.projection.has_latitude,
                projections=tuple(protocol.KeyChoice(item.value, item.words) for item in Projection),
                frames=tuple(protocol.KeyChoice(key, item.title) for key, item in SKY_FRAMES.items()),
            ),
            hover=tuple(self.table.column(name).axis_label for name in (frame.longitude, frame.latitude)),
        )

    @property
    def switches(self) -> dict[str, bool]:
        """The overlays and the graticule."""
        return {**super().switches, GRATICULE: GRATICULE not in self.state.switched}

    def follows_selection(self, switch: str) -> bool:  # noqa: ARG002 - of the sky
        """False: no overlay changes with the selection."""
        return False

    def background(self, glyphs: int) -> list[WireLayer]:
        """All stars over the graticule of the part that is on screen."""
        assert self.viewport is not None
        lines = self.graticule(self.viewport.window, self.state)
        x, y, label_x, label_y = (values.astype(np.float32) for values in lines[:4])
        return [protocol.GraticuleLayer(NO_SLOT, x, y, label_x, label_y, lines.labels), *super().background(glyphs)]

    def graticule(self, window: Window, state: PanelState) -> Graticule:
        """Graticule of a part of the sky."""
        sky = state.sky
        return graticule(sky.projection, sky.matrix, window, left_is_low="x" in state.flipped)

    def hover_values(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], ...]:
        """Longitude and latitude in the frame of the view."""
        return tuple(values.astype(np.float32) for values in self.plane.angles(self.table, rows))

    def with_sky(self, projection: Projection, frame: str, lon: str, lat: str) -> PanelState:
        """State of the view in another projection, frame or around another centre.

        Parameters
        ----------
        projection : Projection
            The projection.
        frame : str
            Key of the frame.
        lon, lat : str
            Centre as it was typed; empty texts are 0, and the latitude is that of a zenithal projection alone.

        Raises
        ------
        SelectionError
            If the frame is unknown, or a text is no angle of its column.
        """
        if frame not in SKY_FRAMES:
            raise SelectionError(f"There is no frame {frame!r:.40} of the sky; known are {', '.join(SKY_FRAMES)}.")
        columns = (self.table.column(name) for name in (SKY_FRAMES[frame].longitude, SKY_FRAMES[frame].latitude))
        across, up = (
            read_value(text, column) if text.strip() else 0.0 for text, column in zip((lon, lat), columns, strict=True)
        )
        try:
            view = SkyView(projection, frame, across % 360.0 % 360.0, up if projection.has_latitude else 0.0)
        except ValueError as error:
            raise SelectionError(str(error)) from error
        return replace_fields(self.state, sky=view, x_ends=None, y_ends=None)

    def draw(self, shot: Shot) -> Figure:
        """The view as a picture without axes, whose graticule is labelled."""
        x, y = self.axes.values()
        ends = _cropped(shot.state.x_ends, x), _cropped(shot.state.y_ends, y)
        canvas = self.new_canvas()
        canvas.size_dots(shot.appearance.size)
        scene = Scene(canvas, shot.rows, *ends)
        overlays = [overlay for overlay in self.overlays if self.shows(overlay, shot.state)]
        (left, right), (low, high) = sorted(scene.x_ends), sorted(scene.y_ends)
        lines = self.graticule((left, right, low, high), shot.state)
        under = lines if GRATICULE not in shot.state.switched else None
        return draw_sky(scene, shot, overlays, under, shot.state.sky.title, over=self._over(scene, shot))


def _cropped(ends: tuple[float, float] | None, axis: Axis) -> tuple[float, float]:
    """Ends of a picture: those on screen without the room beside the sky."""
    if ends is None or axis.low >= max(ends) or axis.high <= min(ends):
        return axis.ends
    low, high = max(min(ends), axis.low), min(max(ends), axis.high)
    return (high, low) if axis.inverted else (low, high)


def _source_of(view: ViewSpec, table: StarTable) -> str:
    """Key of the first frame that a catalogue has positions in; "" without any."""
    pairs = [tuple(axis.column for axis in axes) for axes in view.columns]
    usable = [pair for pair in pairs if table.usable(*pair)]
    frames = (key for pair in usable for key, frame in SKY_FRAMES.items() if (frame.longitude, frame.latitude) == pair)
    return next(frames, "")


def _great_circle(sky: SkyView, frame: str, name: str, title: str, colour: str) -> Overlay:
    """The equator of a frame."""
    vectors = unit_vectors(_CIRCLE, np.zeros_like(_CIRCLE)) @ (sky.matrix @ sky_rotation(frame, sky.frame)).T
    x, y = (values.astype(np.float32) for values in projected_curve(sky.projection, vectors))
    return Overlay(name, title, Lines((x,), (y,), (colour,), cased=True), ((title, colour),), mark="line")
