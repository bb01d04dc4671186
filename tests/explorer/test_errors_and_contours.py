"""Error bars, ellipses and contours of a plane."""

import numpy as np
import pandas as pd
import pytest
from conftest import Page
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.path import Path

from explorer.charts import errors as errors_module
from explorer.charts.axis import AxisSpec
from explorer.charts.contours import contours_of
from explorer.charts.errors import CORNERS, errors_of, have_errors
from explorer.charts.shading import Canvas, Viewport
from explorer.model.scales import LINEAR, Scale, ScaleKind
from explorer.model.selection import InRange
from explorer.model.table import StarTable
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace

LOG = Scale(ScaleKind.LOG)
VIEW = Viewport(0.0, 10.0, 0.0, 10.0, 300, 200)


def table_of(**columns):
    return StarTable.from_frame(pd.DataFrame({"obsid": np.arange(len(next(iter(columns.values())))), **columns}))


def errors_in(table, x, y, scales=(LINEAR, LINEAR), rows=None, viewport=VIEW):
    axes = {"x": AxisSpec(x).of(table, "x", scales[0]), "y": AxisSpec(y).of(table, "y", scales[1])}
    return errors_of(axes, Canvas(table, x, y, scales=scales), viewport, table.every if rows is None else rows)


def segments(errors):
    ends = np.stack([errors.x0, errors.y0, errors.x1, errors.y1], axis=1)
    return {tuple(np.round(bar, 4).tolist()) for bar in ends}


def test_bars_are_errors_to_either_side_and_percentiles_where_there_are_some():
    nan = np.nan
    table = table_of(
        distance=[2.0, 4.0, 6.0, 50.0],
        distance_16=[1.5, nan, 5.0, 49.0],
        distance_84=[3.0, nan, 6.5, 51.0],
        m_h=[1.0, 2.0, 3.0, 4.0],
        m_h_err=[0.25, 0.5, nan, 1.0],
    )
    assert have_errors(table, "distance", "m_h")
    assert segments(errors_in(table, "distance", "m_h")) == {
        (1.5, 1.0, 3.0, 1.0),
        (2.0, 0.75, 2.0, 1.25),
        (4.0, 1.5, 4.0, 2.5),
        (5.0, 3.0, 6.5, 3.0),
    }, "the star outside the view has none"
    assert not have_errors(table, "obsid", "snr")


def test_bars_end_where_a_logarithmic_axis_has_no_place():
    table = table_of(snr=[1.0, 1.0], m_h=[2.0, 2.0], m_h_err=[1.0, 3.0])
    view = Viewport(0.0, 2.0, -1.0, 1.0, 300, 200)
    errors = errors_in(table, "snr", "m_h", (LINEAR, LOG), viewport=view)
    assert errors.y0 == pytest.approx([0.0, -1.1]), "below the lower edge"
    assert errors.y1 == pytest.approx(np.log10([3.0, 5.0]))


def test_correlated_errors_are_ellipses():
    table = table_of(
        pmra=[5.0, 5.0], pmdec=[5.0, 6.0], pmra_err=[1.0, 1.0], pmdec_err=[2.0, 2.0], pmra_pmdec_corr=[0.6, np.nan]
    )
    errors = errors_in(table, "pmra", "pmdec")
    assert segments(errors) == {(4.0, 6.0, 6.0, 6.0), (5.0, 4.0, 5.0, 8.0)}, "bars of the star without a correlation"
    assert errors.xs.shape == errors.ys.shape == (1, CORNERS)
    x, y = errors.xs[0] - 5.0, errors.ys[0] - 5.0
    distance = (x**2 - 2 * 0.6 * x * y / 2.0 + (y / 2.0) ** 2) / (1 - 0.6**2)
    assert distance == pytest.approx(np.ones(CORNERS), abs=1e-4), "one standard deviation"
    assert errors_in(table, "pmdec", "pmra").xs.shape == (1, CORNERS), "in either order"


