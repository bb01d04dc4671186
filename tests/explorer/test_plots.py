"""Every view survives: nothing selected, a column of NaN, a column that is not there, a star without a spectrum."""

import numpy as np
import pandas as pd
import pytest
from bokeh.events import PanStart, SelectionGeometry, Tap
from products_factory import make_products

from explorer.app import build_page
from explorer.model.library import open_library
from explorer.model.selection import HasFlag, InIds, InRange, Nothing, SelectionMode
from explorer.model.table import StarTable
from explorer.plots.disc import SHADES, texture_levels, texture_palette
from explorer.plots.shading import Canvas, ValueScale, Viewport, spread
from explorer.plots.spectrum import build_spectrum_plot, curve_data, masked_stretches, show
from explorer.state.workspace import Workspace
from explorer.views.about import AboutView
from explorer.views.abundances import abundance_view
from explorer.views.actions import action_view
from explorer.views.density import DensityView, MissingView
from explorer.views.disc import disc_view
from explorer.views.hr import hr_view
from explorer.views.spectrum import SpectrumView
from explorer.views.star_card import StarCard, card_html
from explorer.views.stream import stream_distance_view, stream_sky_view
from explorer.views.table import SelectionTable
from explorer.views.toolbar import Toolbar
from pipeline.domain.flags import QualityFlag
from pipeline.products.manifest import Manifest

BUILDERS = {
    "hr": lambda w, p: hr_view(w, p.overlays),
    "actions": lambda w, _: action_view(w),
    "abundances": lambda w, _: abundance_view(w),
    "sky": lambda w, p: stream_sky_view(w, p.overlays),
    "distance": lambda w, p: stream_distance_view(w, p.overlays),
    "disc": lambda w, p: disc_view(w, p.maps, p.overlays, 8.34),
}
VIEW = Viewport(0.0, 10.0, 0.0, 10.0, 50, 40)


def picture(view):
    return np.asarray(view.diagram.selected.data["image"][0])


@pytest.fixture(params=BUILDERS)
def view(request, library):
    workspace = Workspace(library.table)
    built = BUILDERS[request.param](workspace, library.products)
    assert isinstance(built, DensityView)
    return built


def test_a_brush_changes_every_view_and_only_the_selected_layer(view):
    before, grey = picture(view), view.diagram.everything.data["image"][0]
    view.workspace.gesture(InRange("teff", 0, 3750))
    assert picture(view).dtype == np.uint8
    assert not np.array_equal(picture(view), before)
    assert view.diagram.everything.data["image"][0] is grey


def test_an_empty_selection_draws(view):
    view.workspace.selection = Nothing()
    assert not picture(view).any()
    view.workspace.colour_by = "m_h"
    assert not picture(view).any()


def test_colour_by_keeps_colours_when_brushing(view):
    view.workspace.gesture(HasFlag(QualityFlag(65535)))
    view.workspace.colour_by = "teff"
    palette = list(view.diagram.selected_mapper.palette)
    view.workspace.gesture(InRange("teff", 3700, 3800))
    assert view.diagram.selected_mapper.palette == palette
    levels = np.unique(picture(view))
    limits = view.workspace.table.limits("teff", 0.02)
    scale = ValueScale("teff", *limits)
    low, high = scale.levels(np.array([3700.0, 3800.0]))
    inside = levels[levels > 0]
    assert inside.size == 0 or (inside.min() >= low and inside.max() <= high)


def test_dark_recolours_without_new_images(view):
    image = view.diagram.selected.data["image"][0]
    palette = list(view.diagram.selected_mapper.palette)
    view.workspace.dark = True
    assert view.diagram.selected_mapper.palette != palette
    assert view.diagram.selected.data["image"][0] is image


