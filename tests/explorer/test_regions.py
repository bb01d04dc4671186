"""Regions of the selection: handles in views, edits by mouse and numbers, undo."""

import numpy as np
import pytest

from explorer.charts.histogram import HISTOGRAM
from explorer.charts.regions import edited, handles_of, separation
from explorer.charts.view_specs import chart_of
from explorer.model.regions import MAX_REGIONS, region_at, regions_of, removed, replaced
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import (
    Everything,
    InBox,
    InCone,
    InPolygon,
    InRange,
    Inverse,
    Joined,
    Named,
    SelectionError,
    SelectionMode,
)
from explorer.state.panels import PanelState

LOG = Scale(ScaleKind.LOG)
BOX = InBox("teff", "logg", 3500.0, 4000.0, 0.5, 2.0)
OUTLINE = InPolygon("teff", "logg", ((3500.0, 0.5), (4000.0, 0.7), (3700.0, 2.0)))
CONE = InCone(120.0, 30.0, 5.0)
BAND = InRange("teff", 3500.0, 3900.0)


@pytest.fixture
def chart(library):
    """Makes the chart of two columns on scales."""

    def make(x="teff", y="logg", x_scale=LINEAR, y_scale=LINEAR, **parts):
        return chart_of(library, PanelState("custom", x, y, x_scale=x_scale, y_scale=y_scale, **parts))

    return make


@pytest.fixture
def histogram(library):
    return chart_of(library, PanelState(HISTOGRAM, "teff"))


@pytest.fixture
def seen(page):
    """A page with Teff against log g in the first view."""
    page.open()
    page.send("swap", slot=0, view="custom")
    page.send("axis", slot=0, axis="x", column="teff")
    page.send("axis", slot=0, axis="y", column="logg")
    page.look([0])
    return page


def marks(answer, slot=0):
    return [mark for mark in answer["regions"] if mark["slot"] == slot]


def test_regions_are_found_at_their_places_but_not_in_named_subsets():
    selection = (BOX | Named("cool", BAND)) - (OUTLINE & CONE)
    places = regions_of(selection)
    assert [(place.region, place.excluded) for place in places] == [(BOX, False), (OUTLINE, True), (CONE, True)]
    for place in places:
        assert region_at(selection, place.path) is place.region
    assert regions_of(BOX)[0].path == ()
    assert regions_of(Everything()) == []
    assert len(regions_of(Joined(BOX, (("or", BOX),) * 200))) == MAX_REGIONS


@pytest.mark.parametrize("path", [(9,), (0, 0), (1,), (1, 0, 0, 5)])
def test_a_place_that_is_gone_is_refused(path):
    with pytest.raises(SelectionError, match="no longer in the selection"):
        region_at(BOX - (OUTLINE & CONE) if path != (1,) else BOX | Everything(), path)


def test_an_exchange_changes_one_part_alone():
    selection = (BOX | OUTLINE) - CONE
    for place in regions_of(selection):
        other = replaced(selection, place.path, BAND)
        assert region_at(other, place.path) == BAND
        same = [part for part in regions_of(other) if part.path != place.path]
        assert all(region_at(selection, part.path) is part.region for part in same)


@pytest.mark.parametrize(
    ("selection", "path", "left"),
    [
        (BOX, (), Everything()),
        (BOX | CONE, (0,), CONE),
        (BOX | CONE, (1,), BOX),
        ((BOX | CONE) & BAND, (1,), BOX & BAND),
        (BOX - CONE, (1, 0), BOX),
        (Inverse(BOX), (0,), Everything()),
        (BOX - (CONE & BAND), (1, 0, 1), BOX - CONE),
    ],
    ids=["alone", "first", "last", "middle", "excluded", "inverse", "nested"],
)
def test_a_region_is_removed_with_its_operation(selection, path, left):
    assert removed(selection, path) == left


@pytest.mark.parametrize("scale", [LINEAR, LOG, Scale(ScaleKind.SYMLOG, 500.0)], ids=["linear", "log", "symlog"])
@pytest.mark.parametrize("region", [BOX, OUTLINE, BAND], ids=["box", "outline", "range"])
def test_handles_are_where_the_axis_has_the_numbers_and_unmoved_ones_keep_them(chart, region, scale):
    view = chart(x_scale=scale)
    handles = handles_of(view, region)
    assert edited(view, region, handles.x.tolist(), handles.y.tolist()) == region
    shifted = handles.x.copy()
    shifted[0] -= 0.01 * (shifted.max() - shifted.min())
    moved = edited(view, region, shifted.tolist(), handles.y.tolist())
    now = handles_of(view, moved)
    np.testing.assert_allclose(now.x, shifted, rtol=1e-9)
    np.testing.assert_array_equal(now.x[1:], handles.x[1:])
    np.testing.assert_array_equal(now.y, handles.y)


