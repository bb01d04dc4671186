"""The Explore page without a browser: gestures in, one message out."""

import numpy as np
import pytest
from conftest import Page

from explorer.charts.chart import MissingChart
from explorer.charts.colouring import ValueScale
from explorer.charts.grid import default_panels
from explorer.charts.plane import PlaneChart
from explorer.charts.view_specs import VIEWS, chart_of
from explorer.model.library import Library
from explorer.model.selection import Everything, HasFlag, InBox, InIds, InPolygon, InRange, Nothing, SelectionMode
from explorer.model.table import StarTable
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from pipeline.domain.flags import ALL_BITS, QualityFlag

BOX = {"type": "rect", "x0": 3900.0, "x1": 3600.0, "y0": 0.0, "y1": 1.0}


@pytest.fixture(params=[key for key in VIEWS if key != "energy"])
def alone(request, library, links):
    """A page with one view."""
    page = Page(library, links, Workspace(library.table, panels=(PanelState(request.param),)))
    page.open()
    return page


@pytest.fixture
def as_images(monkeypatch):
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", 0)
    monkeypatch.setattr("explorer.charts.chart.MAX_FEW", 0)


def drawn(page, answer):
    """What stands in the selected layers, whatever they are made of."""
    found = {}
    for layer in answer.get("layers", []):
        if layer["name"] == "selected":
            found[layer["slot"]] = page.pixels(answer, layer) if "shape" in layer else np.asarray(layer["counts"])
        elif layer["name"] in ("picked", "chosen"):
            found[layer["slot"]] = np.frombuffer(layer["levels"], np.uint8)
        elif layer["name"] == "map":
            found[layer["slot"]] = np.frombuffer(layer["strength"], np.uint8)
    return found


def test_connect_sends_the_state_and_every_view_answers_a_look(page):
    answer = page.send("connect", seen=False)
    assert {"stage", "colours", "legend", "toolbar", "table", "resume"} <= set(answer)
    assert [spec["view"] for spec in answer["stage"]["panels"]] == [state.view for state in page.workspace.panels]
    assert len(answer["colours"]["selected"]) == 4 * 256
    answer = page.look(range(6))
    assert set(drawn(page, answer)) == set(range(6))


@pytest.mark.usefixtures("as_images")
def test_a_brush_changes_every_view_and_nothing_else(page):
    first = page.open()
    assert len(page.layers(first, "everything")) == 5
    answer = page.send("region", slot=0, geometry=BOX, keys=[])
    before, after = drawn(page, first), drawn(page, answer)
    assert set(after) == set(range(6))
    assert not page.layers(answer, "everything")
    for slot in range(6):
        assert 0 < after[slot].astype(bool).sum() < before[slot].astype(bool).sum()
    assert page.workspace.n_selected == int(page.workspace.selection.mask(page.library.table).sum())
    assert page.workspace.selection == InBox("teff", "logg", 3600.0, 3900.0, 0.0, 1.0)
    assert answer["toolbar"]["count"][0] == f"{page.workspace.n_selected:,}"


def test_few_stars_are_single_glyphs(page):
    answer = page.open()
    stars = page.layers(answer, "stars")
    assert set(stars) == set(range(5))
    assert stars[0]["id"].size == stars[0]["x"].size <= 400
    picked = drawn(page, page.send("region", slot=0, geometry=BOX, keys=[]))
    x, y = stars[0]["x"], stars[0]["y"]
    inside = (x >= 3600) & (x <= 3900) & (y >= 0) & (y <= 1)
    assert np.array_equal(picked[0] > 0, inside)


