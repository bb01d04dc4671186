"""Laws of every view: a test class inherits them, and each entry of the table of views is held to them.

A corner plot is held to those of :mod:`tests.laws.corner_laws`, as each of its cells has axes of its own.

The class needs a fixture ``library`` of a catalogue that has values for every view.
"""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from slow_shading import unpack
from slow_views import inside_box, inside_outline

from explorer.charts.chart import Brush, MissingChart, Shot
from explorer.charts.colouring import Density
from explorer.charts.corner import CornerChart
from explorer.charts.disc import STARS
from explorer.charts.grid import default_panels, has_values, new_state
from explorer.charts.overlays import PackedImage
from explorer.charts.projected import ProjectedChart
from explorer.charts.view_specs import SPECS, VIEWS, chart_of
from explorer.model.library import Library
from explorer.model.selection import SelectionError
from explorer.model.table import StarTable
from explorer.protocol import (
    BarsLayer,
    ChosenLayer,
    CloudLevelsLayer,
    MapLayer,
    MissingSpec,
    Outline,
    PickedLayer,
    Rectangle,
    StarsLayer,
)
from explorer.state.panels import PanelState, panel_from_dict
from pipeline.domain.columns import column
from tests.laws.axis_laws import HEIGHT, WIDTH, AxisLaws, looked_at

ALONE = 20_000
"""Glyphs that a page can spare: with none, stars are an image."""


def holding(library, frame):
    """The library with another table."""
    return Library(library.products, StarTable.from_frame(frame))


def frame_of(library):
    """The table of a library: names of columns and their values."""
    return pd.DataFrame({name: library.table[name] for name in library.table})


def brush_of(rows, *, everything=False):
    return Brush(rows, int(rows.sum()), Density(), everything)


def shot_of(chart, rows):
    return Shot(rows, Density(), chart.state, 0.75, "what is drawn")


def names_of(view):
    return [axis.column for axes in view.columns for axis in axes]


