"""Disc map: mean velocities of the selected stars seen from above, by height (Figure 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replace_fields
from typing import ClassVar

import numpy as np
from matplotlib.figure import Figure
from msgspec.structs import replace

from explorer import protocol
from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Brush, Shot, ViewSpec, lack_of, note_of
from explorer.charts.colouring import Colouring
from explorer.charts.errors import ERRORS
from explorer.charts.map_layout import MapLayout
from explorer.charts.map_picture import MapPanel, draw_maps
from explorer.charts.margins import MARGINS
from explorer.charts.overlays import NO_SLOT, Lines, Overlay, Scene, WireLayer
from explorer.charts.palettes import TRANSPARENT, gradient_css, lookup
from explorer.charts.plane import TAP_PIXELS, PlaneChart
from explorer.charts.references import mean_arrows
from explorer.charts.shading import Canvas, Stars
from explorer.model.fields import NEEDED, every_field, fields_of, stars_of
from explorer.model.library import Library
from explorer.model.overlay_tables import OverlayTable
from explorer.model.scales import ScaleKind
from explorer.model.selection import Mask, Selection, SelectionError
from explorer.state.panels import ContoursOf, PanelState
from pipeline.figures.disc_map import (
    DARKEST,
    MIN_STARS,
    MapOf,
    MapScale,
    image_of,
    lacks_stars,
    scale_of,
    slice_label,
)
from pipeline.figures.field_arrows import Arrows, field_arrows
from pipeline.figures.style import stars_text
from pipeline.science.space.mean_field import DETAIL, KERNEL_STARS, MAX_SPEED_KMS, MeanField

RESIDUAL, STARS, ARROWS = "residual", "stars", "arrows"
"""Switches: from the rotation to its residual, of the selected stars as dots, of arrows of the mean velocity."""

_SWITCHES = {RESIDUAL: "Rotation minus its mean at that radius", STARS: "Selected stars as dots"}
_CURVES = "#20262d"
"""Colour of curves over a map, on a light and a dark page."""

_ABOUT = (
    "Mean velocity of the stars around each place: colour is the rotation, and the texture streams along the motion. "
    f"The kernel widens until it holds {KERNEL_STARS:g} stars; where it holds fewer, the map fades. "
    f"Stars faster than {MAX_SPEED_KMS:g} km/s are left out. Stars that are too few for a map are dots."
)


class DiscChart(PlaneChart):
    """Maps of one slice in height, or of all at once, made of the selected stars.

    See :class:`explorer.charts.chart.Chart` for the parameters.
    """

    scales: ClassVar[tuple[ScaleKind, ...]] = (ScaleKind.LINEAR,)

    def __init__(self, view: ViewSpec, library: Library, state: PanelState, axes: tuple[AxisSpec, ...]) -> None:
        super().__init__(view, library, state, axes)
        self.library = library
        stars = stars_of(library)
        self.slices = stars.slices_kpc
        self.part = min(max(state.part, 0), len(self.slices))
        self.parts = (self.part,) if self.part < len(self.slices) else tuple(range(len(self.slices)))
        self.layout = MapLayout.of(stars.grid, self.parts)
        self.every = tuple(every_field(library, part) for part in self.parts)
        x_low, x_high, y_low, y_high = self.layout.window
        self.axes = {
            along: replace_fields(self.axes[along], low=low, high=high)
            for along, low, high in (("x", x_low, x_high), ("y", y_low, y_high))
        }
        self._repeat()
        names = self.canvas.names
        self.canvases = {part: Canvas(self.table, *names, _frozen(stars.in_slice(part))) for part in self.parts}
        self.canvas = (
            self.canvases[self.part] if len(self.parts) == 1 else Canvas(self.table, *names, _frozen(stars.cell >= 0))
        )
        self._drawn: tuple[Mask, MapOf, tuple[MeanField, ...]] | None = None
        self._pointed = self._dotted = False  # on the page

    def lay(self, tables: tuple[OverlayTable, ...]) -> None:
        """Lay tables of the user's own over each map."""
        super().lay(tables)
        self._repeat()

    def _repeat(self) -> None:
        """Draw the overlays of one map over each of them."""
        self.plain = [mean_arrows() if overlay.name == ARROWS else _darkened(overlay) for overlay in self.overlays]
        self.overlays = tuple(self.layout.repeated(overlay) for overlay in self.plain)

    @classmethod
    def lack(cls, view: ViewSpec, library: Library, state: PanelState) -> str:
        """Sentence on missing columns; "" when the disc map can be drawn."""
        names = {*(axis.column for axis in cls.axes_of(view, library.table, state)), *NEEDED}
        missing = library.table.missing(*sorted(names))
        if missing:
            return lack_of(view.lacking, missing)
        slices = stars_of(library).slices_kpc
        fields = [every_field(library, part) for part in range(len(slices))]
        if not all(map(lacks_stars, fields)):
            return ""
        count = stars_text(sum(field.stars for field in fields))
        return (
            f"No disc map: velocities in space of {count} within {slices[-1][1]:g} kpc of the plane are known, and a "
            f"map needs {MIN_STARS} close together."
        )

    @classmethod
    def first_state(cls, view: ViewSpec, library: Library) -> PanelState:
        """The first slice with enough stars."""
        parts = range(len(stars_of(library).slices_kpc))
        first = (part for part in parts if not lacks_stars(every_field(library, part)))
        return PanelState(view.key, part=next(first, 0))

    @property
    def residual(self) -> bool:
        """Whether the rotation's residual is coloured."""
        return RESIDUAL in self.state.switched

    @property
    def switches(self) -> dict[str, bool]:
        """The overlays, whether the residual is coloured, and whether stars are drawn."""
        left_out = {MARGINS} if self.is_alone else {MARGINS, ERRORS}
        plane = {name: on for name, on in super().switches.items() if name not in left_out}
        return {**plane, **{name: name in self.state.switched for name in _SWITCHES}}

    @property
    def shows_margins(self) -> bool:
        """False: maps lie beside one another."""
        return False

    @property
    def is_alone(self) -> bool:
        """Whether one slice is shown, and thus can have error bars and contours."""
        return len(self.parts) == 1

    def spec(self, *, dark: bool = False) -> protocol.PlaneSpec:
        """Specification of a plane with slices and switches."""
        plane = super().spec(dark=dark)
        switches = (
            protocol.OverlaySpec(name, label, name in self.state.switched, protocol.NoShape())
            for name, label in _SWITCHES.items()
        )
        offsets = tuple(protocol.MapOffset(tile.x, tile.y) for tile in self.layout.tiles)
        return replace(
            plane,
            caption=(),
            about=_ABOUT,
            overlays=(*plane.overlays, *switches),
            map=protocol.MapSpec(self._choices(), self.part, self.state.map_of, self.layout.grid.window, offsets),
        )

    def _choices(self) -> tuple[protocol.PartChoice, ...]:
        """The slices on the menu; those with too few stars say so."""
        choices = []
        for part, (low, high) in enumerate(self.slices):
            field = every_field(self.library, part)
            lacking = lacks_stars(field)
            words = f": {stars_text(field.stars)}, too few for a map" if lacking else ""
            choices.append(protocol.PartChoice(f"{low:g}-{high:g} kpc{words}", lacking))
        return (
            *choices,
            protocol.PartChoice(f"all {len(self.slices)}", all(choice.lacking for choice in choices)),
        )

    @property
    def shows_single(self) -> bool | None:
        """None: the selected stars are a map."""
        return None

    def background(self, glyphs: int) -> list[WireLayer]:  # noqa: ARG002 - the map replaces all stars
        """Contours of all stars, which a brush does not change."""
        return self._contours_of_all() if self.is_alone else []

    @property
    def n_at_home(self) -> int:
        """0: stars are over a map, and never all of them."""
        return 0

    def members(self, colouring: Colouring) -> list[WireLayer]:  # noqa: ARG002 - they would hide the map
        """No layer: the stars of all subsets would hide the map."""
        return []

    def selected(self, brush: Brush) -> list[WireLayer]:
        """The map of the selected stars, and over it their dots and mean velocities where these are on."""
        fields = self._fields(brush.rows, everything=brush.n_selected == self.table.n_stars)
        scale = self._scale(fields, self.state)
        self.note = self._note(brush.n_selected - sum(field.stars for field in fields))
        arrows = field_arrows(fields) if self.switches.get(ARROWS) else ()
        layers: list[WireLayer] = [self._map(fields, scale, arrows)]
        if arrows or self._pointed:
            layers.append(self._arrows(arrows))
        dotted = self._are_dotted(brush, fields, self.state)
        if dotted or self._dotted:
            layers.append(self._dots(brush) if dotted else self._image("selected", np.zeros((1, 1), np.uint8)))
        if self.is_alone:
            layers += self._moving(brush)
        self._pointed, self._dotted = bool(arrows), dotted
        return layers

    def _fields(self, rows: Mask, *, everything: bool) -> tuple[MeanField, ...]:
        """Fields of the selected stars; those of the last brush are kept for zooms and switches."""
        rows, of = self.table.every if everything else rows, self.state.map_of
        if self._drawn is None or self._drawn[0] is not rows or self._drawn[1] is not of:
            self._drawn = (rows, of, fields_of(self.library, rows, self.parts, of))
        return self._drawn[2]

    def _scale(self, fields: Sequence[MeanField], state: PanelState) -> MapScale:
        residual = RESIDUAL in state.switched
        return scale_of(fields, self.every, state.map_of, residual=residual)

    def _map(self, fields: Sequence[MeanField], scale: MapScale, arrows: Sequence[Arrows]) -> protocol.MapLayer:
        images = [image_of(field, scale, residual=self.residual) for field in fields]
        joined = self.layout.joined(images)
        ramp = gradient_css((TRANSPARENT, *scale.ramp))
        return protocol.MapLayer(
            NO_SLOT,
            self.layout.window,
            joined.hue.shape,
            DETAIL,
            joined.hue.tobytes(),
            joined.strength.tobytes(),
            joined.texture.tobytes(),
            lookup(scale.ramp),
            DARKEST,
            protocol.Legend(scale.label, low=f"{scale.low:.0f}", high=f"{scale.high:.0f}", gradient=ramp),
            self._titles(fields, arrows),
        )

    def _titles(self, fields: Sequence[MeanField], arrows: Sequence[Arrows]) -> tuple[protocol.MapTitle, ...]:
        """Slice, number of stars and scale of the arrows at the upper left corner of each map."""
        (left, _), (_, top) = self._map_ends
        titles = []
        for number, (tile, field) in enumerate(zip(self.layout.tiles, fields, strict=True)):
            heights, words = "|Z| {:g}-{:g} kpc".format(*field.slice_kpc), map_words(field)
            text = words if self.is_alone else f"{heights}: {words}"
            if arrows and arrows[number].longest_kms:
                text = f"{text}, longest arrow {arrows[number].longest_kms:.0f} km/s"
            titles.append(protocol.MapTitle(left + tile.x, top + tile.y, text, words if self.is_alone else heights))
        return tuple(titles)

    def _arrows(self, arrows: Sequence[Arrows]) -> protocol.ArrowsLayer:
        """Arrows of the mean velocity on each map; none where they are off."""
        ends = [
            values + by
            for arrow, tile in zip(arrows, self.layout.tiles, strict=False)
            for values, by in zip((arrow.x0, arrow.y0, arrow.x1, arrow.y1), (tile.x, tile.y) * 2, strict=True)
        ]
        none = np.empty(0, np.float32)
        x0, y0, x1, y1 = (np.concatenate([none, *ends[at::4]]).astype(np.float32) for at in range(4))
        return protocol.ArrowsLayer(NO_SLOT, x0, y0, x1, y1)

    @staticmethod
    def _are_dotted(brush: Brush, fields: Sequence[MeanField], state: PanelState) -> bool:
        """Whether the selected stars are dots: where that is on, and a few of them that are too few for any map."""
        return STARS in state.switched or (brush.is_few and all(map(lacks_stars, fields)))

    def _dots(self, brush: Brush) -> WireLayer:
        """The selected stars over the maps, a few of them as in other views."""
        assert self.viewport is not None
        tiles = [(tile, self.canvases[tile.part], self.layout.moved(self.viewport, tile)) for tile in self.layout.tiles]
        if brush.is_few:
            placed = [(tile, canvas.places(viewport, brush.few_rows)) for tile, canvas, viewport in tiles]
            shifted = [(stars.rows, stars.x + tile.x, stars.y + tile.y) for tile, stars in placed]
            return self._chosen(brush, Stars(*(np.concatenate(columns) for columns in zip(*shifted, strict=True))))
        layers = (brush.colouring.layer(canvas, viewport, brush.rows).levels for _, canvas, viewport in tiles)
        levels = np.maximum.reduce(list(layers))
        return self._image("selected", levels if brush.everything else brush.colouring.emphasised(levels))

    def region(self, geometry: protocol.Rectangle | protocol.Outline) -> Selection | None:
        """A shape in the coordinates of the map that it was drawn on."""
        if isinstance(geometry, protocol.Rectangle):
            tile = self.layout.at(0.5 * (geometry.x0 + geometry.x1), 0.5 * (geometry.y0 + geometry.y1))
            x0, x1, y0, y1 = geometry.x0 - tile.x, geometry.x1 - tile.x, geometry.y0 - tile.y, geometry.y1 - tile.y
            return super().region(protocol.Rectangle(x0, x1, y0, y1))
        corners = np.array(list(zip(geometry.x, geometry.y, strict=True)))
        if not len(corners):
            return None
        tile = self.layout.at(*corners.mean(axis=0))
        x, y = tuple(value - tile.x for value in geometry.x), tuple(value - tile.y for value in geometry.y)
        return super().region(protocol.Outline(x, y))

    @property
    def origins(self) -> tuple[tuple[float, float], ...]:
        """Shifts of its maps."""
        return tuple((tile.x, tile.y) for tile in self.layout.tiles)

    def star_at(self, x: float, y: float) -> int | None:
        """The nearest star of the slice that was clicked."""
        if self.viewport is None:
            return None
        tile = self.layout.at(x, y)
        return self.canvases[tile.part].nearest(
            self.layout.moved(self.viewport, tile), x - tile.x, y - tile.y, TAP_PIXELS
        )

    def places_of(self, row: int | None) -> list[tuple[float, float]]:
        """Position of a star on the map of its slice; none for a star on no map."""
        if row is None or self.viewport is None:
            return []
        tiles = (tile for tile in self.layout.tiles if self._is_shown(row, tile.part))
        places = [(tile, self.canvases[tile.part].images_of(row, self.viewport)) for tile in tiles]
        return [(x + tile.x, y + tile.y) for tile, at in places for x, y in at]

    def _is_shown(self, row: int, part: int) -> bool:
        shown = self.canvases[part].shown
        return shown is not None and bool(shown[row])

    def with_part(self, part: int) -> PanelState:
        """The map of another slice, or of all at once.

        Raises
        ------
        SelectionError
            If the product has no such slice.
        """
        if part > len(self.slices):
            raise SelectionError(f"{self.title} has {len(self.slices)} slices, and none of number {part + 1}.")
        alone = part < len(self.slices) and self.part < len(self.slices)
        ends = (self.state.x_ends, self.state.y_ends) if alone else (None, None)
        contours = self.state.contours if part < len(self.slices) else ""
        return replace_fields(self.state, part=part, x_ends=ends[0], y_ends=ends[1], contours=contours)

    def with_contours(self, of: ContoursOf, levels: tuple[float, ...]) -> PanelState:
        """The map of one slice with contours; SelectionError for several slices."""
        if of and not self.is_alone:
            raise SelectionError("Contours are drawn over the map of a single slice: choose one.")
        return super().with_contours(of, levels)

    def with_map(self, of: MapOf) -> PanelState:
        """The map of other stars."""
        return replace_fields(self.state, map_of=of)

    def follows_selection(self, switch: str) -> bool:
        """Whether the switch changes the map, or what lies over it and follows the brush."""
        return switch in {RESIDUAL, STARS, ARROWS, ERRORS}

    def _note(self, hidden: int) -> protocol.Note | None:
        if self.state.map_of is MapOf.ALL:
            return None
        return note_of(hidden, "outside", "is not on this map", "are not on this map")

    def draw(self, shot: Shot) -> Figure:
        """The maps as they are on screen, one panel each."""
        everything = bool(shot.rows.all())
        rows = self.table.every if everything else shot.rows
        fields = fields_of(self.library, rows, self.parts, shot.state.map_of)
        scale = self._scale(fields, shot.state)
        residual = RESIDUAL in shot.state.switched
        shown = [overlay for overlay in self.plain if self.shows(overlay, shot.state)]
        arrowed = any(overlay.name == ARROWS for overlay in shown)
        arrows = field_arrows(fields) if arrowed else (None,) * len(fields)
        panels = [
            MapPanel(
                Scene(self._copy(part), shot.rows, *self._ends(shot.state)),
                field.grid,
                image_of(field, scale, residual=residual),
                arrow,
                f"{slice_label(*field.slice_kpc)}: {map_words(field)}",
            )
            for part, field, arrow in zip(self.parts, fields, arrows, strict=True)
        ]
        over = self._over(panels[0].scene, shot) if self.is_alone else None
        dots = self._are_dotted(shot.brush, fields, shot.state)
        return draw_maps(panels, scale, shot, shown, dots=dots, square=self.square, over=over)

    def _copy(self, part: int) -> Canvas:
        """A canvas for a picture, as the page keeps using its own."""
        return Canvas(self.table, *self.canvas.names, self.canvases[part].shown)

    def _ends(self, state: PanelState) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of the axes of a picture: of the screen for one map, the whole map for several."""
        across, up = self._map_ends
        return (state.x_ends or across, state.y_ends or up) if self.is_alone else (across, up)

    @property
    def _map_ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of the axes of one map, in drawing order."""
        x_low, x_high, y_low, y_high = self.layout.grid.window
        x, y = self.axes["x"], self.axes["y"]
        return replace_fields(x, low=x_low, high=x_high).ends, replace_fields(y, low=y_low, high=y_high).ends


def map_words(field: MeanField) -> str:
    """Number of stars of a map, and whether they are enough."""
    words = stars_text(field.stars)
    return f"{words}, too few for a map" if lacks_stars(field) else words


def _darkened(overlay: Overlay) -> Overlay:
    """An overlay whose curves are seen over a map."""
    shape = overlay.shape
    if not isinstance(shape, Lines):
        return overlay
    colours = (_CURVES,) * len(shape.colours)
    return replace_fields(overlay, shape=replace_fields(shape, colours=colours, cased=False))


def _frozen(rows: Mask) -> Mask:
    rows.setflags(write=False)
    return rows
