"""The welcome of a first visit, stories and the tour, with mouse and keyboard."""

import pytest
from driver import Explorer, Server, number
from playwright.sync_api import expect
from products_factory import make_products

from tests.quick_build import build_real_table

pytestmark = [pytest.mark.browser, pytest.mark.long]

STORIES = ("Find the Sagittarius stream", "Slice the disc", "Judge odd fits", "Open your own table")
PLACES = """() => {
  const inside = (el) => [el, ...(el.shadowRoot ? walk(el.shadowRoot) : [])]
  const walk = (root) => [...root.querySelectorAll('*')].flatMap(inside)
  const all = walk(document)
  const box = (name) => {
    const { left, top, right, bottom } = all.find((el) => el.matches(name))?.getBoundingClientRect() ?? {}
    return left === undefined ? null : [left, top, right, bottom]
  }
  return { tour: box('.tour'), ringed: box('.ringed'), screen: [innerWidth, innerHeight] }
}"""
"""Boxes of the bubble and of what it explains."""


@pytest.fixture
def first_visit(browser, server):
    """Opens pages of a browser that was never here; afterwards none may have logged an error."""
    contexts, opened = [], []

    def open_page(width=1280, height=720, at=None):
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        explorer = Explorer(context.new_page(), at or server, tour=True)
        opened.append(explorer)
        explorer.page.locator("dialog.welcome").wait_for(timeout=30_000)
        return explorer

    yield open_page
    for explorer in opened:
        assert explorer.console_errors == []
        assert explorer.foreign == []
        assert explorer.server.complaints() == []
    for context in contexts:
        context.close()


def start(explorer, title):
    """Start a story from the welcome that is open."""
    explorer.page.locator("dialog.welcome").get_by_role("button", name=title).click()
    explorer.page.locator(".tour").wait_for(timeout=20_000)


def follow(explorer):
    """Go through all steps by the keyboard; returns how many there were. None may cover what it explains."""
    page, steps = explorer.page, 0
    page.wait_for_timeout(1500)  # the views are painted
    while page.locator(".tour").count():
        steps += 1
        places = page.evaluate(PLACES)
        (left, top, right, bottom), (width, height) = places["tour"], places["screen"]
        assert left >= 0
        assert right <= width
        assert top >= 0
        assert bottom <= height
        if places["ringed"]:
            x0, y0, x1, y1 = places["ringed"]
            across, down = min(x1, right) - max(x0, left), min(y1, bottom) - max(y0, top)
            assert across <= 0 or down <= 0, page.locator(".tour p").inner_text()
        page.keyboard.press("PageDown")
    return steps


def test_a_first_visit_is_welcomed_once_with_a_star(first_visit):
    explorer = first_visit()
    page = explorer.page
    dialog = page.locator("dialog.welcome")
    assert dialog.locator("p").count() == 3
    assert [dialog.get_by_role("button", name=title).is_enabled() for title in STORIES] == [True] * 4
    explorer.wait_for_spectrum()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    again = Explorer(page.context.new_page(), explorer.server, tour=True)
    again.wait_for_views()
    again.wait_for_spectrum()
    assert again.page.locator("dialog.welcome").count() == 0
    again.page.keyboard.press("?")
    again.page.get_by_role("button", name="Welcome and stories").click()
    again.page.locator("dialog.welcome").wait_for(timeout=5000)
    assert again.console_errors == []


@pytest.mark.parametrize("title", STORIES)
def test_a_story_is_followed_by_the_keyboard_and_undone(first_visit, title):
    explorer = first_visit()
    page, before = explorer.page, explorer.count_text()
    start(explorer, title)
    after = explorer.count_text()
    assert 2 <= follow(explorer) <= 4
    undo = page.get_by_role("button", name="Undo", exact=False)
    assert undo.is_enabled()
    page.keyboard.press("u")
    if number(after) != number(before):
        assert explorer.wait_for_count(after) == before
    expect(page.get_by_label("Number of views")).to_have_value("6", timeout=20_000)
    expect(undo).to_be_disabled(timeout=20_000)
    explorer.wait_for_views()


@pytest.mark.parametrize(("width", "height"), [(1024, 576), (1440, 900)])
def test_no_step_of_the_tour_covers_what_it_explains(first_visit, width, height):
    explorer = first_visit(width, height)
    explorer.page.get_by_role("button", name="Tour of the controls").click()
    assert follow(explorer) >= 6


def test_a_tour_that_a_reload_ended_is_resumed_from_help(first_visit):
    explorer = first_visit()
    page = explorer.page
    start(explorer, STORIES[0])
    page.keyboard.press("PageDown")
    page.locator(".tour .hint", has_text="2 of").wait_for()
    words = page.locator(".tour p").inner_text()
    page.reload()
    explorer.wait_for_views()
    assert page.locator("dialog.welcome").count() == 0
    page.get_by_role("button", name="Help and shortcuts").click()
    page.get_by_role("button", name=f"Resume “{STORIES[0]}” at step 2").click()
    page.locator(".tour").wait_for(timeout=20_000)
    assert page.locator(".tour p").inner_text() == words
    page.keyboard.press("PageUp")
    page.locator(".tour .hint", has_text="1 of").wait_for()
    page.keyboard.press("Escape")
    page.locator(".tour").wait_for(state="detached")
    page.get_by_role("button", name="Help and shortcuts").click()
    page.get_by_role("button", name=f"Resume “{STORIES[0]}” at step 1").wait_for()


@pytest.mark.parametrize(("kind", "possible"), [("no spectra", 3), ("real table", 2)])
def test_a_story_without_what_it_needs_is_grey_and_says_why(first_visit, request, tmp_path, kind, possible):
    if kind == "real table":
        product = build_real_table(request.getfixturevalue("shared_data"), tmp_path)
    else:
        product = make_products(tmp_path / "plain", 300, spectra=False)
    running = Server(str(product), environment={"MGIANT_HOME": str(tmp_path / "home")})
    try:
        explorer = first_visit(at=running)
        dialog = explorer.page.locator("dialog.welcome")
        offered = {title: dialog.get_by_role("button", name=title) for title in STORIES}
        assert offered["Judge odd fits"].is_disabled()
        assert "This catalogue has no spectra." in offered["Judge odd fits"].inner_text()
        enabled = [title for title, button in offered.items() if button.is_enabled()]
        assert len(enabled) == possible
        start(explorer, enabled[0])
        assert follow(explorer) >= 2
        assert explorer.console_errors == []
        assert running.complaints() == []
    finally:
        running.stop()
        running.lines.clear()  # a server that is told to stop may complain of the page that it leaves behind
