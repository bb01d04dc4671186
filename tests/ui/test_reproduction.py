"""The paper's numbers in the Validate room, in a real browser."""

from pathlib import Path

import pytest
from driver import Server
from products_factory import make_products

from pipeline.reproduction.report import reproduce

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def reproduced_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduced")
    directory = make_products(folder / "invented", 800, spectra=False)
    reproduce(directory, folder / "report")
    running = Server(str(directory))
    yield running
    running.stop()


def test_rows_are_filtered_and_files_taken(visit, reproduced_server):
    explorer = visit(at=reproduced_server)
    explorer.wait_for_views()
    page = explorer.page
    page.get_by_role("tab", name="Validate").click()
    page.get_by_role("tab", name="The paper's numbers").click()
    rows = page.locator(".reproduction tbody tr")
    rows.first.wait_for(timeout=20_000)
    every = rows.count()
    assert every > 70
    assert page.locator(".reproduction .simulated").count() == every
    page.get_by_role("button", name="Fig. 11").click()
    page.locator(".reproduction figure img").wait_for(timeout=20_000)
    assert page.locator(".reproduction figure").count() == 1
    assert page.get_by_text("SIMULATED: Figure 11").is_visible()
    page.get_by_role("button", name="All rows").click()
    page.locator(".reproduction figure").wait_for(state="detached", timeout=20_000)
    page.get_by_role("combobox", name="Verdict").click()
    page.locator("li", has_text="differs (").click()
    page.wait_for_function("() => Bokeh.documents[0].is_idle", timeout=20_000)
    page.locator(".reproduction .not-compared").first.wait_for(state="detached", timeout=20_000)
    assert 0 < rows.count() == page.locator(".reproduction .differs").count() < every
    page.set_viewport_size({"width": 1024, "height": 576})  # 1280 x 720 at a scale of 1.25
    for label in ("Report as PDF", "Numbers as JSON"):
        box = page.get_by_role("button", name=label).bounding_box()
        assert box["x"] + box["width"] <= 1024, f"{label} is cut off"
    for label, start in (("Report as PDF", b"%PDF-"), ("Numbers as JSON", b"{")):
        with page.expect_download() as taken:
            page.get_by_text(label).click()
        assert Path(taken.value.path()).read_bytes().startswith(start)
    page.get_by_role("tab", name="Comparisons").click()
    page.get_by_text("Nothing to compare").wait_for(timeout=20_000)
