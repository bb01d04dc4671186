"""Axis ranges, legends, and position of the Sun."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import Page

from explorer.charts.axis import AxisSpec
from explorer.charts.colouring import Density
from explorer.charts.palettes import IN_NONE, lookup
from explorer.model.library import Library
from explorer.model.selection import InRange
from explorer.model.table import StarTable
from explorer.protocol import Caption
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace


def test_a_few_wild_values_do_not_squeeze_the_others():
    rng = np.random.default_rng(1)
    values = rng.normal(1000.0, 300.0, 3000).astype(np.float32)
    values[:30] = 1e6
    table = StarTable.from_frame(pd.DataFrame({"obsid": np.arange(3000), "j_phi": values, "teff": values[::-1].copy()}))
    axis = AxisSpec("j_phi", tail=0.002).of(table, "x")
    assert axis.high < 5000.0
    assert axis.low < 200.0
    even = np.linspace(0.0, 360.0, 3000, dtype=np.float32)
    whole = StarTable.from_frame(pd.DataFrame({"obsid": np.arange(3000), "sgr_lambda": even}))
    assert whole.limits("sgr_lambda", 0.001) == pytest.approx((0.36, 359.64), abs=0.2)
    round_once = AxisSpec("sgr_lambda").of(whole, "x")
    assert (round_once.low, round_once.high) == (0.0, 360.0), "no star is seen twice along a longitude"
    assert table.limits("j_phi") == (pytest.approx(values.min()), 1e6)


def test_the_legend_says_when_each_dot_is_a_star(page, monkeypatch):
    assert page.open()["legend"]["label"] == "density near each star (log)"
    assert page.send("colour", value="m_h")["legend"]["label"] == "[M/H] [dex]"
    monkeypatch.setattr("explorer.rooms.stage.MAX_GLYPHS", 0)
    assert page.look(range(6))["legend"]["label"] == "mean [M/H] [dex]"
    assert page.send("colour", value="count")["legend"]["low"] == "1"


def test_the_sun_is_at_the_position_of_the_build(library):
    kinematics = {
        "frame": "custom",
        "custom_frame": {"r0_kpc": 8.178, "z_sun_kpc": 0.0, "v_sun_kms": [11.1, 247.4, 7.8], "source": "a test"},
    }
    manifest = replace(library.products.manifest, configuration={"kinematics": kinematics})
    assert Library(replace(library.products, manifest=manifest), library.table).r0_kpc == 8.178
    assert (
        Library(replace(library.products, manifest=replace(manifest, configuration={})), library.table).r0_kpc == 8.34
    )


def test_colours_of_subsets_before_any_is_named_are_those_of_density(page):
    page.open()
    answer = page.send("colour", value="subsets")
    assert answer["legend"]["label"].endswith("(no subset is named yet)")
    density = lookup(Density().ramp(dark=False))
    assert answer["colours"]["selected"] == density
    page.change(selection=InRange("teff", 0.0, 3600.0))
    answer = page.send("save_subset", name="cool")
    assert [name for name, _ in answer["legend"]["entries"]] == ["cool", "in none"]
    stars = page.change(selection=InRange("teff", 3600.0, 9000.0))["layers"]
    levels = np.frombuffer(next(layer["levels"] for layer in stars if layer["name"] == "picked"), np.uint8)
    assert set(levels) == {0, 3}, "selected stars in none are not those that are not selected"


def test_pictures_show_stars_in_no_subset_on_paper_also_from_a_dark_page(page):
    page.open()
    page.workspace.define_subset("cool", InRange("teff", 0.0, 3600.0), "#0072b2")
    page.workspace.param.update(colour_by="subsets", dark=True)
    assert page.room.sharing.drawing(0).args[0].colouring.colours == ("#0072b2", IN_NONE[False])


def test_a_histogram_is_titled_by_its_column(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("histogram", x="m_h"),)))
    page.open()
    spec = page.room.stage.charts[0].spec()
    assert spec.title == "Histogram of [M/H]"
    assert spec.caption == (Caption("of [M/H]", "", ""),)
    page.run("picture", slot=0, form="png")
    assert page.sent[-1]["download"]["name"] == "histogram_of_m_h.png"
