"""Scales of axes, typed values, and requests about axes."""

import numpy as np
import pandas as pd
import pytest
from conftest import Page
from hypothesis import given
from hypothesis import strategies as st

from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Curve, FitOverlay, MissingChart
from explorer.charts.view_specs import chart_of
from explorer.model.library import Library
from explorer.model.quantities import read_value
from explorer.model.scales import LINEAR, Scale, ScaleKind, scale_from_dict, symmetric_scale
from explorer.model.selection import InBox, InPolygon, SelectionError, from_dict
from explorer.model.subsets import describe
from explorer.model.table import StarTable
from explorer.protocol import Outline, Rectangle
from explorer.state.panels import PanelState, panel_from_dict
from explorer.state.workspace import Workspace
from pipeline.domain.columns import column

LOG, SYMLOG = Scale(ScaleKind.LOG), Scale(ScaleKind.SYMLOG, 10.0)
widths = st.integers(-8, 8).map(lambda power: 10.0**power)
numbers = st.floats(-1e30, 1e30).filter(lambda value: value == 0 or abs(value) > 1e-30)


@given(numbers, widths)
def test_a_symmetric_scale_and_back_is_the_value(value, width):
    scale = Scale(ScaleKind.SYMLOG, width)
    assert scale.value(scale.coordinate(value)) == pytest.approx(value, rel=1e-10, abs=1e-12 * width)
    assert scale.coordinate(-value) == -scale.coordinate(value)


@given(st.floats(1e-290, 1e290))
def test_a_logarithmic_scale_and_back_is_the_value(value):
    assert LOG.value(LOG.coordinate(value)) == pytest.approx(value, rel=1e-10)


@given(numbers, numbers, widths)
def test_scales_keep_the_order(first, second, width):
    low, high = sorted((first, second))
    for scale in (LINEAR, LOG, Scale(ScaleKind.SYMLOG, width)):
        ends = scale.coordinate(low), scale.coordinate(high)
        assert not ends[0] > ends[1]


@given(st.floats(allow_nan=False, allow_infinity=True), widths)
def test_every_coordinate_has_a_finite_value(coordinate, width):
    for scale in (LOG, Scale(ScaleKind.SYMLOG, width)):
        assert np.isfinite(scale.value(coordinate))


def test_values_without_a_place_have_none():
    assert np.isnan(LOG.forward(np.array([0.0, -1.0, np.nan]))).all()
    assert LOG.forward(np.array([100, 1], np.int16)).tolist() == [2.0, 0.0]
    assert np.isnan(SYMLOG.coordinate(float("nan")))
    with pytest.raises(ValueError, match="above 0; found -1"):
        Scale(ScaleKind.SYMLOG, -1.0)


def test_a_scale_is_stored_and_read():
    for scale in (LINEAR, LOG, SYMLOG):
        assert scale_from_dict(scale.to_dict()) == scale


def test_the_width_of_a_symmetric_scale_follows_the_values():
    values = np.random.default_rng(3).normal(0.0, 500.0, 4000)
    assert symmetric_scale(values).width == 10.0
    assert symmetric_scale(1e6 * values).width == 1e7
    assert symmetric_scale(np.zeros(5)).width == symmetric_scale(np.full(3, np.nan)).width == 1.0


@given(st.floats(-2.0, 4.0), st.floats(-2.0, 4.0), st.sampled_from([LOG, SYMLOG]))
def test_a_box_on_a_scale_is_the_range_of_its_values(first, second, scale):
    values = np.concatenate([[0.0, -3.0, np.nan], np.geomspace(1e-3, 1e5, 300)])
    table = StarTable.from_frame(pd.DataFrame({"obsid": np.arange(values.size), "rv": values, "snr": values}))
    axis = AxisSpec("rv").of(table, "x", scale)
    found = axis.values(first, second)
    low, high = sorted((first, second))
    if found is None:
        assert scale.value(low) == scale.value(high)
        return
    rows = InBox("rv", "snr", *found, -1e9, 1e9).mask(table)
    with np.errstate(invalid="ignore"):
        at = scale.forward(values)
        inside, edge = (at >= low) & (at <= high), (np.abs(at - low) < 1e-12) | (np.abs(at - high) < 1e-12)
    assert np.array_equal(rows[~edge], inside[~edge])


