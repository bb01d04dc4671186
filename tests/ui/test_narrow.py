"""Small windows, such as 1280 x 720 at a zoom of 125 %, and panels whose edges move."""

import re

import pytest

pytestmark = pytest.mark.browser

WALK = """const walk = root => [...root.querySelectorAll('*')].flatMap(
  e => [e, ...(e.shadowRoot ? walk(e.shadowRoot) : [])])"""
UNREACHABLE = f"""(opened) => {{
  {WALK}
  const bar = walk(document).find(e => e.matches('.toolbar'))
  return [...bar.querySelectorAll('button, select, .light')].filter(e => !e.hidden && (opened || !e.closest('.popup')))
    .filter(e => !e.closest('.chip[hidden], .who[hidden], .columns [hidden]'))
    .filter(e => {{
      const box = e.getBoundingClientRect()
      const top = e.getRootNode().elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
      return box.width < 4 || box.right > innerWidth || !e.contains(top)
    }}).map(e => e.ariaLabel || e.innerText)
}}"""
"""Buttons, lists and the light of the toolbar that are outside the window or under something."""

BOX = f"""(selector) => {{
  {WALK}
  const box = walk(document).find(e => e.matches(selector)).getBoundingClientRect()
  return {{x: box.x, y: box.y, width: box.width, height: box.height}}
}}"""
COLUMNS = f"""() => {{
  {WALK}
  return new Set(walk(document).filter(e => e.matches('.stage > .card')).map(e => e.getBoundingClientRect().x)).size
}}"""
WHOLE_ROWS = f"""() => {{
  {WALK}
  const table = walk(document).find(e => e.matches('.dock .scroll'))
  const [top, bottom] = [table.querySelector('thead'), table].map(e => e.getBoundingClientRect().bottom)
  const inside = row => row.getBoundingClientRect().top >= top - 1 && row.getBoundingClientRect().bottom <= bottom + 1
  return [...table.querySelectorAll('tbody tr')].filter(inside).length
}}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 576), (853, 480), (820, 1180), (640, 600)])
def test_every_tool_is_reached(visit, width, height):
    explorer = visit(width=width, height=height)
    explorer.wait_for_views()
    page = explorer.page
    assert page.evaluate(UNREACHABLE, False) == []
    more = page.get_by_role("button", name="More tools")
    if more.is_visible():
        more.click()
        assert page.evaluate(UNREACHABLE, True) == []
    assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")


def test_tools_return_to_the_bar_of_a_wider_window(visit):
    explorer = visit(width=820, height=700)
    explorer.wait_for_views()
    page = explorer.page
    more, undo = page.get_by_role("button", name="More tools"), page.get_by_role("button", name=re.compile("^Undo"))
    more.click()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Add", exact=True).and_(page.locator("[aria-pressed=true]")).wait_for(timeout=5000)
    page.keyboard.press("Escape")
    assert not undo.is_visible()
    page.set_viewport_size({"width": 1500, "height": 800})
    undo.wait_for(state="visible", timeout=5000)
    assert not more.is_visible()


def test_a_narrow_window_has_two_columns_and_a_star_above_them(visit):
    explorer = visit(width=1024, height=576)
    explorer.wait_for_views()
    page = explorer.page
    assert page.evaluate(COLUMNS) == 2
    assert page.evaluate(WHOLE_ROWS) >= 3
    star = page.locator(".star")
    assert not star.is_visible()
    page.locator(".dock tbody tr").first.click()
    star.wait_for(state="visible", timeout=10_000)
    explorer.wait_for_spectrum()
    enlarge = page.locator(".star").get_by_role("button", name="Enlarge")
    box = enlarge.bounding_box()
    assert box["x"] + box["width"] <= 1024
    page.get_by_role("button", name="Next star").click()
    page.keyboard.press("Escape")
    star.wait_for(state="hidden", timeout=5000)
    assert explorer.curve_length() > 1000


def test_a_tall_narrow_window_has_the_star_below(visit):
    explorer = visit(width=820, height=1180)
    explorer.wait_for_views()
    stage, star = explorer.page.evaluate(BOX, ".stage"), explorer.page.evaluate(BOX, ".star")
    assert star["y"] > stage["y"] + stage["height"]
    assert star["width"] > 780


def test_edges_move_by_mouse_and_keys_and_are_remembered(visit):
    explorer = visit()
    explorer.wait_for_views()
    page = explorer.page
    edge = page.get_by_role("separator", name="Size of the star panel")
    before = page.evaluate(BOX, ".star")["width"]
    box = edge.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] - 57, box["y"] + 100, steps=3)
    page.mouse.up()
    dragged = page.evaluate(BOX, ".star")["width"]
    assert dragged == pytest.approx(before + 60, abs=3)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(BOX, ".star")["width"] == pytest.approx(dragged - 16, abs=2)
    assert edge.get_attribute("aria-valuenow") == str(round(page.evaluate(BOX, ".star")["width"]))
    page.keyboard.press("Home")
    assert page.evaluate(BOX, ".star")["width"] == pytest.approx(280, abs=2)
    table = page.get_by_role("separator", name="Height of the panel below the views")
    lower = page.evaluate(BOX, ".dock")["height"]
    table.focus()
    page.keyboard.press("Shift+ArrowUp")
    assert page.evaluate(BOX, ".dock")["height"] == pytest.approx(lower + 80, abs=3)
    page.reload()
    explorer.wait_for_views()
    assert page.evaluate(BOX, ".star")["width"] == pytest.approx(280, abs=2)
    assert page.evaluate(BOX, ".dock")["height"] == pytest.approx(lower + 80, abs=3)
    edge.dblclick()
    table.dblclick()
    assert page.evaluate(BOX, ".star")["width"] == pytest.approx(before, abs=2)
    assert page.evaluate(BOX, ".dock")["height"] == pytest.approx(lower, abs=2)


def test_the_star_panel_folds_and_opens_for_a_chosen_star(visit):
    explorer = visit()
    explorer.wait_for_views()
    page = explorer.page
    width = page.evaluate(BOX, ".stage")["width"]
    page.locator(".toolbar").get_by_role("button", name="Fold the star panel").click()
    assert not page.locator(".star").is_visible()
    assert page.evaluate(BOX, ".stage")["width"] > 1.4 * width
    page.reload()
    explorer.wait_for_views()
    assert not page.locator(".star").is_visible()
    page.locator(".dock tbody tr").nth(2).click()
    page.locator(".star").wait_for(state="visible", timeout=10_000)
    explorer.wait_for_spectrum()
