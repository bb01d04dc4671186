"""Pictures of views: what stands under them, their scales, their legends and their names."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import Page
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.legend import Legend
from matplotlib.quiver import QuiverKey

from explorer.model.selection import InRange
from explorer.plots.journal import COLUMN_INCHES, PAGE_INCHES, STYLE, file_name, new_figure, sign
from explorer.plots.marks import MOST_TICKS
from explorer.plots.paper import draw_paper_figure
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from explorer.views.catalogue import VIEWS

LONG = "SIMULATED DATA. " + " and ".join(f"{k} ≤ Teff ≤ {k + 5}" for k in range(3000, 3400, 10)) + f" {'x' * 300} end"


@pytest.fixture
def draw(library, links):
    """The picture of a view."""

    def picture(view, **state):
        page = Page(library, links, Workspace(library.table, panels=(PanelState(view),), **state))
        page.open()
        return page.room.sharing.drawing(0)()

    return picture


@pytest.mark.parametrize("width", [COLUMN_INCHES, PAGE_INCHES])
def test_the_line_under_a_figure_is_wrapped_to_its_width(width):
    with rc_context(STYLE):
        figure = new_figure(width, 3.0)
        figure.subplots()
        sign(figure, LONG)
        FigureCanvasAgg(figure).draw()
    told = next(text for text in figure.texts if "SIMULATED" in text.get_text())
    assert told.get_text().replace("\n", "").replace(" ", "") == LONG.replace(" ", "")
    box = told.get_window_extent()
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
    assert len(axes.get_xticks()) <= MOST_TICKS + 3, "two of them may lie beyond the ends"
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
    model = page.room.sharing.drawing(0)().axes[0].lines[0].get_xdata()
    known = library.products.overlays["stream_model"][["sgr_lambda", "sgr_beta"]].dropna()["sgr_lambda"].to_numpy()
    assert sorted(within(model, ends)) == pytest.approx(sorted(within(round_and_round(known), ends)), abs=1e-3)
    stars = library.table["sgr_lambda"][np.isfinite(library.table["sgr_lambda"])]
    bars = page.room.sharing.drawing(1)().axes[0].patches[0].get_data().values
    assert bars.sum() == within(round_and_round(stars), ends).size


def round_and_round(longitudes):
    return np.concatenate([longitudes + np.float64(360 * turn) for turn in range(-3, 4)])


def within(values, ends):
    return values[(values > ends[0]) & (values < ends[1])]


def legends(figure):
    return {text.get_text() for legend in figure.findobj(Legend) for text in legend.get_texts()}


@pytest.mark.parametrize(
    ("title", "name"),
    [("Histogram of [M/H]", "histogram_of_m_h"), ("Λ against B/A", "lamda_against_b_a"), ("../..", "picture"),
     ("J_φ against d₁₆", "j_phi_against_d16")],
)  # fmt: skip
def test_names_of_files_are_plain(title, name):
    assert file_name(title) == name
