"""Pictures of views: captions, scales, legends and names."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import Page
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.quiver import QuiverKey

from explorer.charts import picture
from explorer.charts.disc import STARS
from explorer.charts.journal import COLUMN_INCHES, PAGE_INCHES, STYLE, add_key, file_name, new_figure, sign
from explorer.charts.marks import MAX_TICKS
from explorer.charts.overlays import MODEL_COLOUR
from explorer.charts.paper import draw_paper_figure
from explorer.charts.view_specs import VIEWS
from explorer.model.selection import Everything, InIds, InRange
from explorer.model.subsets import Subset
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace

LONG = "SIMULATED DATA. " + " and ".join(f"{k} ≤ Teff ≤ {k + 5}" for k in range(3000, 3400, 10)) + f" {'x' * 300} end"


@pytest.fixture
def draw(library, links):
    """The picture of a view."""

    def drawn(view, switched=(), **state):
        page = Page(library, links, Workspace(library.table, panels=(PanelState(view, switched=switched),), **state))
        page.open()
        return page.room.sharing.drawing(0)()

    return drawn


@pytest.mark.parametrize("width", [COLUMN_INCHES, PAGE_INCHES])
def test_the_line_under_a_figure_is_wrapped_to_its_width(width):
    with rc_context(STYLE):
        figure = new_figure(width, 3.0)
        figure.subplots()
        sign(figure, LONG)
        FigureCanvasAgg(figure).draw()
    caption = next(text for text in figure.texts if "SIMULATED" in text.get_text())
    assert caption.get_text().replace("\n", "").replace(" ", "") == LONG.replace(" ", "")
    box = caption.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y0 >= 0
    assert figure.get_figheight() > 3.0
    assert figure.axes[0].get_window_extent().y0 > box.y1, "it lies under the axes"


def test_a_short_line_leaves_the_figure_as_it_is():
    with rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, 3.0)
        sign(figure, "A few words with $ and _")
        FigureCanvasAgg(figure).draw()
    assert figure.get_figheight() == 3.0


def test_a_picture_holds_the_whole_selection(library, links):
    page = Page(library, links, Workspace(library.table))
    page.workspace.selection = InRange("logg", 0, 1)
    for low in range(3000, 3300, 10):
        page.workspace.selection = page.workspace.selection | InRange("teff", low, low + 5.0)
    assert page.room.sharing.note.endswith("3290 ≤ Teff ≤ 3295)")


@pytest.mark.parametrize("view", [key for key in VIEWS if key != "energy"])
def test_numbers_on_axes_stand_apart(draw, view):
    figure = draw(view)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    assert len(axes.get_xticks()) <= MAX_TICKS + 3, "two of them may lie beyond the ends"
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    boxes = sorted((box for box in boxes if box.width), key=lambda box: box.x0)
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize("view", ["space_xz", "space_yz", "space_rz", "space_xy"])
def test_arrows_have_a_scale(draw, view):
    key = draw(view).axes[0].findobj(QuiverKey)
    assert "km s" in key[0].text.get_text()


def test_figure_8_has_a_scale_and_figure_11_a_legend(library):
    every = np.ones(library.table.n_stars, bool)
    figure = draw_paper_figure(library, every, "8", "note")
    assert len(figure.findobj(QuiverKey)) == 4
    assert legends(draw_paper_figure(library, every, "11", "note")) == {"stream model"}


def test_the_model_is_named_beside_other_legends(draw):
    assert legends(draw("stream_distance")) == {"stream model"}
    assert legends(draw("stream_distance", colour_by="in_training")) == {"stream model", "no", "yes"}
    assert {"no", "yes", "0.0"} <= legends(draw("hr", colour_by="in_training"))


@pytest.mark.parametrize("ends", [(180.0, 540.0), (-648.0, 1018.0)])
def test_the_model_and_bars_come_round_in_pictures(library, links, ends):
    panels = (PanelState("stream_sky"), PanelState("histogram", x="sgr_lambda"))
    page = Page(library, links, Workspace(library.table, panels=panels))
    page.open()
    page.look([0], window=[*ends, -30.0, 30.0])
    page.look([1], window=[*ends, 0, 1])
    (model,) = (
        one.get_xdata() for one in page.room.sharing.drawing(0)().axes[0].lines if one.get_color() == MODEL_COLOUR
    )
    known = library.products.overlays["stream_model"][["sgr_lambda", "sgr_beta"]].dropna()["sgr_lambda"].to_numpy()
    assert sorted(within(model, ends)) == pytest.approx(sorted(within(round_and_round(known), ends)), abs=1e-3)
    stars = library.table["sgr_lambda"][np.isfinite(library.table["sgr_lambda"])]
    bars = page.room.sharing.drawing(1)().axes[0].patches[0].get_data().values
    assert bars.sum() == within(round_and_round(stars), ends).size


def round_and_round(longitudes):
    return np.concatenate([longitudes + np.float64(360 * turn) for turn in range(-3, 4)])


def within(values, ends):
    return values[(values > ends[0]) & (values < ends[1])]


@pytest.mark.parametrize("most_points", [0, picture.MAX_POINTS])
@pytest.mark.parametrize("view", ["disc", "space_xy", "space_xz", "space_yz", "space_rz"])
def test_views_with_equal_units_are_to_scale_as_points_and_as_images(draw, view, most_points, monkeypatch):
    monkeypatch.setattr(picture, "MAX_POINTS", most_points)
    for state in ({}, {"colour_by": "m_h"}):
        figure = draw(view, **state)
        FigureCanvasAgg(figure).draw()
        axes, box = figure.axes[0], figure.axes[0].get_window_extent()
        x, y = (abs(high - low) for low, high in (axes.get_xlim(), axes.get_ylim()))
        assert box.height / box.width == pytest.approx(y / x, rel=1e-3)
        assert bool(axes.get_images()) == (not most_points or view == "disc")
        slot = axes.get_position(original=True)
        assert slot.height * figure.bbox.height == pytest.approx(box.height, rel=0.1), "no room is left empty"
        for bar in axes.child_axes:
            assert bar.get_window_extent().height == pytest.approx(box.height)


@pytest.mark.parametrize(("x_ends", "y_ends"), [((-1.0, 0.0), (-40.0, 40.0)), ((-40.0, 40.0), (0.0, 1.0))])
def test_steep_and_flat_views_are_to_scale_in_a_figure_of_a_page(library, links, x_ends, y_ends):
    panels = (PanelState("space_xz", x_ends=x_ends, y_ends=y_ends),)
    page = Page(library, links, Workspace(library.table, panels=panels))
    page.open()
    figure = page.room.sharing.drawing(0)()
    FigureCanvasAgg(figure).draw()
    box = figure.axes[0].get_window_extent()
    assert box.height / box.width == pytest.approx(np.ptp(y_ends) / np.ptp(x_ends), rel=1e-3)
    assert 1.0 < figure.get_figheight() < 9.0


def subsets(count, name="hot"):
    return tuple(
        Subset(
            f"{name}{number}", InRange("teff", 3200.0 + 60 * number, 3260.0 + 60 * number), f"#0000{number % 256:02x}"
        )
        for number in range(count)
    )


@pytest.mark.parametrize("count", [1, 3, 14])
@pytest.mark.parametrize("name", ["hot", "stream_candidates_of_2023", "W" * 35])
@pytest.mark.parametrize("view", ["hr", "stream_distance", "disc", "space_xy"])
def test_the_legend_is_within_the_figure_above_the_axes_without_overlap(draw, view, name, count):
    figure = draw(view, colour_by="subsets", subsets=subsets(count, name), switched=(STARS,) if view == "disc" else ())
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.findobj(Legend)
    box, axes = legend.get_window_extent(), figure.axes[0]
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.bbox.height
    assert box.y0 >= max(one.get_tightbbox().y1 for one in (axes, *axes.child_axes))
    texts = [text.get_window_extent() for text in legend.get_texts() if text.get_text()]
    assert not any(one.overlaps(other) for number, one in enumerate(texts) for other in texts[:number])
    assert axes.get_window_extent().height > 0.25 * COLUMN_INCHES * figure.dpi, "the figure grows instead"


def test_a_legend_of_few_words_is_one_row(draw):
    for view, state in (("hr", {}), ("stream_distance", {"colour_by": "in_training"}), ("histogram", {})):
        (legend,) = draw(view, **state).findobj(Legend)
        tops = [text.get_window_extent().y0 for text in legend.get_texts() if text.get_text()]
        assert np.ptp(tops) < 5.0


def test_groups_stand_in_columns_of_their_own_or_one_below_the_other(draw):
    (legend,) = draw("hr", colour_by="in_training").findobj(Legend)
    assert [text.get_text() for text in legend.get_texts()][:4] == ["no", "yes", "[M/H]", "-0.5"]
    (legend,) = draw("stream_distance", colour_by="subsets", subsets=subsets(14)).findobj(Legend)
    assert [text.get_text() for text in legend.get_texts()][-2:] == ["in none", "stream model"]


def test_a_legend_names_no_more_than_a_page_holds(draw):
    figure = draw("stream_distance", colour_by="subsets", subsets=subsets(60))
    named = legends(figure)
    assert {"hot0", "and 32 more", "stream model"} <= named
    assert "hot40" not in named
    assert figure.get_figheight() < 6.0


def test_names_stand_in_the_legend_as_they_are():
    names = ["_hot", "a $x_2$ b", "W" * 80, "cost: 1$ $"]
    with rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, 3.0)
        figure.subplots()
        add_key(figure, [Line2D([], [], label=name) for name in names])
        FigureCanvasAgg(figure).draw()
    found = legends(figure)
    assert set(names) - {"W" * 80} < found
    (cut,) = found - set(names)
    assert cut.startswith("WWWW")
    assert cut.endswith("…")


def test_the_model_and_unselected_stars_lie_under_the_selected_ones(draw):
    axes = draw("stream_sky", selection=InRange("teff", 3500.0, 9999.0)).axes[0]
    assert len(axes.lines) == 2
    assert max(line.get_zorder() for line in axes.lines) < axes.collections[0].get_zorder()


def legends(figure):
    return {text.get_text() for legend in figure.findobj(Legend) for text in legend.get_texts()} - {""}


@pytest.mark.parametrize(
    ("title", "name"),
    [("Histogram of [M/H]", "histogram_of_m_h"), ("Λ against B/A", "lamda_against_b_a"), ("../..", "picture"),
     ("J_φ against d₁₆", "j_phi_against_d16")],
)  # fmt: skip
def test_names_of_files_are_plain(title, name):
    assert file_name(title) == name


def test_a_heading_is_above_its_entries():
    named = [f"{number:+.1f}" for number in (-0.7, -0.2, 0.1, 0.3)]
    with rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, 3.0)
        figure.subplots()
        heading = Line2D([], [], linestyle="", label="[M/H]")
        group = [heading, *(Line2D([], [], label=name) for name in named)]
        add_key(figure, [Line2D([], [], label=f"s{number}") for number in range(14)], group)
        FigureCanvasAgg(figure).draw()
    (legend,) = figure.findobj(Legend)
    places = {text.get_text(): text.get_window_extent() for text in legend.get_texts()}
    assert all(places[name].y1 <= places["[M/H]"].y0 + 1 for name in named)
    assert len({round(places[name].x0) for name in ["[M/H]", *named]}) == 1


def test_grey_stars_are_named_where_there_are_any(draw):
    assert "not selected" in legends(draw("stream_sky", selection=InRange("teff", 3500.0, 9999.0)))
    assert "not selected" not in legends(draw("stream_sky"))
    assert "not selected" not in legends(draw("disc", selection=InRange("teff", 3500.0, 9999.0)))


def colours_of(figure):
    """Colours of the points of stars, from back to front."""
    return [collection.get_facecolors() for collection in figure.axes[0].collections if len(collection.get_offsets())]


def test_a_picture_has_the_colours_of_the_screen(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("hr"),), colour_by="m_h"))
    page.open()
    answer = page.send("restyle", look={"colour_map": "viridis", "reversed": True, "opacity": 1.0, "tail": 10.0})
    palette = np.frombuffer(answer["colours"]["selected"], np.uint8).reshape(256, 4)
    levels = np.frombuffer(page.layers(answer, "picked")[0]["levels"], np.uint8)
    (drawn,) = colours_of(page.room.sharing.drawing(0)())
    np.testing.assert_allclose(drawn, palette[levels[levels > 0]] / 255.0, atol=1e-6)


def test_subsets_are_painted_in_pictures_whatever_is_selected(library, links):
    named = (
        Subset("cool", InRange("teff", 0.0, 3800.0), "#0072b2"),
        Subset("hot", InRange("teff", 3800, 9e9), "#e69f00"),
    )
    state = {"colour_by": "subsets", "subsets": named, "selection": named[0].selection}
    page = Page(library, links, Workspace(library.table, panels=(PanelState("hr"),), **state))
    page.open()
    members, picked = colours_of(page.room.sharing.drawing(0)())
    assert {tuple(colour) for colour in members} == {(*to_rgb("#e69f00"), 0.5)}
    assert {tuple(colour) for colour in picked} == {(*to_rgb("#0072b2"), 1.0)}
    page.send("show_subset", name="hot", visible=False)
    members = colours_of(page.room.sharing.drawing(0)())[0]
    assert {tuple(colour)[:3] for colour in members} == {to_rgb("#0072b2")}


def test_a_few_selected_stars_are_larger_and_have_a_rim(library, links):
    chosen = InIds(tuple(int(obsid) for obsid in library.table["obsid"][:4]))
    sizes = []
    for selection in (Everything(), chosen):
        page = Page(library, links, Workspace(library.table, panels=(PanelState("hr"),), selection=selection))
        page.open()
        stars = page.room.sharing.drawing(0)().axes[0].collections[-1]
        sizes.append(stars.get_sizes()[0])
    assert len(stars.get_offsets()) == 4
    assert sizes[1] > 2 * sizes[0]
    assert stars.get_edgecolors()[0].tolist() == [1, 1, 1, 1]
    assert stars.get_linewidths()[0] > 0


def test_logarithmic_colours_have_a_bar_with_numbers(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("hr"),), colour_by="distance"))
    page.open()
    page.send("restyle", look={"logarithmic": True, "low": 1.0, "high": 50.0})
    figure = page.room.sharing.drawing(0)()
    FigureCanvasAgg(figure).draw()
    (bar,) = figure.axes[0].child_axes
    assert bar.get_yscale() == "log"
    assert {"2", "5", "10", "20"} <= {label.get_text() for label in bar.get_yticklabels()}


def test_isochrones_are_seen_over_stars_of_any_colour(draw):
    lines = draw("hr").axes[0].lines
    cased = [line for line in lines if line.get_color() == "white"]
    curves = [line for line in lines if line.get_linestyle() == "--"]
    assert len(cased) == len(curves) > 1
    stars = draw("hr").axes[0].collections[0].get_zorder()
    assert all(stars < line.get_zorder() for line in cased)
    assert all(under.get_zorder() < over.get_zorder() for under, over in zip(cased, curves, strict=True))
    assert all(under.get_linewidth() > over.get_linewidth() for under, over in zip(cased, curves, strict=True))