def test_more_stars_than_can_be_told_apart_have_no_bars(monkeypatch, library, links):
    monkeypatch.setattr(errors_module, "MAX_ERRORS", 60)
    page = Page(library, links, Workspace(library.table, panels=(PanelState("hr"),)))
    page.open()
    answer = page.send("switch", slot=0, name="errors", on=True)
    assert answer["switched"] == [0, "errors", True]
    assert page.layers(answer, "errors")[0]["x"].size == 0
    assert "zoom in" in answer["notes"][0][1][0]
    limit = float(np.sort(library.table["teff"])[20])
    answer = page.change(selection=InRange("teff", 0.0, limit))
    assert page.layers(answer, "errors")[0]["x"].size == 3 * 2 * 21
    assert answer["notes"][0][1] is None


def test_errors_and_contours_are_in_pictures(library, links):
    state = PanelState("hr", switched=("errors",), contours="selected", levels=(50.0,))
    page = Page(library, links, Workspace(library.table, panels=(state,)))
    page.open()
    figure = page.room.sharing.drawing(0)()
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    assert sum(len(drawn.get_segments()) for drawn in axes.collections if hasattr(drawn, "get_segments")) >= 700
    assert "50 % of the stars in view" in [text.get_text() for text in figure.legends[0].get_texts()]


def enclosed(lines, points):
    """Share of points inside the lines of a level, by the even-odd rule."""
    x, y = lines
    inside = np.zeros(len(points), bool)
    for part in np.split(np.stack([x, y], axis=1), np.flatnonzero(np.isnan(x))):
        corners = part[np.isfinite(part).all(axis=1)]
        if len(corners) > 2:
            inside ^= Path(corners).contains_points(points)
    return inside.mean()


@pytest.mark.parametrize("stars", [400, 20_000])
def test_contours_enclose_their_shares_of_the_stars(stars):
    rng = np.random.default_rng(8)
    points = np.concatenate([rng.normal((3, 3), 0.6, (stars // 2, 2)), rng.normal((7, 6), (0.8, 0.4), (stars // 2, 2))])
    table = table_of(snr=points[:, 0], rv=points[:, 1])
    levels = (10.0, 30.0, 50.0, 70.0, 90.0)
    lines = contours_of(Canvas(table, "snr", "rv"), VIEW, table.every, levels)
    for level, drawn in zip(levels, lines, strict=True):
        assert 100.0 * enclosed(drawn, points) == pytest.approx(level, abs=4.0)


def test_contours_are_of_the_stars_in_view():
    rng = np.random.default_rng(9)
    values = rng.uniform(0.0, 20.0, (4000, 2))
    table = table_of(snr=values[:, 0], rv=values[:, 1])
    canvas = Canvas(table, "snr", "rv")
    (x, y), _ = contours_of(canvas, VIEW, table.every, (50.0, 90.0))
    assert np.nanmin(x) >= 0.0
    assert np.nanmax(x) <= 10.0
    assert np.nanmax(y) <= 10.0
    few = np.arange(4000) < 8
    few.setflags(write=False)
    assert [part.size for line in contours_of(canvas, VIEW, few, (50.0,)) for part in line] == [0, 0]


def test_contours_follow_the_brush_or_stay(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("hr"),)))
    page.open()
    spec = page.send("contours", slot=0, of="selected", levels=[90, 50, 50])["stage"]["panels"][0]
    assert ["◌ 50, 90 %", "", ""] in spec["caption"]
    assert spec["about"].endswith("Contours enclose 50, 90 % of the selected stars in view.")
    assert page.workspace.panels[0].levels == (50.0, 90.0)
    first = page.layers(page.look([0]), "contours")[0]
    assert first["levels"] == [50.0, 90.0]
    limit = float(np.median(library.table["teff"]))
    second = page.layers(page.change(selection=InRange("teff", 0.0, limit)), "contours")[0]
    assert np.nanmax(second["xs"][1]) < np.nanmax(first["xs"][1])
    page.send("contours", slot=0, of="all", levels=[50])
    page.look([0])
    assert not page.layers(page.change(selection=InRange("teff", 0.0, limit - 1.0)), "contours")
