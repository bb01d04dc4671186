"""A catalogue of another survey with undeclared columns, in all rooms."""

import warnings

import numpy as np
import pytest
from own_factory import N_STARS, own_columns
from products_factory import make_products
from vetting_helpers import ANN, EVE, PLAIN, judge_all, make_commands

from explorer import protocol
from explorer.app import build_page, warm_up
from explorer.charts.chart import MissingChart
from explorer.charts.grid import default_panels
from explorer.charts.paper import figure_lack
from explorer.charts.view_specs import VIEWS, chart_of
from explorer.model import mapped as mapped_module
from explorer.model.expression import parse
from explorer.model.library import open_library
from explorer.model.mapped import mapped_table
from explorer.rooms.about import AboutView
from explorer.rooms.validate import ROOM, ValidateView
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from explorer.vetting.store import Store
from pipeline.figures.star_figures import STAR_FIGURES
from pipeline.products.catalog_file import CATALOG_NAME, CatalogFile
from pipeline.products.manifest import Manifest


@pytest.fixture
def page(foreign_library, links, make_page):
    made = make_page(
        foreign_library, links, Workspace(foreign_library.table, panels=default_panels(foreign_library, 6))
    )
    made.open()
    return made


def test_the_first_views_are_those_that_have_stars(page, foreign_library):
    views = [(state.view, state.x, state.y) for state in page.workspace.panels]
    assert views == [
        ("sky", "", ""),
        ("custom", "my_table_teff", "flux_x"),
        ("histogram", "my_table_teff", ""),
        ("histogram", "flux_x", ""),
        ("custom", "visits", "alpha"),
        ("histogram", "visits", ""),
    ]
    assert [protocol.encoded(chart.spec())["kind"] for chart in page.room.stage.charts] == [
        "plane",
        "plane",
        "bars",
        "bars",
        "plane",
        "bars",
    ]
    grid = page.send("connect", seen=True)["stage"]
    off = {key for key, _, missing in grid["catalogue"] if missing}
    assert off == set(VIEWS) - {"sky", "sky_map", "histogram", "corner", "custom"}
    for key in off:
        assert isinstance(chart_of(foreign_library, PanelState(key)), MissingChart)
    assert len(default_panels(foreign_library, 8)) == 8


def test_a_grid_has_a_size_that_the_menu_offers(tmp_path):
    keep = ("obsid", "in_training", "quality", "ra", "dec")
    own = dict(list(own_columns(30).items())[:1])
    five = open_library(make_products(tmp_path / "five", 30, keep=keep, spectra=False, own=own))
    panels = [(state.view, state.x) for state in default_panels(five, 6)]
    assert panels == [("sky", ""), ("histogram", "my_table_teff"), ("histogram", "ra"), ("histogram", "dec")]


def test_views_brush_and_name_stars(page):
    page.send("region", slot=1, geometry={"type": "rect", "x0": 3700, "x1": 3900, "y0": 0, "y1": 9e-17}, keys=[])
    assert 0 < page.workspace.n_selected < N_STARS
    page.send("colour", value="population")
    page.send("focus", obsid=str(page.library.table["obsid"][5]))
    star = page.sent[-1]
    assert star["focus"][0][1], "it is ringed on the sky"


def test_the_star_without_a_spectrum_has_its_card(page):
    page.send("painted")
    star = page.send("focus", obsid=str(page.library.table["obsid"][30]))["star"]
    assert star["sentence"] == "This catalogue was made from tables only: it has no spectra."
    groups = dict(star["facts"]["groups"])
    assert {name for name, *_ in groups["Space and motion"]} == {"ra", "dec"}
    assert len(groups["Own columns"]) > 8
    assert star["facts"]["labels"] == []


def test_the_table_shows_what_is_there(page):
    names = [name for name, *_ in page.send("connect", seen=True)["table"]["columns"]]
    assert names[:4] == ["obsid", "quality", "ra", "dec"]
    assert "flux_x" in names
    page.send("sort", column="flux_x")
    assert page.room.table.state().rows[0]


def test_other_rooms_do_not_fail(foreign_library, links):
    view = ValidateView(Workspace(foreign_library.table), foreign_library)
    view.workspace.room = ROOM
    view.body()
    assert "Nothing to compare" in view.words.object
    assert "flux_x" in AboutView(foreign_library).text()
    for key in STAR_FIGURES:
        assert figure_lack(foreign_library, key).startswith("This catalogue has no values of ")
    star = str(foreign_library.table["obsid"][3]).encode()
    assert build_page(foreign_library, links, {"star": [star]}) is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warm_up(foreign_library)


def test_stars_can_be_vetted(foreign_library, tmp_path):
    store = Store.open(tmp_path / "vetting.sqlite")
    commands = make_commands(store, foreign_library)
    stars = [int(star) for star in foreign_library.table["obsid"][:3]]
    campaign = commands.create_campaign(EVE, "foreign", stars, PLAIN)
    assert len(judge_all(commands, ANN, campaign, lambda _: 3)) == 3
    store.close()


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """Own columns of a large catalogue, none of which is written out before it is asked for."""
    monkeypatch.setattr(mapped_module, "AT_ONCE", 1)
    monkeypatch.setattr(mapped_module, "_BATCH", 64)
    directory = make_products(tmp_path / "products", N_STARS, spectra=False, own=own_columns())
    file, cache = CatalogFile(directory / CATALOG_NAME), tmp_path / "cache"
    return mapped_table(file, Manifest.read(directory), cache), cache


def test_own_columns_of_large_catalogues_are_mapped_on_demand(on_disk, own_library):
    table, cache = on_disk
    written = {path.stem for path in cache.rglob("*.*") if path.is_file()}
    assert {one.name for one in own_library.table.own} & written == {"my_table_teff"}
    assert [one.name for one in table.axes()] == [one.name for one in own_library.table.axes()]
    assert [one.name for one in table.categorical()] == [one.name for one in own_library.table.categorical()]
    for one in own_library.table.own:
        np.testing.assert_array_equal(table[one.name], own_library.table[one.name], err_msg=one.name)
        assert one.dtype == "str" or isinstance(table[one.name].base, memoryview)
    text = "flux_x > 1e-17 & population == 'halo' & is_binary"
    expected = parse(text, own_library.table.columns).mask(own_library.table)
    np.testing.assert_array_equal(parse(text, table.columns).mask(table), expected)
    assert expected.any()
