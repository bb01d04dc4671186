"""The Validate room, in a real browser."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from driver import Server
from products_factory import make_products, sign

from pipeline.products.catalog import Catalog

pytestmark = pytest.mark.browser

OUTLIERS = 7


@pytest.fixture(scope="module")
def compared_server(tmp_path_factory):
    """Stars with reference labels within their errors, but for a few far ones."""
    directory = make_products(tmp_path_factory.mktemp("validate") / "invented", 1500, spectra=False)
    table = pd.read_parquet(directory / "catalog.parquet")
    rng = np.random.default_rng(2)
    table["teff_ref"] = table["teff"] + 40.0 * rng.uniform(-1, 1, len(table))
    table.loc[: OUTLIERS - 1, "teff_ref"] += 900.0
    Catalog.from_frame(table).write(directory, simulated=True)
    sign(directory)
    running = Server(str(directory))
    yield running
    running.stop()


def test_what_differs_is_selected_in_explore(visit, compared_server):
    explorer = visit(at=compared_server)
    explorer.wait_for_views()
    page = explorer.page
    page.get_by_role("tab", name="Validate").click()
    page.get_by_text("This catalogue less reference labels, K").wait_for(timeout=20_000)
    assert page.get_by_text("SIMULATED DATA").is_visible()
    page.wait_for_function("() => Bokeh.documents[0].is_idle", timeout=20_000)
    page.wait_for_timeout(500)
    box = page.locator(".bk-Figure").nth(1).bounding_box()
    page.mouse.move(box["x"] + 0.35 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.7 * box["height"], steps=4)
    page.mouse.up()
    told = page.get_by_text("stars are selected in Explore")
    told.wait_for(timeout=10_000)
    assert not told.inner_text().startswith(f"{OUTLIERS} stars")
    page.get_by_role("button", name="Select outliers in Explore").click()
    page.get_by_text(f"{OUTLIERS} stars are selected in Explore").wait_for(timeout=10_000)
    with page.expect_download() as taken:
        page.get_by_text("Figure as PDF").click()
    assert Path(taken.value.path()).read_bytes().startswith(b"%PDF-")
    page.get_by_role("tab", name="Explore").click()
    explorer.wait_for_views()
    assert explorer.count_text().startswith(f"{OUTLIERS} of")
