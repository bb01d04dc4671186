"""Laws of corner plots: in each cell, what holds of a plane or a histogram of its columns.

The class needs a fixture ``library`` of a catalogue that has values for every view.
"""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from slow_shading import unpack
from slow_views import inside_box, inside_outline

from explorer.charts.categories import coloured_by
from explorer.charts.chart import MissingChart
from explorer.charts.corner import CORNER, CORNER_BARS
from explorer.charts.grid import default_panels, has_values, new_state
from explorer.charts.overlays import PackedImage
from explorer.charts.view_specs import VIEWS, chart_of
from explorer.model.appearance import Appearance
from explorer.model.selection import SelectionError
from explorer.protocol import ChosenLayer, Outline, Rectangle
from explorer.state.panels import MAX_CORNER, PanelState, panel_from_dict
from tests.laws.view_laws import brush_of, frame_of, holding, names_of, shot_of

SIX = ("teff", "logg", "m_h", "glon", "distance", "rv")
"""A longitude, and columns that are read to the left or downwards, among them."""

WIDTH, HEIGHT = 613, 487
"""Pixels that no number of cells divides."""


def looked_at(chart):
    chart.look((0.0, 1.0, 0.0, 1.0), WIDTH, HEIGHT)
    return chart


class CornerLaws:
    """What holds of corner plots."""

    @pytest.fixture(params=[(), SIX], ids=["first", "six"])
    def chart(self, request, library):
        return looked_at(chart_of(library, PanelState(CORNER, columns=request.param)))

    @pytest.fixture
    def planes(self, chart):
        """Cells with two columns, and the declarations of these."""
        return [(cell, [cell.x.axis.column, cell.y.axis.column]) for cell in chart.cells if not cell.is_diagonal]

    def middle(self, cell):
        """A part of the cell, in the plane of all cells, and its values along both axes."""
        places, values = [], []
        for side in (cell.x, cell.y):
            length = side.last - side.first
            first, last = side.first + 0.2 * length, side.first + 0.7 * length
            places.append((first, last))
            values.append(sorted((side.inside(first), side.inside(last))))
        return places, values

    def test_it_is_declared_in_words(self):
        view = VIEWS[CORNER]
        assert view.about.endswith(".")
        assert len(names_of(view)) >= MAX_CORNER

    def test_the_page_gets_the_axes_of_every_column(self, chart, library):
        spec = chart.spec()
        assert [axis.column for axis in spec.x] == [axis.column for axis in spec.y] == list(chart.columns)
        assert len(chart.cells) == len(spec.x) * (len(spec.x) + 1) // 2
        for axis in (*spec.x, *spec.y):
            assert axis.ends[0] != axis.ends[1]
            assert axis.column in library.table

    def test_a_link_brings_back_the_same_columns(self, chart, library):
        again = chart_of(library, panel_from_dict(chart.state.to_dict()))
        assert again.columns == chart.columns
        assert again.spec() == chart.spec()

    def test_a_rectangle_in_a_cell_selects_the_stars_in_it(self, chart, planes, library):
        for cell, columns in planes:
            ((x0, x1), (y0, y1)), values = self.middle(cell)
            rows = chart.region(Rectangle(x0=x1, x1=x0, y0=y0, y1=y1)).mask(library.table)
            points = np.stack([library.table[column.name] for column in columns], axis=1)
            assert np.array_equal(rows, inside_box(points, columns, values))
            assert rows.any()
            assert chart.region(Rectangle(x0=x0, x1=x0, y0=y0, y1=y1)) is None

    def test_an_outline_in_a_cell_selects_the_stars_in_it(self, chart, planes, library):
        for cell, columns in planes:
            ((x0, x1), (y0, y1)), _ = self.middle(cell)
            xs, ys = (x0, x1, 0.5 * (x0 + x1)), (y0, y0, y1)
            corners = [(cell.x.inside(x), cell.y.inside(y)) for x, y in zip(xs, ys, strict=True)]
            rows = chart.region(Outline(x=xs, y=ys)).mask(library.table)
            points = np.stack([library.table[column.name] for column in columns], axis=1)
            assert np.array_equal(rows, inside_outline(points, columns, corners))
            assert rows.any()

    def test_a_drag_over_a_histogram_selects_its_range(self, chart, library):
        for cell in chart.cells:
            if cell.is_diagonal:
                ((x0, x1), (y0, y1)), (values, _) = self.middle(cell)
                column = cell.x.axis.column
                points = library.table[column.name][:, None]
                inside = inside_box(points, [column], [values])
                assert np.array_equal(chart.region(Rectangle(x0, x1, y0, y1)).mask(library.table), inside)
                outline = Outline(x=(x0, x1, x1), y=(y0, y0, y1))
                assert np.array_equal(chart.region(outline).mask(library.table), inside)

    def test_between_the_cells_nothing_is_selected(self, chart):
        count = len(chart.columns)
        assert chart.region(Rectangle(x0=count - 0.6, x1=count - 0.4, y0=count - 0.6, y1=count - 0.4)) is None
        assert chart.region(Rectangle(x0=0.999, x1=1.001, y0=0.2, y1=0.8)) is None
        assert chart.region(Outline(x=(0.2, 0.4), y=(0.2, 0.4))) is None
        assert chart.star_at(count - 0.5, count - 0.5) is None
        assert chart.star_at(0.5, count - 0.5) is None, "bars are no stars"

    def test_a_click_on_a_star_finds_it_in_every_cell(self, chart, library):
        known = np.flatnonzero(chart.known)
        for row in known[::37]:
            for place in chart.places_of(int(row)):
                found = chart.star_at(*place)
                assert any(np.allclose(place, other, atol=0.02) for other in chart.places_of(found))
        assert sum(len(chart.places_of(int(row))) for row in known[::37]) > len(known[::37])
        empty = int(np.flatnonzero(~np.isfinite(library.table[chart.columns[0]]))[0])
        count = len(chart.columns)
        assert len(chart.places_of(empty)) <= (count - 1) * (count - 2) // 2, "none in the first column"

    def test_layers_have_the_sizes_that_they_declare(self, chart, library):
        layers = [*chart.background(0), *chart.selected(brush_of(library.table.every))]
        names = [layer.name for layer in layers]
        assert names == ["everything", "steps_all", "selected", "steps_selected"]
        for layer in layers:
            if isinstance(layer, PackedImage):
                assert layer.shape == (HEIGHT, WIDTH)
                assert unpack(layer.pixels, layer.shape).any()
            else:
                assert len(layer.xs) == len(layer.ys) == len(layer.colours) == len(chart.columns)
                assert all(
                    x.shape == y.shape == (2 * CORNER_BARS + 2,) for x, y in zip(layer.xs, layer.ys, strict=True)
                )

    def test_one_selected_star_is_drawn_where_it_is_in_each_cell(self, chart, library):
        chart.background(0)
        known = np.flatnonzero(chart.known)
        for row in known[:: len(known) // 5]:
            rows = np.arange(library.table.n_stars) == row
            rows.setflags(write=False)
            layer, steps = chart.selected(brush_of(rows, everything=True))  # as many are drawn
            lit = np.argwhere(unpack(layer.pixels, layer.shape))[:, ::-1] + 0.5
            places = np.array(chart.places_of(int(row))) * np.array([WIDTH, HEIGHT]) / len(chart.columns)
            assert places.size
            away = np.abs(lit[:, None] - places[None]).max(axis=2).min(axis=1)
            assert away.max() < 3.0
            assert np.abs(lit[:, None] - places[None]).max(axis=2).min(axis=0).max() < 3.0, "in every cell"
            for x, y in zip(steps.xs, steps.ys, strict=True):
                column = int(x.mean())
                bar = np.flatnonzero(y > y.min() + 0.1)
                side = chart.cells[0].x if column == 0 else next(c.x for c in chart.cells if c.column == column)
                at = float(side.outside(np.float64(library.table[chart.columns[column]][row])))
                assert x[bar].min() - 1e-4 <= at <= x[bar].max() + 1e-4

    def test_a_few_selected_stars_are_dots_in_each_cell(self, chart, library):
        rows = np.zeros(library.table.n_stars, bool)
        rows[np.flatnonzero(chart.known)[::97]] = True
        rows.setflags(write=False)
        layer, _ = chart.selected(brush_of(rows))
        assert isinstance(layer, ChosenLayer)
        expected = [place for row in np.flatnonzero(rows) for place in chart.places_of(int(row))]
        assert sorted(zip(layer.x.tolist(), layer.y.tolist(), strict=True)) == [
            pytest.approx(place, abs=1e-5) for place in sorted(expected)
        ]
        assert len(layer.levels) == layer.id.size == layer.x.size
        assert set(layer.id) <= set(library.table["obsid"][rows].astype(float))

    def test_histograms_are_the_numbers_of_stars(self, chart, library):
        rows = library.table.every
        for cell in (cell for cell in chart.cells if cell.is_diagonal):
            (bars,) = chart.bars_of(cell, rows, None)
            axis = cell.x.axis
            values = library.table[axis.column.name].astype(float)
            edges = np.linspace(axis.low, axis.high, CORNER_BARS + 1)
            expected = np.histogram(values[np.isfinite(values)], edges)[0]
            assert np.abs(bars.counts - expected).sum() <= 4, "but for single precision at the edges"

    def test_categories_have_histograms_of_their_own(self, chart, library):
        colouring = coloured_by(library.table, "in_training", Appearance())
        for cell in (cell for cell in chart.cells if cell.is_diagonal):
            parts = chart.bars_of(cell, library.table.every, colouring)
            whole = sum(part.counts for part in parts)
            assert len({part.colour for part in parts}) == len(parts) == 2
            assert np.array_equal(whole, chart.bars_of(cell, library.table.every, None)[0].counts)

    def test_nothing_selected_draws_nothing(self, chart, library):
        chart.background(0)
        nothing = np.zeros(library.table.n_stars, bool)
        nothing.setflags(write=False)
        image, steps = chart.selected(brush_of(nothing))
        assert not unpack(image.pixels, image.shape).any()
        assert steps.xs == ()
        assert chart.note is None

    def test_the_note_counts_selected_stars_that_no_cell_can_show_whole(self, chart, library):
        chart.selected(brush_of(library.table.every))
        points = np.stack([library.table[name].astype(float) for name in chart.columns], axis=1)
        hidden = int((~np.isfinite(points).all(axis=1)).sum())
        assert hidden
        assert chart.note.text == f"{hidden:,} without"

    def test_it_is_drawn_as_a_picture_with_ticks_at_the_outside(self, chart, library):
        figure = chart.draw(shot_of(chart, library.table.every))
        FigureCanvasAgg(figure).draw()
        count = len(chart.columns)
        grid = figure.axes[: count * count]
        for row in range(count):
            for column in range(count):
                axes = grid[row * count + column]
                if column > row:
                    assert not axes.axison
                    continue
                assert axes.get_xlim() == pytest.approx(chart.across[column].ends)
                assert bool(axes.get_xlabel()) == (row == count - 1)
                assert bool(axes.get_ylabel()) == (column == 0 and row > 0)
        assert any("what is drawn" in text.get_text() for text in figure.texts)

    def test_columns_are_chosen_and_refused_with_a_reason(self, chart, library):
        assert chart_of(library, chart.with_columns(("snr", "rv"))).columns == ("snr", "rv")
        for columns, reason in (
            (("rv",), "2 to 6 columns; found 1"),
            (("rv", "snr", "rv"), "'rv' twice"),
            (("rv", "parrots"), "'parrots' cannot be a column"),
            (tuple(f"c{k}" for k in range(7)), "2 to 6 columns; found 7"),
        ):
            with pytest.raises(SelectionError, match=reason):
                chart.with_columns(columns)
        with pytest.raises(ValueError, match="found 1"):
            panel_from_dict({"view": CORNER, "columns": ["rv"]})

    def test_without_columns_it_is_a_sentence(self, library):
        frame = frame_of(library)
        for bare in (holding(library, frame[["obsid", "in_training"]]), holding(library, frame.iloc[:0])):
            chart = chart_of(bare, PanelState(CORNER))
            assert isinstance(chart, MissingChart)
            assert chart.spec().sentence.startswith("No ")
            assert not has_values(bare, CORNER)
        assert CORNER not in [state.view for state in default_panels(library, 8)]
        gone = chart_of(library, PanelState(CORNER, columns=("rv", "gone")))
        assert "gone" in gone.spec().sentence

    @pytest.mark.parametrize("stars", [2, 3])
    def test_a_few_stars_are_a_view(self, library, stars):
        few = holding(library, frame_of(library).dropna().iloc[:stars])
        chart = looked_at(chart_of(few, new_state(few, CORNER)))
        assert len([*chart.background(0), *chart.selected(brush_of(few.table.every))]) == 4
        FigureCanvasAgg(chart.draw(shot_of(chart, few.table.every))).draw()
