"""Histograms in a real browser."""

import pytest

pytestmark = pytest.mark.browser

BARS = "Bokeh.documents.map(d => d.get_model_by_name('Histogram of [M/H]')).find(m => m)"
TICKS = f"""() => {{
  const axis = Bokeh.index.find_one_by_id({BARS}.left[0].id)
  const [, ticks] = axis.tick_coords.major
  return axis.compute_labels(ticks).items.map(label => label.text)
}}"""


def test_ticks_of_logarithmic_numbers_are_powers_of_ten(explorer):
    page = explorer.page
    page.locator(".card select.view").first.select_option("histogram")
    page.wait_for_function(f"() => {BARS}")
    page.get_by_role("button", name="Axes, overlays and pictures").first.click()
    page.get_by_label("Y scale").first.select_option("log")
    page.wait_for_function(f"() => ({TICKS})().slice(0, 2).join() === '1,10'", timeout=10_000)
    shown = page.evaluate(TICKS)
    assert shown[:3] == ["1", "10", "100"]
    assert all(float(text) in {10.0**power for power in range(9)} for text in shown)
