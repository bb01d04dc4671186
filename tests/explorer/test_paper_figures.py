"""The paper's figures of any selection, including an empty one."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.legend import Legend
from products_factory import make_products

from explorer.charts.categories import colouring_of_subsets
from explorer.charts.colouring import Density
from explorer.charts.journal import FORMATS, picture_bytes
from explorer.charts.paper import draw_paper_figure, figure_lack, figure_title, groups_of
from explorer.model.library import open_library
from explorer.model.selection import InBox, InRange
from explorer.model.subsets import Subset
from explorer.model.table import StarTable
from pipeline.domain.columns import REQUIRED
from pipeline.figures.star_figures import STAR_FIGURES
from pipeline.figures.style import dot_area

HIGH = InBox("z_gal", "x_gal", 5.0, 99.0, -99.0, 99.0)
STARTS = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}
LABELS = {
    "2": ("log g", "[M/H]"),
    "8": ("kpc", "Z"),
    "9": ("V", "kpc"),
    "10": ("J", "kpc km s"),
    "11": ("Λ", "|B| [deg]"),
}


def words(figure):
    """Everything that is written on a figure."""
    return " ".join(text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text")))


@pytest.fixture
def some(library):
    return library.table["teff"] > 3500.0


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_figure_is_the_same_file_in_every_format(library, some, form):
    first, second = (picture_bytes(draw_paper_figure(library, some, "2", "note"), form) for _ in range(2))
    assert first.startswith(STARTS[form])
    assert first == second


@pytest.mark.parametrize("key", STAR_FIGURES)
def test_axes_are_named_and_the_note_is_there(library, some, key):
    figure = draw_paper_figure(library, some, key, "Selection: hot. SIMULATED")
    text = words(figure)
    assert "Selection: hot. SIMULATED" in text
    for label in LABELS[key]:
        assert label in text
    assert not plt.get_fignums(), "nothing is kept by pyplot"


@pytest.mark.parametrize("key", STAR_FIGURES)
def test_a_selection_of_nothing_still_makes_a_figure(library, key):
    nothing = np.zeros(library.table.n_stars, bool)
    assert picture_bytes(draw_paper_figure(library, nothing, key, ""), "pdf").startswith(b"%PDF")


def test_figure_2_holds_training_and_good_spectra_apart(library):
    table, rows = library.table, library.table["teff"] > 3500.0
    left, right = draw_paper_figure(library, rows, "2", "").axes[:2]
    known = np.isfinite([table["teff"], table["logg"], table["m_h"]]).all(axis=0) & rows
    assert f"S/N > 50: {int((known & (table['snr'] > 50)).sum()):,} stars" in right.get_title()
    assert "training set" in left.get_title()
    assert left.get_xlim()[0] > left.get_xlim()[1], "hot stars stand on the left"


def test_the_panels_of_figure_2_share_one_scale_one_bar_and_one_legend(library, some):
    figure = draw_paper_figure(library, some, "2", "")
    left, right, *bars = figure.axes
    assert left.collections[0].get_clim() == right.collections[0].get_clim()
    assert [bar.get_ylabel() for bar in bars] == ["[M/H] [dex]"]
    assert bars[0].get_ylim() == left.collections[0].get_clim()
    (legend,) = figure.findobj(Legend)
    assert legend.get_title().get_text() == "[M/H] [dex]"


def test_one_star_is_counted_in_the_singular(library):
    table = library.table
    one = np.zeros(table.n_stars, bool)
    one[np.flatnonzero(table["in_training"] & (table["snr"] > 50) & np.isfinite(table["m_h"]))[0]] = True
    left, right = draw_paper_figure(library, one, "2", "").axes[:2]
    assert left.get_title().startswith("training set")
    assert left.get_title().endswith(": 1 star")
    assert right.get_title() == "S/N > 50: 1 star"


def test_figure_8_shows_the_selected_stars_alone(library, some):
    table = library.table
    drawn = draw_paper_figure(library, some, "8", "").axes[0].lines[0].get_xydata()
    known = some & np.isfinite(table["x_helio"]) & np.isfinite(table["y_gal"])
    np.testing.assert_allclose(drawn[:, 0], table["x_helio"][known])


def test_figures_that_lack_columns_say_which(tmp_path):
    bare = open_library(make_products(tmp_path / "bare", 60, spectra=False, drop=("teff", "v_phi", "j_phi")))
    assert figure_lack(bare, "2") == "This catalogue has no values of teff."
    assert "j_phi" in figure_lack(bare, "10")
    assert figure_lack(bare, "11") == ""


@pytest.mark.parametrize("key", STAR_FIGURES)
def test_a_figure_names_every_column_that_it_reads(library, some, key, monkeypatch):
    read, axis, item = set(), StarTable.axis, StarTable.__getitem__
    monkeypatch.setattr(StarTable, "axis", lambda table, name: (read.add(name), axis(table, name))[1])
    monkeypatch.setattr(StarTable, "__getitem__", lambda table, name: (read.add(name), item(table, name))[1])
    draw_paper_figure(library, some, key, "")
    assert read <= {*STAR_FIGURES[key].needs, *REQUIRED}


def test_few_stars_are_seen_in_print_and_many_do_not_clot(library):
    assert dot_area(200) > 8.0, "3 points across"
    assert dot_area(43_000) < 1.0
    table = library.table
    few = np.zeros(table.n_stars, bool)
    few[np.flatnonzero(np.isfinite(table["j_phi"]))[:20]] = True
    sizes = [
        draw_paper_figure(library, rows, "10", "").axes[0].collections[0].get_sizes()[0] for rows in (few, table.every)
    ]
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize("key", STAR_FIGURES)
def test_an_empty_panel_says_why(library, key):
    figure = draw_paper_figure(library, np.zeros(library.table.n_stars, bool), key, "")
    reason = "fewer than 5 stars in every kernel" if key == "9" else "no selected stars"
    panels = 4 if key in {"8", "9"} else 1 if key == "11" else 2
    assert words(figure).count(reason) == panels


def test_subsets_are_in_their_colours_with_a_key(library, some):
    subsets = (Subset("hot", InRange("teff", 3900.0, 9000.0), "#009e73"), Subset("Sgr by eye", HIGH, "#d55e00"))
    colouring = colouring_of_subsets(library.table, subsets, dark=False)
    groups = groups_of(colouring)
    assert [(one.name, one.colour) for one in groups[:2]] == [(one.name, one.colour) for one in subsets]
    for key in ("2", "8", "10", "11"):
        figure = draw_paper_figure(library, some, key, "", groups)
        assert {"hot", "Sgr by eye", "in none"} <= {text.get_text() for text in figure.legends[0].get_texts()}
        drawn = {line.get_color() for axes in figure.axes for line in axes.lines if line.get_marker() == "."}
        assert {"#009e73", "#d55e00"} <= drawn
    hot, high = (one.rows & some for one in groups[:2])
    known = np.isfinite(library.table["j_phi"]) & np.isfinite(library.table["j_tot"])
    lines = {
        line.get_color(): line.get_xdata().size
        for line in draw_paper_figure(library, some, "10", "", groups).axes[0].lines
    }
    assert lines["#009e73"] == (hot & known).sum()
    assert lines["#d55e00"] == (high & known).sum()
    assert groups_of(Density()) == ()


def test_a_figure_is_named_as_in_the_paper():
    assert figure_title("9") == "Figure 9: rotation of the disc by height"
