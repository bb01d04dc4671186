"""Gestures while something else happens on the page."""

import pytest
from driver import number

pytestmark = pytest.mark.browser

DRAG_TOOL = """() => Bokeh.documents.map(d => d.get_model_by_name('HR diagram')).find(m => m).toolbar.tools[0].type"""
DOTS = """() => Bokeh.documents.map(d => d.get_model_by_name('HR diagram')).find(m => m)
  .renderers.map(r => r.data_source).find(s => s.name === 'stars').data.x.length"""


def begin_drag(explorer):
    """Press the button in the HR diagram and move it half of the way; gives the corner where the drag ends."""
    box, mouse = explorer.box("HR diagram"), explorer.page.mouse
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
    return box["x"] + 0.7 * box["width"], box["y"] + 0.8 * box["height"]


def test_a_drag_ends_with_the_tool_that_it_began_with(explorer):
    page, before = explorer.page, explorer.count_text()
    end = begin_drag(explorer)
    page.keyboard.press("o")
    page.get_by_role("button", name="Lasso", pressed=True).wait_for(timeout=5000)
    page.mouse.move(*end, steps=3)
    assert page.evaluate(DRAG_TOOL) == "BoxSelectTool"
    page.mouse.up()
    first = explorer.wait_for_count(before)
    assert 0 < number(first) < 6000
    page.wait_for_function(f"() => ({DRAG_TOOL})() === 'LassoSelectTool'", timeout=5000)
    explorer.drag("HR diagram", ((0.3, 0.3), (0.6, 0.3), (0.5, 0.6)))
    assert 0 < number(explorer.wait_for_count(first)) < 6000


def test_a_lasso_that_begins_on_an_axis_selects_nothing(explorer):
    explorer.use_tool("Lasso")
    before = explorer.count_text()
    explorer.drag("HR diagram", ((-0.05, 0.3), (0.6, 0.3), (0.5, 0.8)))
    explorer.page.wait_for_timeout(400)
    assert explorer.count_text() == before
    explorer.drag("HR diagram", ((0.05, 0.3), (0.6, 0.3), (0.5, 0.8)))
    assert 0 < number(explorer.wait_for_count(before)) < 6000


def test_stars_may_become_dots_during_a_drag(explorer):
    page, before = explorer.page, explorer.count_text()
    end = begin_drag(explorer)
    for _ in range(12):
        page.mouse.wheel(0, -150)
        page.wait_for_timeout(300)
        if page.evaluate(DOTS):
            break
    page.mouse.move(*end, steps=3)
    page.mouse.up()
    assert page.evaluate(DOTS)
    assert number(explorer.wait_for_count(before)) < 6000


def test_a_row_of_the_table_is_chosen_by_the_keyboard(explorer):
    page = explorer.page
    page.locator(".table td[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    explorer.wait_for_spectrum()
    row = page.locator(".table tbody tr").nth(1)
    page.get_by_text(f"obsid {row.locator('td').first.inner_text()}").wait_for(timeout=5000)
    assert "focused" in row.get_attribute("class")
