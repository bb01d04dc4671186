"""Corner plots, marginal histograms and tables over the views in a real browser."""

import pytest
from driver import brush, number

pytestmark = [pytest.mark.browser, pytest.mark.long]

FIGURE = "((part) => Bokeh.documents.flatMap((d) => d.roots()).find((m) => m.name?.includes(part)))"

LABELS = f"""(part) => {{
  const figure = {FIGURE}(part)
  const texts = (axis) => [...axis.major_label_overrides.values()]
  return {{ x: figure.below.flatMap(texts), y: figure.left.flatMap(texts) }}
}}"""

SOURCE = f"""([part, name]) => {{
  const source = {FIGURE}(part).renderers.map((r) => r.data_source).find((s) => s.name === name)
  return source ? Object.values(source.data)[0].length : 0
}}"""

INKED = """(canvas) => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  return data.filter((value, k) => k % 4 === 3 && value > 0).length
}"""

TRACK = b"teff,logg\n4100,1.6\n3900,1.1\n3700,0.5\n"


def corner_of(explorer):
    """Show a corner plot in the second place and wait for it; returns its name."""
    page = explorer.page
    page.locator("select.view").nth(1).select_option("corner")
    page.wait_for_function(f"() => {FIGURE}('Corner plot')")
    name = page.evaluate(f"() => {FIGURE}('Corner plot').name")
    explorer.wait_for_views(name)
    return name


def test_a_drag_in_any_cell_of_a_corner_plot_selects(explorer):
    page = explorer.page
    name = corner_of(explorer)
    page.get_by_role("button", name="Enlarge").nth(1).click()
    page.get_by_role("button", name="Back", exact=True).wait_for()
    page.wait_for_function(f"() => ({LABELS})('Corner plot').x.includes('Teff [K]')")
    labels = page.evaluate(LABELS, "Corner plot")
    assert {"Teff [K]", "log g [dex]"} <= {*labels["x"], *labels["y"]}
    assert len(labels["x"]) > 8, "numbers below the last row"
    before, count = explorer.image(name), explorer.count_text()
    explorer.drag(name, ((0.05, 0.8), (0.15, 0.95)))  # in the lower left cell of four
    explorer.wait_for_image(name, before)
    in_plane = number(explorer.wait_for_count(count))
    assert 0 < in_plane < 6000
    assert page.evaluate(SOURCE, ["Corner plot", "steps_selected"]) == 4
    count = explorer.count_text()
    explorer.drag(name, ((0.8, 0.8), (0.87, 0.95)))  # in the last histogram
    assert number(explorer.wait_for_count(count)) != in_plane


def test_columns_of_a_corner_plot_are_added_and_removed(explorer):
    page = explorer.page
    corner_of(explorer)
    page.get_by_role("button", name="Axes, overlays and pictures").nth(1).click()
    columns = page.get_by_role("group", name="Columns")
    columns.get_by_role("button", name="Remove column 1").click()
    page.wait_for_function(f"() => ({SOURCE})(['Corner plot', 'steps_all']) === 3")
    columns.get_by_role("button", name="Add: Add a column…").click()
    page.get_by_role("combobox", name="Add").fill("distance")
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => ({SOURCE})(['Corner plot', 'steps_all']) === 4")


def test_marginal_histograms_follow_the_plane_and_select_a_range(explorer):
    page = explorer.page
    page.get_by_role("button", name="Axes, overlays and pictures").first.click()
    page.get_by_label("Marginal histograms").first.check()
    page.keyboard.press("Escape")
    margin = page.locator("canvas.margin.x")
    margin.wait_for()
    page.wait_for_function(f"(canvas) => ({INKED})(canvas) > 500", arg=margin.element_handle())
    across, frame = margin.bounding_box(), explorer.box("HR diagram")
    assert across["x"] == pytest.approx(frame["x"], abs=1.0)
    assert across["width"] == pytest.approx(frame["width"], abs=1.0)
    assert across["y"] + across["height"] <= frame["y"] + 1.0
    count = explorer.count_text()
    middle = across["y"] + 0.5 * across["height"]
    page.mouse.move(across["x"] + 0.6 * across["width"], middle)
    page.mouse.down()
    page.mouse.move(across["x"] + 0.8 * across["width"], middle, steps=3)
    page.mouse.up()
    selected = number(explorer.wait_for_count(count))
    assert 0 < selected < 6000
    brush(explorer)  # the plane itself still selects
    assert page.locator("canvas.margin").count() == 2


def test_a_table_is_laid_over_the_views_changed_and_removed(explorer):
    page = explorer.page
    page.keyboard.press("/")
    chosen = page.get_by_label("Table to lay over the views")
    chosen.set_input_files({"name": "AGB track.csv", "mimeType": "text/csv", "buffer": TRACK})
    page.get_by_text("AGB track: 3 rows; Teff from teff").wait_for()
    page.wait_for_function(f"() => ({SOURCE})(['HR diagram', 'table']) === 1")
    page.get_by_label("Show AGB track").uncheck()
    page.wait_for_function(f"() => ({SOURCE})(['HR diagram', 'table']) === 0")
    page.get_by_label("Show AGB track").check()
    page.wait_for_function(f"() => ({SOURCE})(['HR diagram', 'table']) === 1")
    page.get_by_text("3 rows, in views of two of").click()
    page.get_by_label("Look of AGB track").select_option("points")
    page.wait_for_function(f"() => ({SOURCE})(['HR diagram', 'table']) === 3")
    chosen.set_input_files({"name": "words.csv", "mimeType": "text/csv", "buffer": b"a,b\nc,d\n"})
    page.get_by_text("columns of numbers").wait_for()
    page.get_by_role("button", name="Remove AGB track").click()
    page.wait_for_function(f"() => ({SOURCE})(['HR diagram', 'table']) === 0")