def test_gestures_tap_and_modifiers(view):
    workspace, viewport = view.workspace, view.viewport
    box = {
        "type": "rect",
        "x0": viewport.x_high,
        "x1": viewport.x_low,
        "y0": viewport.y_low,
        "y1": viewport.y_high,
    }
    view._drawn(SelectionGeometry(view.diagram.figure, box, final=False))
    assert not workspace.can_undo
    view._drawn(SelectionGeometry(view.diagram.figure, box))
    assert workspace.n_selected > 0
    view._remember_modifiers(PanStart(view.diagram.figure, modifiers={"shift": True, "ctrl": True, "alt": False}))
    view._drawn(SelectionGeometry(view.diagram.figure, box))
    assert workspace.n_selected == 0
    assert workspace.mode is SelectionMode.REPLACE
    line = {"type": "poly", "x": [0.0, 1.0], "y": [0.0, 1.0]}
    assert view.region(line) is None
    row = int(view.canvas.which[0])
    view._tapped(Tap(view.diagram.figure, x=float(view.canvas.x[0]), y=float(view.canvas.y[0])))
    assert workspace.focus is not None
    workspace.look_at(int(workspace.table["obsid"][row]))
    assert len(view.diagram.focus.data["x"]) == 1


def test_says_how_many_selected_stars_it_cannot_show(library):
    workspace = Workspace(library.table)
    view = action_view(workspace)
    hidden = int(np.isnan(library.table["j_phi"]).sum())
    assert hidden > 0
    assert f"{hidden} selected stars cannot be shown here" in view.heading.object
    workspace.selection = Nothing()
    assert "cannot be shown" not in view.heading.object


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("how", ["nan", "absent"])
def test_missing_columns_are_a_sentence(library, name, how):
    frame = library.table.frame.copy()
    lost = ["teff", "k_abs", "j_phi", "m_h", "sgr_lambda", "x_gal"]
    if how == "nan":
        frame[lost] = np.float32(np.nan)
    else:
        frame = frame.drop(columns=lost)
    view = BUILDERS[name](Workspace(StarTable(frame)), library.products)
    assert isinstance(view, MissingView)
    assert view.text.startswith("No ")
    assert "catalogue" in view.text
    view.use_tool("box")
    view.body()


def test_hr_falls_back_to_colour_and_magnitude(library):
    frame = library.table.frame.drop(columns=["teff", "logg"])
    view = hr_view(Workspace(StarTable(frame)), library.products.overlays)
    assert view.title == "Colour-magnitude"
    assert view.diagram.figure.xaxis[0].axis_label == "(J - Ks)₀ [mag]"


def test_axes_stand_as_in_the_paper(library):
    workspace = Workspace(library.table)
    hr = hr_view(workspace, library.products.overlays).diagram.figure
    assert hr.x_range.start > hr.x_range.end
    assert hr.y_range.start > hr.y_range.end
    assert hr.xaxis[0].axis_label == "Teff [K]"
    sky = stream_sky_view(workspace, library.products.overlays).diagram.figure
    assert (sky.x_range.start, sky.x_range.end) == (0.0, 360.0)


def test_counts_lie_in_the_right_pixel_and_are_conserved():
    canvas = Canvas(np.array([0.5, 9.5, np.nan, 9.5]), np.array([0.5, 9.5, 5.0, 9.5]))
    canvas.dot_radius = 0
    counts = canvas.counts(VIEW)
    assert counts.sum() == 3
    assert counts[2, 2] == 1
    assert counts[38, 47] == 2
    image = canvas.shade(VIEW, canvas.picked(np.array([True, False, True, True])))
    assert image[2, 2] > 0
    assert image[38, 47] == image[2, 2]
    assert canvas.nearest(0.6, 0.6, 0.2, 0.25, 10) == 0
    assert canvas.nearest(5.0, 5.0, 0.2, 0.25, 10) is None


def test_spread_makes_dots():
    counts = np.zeros((9, 9), np.uint32)
    counts[4, 4] = 1
    assert spread(counts, 1).sum() == 9
    assert spread(counts, 2)[4].tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert spread(counts, 0) is counts


def test_degenerate_viewports_are_blank():
    canvas = Canvas(np.array([1.0]), np.array([1.0]))
    for bad in (Viewport(0, 0, 0, 1, 10, 10), Viewport(0, np.nan, 0, 1, 10, 10), Viewport(0, 1, 0, 1, 0, 0)):
        assert not canvas.shade_all(bad).any()
        assert not canvas.shade(bad, np.array([True])).any()


