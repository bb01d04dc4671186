"""Laws of the axes of every view: scale, direction, limits, links, pictures; see also :mod:`tests.laws.view_laws`."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from slow_views import inside_box, inside_outline

from explorer.charts.chart import Shot
from explorer.charts.colouring import Density
from explorer.charts.grid import new_state
from explorer.charts.view_specs import chart_of
from explorer.model.scales import ScaleKind
from explorer.model.selection import SelectionError
from explorer.protocol import Outline, PlaneSpec, Rectangle
from explorer.state.panels import panel_from_dict
from pipeline.domain.column import declare

WIDTH, HEIGHT = 240, 160
ONCE = declare("once", "float32", "", "", "Once", "A coordinate that does not repeat")


def looked_at(chart):
    """The chart as a page shows it at first."""
    spec = chart.spec()
    chart.look((*spec.x.ends, *(spec.y.ends if isinstance(spec, PlaneSpec) else (0.0, 1.0))), WIDTH, HEIGHT)
    return chart


def usable(chart, along, kind):
    axis = chart.axes[along]
    return chart.table.limits(axis.column.name, scale=chart.table.scale(axis.column.name, kind)) is not None


class AxisLaws:
    """What holds of the axes of each view; the class that inherits it has the fixtures ``view`` and ``library``."""

    @pytest.fixture(params=[ScaleKind.LOG, ScaleKind.SYMLOG])
    def kind(self, request):
        return request.param

    @pytest.fixture
    def scaled(self, view, library, kind):
        """The view with every axis on the scale that has values there."""
        chart = chart_of(library, new_state(library, view.key))
        if kind not in chart.scales:
            with pytest.raises(SelectionError, match="can be linear; found"):
                chart.with_scale("x", kind)
            pytest.skip("its texture is linear")
        state = chart.state
        for along in chart.axes:
            if usable(chart, along, kind):
                state = chart_of(library, state).with_scale(along, kind)
        assert not state.x_scale.is_linear or not state.y_scale.is_linear
        return looked_at(chart_of(library, state))

    @pytest.fixture
    def coordinates(self, scaled, library):
        """Of every star, NaN where a scale has no place for it."""
        axes = scaled.axes.values()
        return np.stack([axis.scale.forward(library.table[axis.column.name]) for axis in axes], axis=1)

    @pytest.fixture
    def middle(self, scaled):
        """The middle of what is on screen, low and high of each axis."""
        ends = [axis.ends for axis in scaled.axes.values()]
        return [sorted((low + 0.15 * (high - low), low + 0.8 * (high - low))) for low, high in ends]

    def columns_of(self, chart):
        return [axis.column if axis.scale.is_linear else ONCE for axis in chart.axes.values()]

    def test_on_a_scale_a_rectangle_selects_the_stars_seen_in_it(self, scaled, coordinates, middle, library):
        (x0, x1), (y0, y1) = middle if len(middle) == 2 else (*middle, (0.0, 1.0))
        rows = scaled.region(Rectangle(x0=x1, x1=x0, y0=y0, y1=y1)).mask(library.table)
        assert np.array_equal(rows, inside_box(coordinates, self.columns_of(scaled), middle))
        assert 0 < rows.sum() < library.table.n_stars
        assert scaled.region(Rectangle(x0=x0, x1=x0, y0=y0, y1=y1)) is None

    def test_on_a_scale_an_outline_selects_the_stars_seen_in_it(self, scaled, coordinates, middle, library):
        (x0, x1), (y0, y1) = middle if len(middle) == 2 else (*middle, (0.0, 1.0))
        corners = [(x0, y0), (x1, 0.7 * y0 + 0.3 * y1), (x1, y1), (0.6 * x0 + 0.4 * x1, 0.5 * (y0 + y1))]
        xs, ys = zip(*corners, strict=True)
        rows = scaled.region(Outline(x=xs, y=ys)).mask(library.table)
        if len(scaled.axes) == 1:
            assert np.array_equal(rows, inside_box(coordinates, self.columns_of(scaled), middle))
        else:
            assert np.array_equal(rows, inside_outline(coordinates, self.columns_of(scaled), corners))
        assert rows.any()

    def test_on_a_scale_a_click_on_a_star_finds_it(self, scaled, coordinates):
        if len(scaled.axes) == 1:
            return
        scaled.background(20_000)
        for row in np.flatnonzero(np.isfinite(coordinates).all(axis=1))[::37]:
            places = scaled.places_of(int(row))
            assert places
            assert all(scaled.places_of(scaled.star_at(*place)) == places for place in places)
        lost = np.flatnonzero(~np.isfinite(coordinates).all(axis=1))
        assert not any(scaled.places_of(int(row)) for row in lost)

    def test_on_a_scale_it_is_drawn_as_a_picture_with_ticks(self, scaled, library):
        shot = Shot(library.table.every, Density(), scaled.state, 0.75, "what is drawn")
        figure = scaled.draw(shot)
        FigureCanvasAgg(figure).draw()
        axes = figure.axes[0]
        for along, drawn, limits in (("x", axes.xaxis, axes.get_xlim()), ("y", axes.yaxis, axes.get_ylim())):
            if along in scaled.axes:
                axis = scaled.axes[along]
                assert limits == pytest.approx(axis.ends)
                labels = [label.get_text() for label in drawn.get_ticklabels()]
                assert len(labels) >= 3
                assert len(set(labels)) == len(labels)

    def test_a_link_brings_back_scale_direction_and_limits(self, scaled, library):
        state = scaled.with_flip("x", on=True)
        again = panel_from_dict(state.to_dict())
        assert again == state
        assert chart_of(library, again).axes["x"].ends == scaled.axes["x"].ends[::-1]

    def test_a_flip_turns_what_is_on_screen_round(self, chart, library):
        spec = chart.spec()
        before = chart.seen((*spec.x.ends, *(spec.y.ends if isinstance(spec, PlaneSpec) else (0.0, 1.0))))
        chart.state = before
        for along in chart.axes:
            flipped = chart_of(library, chart.with_flip(along, on=True))
            assert flipped.axis_spec(along).ends == chart.axis_spec(along).ends[::-1]
            assert flipped.with_flip(along, on=False) == before

    def test_limits_are_typed_in_the_unit_of_the_column(self, chart, library):
        for along, axis in chart.axes.items():
            low, high = axis.scale.value(axis.low), axis.scale.value(axis.high)
            first, last = low + 0.2 * (high - low), low + 0.6 * (high - low)
            state = chart.with_limits(along, f"{first!r}", f"{last!r} {axis.column.unit}")
            shown = chart_of(library, state).axis_spec(along)
            assert shown.ends == pytest.approx((last, first) if axis.inverted else (first, last))
            assert shown.home == axis.ends
            one = chart_of(library, chart.with_limits(along, "", f"{last!r}")).axis_spec(along)
            assert sorted(one.ends) == pytest.approx([axis.low, last])
            assert chart.with_limits(along, "", " ") == replace(chart.state, x_ends=None, y_ends=None)
            for given in ((last, first), (first, first)):
                with pytest.raises(SelectionError, match=r"above the maximum|begin and end"):
                    chart.with_limits(along, *map(repr, given))
            with pytest.raises(SelectionError, match="is no value of"):
                chart.with_limits(along, "many", "2")
            with pytest.raises(SelectionError, match="is no unit of"):
                chart.with_limits(along, "1", "2 parrots")

    def test_a_reset_shows_the_axis_as_it_starts(self, scaled, library):
        chart = looked_at(chart_of(library, scaled.with_flip("x", on=True)))
        chart.state = chart.seen((*chart.spec().x.ends, 0.0, 1.0))
        whole = chart_of(library, chart.with_whole_axis("x"))
        assert whole.axes["x"] == chart_of(library, new_state(library, chart.view.key)).axes["x"]
        assert whole.axis_spec("x").ends == whole.axis_spec("x").home
