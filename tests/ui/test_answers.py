"""Comparison and fit of samples in a real browser."""

import re

import pytest
from driver import brush

pytestmark = pytest.mark.browser

ROWS = ".pane.compare:not([hidden]):not(.stale):not(.rough) .block tbody tr"


def numbers(page):
    """Rows of the comparison once they are complete: their names and texts."""
    page.wait_for_selector(f"{ROWS}:has-text('Kolmogorov')")
    rows = [row.split("\t") for row in page.locator(ROWS).all_inner_texts()]
    return {row[0].strip(): [text.strip() for text in row[1:]] for row in rows}


def test_a_brush_is_answered_in_place(explorer):
    """Two actions to the answer; another brush renews it; a fit is drawn over the views; the dock can be folded."""
    page = explorer.page
    brush(explorer)
    page.get_by_role("button", name="Compare samples").click()
    first = numbers(page)
    assert first["stars"][0] == explorer.count_text().split()[0]
    assert re.fullmatch(r"−?\d+\.\d+ ± \d+\.\d+", first["median"][2])
    assert page.locator(".pane.compare .headline").inner_text().count("“") == 2
    brush(explorer, path=((0.1, 0.3), (0.5, 0.9)))
    second = numbers(page)
    assert second["stars"][0] == explorer.count_text().split()[0] != first["stars"][0]
    canvas = page.locator(".answer-chart canvas").first
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] * 0.6, "y": box["height"] * 0.5})
    page.wait_for_function("() => true")
    assert " to " in page.locator(".answer-chart .beside").first.inner_text()
    page.get_by_role("button", name="Histograms and difference map").click()
    page.get_by_label("Difference map", exact=True).select_option(label="as HR diagram")
    page.wait_for_selector(".pane.compare .map:not([hidden]) canvas")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.wait_for_selector(".pane.fit:not(.stale) tr:has-text('slope')")
    page.wait_for_function(
        """() => Bokeh.documents.map(d => d.get_model_by_name('HR diagram')).find(m => m)
          .renderers.some(r => r.data_source.name === 'fit' && r.data_source.data.xs.length > 3)"""
    )
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export figure and numbers").locator("visible=true").click()
        page.get_by_role("button", name="ECSV").locator("visible=true").click()
    assert saved.value.suggested_filename.endswith("_fit.ecsv")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Fold", exact=True).click()
    page.wait_for_selector(".dock.folded")
    assert page.locator(".dock").bounding_box()["height"] < 40
    page.get_by_role("button", name="Table", exact=True).click()
    page.wait_for_selector(".table tfoot:not(.stale) td:has-text('median')")