def test_a_moved_box_selects_the_stars_within_it_on_any_scale(chart, table):
    view = chart(x_scale=LOG)
    handles = handles_of(view, BOX)
    moved = edited(view, BOX, (handles.x + 0.02).tolist(), (handles.y - 0.3).tolist())
    inside = (table["teff"] >= 3500 * 10**0.02) & (table["teff"] <= 4000 * 10**0.02)
    inside &= (table["logg"] >= 0.2) & (table["logg"] <= 1.7)
    assert inside.any()
    np.testing.assert_array_equal(moved.mask(table), inside)


def test_views_with_exchanged_axes_show_the_same_region(chart):
    there, turned = handles_of(chart(), BOX), handles_of(chart("logg", "teff"), BOX)
    np.testing.assert_array_equal(there.x, turned.y)
    np.testing.assert_array_equal(there.y, turned.x)
    assert edited(chart("logg", "teff"), BOX, (0.6, 2.0), (3500.0, 4000.0)) == InBox("teff", "logg", 3500, 4000, 0.6, 2)
    assert handles_of(chart("teff", "m_h"), BOX) is None
    assert handles_of(chart("m_h", "teff"), BAND).form == "range"
    assert len(handles_of(chart("m_h", "teff"), BAND).x) == 0


def test_a_box_turned_inside_out_is_put_in_order_and_one_without_width_is_refused(chart):
    assert edited(chart(), BOX, (4200.0, 4000.0), (0.5, 2.0)) == InBox("teff", "logg", 4000.0, 4200.0, 0.5, 2.0)
    with pytest.raises(SelectionError, match="no width in Teff"):
        edited(chart(), BOX, (4000.0, 4000.0), (0.5, 2.0))


def test_an_end_that_a_logarithmic_axis_does_not_reach_stays(chart):
    region = InBox("teff", "logg", -5.0, 4000.0, 0.5, 2.0)
    view = chart(x_scale=LOG)
    handles = handles_of(view, region)
    assert np.isfinite(handles.x).all()
    moved = edited(view, region, [handles.x[0], handles.x[1] + 0.01], handles.y.tolist())
    assert (moved.x_low, moved.x_high) == (-5.0, pytest.approx(4000 * 10**0.01))


def test_an_outline_is_curved_on_another_scale(seen):
    answer = seen.change(selection=OUTLINE)
    assert len(marks(answer)[0]["line_x"]) == 0
    answer = seen.send("axis_scale", slot=0, axis="x", scale="log")
    (mark,) = marks(answer)
    line_x, line_y = (10.0 ** np.asarray(mark["line_x"]), np.asarray(mark["line_y"]))
    (x0, y0), (x1, y1) = OUTLINE.vertices[:2]
    np.testing.assert_allclose(line_y[:9], y0 + (line_x[:9] - x0) / (x1 - x0) * (y1 - y0), rtol=1e-9)
    assert (line_x[0], line_x[-1]) == (pytest.approx(x0), pytest.approx(x0))


def test_a_circle_keeps_its_radius_when_moved_and_has_that_of_its_rim(chart):
    view = chart("ra", "dec")
    handles = handles_of(view, CONE)
    moved = edited(view, CONE, (handles.x + 250.0).tolist(), (handles.y + 20.0).tolist())
    assert moved == InCone(10.0, 50.0, 5.0)
    wider = edited(view, CONE, [120.0, 132.0], [30.0, 30.0])
    assert wider.radius == pytest.approx(separation(120, 30, 132, 30))
    assert separation(10, 80, 190, 80) == pytest.approx(20.0)
    assert handles_of(chart("ra", "dec", x_scale=LOG), CONE) is None


