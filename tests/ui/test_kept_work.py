"""Kept work in a real browser: a reload, a closed tab, a dark system."""

import pytest
from driver import Explorer, Server, brush, colour_by, colour_of

pytestmark = [pytest.mark.browser, pytest.mark.long]

GROUND = "() => getComputedStyle(document.body).backgroundColor"
DARK = "rgb(18, 18, 18)"


def test_a_reload_and_a_new_tab_continue_and_a_chosen_theme_stays(browser, products, tmp_path):
    running = Server(str(products), environment={"MGIANT_HOME": str(tmp_path / "home")})
    context = browser.new_context(viewport={"width": 1600, "height": 900}, color_scheme="dark")
    try:
        explorer = Explorer(context.new_page(), running, "")
        page = explorer.page
        explorer.wait_for_views()
        assert page.evaluate(GROUND) == DARK, "as the system is"
        assert page.locator(".explore.dark").count() == 1
        _, count = brush(explorer)
        page.keyboard.press("/")
        page.get_by_label("Name of the subset").fill("mine")
        page.get_by_role("button", name="Save selection").click()
        page.get_by_role("button", name="mine", exact=False).first.wait_for()
        page.get_by_label("Filter expression").fill("teff < 37")
        colour_by(page, "teff")
        page.get_by_label("Number of views").select_option("4")
        page.locator("[aria-label='Toggle theme']").first.click()
        page.wait_for_function("() => getComputedStyle(document.body).backgroundColor !== 'rgb(18, 18, 18)'")
        page.wait_for_function("() => document.cookie.includes('mgiant-dark=0')")

        page.reload()
        explorer.wait_for_views()
        page.get_by_text("Continued where you left off.").wait_for(timeout=10_000)
        assert explorer.count_text() == count
        assert page.get_by_label("Filter expression").input_value() == "teff < 37"
        assert colour_of(page) == "teff"
        assert page.get_by_label("Number of views").input_value() == "4"
        assert page.evaluate(GROUND) != DARK, "light was chosen"
        page.mouse.click(5, 5)
        page.keyboard.press("u")  # the subset
        page.keyboard.press("u")
        assert explorer.wait_for_count(count).startswith("6,000 of"), "a step from before the reload"
        assert page.get_by_role("button", name="Undo (").is_disabled()
        page.keyboard.press("U")
        assert explorer.wait_for_count("6,000 of 6,000 selected") == count
        page.keyboard.press("U")

        other = Explorer(context.new_page(), running, "")
        other.wait_for_views()
        assert other.count_text() == count
        other.page.get_by_role("button", name="Start afresh").click()
        assert other.wait_for_count(count).startswith("6,000 of")
        other.page.get_by_role("button", name="Continue where you left off").click()
        assert other.wait_for_count("6,000 of 6,000 selected") == count
        for one in (explorer, other):
            assert one.console_errors == []
        assert running.complaints() == []
    finally:
        context.close()
        running.stop()


def test_a_link_opens_without_the_tour_which_it_offers(browser, server):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    try:
        explorer = Explorer(context.new_page(), server, "?link=unknown", tour=True)
        page = explorer.page
        explorer.wait_for_views()
        assert page.locator(".tour, dialog.welcome").count() == 0
        page.get_by_role("button", name="Enlarge").first.click()
        page.get_by_role("button", name="Start the tour").click()
        for _ in range(6):
            if not page.locator(".tour").is_visible():
                break
            ringed = page.locator(".ringed").bounding_box()
            assert ringed["width"] > 0
            page.locator(".tour").get_by_role("button").last.click()
        assert explorer.console_errors == []
    finally:
        context.close()


def test_a_session_is_saved_and_opened_as_a_file(visit, tmp_path):
    first = visit()
    first.wait_for_views()
    _, count = brush(first)
    colour_by(first.page, "teff")
    first.page.get_by_role("button", name="Link, export").click()
    with first.page.expect_download() as saved:
        first.page.get_by_role("button", name="Save session").click()
    path = tmp_path / saved.value.suggested_filename
    saved.value.save_as(path)
    again = visit()
    again.wait_for_views()
    page = again.page
    whole = again.count_text()
    open_file(page, path)
    assert again.wait_for_count(whole) == count
    assert colour_of(page) == "teff"
    page.get_by_role("button", name="Return to what was before").click()
    assert again.wait_for_count(count) == whole
    other = tmp_path / "other.json"
    other.write_text('{"format": "something else"}')
    open_file(page, other)
    page.get_by_text("This is no session file").wait_for(timeout=10_000)
    assert again.count_text() == whole


def open_file(page, path):
    """Choose a session file in the dialog."""
    page.get_by_role("button", name="Link, export").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open session").click()
    chooser.value.set_files(path)