def test_a_longitude_repeats_on_a_linear_axis_alone():
    values = np.array([0.0, 1.0, 10.0, 40.0, 300.0, 359.0])
    table = StarTable.from_frame(pd.DataFrame({"obsid": np.arange(6), "sgr_lambda": values, "snr": values + 1.0}))
    library = Library(None, table)
    state = PanelState("custom", "sgr_lambda", "snr", x_scale=LOG)
    chart = chart_of_plain(library, state)
    spec = chart.spec()
    assert spec.x.turn is spec.x.widest is None
    assert spec.x.ends[1] > np.log10(359.0)
    rows = chart.region(Rectangle(x0=np.log10(200.0), x1=np.log10(500.0), y0=0.0, y1=500.0)).mask(table)
    assert values[rows].tolist() == [300.0, 359.0], "not those of the next turn, which are not on screen"
    corners = np.log10([200.0, 500.0, 500.0, 200.0])
    outline = chart.region(Outline(x=tuple(corners), y=(0.0, 0.0, 500.0, 500.0)))
    assert values[outline.mask(table)].tolist() == [300.0, 359.0]
    chart.look((-1.0, 4.0, 0.0, 500.0), 200, 100)
    assert len(chart.places_of(2)) == 1


def chart_of_plain(library, state):
    """A plane without overlays, which need products."""
    from explorer.charts import plane

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plane, "overlays_of", lambda *_: ())
        return chart_of(library, state)


def test_an_outline_is_described_and_stored_with_its_scales():
    outline = InPolygon("teff", "j_phi", ((3000.0, -5.0), (4000.0, 5.0), (3500.0, 900.0)), LOG, SYMLOG)
    assert describe(outline) == "outline in log Teff, symlog J_φ"
    assert from_dict(outline.to_dict()) == outline
    older = {name: value for name, value in outline.to_dict().items() if not name.endswith("_scale")}
    assert from_dict(older) == InPolygon("teff", "j_phi", outline.vertices)
    assert describe(from_dict(older)) == "outline in Teff, J_φ"
    with pytest.raises(SelectionError, match="damaged"):
        from_dict({**outline.to_dict(), "x_scale": {"kind": "square", "width": 1.0}})


def test_a_view_of_an_older_link_is_read():
    older = {"view": "hr", "x": "", "y": "", "x_ends": [4000.0, 3000.0], "y_ends": None, "switched": [], "part": 0}
    assert panel_from_dict(older) == PanelState("hr", x_ends=(4000.0, 3000.0))
    damaged = ({"x_scale": {"kind": "log"}}, {"x_scale": 3}, {"contours": "some"}, {"levels": [0.0]}, {"levels": []})
    for part in damaged:
        with pytest.raises(ValueError, match=r"damaged|contours of|Contours need"):
            panel_from_dict({**older, **part})


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("3,500", "teff", 3500.0),
        ("12k", "j_phi", 12000.0),
        (" −1.5e3 ", "j_phi", -1500.0),
        ("2000 pc", "distance", 2.0),
        ("2 kpc", "distance", 2.0),
        (".5", "m_h", 0.5),
        ("1 rad", "glon", 57.29577951308232),
    ],
)
def test_values_are_typed_with_units(text, name, value):
    assert read_value(text, column(name)) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "k", "1 2", "nan", "1e999", "1 K", "3 K K", "--1", "1e"])
def test_what_is_no_value_is_refused(text):
    with pytest.raises(SelectionError, match=r"is no (value|unit) of d"):
        read_value(text, column("distance"))