def test_a_drag_of_many_steps_is_one_step_of_undo_and_one_message_each(seen):
    seen.change(selection=BOX)
    for step in range(1, 6):
        answer = seen.send("edit_region", slot=0, path=[], gesture="g1", x=[3500, 4000 + 10 * step], y=[0.5, 2.0])
        assert list(marks(answer)[0]["x"]) == [3500, 4000 + 10 * step]
        assert {layer["name"] for layer in answer["layers"]} >= {"picked"}
    assert seen.workspace.selection.x_high == 4050
    seen.send("edit_region", slot=0, path=[], gesture="g2", x=[3400, 4050], y=[0.5, 2.0])
    seen.send("undo")
    assert seen.workspace.selection == InBox("teff", "logg", 3500, 4050, 0.5, 2)
    seen.send("undo")
    assert seen.workspace.selection == BOX
    assert seen.send("redo")["regions"]
    assert seen.workspace.selection.x_high == 4050


def test_a_gesture_that_goes_on_after_another_change_is_a_step_of_its_own(seen):
    seen.change(selection=BOX)
    seen.send("edit_region", slot=0, path=[], gesture="g", x=[3500, 4100], y=[0.5, 2.0])
    seen.change(selection=BOX)
    seen.send("edit_region", slot=0, path=[], gesture="g", x=[3500, 4200], y=[0.5, 2.0])
    seen.send("undo")
    assert seen.workspace.selection == BOX


def test_a_part_of_a_selection_is_edited_and_the_rows_are_right(seen):
    seen.workspace.gesture(BOX)
    seen.workspace.gesture(InBox("teff", "logg", 3000, 3600, 0, 5), SelectionMode.ADD)
    seen.workspace.gesture(OUTLINE, SelectionMode.SUBTRACT)
    seen.workspace.gesture(InRange("m_h", -1, 1), SelectionMode.INTERSECT)
    for step in range(3):
        path = regions_of(seen.workspace.selection)[1].path
        seen.send("edit_region", slot=0, path=path, gesture="g", x=[3000, 3700 + step], y=[0, 5])
        np.testing.assert_array_equal(seen.workspace.rows, seen.workspace.selection.mask(seen.workspace.table))
    path = regions_of(seen.workspace.selection)[2].path
    seen.send("edit_region", slot=0, path=path, gesture="h", x=[3500, 4100, 3700], y=[0.5, 0.7, 2])
    np.testing.assert_array_equal(seen.workspace.rows, seen.workspace.selection.mask(seen.workspace.table))
    seen.send("undo")
    np.testing.assert_array_equal(seen.workspace.rows, seen.workspace.selection.mask(seen.workspace.table))


def test_regions_are_in_every_view_of_their_columns_and_go_with_the_selection(seen):
    answer = seen.change(selection=BAND)
    shown = {slot for slot, chart in enumerate(seen.room.stage.charts) if "teff" in chart.names}
    assert {mark["slot"] for mark in answer["regions"]} == shown
    assert marks(answer)[0]["form"] == "range"
    assert seen.send("clear")["regions"] == []


@pytest.mark.parametrize(
    ("form", "rows", "region"),
    [
        ("box", [["3500", "4000"], ["0.5", "2"]], BOX),
        ("box", [["4 000 K", "3500"], ["2", "0.5"]], None),
        ("range", [["3500", "3.9k"]], BAND),
        ("polygon", [["3500", "0.5"], ["4000", "0.7"], ["3700", "2"]], OUTLINE),
    ],
    ids=["box", "blank", "range", "polygon"],
)
def test_typed_regions_are_added_by_the_mode(seen, form, rows, region):
    answer = seen.send("add_region", slot=0, form=form, rows=rows)
    if region is None:
        assert "is no unit of Teff" in answer["message"]
        assert seen.workspace.selection == Everything()
        return
    assert seen.workspace.selection == region
    seen.send("mode", value="subtract")
    seen.send("add_region", slot=0, form="range", rows=[["3600", "3700"]])
    assert seen.workspace.selection == region - InRange("teff", 3600, 3700)