def test_modes_and_keys(page):
    page.open()
    page.send("region", slot=0, geometry=BOX, keys=[])
    first = page.workspace.n_selected
    page.send("region", slot=0, geometry={**BOX, "y1": 2.0}, keys=["shift"])
    assert page.workspace.n_selected > first
    page.send("region", slot=0, geometry=BOX, keys=["shift", "ctrl"])
    inside = InBox("teff", "logg", 3600, 3900, 0, 1).mask(page.library.table)
    assert not (page.workspace.rows & inside).any()
    page.send("mode", value="xor")
    page.send("region", slot=0, geometry=BOX, keys=[])
    assert page.workspace.rows[inside].all()
    page.send("undo")
    assert not (page.workspace.rows & inside).any()
    assert page.send("clear")["toolbar"]["count"][0] == "400"
    assert page.workspace.selection == Everything()


def test_shapes_that_enclose_nothing_change_nothing(page):
    page.open()
    for geometry in (
        {**BOX, "x1": 3900.0},
        {"type": "poly", "x": [0.0, 1.0], "y": [0.0, 1.0]},
        {"type": "point", "x": 1.0, "y": 1.0},
    ):
        page.send("region", slot=0, geometry=geometry, keys=[])
    assert not page.workspace.can_undo
    page.send("region", slot=0, geometry={"type": "poly", "x": [3600, 3900, 3700], "y": [0, 0, 2]}, keys=[])
    assert isinstance(page.workspace.selection, InPolygon)


def test_a_tap_focuses_and_with_keys_selects(page):
    page.open()
    star = 3
    x, y = (float(page.library.table[name][star]) for name in ("teff", "logg"))
    obsid = int(page.library.table["obsid"][star])
    answer = page.send("tap", slot=0, x=x, y=y, keys=[])
    assert page.workspace.focus == obsid
    assert answer["focus"][0] == [0, [pytest.approx(x)], [pytest.approx(y)]]
    page.send("tap", slot=0, x=x, y=y, keys=["ctrl"])
    assert page.workspace.selection.then[-1][1] == InIds((obsid,))
    assert page.workspace.n_selected == 1
    page.workspace.focus = None
    page.send("tap", slot=0, x=x + 4000, y=y, keys=[])
    assert page.workspace.focus is None


def test_every_view_survives_nothing_selected_and_every_colouring(alone):
    for colour in ("count", "teff", "in_training", "subsets"):
        alone.send("colour", value=colour)
        answer = alone.change(selection=Nothing())
        for image in drawn(alone, answer).values():
            assert not image.any()
        assert all(note is None for _, note in answer["notes"])
        alone.change(selection=InRange("teff", 0, 3800))


@pytest.mark.usefixtures("as_images")
def test_colour_by_keeps_colours_when_brushing(page):
    page.open()
    page.workspace.gesture(HasFlag(QualityFlag(ALL_BITS)))
    page.send("colour", value="teff")
    answer = page.send("region", slot=0, geometry={**BOX, "x0": 3800.0, "x1": 3700.0}, keys=[])
    assert "colours" not in answer
    assert page.send("colour", value="teff") == {}
    scale = ValueScale("teff", *page.library.table.limits("teff", 0.02))
    low, high = scale.levels(np.array([3700.0, 3800.0]))
    for slot in range(5):
        levels = drawn(page, answer)[slot]
        assert levels[levels > 0].min(initial=255) >= low
        assert levels.max(initial=0) <= high


def test_dark_recolours_without_new_images(page):
    page.open()
    answer = page.change(dark=True)
    assert answer["theme"] == "dark"
    assert "selected" in answer["colours"]


def test_notes_say_what_cannot_be_shown(page):
    answer = page.open()
    slot = [state.view for state in page.workspace.panels].index("actions")
    hidden = int(np.isnan(page.library.table["j_phi"]).sum())
    assert hidden
    assert dict(answer["notes"])[slot][0] == f"{hidden} without"
    assert dict(page.change(selection=Nothing())["notes"])[slot] is None
    lost = page.library.table["obsid"][np.isnan(page.library.table["j_phi"])]
    note = dict(page.change(selection=InIds((int(lost[0]),)))["notes"])[slot]
    assert note == ["1 without", "1 selected star has no value here"]


