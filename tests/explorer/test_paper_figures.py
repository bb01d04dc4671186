"""The paper's figures of any selection, including an empty one."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.legend import Legend
from products_factory import make_products

from explorer.charts.journal import FORMATS, picture_bytes
from explorer.charts.paper import PAPER_FIGURES, draw_paper_figure
from explorer.model.library import open_library
from explorer.model.table import StarTable
from pipeline.domain.columns import REQUIRED

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


@pytest.mark.parametrize("key", PAPER_FIGURES)
def test_axes_are_named_and_the_note_is_there(library, some, key):
    figure = draw_paper_figure(library, some, key, "Selection: hot. SIMULATED")
    text = words(figure)
    assert "Selection: hot. SIMULATED" in text
    for label in LABELS[key]:
        assert label in text
    assert not plt.get_fignums(), "nothing is kept by pyplot"


@pytest.mark.parametrize("key", PAPER_FIGURES)
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
    assert legend.get_texts()[0].get_text() == "[M/H]"


def test_one_star_is_counted_in_the_singular(library):
    table = library.table
    one = np.zeros(table.n_stars, bool)
    one[np.flatnonzero(table["in_training"] & (table["snr"] > 50) & np.isfinite(table["m_h"]))[0]] = True
    left, right = draw_paper_figure(library, one, "2", "").axes[:2]
    assert left.get_title() == "training set: 1 star"
    assert right.get_title() == "S/N > 50: 1 star"


def test_figure_8_shows_the_selected_stars_alone(library, some):
    table = library.table
    drawn = draw_paper_figure(library, some, "8", "").axes[0].lines[0].get_xydata()
    known = some & np.isfinite(table["x_helio"]) & np.isfinite(table["y_gal"])
    np.testing.assert_allclose(drawn[:, 0], table["x_helio"][known])


def test_figures_that_lack_columns_say_which(tmp_path):
    bare = open_library(make_products(tmp_path / "bare", 60, spectra=False, drop=("teff", "v_phi", "j_phi")))
    assert PAPER_FIGURES["2"].missing(bare) == "This catalogue has no values of teff."
    assert "j_phi" in PAPER_FIGURES["10"].missing(bare)
    assert PAPER_FIGURES["11"].missing(bare) == ""


@pytest.mark.parametrize("key", PAPER_FIGURES)
def test_a_figure_names_every_column_that_it_reads(library, some, key, monkeypatch):
    read, axis, item = set(), StarTable.axis, StarTable.__getitem__
    monkeypatch.setattr(StarTable, "axis", lambda table, name: (read.add(name), axis(table, name))[1])
    monkeypatch.setattr(StarTable, "__getitem__", lambda table, name: (read.add(name), item(table, name))[1])
    draw_paper_figure(library, some, key, "")
    assert read <= {*PAPER_FIGURES[key].needs, *REQUIRED}