def test_typed_numbers_replace_those_of_a_region_and_unchanged_texts_keep_them(seen):
    exact = InBox("teff", "logg", 3500.123456789, 4000.0, 0.123456789123, 2.0)
    (mark,) = marks(seen.change(selection=exact))
    assert mark["fields"] == [["3500.123", "4000"], ["0.1234568", "2"]]
    rows = [["3500.123", "4100 K"], ["0.1234568", "2"]]
    answer = seen.send("type_region", slot=0, path=[], rows=rows)
    assert seen.workspace.selection == InBox("teff", "logg", 3500.123456789, 4100.0, 0.123456789123, 2.0)
    assert marks(answer)[0]["fields"][0] == ["3500.123", "4100"]
    seen.send("undo")
    assert seen.workspace.selection == exact


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["1", "2"]], "minimum and the maximum"),
        ([["x", "2"], ["1", "2"]], "'x' is no value of"),
        ([["5", "5"], ["1", "2"]], "no width"),
        ([["1 kg", "5"], ["1", "2"]], "no unit of"),
    ],
)
def test_wrong_numbers_are_refused_and_the_form_shows_the_former_ones(seen, rows, words):
    seen.change(selection=BOX)
    answer = seen.send("type_region", slot=0, path=[], rows=rows)
    assert words in answer["message"]
    assert marks(answer)[0]["fields"] == [["3500", "4000"], ["0.5", "2"]]
    assert seen.workspace.selection == BOX


def test_a_circle_is_typed_where_the_sky_is_shown(seen):
    assert (
        "does not show RA and Dec" in seen.send("add_region", slot=0, form="circle", rows=[["1", "2", "3"]])["message"]
    )
    seen.send("axis", slot=0, axis="x", column="ra")
    seen.send("axis", slot=0, axis="y", column="dec")
    answer = seen.send("add_region", slot=0, form="circle", rows=[["120", "30", "300 arcmin"]])
    assert seen.workspace.selection == CONE
    (mark,) = marks(answer)
    assert (mark["form"], mark["fields"]) == ("circle", [["120", "30", "5"]])
    seen.send("type_region", slot=0, path=[], rows=[["120", "30", "6"]])
    assert seen.workspace.selection == InCone(120, 30, 6)
    assert "radius of 0 to 180" in seen.send("type_region", slot=0, path=[], rows=[["120", "30", "600"]])["message"]


def test_a_histogram_has_ranges(histogram):
    handles = handles_of(histogram, BAND)
    assert (handles.form, handles.x.tolist(), len(handles.y)) == ("range", [3500, 3900], 0)
    assert edited(histogram, BAND, [3500, 4000], []) == InRange("teff", 3500, 4000)
    assert handles_of(histogram, BOX) is None


def test_a_late_or_damaged_edit_changes_nothing(seen):
    seen.change(selection=BOX)
    for edit in ({"path": [3]}, {"x": [1, 2, 3]}, {"slot": 1}):
        message = {"slot": 0, "path": [], "gesture": "g", "x": [1, 2], "y": [1, 2]} | edit
        answer = seen.send("edit_region", **message)
        assert answer["message"]
        assert "regions" in answer, "the page waits for it"
    assert seen.workspace.selection == BOX


def test_a_region_is_removed_by_one_step(seen):
    seen.workspace.gesture(BOX)
    seen.workspace.gesture(OUTLINE, SelectionMode.ADD)
    assert len(marks(seen.send("remove_region", path=[0]))) == 1
    assert seen.workspace.selection == OUTLINE
    seen.send("undo")
    assert seen.workspace.selection == BOX | OUTLINE


@pytest.mark.parametrize("view", ["sky_map", "space_3d"])
def test_an_outline_on_a_projection_is_moved_there_and_others_are_not_shown(page, view):
    page.open()
    page.send("swap", slot=0, view=view)
    page.look([0])
    for region in (CONE, InBox("ra", "dec", 0, 90, 0, 30), InBox("x_gal", "y_gal", -9, 9, 0, 3)):
        answer = page.change(selection=region)
        assert not any(mark["slot"] == 0 for mark in answer.get("regions", []))
    answer = page.send("region", slot=0, geometry={"type": "poly", "x": [-20, 20, 0], "y": [-20, -20, 20]})
    (mark,) = marks(answer)
    assert (mark["form"], list(mark["x"]), mark["fields"]) == ("polygon", [-20, 20, 0], [])
    before = page.workspace.selection
    page.send("edit_region", slot=0, path=[], gesture="g", x=[-20, 20, 0], y=[-20, -20, 30])
    assert page.workspace.selection.vertices[2] == (0, 30)
    assert page.workspace.selection.plane == before.plane
    page.send("undo")
    assert page.workspace.selection == before
    rows = [["1", "2"]] * 3
    assert "shows a projection" in page.send("type_region", slot=0, path=[], rows=rows)["message"]
    assert "shows a projection" in page.send("add_region", slot=0, form="polygon", rows=rows)["message"]
