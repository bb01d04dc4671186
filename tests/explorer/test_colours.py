"""Colour scales, colour maps, and the look of the stars in all views."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import slow_crowding
from conftest import Page
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.app import build_page
from explorer.charts.categories import Categories, SubsetColours, coloured_by
from explorer.charts.colouring import Density, ValueScale, colouring_of
from explorer.charts.crowding import Crowding
from explorer.charts.grid import default_colour, default_panels
from explorer.charts.palettes import IN_NONE, PAPER, count_ramp, gradient_css, grey_ramp, lightness, ramp_of
from explorer.charts.shading import Canvas, Stars, Viewport
from explorer.model.appearance import Appearance, check_appearance, read_appearance
from explorer.model.colour_maps import COLOUR_MAPS
from explorer.model.selection import InIds, InRange, SelectionError
from explorer.model.table import StarTable
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace

COOL, HOT = InRange("teff", 0.0, 3800.0), InRange("teff", 3800.0, 9000.0)
VIEW = Viewport(0.0, 10.0, 0.0, 10.0, 90, 60)


def table_of(**columns):
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({"obsid": np.arange(1, n + 1), **columns})
    return StarTable.from_frame(frame.astype(dict.fromkeys(columns, np.float32)))


def blended(colour, paper):
    """An opaque colour that looks like a transparent one on the page."""
    alpha = int(colour[7:] or "ff", 16) / 255
    parts = [(int(colour[k : k + 2], 16), int(paper[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(alpha * over + (1 - alpha) * under):02x}" for over, under in parts)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("key", COLOUR_MAPS)
def test_every_colour_of_a_map_is_seen_on_the_page(key, dark):
    colours = ramp_of(COLOUR_MAPS[key], dark)[1:]
    apart = [abs(lightness(colour) - lightness(PAPER[dark])) for colour in colours]
    assert min(apart) > 15
    assert ramp_of(COLOUR_MAPS[key], dark, reverse=True)[1:] == colours[::-1]


@pytest.mark.parametrize("key", [key for key, one in COLOUR_MAPS.items() if not one.diverging])
def test_the_lightness_of_sequential_maps_rises_evenly(key):
    values = np.array([lightness(colour) for colour in COLOUR_MAPS[key].colours])
    steps = np.diff(values[::15])
    assert (steps > 0).all()
    assert steps.max() < 3.0 * steps.min() + 3.0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("key", [key for key, one in COLOUR_MAPS.items() if one.diverging])
def test_the_middle_of_a_diverging_map_is_its_neutral_colour(key, dark):
    red, green, blue = (int(ramp_of(COLOUR_MAPS[key], dark)[128][k : k + 2], 16) for k in (1, 3, 5))
    assert max(red, green, blue) - min(red, green, blue) < 12


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("key", [key for key, one in COLOUR_MAPS.items() if not one.diverging])
def test_the_densest_places_have_the_strongest_contrast_and_sparse_ones_the_least(key, dark):
    paper = PAPER[dark]
    seen = [blended(colour, paper) for colour in count_ramp(dark, COLOUR_MAPS[key])[1::14]]
    contrast = [abs(lightness(colour) - lightness(paper)) for colour in seen]
    assert all(later >= former - 1.0 for former, later in pairwise(contrast))
    assert contrast[-1] > 2.5 * contrast[0]


@pytest.mark.parametrize("dark", [False, True])
def test_stars_in_no_subset_are_no_stronger_than_those_that_are_not_selected(dark):
    paper = lightness(PAPER[dark])
    assert abs(lightness(IN_NONE[dark]) - paper) < abs(lightness(grey_ramp(dark)[200]) - paper)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.integers(0, 999))
def test_levels_of_dots_are_those_of_the_slow_way(n, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.uniform(0.5, 9.5, n).astype(np.float32) for _ in range(2))
    crowding = Crowding(VIEW, Stars(np.arange(n), x, y))
    everything, lone = slow_crowding.density(x, y, VIEW), slow_crowding.density(x[:1], y[:1], VIEW)[0]
    picked = rng.random(n) < 0.6
    some = slow_crowding.density(x[picked], y[picked], VIEW)
    share = np.log(np.maximum(some / lone, 1)) / np.log(max(everything.max() / lone, 2.0))
    levels = crowding.levels(picked)
    assert not levels[~picked].any()
    np.testing.assert_allclose(levels[picked], 1 + 254 * np.minimum(share, 1), atol=2.5)


def test_a_lone_star_is_faint_and_a_crowd_is_not():
    x = np.array([1.0, *np.full(50, 8.0)], np.float32)
    crowding = Crowding(VIEW, Stars(np.arange(51), x, x))
    levels = crowding.levels(np.ones(51, bool))
    assert levels[0] == 1
    assert set(levels[1:]) == {255}
    few = crowding.levels(np.arange(51) < 2)
    assert set(few[:2]) == {1}, "the scale is that of all stars"


@pytest.mark.parametrize("logarithmic", [False, True])
def test_images_and_single_stars_have_the_same_levels(logarithmic):
    values = np.array([0.1, 1.0, 5.0, 20.0, -3.0, np.nan])
    table = table_of(teff=np.arange(6) + 0.5, logg=np.full(6, 5.0), distance=values)
    scale = ValueScale("distance", 0.5, 10.0, logarithmic)
    canvas = Canvas(table, "teff", "logg")
    canvas.dot_radius = 0
    image = scale.layer(canvas, VIEW, table.every).levels
    single = scale.star_levels(table, np.arange(6))
    assert [int(image[30, int((k + 0.5) * 9)]) for k in range(6)] == single.tolist()
    assert single[5] == 0
    assert single[0] == 1
    assert single[3] == 255
    assert single[4] == (0 if logarithmic else 1)
    middle = scale.levels(np.array([np.sqrt(5.0) if logarithmic else 5.25]))
    assert middle[0] == 128


def test_the_ends_of_a_scale_are_typed_or_leave_out_a_share_of_the_stars():
    table = table_of(teff=np.linspace(3000.0, 4000.0, 1001), rv=np.linspace(-100.0, 50.0, 1001))
    assert colouring_of(table, "teff").ends == pytest.approx((3020.0, 3980.0))
    assert colouring_of(table, "teff", Appearance(tail=10.0)).ends == pytest.approx((3100.0, 3900.0))
    assert colouring_of(table, "teff", Appearance(low=3500.0)).ends == pytest.approx((3500.0, 3980.0))
    assert colouring_of(table, "rv").ends == pytest.approx((-97.0, 97.0)), "signed quantities are about zero"
    assert colouring_of(table, "rv", Appearance(low=-5.0, high=20.0)).ends == (-5.0, 20.0)
    low, high = colouring_of(table, "rv", Appearance(logarithmic=True)).ends
    assert 0.0 < low < high


@pytest.mark.parametrize(
    ("look", "highest", "words"),
    [
        (Appearance(logarithmic=True, low=-1.0), 300.0, "above 0"),
        (Appearance(low=1e9), 300.0, "have no room"),
        (Appearance(logarithmic=True), -1.0, "no positive value"),
    ],
)
def test_a_scale_that_cannot_be_is_a_sentence(look, highest, words):
    table = table_of(v_phi=np.linspace(-300.0, highest, 50))
    with pytest.raises(SelectionError, match=words):
        colouring_of(table, "v_phi", look)


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (Appearance(colour_map="jet"), "No colour map is named 'jet'"),
        (Appearance(size=100.0), "size of the dots is 100"),
        (Appearance(opacity=0.0), "opacity is 0"),
        (Appearance(tail=50.0), "percentage beyond each end is 50"),
        (Appearance(low=2.0, high=1.0), "from 2 to 1"),
        (Appearance(low=float("inf")), "no colours between"),
    ],
)
def test_a_look_outside_its_limits_is_refused(look, words):
    with pytest.raises(SelectionError, match=words):
        check_appearance(look)


def test_a_look_reaches_palettes_legend_and_levels_at_once(page):
    page.open()
    page.send("colour", value="m_h")
    look = {"colour_map": "viridis", "reversed": True, "low": -1.0, "high": 0.5, "size": 2.0, "opacity": 0.35}
    answer = page.send("restyle", look=look)
    assert answer["legend"]["low"] == "-1.00"
    assert answer["legend"]["high"] == "0.50"
    assert answer["look"]["look"] == {**answer["look"]["look"], **look}
    assert answer["look"]["usual_map"] == "plasma"
    assert answer["colours"]["dots"] == {"size": 2.0, "opacity": 0.7, "layered": False}
    palette = np.frombuffer(answer["colours"]["selected"], np.uint8).reshape(256, 4)
    first = ramp_of(COLOUR_MAPS["viridis"], dark=False)[-1]
    assert palette[1].tolist() == [*(int(first[k : k + 2], 16) for k in (1, 3, 5)), 128], "half of the usual opacity"
    levels = np.frombuffer(page.layers(answer, "picked")[0]["levels"], np.uint8)
    stars = page.room.stage.charts[0].stars.rows
    expected = ValueScale("m_h", -1.0, 0.5).levels(page.library.table["m_h"][stars])
    np.testing.assert_array_equal(levels, expected)


def test_another_column_has_its_usual_scale_in_the_same_size(page):
    page.open()
    page.send("colour", value="m_h")
    page.send("restyle", look={"low": -1.0, "reversed": True, "colour_map": "kbc", "size": 2.0, "opacity": 0.5})
    page.send("colour", value="teff")
    assert page.workspace.appearance == Appearance(size=2.0, opacity=0.5)


def test_a_look_that_cannot_be_leaves_the_page_as_it_is(page):
    page.open()
    page.send("colour", value="rv")
    for look, words in (({"size": 9.0}, "size of the dots"), ({"low": 0.0, "logarithmic": True}, "above 0")):
        answer = page.send("restyle", look=look)
        assert words in answer["message"]
        assert "colours" not in answer
    assert page.workspace.appearance == Appearance()


@pytest.mark.parametrize(
    ("colour", "look", "words"),
    [
        ("count", {"logarithmic": True}, "numbers of stars have no setting logarithmic"),
        ("in_training", {"colour_map": "magma", "low": 1.0}, "categories have no setting colour_map, low"),
        ("subsets", {"tail": 5.0}, "no setting tail"),
    ],
)
def test_a_setting_that_does_not_apply_is_refused(page, colour, look, words):
    page.open()
    page.send("save_subset", name="some")
    page.send("colour", value=colour)
    assert words in page.send("restyle", look=look)["message"]
    assert page.workspace.appearance == Appearance()


def test_larger_dots_are_larger_in_images_too(page, monkeypatch):
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", 0)
    first = page.open()
    answer = page.send("restyle", look={"size": 2.0})
    lit = [(page.pixels(one, page.layers(one, "selected")[0]) > 0).sum() for one in (first, answer)]
    assert lit[1] > 1.5 * lit[0]
    assert set(page.layers(answer, "everything")) == {0, 1, 2, 3, 4}


def test_links_hold_the_look_and_older_links_have_the_usual_one(page):
    page.workspace.param.update(colour_by="m_h", appearance=Appearance(colour_map="magma", low=-2.0, tail=5.0))
    stored = page.workspace.to_dict()
    other = Workspace(page.library.table)
    other.restore(stored)
    assert other.appearance == page.workspace.appearance
    other.restore({key: value for key, value in stored.items() if key != "appearance"})
    assert other.appearance == Appearance()
    assert other.message == ""
    for damage in ({"size": 99.0}, {"size": "x"}, {"colour_map": "jet"}, {"unknown": 1}, 7):
        other.restore(stored | {"appearance": damage})
        assert "the look of the stars" in other.message
    assert read_appearance({"size": 2}) == Appearance(size=2.0)


def test_a_link_whose_scale_cannot_be_here_opens_with_the_reason(library, links):
    table = table_of(**{name: library.table[name] for name in ("teff", "logg")}, v_phi=-np.ones(library.table.n_stars))
    look = Appearance(logarithmic=True)
    workspace = Workspace(table, panels=(PanelState("hr"),), colour_by="v_phi", appearance=look)
    page = Page(type(library)(library.products, table), links, workspace)
    assert "no positive value" in page.open()["legend"]["label"]


def test_the_first_colours_are_those_of_metallicity_where_most_stars_have_it(library, links, monkeypatch):
    made = []
    monkeypatch.setattr("explorer.app.ExploreRoom", lambda workspace, *_, **__: made.append(workspace) or "room")
    build_page(library, links)
    assert made[0].colour_by == "m_h"
    values = np.full(10, np.nan)
    values[:4] = [0.0, 0.1, 0.2, 0.3]
    assert default_colour(table_of(m_h=values)) == "count"
    assert default_colour(table_of(teff=values)) == "count"
    assert default_colour(table_of(m_h=values[:6])) == "m_h"
    given = np.linspace(-1.0, 0.0, 10)
    assert default_colour(table_of(m_h=values, m_h_input=given)) == "m_h_input"
    assert default_colour(table_of(m_h=given, m_h_input=given)) == "m_h"


def levels_of(page, answer, name):
    return {slot: page.pixels(answer, layer) if "shape" in layer else np.frombuffer(layer["levels"], np.uint8)
            for slot, layer in page.layers(answer, name).items()}  # fmt: skip


@pytest.fixture
def with_subsets(page):
    page.open()
    page.workspace.define_subset("cool", COOL, "#0072b2")
    page.workspace.define_subset("hot", HOT, "#e69f00")
    page.send("colour", value="subsets")
    return page


@pytest.mark.parametrize("glyphs", [20_000, 0])
def test_subsets_are_painted_whatever_is_selected(with_subsets, glyphs, monkeypatch):
    page = with_subsets
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", glyphs)
    first = page.look(range(6))
    assert set(np.unique(levels_of(page, first, "members")[0])) == {0, 1, 2} if not glyphs else {1, 2}
    answer = page.change(selection=COOL)
    assert not page.layers(answer, "members"), "a brush leaves them as they are"
    picked = levels_of(page, answer, "selected" if not glyphs else "picked")[0]
    assert set(np.unique(picked)) == {0, 1}
    hidden = page.send("show_subset", name="hot", visible=False)
    assert set(np.unique(levels_of(page, hidden, "members")[0])) == {0, 1}
    assert [name for name, _ in hidden["legend"]["entries"]] == ["cool", "in none"]
    other = page.send("colour", value="count")
    assert all(not levels.any() for levels in levels_of(page, other, "members").values())
    assert len(page.layers(other, "members")) == 5, "no view keeps them"


def test_the_first_visible_subset_colours_a_star_of_several(with_subsets):
    page = with_subsets
    page.workspace.define_subset("all", InRange("teff", 0.0, 9000.0), "#009e73")
    codes = page.room.stage.colours.present.codes
    assert set(codes) == {0, 1}
    page.send("move_subset", name="all", by=-1)
    page.send("move_subset", name="all", by=-1)
    assert set(page.room.stage.colours.present.codes) == {0}
    page.send("show_subset", name="all", visible=False)
    np.testing.assert_array_equal(page.room.stage.colours.present.codes, codes)
    for name in ("cool", "hot"):
        page.send("show_subset", name=name, visible=False)
    assert page.sent[-1]["legend"]["label"].endswith("(no subset is visible)")


def test_subsets_that_are_not_painted_cost_no_drawing(page):
    page.open()
    page.send("save_subset", name="some")
    assert "layers" not in page.send("show_subset", name="some", visible=False)


def test_a_view_that_comes_back_has_the_members_of_now(with_subsets):
    page = with_subsets
    page.send("enlarge", slot=1)
    page.send("colour", value="m_h")
    back = page.send("enlarge", slot=1)
    assert all(not levels.any() for levels in levels_of(page, back, "members").values())
    assert set(page.layers(back, "members")) == {0, 1, 2, 3, 4}


def few(page, count=5):
    return InIds(tuple(int(obsid) for obsid in page.library.table["obsid"][:count]))


@pytest.mark.parametrize("glyphs", [20_000, 0])
@pytest.mark.parametrize("colour", ["count", "m_h", "in_training", "subsets"])
def test_a_few_selected_stars_are_sent_one_by_one_in_every_view(page, glyphs, colour, monkeypatch):
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", glyphs)
    page.open()
    page.send("colour", value=colour)
    page.send("switch", slot=5, name="stars", on=True)
    answer = page.change(selection=few(page))
    chosen = page.layers(answer, "chosen")
    assert set(chosen) == set(range(6))
    assert chosen[0]["x"].size == len(chosen[0]["levels"]) == 5
    assert not page.layers(answer, "selected")
    assert not page.layers(answer, "picked")
    assert not page.layers(page.send("clear"), "chosen")


def test_a_few_selected_stars_are_where_they_are_on_each_map_of_the_disc(page):
    page.open()
    page.send("part", slot=5, part=len(page.room.stage.charts[5].slices))
    page.send("switch", slot=5, name="stars", on=True)
    chart, table = page.room.stage.charts[5], page.library.table
    rows = [np.flatnonzero(chart.canvases[part].shown)[:2] for part in chart.parts]
    assert sum(map(len, rows)) > 2
    page.look([5])
    answer = page.change(selection=InIds(tuple(int(table["obsid"][row]) for part in rows for row in part)))
    chosen = page.layers(answer, "chosen")[5]
    at = {(float(x), float(y)) for x, y in zip(chosen["x"], chosen["y"], strict=True)}
    tiles = {tile.part: tile for tile in chart.layout.tiles}
    x, y = table["x_gal"], table["y_gal"]
    expected = [
        (x[row] + tiles[part].x, y[row] + tiles[part].y)
        for part, inside in zip(chart.parts, rows, strict=True)
        for row in inside
    ]
    np.testing.assert_allclose(sorted(at), sorted(expected), rtol=1e-5)


def test_few_are_few_beside_all_others(page):
    page.open()
    assert page.layers(page.change(selection=few(page, 100)), "chosen")
    assert not page.layers(page.change(selection=few(page, 101)), "chosen"), "more than a quarter of the catalogue"


def test_stars_without_a_value_are_seen_among_a_few(page):
    page.open()
    table = page.library.table
    lost = table["obsid"][np.isnan(table["j_phi"])][:3]
    page.send("colour", value="j_phi")
    chosen = page.layers(page.change(selection=InIds(tuple(map(int, lost)))), "chosen")
    assert chosen[0]["levels"] == bytes(3)
    assert chosen[0]["x"].size == 3


@pytest.fixture
def sparse(library, links):
    """A page of a catalogue in which few stars have actions."""
    frame = pd.DataFrame({name: library.table[name] for name in library.table})
    frame.loc[20:, ["j_phi", "j_tot"]] = np.float32(np.nan)
    other = type(library)(library.products, StarTable.from_frame(frame))
    return Page(other, links, Workspace(other.table, panels=default_panels(other, 6)))


def test_single_stars_or_images_in_all_views_alike_whatever_they_have_values_for(sparse, monkeypatch):
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", 600)  # a hundred a view
    answer = sparse.open()
    assert not sparse.layers(answer, "stars")
    assert set(sparse.layers(answer, "everything")) == {0, 1, 2, 3, 4}


def test_a_zoomed_view_with_few_stars_shows_them_one_by_one(sparse, monkeypatch):
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", 600)
    sparse.open()
    teff, logg = (float(sparse.library.table[name][3]) for name in ("teff", "logg"))
    answer = sparse.look([0], window=[teff + 30, teff - 30, logg + 0.1, logg - 0.1])
    assert set(sparse.layers(answer, "stars")) == {0}


def test_categories_of_columns_are_no_subsets(library):
    categories = coloured_by(library.table, "in_training", Appearance())
    assert isinstance(categories, Categories)
    assert not isinstance(categories, SubsetColours)
    assert categories.member_codes() is None
    assert isinstance(coloured_by(library.table, "count", Appearance(colour_map="magma")), Density)


@pytest.mark.parametrize("count", [2, 8, 16])
def test_a_colour_bar_begins_and_ends_with_the_ramp(count):
    ramp = ramp_of(COLOUR_MAPS["viridis"], False)
    colours = gradient_css(ramp, count).removesuffix(")").split(", ")[1:]
    assert len(colours) == count
    assert (colours[0], colours[-1]) == (ramp[1], ramp[255])
    assert set(colours) <= set(ramp)