def test_swap_axes_overlays_parts_and_grid(page):
    page.open()
    spec = page.send("swap", slot=1, view="space_xz")["stage"]["panels"]
    assert spec[1]["title"] == "Space X-Z"
    assert spec[0] is None
    assert {one["name"] for one in spec[1]["overlays"]} == {"stream", "arrows", "sun", "margins"}
    arrows = page.layers(page.look([1]), "arrows")[1]
    assert 0 < arrows["x0"].size <= 500
    answer = page.send("switch", slot=1, name="arrows", on=False)
    assert answer["switched"] == [1, "arrows", False]
    assert not page.layers(answer, "arrows")
    assert page.workspace.panels[1].switched == ("arrows",)
    spec = page.send("axis", slot=0, axis="y", column="snr")["stage"]["panels"][0]
    assert (spec["view"], spec["x"]["column"], spec["y"]["column"]) == ("custom", "teff", "snr")
    slices = page.send("part", slot=5, part=2)["stage"]["panels"][5]
    assert slices["map"]["part"] == 2
    assert len(page.send("grid", value=8)["stage"]["panels"]) == 8
    assert [state.view for state in default_panels(page.library, 8)[6:]] == ["histogram", "histogram"]
    assert page.send("enlarge", slot=2)["stage"]["enlarged"] == 2
    assert [slot for slot, _ in page.room.stage.on_screen] in ([2], [])
    assert page.send("enlarge", slot=2)["stage"]["enlarged"] is None
    assert len(page.send("grid", value=1)["stage"]["panels"]) == 1


def test_a_histogram_selects_a_range(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("histogram", x="m_h"),)))
    answer = page.open()
    bars = page.layers(answer, "everything")[0]
    values = library.table["m_h"]
    low, high = bars["edges"][[0, -1]]
    assert bars["counts"].sum() == ((values >= low) & (values < high)).sum()
    page.send("region", slot=0, geometry={"type": "rect", "x0": 0.1, "x1": -0.4, "y0": 0, "y1": 5}, keys=[])
    assert page.workspace.selection == InRange("m_h", -0.4, 0.1)
    chosen = page.layers(page.sent[-1], "selected")[0]["counts"]
    assert 0 < chosen.sum() < bars["counts"].sum()
    assert page.send("axis_scale", slot=0, axis="y", scale="log")["stage"]["panels"][0]["y"]["scale"] == "log"


def test_the_ring_is_wherever_its_star_is_seen(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("stream_sky"), PanelState("hr"))))
    page.open()
    star = int(np.nanargmin(np.abs(library.table["sgr_lambda"] - 47)))
    x, y = (float(library.table[name][star]) for name in ("sgr_lambda", "sgr_beta"))
    page.workspace.focus = int(library.table["obsid"][star])
    for window, seen in (((180.0, 540.0), x + 360), ((-648.0, -288.0), x - 360), ((0.0, 360.0), x)):
        answer = page.look([0], window=[*window, -90.0, 90.0])
        slot, xs, ys = answer["focus"][0]
        assert (slot, [at for at in xs if window[0] < at < window[1]]) == (0, [pytest.approx(seen)])
        assert ys == [y] * len(xs)
        assert len(answer["focus"][1][1]) == 1


def test_the_model_has_its_periodic_images(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("stream_sky"), PanelState("hr"))))
    dots = page.layers(page.open(), "dots")
    assert dots == {0: {"kind": "dots", "slot": 0, "name": "dots", "overlays": ["stream"], "images": [[0, 0]]}}
    dots = page.layers(page.look([0], window=[180.0, 540.0, -90.0, 90.0]), "dots")
    assert dots[0]["images"] == [[0, 0], [360, 0]]


