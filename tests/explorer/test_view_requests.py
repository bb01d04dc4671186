"""Requests about views that are repeated, late, or of no page: each changes what it names, or is refused."""

import numpy as np
import pytest
from conftest import Page
from products_factory import make_products

from explorer.charts.axis import AxisSpec
from explorer.charts.colouring import colouring_of
from explorer.charts.disc import RESIDUAL
from explorer.charts.errors import ERRORS
from explorer.charts.shading import Canvas
from explorer.charts.view_specs import VIEWS
from explorer.model.library import open_library
from explorer.model.table import StarTable
from explorer.state.panels import PanelState, panel_from_dict
from explorer.state.workspace import Workspace
from pipeline.domain.own_columns import own_column
from pipeline.science.space.velocity_field import SLICES_KPC


def page_of(library, links, *panels):
    return Page(library, links, Workspace(library.table, panels=panels))


@pytest.fixture(params=[key for key in VIEWS if key != "energy"])
def alone(request, library, links):
    """A page with one view."""
    page = page_of(library, links, PanelState(request.param))
    page.open()
    return page


@pytest.mark.parametrize(("view", "name"), [("hr", "isochrones"), ("disc", RESIDUAL), ("hr", ERRORS)])
def test_a_switch_is_set_however_often_it_is_sent(library, links, view, name):
    page = page_of(library, links, PanelState(view))
    page.open()
    first = page.room.stage.charts[0].switches[name]
    for _ in range(2):  # a double click, before the page knows of the first one
        page.send("switch", slot=0, name=name, on=not first)
        chart = page.room.stage.charts[0]
        assert chart.switches[name] is not first
        assert [overlay.on for overlay in chart.spec().overlays if overlay.name == name] == [not first]
    page.send("switch", slot=0, name=name, on=first)
    assert page.room.stage.charts[0].switches[name] is first
    assert not page.workspace.panels[0].switched


def test_what_a_view_does_not_have_is_refused(page):
    page.open()
    page.send("swap", slot=1, view="histogram")
    before = page.workspace.panels
    assert page.send("switch", slot=0, name="arrows", on=True)["refused"] == "switch"
    assert "no slices" in page.send("part", slot=0, part=1)["message"]
    assert "4 slices" in page.send("part", slot=5, part=5)["message"]
    assert "no map" in page.send("choose_map", slot=0, of="all")["message"]
    assert "no y axis" in page.send("axis", slot=1, axis="y", column="snr")["message"]
    assert page.workspace.panels == before


def test_a_link_to_a_slice_that_a_product_lacks_shows_them_all(library, links):
    page = page_of(library, links, PanelState("disc", part=9))
    assert page.send("connect", seen=True)["stage"]["panels"][0]["map"]["part"] == len(SLICES_KPC)


@pytest.mark.parametrize("window", [[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 2.0, 2.0], [-1e308, 1e308, 0.0, 1.0]])
def test_a_window_without_an_area_is_refused(alone, window):
    answer = alone.send("look", views=[{"slot": 0, "window": window, "width": 100, "height": 100}])
    assert answer["refused"] == "look"
    alone.send("tap", slot=0, x=1.0, y=1.0)
    assert alone.room.stage.charts[0].viewport.drawable
    with pytest.raises(ValueError, match="ends at"):
        panel_from_dict({**PanelState("hr").to_dict(), "x_ends": window[:2], "y_ends": window[2:]})


def test_a_picture_of_a_narrow_view_is_no_larger_than_others(alone, monkeypatch):
    heights = []
    stars_in = Canvas.stars_in

    def counted(canvas, viewport, most):
        heights.append(viewport.height)
        return stars_in(canvas, viewport, most)

    monkeypatch.setattr(Canvas, "stars_in", counted)
    alone.look([0], width=10, height=2300)
    heights.clear()
    figure = alone.room.sharing.drawing(0)()
    assert figure.get_figheight() < 12.0
    assert all(height <= 1400 for height in heights)


@pytest.mark.parametrize("value", [0.0, 3900.0, -1e12, 3e30])
def test_an_axis_of_equal_values_has_room_for_them(library, value):
    values = np.full(library.table.n_stars, value)
    table = StarTable({"obsid": library.table["obsid"], "rv": values})
    axis = AxisSpec("rv").of(table, "x")
    shown = table.axis("rv")[0]
    assert axis.low < shown < axis.high
    assert np.float32(axis.low) < np.float32(axis.high)


def test_columns_that_single_precision_cannot_tell_apart_are_on_no_axis(tmp_path):
    numbers = np.arange(40)
    values = {"near": 1.0 + 1e-12 * numbers, "tiny": 1e-300 * numbers, "small": 1e-40 * numbers, "usual": 0.1 * numbers}
    own = {own_column(name, "float64", "", "", "A test", "mine.csv", set()): values[name] for name in values}
    library = open_library(make_products(tmp_path / "product", 40, spectra=False, own=own))
    assert [column.name for column in library.table.axes() if column.is_own] == ["small", "usual"]
    for column in (column for column in library.table.colourable() if column.is_own):
        levels = colouring_of(library.table, column.name).star_levels(library.table, numbers)
        assert levels.max() > levels[levels > 0].min(), column.name
