"""The star under the lens, the About room, and whole pages."""

import numpy as np
import pandas as pd
from products_factory import make_products

from explorer.app import build_page, warm_up
from explorer.model.library import open_library
from explorer.model.table import StarTable
from explorer.plots.spectrum import build_spectrum_plot, curve_data, masked_stretches, show
from explorer.state.workspace import Workspace
from explorer.views.about import AboutView
from explorer.views.spectrum import SpectrumView
from explorer.views.star_card import StarCard, card_html
from pipeline.domain.flags import QualityFlag


def test_spectrum_with_and_without_model(library):
    plot = build_spectrum_plot()
    star = library.products.spectra.get(int(library.table["obsid"][0]))
    show(plot, star, 35.0)
    assert len(plot.curve.data["w"]) == star.wavelength.size
    assert np.isnan(curve_data(star)["pull"][star.mask]).all()
    stretches = masked_stretches(star)
    inside = np.zeros(star.wavelength.size, bool)
    for left, right in zip(stretches["left"], stretches["right"], strict=True):
        inside |= (star.wavelength > left) & (star.wavelength < right)
    assert np.array_equal(inside, star.mask)
    star.model[:] = np.nan
    star.flux[:] = np.nan
    show(plot, star, np.nan)
    show(plot, None, np.nan)
    assert len(plot.curve.data["w"]) == 0


def test_spectrum_view_says_what_is_missing(library, tmp_path):
    workspace = Workspace(library.table)
    view = SpectrumView(workspace, None)
    workspace.look_at(int(library.table["obsid"][0]))
    assert "tables alone" in view.note.object
    fewer = open_library(make_products(tmp_path / "few", 50, n_spectra=10))
    workspace = Workspace(fewer.table)
    view = SpectrumView(workspace, fewer.products.spectra)
    assert "Click a star" in view.note.object
    workspace.look_at(int(fewer.table["obsid"][20]))
    assert "has no spectrum in this release (10 stars do)" in view.note.object
    workspace.look_at(int(fewer.table["obsid"][3]))
    assert view.spectrum() is not None
    view.search.value = "12"
    assert "no star with obsid 12" in view.note.object
    view.search.value = "abc"
    assert "not an obsid" in view.note.object


def test_star_card_has_both_errors_and_words(library):
    row = int(np.flatnonzero(library.table["quality"] == int(QualityFlag.LOW_SNR))[0])
    text = card_html(library.table, row)
    assert "± 55" in text
    assert "± 18" in text
    assert "mean S/N of the good pixels below 10" in text
    card = StarCard(Workspace(library.table))
    assert card.pane.object == ""


def test_about_names_everything(library):
    text = AboutView(library.products).text()
    for words in ("the file ends early", "Teff", "low S/N", "potential", "labels.teff.scatter", "skipped"):
        assert words in text


def test_page_from_tables_alone_and_deep_links(tmp_path, library, links):
    bare = make_products(
        tmp_path / "bare", 60, spectra=False, drop=("teff", "logg", "v_phi", "j_phi", "j_tot", "alpha_m", "chi2_nu")
    )
    assert build_page(open_library(bare), links) is not None
    warm_up(open_library(bare))
    star = str(library.table["obsid"][2]).encode()
    assert build_page(library, links, {"star": [star]}) is not None
    assert build_page(library, links, {"star": [b"<x>"]}) is not None


def test_simulated_data_is_marked(library, links):
    page = build_page(library, links)
    banner = page.main[0].object
    assert "SIMULATED DATA" in banner
    assert library.products.manifest.simulated_note in banner


def test_all_nan_colour_columns_and_quantiles_are_not_offered(library):
    frame = library.products.catalog.table.copy()
    frame["m_h"] = np.float32(np.nan)
    frame["j_r_16"] = frame["teff"]
    names = [declared.name for declared in StarTable.from_frame(frame).colourable()]
    assert "m_h" not in names
    assert "j_r_16" not in names
    assert "teff" in names
    assert isinstance(frame, pd.DataFrame)