def test_bars_of_a_longitude_come_round_as_a_drag_over_them_does(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("histogram", x="sgr_lambda"),)))
    first = page.layers(page.open(), "everything")[0]["counts"].sum()
    assert first <= np.isfinite(library.table["sgr_lambda"]).sum(), "no star stands twice at the start"
    for low, high in ((180.0, 568.0), (-1000.0, -900.0), (700.0, 1100.0)):
        page.look([0], window=[low, high, 0, 1])
        drag = {"type": "rect", "x0": low + 60, "x1": low + 80, "y0": 0, "y1": 5}
        page.send("region", slot=0, geometry=drag, keys=[])
        chosen = page.layers(page.sent[-1], "selected")[0]
        lit = chosen["edges"][:-1][chosen["counts"] > 0]
        assert page.workspace.n_selected > 0
        assert low + 50 < lit.min() <= low + 80
        assert chosen["counts"].sum() >= page.workspace.n_selected


@pytest.mark.parametrize("how", ["nan", "absent"])
def test_missing_columns_are_a_sentence(library, how):
    frame = library.products.catalog.table.copy()
    lost = ["teff", "k_abs", "j_phi", "m_h", "sgr_lambda", "x_gal", "z_gal", "glon", "ra"]
    if how == "nan":
        frame[lost] = np.float32(np.nan)
    else:
        frame = frame.drop(columns=lost)
    bare = Library(library.products, StarTable.from_frame(frame))
    for key in set(VIEWS) - {"histogram", "custom", "corner"}:
        chart = chart_of(bare, PanelState(key))
        assert isinstance(chart, MissingChart), key
        assert chart.sentence.startswith("No ")
        assert "catalogue" in chart.sentence
    assert len(default_panels(bare, 6)) == 6


def test_a_catalogue_without_labels_starts_with_what_it_has(library):
    frame = library.products.catalog.table.drop(columns=["teff", "logg", "alpha_m"])
    bare = Library(library.products, StarTable.from_frame(frame))
    views = [state.view for state in default_panels(bare, 6)]
    assert "hr" not in views
    assert "colour_magnitude" in views


def test_axes_stand_as_in_the_paper(page):
    specs = {spec["view"]: spec for spec in page.send("connect", seen=True)["stage"]["panels"]}
    x, y = specs["hr"]["x"]["ends"], specs["hr"]["y"]["ends"]
    assert x[0] > x[1]
    assert y[0] > y[1]
    assert specs["hr"]["x"]["label"] == "Teff [K]"
    assert specs["stream_sky"]["x"]["ends"] == [0.0, 360.0]
    assert [one["name"] for one in specs["hr"]["overlays"]] == ["isochrones", "errors", "margins"]


def test_what_cannot_be_a_message_is_logged_and_changes_nothing(page, caplog):
    page.open()
    before = page.workspace.to_dict()
    for message in (
        None,
        [],
        "connect",
        {"kind": "format_disk"},
        {"kind": "region", "slot": 99, "geometry": BOX, "keys": []},
        {"kind": "region", "slot": -1, "geometry": BOX, "keys": []},
        {"kind": "region", "slot": 0, "geometry": {"type": "rect", "x0": "a", "x1": 2, "y0": 0, "y1": 1}, "keys": []},
        {"kind": "look", "views": [{"slot": 0, "window": ["nan"], "width": 1, "height": 1}]},
        {"kind": "swap", "slot": 0, "view": "../../etc/passwd"},
        {"kind": "colour", "value": "__class__"},
        {"kind": "mode", "value": "delete"},
        {"kind": "sort", "column": "no_such"},
        {"kind": "axis", "slot": 0, "axis": "x", "column": "no_such"},
        {"kind": "focus", "obsid": "1 or 1"},
    ):
        page.room.channel._handle_msg(message)
    assert "A message could not be handled" in caplog.text
    assert page.workspace.to_dict() == before


def test_a_page_may_be_absurdly_large_or_small(page):
    page.open()
    for width, height in ((0, 0), (-5, 10), (10**9, 1)):
        page.look([0], width, height)
        viewport = page.room.stage.charts[0].viewport
        assert 1 <= viewport.width <= 8192
        assert 1 <= viewport.height <= 8192