def test_texture_bytes_carry_rotation_and_brightness(library):
    disc = library.products.maps[0]
    levels = texture_levels(disc, (100.0, 300.0))
    assert levels.dtype == np.uint8
    assert ((levels == 0) == (disc.texture == 0)).all()
    assert len(texture_palette(True)) == 256
    shades = (levels[levels > 0].astype(int) - 1) % SHADES
    assert np.array_equal(shades, disc.texture[levels > 0].astype(int) * SHADES // 256)


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


def test_table_follows_and_a_click_focuses(library):
    workspace = Workspace(library.table)
    view = SelectionTable(workspace)
    workspace.selection = InIds((int(library.table["obsid"][7]),))
    assert view.widget.value["obsid"].tolist() == [library.table["obsid"][7]]
    view._clicked(type("Click", (), {"row": 0})())
    assert workspace.focus == library.table["obsid"][7]
    workspace.selection = Nothing()
    assert len(view.widget.value) == 0
    assert "No star is selected" in view.heading.object


def test_about_names_everything(library):
    text = AboutView(library.products).text()
    for words in ("the file ends early", "Teff", "low S/N", "potential", "labels.teff.scatter", "skipped"):
        assert words in text


def test_page_from_tables_alone_and_deep_links(tmp_path, library):
    bare = make_products(
        tmp_path / "bare", 60, spectra=False, drop=("teff", "logg", "v_phi", "j_phi", "j_tot", "alpha_m", "chi2_nu")
    )
    assert build_page(open_library(bare)) is not None
    star = str(library.table["obsid"][2]).encode()
    assert build_page(library, {"star": [star]}) is not None
    assert build_page(library, {"star": [b"<x>"]}) is not None


def test_simulated_data_is_marked(library):
    page = build_page(library)
    banner = page.main[0].object
    assert "SIMULATED DATA" in banner
    assert library.products.manifest.simulated_note in banner


def test_all_nan_colour_columns_and_quantiles_are_not_offered(library):
    frame = library.table.frame.copy()
    frame["m_h"] = np.float32(np.nan)
    frame["j_r_16"] = frame["teff"]
    names = [declared.name for declared in StarTable(frame).colourable()]
    assert "m_h" not in names
    assert "j_r_16" not in names
    assert "teff" in names
    assert isinstance(frame, pd.DataFrame)


def test_toolbar_follows_the_workspace(library):
    workspace = Workspace(library.table)
    bar = Toolbar(workspace, [action_view(workspace)])
    assert "<b>400</b> of 400" in bar.count.object
    workspace.gesture(InRange("teff", 0, 3750))
    assert f"<b>{workspace.n_selected}</b>" in bar.count.object
    assert not bar.undo.disabled
    bar.colour_by.value = "m_h"
    assert workspace.colour_by == "m_h"
    assert "mean [M/H] [dex]" in bar.legend.object
    bar.mode.value = SelectionMode.XOR
    assert workspace.mode is SelectionMode.XOR
    bar.tool.value = "lasso"
    view = bar.views[0]
    assert view.diagram.figure.toolbar.active_drag is view.diagram.tools["lasso"]


@pytest.mark.parametrize(
    ("configuration", "r0_kpc"),
    [
        ({}, 8.34),
        ({"kinematics": {"frame": "astropy v4.0"}}, 8.122),
        (
            {
                "kinematics": {
                    "frame": "custom",
                    "custom_frame": {"r0_kpc": 8.2, "z_sun_kpc": 0.0, "v_sun_kms": [11, 248, 8], "source": "me"},
                }
            },
            8.2,
        ),
    ],
)
def test_the_sun_is_where_the_build_s_frame_has_it(configuration, r0_kpc):
    from explorer.app import _solar_radius

    manifest = Manifest("x", False, "", configuration, {}, {})
    assert _solar_radius(manifest) == r0_kpc