class TestRequests:
    """Of a page with an HR diagram, action space and a histogram."""

    @pytest.fixture
    def page(self, library, links):
        panels = tuple(PanelState(view) for view in ("hr", "actions", "histogram", "disc"))
        page = Page(library, links, Workspace(library.table, panels=panels))
        page.open()
        return page

    def spec(self, answer, slot):
        return answer["stage"]["panels"][slot]

    def test_a_scale_a_flip_and_limits_are_kept_in_links(self, page, library, links):
        x = self.spec(page.send("axis_scale", slot=0, axis="x", scale="log"), 0)["x"]
        assert x["scale"] == "log"
        assert x["ends"][0] > x["ends"][1] > 3.0, "in decades, hot stars left"
        assert self.spec(page.send("axis_flip", slot=0, axis="x", on=True), 0)["x"]["flipped"]
        shown = self.spec(page.send("axis_limits", slot=0, axis="x", low="3500", high="4000 K"), 0)["x"]["ends"]
        assert shown == pytest.approx([np.log10(3500.0), np.log10(4000.0)])
        again = Workspace(library.table)
        again.restore(page.workspace.to_dict())
        assert again.panels == page.workspace.panels
        other = Page(library, links, again)
        assert self.spec(other.send("connect", seen=True), 0)["x"]["ends"] == shown
        back = self.spec(page.send("axis_reset", slot=0, axis="x"), 0)["x"]
        assert back["scale"] == "linear"
        assert not back["flipped"]
        assert back["ends"] == back["home"]

    def test_what_cannot_be_drawn_is_refused_in_a_sentence(self, page):
        before = page.workspace.panels
        assert "Choose symlog" in self.of_negative(page)
        page.send("axis_scale", slot=0, axis="x", scale="log")
        assert "begins above 0; found -1" in page.send("axis_limits", slot=0, axis="x", low="-1", high="9")["message"]
        assert "can be linear, log" in page.send("axis_scale", slot=2, axis="y", scale="symlog")["message"]
        assert "can be linear; found log" in page.send("axis_scale", slot=3, axis="x", scale="log")["message"]
        assert "nothing to make equal" in page.send("aspect", slot=2, equal=True)["message"]
        assert "no contours" in page.send("contours", slot=2, of="all", levels=[50.0])["message"]
        assert "found 0, 50" in page.send("contours", slot=1, of="all", levels=[0.0, 50.0])["message"]
        near = page.send("axis_limits", slot=1, axis="x", low="1000", high="1000.0000001")["message"]
        assert "too near to each other" in near
        assert page.workspace.panels[1:] == before[1:]

    def of_negative(self, page):
        """A log scale of a column without values above 0."""
        table = page.library.table
        frame = pd.DataFrame({name: table[name] for name in ("obsid", "teff", "logg", "snr")})
        frame["k_abs"] = -np.abs(frame["snr"])
        negative = StarTable.from_frame(frame)
        state = PanelState("custom", "k_abs", "snr", x_scale=LOG)
        missing = chart_of(Library(page.library.products, negative), state)
        assert isinstance(missing, MissingChart)
        chart = chart_of(Library(page.library.products, negative), PanelState("custom", "k_abs", "snr"))
        with pytest.raises(SelectionError) as refused:
            chart.with_scale("x", ScaleKind.LOG)
        assert str(refused.value) == missing.sentence
        return missing.sentence

    def test_numbers_of_a_histogram_have_a_scale_and_limits(self, page):
        y = self.spec(page.send("axis_scale", slot=2, axis="y", scale="log"), 2)["y"]
        assert y["scale"] == "log"
        assert page.workspace.panels[2].switched == ("logarithmic",), "as in older links"
        assert self.spec(page.send("axis_limits", slot=2, axis="y", low="", high="300"), 2)["y"]["ends"] == [0.7, 300.0]
        page.look([2])
        assert page.workspace.panels[2].y_ends == (0.7, 300.0), "what is on screen does not replace them"
        assert "needs a maximum" in page.send("axis_limits", slot=2, axis="y", low="2", high="")["message"]
        assert self.spec(page.send("axis_flip", slot=2, axis="y", on=True), 2)["y"]["flipped"]
        figure = page.room.sharing.drawing(2)()
        assert figure.axes[0].get_ylim() == pytest.approx((300.0, 0.7))
        y = self.spec(page.send("axis_reset", slot=2, axis="y"), 2)["y"]
        assert (y["scale"], y["ends"], y["flipped"]) == ("linear", None, False)

    def test_bars_of_a_scaled_column_are_counted_between_its_coordinates(self, page, library):
        page.send("axis", slot=2, axis="x", column="snr")
        page.send("axis_scale", slot=2, axis="x", scale="log")
        layer = page.layers(page.look([2]), "everything")[2]
        at = np.log10(library.table["snr"])
        expected, _ = np.histogram(at, layer["edges"])
        assert np.abs(layer["counts"] - expected).sum() <= 2, "single precision moves a star over an edge"
        assert layer["counts"].sum() > 350

    def test_a_fitted_distribution_has_as_many_stars_on_any_scale(self, library):
        spread, middle = 12.0, 60.0
        fit = FitOverlay(("snr",), density=lambda v: np.exp(-0.5 * ((v - middle) / spread) ** 2), stars=100)
        totals = []
        for scale in (LINEAR, LOG):
            ends = scale.coordinate(10.0), scale.coordinate(130.0)
            state = PanelState("histogram", "snr", x_ends=ends, x_scale=scale, bins=40)
            (curve,) = chart_of(library, state).curves_of(fit, state)
            bar = (ends[1] - ends[0]) / 40
            totals.append(np.trapezoid(curve.y, curve.x) / bar)
        expected = 100 * spread * np.sqrt(2 * np.pi)
        assert totals == pytest.approx([expected, expected], rel=0.01)

    def test_typed_numbers_are_shares_where_these_are_drawn(self, page):
        page.send("axis_scale", slot=2, axis="y", scale="log")
        page.send("axis_limits", slot=2, axis="y", low="", high="300")
        page.send("switch", slot=2, name="normalised", on=True)
        assert page.workspace.panels[2].y_ends is None, "numbers of stars are no shares"
        low, high = self.spec(page.send("axis_limits", slot=2, axis="y", low="", high="0.5"), 2)["y"]["ends"]
        assert high == 0.5
        assert 0.0 < low < 1.0 / page.library.table.n_stars

    def test_a_fitted_line_follows_the_scale(self, library):
        x, y = np.array([10.0, 100.0]), np.array([1.0, 2.0])
        fit = FitOverlay(("snr", "logg"), (Curve(x, y, "#000000", "solid", "#000000"),))
        state = PanelState("custom", "logg", "snr", y_scale=LOG)
        (curve,) = chart_of(library, state).curves_of(fit, state)
        assert [curve.x.tolist(), curve.y.tolist()] == [[1.0, 2.0], [1.0, 2.0]]
        assert chart_of(library, state).curves_of(FitOverlay(("snr", "teff"), fit.curves), state) == ()

    def test_equal_units_are_a_choice(self, page):
        assert not page.room.stage.charts[0].spec().square
        assert self.spec(page.send("aspect", slot=0, equal=True), 0)["square"]
        figure = page.room.sharing.drawing(0)()
        assert figure.axes[0].get_aspect() == 1.0
        assert not self.spec(page.send("aspect", slot=3, equal=False), 3)["square"]
        assert page.workspace.panels[0].square is True
        page.send("aspect", slot=0, equal=False)
        assert page.workspace.panels[0].square is None, "as the view declares it"

    def test_another_column_keeps_the_scale_of_the_other_axis(self, page):
        page.send("axis_scale", slot=1, axis="y", scale="log")
        shown = self.spec(page.send("axis", slot=1, axis="x", column="snr"), 1)
        assert (shown["x"]["scale"], shown["y"]["scale"]) == ("linear", "log")


