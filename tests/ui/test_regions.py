"""Drawn regions in a real browser: moved, resized and typed, by mouse and keyboard, on scaled axes."""

import pytest
from driver import brush, number

pytestmark = [pytest.mark.browser, pytest.mark.long]

FOCUSED = """() => {
  let at = document.activeElement
  while (at.shadowRoot) at = at.shadowRoot.activeElement
  return at.getAttribute('aria-label')
}"""
BOX = [(0.3, 0.3), (0.6, 0.6)]


def outline(explorer, view="HR diagram"):
    """The outline of the first region of a view."""
    return explorer.page.get_by_role("region", name=view, exact=True).locator(".region .hit").first


def handle(explorer, name, view="HR diagram"):
    """The middle of a handle on screen."""
    box = (
        explorer.page.get_by_role("region", name=view, exact=True).locator(f'.handle[data-id="{name}"]').bounding_box()
    )
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pull(explorer, name, across, down):
    """Pull a handle by pixels; the count that follows."""
    count = explorer.count_text()
    x, y = handle(explorer, name)
    mouse = explorer.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + across, y + down, steps=8)
    now = explorer.wait_for_count(count)
    mouse.up()
    explorer.page.wait_for_timeout(700)  # the last step
    assert explorer.count_text() != count, now
    return explorer.count_text()


def test_a_box_is_resized_moved_and_undone_by_mouse(explorer):
    _, drawn = brush(explorer, path=BOX)
    page = explorer.page
    wider = pull(explorer, "x1y1", -25, 25)  # the lower left one, as both axes grow downwards and leftwards
    assert number(wider) > number(drawn)
    left, _ = handle(explorer, "x0")
    right, _ = handle(explorer, "x1")
    assert abs(left - right) > 60
    count = explorer.count_text()
    x, y = handle(explorer, "x0")
    edge = y + 14  # on the outline, beside the handle
    page.mouse.move(x, edge)
    page.mouse.down()
    page.mouse.move(x + 50, edge, steps=6)
    moved = explorer.wait_for_count(count)
    page.mouse.up()
    page.wait_for_timeout(700)
    assert abs(handle(explorer, "x0")[0] - x - 50) < 3
    assert handle(explorer, "x1")[0] - handle(explorer, "x0")[0] == pytest.approx(right - left, abs=3)
    page.keyboard.press("u")
    assert explorer.wait_for_count(explorer.count_text()) == wider, moved
    page.keyboard.press("u")
    assert explorer.wait_for_count(wider) == drawn, "one step for each drag"


def test_a_region_is_moved_resized_typed_and_removed_by_keyboard(explorer):
    _, drawn = brush(explorer, path=BOX)
    page = explorer.page
    page.mouse.move(5, 5)
    outline(explorer).focus()
    x, _ = handle(explorer, "x0")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    explorer.wait_for_count(drawn)
    page.wait_for_timeout(700)
    assert abs(handle(explorer, "x0")[0] - x - 30) < 2
    page.keyboard.press("Tab")
    focused = page.evaluate(FOCUSED)
    assert "x" in focused.split(":")[0], "the first handle"
    page.keyboard.press("Escape")
    outline(explorer).focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="Region 1:").first
    field.fill("3000 K")
    count = explorer.count_text()
    field.press("Tab")
    explorer.wait_for_count(count)
    assert field.input_value() == "3000"
    field.fill("warm")
    field.press("Tab")
    page.get_by_text("'warm' is no value of").wait_for(timeout=8_000)
    page.keyboard.press("Escape")
    outline(explorer).focus()
    count = explorer.count_text()
    page.keyboard.press("Delete")
    assert explorer.wait_for_count(count).startswith("6,000 of 6,000")
    assert page.locator(".region").count() == 0


def test_a_region_on_a_logarithmic_axis_and_one_by_numbers(explorer):
    page = explorer.page
    card = page.get_by_role("region", name="HR diagram", exact=True)
    card.get_by_role("button", name="Axes, overlays and pictures").click()
    card.get_by_label("X scale").select_option("log")
    page.keyboard.press("Escape")
    page.wait_for_timeout(2000)  # the view is built anew
    explorer.wait_for_views()
    _, drawn = brush(explorer, path=BOX)
    assert number(pull(explorer, "y1", 0, -30)) != number(drawn)
    page.wait_for_timeout(300)
    card.get_by_role("button", name="Axes, overlays and pictures").click()
    card.get_by_label("New region by numbers").select_option("polygon")
    count = explorer.count_text()
    card.get_by_label("New region: corners").fill("3000, -1\n6000, -1\n6000, 6\n3000, 6")
    card.get_by_role("button", name="Select", exact=True).click()
    assert number(explorer.wait_for_count(count)) > number(count)
    page.keyboard.press("Escape")
    assert card.locator(".region .handle").count() == 4


def test_a_range_of_a_view_that_was_chosen_under_the_lasso(explorer):
    page = explorer.page
    explorer.use_tool("Lasso")
    page.get_by_label("View", exact=True).nth(2).select_option("histogram")
    card = page.get_by_role("region", name="Histogram").first
    card.wait_for(timeout=10_000)
    title = card.get_attribute("aria-label")
    page.wait_for_timeout(1500)
    explorer.use_tool("Box")
    count = explorer.count_text()
    explorer.drag(title, [(0.4, 0.5), (0.6, 0.6)])
    drawn = explorer.wait_for_count(count)
    box = card.locator('.handle[data-id="x1"]').bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 25, y, steps=5)
    wider = explorer.wait_for_count(drawn)
    page.mouse.up()
    assert number(wider) > number(drawn)
