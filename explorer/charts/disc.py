"""Disc map: line integral convolution as brightness, rotation as colour, under the stars (Figure 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replace_state
from typing import ClassVar

import colorcet as cc
import numpy as np
from matplotlib.axes import Axes
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Brush, Shot, ViewSpec, lack_of, note_of
from explorer.charts.journal import add_colour_bar, label_of
from explorer.charts.overlays import PackedImage, WireLayer
from explorer.charts.palettes import TRANSPARENT
from explorer.charts.picture import draw_image
from explorer.charts.plane import PlaneChart
from explorer.charts.shading import Canvas, Viewport, packed
from explorer.model.library import Library
from explorer.model.scales import ScaleKind
from explorer.model.selection import SelectionError
from explorer.state.panels import PanelState
from pipeline.domain.columns import column
from pipeline.products.maps import DiscMap

RESIDUAL = "residual"
"""Switch from the rotation to its residual."""

HUES, SHADES = 15, 17
"""Steps of rotation velocity and of texture: 15 x 17 fill a byte beside 0, which is transparent."""


RESIDUAL_LABEL = "V_φ - median(R) [km/s]"


def has_cells(disc: DiscMap) -> bool:
    """Whether a slice has any cell with enough stars for a velocity."""
    return bool(np.isfinite(disc.v_phi).any())


def first_with_cells(maps: tuple[DiscMap, ...]) -> int:
    """Number of the first slice with any cell, 0 without one."""
    return next((number for number, disc in enumerate(maps) if has_cells(disc)), 0)


def rotation_limits(maps: tuple[DiscMap, ...]) -> tuple[float, float]:
    """Limits of the rotation colours in km/s, the same for every slice, rounded to 10."""
    known = np.concatenate([disc.v_phi[np.isfinite(disc.v_phi)] for disc in maps]) if maps else np.empty(0)
    if not known.size:
        return 0.0, 250.0
    low, high = np.quantile(known, (0.05, 0.95))
    low, high = 10.0 * np.floor(low / 10.0), 10.0 * np.ceil(high / 10.0)
    return float(low), float(max(high, low + 10.0))


def residual_limits(maps: tuple[DiscMap, ...]) -> tuple[float, float]:
    """Limits of the residuals' colours in km/s, the same to both sides and for every slice, rounded to 5."""
    known = (
        np.concatenate([np.abs(disc.residual[np.isfinite(disc.residual)]) for disc in maps]) if maps else np.empty(0)
    )
    reach = 5.0 * float(np.ceil(np.quantile(known, 0.95) / 5.0)) if known.size else 0.0
    return -max(reach, 5.0), max(reach, 5.0)


