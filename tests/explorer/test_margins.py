"""Marginal histograms of a plane, and ranges that are selected on them."""

import numpy as np
import pytest
from conftest import Page
from matplotlib.backends.backend_agg import FigureCanvasAgg

from explorer.charts.categories import Categories
from explorer.charts.chart import Brush, Shot
from explorer.charts.colouring import Density
from explorer.charts.margins import MARGINS, margins_of, relative
from explorer.charts.shading import BARS, Canvas, Viewport
from explorer.charts.view_specs import chart_of
from explorer.model.links import LinkStore
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import InRange, SelectionError
from explorer.state.panels import PanelState, panel_from_dict
from explorer.state.workspace import Workspace

ON = PanelState("hr", switched=(MARGINS,))


def counted(x, y, window, bars=BARS):
    """Obvious twin: numbers of the stars in a window along both axes."""
    x_low, x_high, y_low, y_high = window
    inside = (x >= x_low) & (x < x_high) & (y >= y_low) & (y < y_high)
    ends = ((x, x_low, x_high), (y, y_low, y_high))
    return [np.histogram(values[inside], np.linspace(low, high, bars + 1))[0] for values, low, high in ends]


@pytest.mark.parametrize("scales", [(LINEAR, LINEAR), (Scale(ScaleKind.LOG), LINEAR)], ids=["linear", "log"])
def test_bars_are_the_numbers_of_the_stars_in_view(library, scales):
    table = library.table
    canvas = Canvas(table, "distance", "m_h", scales=scales)
    x, y = (values.astype(np.float64) for values in canvas.points)
    low, high = np.nanpercentile(x, [10, 80])
    view = Viewport(float(low), float(high), -0.6, 0.1, 300, 200)
    rows = table["snr"] > np.median(table["snr"])
    rows.setflags(write=False)
    for chosen in (table.every, rows):
        margins = margins_of(canvas, view, chosen)
        for (bars,), expected in zip((margins.x, margins.y), counted(x[chosen], y[chosen], view.window), strict=True):
            assert np.abs(bars.counts - expected).sum() <= 4, "but for single precision at the edges"
            assert bars.counts.sum() > 10
        assert margins.x[0].counts.sum() == margins.y[0].counts.sum(), "the same stars"
        assert relative(margins.x)[0].max() == 1.0


def test_a_longitude_is_counted_in_each_of_its_turns(library):
    canvas = Canvas(library.table, "glon", "glat")
    once, twice = (
        margins_of(canvas, Viewport(0.0, end, -90.0, 90.0, 300, 200), library.table.every) for end in (360.0, 720.0)
    )
    assert twice.x[0].counts.sum() == 2 * once.x[0].counts.sum() > 0


def test_categories_have_bars_of_their_own(library):
    table = library.table
    codes = (table["teff"] > 3700).astype(np.uint8)
    codes.setflags(write=False)
    colouring = Categories("kind", ("cool", "hot"), ("#111111", "#222222"), codes)
    canvas, view = Canvas(table, "teff", "logg"), Viewport(3000.0, 4500.0, -1.0, 3.0, 300, 200)
    parts = margins_of(canvas, view, table.every, colouring).x
    assert [part.colour for part in parts] == ["#111111", "#222222"]
    whole = margins_of(canvas, view, table.every).x[0].counts
    assert np.array_equal(parts[0].counts + parts[1].counts, whole)
    assert max(heights.max() for heights in relative(parts)) == 1.0, "one scale for all of them"


def test_they_are_a_switch_that_links_keep(library):
    chart = chart_of(library, ON)
    assert chart.switches[MARGINS]
    assert chart.rebuilt_by(MARGINS)
    assert panel_from_dict(ON.to_dict()) == ON
    assert MARGINS in chart.with_axis("x", "snr").switched, "another column keeps them"
    assert MARGINS not in chart_of(library, PanelState("disc")).switches
    assert not chart_of(library, PanelState("disc", switched=(MARGINS,))).shows_margins


def test_a_plane_sends_them_with_its_layers(library):
    chart = chart_of(library, ON)
    chart.look((*chart.spec().x.ends, *chart.spec().y.ends), 240, 160)
    nothing = np.zeros(library.table.n_stars, bool)
    nothing.setflags(write=False)
    (everything,) = (layer for layer in chart.background(0) if layer.name == "margins_all")
    assert everything.window == chart.viewport.window
    for rows, parts in ((library.table.every, 1), (nothing, 0)):
        (layer,) = (
            drawn
            for drawn in chart.selected(Brush(rows, int(rows.sum()), Density(), everything=False))
            if drawn.name == "margins_selected"
        )
        assert len(layer.x) == len(layer.y) == parts
    assert not any(layer.name.startswith("margins") for layer in looked(library, PanelState("hr")).background(0))


def looked(library, state):
    chart = chart_of(library, state)
    chart.look((*chart.spec().x.ends, *chart.spec().y.ends), 240, 160)
    return chart


def test_a_picture_has_them_on_the_axes_of_the_plane(library):
    chart = chart_of(library, ON.with_axis("y", ends=(1.5, 0.2)))
    rows = library.table["m_h"] > -0.2
    figure = chart.draw(Shot(rows, Density(), chart.state, 0.75, "note"))
    FigureCanvasAgg(figure).draw()
    (plane,) = (axes for axes in figure.axes if axes.get_xlabel())
    right, above = (child for child in plane.child_axes if child.patches)
    assert above.get_xlim() == plane.get_xlim()
    assert right.get_ylim() == plane.get_ylim() == (1.5, 0.2)
    assert len(right.patches) == len(above.patches) == 2, "all and selected"
    boxes = [axes.get_window_extent() for axes in (plane, right, above)]
    assert boxes[1].x0 >= boxes[0].x1
    assert boxes[2].y0 >= boxes[0].y1


def test_a_drag_along_a_margin_selects_a_range(library, tmp_path):
    page = Page(library, LinkStore(tmp_path / "links"), Workspace(library.table, panels=(ON,)))
    page.open()
    page.send("axis_range", slot=0, axis="y", start=1.2, end=0.4)
    assert page.workspace.selection == InRange("logg", 0.4, 1.2)
    page.send("axis_range", slot=0, axis="x", start=4000.0, end=3600.0, keys=["ctrl"])
    values = library.table
    expected = (values["logg"] >= 0.4) & (values["logg"] <= 1.2) & (values["teff"] >= 3600) & (values["teff"] <= 4000)
    assert np.array_equal(page.workspace.rows, expected)
    page.send("axis_range", slot=0, axis="x", start=3600.0, end=3600.0)
    assert np.array_equal(page.workspace.rows, expected), "no length, no gesture"


def test_a_view_without_the_axis_refuses_a_range(library):
    with pytest.raises(SelectionError, match="has no y axis"):
        chart_of(library, PanelState("histogram")).range_on("y", 0.0, 1.0)