def test_real_stars_are_selected_where_they_are_seen(shared_data):
    """Distances over three decades, and proper motions of either sign."""
    read = pd.read_csv(shared_data / "lamost_gaia_dr3_6d_nearby.csv")
    frame = pd.DataFrame({"obsid": np.arange(len(read)), "distance": read["distance_pc"] / 1e3, "pmra": read["pmra"]})
    table = StarTable.from_frame(frame)
    scales = {"x_scale": LOG, "y_scale": table.scale("pmra", ScaleKind.SYMLOG)}
    chart = chart_of_plain(Library(None, table), PanelState("custom", "distance", "pmra", **scales))
    x, y = (axis.scale.forward(table[axis.column.name]) for axis in chart.axes.values())
    (low, high), (down, up) = np.quantile(x, (0.2, 0.7)), np.quantile(y, (0.1, 0.8))
    rows = chart.region(Rectangle(x0=low, x1=high, y0=down, y1=up)).mask(table)
    edge = np.isin(x, (low, high)) | np.isin(y, (down, up))
    inside = (x >= low) & (x <= high) & (y >= down) & (y <= up)
    assert np.array_equal(rows[~edge], inside[~edge])
    outline = chart.region(Outline(x=(low, high, high), y=(down, down, up)))
    below = (x > low) & (x < high) & (y > down) & ((y - down) * (high - low) < (up - down) * (x - low))
    assert np.array_equal(outline.mask(table)[~edge], below[~edge])
    assert 100 < below.sum() < rows.sum() < len(read)
