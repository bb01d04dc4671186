"""Disc map: what a brush maps, its slices, switches, pictures and the paper's Figure 9."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import Page
from matplotlib.backends.backend_agg import FigureCanvasAgg

from explorer.charts.disc import ARROWS, RESIDUAL, STARS, DiscChart
from explorer.charts.grid import default_panels
from explorer.charts.map_layout import MapLayout
from explorer.charts.overlays import Dots, Lines, Overlay, SunMark
from explorer.charts.paper import draw_paper_figure
from explorer.charts.shading import Viewport
from explorer.charts.view_specs import chart_of
from explorer.model.fields import every_field, fields_of, stars_of
from explorer.model.library import Library
from explorer.model.selection import InBox, InIds, InRange
from explorer.model.table import StarTable
from explorer.protocol import Outline, Rectangle
from explorer.state.panels import PanelState, panel_from_dict
from explorer.state.workspace import Workspace
from pipeline.figures.disc_map import MapOf, image_of, painted, scale_of
from pipeline.figures.star_figures import STAR_FIGURES
from pipeline.reproduction.survey import Survey
from pipeline.science.space.mean_field import Grid

ALL_SLICES = 4
HOT = InRange("teff", 3850.0, 9000.0)


@pytest.fixture
def disc(library, links):
    """A page with a disc map alone, in a state."""

    def shown(**state):
        page = Page(library, links, Workspace(library.table, panels=(PanelState("disc", **state),)))
        page.open()
        return page

    return shown


def map_of(page):
    """The last map that the page was sent."""
    return next(page.layers(answer, "map")[0] for answer in reversed(page.sent) if page.layers(answer, "map"))


def planes(layer):
    shape, fine = layer["shape"], [side * layer["detail"] for side in layer["shape"]]
    sizes = {"hue": shape, "strength": shape, "texture": fine}
    return {name: np.frombuffer(layer[name], np.uint8).reshape(size) for name, size in sizes.items()}


def overlapping(library, rows, parts, of=MapOf.SELECTED, *, residual=False):
    """Images of maps as the one function makes them."""
    fields = fields_of(library, rows, parts, of)
    every = [every_field(library, part) for part in parts]
    scale = scale_of(fields, every, of, residual=residual)
    return [image_of(field, scale, residual=residual) for field in fields], scale


def test_the_map_is_of_the_selected_stars(disc, library):
    page = disc()
    every = planes(map_of(page))
    page.change(selection=HOT)
    selected = planes(map_of(page))
    assert not np.array_equal(every["texture"], selected["texture"])
    assert selected["strength"].sum() < every["strength"].sum()
    (image,), _ = overlapping(library, page.workspace.rows, (0,))
    for name, plane in selected.items():
        assert np.array_equal(plane, getattr(image, name)), name
    page.send("choose_map", slot=0, of="all")
    assert np.array_equal(planes(map_of(page))["texture"], every["texture"])
    assert page.workspace.panels[0].map_of is MapOf.ALL
    page.send("choose_map", slot=0, of="difference")
    (image,), scale = overlapping(library, page.workspace.rows, (0,), MapOf.DIFFERENCE)
    assert np.array_equal(planes(map_of(page))["hue"], image.hue)
    bar = map_of(page)["bar"]
    assert bar["label"] == scale.label
    assert float(bar["low"]) == -float(bar["high"]) < 0.0


def test_every_star_selected_is_the_map_of_all_and_no_difference(disc):
    page = disc(map_of=MapOf.DIFFERENCE)
    shown = planes(map_of(page))
    assert set(np.unique(shown["hue"][shown["strength"] > 0])) == {128}
    page.send("choose_map", slot=0, of="selected")
    selected = planes(map_of(page))
    page.send("choose_map", slot=0, of="all")
    assert np.array_equal(planes(map_of(page))["texture"], selected["texture"])


def test_stars_that_are_too_few_for_a_map_are_dots(disc, library):
    page = disc()
    chart, table = page.room.stage.charts[0], library.table
    inside = np.flatnonzero(chart.canvas.shown)[:2]
    answer = page.change(selection=InIds(tuple(map(int, table["obsid"][inside]))))
    assert "too few for a map" in page.layers(answer, "map")[0]["titles"][0][2]
    assert set(page.layers(answer, "chosen")[0]["id"]) == set(table["obsid"][inside].astype(float))
    (dots,) = [items for items in page.room.sharing.drawing(0)().axes[0].collections if len(items.get_offsets()) == 2]
    np.testing.assert_allclose(sorted(dots.get_offsets()[:, 0]), sorted(table["x_gal"][inside]), rtol=1e-6)
    answer = page.send("clear")
    assert not page.layers(answer, "chosen")
    assert page.layers(answer, "selected")[0]["shape"] == [1, 1]
    assert "selected" not in {layer["name"] for layer in page.change(selection=HOT)["layers"]}


def test_a_zoom_keeps_the_map(disc):
    page = disc()
    before = map_of(page)
    page.look([0], window=[-10.0, -6.0, -2.0, 2.0])
    assert map_of(page) == before


def test_the_residual_changes_colours_and_their_bar_without_a_new_view(disc):
    page = disc()
    answer = page.send("switch", slot=0, name=RESIDUAL, on=True)
    assert "stage" not in answer, "the menu stays open"
    bar = page.layers(answer, "map")[0]["bar"]
    assert "mean(R)" in bar["label"]
    assert float(bar["low"]) == -float(bar["high"])
    assert "mean" in page.room.sharing.drawing(0)().axes[0].child_axes[0].get_ylabel()


def test_stars_are_dots_where_they_are_switched_on(disc):
    page = disc()
    page.change(selection=HOT)
    assert not page.layers(page.sent[-1], "selected")
    answer = page.send("switch", slot=0, name=STARS, on=True)
    assert page.pixels(answer, page.layers(answer, "selected")[0]).any()
    answer = page.send("switch", slot=0, name=STARS, on=False)
    assert not page.pixels(answer, page.layers(answer, "selected")[0]).any(), "they are removed"
    assert not page.layers(page.change(selection=InRange("teff", 0.0, 9000.0)), "selected")


@pytest.mark.parametrize("part", [0, ALL_SLICES])
def test_arrows_are_those_of_the_mean_velocity(disc, part):
    page = disc(part=part)
    assert not page.layers(page.look([0]), "arrows")
    answer = page.send("switch", slot=0, name=ARROWS, on=True)
    arrows = page.layers(answer, "arrows")[0]
    assert 0 < arrows["x0"].size < 800
    assert "longest arrow" in page.layers(answer, "map")[0]["titles"][0][2]
    assert not page.layers(page.send("switch", slot=0, name=ARROWS, on=False), "arrows")[0]["x0"].size, "removed"


def test_slices_with_too_few_stars_say_so_in_the_menu(library, links):
    frame = library.products.catalog.table.copy()
    high = frame["z_gal"].abs().between(2.0, 5.0)
    frame.loc[high & (np.arange(len(frame)) % 40 > 0), "v_phi"] = np.nan
    bare = Library(library.products, StarTable.from_frame(frame))
    page = Page(bare, links, Workspace(bare.table, panels=(PanelState("disc", part=3),)))
    page.open()
    parts = page.room.stage.charts[0].spec().map.parts
    assert [choice.lacking for choice in parts] == [False, False, False, True, False]
    assert "too few for a map" in parts[3].label
    assert "too few for a map" in map_of(page)["titles"][0][2]


def test_a_new_disc_map_opens_at_the_first_slice_with_stars(library):
    frame = library.products.catalog.table.copy()
    frame.loc[frame["z_gal"].abs() < 0.5, "v_phi"] = np.nan
    other = Library(library.products, StarTable.from_frame(frame))
    assert [state.part for state in default_panels(other, 6) if state.view == "disc"] == [1]
    assert [state.part for state in default_panels(library, 6) if state.view == "disc"] == [0]


def test_the_map_needs_velocities_and_no_published_maps(library):
    frame = library.products.catalog.table
    bare = Library(replace(library.products, maps=()), StarTable.from_frame(frame))
    assert chart_of(bare, PanelState("disc")).spec().map.part == 0
    still = Library(library.products, StarTable.from_frame(frame.assign(v_phi=np.float32(np.nan))))
    assert "v_phi" in chart_of(still, PanelState("disc")).spec().sentence
    far = Library(library.products, StarTable.from_frame(frame.assign(z_gal=np.float32(9.0))))
    assert chart_of(far, PanelState("disc")).spec().sentence.startswith("No disc map: velocities in space of 0 stars")


def test_the_note_counts_stars_that_are_on_no_map(disc, library):
    page = disc()
    outside = int((~stars_of(library).in_slice(0)).sum())
    assert dict(page.look([0])["notes"])[0][0] == f"{outside:,} outside"
    assert dict(page.send("choose_map", slot=0, of="all")["notes"])[0] is None
    page = disc(part=ALL_SLICES)
    assert dict(page.look([0])["notes"])[0][0] == f"{int((stars_of(library).cell < 0).sum()):,} outside"


def test_all_slices_are_beside_one_another(disc, library):
    page = disc(part=ALL_SLICES)
    page.change(selection=HOT)
    shown, (images, _) = planes(map_of(page)), overlapping(library, page.workspace.rows, range(ALL_SLICES))
    chart = page.room.stage.charts[0]
    grid = chart.layout.grid
    assert map_of(page)["window"] == pytest.approx(list(chart.layout.window))
    for tile, image in zip(chart.layout.tiles, images, strict=True):
        row, column = tile.row * (grid.height + chart.layout.gap), tile.column * (grid.width + chart.layout.gap)
        part = shown["strength"][row : row + grid.height, column : column + grid.width]
        assert np.array_equal(part, image.strength)
    assert shown["strength"].sum(dtype=int) == sum(image.strength.sum(dtype=int) for image in images)
    assert len({title[3] for title in map_of(page)["titles"]}) == ALL_SLICES


def test_shapes_on_one_of_several_maps_are_in_its_coordinates(library):
    one, several = (chart_of(library, PanelState("disc", part=part)) for part in (0, ALL_SLICES))
    tile = several.layout.tiles[1]
    box = Rectangle(x0=-10.0, x1=-6.0, y0=-2.0, y1=3.0)
    moved = Rectangle(x0=-10.0 + tile.x, x1=-6.0 + tile.x, y0=-2.0 + tile.y, y1=3.0 + tile.y)
    assert isinstance(one.region(box), InBox)
    assert np.array_equal(several.region(moved).mask(library.table), one.region(box).mask(library.table))
    corners = [(-10.0, -2.0), (-6.0, -2.0), (-7.0, 3.0)]
    outline = Outline(x=tuple(x + tile.x for x, _ in corners), y=tuple(y + tile.y for _, y in corners))
    drawn = Outline(*(tuple(values) for values in zip(*corners, strict=True)))
    assert np.array_equal(several.region(outline).mask(library.table), one.region(drawn).mask(library.table))
    assert several.region(Outline(x=(), y=())) is None


def test_a_click_and_the_ring_are_on_the_map_of_the_slice(library):
    chart = chart_of(library, PanelState("disc", part=ALL_SLICES))
    assert chart.star_at(0.0, 0.0) is None
    chart.look(chart.layout.window, 800, 700)
    stars, table = stars_of(library), library.table
    for part, tile in enumerate(chart.layout.tiles):
        row = int(np.flatnonzero(stars.in_slice(part))[0])
        (place,) = chart.places_of(row)
        assert place == pytest.approx((table["x_gal"][row] + tile.x, table["y_gal"][row] + tile.y))
        assert chart.places_of(chart.star_at(*place)) == [place]
    assert chart.places_of(int(np.flatnonzero(stars.cell < 0)[0])) == []


def test_another_slice_keeps_the_zoom_and_all_slices_start_anew(library):
    chart = chart_of(library, PanelState("disc", x_ends=(-12.0, -6.0), y_ends=(-2.0, 2.0)))
    assert chart.with_part(2).x_ends == (-12.0, -6.0)
    assert chart.with_part(ALL_SLICES).x_ends is None
    assert chart_of(library, PanelState("disc", part=ALL_SLICES, x_ends=(0.0, 9.0))).with_part(1).x_ends is None


def test_a_link_keeps_what_is_mapped_and_older_links_map_the_selection():
    state = PanelState("disc", part=2, map_of=MapOf.DIFFERENCE)
    assert panel_from_dict(state.to_dict()) == state
    older = {name: value for name, value in state.to_dict().items() if name != "map_of"}
    assert panel_from_dict(older) == replace(state, map_of=MapOf.SELECTED)
    assert panel_from_dict({"view": "hr"}) == PanelState("hr")
    for damaged in ({**state.to_dict(), "map_of": "halves"}, {"part": 1}, [], 7):
        with pytest.raises(ValueError, match=r"halves|damaged"):
            panel_from_dict(damaged)


def test_overlays_are_repeated_and_cut_at_the_edges_of_each_map():
    layout = MapLayout.of(Grid(-10.0, -5.0, 0.5, 40, 20), (0, 1, 2))
    assert layout.shape == (2 * 20 + layout.gap, 2 * 40 + layout.gap)
    x, y = np.float32([-20.0, 0.0, 5.0]), np.float32([0.0, 1.0, 2.0])
    lines = layout.repeated(Overlay("arms", "Arms", Lines((x,), (y,), ("#000000",)))).shape
    assert len(lines.xs) == len(lines.colours) == 3
    for tile, along in zip(layout.tiles, lines.xs, strict=True):
        np.testing.assert_allclose(along, [np.nan, tile.x, 5.0 + tile.x])
    dots = layout.repeated(Overlay("stream", "Model", Dots(x, y))).shape
    assert dots.x.size == dots.y.size == 6
    sun = layout.repeated(Overlay("sun", "Sun", SunMark(-8.0, 0.0))).shape.to_client()
    assert len(sun.x) == len(sun.y) == 3
    moved = layout.moved(Viewport(0.0, 50.0, 0.0, 30.0, 100, 60), layout.tiles[1])
    assert (moved.x_low, moved.y_low) == (-layout.tiles[1].x, -layout.tiles[1].y)


@pytest.mark.parametrize("part", [0, ALL_SLICES])
@pytest.mark.parametrize("of", MapOf)
def test_screen_and_picture_have_the_same_numbers(disc, library, part, of):
    page = disc(part=part, map_of=of)
    page.change(selection=HOT)
    parts = range(ALL_SLICES) if part == ALL_SLICES else (part,)
    images, scale = overlapping(library, page.workspace.rows, parts, of)
    figure = page.room.sharing.drawing(0)()
    drawn = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
    for image, pixels in zip(images, drawn, strict=True):
        assert np.array_equal(pixels, painted(image, scale.ramp))
    joined = page.room.stage.charts[0].layout.joined(images)
    for name, plane in planes(map_of(page)).items():
        assert np.array_equal(plane, getattr(joined, name))


def test_figure_9_of_exports_and_of_the_report_have_the_numbers_of_the_screen(library):
    every, parts = library.table.every, range(ALL_SLICES)
    images, scale = overlapping(library, every, parts)
    survey = Survey.of(library.products)
    report = STAR_FIGURES["9"]
    from matplotlib.figure import Figure

    reported = Figure()
    report.draw(reported, survey.figure_stars())
    for figure in (draw_paper_figure(library, every, "9", ""), reported):
        shown = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
        for image, pixels in zip(images, shown, strict=True):
            assert np.array_equal(pixels, painted(image, scale.ramp))


def test_pictures_show_dots_arrows_and_overlays_that_are_on(disc):
    page = disc(part=ALL_SLICES, switched=(STARS, ARROWS, "sun"))
    page.change(selection=HOT)
    figure = page.room.sharing.drawing(0)()
    FigureCanvasAgg(figure).draw()
    panel = figure.axes[0]
    assert panel.collections, "dots and arrows"
    assert any("longest arrow" in text.get_text() for text in panel.texts)
    assert "stars" in panel.get_title()
    bare = disc().room.sharing.drawing(0)()
    assert not bare.axes[0].collections


class TestAxes:
    def test_one_slice_has_contours_and_several_have_none(self, page):
        slot = next(slot for slot, chart in enumerate(page.room.stage.charts) if isinstance(chart, DiscChart))
        page.send("part", slot=slot, part=0)
        page.send("contours", slot=slot, of="all", levels=[50.0])
        assert page.layers(page.look([slot]), "contours")
        drawn = page.room.sharing.drawing(slot)().axes[0]
        page.send("contours", slot=slot, of="", levels=[50.0])
        without = page.room.sharing.drawing(slot)().axes[0]
        assert len(drawn.get_children()) > len(without.get_children())
        page.send("contours", slot=slot, of="all", levels=[50.0])
        page.send("part", slot=slot, part=len(page.room.stage.charts[slot].slices))
        assert page.workspace.panels[slot].contours == ""
        assert "choose one" in page.send("contours", slot=slot, of="all", levels=[50.0])["message"]

    def test_a_flipped_map_has_its_title_at_the_upper_left_corner(self, page):
        slot = next(slot for slot, chart in enumerate(page.room.stage.charts) if isinstance(chart, DiscChart))
        page.send("axis_flip", slot=slot, axis="x", on=True)
        chart = page.room.stage.charts[slot]
        x_low, x_high, _, _ = chart.layout.grid.window
        assert chart.axes["x"].ends == (x_high, x_low)
        (title,) = page.layers(page.look([slot]), "map")[slot]["titles"]
        assert title[0] == x_high