def texture_levels(disc: DiscMap, limits: tuple[float, float], *, residual: bool = False) -> NDArray[np.uint8]:
    """One byte a texture pixel: 0 where there is no field, else 1 + hue * SHADES + shade.

    The hue encodes the rotation, or its residual from the slice's median at that radius.
    """
    coloured = disc.residual if residual else disc.v_phi
    factor = max(disc.texture.shape[0] // max(coloured.shape[0], 1), 1)
    speed = np.kron(coloured, np.ones((factor, factor), np.float32))
    known = np.isfinite(speed) & (disc.texture > 0)
    scaled = np.clip((np.where(known, speed, limits[0]) - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)
    hue = np.minimum((scaled * HUES).astype(np.int64), HUES - 1)
    shade = (disc.texture.astype(np.int64) * SHADES) // 256
    return np.where(known, 1 + hue * SHADES + shade, 0).astype(np.uint8)


def texture_palette(dark: bool) -> tuple[str, ...]:
    """Colours of :func:`texture_levels`: hue from the rotation, brightness from the texture."""
    colours = [TRANSPARENT]
    darkest, lightest = (0.35, 1.0) if dark else (0.6, 1.25)
    for base in rotation_colours(dark):
        red, green, blue = (int(base[start : start + 2], 16) for start in (1, 3, 5))
        for shade in range(SHADES):
            gain = darkest + (lightest - darkest) * shade / (SHADES - 1)
            colours.append("#{:02x}{:02x}{:02x}".format(*(min(round(c * gain), 255) for c in (red, green, blue))))
    return tuple(colours)


def rotation_colours(dark: bool) -> tuple[str, ...]:
    """The hues alone, slow to fast."""
    ramp = cc.palette["CET_CBL2"]
    start, stop = (0.25, 0.95) if dark else (0.2, 0.9)
    last = len(ramp) - 1
    return tuple(ramp[round(last * (start + (stop - start) * hue / (HUES - 1)))] for hue in range(HUES))


def rotation_scale(maps: tuple[DiscMap, ...], *, residual: bool) -> tuple[tuple[float, float], str]:
    """Limits of the hues, and the label of their quantity."""
    return (residual_limits(maps), RESIDUAL_LABEL) if residual else (rotation_limits(maps), column("v_phi").axis_label)


def rotation_bar(maps: tuple[DiscMap, ...], dark: bool, *, residual: bool = False) -> protocol.Legend:
    """The colour bar of the rotation or of its residual."""
    (low, high), label = rotation_scale(maps, residual=residual)
    gradient = f"linear-gradient(to right, {', '.join(rotation_colours(dark))})"
    return protocol.Legend(label, low=f"{low:.0f}", high=f"{high:.0f}", gradient=gradient)


class DiscChart(PlaneChart):
    """Maps of slices in height with the selected stars of one over them.

    See :class:`explorer.charts.chart.Chart` for the parameters.
    """

    scales: ClassVar[tuple[ScaleKind, ...]] = (ScaleKind.LINEAR,)

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        super().__init__(view, library, state, axes)
        self.maps = library.products.maps
        self.part = min(max(state.part, 0), len(self.maps) - 1)
        self.disc = self.maps[self.part]
        height = np.abs(self.table.axis("z_gal"))
        inside = (height >= self.disc.z_low_kpc) & (height < self.disc.z_high_kpc)
        inside.setflags(write=False)
        self.canvas = Canvas(self.table, *self.canvas.names, inside)  # linear, as the texture is

    @classmethod
    def lack(cls, view: ViewSpec, library: Library, state: PanelState) -> str:
        """Sentence on missing maps or columns; "" when the disc map can be drawn."""
        names = [axis.column for axis in cls.axes_of(view, library.table, state)]
        there = library.products.maps and library.table.usable(*names, "z_gal")
        return "" if there else lack_of(view.lacking, (*names, "v_phi"))

    @classmethod
    def first_state(cls, view: ViewSpec, library: Library) -> PanelState:
        """The first slice that has any cell."""
        return PanelState(view.key, part=first_with_cells(library.products.maps))

    @property
    def residual(self) -> bool:
        """Whether the rotation's residual is coloured."""
        return RESIDUAL in self.state.switched

    @property
    def switches(self) -> dict[str, bool]:
        """The overlays, and whether the residual is coloured."""
        return {**super().switches, RESIDUAL: self.residual}

    def spec(self, *, dark: bool = False) -> protocol.PlaneSpec:
        """Specification of a plane with slices, the switch to residuals, and the colour bar."""
        plane, label = super().spec(dark=dark), "Rotation minus its median at that radius"
        switch = protocol.OverlaySpec(RESIDUAL, label, self.residual, protocol.NoShape())
        return replace(
            plane,
            caption=(),
            overlays=(*plane.overlays, switch),
            parts=tuple(f"|Z| {disc.z_low_kpc:g} to {disc.z_high_kpc:g} kpc" for disc in self.maps),
            part=self.part,
            bar=self.bar(dark=dark),
        )

    def bar(self, *, dark: bool) -> protocol.Legend:
        """The colour bar of the rotation."""
        return rotation_bar(self.maps, dark, residual=self.residual)

    @property
    def shows_single(self) -> bool | None:
        """None: the selected stars are over a map, few or many."""
        return None

    def background(self, glyphs: int) -> list[WireLayer]:  # noqa: ARG002 - it is the texture
        """The texture, which replaces the image of all stars."""
        low, high = float(self.disc.edges_kpc[0]), float(self.disc.edges_kpc[-1])
        limits, _ = rotation_scale(self.maps, residual=self.residual)
        levels = texture_levels(self.disc, limits, residual=self.residual)
        height, width = levels.shape
        texture = PackedImage("texture", (low, high, low, high), (height, width), packed(levels))
        return [texture, *self._contours_of_all()]

    def selected(self, brush: Brush) -> list[WireLayer]:
        """The selected stars of the slice, or the bare map when no star in particular is selected."""
        if not brush.everything:
            return super().selected(brush)
        self.note = self._note(0)
        return [self._image("selected", np.zeros((1, 1), np.uint8)), *self._moving(brush)]

    def places_of(self, row: int | None) -> list[tuple[float, float]]:
        """Positions of a star on screen; none for a star outside the slice."""
        assert self.canvas.shown is not None
        return super().places_of(row) if row is not None and self.canvas.shown[row] else []

    def with_part(self, part: int) -> PanelState:
        """The map of another slice.

        Raises
        ------
        SelectionError
            If the product has no such slice.
        """
        if part >= len(self.maps):
            raise SelectionError(f"{self.title} has {len(self.maps)} slices, and none of number {part + 1}.")
        return replace_state(self.state, part=part)

    def rebuilt_by(self, switch: str) -> bool:
        """Whether the switch is that of the residual, which changes colours and colour bar."""
        return switch == RESIDUAL

    def _note(self, hidden: int) -> protocol.Note | None:
        outside = note_of(hidden, "outside", "is not in this slice", "are not in this slice")
        return outside if has_cells(self.disc) else protocol.Note("no cells", _no_cells(outside))

    def _under(self, shot: Shot) -> Callable[[Axes], None] | None:
        """The texture and its colour bar."""
        residual = RESIDUAL in shot.state.switched
        return lambda axes: _draw_texture(axes, self.maps, self.disc, residual=residual)


def _draw_texture(axes: Axes, maps: tuple[DiscMap, ...], disc: DiscMap, *, residual: bool) -> None:
    limits, label = rotation_scale(maps, residual=residual)
    low, high = float(disc.edges_kpc[0]), float(disc.edges_kpc[-1])
    window = Viewport(low, high, low, high, 1, 1)
    draw_image(axes, texture_levels(disc, limits, residual=residual), window, texture_palette(dark=False))
    words = label if residual else label_of(column("v_phi"))
    add_colour_bar(axes, (TRANSPARENT, *rotation_colours(dark=False)), *limits, words)


def _no_cells(outside: protocol.Note | None) -> str:
    empty = "No cell of this slice has enough stars for a velocity: choose another height"
    return f"{empty}. {outside.sentence}" if outside else empty
