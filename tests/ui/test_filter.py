"""The filter field: completion, errors, subsets, keys."""

import os
import signal

import pytest
from driver import colour_by, number
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_filter_completion_error_subset_and_keys(explorer):
    page = explorer.page
    page.keyboard.press("/")
    field = page.get_by_label("Filter expression")
    field.fill("te")
    page.get_by_role("option").filter(has_text="Effective temperature").first.wait_for(timeout=5000)
    field.fill("teff < 3700 & nonsense > 1")
    page.get_by_text("There is no column, bit, subset or function 'nonsense'").wait_for(timeout=5000)
    field.fill("teff < 3700 & snr > 20")
    page.get_by_text("stars fit").wait_for(timeout=5000)
    count = explorer.count_text()
    field.press("Enter")
    cool = number(explorer.wait_for_count(count))
    assert 0 < cool < 6000
    page.get_by_label("Name of the subset").fill("a`b")
    page.get_by_role("button", name="Save selection").click()
    page.get_by_text("'a`b' cannot name a subset").first.wait_for(timeout=5000)
    page.get_by_label("Name of the subset").fill("cool")
    page.get_by_role("button", name="Save selection").click()
    page.get_by_role("button", name="cool", exact=True).wait_for(timeout=5000)
    page.get_by_role("button", name="Cone", exact=True).click()
    page.get_by_text("Give right ascension, declination and radius in degrees.").wait_for(timeout=5000)
    assert explorer.count_text() != count
    field.press("Escape")
    page.keyboard.press("u")
    page.keyboard.press("u")
    page.wait_for_function("() => true")
    page.get_by_text("6,000 of 6,000").first.wait_for(timeout=5000)
    page.keyboard.press("?")
    page.get_by_text("move the view").wait_for(timeout=5000)


def test_tab_completes_the_word_at_the_caret(explorer):
    page = explorer.page
    page.keyboard.press("/")
    field = page.get_by_label("Filter expression")
    field.press_sequentially("te")
    page.get_by_role("option").filter(has_text="Effective temperature").first.wait_for(timeout=5000)
    field.press_sequentially("ff < 3800 & snr > 50 & al")
    field.press("Tab")
    written = "teff < 3800 & snr > 50 & alpha_m"
    expect(field).to_have_value(written)
    for place in ("End", "Home"):  # after a whole word, and where none is begun
        field.press(place)
        page.wait_for_timeout(400)
        field.press("Tab")
        expect(field).not_to_be_focused()
        expect(field).to_have_value(written)
        field.focus()
    field.fill("alpha > 0")
    for key in ("Home", "ArrowRight", "ArrowRight", "Tab"):
        field.press(key)
    expect(field).to_have_value("alpha_m > 0")


def test_words_that_come_late_change_nothing_that_was_written_since(explorer):
    page = explorer.page
    page.keyboard.press("/")
    field = page.get_by_label("Filter expression")
    field.press_sequentially("te")
    page.get_by_role("option").filter(has_text="Effective temperature").first.wait_for(timeout=5000)
    os.kill(explorer.server.process.pid, signal.SIGSTOP)
    try:
        field.press_sequentially("ff < 3800 & al")
        page.get_by_role("option").filter(has_text="Effective temperature").first.click()
        field.press("End")
        field.press("Tab")
        field.press_sequentially(" > 0 & sn")
        page.wait_for_timeout(300)
    finally:
        os.kill(explorer.server.process.pid, signal.SIGCONT)
    page.get_by_role("option").filter(has_text="Signal").first.wait_for(timeout=5000)
    assert field.input_value() == "teff < 3800 & al > 0 & sn"


def test_errors_are_marked_where_they_stand_after_any_letter(explorer):
    page = explorer.page
    page.keyboard.press("/")
    page.get_by_label("Filter expression").fill("'\U0001f31f' & teff > 1")
    expect(page.locator(".error mark")).to_have_text("'\U0001f31f'")


def test_a_subset_with_blanks_and_a_computed_column(explorer):
    page = explorer.page
    page.keyboard.press("/")
    field = page.get_by_label("Filter expression")
    field.fill("teff < 3700 K && sin(b) > 0")
    expect(page.get_by_label("How the expression was understood").first).to_contain_text("sin of degrees")
    count = explorer.count_text()
    field.press("Enter")
    cool = number(explorer.wait_for_count(count))
    page.get_by_label("Name of the subset").fill("<b>cool</b> & b")
    page.get_by_role("button", name="Save selection").click()
    page.get_by_role("button", name="<b>cool</b> & b", exact=True).wait_for(timeout=5000)
    field.fill("snr > 0 & `<b>")
    page.locator(".words li").filter(has_text="named subset").wait_for(timeout=5000)
    field.press("Tab")
    expect(field).to_have_value("snr > 0 & `<b>cool</b> & b`")
    page.get_by_text(f"{cool:,} stars fit").wait_for(timeout=5000)

    page.get_by_role("button", name="New column…").click()
    page.get_by_label("Name of the column").fill("cool_by")
    page.get_by_label("Label of the column").fill("Coolness")
    column = page.get_by_label("Expression of the column")
    column.fill("3800 K - te")
    page.get_by_role("option").filter(has_text="Effective temperature").first.wait_for(timeout=5000)
    expect(page.locator(".side .error:visible")).to_have_count(0)  # the word may become one
    column.press("ArrowDown")
    column.press("Enter")
    expect(column).to_have_value("3800 K - teff")
    page.get_by_text("of 6,000 stars").first.wait_for(timeout=5000)
    column.press("Enter")
    page.get_by_role("button", name="cool_by [K]").wait_for(timeout=5000)
    colour_by(page, "cool_by")
    page.get_by_role("columnheader", name="Coolness [K]").wait_for(timeout=5000)
    page.get_by_role("button", name="Remove cool_by").click()
    page.get_by_text("cool_by is in use by the colours").wait_for(timeout=5000)