def test_toolbar_follows_the_workspace(page):
    page.open()
    state = page.change(selection=InRange("teff", 0, 3750))["toolbar"]
    assert state["count"][:2] == [f"{page.workspace.n_selected:,}", "400"]
    assert state["undo"]
    assert not state["redo"]
    assert page.send("colour", value="m_h")["legend"]["label"] == "[M/H] [dex]"
    page.send("mode", value="xor")
    assert page.workspace.mode is SelectionMode.XOR
    assert page.send("tool", value="lasso")["tool"] == "lasso"


def test_two_pages_do_not_share_state(library, links):
    one, two = (Page(library, links, Workspace(library.table, panels=default_panels(library, 6))) for _ in range(2))
    one.open()
    two.open()
    before = len(two.sent)
    one.send("region", slot=0, geometry=BOX, keys=[])
    assert len(two.sent) == before
    assert two.workspace.selection == Everything()
    panels = [panel for panel in one.room.stage.charts if isinstance(panel, PlaneChart)]
    assert panels[0].canvas.points[0] is two.room.stage.charts[0].canvas.points[0]


def test_a_saved_view_reaches_a_page_that_shows_one_view_alone(page):
    page.open()
    grid = page.workspace.panels
    page.send("enlarge", slot=0)
    page.send("swap", slot=0, view="sky")
    answer = page.change(panels=grid, enlarged=None)
    assert answer["stage"]["panels"][0]["view"] == grid[0].view
    assert answer["stage"]["enlarged"] is None


def test_another_grid_while_one_view_is_alone_has_its_views(page):
    page.open()
    page.send("enlarge", slot=2)
    answer = page.send("grid", value=4)
    assert [spec["view"] for spec in answer["stage"]["panels"]] == [state.view for state in page.workspace.panels]
    assert answer["stage"]["enlarged"] is None


@pytest.mark.usefixtures("as_images")
def test_views_that_were_not_on_screen_learn_what_was_selected(page):
    before = drawn(page, page.open())
    page.send("enlarge", slot=1)
    alone = page.send("region", slot=1, geometry={"type": "rect", "x0": -9e3, "x1": 2e3, "y0": 0, "y1": 9e3}, keys=[])
    assert set(drawn(page, alone)) == {1}
    after = drawn(page, page.send("enlarge", slot=1))
    assert set(after) == set(range(6))
    assert 0 < after[0].astype(bool).sum() < before[0].astype(bool).sum()


def test_a_grid_that_grows_repeats_no_histogram(page):
    page.open()
    page.send("swap", slot=0, view="histogram")
    page.send("grid", value=8)
    shown = [(state.view, state.x) for state in page.workspace.panels]
    assert len(shown) == len(set(shown)) == 8


def test_a_view_ends_at_numbers(page, caplog):
    page.open()
    before = page.workspace.panels
    page.look([0], window=[np.nan, 4000.0, 0.0, 2.0])
    assert "a number is nan" in caplog.text
    assert page.workspace.panels == before


@pytest.mark.parametrize("colour", ["count", "rv", "in_training", "subsets"])
def test_selected_bars_are_seen_whatever_the_colours(page, colour):
    page.open()
    page.send("save_subset", name="some")
    page.send("colour", value=colour)
    page.room.stage.send_colours()
    palettes = page.sent[-1]["colours"]
    opacity = palettes["histogram"][4 * 140 + 3]
    assert opacity == 255
    assert palettes["histogram"][4 * 140 : 4 * 141] != palettes["everything"][4 * 120 : 4 * 121]


def test_views_of_a_larger_grid_are_all_dots_or_all_images(page, monkeypatch):
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", 6 * page.library.table.n_stars)
    page.open()
    page.send("grid", value=8)
    assert set(page.layers(page.look(range(8)), "stars")) == set(range(5))
    page.send("swap", slot=6, view="space_xz")
    page.send("swap", slot=7, view="space_xy")
    answer = page.look([6, 7])
    assert set(page.layers(answer, "everything")) == {0, 1, 2, 3, 4, 6, 7}
    assert not page.layers(answer, "stars")
