"""A catalogue with only positions and own columns, in a browser."""

import numpy as np
import pytest
from driver import Server, choose_column, colour_by, number
from own_factory import N_STARS, REQUIRED_COLUMNS, own_columns
from products_factory import make_products

from pipeline.domain.own_columns import own_column

pytestmark = pytest.mark.browser

PLOTTED = "() => Bokeh.documents.some(d => d.get_model_by_name({!r}))"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    own = own_columns()
    for band in range(200):
        spelling = f"band {band}"
        own[own_column(spelling, "float64", "mag", "", "A magnitude", "m.csv", ())] = np.linspace(9, 19, N_STARS)
    directory = tmp_path_factory.mktemp("foreign") / "foreign"
    make_products(directory, N_STARS, keep=(*REQUIRED_COLUMNS, "ra", "dec"), spectra=False, own=own)
    running = Server(str(directory))
    yield running
    running.stop()


def test_a_column_of_ones_own_is_as_good_as_any(visit, foreign, tmp_path):
    explorer = visit(at=foreign)
    page = explorer.page
    explorer.wait_for_views("Sky")
    explorer.wait_for_views("Flux (X) against Teff")
    page.get_by_role("button", name="Axes, overlays and pictures").nth(1).click()
    names = choose_column(page, "x axis", "band_173", search="band 17")
    assert names == [f"band_{n}" for n in range(200) if "17" in str(n)]
    page.wait_for_function(PLOTTED.format("Flux (X) against band 173"))
    explorer.wait_for_views("Flux (X) against band 173")
    page.keyboard.press("Escape")

    colour_by(page, "population")
    page.get_by_text("thick disc").first.wait_for(timeout=5000)

    count = explorer.count_text()
    explorer.drag("Flux (X) against band 173", ((0.1, 0.1), (0.6, 0.95)))
    assert 0 < number(explorer.wait_for_count(count)) < N_STARS
    count = explorer.count_text()
    page.keyboard.press("/")
    field = page.get_by_label("Filter expression")
    field.fill("flu")
    page.get_by_role("option").filter(has_text="erg / (s cm2)").first.wait_for(timeout=5000)
    field.fill("visits > 3 & population == 'halo'")
    page.get_by_text("stars fit").wait_for(timeout=5000)
    field.press("Enter")
    halo = number(explorer.wait_for_count(count))
    assert 0 < halo < N_STARS
    page.get_by_label("Subsets by category").select_option("population")
    page.get_by_role("button", name="population_thick_disc", exact=True).wait_for(timeout=5000)

    heading = page.get_by_role("columnheader", name="band 173 [mag]")
    heading.wait_for(timeout=5000)
    page.get_by_role("button", name="visits [10-3 weird]").click()
    page.wait_for_timeout(500)
    page.locator(".table tbody tr").first.click()
    page.get_by_text("This catalogue was made from tables only").wait_for(timeout=5000)
    card = page.locator(".facts section").filter(has=page.get_by_role("heading", name="Own columns"))
    card.get_by_text("10-3 weird").wait_for(timeout=5000)
    assert card.locator("[title=\"Where it belongs (column 'Population' of lists/My table.csv)\"]").count() == 1

    page.get_by_role("button", name="Link, export, figures of the paper").click()
    with page.expect_download(timeout=30_000) as table:
        page.get_by_role("button", name="CSV with notes", exact=True).click()
    table.value.save_as(tmp_path / "stars.csv")
    lines = (tmp_path / "stars.csv").read_text("utf-8").splitlines()
    assert sum(not line.startswith("#") for line in lines) == halo + 1
    assert any(line.startswith("# column flux_x [erg / (s cm2)]: X-ray flux") for line in lines)
    page.keyboard.press("Escape")
    for room in ("Validate", "About"):
        page.get_by_role("tab", name=room).click()
        page.get_by_text("Nothing to compare" if room == "Validate" else "lists/My table.csv").first.wait_for(
            timeout=10_000
        )