class ViewLaws(AxisLaws):
    """What holds of each view; parametrised over the table of views."""

    @pytest.fixture(params=[spec.key for spec in SPECS if not issubclass(spec.chart, CornerChart)])
    def view(self, request):
        return VIEWS[request.param]

    @pytest.fixture
    def chart(self, view, library):
        return looked_at(chart_of(library, new_state(library, view.key)))

    @pytest.fixture
    def columns(self, chart):
        return [axis.column for axis in chart.axes.values()]

    @pytest.fixture
    def values(self, chart, columns, library):
        """Coordinates of every star; those of a projection have tests of their own."""
        if isinstance(chart, ProjectedChart):
            return np.stack(chart.plane.points(library.table), axis=1)
        return np.stack([library.table[one.name] for one in columns], axis=1)

    @pytest.fixture
    def points(self, chart, values):
        """Coordinates of every star in single precision, NaN where the view cannot show it."""
        values = values.astype(np.float32)
        canvas = getattr(chart, "canvas", None)
        return values if canvas is None or canvas.shown is None else np.where(canvas.shown[:, None], values, np.nan)

    @pytest.fixture
    def box(self, chart):
        """The middle of what is on screen, low and high of each axis."""
        ends = [axis.ends for axis in chart.axes.values()]
        return [sorted((low + 0.2 * (high - low), low + 0.7 * (high - low))) for low, high in ends]

    @pytest.fixture
    def corners(self, box):
        (x0, x1), (y0, y1) = box if len(box) == 2 else (*box, (0.0, 1.0))
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]

    def test_it_is_declared_in_words(self, view):
        assert view.key.isidentifier()
        assert view.title
        assert view.about.endswith(".")
        assert view.chosen or view.columns
        assert all(column(name).is_numeric for name in names_of(view))

    def test_the_page_gets_its_axes_and_switches(self, view, chart, library):
        spec = chart.spec()
        assert spec.view == view.key
        assert not isinstance(spec, MissingSpec)
        for axis in chart.axes.values():
            assert axis.low < axis.high
        assert all(name in library.table for name in chart.names)
        for switch in spec.overlays:
            switched = chart_of(library, PanelState(view.key, switched=(switch.name,)))
            (other,) = (overlay for overlay in switched.spec().overlays if overlay.name == switch.name)
            assert other.on != switch.on

    def test_a_link_brings_back_the_same_view(self, chart, library):
        again = chart_of(library, panel_from_dict(chart.state.to_dict()))
        assert again.title == chart.title
        assert again.axes == chart.axes

    def test_a_rectangle_selects_the_stars_in_it(self, chart, columns, values, box, library):
        (x0, x1), (y0, y1) = box if len(box) == 2 else (*box, (0.0, 1.0))
        rows = chart.region(Rectangle(x0=x1, x1=x0, y0=y0, y1=y1)).mask(library.table)
        assert np.array_equal(rows, inside_box(values, columns, box))
        assert 0 < rows.sum() < library.table.n_stars
        assert chart.region(Rectangle(x0=x0, x1=x0, y0=y0, y1=y1)) is None

    def test_an_outline_selects_the_stars_in_it(self, chart, columns, values, corners, library):
        (x0, y0), _, (x1, y1), _ = corners
        corners.append((0.7 * x0 + 0.3 * x1, 0.5 * (y0 + y1)))  # a dent in the left side
        xs, ys = zip(*corners, strict=True)
        rows = chart.region(Outline(x=xs, y=ys)).mask(library.table)
        if len(columns) == 1:
            assert np.array_equal(rows, inside_box(values, columns, [(min(xs), max(xs))])), "the range that it covers"
        else:
            assert np.array_equal(rows, inside_outline(values, columns, corners))
        assert rows.any()

    def test_a_click_on_a_star_finds_it(self, chart, points):
        chart.background(ALONE)
        known = np.isfinite(points).all(axis=1)
        if len(chart.axes) == 1:
            assert chart.star_at(points[known][0, 0], 0.5) is None, "bars are no stars"
            return
        assert known.any()
        for row in np.flatnonzero(known)[::17]:
            places = chart.places_of(int(row))
            assert places
            assert all(chart.places_of(chart.star_at(*place)) == places for place in places)
        assert all(not chart.places_of(int(row)) for row in np.flatnonzero(~known))

    @pytest.mark.parametrize("glyphs", [ALONE, 0])
    def test_layers_have_the_sizes_that_they_declare(self, chart, library, glyphs):
        layers = [*chart.background(glyphs), *chart.selected(brush_of(library.table.every))]
        names = [layer.name for layer in layers]
        assert len(set(names)) == len(names)
        for layer in layers:
            if isinstance(layer, PackedImage):
                assert unpack(layer.pixels, layer.shape).any()
                assert layer.shape == (HEIGHT, WIDTH)
            elif isinstance(layer, StarsLayer):
                assert layer.x.shape == layer.y.shape == layer.id.shape
                (picked,) = (other for other in layers if isinstance(other, PickedLayer))
                assert len(picked.levels) == layer.id.size
            elif isinstance(layer, BarsLayer):
                assert layer.edges.size == layer.counts.size + 1
                assert layer.counts.any()
            elif isinstance(layer, MapLayer):
                height, width = layer.shape
                assert len(layer.hue) == len(layer.strength) == height * width
                assert len(layer.texture) == height * width * layer.detail**2
                assert any(layer.strength)
                assert len(layer.ramp) == 4 * 256

    def test_one_selected_star_is_drawn_where_it_is_alone(self, view, chart, points, library, monkeypatch):
        monkeypatch.setattr("explorer.charts.chart.MAX_FEW", 0)
        if STARS in chart.switches:  # off over a map
            chart = looked_at(chart_of(library, PanelState(view.key, switched=(STARS,))))
        chart.background(0)
        known = np.flatnonzero(np.isfinite(points).all(axis=1))
        window = np.array(chart.viewport.window).reshape(2, 2)[: points.shape[1]]
        shown = [row for row in known if (window[:, 0] < points[row]).all() and (points[row] < window[:, 1]).all()]
        for row in shown[:: max(len(shown) // 5, 1)]:
            rows = np.arange(library.table.n_stars) == row
            rows.setflags(write=False)
            (layer,) = (drawn for drawn in chart.selected(brush_of(rows)) if drawn.name == "selected")
            if isinstance(layer, BarsLayer):
                (bar,) = np.flatnonzero(layer.counts)
                assert layer.edges[bar] - 1e-5 <= points[row, 0] <= layer.edges[bar + 1] + 1e-5
                continue
            lit = np.argwhere(unpack(layer.pixels, layer.shape))[:, ::-1]
            share = (points[row] - window[:, 0]) / (window[:, 1] - window[:, 0])
            assert lit.size
            assert np.abs(lit + 0.5 - share * (WIDTH, HEIGHT)).max() < chart.canvas.dot_radius + 1.5

    @pytest.mark.parametrize("glyphs", [ALONE, 0])
    def test_a_few_selected_stars_are_drawn_one_by_one_in_place_of_the_image(
        self, view, chart, points, library, glyphs
    ):
        if STARS in chart.switches:  # off over a map
            chart = looked_at(chart_of(library, PanelState(view.key, switched=(STARS,))))
        chart.background(glyphs)
        rows = np.isin(np.arange(library.table.n_stars), np.arange(0, library.table.n_stars, 19))
        rows.setflags(write=False)
        layers = chart.selected(brush_of(rows))
        if len(chart.axes) == 1:
            assert isinstance(layers[0], BarsLayer)
            return
        (chosen,) = (layer for layer in layers if isinstance(layer, ChosenLayer))
        assert not [layer for layer in layers if layer.name in ("selected", "picked")]
        known = np.flatnonzero(rows & np.isfinite(points).all(axis=1))
        assert set(chosen.id) == set(library.table["obsid"][known].astype(float))
        assert len(chosen.levels) == chosen.id.size
        assert 0 not in chosen.levels
        drawn = {(float(x), float(y)) for x, y in zip(chosen.x, chosen.y, strict=True)}
        assert drawn >= {(float(x), float(y)) for x, y in points[known]}

    @pytest.mark.parametrize("glyphs", [ALONE, 0])
    def test_nothing_selected_draws_nothing(self, chart, library, glyphs):
        chart.background(glyphs)
        nothing = np.zeros(library.table.n_stars, bool)
        nothing.setflags(write=False)
        for layer in chart.selected(brush_of(nothing)):
            if isinstance(layer, PackedImage):
                assert not unpack(layer.pixels, layer.shape).any()
            elif isinstance(layer, BarsLayer):
                assert not layer.counts.any()
            elif isinstance(layer, MapLayer):
                assert not any(layer.strength)
            else:
                assert not any(layer.levels if isinstance(layer, PickedLayer | CloudLevelsLayer) else layer.x0)
        assert chart.note is None

    def test_the_note_counts_selected_stars_that_cannot_be_shown(self, chart, points, library):
        chart.background(0)
        chart.selected(brush_of(library.table.every))
        hidden = int((~np.isfinite(points).all(axis=1)).sum())
        assert (chart.note.text.split()[0] if chart.note else "0") == f"{hidden:,}"

    def test_it_is_drawn_as_a_picture(self, chart, library):
        figure = chart.draw(shot_of(chart, library.table.every))
        FigureCanvasAgg(figure).draw()
        axes = figure.axes[0]
        for along, limits in (("x", axes.get_xlim()), ("y", axes.get_ylim())):
            if along in chart.axes:
                assert limits == pytest.approx(chart.axes[along].ends)
        assert axes.get_xlabel()
        assert axes.get_ylabel() or isinstance(chart, ProjectedChart)
        assert any("what is drawn" in text.get_text() for text in figure.texts)

    def test_another_column_on_an_axis_is_a_view_of_it(self, chart, library):
        for along in chart.chosen:
            state = chart.with_axis(along, "snr")
            assert chart_of(library, state).chosen[along] == "snr"
        with pytest.raises(SelectionError, match="has no w axis"):
            chart.with_axis("w", "snr")

    @pytest.mark.parametrize("how", ["absent", "unknown"])
    def test_without_its_columns_it_is_a_sentence(self, view, library, how):
        frame = frame_of(library)
        if view.chosen:  # it shows any column
            frame["quality"] = 0
        kept = ("obsid", "in_training", "quality")
        lost = [name for name in frame if name not in kept and (view.chosen or name in names_of(view))]
        if how == "absent":
            bare = holding(library, frame.drop(columns=lost))
        else:
            bare = holding(library, frame.assign(**dict.fromkeys(lost, np.float32(np.nan))))
        self.check_missing(view, bare)
        if not view.chosen:
            sentence = chart_of(bare, PanelState(view.key)).spec().sentence
            assert view.lacking in sentence
            assert [axis.column for axis in view.columns[-1] if axis.column in sentence]

    def check_missing(self, view, bare):
        """Menu, grid, page and picture say that nothing can be drawn."""
        chart = chart_of(bare, PanelState(view.key))
        assert isinstance(chart, MissingChart)
        assert not has_values(bare, view.key)
        assert view.key not in [state.view for state in default_panels(bare, 6)[1:]]
        spec = chart.spec()
        assert spec.sentence.startswith("No ")
        assert spec.sentence.endswith(".")
        assert chart.background(ALONE) == chart.selected(brush_of(bare.table.every)) == []
        assert chart.region(Rectangle(x0=0, x1=1, y0=0, y1=1)) is chart.star_at(0.0, 0.0) is None
        with pytest.raises(SelectionError, match="nothing that could be a picture"):
            chart.draw(shot_of(chart, bare.table.every))

    def test_a_catalogue_without_stars_is_a_sentence(self, view, library):
        self.check_missing(view, holding(library, frame_of(library).iloc[:0]))

    @pytest.mark.parametrize("stars", [2, 3])
    def test_a_few_stars_are_a_view(self, view, library, stars):
        shown = frame_of(library).dropna().iloc[:stars]
        few = holding(library, shown)
        chart = chart_of(few, PanelState(view.key))
        if isinstance(chart, MissingChart):
            assert "a map needs" in chart.sentence, "too few stars for a map are counted"
            return
        looked_at(chart)
        layers = [*chart.background(ALONE), *chart.selected(brush_of(few.table.every))]
        assert layers
        FigureCanvasAgg(chart.draw(shot_of(chart, few.table.every))).draw()
